"""A process that the program is asked about, with the sockets that a peer has made.

It is forked among the program's processes, as its user, and does nothing: nobody can
talk to it, and it hears of nothing but signals.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
from typing import NoReturn

from grader.peers.places import Address, family_of, sockaddr
from grader.peers.sockets import Sockets
from grader.processes import namespaces, proc

#: The process closes its pipe then.
_LETS_GO = signal.SIGUSR1


class TargetActions(Sockets):
    """The actions on a process of this peer's."""

    _target = 0
    _pipe = -1

    def make(
        self,
        name: str,
        at: Address | None = None,
        to: Address | None = None,
        family: int = 0,
        kind: int = socket.SOCK_STREAM,
        listens: bool = False,
        waits: bool = True,
    ) -> dict:
        """A socket by that name, bound and connected as it is said.

        Args:
            family: where no address tells it.
            waits: whether connecting is waited for.
        """
        made = socket.socket(family or family_of(at if at is not None else to), kind)
        self._keep(name, made)
        if made.family == socket.AF_INET6:  # it may have clients of both families
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if at is not None:
            made.bind(sockaddr(at))
        if listens:
            made.listen(0 if kind == socket.SOCK_STREAM and not waits else 16)
        if to is not None:
            made.setblocking(waits)
            made.connect_ex(sockaddr(to)) if not waits else made.connect(sockaddr(to))
        return {"inode": os.fstat(made.fileno()).st_ino}

    def make_pair(self, name: str, other: str, kind: int) -> dict:
        """Two sockets of the Unix domain, connected to each other."""
        pair = socket.socketpair(socket.AF_UNIX, kind)
        self._keep(name, pair[0])
        self._keep(other, pair[1])
        return {"inode": [os.fstat(half.fileno()).st_ino for half in pair]}

    def sees_state(self, name: str, state: int) -> dict:
        """Wait until a TCP socket is in that state (tcp(7), TCP_INFO): what the other
        end has acknowledged may be on its way."""
        while self._sockets[name].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != state:
            os.sched_yield()
        return {}

    def fork_target(self, near: int, names: list[str], is_private: bool) -> dict:
        """Fork the process.

        Args:
            near: a process of the program.
            names: its sockets, in the order of their descriptors, the first of which is
                3; ``""`` is the pipe.
            is_private: whether nobody without rights over it may look at it.
        """
        is_ready, tells = os.pipe()
        self._pipe, held = os.pipe()
        kept = [self._sockets[name].fileno() if name else held for name in names]
        owner = os.stat(f"/proc/{near}")
        namespaces.enter_processes(near)
        self._target = os.fork()
        if self._target == 0:
            namespaces.give_up_rights(owner.st_uid, owner.st_gid, is_visible=not is_private)
            _stand_still(kept, names.index("") if "" in names else -1, tells)
        for fd in (held, tells):
            os.close(fd)
        os.read(is_ready, 1)  # ends when it has nothing else open
        os.close(is_ready)
        return {"pid": int(proc.status(self._target)["NSpid"].split()[-1])}

    def let_go(self) -> dict:
        """Have it close its pipe."""
        os.kill(self._target, _LETS_GO)
        os.read(self._pipe, 1)
        return {}

    def end_target(self, is_reaped: bool) -> dict:
        """End it, and leave it a zombie, or not."""
        if self._target:
            os.kill(self._target, signal.SIGKILL)
            os.waitid(os.P_PID, self._target, os.WEXITED | (0 if is_reaped else os.WNOWAIT))  # it is one by then
        if is_reaped:
            self._target = 0
        return {}


def _stand_still(kept: list[int], pipe: int, tells: int) -> NoReturn:
    """Have these descriptors from 3 on and no others, and wait for the end.

    Args:
        pipe: which of them is closed when the signal for it comes; -1 for none.
        tells: is closed when all is done.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, [_LETS_GO])
    least = max(*kept, tells, len(kept) + 3) + 1 if kept else tells + 1
    aside = [fcntl.fcntl(fd, fcntl.F_DUPFD, least) for fd in (*kept, tells)]
    for standard in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), standard)
    os.closerange(3, least)
    for number, fd in enumerate(aside[:-1], 3):
        os.dup2(fd, number)
    first = 3 + len(kept)
    os.closerange(first, aside[-1])
    os.closerange(aside[-1], aside[-1] + 1)
    while True:
        signal.sigwait([_LETS_GO])
        os.close(3 + pipe)
