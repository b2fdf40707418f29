"""The guilty line, shown with its neighbours, its callers and its values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.catalogue.gaps import Gaps
from grader.report.code import code
from grader.verdict.model import Excerpt
from tests.conftest import Graded, by_slug

STRANGERS = Path(__file__).parent / "strangers"
GradeText = Callable[..., dict | None]

EXCERPT = Excerpt(
    12, ("while True:", "    data = sock.recv(4096)", ""), 13, (("sock", "socket fd 3"),), ((46, "echo(listener)"),)
)


def test_an_arrow_points_to_the_line_between_its_neighbours() -> None:
    assert code(EXCERPT, 60) == [
        "   12  while True:",
        "-> 13      data = sock.recv(4096)",
        "       called at 46: echo(listener)",
        "       sock = socket fd 3",
    ]


def test_an_excerpt_fits_its_column() -> None:
    long = Excerpt(1, ("x" * 200,), 1, (("name", "value " * 30),), ((7, "y" * 300),))

    assert max(map(len, code(long, 60))) <= 60


def guilty(failure: dict) -> str:
    """The line under the arrow."""
    excerpt = failure["diagnosis"]["excerpt"]
    return excerpt["lines"][excerpt["at"] - excerpt["first"]].strip()


def values(failure: dict) -> dict[str, str]:
    return dict(failure["diagnosis"]["excerpt"]["values"])


def test_a_wrong_value_is_shown_where_it_was_returned(grade_text: GradeText) -> None:
    text = Gaps(by_slug("endpoints")).mutant("python", "host-order-port")

    failure = grade_text(by_slug("endpoints"), "python", text)

    assert guilty(failure) == 'return struct.pack("=BH", family, number) + address'
    assert values(failure) == {"family": "4", "number": "3490", "address": r"b'\xc0\x00\x02\x01'"}


def test_a_wrong_value_of_c_is_shown_where_it_was_returned(grade_text: GradeText) -> None:
    for slug, line, shown in (
        ("host-order-port", "return (ssize_t)(3 + address_size);", {"address_size": "4"}),
        ("trailing-bytes", "return 0;", {}),
    ):
        failure = grade_text(by_slug("endpoints"), "c", Gaps(by_slug("endpoints")).mutant("c", slug))

        assert (guilty(failure), values(failure)) == (line, shown)


HELPED = """
def pack_endpoint(text):
    return packed(text)


def packed(text):
    if text:
        return b"nothing"
    return b""


def unpack_endpoint(record):
    return ""
"""


def test_what_a_helper_returned_is_shown_in_the_helper(grade_text: GradeText) -> None:
    excerpt = grade_text(by_slug("endpoints"), "python", HELPED)["diagnosis"]["excerpt"]

    assert excerpt["at"] == 8
    assert excerpt["callers"] == [[3, "return packed(text)"]]


@pytest.mark.parametrize(
    ("statement", "shown"),
    [("raise KeyError(text)", "raise KeyError(text)"), ("return None", "return None"), ("return", "return")],
)
def test_the_statement_that_ended_the_function_is_shown(statement: str, shown: str, grade_text: GradeText) -> None:
    text = f"def pack_endpoint(text):\n    if text:\n        {statement}\n\n\ndef unpack_endpoint(record):\n    pass\n"

    failure = grade_text(by_slug("endpoints"), "python", text)

    assert guilty(failure) == shown
    assert failure["diagnosis"]["places"][0]["line"] == 3


@pytest.mark.parametrize(("language", "shown"), [("python", ("sock", "socket fd")), ("c", ("left", "8192"))])
def test_a_short_send_is_shown_with_what_it_was_given(
    language: str, shown: tuple[str, str], grade_text: GradeText
) -> None:
    text = Gaps(by_slug("send_all")).mutant(language, "short-send")

    failure = grade_text(by_slug("send_all"), language, text)

    name, value = shown
    assert "send(" in guilty(failure)
    assert values(failure)[name].startswith(value)


@pytest.mark.parametrize(("language", "caller"), [("python", "echo(listener)"), ("c", "echo(listener);")])
def test_a_helper_is_shown_with_the_line_that_called_it(language: str, caller: str, grade_text: GradeText) -> None:
    text = Gaps(by_slug("echo_server")).mutant(language, "listener-io")

    failure = grade_text(by_slug("echo_server"), language, text)

    assert "recv(" in guilty(failure)
    assert [text for _line, text in failure["diagnosis"]["excerpt"]["callers"]] == [caller]


#: One variable of each kind that is decoded.  The address of some is taken, so
#: AddressSanitizer keeps them apart; the array makes the frame larger than its copy.
C_KINDS = """
#include "send_all.h"
#include <sys/socket.h>

