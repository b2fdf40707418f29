"""The judge's handle on one peer's process."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socketpair
from typing import Any

from grader.peers.places import Kind
from grader.processes import proc
from grader.processes.channel import Channel
from grader.processes.forkserver import ForkServer

#: Actions that end when something comes; a connection or a datagram comes only from
#: whom is there still, bytes and the end of a stream also when it is gone.
COMES_FROM_THE_LIVING = ("accept", "take")
COMES = (*COMES_FROM_THE_LIVING, "receive", "echo", "drain", "be_passed")


class PeerError(Exception):
    """An action of a peer failed; ``errno`` is its symbolic name."""

    def __init__(self, action: str, number: int, words: str) -> None:
        super().__init__(f"{action}: {words}")
        self.errno = errno.errorcode.get(number, str(number))


class PeerProcess:
    """A peer: told one action after the other.

    Args:
        server: forks it.
    """

    def __init__(self, server: ForkServer) -> None:
        self._server = server
        ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
        self.channel = Channel(ours.detach())
        try:
            self._child = server.spawn({"fds": 1}, (theirs.fileno(),))
            self.pid = self._child.pid
        finally:
            theirs.close()
        self.action = ""  # the one under way
        self._has_moved = False

    @property
    def is_busy(self) -> bool:
        """Whether an action is under way."""
        return bool(self.action)

    def start(self, action: str, *, fds: tuple[int, ...] = (), **arguments: Any) -> None:
        """Begin an action; `answer` tells when it is through.

        Args:
            fds: descriptors that go with the request; still the caller's own.
        """
        assert not self.action, f"the peer is busy with {self.action}"
        self.action = action
        self.channel.send({"do": action, **arguments}, fds)

    def answer(self) -> dict | None:
        """The result of the action under way, or None while it lasts.

        Raises:
            PeerError: the action failed.
        """
        message = self.channel.take()
        if message is None:
            return None
        action, self.action = self.action, ""
        if "errno" in message:
            raise PeerError(action, message["errno"], message["words"])
        return message

    def do(self, action: str, **arguments: Any) -> dict:
        """Do what cannot block on the learner, and return the result."""
        self.start(action, **arguments)
        return self._await_answer()

    def moves(self, action: str, **arguments: Any) -> dict:
        """Do what changes the process for good: it serves no other check."""
        self._has_moved = True
        return self.do(action, **arguments)

    def _await_answer(self) -> dict:
        while (answer := self.answer()) is None:
            if not self.channel.pump():
                raise EOFError("a peer's process has ended")
        return answer

    def break_off(self) -> dict:
        """End the receive under way; its result is what has come so far."""
        self.channel.send({"do": "break_off"})
        received = self._await_answer()
        self.action = "break_off"
        self._await_answer()
        return received

    def leave(self) -> bool:
        """Close all its sockets; whether it can serve another check."""
        if self.is_busy or self._has_moved:
            return False
        try:
            self.do("leave")
        except (OSError, EOFError):
            return False
        return True

    @property
    def state(self) -> str:
        """The letter of its scheduler state (proc(5)), ``""`` once it is gone."""
        try:
            return proc.state(self.pid)
        except OSError:
            return ""

    @property
    def is_asleep(self) -> bool:
        """Whether the process waits in the kernel."""
        return self.state == "S"

    def take_fd(self) -> int:
        """The descriptor that `lend` brought; the caller owns it."""
        return self.channel.take_fd()

    def close(self) -> None:
        self.channel.close()
        self._server.reap(self._child)


def free_port(reserved: dict[int, int], kind: Kind) -> int:
    """A port that nothing uses, outside the range of ephemeral ports.

    The port stays reserved for this judge among all judges of the machine by
    the abstract Unix address of that name (unix(7)).

    Args:
        reserved: takes the port and the descriptor that reserves it.
    """
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first = max(1024, low - 20000)
    start = (os.getpid() * 37 + len(reserved)) % (low - first)
    for step in range(low - first):
        port = first + (start + step) % (low - first)
        if port in reserved:
            continue
        claim = socket.socket(AF_UNIX, SOCK_STREAM)
        try:
            claim.bind(f"\0thirteen-bytes-{port}")
            for family, everywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                _try(family, kind, everywhere, port)
        except OSError:
            claim.close()
            continue
        reserved[port] = claim.detach()
        return port
    raise OSError(errno.EADDRINUSE, "no free port below the ephemeral ones")


def _try(family: int, kind: Kind, address: str, port: int) -> None:
    """Bind a socket to a port, and let it go; nothing where the family is unknown.

    Raises:
        OSError: the port is taken.
    """
    try:
        probe = socket.socket(family, kind.type)
    except OSError:
        return  # no IPv6 here
    with probe:
        probe.bind((address, port))
