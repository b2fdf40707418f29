"""Peers that pass descriptors, and say who they are: the kernel is asked, not the program."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from multiprocessing import reduction

import pytest

from grader.trial.performance import play
from grader.verbs.cast import Cast
from tests.conftest import by_slug

#: Sends a descriptor; ``fd`` is lent as a number.
SENDS = """
import array
import os
import socket

def send_all(sock, fd):
    {sends}
"""
RIGHTS = "sock.sendmsg([b'!'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', {fds}))])"
#: Receives one, and returns its number.
RECEIVES = """
import array
import os
import socket

def send_all(sock, data):
    fds = array.array("i")
    data, control, _flags, _source = sock.recvmsg(1, socket.CMSG_SPACE(64))
    for _level, _kind, value in control:
        fds.frombytes(value)
    for fd in fds:
        os.set_inheritable(fd, False)
    {keeps}
    return fds[0]
"""
#: Welcomes users by their id.
WELCOMES = """
import socket
import struct

def serve(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        while True:
            client, _ = listener.accept()
            with client:
                told = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
                client.sendall(" ".join(map(str, struct.unpack("=iII", told))).encode())
"""


@pytest.mark.parametrize(
    ("sends", "words"),
    [
        (RIGHTS.format(fds="[fd]"), ""),
        (RIGHTS.format(fds="[os.open(os.readlink(f'/proc/self/fd/{fd}'), os.O_RDWR)]"), "is of another open file"),
        (RIGHTS.format(fds="[fd, fd]"), "2 descriptors arrive with 1 byte; expected 1"),
        ("sock.send(b'!')", "0 descriptors arrive with 1 byte; expected 1"),
        ("sock.shutdown(socket.SHUT_WR)", "0 of 1 byte arrive, then end-of-file"),
    ],
)
def test_a_peer_is_passed_a_descriptor(cast_of: Callable[..., Cast], sends: str, words: str) -> None:
    cast = cast_of(SENDS.format(sends=sends), "send_all")
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]
    file = folder.opened("notes")

    def script() -> None:
        learner.runs("send_all", peer.unix_connection, file)
        peer.is_passed(file)
        learner.returns(None)

    found = play(script, cast)
    assert words in (found.sentence if found else "")
    assert (found is None) == (words == "")


@pytest.mark.parametrize(
    ("keeps", "kind"),
    [
        ("list(map(os.close, fds[1:]))", ""),
        ("list(map(os.close, fds[:1])); fds = fds[1:]", ""),
        ("pass", "left-open"),
        ("os.close(fds[1]); os.set_inheritable(fds[0], True)", "inherited"),
        ("fds = array.array('i', [0])", "another-file"),
        ("list(map(os.close, fds))", "not-open"),
    ],
)
def test_a_function_returns_a_descriptor(cast_of: Callable[..., Cast], keeps: str, kind: str) -> None:
    cast = cast_of(RECEIVES.format(keeps=keeps), "send_all")
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]
    one, other = folder.opened("one"), folder.opened("other")

    def script() -> None:
        learner.runs("send_all", peer.unix_connection, b"")
        peer.passes(one, other)
        learner.returns_descriptor_of(one, other)

    found = play(script, cast)
    assert (found.kind if found else "") == kind


def test_a_byte_comes_without_a_descriptor(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(RECEIVES.format(keeps="pass"), "send_all")
    learner, peer = cast["learner"], cast["peer"]

    def script() -> None:
        learner.runs("send_all", peer.unix_connection, b"")
        peer.passes()
        learner.returns_descriptor_of()

    found = play(script, cast)
    assert found is not None
    assert "IndexError" in found.sentence


#: Says who is at the other end, or something else.
NAMES = """
import os
import socket
import struct
from collections import namedtuple

Peer = namedtuple("Peer", "pid uid gid")

def send_all(sock, data):
    pid, uid, gid = struct.unpack("=iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return {names}
"""


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("Peer(pid, uid, gid)", ""),
        ("(pid, gid, uid)", "the peer's process, user 40002, group 40001; expected the peer's process, user 40001"),
        ("(os.getpid(), uid, gid)", "returned its own process, user 40001"),
        ("(os.getppid(), uid, gid)", "returned another process, user 40001"),
        ("(pid, uid)", "returned something else than three integers"),
        ("None", "returned something else than three integers"),
    ],
)
def test_a_function_returns_who_its_peer_is(cast_of: Callable[..., Cast], names: str, words: str) -> None:
    cast = cast_of(NAMES.format(names=names), "send_all")
    learner, peer = cast["learner"], cast["peer"]

    def script() -> None:
        learner.runs("send_all", peer.unix_connection_of(40001, 40002), b"")
        learner.returns_credentials_of(peer, 40001, 40002)

    found = play(script, cast)
    assert words in (found.sentence if found else "")
    assert (found is None) == (words == "")


def test_who_cannot_connect_is_told_of_all_the_same(cast_of: Callable[..., Cast]) -> None:
    """No process can have that id, root's neither: the kernel's answer is overwritten,
    of the connection, and not what it says of the socket that listens."""
    nobody = 2**32 - 1
    own = "told = listener.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)\n                told ="
    cast = cast_of(WELCOMES.replace("told =", own), "echo_server")
    learner, folder, (ann, bob) = cast["learner"], cast["folder"], cast["clients"]("ann", "bob")
    path = folder.path()

    def script() -> None:
        learner.serves("serve", path)
        ann.connects(path, user=nobody, group=40002)
        ann.receives(" ".join(map(str, ann.credentials(nobody, 40002))).encode())
        ann.sees_end_of_file()
        bob.connects(path)
        bob.receives(" ".join(map(str, bob.credentials())).encode())
        bob.sees_end_of_file()

    assert play(script, cast) is None
    assert [fault.call for fault in cast.scene.arranged.faults] == ["getsockopt"]


def test_whoever_connects_is_known_to_the_kernel(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(WELCOMES, "echo_server")
    learner, folder, (ann, bob) = cast["learner"], cast["folder"], cast["clients"]("ann", "bob")
    path = folder.path()

    def script() -> None:
        learner.serves("serve", path)
        learner.rests()
        os.chmod(path, 0o666)
        ann.connects(path, user=1001, group=1002)
        ann.receives(" ".join(map(str, ann.credentials(1001, 1002))).encode())
        ann.sees_end_of_file()
        bob.connects(path)
        bob.receives(" ".join(map(str, bob.credentials())).encode())
        bob.sees_end_of_file()

    assert play(script, cast) is None
    assert [fault.call for fault in cast.scene.arranged.faults] == ([] if os.geteuid() == 0 else ["getsockopt"])


WHO = """
import socket
import struct

def send_all(sock, data):
    return list(struct.unpack("=iii", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)))
"""
NOBODY = [0, -1, -1]


@pytest.mark.parametrize("kind", ["connected", "not connected", "TCP", "another user"])
def test_the_kernel_says_who_is_at_the_other_end(cast_of: Callable[..., Cast], kind: str) -> None:
    cast = cast_of(WHO, "send_all")
    learner, peer = cast["learner"], cast["peer"]

    def script() -> None:
        lent, credentials = {
            "connected": lambda: (peer.unix_connection, peer.credentials()),
            "another user": lambda: (peer.unix_connection_of(1001, 1002), peer.credentials(1001, 1002)),
            "not connected": lambda: (peer.unconnected_socket, NOBODY),
            "TCP": lambda: (peer.connection, NOBODY),
        }[kind]()
        learner.runs("send_all", lent, b"")
        learner.returns(credentials)

    assert play(script, cast) is None


#: Finds the lowest free number, and hands it over.
OPENS = """
import os

def send_all(sock, fd):
    found = os.open(os.devnull, os.O_RDONLY)
    os.close(found)
    assert (sock.fileno() > 2, fd, found) == (True, {fd}, {found}), (sock.fileno(), fd, found)
"""


@pytest.mark.parametrize(("closed", "fd", "found"), [((0,), 0, 3), ((0, 1), 0, 1)])
def test_a_caller_has_closed_standard_descriptors(
    cast_of: Callable[..., Cast], closed: tuple[int, ...], fd: int, found: int
) -> None:
    cast = cast_of(OPENS.format(fd=fd, found=found), "send_all")
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]

    def script() -> None:
        cast["caller"].has_closed(*closed)
        learner.runs("send_all", peer.unix_connection, folder.opened("notes"))
        learner.returns(None)

    assert play(script, cast) is None


def test_a_connection_has_no_room_until_its_peer_makes_some(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of("def send_all(sock, data):\n    sock.sendall(data)\n", "send_all")
    learner, peer = cast["learner"], cast["peer"]

    def script() -> None:
        learner.runs("send_all", peer.full_connection, b"at last")
        learner.rests()
        assert [call.name for call in cast.scene.process.trace.unfinished] == ["sendall"]
        peer.makes_room()
        peer.receives(b"at last")
        learner.returns(None)

    assert play(script, cast) is None


@pytest.mark.parametrize(("but", "kind"), [(0, "outcome"), (1, ""), (2, "left-open")])
def test_descriptors_lack_but_for_some(cast_of: Callable[..., Cast], but: int, kind: str) -> None:
    cast = cast_of(RECEIVES.format(keeps="pass"), "send_all")
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]
    one, other = folder.opened("one"), folder.opened("other")

    def script() -> None:
        learner.runs("send_all", peer.unix_connection, b"")
        learner.rests()
        learner.runs_out_of_descriptors(but=but)
        peer.passes(one, other)
        learner.returns_descriptor_of(one, other)

    found = play(script, cast)
    assert (found.kind if found else "") == kind


@pytest.mark.parametrize(("keeps", "kind"), [("pass", ""), ("os.dup(fds[0])", "left-open")])
def test_a_file_may_be_returned_as_often_as_it_is_passed(cast_of: Callable[..., Cast], keeps: str, kind: str) -> None:
    cast = cast_of(RECEIVES.format(keeps=f"if data == b'?': {keeps}"), "send_all")
    learner, folder, peer = cast["learner"], cast["folder"], cast["peer"]
    file = folder.opened("notes")

    def script() -> None:
        for said in (b"!", b"?"):
            learner.runs("send_all", peer.unix_connection, b"")
            peer.passes(file, data=said)
            learner.returns_descriptor_of(file)

    found = play(script, cast)
    assert (found.kind if found else "") == kind


def test_the_standard_library_passes_descriptors_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(by_slug("fd_passing").solution("python").parent))
    monkeypatch.delitem(sys.modules, "fd_passing", raising=False)
    from fd_passing import recv_fd, send_fd

    ours, theirs = socket.socketpair()
    with ours, theirs, open(__file__, "rb") as file:
        send_fd(ours, file.fileno())
        reduction.sendfds(theirs, [file.fileno()])
        received = [*reduction.recvfds(theirs, 1), recv_fd(ours)]
        try:
            assert all(os.path.sameopenfile(fd, file.fileno()) for fd in received)
        finally:
            for fd in received:
                os.close(fd)
