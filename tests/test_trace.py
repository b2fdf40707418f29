"""The trace: one format for two writers, faults in strace's words."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.catalogue.unit import Unit
from grader.stage import aftermath
from grader.stage.broken import Broken
from grader.stage.quiet import is_asleep
from grader.stage.scene import Scene
from grader.stage.stage import Stage
from grader.trace import layout
from grader.trace.faults import Fault
from grader.verbs.learner import Learner
from grader.verbs.peer import Peer
from grader.verbs.script import Script
from tests.conftest import by_slug

SEND_ALL = by_slug("send_all")
LANGUAGES = ("python", "c")

#: A program that makes the calls it is told to make, in both languages: the data
#: says which ("s" send, "r" recv, "o" setsockopt), the rest of it is what is sent.
PYTHON = """
import socket
def send_all(sock, data):
    for call in data:
        if call == 115:
            sock.send(data)
        elif call == 114:
            sock.recv(4)
        elif call == 111:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
"""
C = """#include "send_all.h"
#include <sys/socket.h>
int send_all(int fd, const void *data, size_t len)
{
    char buffer[4];
    int one = 1;
    for (size_t i = 0; i < len; i++) {
        if (((const char *)data)[i] == 's' && send(fd, data, len, MSG_NOSIGNAL) == -1)
            return -1;
        if (((const char *)data)[i] == 'r' && recv(fd, buffer, sizeof buffer, 0) == -1)
            return -1;
        if (((const char *)data)[i] == 'o' && setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one) == -1)
            return -1;
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def stage_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], tuple[Stage, Unit]]]:
    folder = tmp_path_factory.mktemp("program")
    (folder / "send_all.py").write_text(PYTHON)
    (folder / "send_all.c").write_text(C)
    units = {language: Unit(SEND_ALL, language, folder / SEND_ALL.file_name(language)) for language in LANGUAGES}
    stage = Stage(list(units.values()))
    yield lambda language: (stage, units[language])
    stage.close()


@pytest.fixture(params=LANGUAGES)
def scene(request: pytest.FixtureRequest, stage_of: Callable[[str], tuple[Stage, Unit]]) -> Iterator[Scene]:
    scene = Scene(*stage_of(request.param))
    yield scene
    scene.close()


def calls_of(scene: Scene) -> list[tuple]:
    calls = aftermath.evidence(scene, lines=False).calls
    return [(c.name, c.args[0], c.result, c.errno, bool(c.injected)) for c in calls]


def test_a_writer_that_is_a_ring_ahead_waits_for_its_reader(scene: Scene) -> None:
    count, most = layout.CAPACITY + 5000, layout.CAPACITY - layout.SPARE
    learner, peer = Learner(scene), Peer(scene)
    learner.runs("send_all", peer.connection, b"o" * count)
    process, trace = scene.process, scene.process.trace
    read = trace["read"]

    while trace["next"] < read + most or set(process.task_states().values()) != {"S"}:
        select.select([process.pidfd], [], [], 0.001)

    assert trace["next"] == read + most  # and nobody reads
    while len(trace.calls) < count or trace.unfinished:
        trace.update()
        select.select([process.pidfd], [], [], 0.001)
    calls = [call for call in trace.calls if call.name == "setsockopt"]
    assert trace.lost == 0
    assert len(calls) == count
    assert [call.index for call in calls] == sorted({call.index for call in calls})
    assert all(call.done and call.result == 0 for call in calls)


def test_both_languages_write_the_same_records(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)
    learner.runs("send_all", peer.connection, b"sr")
    peer.receives(b"sr")
    peer.sends(b"abcd")
    learner.returns(None)

    evidence = aftermath.evidence(scene, lines=True)

    assert calls_of(scene) == [("send", 2, 2, "", False), ("recv", 4, 4, "", False)]
    assert [c.payload for c in evidence.calls] == [b"sr", b"abcd"]
    assert [scene.source.line(c.line).split("(")[0].split()[-1] for c in evidence.calls] == (
        ["sock.send", "sock.recv"] if scene.unit.language == "python" else ["send", "recv"]
    ) or scene.unit.language == "c"
    assert {c.pid for c in evidence.calls} == {scene.process.pid}
    assert all(c.entered <= c.left for c in evidence.calls)


