"""The process that the program is asked about, and what it has."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from socket import htons

from grader.peers.places import TCP, UDP, Address, Kind
from grader.peers.process import PeerError, PeerProcess, free_port
from grader.processes.namespaces import remedy
from grader.stage.broken import NotHere
from grader.stage.scene import Scene
from grader.trace.faults import Fault
from grader.trace.reader import Call
from grader.verbs.arguments import ProcessId
from grader.verdict.transcript import Step
from grader.verdict.words import counted

_TURN_ON = "sudo sysctl -w net.ipv6.conf.all.disable_ipv6=0"
#: Numbers in the place of those that are others in every run.
_PORTS, _INODES, _ID = 3490, 70001, "4242"
_TYPES = {"stream": socket.SOCK_STREAM, "datagram": socket.SOCK_DGRAM, "seqpacket": socket.SOCK_SEQPACKET}
#: Bytes of the longest name, and a number for each script.
_LONGEST, _scripts = 107, count(1)
#: Calls by which a program asks for the descriptors of a process, and then what they are.
_ASKS = ("opendir", "readlink", "stat", "lstat")
#: States of TCP (tcp_states.h).
_FIN_WAIT2, _CLOSE_WAIT = 5, 8


class Subject:
    """A process that does nothing but have sockets; at the other ends of them is a peer.

    All of them are made before its id is asked for the first time, which starts it.

    An address is that of IPv4 or of IPv6, to which each socket adds a port of its own,
    or a name of the Unix domain.

    Attributes:
        lines: what is to be said of its sockets, in their order.
        foreign: the same of the peer's.
        doubles: the lines of those that it has two descriptors of.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.lines: list[str] = []
        self.foreign: list[str] = []
        self.doubles: list[str] = []
        self._kept: list[str] = []
        self._made = 0
        self._reserved: dict[int, int] = {}
        self._own: PeerProcess | None = None
        self._id: ProcessId | None = None
        self._is_private = False
        if scene.stage.job is None:  # who is confined has such a network already
            with suppress(NotHere):  # else there are others in the tables, too
                scene.network_host()
                scene.arranged.has_own_network = True
        self._mark = f"{os.getpid():07x}{next(_scripts):05x}."
        scene.arranged.stand_ins[self._mark] = ""

    # --- what it has ----------------------------------------------------------

    def listens(self, *addresses: str) -> None:
        """It listens on a stream socket at each of these."""
        for address in addresses:
            at = self._at(address)
            self._has(self._make(at=at, listens=True), f"{_protocol(at, 'tcp')} LISTEN {_end(at)}")

    def connects(self, *addresses: str) -> None:
        """It has a connection to where a peer listens, at each of these."""
        for address in addresses:
            self._connects(address)

    def accepts(self, *addresses: str) -> None:
        """It listens at each of these, and has accepted a peer's connection there."""
        for address in addresses:
            at, own = self._at(address), self._at(address, client=True)
            listener = self._make(at=at, listens=True)
            self._has(listener, f"{_protocol(at, 'tcp')} LISTEN {_end(at)}")
            client = self._make(at=own, to=at)
            self.foreign.append(f"{_protocol(at, 'tcp')} {_connected(at)} {_end(own, at)}")
            self._has(self._accept(listener, client), f"{_protocol(at, 'tcp')} {_connected(at)} {_end(at, own)}")

    def accepts_ipv4(self) -> None:
        """It listens with an IPv6 socket at all addresses, and has accepted a peer's
        connection over IPv4."""
        at, own = self._at("::"), self._at("127.0.0.1")
        listener = self._make(at=at, listens=True)
        self._has(listener, f"tcp6 LISTEN {_end(at)}")
        there = ["127.0.0.1", at[1]]
        client = self._make(at=own, to=there)
        self.foreign.append(f"tcp ESTABLISHED {_end(own, there)}")
        ends = (["::ffff:127.0.0.1", port] for port in (at[1], own[1]))
        self._has(self._accept(listener, client), f"tcp6 ESTABLISHED {_end(*ends)}")

    def half_closes(self, address: str) -> None:
        """It has sent an end-of-file to a peer, which has sent none."""
        name, other = self._connects(address, "FIN_WAIT2", "CLOSE_WAIT")
        self._do("shutdown", name=name)
        self._do("sees_state", name=name, state=_FIN_WAIT2)
        self._do("sees_state", name=other, state=_CLOSE_WAIT)

    def is_half_closed(self, address: str) -> None:
        """A peer has sent it an end-of-file, and it has sent none."""
        name, other = self._connects(address, "CLOSE_WAIT", "FIN_WAIT2")
        self._do("shutdown", name=other)
        self._do("sees_state", name=other, state=_FIN_WAIT2)
        self._do("sees_state", name=name, state=_CLOSE_WAIT)

    def is_connecting(self, address: str) -> None:
        """It tries to connect to a peer, which does not answer."""
        at, own = self._at(address), self._at(address)
        self._make(at=at, listens=True, waits=False)
        self.foreign.append(f"{_protocol(at, 'tcp')} LISTEN {_end(at)}")
        self._make(to=at)
        self._has(self._make(at=own, to=at, waits=False), f"{_protocol(at, 'tcp')} SYN_SENT {_end(own, at)}")

    def has_datagram_sockets(self, *addresses: str) -> None:
        """It has a datagram socket bound to each of these."""
        for address in addresses:
            at = self._at(address, UDP)
            self._has(self._make("datagram", at=at), f"{_protocol(at, 'udp')} UNCONN {_end(at)}")

    def asks(self, *addresses: str) -> None:
        """It has a datagram socket that is connected to one of a peer's, at each of these."""
        for address in addresses:
            at, own = self._at(address, UDP), self._at(address, UDP, client=True)
            self._make("datagram", at=at)
            state = "UNCONN" if isinstance(at, list) else "CONNECTED"  # the kernel has it so since somebody is
            self.foreign.append(f"{_protocol(at, 'udp')} {state} {_end(at)}")
            name = self._make("datagram", at=own, to=at)
            self._has(name, f"{_protocol(at, 'udp')} {_connected(at)} {_end(own, at)}")

    def has_pairs(self, *kinds: str) -> None:
        """It has both ends of a socketpair of each of these kinds."""
        for kind in kinds:
            names = self._new(), self._new()
            self._knows(*self._do("make_pair", name=names[0], other=names[1], kind=_TYPES[kind])["inode"])
            for name in names:
                self._has(name, "unix CONNECTED -")

    def has_name(self, kind: str, name: str) -> None:
        """It has a socket of the Unix domain that is bound, and nothing else."""
        at = self._at(name)
        self._has(self._make(kind, at=at), f"unix UNCONN {_end(at)}")

    def has_sockets_without_a_name(self) -> None:
        """It has sockets of the Unix domain that are neither bound nor connected."""
        for kind in _TYPES:
            self._has(self._make(kind, family=socket.AF_UNIX), "unix UNCONN -")

    def has_what_is_in_no_table(self) -> None:
        """It has TCP and UDP sockets that are not bound, bound TCP sockets that do not
        listen, a netlink socket, and a pipe."""
        for family in (socket.AF_INET, socket.AF_INET6):
            self._kept += [self._make(kind, family=family) for kind in ("stream", "datagram")]
        self._kept += [self._make(at=self._at(address)) for address in ("127.0.0.1", "::1")]
        self._kept.append(self._make("datagram", family=socket.AF_NETLINK))
        self.has_a_pipe()

    def has_neighbours(self, *addresses: str) -> None:
        """It has nothing to do with a peer that listens at each of these."""
        for address in addresses:
            at = self._at(address)
            self._make(at=at, listens=True)
            self.foreign.append(f"{_protocol(at, 'tcp')} LISTEN {_end(at)}")

    def has_a_pipe(self) -> None:
        """It has a pipe."""
        self._kept.append("")

    def has_a_crowd(self, count: int) -> None:
        """It has so many sockets, of each protocol a third."""
        for _ in range(count // 3):
            self.listens("127.0.0.1")
            self.has_datagram_sockets("127.0.0.1")
            self.has_name("stream", f"\0crowd {self._made}")

    def has_duplicates(self) -> None:
        """It has a second descriptor of every socket."""
        self.doubles += self.lines
        self._kept += self._kept

    # --- what it is -----------------------------------------------------------

    def is_elsewhere(self) -> None:
        """It is in another network than the program: what it has from now on is there.

        Raises:
            NotHere: the machine does not allow it.
        """
        try:
            self._player.moves("leave_network")
        except PeerError as error:
            why = f"a network of its own is not allowed here ({error.errno}); to allow it: {remedy()}"
            raise NotHere(why) from None
        os.close(self._player.take_fd())
        self._note("is in another network")

    def is_another_users(self) -> None:
        """The program may not look at it: what it asks for fails with EACCES."""
        self._is_private = True
        for call in ("opendir", "readlink"):  # who is root may look at all there is
            self._scene.tampers(Fault(call, error="EACCES"))
        self._note("is another user's")

    @property
    def id(self) -> ProcessId:
        """Its process id, by which the program knows it, too."""
        if self._id is None:
            near = self._scene.load().pid
            told = self._player.moves("fork_target", near=near, names=self._kept, is_private=self._is_private)
            self._id = ProcessId(told["pid"])
            self._scene.arranged.stand_ins[str(self._id)] = _ID
            self._note(f"runs, and has {counted(len(self._kept), 'descriptor')}")
        return self._id

    def ends(self) -> None:
        """It ends, and is a zombie, for its parent does not wait for it."""
        self._id = self.id
        self._do("end_target", is_reaped=False)
        self._note("has ended, and is a zombie")

    def is_gone(self) -> None:
        """It ends, and its parent waits for it: nobody has its process id."""
        self._id = self.id
        self._do("end_target", is_reaped=True)
        self._note("has ended, and is gone")

    def is_watched(self) -> None:
        """Whoever asks for its descriptors is held until it does something `meanwhile`."""
        self._scene.tampers(*(Fault(call, hold=True) for call in _ASKS))

    def ends_meanwhile(self) -> None:
        """It ends, and is gone, when the program has just asked for its descriptors."""
        self._when_it_is_asked(_ASKS, self.is_gone)

    def lets_go_meanwhile(self) -> None:
        """It closes its pipe when the program has asked for its descriptors and is about
        to ask what they are."""
        self._when_it_is_asked(_ASKS[1:], lambda: self._do("let_go"))
        self._note("closes a descriptor")

    def _when_it_is_asked(self, calls: tuple[str, ...], act: Callable[[], object]) -> None:
        """Do something while one of these calls, about its descriptors, is held; the
        program need not make any."""
        scene, trace = self._scene, self._scene.process.trace
        while True:
            scene.wait(lambda: trace["held"] > trace["released"] or scene.run is None, "a held call returns")
            trace.update()
            held = [call for call in trace.unfinished if call.name in calls]
            if scene.run is None or any(map(_is_about_descriptors, held)):
                break
            trace["released"] += 1
        act()
        scene.release()

    def close(self) -> None:
        """End it."""
        if self._id is not None:
            self._do("end_target", is_reaped=True)
        for fd in self._reserved.values():
            os.close(fd)

    # --- how ------------------------------------------------------------------

    @property
    def _player(self) -> PeerProcess:
        if self._own is None:
            self._own = self._scene.new_peer()
        return self._own

    def _do(self, action: str, **arguments: object) -> dict:
        try:
            return self._player.do(action, **arguments)
        except PeerError as error:
            if error.errno in ("EAFNOSUPPORT", "EADDRNOTAVAIL"):
                raise NotHere(f"IPv6 is off here ({error.errno}); to turn it on: {_TURN_ON}") from None
            raise

    def _at(self, address: str, kind: Kind = TCP, *, client: bool = False) -> Address | None:
        """An address with a port of its own; of the Unix domain, that name.

        Args:
            client: whether it is that of a client, who has no name in the Unix domain.
        """
        if not _is_of_ip(address):
            return None if client else self._name(address)
        port = free_port(self._reserved, kind)
        shown = _PORTS + len(self._reserved) - 1
        told = {f":{port}": f":{shown}", f":{port:04X}": f":{shown:04X}", f":{htons(port)}": f":{htons(shown)}"}
        self._scene.arranged.stand_ins |= told
        return [address, port]

    def _name(self, name: str) -> str:
        """A name of the Unix domain; an abstract one is this script's alone, and as long
        as such names can be."""
        if not name.startswith("\0"):
            return name
        cut = os.fsencode(f"\0{self._mark}{name[1:]}")[:_LONGEST]
        return os.fsdecode(cut)

    def _new(self) -> str:
        self._made += 1
        return f"socket {self._made}"

    def _make(self, kind: str = "stream", **how: object) -> str:
        name = self._new()
        at = how.get("at")
        self._knows(self._do("make", name=name, kind=_TYPES[kind], **how)["inode"])
        if isinstance(at, str) and not at.startswith("\0") and self._scene.arranged.folder is not None:
            self._scene.arranged.folder.knows(at)
        return name

    def _knows(self, *inodes: int) -> None:
        stand_ins = self._scene.arranged.stand_ins
        stand_ins |= {str(inode): str(_INODES + len(stand_ins)) for inode in inodes}

    def _has(self, name: str, line: str) -> None:
        self._kept.append(name)
        self.lines = sorted([*self.lines, line], key=os.fsencode)

    def _accept(self, listener: str, client: str) -> str:
        name = self._new()
        self._do("accept", name=name, listener=listener)
        return name

    def _connects(self, address: str, state: str = "", theirs: str = "") -> tuple[str, str]:
        at, own = self._at(address), self._at(address, client=True)
        listener = self._make(at=at, listens=True)
        name = self._make(at=own, to=at)
        other = self._accept(listener, name)
        protocol = _protocol(at, "tcp")
        self.foreign += [f"{protocol} LISTEN {_end(at)}", f"{protocol} {theirs or _connected(at)} {_end(at, own)}"]
        self._has(name, f"{protocol} {state or _connected(at)} {_end(own, at)}")
        return name, other

    def _note(self, text: str) -> None:
        self._scene.steps.append(Step(f"the process {text}"))


def _is_of_ip(address: str) -> bool:
    return not address.startswith("\0") and "/" not in address


def _protocol(at: Address, over_ip: str) -> str:
    if not isinstance(at, list):
        return "unix"
    return f"{over_ip}6" if ":" in at[0] else over_ip


def _connected(at: Address) -> str:
    return "ESTABLISHED" if isinstance(at, list) else "CONNECTED"


def _end(own: Address | None, other: Address | None = None) -> str:
    """Both ends of a socket, as a line has them; of the Unix domain its own name."""
    if isinstance(own, list):
        return f"{_text(own)} {_text(other) if other else '-'}"
    return "@" + own[1:].replace("\0", "@") if own and own.startswith("\0") else own or "-"


def _text(at: list) -> str:
    return f"[{at[0]}]:{at[1]}" if ":" in at[0] else f"{at[0]}:{at[1]}"


def _is_about_descriptors(call: Call) -> bool:
    """Whether a call is about the descriptors of a process, or one of them (proc(5))."""
    path = call.paths[0].rstrip("/") if call.paths else ""
    return call.name == "readlink" or path in ("", "fd") or path.endswith("/fd") or "/fd/" in path or path.isdigit()
