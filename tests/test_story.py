"""The transcript: calls in the words of the program's language, results that stand whole."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from grader.catalogue.gaps import Gaps
from grader.report.story import fitted
from grader.verdict.model import Line, Place
from tests.conftest import Graded, by_slug

PLACE = Place("connect_deadline.c", 49)


@pytest.mark.parametrize("room", range(30, 70, 5))
def test_a_result_stands_whole_however_narrow_the_column(room: int) -> None:
    arguments = ("fd", "127.0.0.1:port", "16")
    line = Line("learner", "connect", arguments, " = -1 EINTR", PLACE, "child 1", injected=True)

    shown = fitted(line, room)

    assert shown[-1].endswith("= -1 EINTR *")
    assert all(len(text) <= room for text in shown)


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (60, '49  send(fd, "a greeting of many words", 24, 0) = 24'),
        (44, '49  send(fd, "a greeting of ..., 24, 0) = 24'),
        (30, "49  send(fd, ...) = 24"),
    ],
)
def test_the_longest_argument_gives_way_first_and_then_the_last(room: int, shown: str) -> None:
    arguments = ("fd", '"a greeting of many words"', "24", "0")

    assert fitted(Line("learner", "send", arguments, " = 24", PLACE), room) == [shown]


def test_a_sentence_is_wrapped_and_loses_nothing() -> None:
    text = "sock is left open, to the garbage collector"

    assert " ".join(part.strip() for part in fitted(Line("learner", text, place=PLACE), 30)) == f"49  {text}"


def told(check: dict) -> list[str]:
    """The program's calls in a check's transcript."""
    return [
        f"{line['who']}: ".removeprefix(": ") + f"{line['text']}({', '.join(line['arguments'])}){line['result']}"
        for line in check["diagnosis"]["transcript"]
        if line["arguments"] is not None
    ]


#: Reads to the end, and returns an empty text for it.
PYTHON = """
def recv_exactly(sock, count):
    data = b""
    while len(data) < count and (piece := sock.recv(count - len(data))):
        data += piece
    return data
"""


def test_python_is_told_in_the_words_of_python(grade_text: Callable[..., dict | None]) -> None:
    failure = grade_text(by_slug("recv_exactly"), "python", PYTHON)

    assert 'sock.recv(1) = b""' in told(failure)


def test_an_exception_has_the_name_of_its_class(grade_text: Callable[..., dict | None]) -> None:
    failure = grade_text(
        by_slug("tcp_client"), "python", Gaps(by_slug("tcp_client")).mutant("python", "first-address-only")
    )

    assert any(re.fullmatch(r"\w+\.connect\(.*\) raises ConnectionRefusedError", call) for call in told(failure))


def test_c_is_told_in_the_words_of_c(grade_text: Callable[..., dict | None]) -> None:
    failure = grade_text(by_slug("recv_exactly"), "c", Gaps(by_slug("recv_exactly")).mutant("c", "one-recv"))

    assert 'recv(fd, "gauge 7", 20, 0) = 7' in told(failure)


@pytest.mark.parametrize("language", ["python", "c"])
def test_children_are_labelled_in_the_order_of_their_beginning(
    language: str, grade_text: Callable[..., dict | None]
) -> None:
    exercise = by_slug("fork_server")

    failure = grade_text(exercise, language, Gaps(exercise).stub(language))

    assert any(call.startswith("child 1: ") for call in told(failure))
    assert any(call.endswith(" = child 1") for call in told(failure))


@pytest.mark.parametrize("language", ["python", "c"])
def test_two_connections_of_one_name_are_told_apart(language: str, grade_text: Callable[..., dict | None]) -> None:
    exercise = by_slug("thread_server")

    failure = grade_text(exercise, language, Gaps(exercise).mutant(language, "shared-argument"))

    mixed = [call for call in told(failure) if "#2" in call]
    assert any(call.startswith("thread 1: ") for call in mixed), told(failure)


def test_the_sign_of_an_injected_result_is_explained_once(submission, grade: Callable[..., Graded]) -> None:
    exercise = by_slug("echo_server")
    (submission / "echo_server.c").write_text(Gaps(exercise).mutant("c", "interrupted-call"))

    text = grade(submission, exercise.slug, "--lang", "c").text

    assert re.search(r"= -1 EINTR \*$", text, re.MULTILINE)
    assert text.count("* brought about by the grader") == 1
