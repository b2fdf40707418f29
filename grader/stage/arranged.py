"""What a check's script has arranged for the program, before it runs and since."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import NamedTuple

from grader.stage.folder import Folder
from grader.trace.faults import Fault


class Resolver(NamedTuple):
    """What getaddrinfo() answers by script.

    Attributes:
        host: a name; ``""`` for none, where addresses to listen on are asked for.
        addresses: numeric ones, in their order.
        service, port: a name for a port, and that port; ``""`` for none.
        lacks: the family of which the machine has no address but loopback, ``IPv6``
            or ``IPv4``; ``""`` for neither.
    """

    host: str
    addresses: list[str]
    service: str = ""
    port: str = ""
    lacks: str = ""

    @property
    def families(self) -> frozenset[int]:
        """The families of its addresses."""
        return frozenset(socket.AF_INET6 if ":" in address else socket.AF_INET for address in self.addresses)


@dataclass
class Arranged:
    """The world that the script has made for the program.

    Attributes:
        faults: tampered calls.
        posing: the one of them that has the last client be another user.
        resolver: names that are not the machine's.
        has_caller: whether the caller has settings of its own (`grader.learner.world`).
        has_child: whether the caller has a child that it has not waited for.
        closed: the standard descriptors that the caller has closed.
        directory: that the program is called in; ``""`` for any.
        file_limit: how many bytes a file that it writes may have at most; 0 for the usual.
        search: where it finds other programs (PATH); ``""`` for anywhere.
        tells_states: whether the trace holds the states of every call.
        port: that the program is to use, if one has been chosen.
        stand_ins: text that is another one in every run -> what reports have instead.
        has_own_network: whether it is in a network that nobody else is in.
        may_sniff: whether it may have raw and packet sockets there.
        folder: a temporary directory, if the script names one.
        time_wait: whether that port had a server until now (TIME_WAIT).
        silent_ports: where nobody answers who connects.
        bulk: whether so much is sent that the kernel cuts it as it likes.
        has_choices: whether datagrams hold bytes that the program chooses, other
            ones in every run.
        signalled: index of the first record after the program was sent a signal
            that may end its function; -1 for none.
        disturbed: name of the signal that it got last, if that is not to end it,
            and how many steps there were by then.
        handled: the names of the signals that it got, each with whether the program
            had a handler for it then.
        pending: the signal that was sent last, if the program has blocked it; else 0.
    """

    faults: list[Fault] = field(default_factory=list)
    posing: Fault | None = None
    resolver: Resolver | None = None
    has_caller: bool = False
    has_child: bool = False
    closed: tuple[int, ...] = ()
    directory: str = ""
    search: str = ""
    file_limit: int = 0
    tells_states: bool = False
    port: int = 0
    stand_ins: dict[str, str] = field(default_factory=dict)
    has_own_network: bool = False
    may_sniff: bool = False
    folder: Folder | None = None
    time_wait: bool = False
    silent_ports: set[int] = field(default_factory=set)
    bulk: bool = False
    has_choices: bool = False
    signalled: int = -1
    handled: list[tuple[str, bool]] = field(default_factory=list)
    pending: int = 0
    disturbed: tuple[str, int] = ("", 0)

    def of_host(self, network: int = 0) -> dict:
        """What of it the program's process sees to (`grader.learner.host`).

        Args:
            network: the process whose network it enters, or 0.
        """
        return {
            "arranged": self.has_caller,
            "child": self.has_child,
            "closed": self.closed,
            "directory": self.directory,
            "search": self.search,
            "file_limit": self.file_limit,
            "network": network,
        }


@dataclass
class Time:
    """The program's clock, so far as the script has a say in it.

    Attributes:
        is_held: whether it stands still until it is moved.
        is_moved: whether the script moves it just now; else what waits with a
            limit may be waited for.
        is_silent: whether the program may wait without a limit meanwhile.
        limit: that the program was given (nanoseconds); 0 for none.
        is_none_left: whether the program was given a limit of 0.
        patience: how long a client waits on it (nanoseconds); 0 for ever.
    """

    is_held: bool = False
    is_moved: bool = False
    is_silent: bool = False
    limit: int = 0
    is_none_left: bool = False
    patience: int = 0
