"""Requests and answers by datagram: ids, acknowledgements, and what is sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.catalogue.unit import Unit
from grader.stage.stage import Stage
from grader.trial.performance import play
from grader.verbs.cast import Cast
from grader.verdict.evidence import Failure
from tests.conftest import by_slug

#: Asks, or sends pieces and waits for each to be acknowledged.
PROGRAM = """
import itertools
import os
import socket

def fetch(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, int(port)))
        {act}
"""
ASKS = "sock.send({number} + b'question'); return sock.recv(100)"
TRANSFERS = """
        for number, piece in enumerate([b'one', b'two', b'']):
            sock.send({head} + piece)
            assert sock.recv(100)[1] == number % 2
        return b''"""
REPEATS = """
import socket
import time

def fetch(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, int(port)))
        sock.send(b'question')
        end = time.monotonic() + {seconds}
        while (left := end - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                if {taken}:
                    break
            except TimeoutError:
                pass
        sock.send(b'question')
    return b''
"""
SERVES = """
import socket

def fetch(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", int(port)))
        for turn in range(3):
            data, who = sock.recvfrom(100)
            if turn == 2:
                sock.sendto({reply}, who)
    return data
"""


@pytest.fixture
def cast(tmp_path: Path) -> Iterator[Callable[[str], Cast]]:
    """The parts of a check of a program in Python."""
    opened: list = []

    def make(text: str) -> Cast:
        exercise = by_slug("tcp_client")
        path = tmp_path / exercise.file_name("python")
        path.write_text(text)
        unit = Unit(exercise, "python", path)
        opened.append(Stage([unit]))
        opened.append(Cast(opened[-1], unit))
        return opened[-1]

    yield make
    for thing in reversed(opened):
        thing.close()


def asked(parts: Cast) -> Failure | None:
    """What comes of two questions, the second of which is to have another id."""
    learner, peer = parts["learner"], parts["peer"]

    def script() -> None:
        port = peer.binds()
        learner.runs("fetch", "127.0.0.1", port)
        first = peer.receives(b"question", after=2)
        peer.sends(b"answer")
        learner.returns(b"answer")
        learner.runs("fetch", "127.0.0.1", port)
        peer.receives(b"question", after=2, unlike=(first,))
        peer.sends(b"answer")
        learner.returns(b"answer")

    return play(script, parts)


def test_an_id_that_never_changes_is_told(cast: Callable[[str], Cast]) -> None:
    found = asked(cast(PROGRAM.format(act=ASKS.format(number="b'id'"))))

    assert found is not None
    assert found.kind == "repeated"
    assert found.sentence == "the same 2 bytes stand before it as in 1 datagram before"


def test_what_a_program_chooses_is_not_shown(cast: Callable[[str], Cast]) -> None:
    parts = cast(
        PROGRAM.format(act=ASKS.format(number="next(fetch.numbers)") + "\nfetch.numbers = iter([b'AB', b'CD'])")
    )

    assert asked(parts) is None
    assert parts.scene.arranged.has_choices


@pytest.mark.parametrize(
    ("head", "gap"),
    [("bytes([0, number % 2])", None), ("bytes([0, 0])", "no-sequence"), ("bytes([1, number % 2])", "")],
)
def test_pieces_come_one_after_the_other(cast: Callable[[str], Cast], head: str, gap: str | None) -> None:
    parts = cast(PROGRAM.format(act=TRANSFERS.format(head=head)))
    learner, peer = parts["learner"], parts["peer"]

    def script() -> None:
        port = peer.binds()
        learner.runs("fetch", "127.0.0.1", port)
        peer.receives_pieces(
            b"onetwo", heads=[b"\0\0", b"\0\1"], replies=[b"\1\0", b"\1\1"], most=4, repeated="no-sequence"
        )
        learner.returns(b"")

    found = play(script, parts)
    assert (found.gap if found else None) == gap


@pytest.mark.parametrize(("reply", "kind"), [("b'yes'", None), ("b'no'", "bytes")])
def test_a_datagram_is_delivered_in_the_end(cast: Callable[[str], Cast], reply: str, kind: str | None) -> None:
    parts = cast(SERVES.format(reply=reply))
    learner, peer, port = parts["learner"], parts["peer"], parts["udp_port"]

    def script() -> None:
        learner.runs("fetch", "127.0.0.1", port)
        peer.connects(port)
        peer.delivers(b"anybody?", b"yes")
        learner.returns(b"anybody?")

    found = play(script, parts)
    assert (found.kind if found else None) == kind


def test_a_peer_may_refuse_where_it_has_answered(cast: Callable[[str], Cast]) -> None:
    parts = cast(PROGRAM.format(act=ASKS.format(number="b'id'")))
    learner, peer = parts["learner"], parts["peer"]

    def script() -> None:
        port = peer.binds()
        learner.runs("fetch", "127.0.0.1", port)
        peer.receives(b"idquestion")
        peer.sends(b"answer")
        learner.returns(b"answer")
        peer.refuses("127.0.0.1", port)
        learner.runs("fetch", "127.0.0.1", port)
        learner.raises("ECONNREFUSED")

    assert play(script, parts) is None


def test_one_datagram_too_many_gives_a_gap_away(cast: Callable[[str], Cast]) -> None:
    parts = cast(PROGRAM.format(act="sock.send(b'a'); sock.send(b'b'); return b''"))
    learner, peer = parts["learner"], parts["peer"]

    def script() -> None:
        port = peer.binds()
        learner.runs("fetch", "127.0.0.1", port)
        peer.receives(b"a")
        peer.receives_nothing(more="other", mistakes={b"b": "eager"})

    found = play(script, parts)
    assert found is not None
    assert (found.kind, found.gap) == ("surplus", "eager")


@pytest.mark.parametrize(
    ("seconds", "taken", "kind"),
    [
        (1.0, "sock.recv(100) == b'answer'", None),
        (1.0, "sock.recv(100)", "surplus"),
        (0.5, "sock.recv(100) == b'answer'", "early"),
        (2.0, "sock.recv(100) == b'answer'", "slow"),
    ],
)
def test_strays_neither_move_nor_delay_what_is_due(
    cast: Callable[[str], Cast], seconds: float, taken: str, kind: str | None
) -> None:
    parts = cast(REPEATS.format(seconds=seconds, taken=taken))
    learner, peer, clock = parts["learner"], parts["peer"], parts["clock"]

    def script() -> None:
        port = peer.binds()
        clock.limits_waiting(0.1)
        learner.runs("fetch", "127.0.0.1", port)
        peer.receives(b"question")
        clock.passes(0.7)
        peer.sends_in_vain(b"stray", b"", b"answers")
        peer.receives_after(0.3, b"question")
        learner.returns(b"")

    found = play(script, parts)
    assert (found.kind if found else None) == kind
