"""Peers on both sides of a program, what it holds between them, and what it logs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grader.stage.broken import Broken
from grader.trial.performance import play
from grader.verbs.cast import Cast
from tests.conftest import by_slug

RELAY = by_slug("relay")
SOLUTION = RELAY.solution("python").read_text()

#: A log that says what the test puts in the place of LINE, and a relay of nothing.
SAYS = """
import socket
def serve(port, host, service, log):
    with open(log, "ab", buffering=0) as file, socket.socket() as listener:
        listener.bind(("", int(port)))
        listener.listen()
        listener.accept()
        file.write(LINE)
        listener.accept()
"""


def _says(cast: Cast, *tells: object) -> str:
    """What is wrong with what such a program logs, in words; "" if nothing is."""
    learner, port, log = cast["learner"], cast["port"], cast["log"]
    (ann,) = cast["clients"]("ann")

    def script() -> None:
        learner.serves("serve", port, "127.0.0.1", port, log.path)
        ann.connects(port)
        log.tells(*tells)

    failure = play(script, cast)
    return failure.sentence if failure and failure.kind == "log" else ""


@pytest.mark.parametrize(
    "line, sentence",
    [
        (b"1 > 2 6869\\n1 > 1 0a\\n", ""),
        (b"1 > 2 6869\\n1 < eof\\n1 > 1 0a\\n1 > 4 6", ""),
        (b"1 > 2 6869\\n", "the log tells 2 bytes of `1 >`, and it has said 3"),
        (b"1 > 3 68690d\\n", "of the 3 bytes that the log tells of `1 >`, byte 3 is 0d; expected 0a"),
        (b"1 > 3 6869\\n", "the log has `1 > 3 6869`; it counts 3 bytes, and shows 2"),
        (b"1 > 3 68690A\\n", "the log has `1 > 3 68690A`; a line is `N > COUNT HEX`, `N > eof` or `N > reset`"),
        (b"01 > eof\\n", "the log has `01 > eof`; a line is `N > COUNT HEX`, `N > eof` or `N > reset`"),
        (b"1 > 3 68690a\\n1 > eof\\n", "the log has `1 > eof`; expected none"),
        (b"1 > 3 68690a\\n1 > eof\\n1 > reset\\n", "the log has `1 > reset` after `1 > eof`, which was the last"),
    ],
)
def test_what_a_log_tells(line: bytes, sentence: str, cast_of: Callable[..., Cast]) -> None:
    text = SAYS.replace("LINE", f'b"{line.decode()}"')
    assert _says(cast_of(text, "relay"), 1, ">", b"hi\n") == sentence


@pytest.mark.parametrize("ends, sentence", [(("eof",), ""), (("", "reset"), "the log has `1 > eof`; expected none or")])
def test_how_a_side_has_ended(ends: tuple[str, ...], sentence: str, cast_of: Callable[..., Cast]) -> None:
    said = _says(cast_of(SAYS.replace("LINE", r'b"1 > eof\n"'), "relay"), 1, ">", b"", *ends)
    assert said.startswith(sentence)
    assert bool(said) == bool(sentence)


def test_a_log_keeps_what_was_in_it(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(SAYS.replace("LINE", r'b"2 < 1 0a\n"').replace('"ab"', '"wb"'), "relay")
    cast["log"].holds(b"1 > eof\n")
    assert _says(cast, 2, "<", b"\n") == "what was in the log before is not at its beginning any more"


@pytest.mark.parametrize(
    "room, holds",
    [(65536, True), (65537, False)],
)
def test_how_much_a_relay_holds(room: int, holds: bool, cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(SOLUTION.replace("ROOM = 65536", f"ROOM = {room}"), "relay")
    learner, port, log = cast["learner"], cast["port"], cast["log"]
    ann, tina = cast["clients"]("ann", "tina")

    def script() -> None:
        target = tina.listens(buffers=65536)
        learner.serves("serve", port, "127.0.0.1", target, log.path)
        ann.reaches(tina, port)
        ann.floods(tina, most=65536, more="unbounded-queue")
        tina.receives_flood_of(ann)

    failure = play(script, cast)
    assert (failure is None) == holds
    if failure is not None:
        assert (failure.kind, failure.gap) == ("queue", "unbounded-queue")


def test_a_byte_where_none_is_to_come(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(SOLUTION, "relay")
    learner, port, log = cast["learner"], cast["port"], cast["log"]
    ann, tina = cast["clients"]("ann", "tina")
    learner.serves("serve", port, "127.0.0.1", tina.listens(), log.path)
    ann.reaches(tina, port)
    ann.sends(b"x")
    with pytest.raises(Broken, match="a byte arrives at tina"):
        tina.sees_its_end()