def test_a_limit_really_moves_that_many_bytes(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)
    Script(scene).fault("send", limit=3)
    Script(scene).fault("recv", limit=1)
    learner.runs("send_all", peer.connection, b"sr---")
    peer.receives(b"sr-")
    peer.sends(b"abcd")
    learner.returns(None)

    assert calls_of(scene) == [("send", 5, 3, "", True), ("recv", 4, 1, "", True)]


@pytest.mark.parametrize(
    ("when", "touched"),
    [("2", [2]), ("2..3", [2, 3]), ("2+2", [2, 4]), ("1..4+3", [1, 4]), ("", [1, 2, 3, 4, 5])],
)
def test_when_counts_the_calls_of_a_group(scene: Scene, when: str, touched: list[int]) -> None:
    learner, peer = Learner(scene), Peer(scene)
    Script(scene).fault("send", limit=1, when=when)
    learner.runs("send_all", peer.connection, b"sssss")
    learner.returns(None)

    injected = [number for number, call in enumerate(calls_of(scene), 1) if call[4]]

    assert injected == touched


def test_an_error_is_not_sent(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)
    Script(scene).fault("send", error="ENOBUFS", when="2")
    learner.runs("send_all", peer.connection, b"ss")
    learner.raises("ENOBUFS")
    peer.receives(b"ss")
    peer.sees_end_of_file()

    assert calls_of(scene)[1] == ("send", 2, -1, "ENOBUFS", True)


def test_a_held_call_waits_for_the_script(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)
    Script(scene).fault("send", hold=True, when="1")
    learner.runs("send_all", peer.connection, b"ss")
    learner.is_held()
    peer.receives(b"ss")

    assert [c.done for c in scene.process.trace.calls] == [False]
    learner.goes_on()
    learner.returns(None)
    assert [c.done for c in aftermath.evidence(scene, lines=False).calls] == [True, True]


def test_a_signal_comes_when_the_call_is_entered(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)
    Script(scene).fault("send", signal="SIGKILL", when="2")
    learner.runs("send_all", peer.connection, b"ss")

    with pytest.raises(Broken) as broken:
        learner.returns(None)

    assert "SIGKILL ended the program" in broken.value.failure.sentence
    assert calls_of(scene)[0] == ("send", 2, 2, "", False)


def test_a_blocked_program_is_found_without_waiting(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)
    learner.runs("send_all", peer.connection, b"r")

    with pytest.raises(Broken) as broken:
        learner.returns(None)

    line = 8 if scene.unit.language == "python" else 10
    name = scene.source.name
    assert (
        broken.value.failure.sentence
        == f"nothing has come and nothing more will; send_all() sleeps in recv() at {name}:{line}"
    )


def test_a_program_that_still_gets_data_is_not_blocked(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)
    learner.runs("send_all", peer.connection, b"rrr")
    peer.sends_in_pieces([b"a", b"b", b"c"])
    learner.returns(None)

    assert [call[2] for call in calls_of(scene)] == [1, 1, 1]


