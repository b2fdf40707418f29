"""Peers of the Unix domain: streams and datagrams at paths, and what becomes of the paths."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from grader.trial.performance import explain, play
from grader.verbs.cast import Cast

SERVER = """
import os
import socket

def serve(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o600)
        listener.listen()
        {answer}
"""
ECHO = """while True:
            client, _ = listener.accept()
            with client:
                while data := client.recv(4096):
                    client.sendall(data)
"""
KEEPS = """kept = []
        while True:
            kept.append(listener.accept()[0])
"""
C_SERVER = """#include "echo_server.h"
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int serve(const char *path)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un own = { .sun_family = AF_UNIX };
    char data[4096];

    strcpy(own.sun_path, path);
    bind(fd, (struct sockaddr *)&own, sizeof own);
    chmod(path, 0600);
    listen(fd, 5);
    for (;;) {
        int client = accept(fd, NULL, NULL);
        ssize_t got;

        while ((got = recv(client, data, sizeof data, 0)) > 0)
            send(client, data, got, MSG_NOSIGNAL);
        close(client);
    }
}
"""
#: Asks the server at a path from a path of its own.
ASKS = """
import os
import socket

def fetch(path, own):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        {bind}
        sock.connect(path)
        sock.send(b"question")
        answer = sock.recv(65536)
    {unlink}
    return answer
"""


@pytest.mark.parametrize("language", ["python", "c"])
def test_a_server_on_a_path(cast_of: Callable[..., Cast], language: str) -> None:
    cast = cast_of(SERVER.format(answer=ECHO) if language == "python" else C_SERVER, language=language)
    learner, folder, (ann, bob) = cast["learner"], cast["folder"], cast["clients"]("ann", "bob")
    path = folder.path("server", size=107)

    def script() -> None:
        learner.serves("serve", path)
        ann.connects(path)
        ann.is_accepted()
        folder.shows_mode(path.rpartition("/")[2], 0o600)
        ann.sends(b"hello")
        ann.sees_all_delivered()
        ann.receives(b"hello")
        bob.connects(path)
        bob.sends(b"you")
        ann.half_closes()
        ann.sees_end_of_file()
        bob.receives(b"you")
        bob.sees_all_taken()
        bob.closes()

    assert play(script, cast) is None
    assert len(path) == 107


def test_a_client_in_the_backlog_is_told(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(SERVER.format(answer=ECHO))
    learner, folder, (ann, bob) = cast["learner"], cast["folder"], cast["clients"]("ann", "bob")
    path = folder.path()

    def script() -> None:
        learner.serves("serve", path)
        ann.connects(path)
        bob.connects(path)
        bob.sends(b"you")
        bob.receives(b"you")

    found = play(script, cast)
    assert found is not None
    assert "bob has sent 3 bytes and waits for 3 bytes, and stands in the backlog" in found.sentence
    assert "for ann" in found.sentence


def test_a_connection_whose_client_is_gone_is_found(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(SERVER.format(answer=KEEPS))
    learner, folder, (ann, bob) = cast["learner"], cast["folder"], cast["clients"]("ann", "bob")
    path = folder.path()

    def script() -> None:
        learner.serves("serve", path)
        ann.connects(path)
        bob.connects(path)
        ann.closes()

    found = play(script, cast)
    assert found is not None
    assert found.kind == "left-open"
    assert len(cast.scene.world.deserted) == 1


def test_two_that_wait_for_room_are_in_a_deadlock(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(SERVER.format(answer=ECHO))
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]
    path = folder.path()

    def script() -> None:
        learner.serves("serve", path)
        peer.connects(path)
        peer.sends(bytes(8 << 20))

    found = play(script, cast)
    assert found is not None
    assert found.kind == "deadlock"


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("live", "removes the path of a server that is alive; nothing has asked whether it is"),
        ("silent", "removes the path of a server that is alive; nothing has asked whether it is"),
        ("file", "removes a regular file"),
        ("link", "removes a symbolic link"),
    ],
)
def test_a_path_that_is_anothers_is_left_alone(cast_of: Callable[..., Cast], what: str, told: str) -> None:
    takes = SERVER.replace("with socket", "os.unlink(path)\n    with socket").format(answer="raise OSError")
    cast = cast_of(takes)
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]
    make = {
        "live": lambda: peer.listens(folder.path()),
        "silent": lambda: peer.is_silent(folder.path()),
        "file": lambda: folder.has_file("server"),
        "link": lambda: folder.has_link("server", folder.has_file("notes")),
    }[what]

    def script() -> None:
        learner.runs("serve", make())
        learner.raises()

    found = play(script, cast)
    assert found is not None
    assert (found.kind, found.read) == ("path-touched", "unix(7), unlink(2)")
    shown = cast.scene.arranged.folder.hidden(found).sentence
    assert shown == "/tmp/13/server, which is not the program's, is another one when serve() has returned"
    assert told in explain(found, cast.scene).sentence


def test_a_lock_is_somebodys(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of("import fcntl, os, signal\ndef serve(path):\n    fd = os.open(path, os.O_RDONLY)\n"
                   "    fcntl.flock(fd, fcntl.LOCK_EX)\n    signal.pause()\n")  # fmt: skip
    learner, folder, peer, other = cast["learner"], cast["folder"], cast["peer"], cast["other_peer"]

    def script() -> None:
        peer.locks(folder)
        other.finds_locked(folder)
        peer.unlocks()
        learner.serves("serve", str(folder))
        learner.rests()
        other.finds_locked(folder)
        other.finds_locked(folder.path("."))

    assert play(script, cast) is None


@pytest.mark.parametrize(
    ("bind", "unlink", "kind"),
    [
        ("sock.bind(own)", "os.unlink(own)", ""),
        ("sock.bind('')", "", ""),
        ("sock.bind(own)", "", "left-path"),
    ],
)
def test_a_client_with_an_address_of_its_own(cast_of: Callable[..., Cast], bind: str, unlink: str, kind: str) -> None:
    cast = cast_of(ASKS.format(bind=bind, unlink=unlink), "tcp_client")
    learner, folder, peer, stranger = cast["learner"], cast["folder"], cast["peer"], cast["other_peer"]

    def script() -> None:
        path = peer.binds(folder.path())
        stranger.binds(folder.path("stranger"))
        learner.runs("fetch", path, folder.path("own"))
        peer.receives(b"question")
        peer.sends(b"answer")
        learner.returns(b"answer")

    found = play(script, cast)
    assert (found.kind if found else "") == kind


def test_a_queue_is_full(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(ASKS.format(bind="sock.bind('')\n        sock.setblocking(False)", unlink=""), "tcp_client")
    learner, folder, peer, other = cast["learner"], cast["folder"], cast["peer"], cast["other_peer"]

    def script() -> None:
        path = peer.binds(folder.path())
        other.fills(path)
        learner.runs("fetch", path, "")
        learner.raises("EAGAIN")

    assert play(script, cast) is None


def test_whoever_waits_for_room_in_a_full_queue_hangs(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(ASKS.format(bind="sock.bind('')", unlink=""), "tcp_client")
    learner, folder, peer, other = cast["learner"], cast["folder"], cast["peer"], cast["other_peer"]

    def script() -> None:
        path = peer.binds(folder.path())
        other.fills(path)
        learner.runs("fetch", path, "")
        learner.raises("ETIMEDOUT")

    found = play(script, cast)
    assert found is not None
    assert found.verdict.value == "hang"
    assert "sleeps in send()" in found.sentence


DATAGRAM_SERVER = """
import socket