enum mood { CALM, LOUD };
struct pair { short first; unsigned long second; };

static void use(void *memory) { (void)memory; }

int send_all(int fd, const void *data, size_t len)
{
    char big[4096], name[16] = "mira", letter = 'x';
    enum mood mood = LOUD;
    struct pair pair = { -2, 13 };
    const void *nothing = NULL;
    double share = 0.25;
    int taken = 7, never;

    use(big); use(name); use(&taken); use(&pair);
    (void)data; (void)len;
    send(fd, big, len - 1, 0 * (name[0] + letter + mood + pair.first + pair.second + !nothing + share + taken + never));
    return 0;
}
"""


def test_the_variables_of_c_are_decoded(grade_text: GradeText) -> None:
    failure = grade_text(by_slug("send_all"), "c", C_KINDS)

    assert values(failure) == {
        "fd": "3",
        "len": "44",
        "name": '"mira"',
        "letter": "'x'",
        "mood": "LOUD",
        "pair.first": "-2",
        "pair.second": "13",
        "nothing": "NULL",
        "share": "0.25",
        "taken": "7",
        "never": "unset",
    }


#: Values that are other ones in every run, and one that says that it is asked.
CHANGING = """
import os, threading, time

class Loud:
    def __repr__(self):
        print("asked")
        raise SystemExit

def send_all(sock, data):
    pid, now, thread, port, loud = os.getpid(), time.monotonic(), threading.get_ident(), sock.getpeername()[1], Loud()
    sock.send(data[:13]) if (pid, now, thread, port, loud) else None
"""


def test_what_changes_from_run_to_run_is_not_shown(grade_text: GradeText) -> None:
    failure = grade_text(by_slug("send_all"), "python", CHANGING)

    assert values(failure).keys() == {"sock", "data"}
    assert failure["output"] == ""


def test_a_report_shows_the_code_under_the_sentence(submission: Path, grade: Callable[..., Graded]) -> None:
    (submission / "echo_server.py").write_text(Gaps(by_slug("echo_server")).mutant("python", "listener-io"))

    text = grade(submission, "echo_server", "--lang", "python").text

    assert re.search(
        r"^ +-> +\d+ +while data := connection\.recv\(4096\):\n"
        r" +\d+ .*\n"
        r" +called at \d+: echo\(listener\)\n"
        r" +connection = socket fd 3\n",
        text,
        re.MULTILINE,
    )


def test_a_stream_is_told_by_the_lines_that_write_and_close_it(grade_text: GradeText) -> None:
    text = STRANGERS.joinpath("12_thread_server", "wrong", "two_streams_one_descriptor.c").read_text()

    failure = grade_text(by_slug("thread_server"), "c", text)

    assert guilty(failure) == "fclose(ports->write);"


#: Its debug information names lines that the file does not have.
MISLEADING = """
#include "send_all.h"
#include <sys/socket.h>

int send_all(int fd, const void *data, size_t len)
{
    (void)len;
#line 5000
    return send(fd, data, 13, 0) == 13 ? 0 : -1;
}
"""


def test_a_line_that_the_file_does_not_have_is_not_shown(grade_text: GradeText) -> None:
    failure = grade_text(by_slug("send_all"), "c", MISLEADING)

    assert failure["verdict"] == "fail"
    assert failure["diagnosis"]["excerpt"] is None
