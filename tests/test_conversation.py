"""`trace`: all that a program and its peers say to each other, in two columns or one line a call."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from grader.catalogue.gaps import Gaps
from grader.report.bytes import dumped
from grader.report.conversation import columns, plain
from grader.verdict.model import WAITS, Line, Place, Told
from tests.conftest import Project, by_slug
from tests.terminal import Terminal

ECHO = "exercises/10_echo_server/echo_server.py"
SIGN = "* brought about by the grader; elsewhere it happens by itself"
PLACE = Place("lines.c", 12)
STORY = (
    Told(Line("learner", 'runs serve("3490")')),
    Told(Line("learner", "recv", ("connection", "data", "4096", "0"), WAITS, PLACE, "child 1")),
    Told(Line("peer", "ann sends 7 bytes"), b"hello\r\n", 7),
    Told(
        Line("learner", "recv", ("connection", '"hello\\r\\n"', "4096", "0"), " = 7", PLACE, "child 1", True),
        b"hello\r\n",
        7,
    ),
)


def _rows(text: str) -> list[tuple[str, str]]:
    """What stands on the left and on the right."""
    rows = [line.partition("\u2502") for line in text.splitlines() if "\u2502" in line]
    return [(left.strip(), right.strip()) for left, _, right in rows]


def _traced(kit: Project, *arguments: str) -> str:
    done = kit.run("trace", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 110
    return done.stdout


# --- the columns ------------------------------------------------------------


@pytest.mark.parametrize("width", [58, 78, 198])
def test_nothing_is_lost_and_nothing_is_too_wide(width: int) -> None:
    rows = list(columns(STORY, width))

    assert max(len(left + right) for left, right in rows) <= width
    left = " ".join(" ".join(left for left, _ in rows).split())
    assert 'child 1: recv(connection, "hello\\r\\n", 4096, 0) = 7 *' in left
    assert "child 1: recv(connection, data, 4096, 0) waits" in left
    right = " ".join(" ".join(right.removeprefix(" \u2502") for _, right in rows).split())
    assert "ann sends 7 bytes" in right
    assert len({len(left) for left, _ in rows}) == 1  # the second column begins where it began


def test_bytes_are_hex_and_text_with_line_ends() -> None:
    assert dumped(b"hello\r\n", 7, 40) == ["68 65 6c 6c 6f 0d 0a  hello\u240d\u240a"]
    assert dumped(b"\x00\xff|", 3, 40) == ["00 ff 7c  ..|"]
    assert dumped(b"", 0, 40) == []


def test_of_many_bytes_the_first_are_shown_and_the_rest_is_counted() -> None:
    shown = dumped(bytes(128), 65536, 80)

    assert shown[:-1] == ["00 " * 15 + "00  " + "." * 16] * 2
    assert shown[-1] == "and 65504 bytes more"


def test_the_second_column_begins_where_its_head_does() -> None:
    rows = list(columns((Told(Line("learner", "x", (), "", Place("a_long_name.c", 1))), STORY[2]), 78))

    assert len({len(left) for left, _ in rows}) == 1


def test_plain_has_each_call_once() -> None:
    assert list(plain(STORY)) == ['lines.c:12  child 1:  recv(connection, "hello\\r\\n", 4096, 0) = 7 *']


# --- the command ------------------------------------------------------------


def test_the_conversation_is_told_from_the_beginning(kit: Project) -> None:
    (kit.root / ECHO).write_text(by_slug("echo_server").solution("python").read_text())

    text = _traced(kit, "10", "--lang", "python", "--check", "echoes_until_end_of_file")

    rows = _rows(text)
    assert " pass  10 echo_server · python · " in text
    assert rows[0] == ("program, by line of echo_server.py", "peers")
    assert rows[1][0] == "runs serve(port)"
    lefts, rights = [left for left, _ in rows], [right for _, right in rows]
    accepts = next(i for i, left in enumerate(lefts) if left.endswith("listener.accept() waits"))
    assert rights[accepts + 1] == "connects"
    assert re.fullmatch(r"\d+  connection#?1? = listener.accept\(\)", lefts[accepts + 2])
    assert "20 09 20 0d 0a   \u2409 \u240d\u240a" in text  # CR and LF are to be seen
    assert any(left.endswith("still waits") for left in lefts)
    assert SIGN not in text
    assert "again  nox -s trace -- echo_server --lang python --check echoes_until_end_of_file" in text


def test_the_first_check_that_fails_is_shown_where_none_is_named(kit: Project) -> None:
    text = _traced(kit, "10", "--lang", "python")

    assert " fail  10 echo_server" in text
    assert "listener-io: " in text
    assert ("connects" in dict(_rows(text)).values()) and "listener.recv(4096) raises OSError: ENOTCONN" in text
    assert "grade  nox -s grade -- echo_server --lang python" in text


def test_a_call_that_was_tampered_with_has_a_sign_that_is_explained_once(kit: Project) -> None:
    (kit.root / "c_stubs/04_send_all/send_all.c").write_text(Gaps(by_slug("send_all")).mutant("c", "short-send"))

    text = _traced(kit, "4", "--lang", "c")

    assert any(left.endswith(" *") for left, _ in _rows(text))
    assert text.count(SIGN) == 1


def test_what_a_client_says_is_received_on_its_own_connection(kit: Project) -> None:
    path = kit.root / "exercises/11_fork_server/fork_server.py"
    path.write_text(by_slug("fork_server").solution("python").read_text())

    text = _traced(kit, "11", "--lang", "python", "--check", "serves_others_while_one_is_silent")

    lefts = [left for left, _ in _rows(text) if "recv(4096)" in left and "waits" not in left]
    assert [re.search(r"child \d", left)[0] for left in lefts] == ["child 2", "child 3", "child 2", "child 1"]


def test_a_thread_waits_when_it_is_there(kit: Project) -> None:
    text = _traced(kit, "12", "--lang", "c", "--check", "numbers_the_lines_of_everyone")

    rows = _rows(text)
    first = next(i for i, (left, _) in enumerate(rows) if "thread 1: recv(" in left and "waits" in left)
    assert any("pthread_create(" in left for left, _ in rows[:first])
    assert any(right == "ann connects" for _, right in rows[:first])


def test_plain_is_one_line_a_call(kit: Project) -> None:
    done = kit.run("trace", "10", "--lang", "c", "--plain")

    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert all(re.match(r"echo_server\.c:\d+  ", line) for line in lines)
    assert any(line.endswith("bind(listener, 0.0.0.0:port, 16) = 0") for line in lines)
    assert any("recv(" in line and line.endswith("= -1 ENOTCONN") for line in lines)


def test_a_program_that_does_not_build_has_said_nothing(kit: Project) -> None:
    (kit.root / ECHO).write_text("def serve(port:\n")

    done = kit.run("trace", "10", "--lang", "python")

    assert done.returncode == 1
    assert "Nothing was said: no function of the program was called." in done.stdout
    assert "SyntaxError" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["10", "--check", "echos_until_end_of_file"], "did you mean echoes_until_end_of_file?"),
        (["10", "--check", "zzz"], "10 echo_server has no check 'zzz'; it has\n  echoes_until_end_of_file\n"),
        (["10", "--check", "client"], "--check client is in the names of "),
        (["echoserver"], "did you mean echo_server?"),
        (["10", "--lang", "rust"], "invalid choice: 'rust'"),
        (["10", "--submission", "."], "unrecognized arguments: --submission ."),
        ([], "name an exercise: nox -s trace -- 04"),
    ],
)
def test_bad_usage_is_told_in_a_sentence(kit: Project, arguments: list[str], words: str) -> None:
    done = kit.run("trace", *arguments)

    assert done.returncode == 3
    assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_report_that_is_cut_names_the_command_for_all_of_it(kit: Project) -> None:
    done: subprocess.CompletedProcess = kit.run("10", "--lang", "python")

    assert "... all of it:  nox -s trace -- echo_server --lang python\n" in done.stdout


# --- terminals ----------------------------------------------------------------


@pytest.fixture(params=[({}, 60), ({}, 80), ({}, 200), ({"TERM": "dumb"}, 80), ({"NO_COLOR": "1"}, 80)], ids=str)
def shown(request: pytest.FixtureRequest, kit: Project) -> Iterator[tuple[dict, int, str]]:
    environment, width = request.param
    terminal = Terminal(kit.root, "trace", "10", "--lang", "python", columns=width, environment=environment)
    assert terminal.ends() == 0
    yield environment, width, terminal.text
    terminal.close()


def test_it_fits_every_terminal_and_says_the_same(shown: tuple[dict, int, str]) -> None:
    environment, width, text = shown
    bare = re.sub(r"\x1b\[[0-9;]*m", "", text)

    table = [line for line in bare.splitlines() if "\u2502" in line]
    assert max(map(len, table)) <= width
    words = " ".join(" ".join(line.partition("\u2502")[0] for line in table).split())
    assert "listener.recv(4096) raises OSError: ENOTCONN" in words
    assert ("\x1b[" in text) is ("TERM" not in environment)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text)  # bold or dim, and no colour