def serve(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        while True:
            data, who = sock.recvfrom(4096)
            {answer}
"""


def test_a_datagram_server_on_a_path(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(DATAGRAM_SERVER.format(answer="sock.sendto(data, who)"))
    learner, folder, (ann, bob) = cast["learner"], cast["folder"], cast["clients"]("ann", "bob")
    path = folder.path(datagrams=True)

    def script() -> None:
        learner.serves("serve", path)
        ann.connects(path)
        bob.connects(path)
        ann.sends_in_pieces([b"one", b"", b"two"])
        bob.sends(b"three")
        ann.sees_all_taken()
        ann.receives(b"one")
        ann.receives(b"")
        bob.receives(b"three")
        ann.receives(b"two")

    assert play(script, cast) is None


def test_a_datagram_at_a_path_that_is_not_answered_is_told(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(DATAGRAM_SERVER.format(answer="signal.pause()").replace("import", "import signal\nimport", 1))
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]
    path = folder.path(datagrams=True)

    def script() -> None:
        learner.serves("serve", path)
        peer.connects(path)
        peer.sends(b"first")
        learner.rests()
        peer.sends(b"second")
        peer.receives(b"first")

    found = play(script, cast)
    assert found is not None
    words = "the client has sent 2 datagrams and waits for a datagram; a datagram lies unread in the program's socket"
    assert words in found.sentence


def test_an_abstract_name_leaves_nothing(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(ASKS.format(bind="sock.bind(own)", unlink=""), "tcp_client")
    learner, peer, name = cast["learner"], cast["peer"], f"\0thirteen-bytes-{os.getpid()}"

    def script() -> None:
        learner.runs("fetch", peer.binds(name), f"{name}-own")
        peer.receives(b"question")
        peer.sends(b"answer")
        learner.returns(b"answer")

    assert play(script, cast) is None


def test_a_socket_left_anywhere_is_found(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(ASKS.format(bind="sock.bind(own)", unlink=""), "tcp_client")
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]
    own = f"/tmp/left-by-a-test-{os.getpid()}"

    def script() -> None:
        learner.runs("fetch", peer.binds(folder.path()), own)
        peer.receives(b"question")
        peer.sends(b"answer")
        learner.returns(b"answer")

    found = play(script, cast)
    os.unlink(own)
    assert found is not None
    assert (found.kind, found.sentence) == ("left-path", f"{own} is left behind when fetch() has returned")