def test_pieces_come_one_by_one_whatever_another_peer_has_sent_before(scene: Scene) -> None:
    learner, peer, other = Learner(scene), Peer(scene), Peer(scene)
    learner.runs("send_all", peer.connection, b"r")
    peer.sends(b"abcd")
    learner.returns(None)

    learner.runs("send_all", other.connection, b"rrr")
    other.sends_in_pieces([b"a", b"b", b"c"])
    learner.returns(None)

    assert [call[2] for call in calls_of(scene)] == [4, 1, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"call": "sned", "limit": 1}, "no such call"),
        ({"call": "send"}, "does nothing"),
        ({"call": "send", "limit": 1, "when": "first"}, "no such state: first"),
        ({"call": "send", "limit": 1, "when": "1-2"}, "is not .states. .first"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(arguments: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Fault(**arguments)


def test_a_fork_shares_the_trace(tmp_path: Path) -> None:
    program = tmp_path / "send_all.py"
    program.write_text(
        "import os\n"
        "def send_all(sock, data):\n"
        "    if os.fork() == 0:\n"
        "        for _ in range(200): sock.send(b'c')\n"
        "        os._exit(0)\n"
        "    for _ in range(200): sock.send(b'p')\n"
        "    os.wait()\n"
    )
    unit = Unit(SEND_ALL, "python", program)
    stage = Stage([unit])
    scene = Scene(stage, unit)
    learner, peer = Learner(scene), Peer(scene)
    try:
        learner.runs("send_all", peer.connection, b"")
        learner.returns(None)
        calls = [c for c in aftermath.evidence(scene, lines=False).calls if c.name == "send"]
    finally:
        scene.close()
        stage.close()

    assert len(calls) == 400
    assert len({c.pid for c in calls}) == 2
    assert len({c.index for c in calls}) == 400
    assert all(c.done and c.result == 1 for c in calls)


def test_the_first_descriptor_of_a_program_is_three(tmp_path: Path) -> None:
    program = tmp_path / "send_all.py"
    program.write_text(
        "import os, socket\n"
        "def send_all(sock, data):\n"
        "    assert sock.fileno() == 3, sock.fileno()\n"
        "    with socket.socket() as mine:\n"
        "        assert mine.fileno() == 4, mine.fileno()\n"
        "    assert isinstance(sock, socket.socket)\n"
        "    assert sorted(map(int, os.listdir('/proc/self/fd')))[:4] == [0, 1, 2, 3]\n"
    )
    unit = Unit(SEND_ALL, "python", program)
    stage = Stage([unit])
    scene = Scene(stage, unit)
    try:
        Learner(scene).runs("send_all", Peer(scene).connection, b"")
        Learner(scene).returns(None)
    finally:
        scene.close()
        stage.close()


def test_addresses_are_read_back(tmp_path: Path) -> None:
    program = tmp_path / "send_all.py"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        program.write_text(
            "import socket\n"
            "def send_all(sock, data):\n"
            "    with socket.socket() as s:\n"
            f"        s.connect_ex(('127.0.0.1', {port}))\n"
        )
        unit = Unit(SEND_ALL, "python", program)
        stage = Stage([unit])
        scene = Scene(stage, unit)
        try:
            Learner(scene).runs("send_all", Peer(scene).connection, b"")
            Learner(scene).returns(None)
            connect = next(c for c in aftermath.evidence(scene, lines=True).calls if c.name == "connect")
        finally:
            scene.close()
            stage.close()

    assert (connect.address, connect.errno, connect.line) == (("127.0.0.1", port), "ECONNREFUSED", 4)
    assert os.path.exists(program)


def test_a_refusal_becomes_another_error_however_it_is_asked_for(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)
    Script(scene).fault("outcome", becomes="EHOSTUNREACH")
    learner.runs("send_all", peer.connection, b"srs")
    peer.receives(b"srs")
    peer.resets()
    learner.raises("ECONNRESET")

    assert not any(call[4] for call in calls_of(scene)), "only a refusal becomes another error"


def test_a_process_that_has_ended_sleeps_no_more(scene: Scene) -> None:
    learner, peer = Learner(scene), Peer(scene)
    learner.runs("send_all", peer.connection, b"r")
    scene.wait(lambda: is_asleep(scene), "recv() sleeps")
    assert scene.process.naps > 0

    scene.process.end()

    assert scene.process.naps == 0
