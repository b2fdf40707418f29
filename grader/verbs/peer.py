"""What a check can have a peer do, and what the peer then sees."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from grader.peers.places import Address, address_of, kind_of
from grader.peers.process import PeerError
from grader.stage import holdings, quiet
from grader.stage.broken import Broken
from grader.verbs.exchanges import ExchangeVerbs
from grader.verbs.hosting import LISTENER, HostingVerbs
from grader.verbs.http import HttpVerbs
from grader.verbs.passing import PassingVerbs
from grader.verbs.relaying import RelayingVerbs
from grader.verdict.evidence import Failure
from grader.verdict.model import Difference, Verdict
from grader.verdict.words import counted, differing

#: More bytes than this the kernel cuts as it likes.
_COUNTABLE = 4096
_WAITS_FOR_INPUT = ("recv", "recvfrom", "recvmsg", "read", "readv", "poll", "select", "epoll_wait")


class Peer(HostingVerbs, ExchangeVerbs, HttpVerbs, PassingVerbs, RelayingVerbs):
    """The process at the other end, driven step by step."""

    # --- connections ------------------------------------------------------

    def accepts(self) -> None:
        """The program connects, and the peer accepts."""
        self._wait("accept", "the program connects", name=self._name, listener=LISTENER)
        self._party.since = self._scene.runs[-1].first
        self._note("accepts", accepts=1)

    def connects(
        self, port: str, address: str = "127.0.0.1", room: int = 0, *, user: int | None = None, group: int | None = None
    ) -> None:
        """Connect to the program, once it listens; to a UDP port, have a socket
        whose datagrams go there, once the program waits for them.

        Args:
            port: its port, or the path that it listens on.
            room: bytes of the receive buffer; 0 leaves it as it is.
            user, group: of a path, who connects, if it is another user.

        Raises:
            Broken: it does not listen there.
        """
        at = address_of(port, address)
        if kind_of(port).has_datagrams:
            self._reaches(at)
            return
        scene = self._scene
        if scene.run is not None:
            scene.wait(self._program_listens, "the program listens")
        try:
            own = self._connected(at, room, user, group)
        except PeerError as error:
            scene.process.trace.update()
            where = "the port" if address == "127.0.0.1" else f"the port of {address}, an address of this machine,"
            where = "the path" if kind_of(port).is_local else where
            sentence = f"a client's connect() to {where} fails with {error.errno}"
            raise Broken(Failure("refused", sentence, address=address)) from None
        self._party.link = scene.company.link(at, own)
        self._party.name = self._who or "the client"
        self._note("connects" if address == "127.0.0.1" else f"connects to {address}", connects=1)

    def _connected(self, at: Address, room: int, user: int | None, group: int | None) -> dict:
        """Connect, if need be when the program has gone as far as it goes by itself:
        one that listens at several addresses does so at one after the other."""
        try:
            return self._as(user, group, "connect", name=self._name, at=at, room=room)
        except PeerError as error:
            if error.errno != "ECONNREFUSED" or self._scene.run is None:
                raise
        self._scene.wait(quiet.Rest(self._scene), "the program listens")
        return self._as(user, group, "connect", name=self._name, at=at, room=room)

    def reaches(self, other: Peer, port: str, address: str = "127.0.0.1") -> None:
        """Connect to the program, which connects to where the other peer listens, or
        one that it shares a process with; and that peer accepts."""
        self.connects(port, address)
        other.accepts()

    def is_accepted(self) -> None:
        """The program has accepted the connection."""
        link = self._party.link
        try:
            self._scene.wait(link.is_held, "the program accepts the client")
        except Broken:
            if not link.is_ended():
                raise
            sentence = f"the connection of {self._who or 'the client'} was accepted and ended at once"
            raise Broken(Failure("turned-away", sentence)) from None

    def is_refused(self, port: str) -> None:
        """A further client finds nobody listening."""
        try:
            self._do("connect", name="second client", at=address_of(port, "127.0.0.1"))
        except PeerError as error:
            if error.errno != "ECONNREFUSED":
                raise
            self._note("connects once more: refused")
            return
        raise Broken(Failure("still-listening", "a second client can still connect"))

    def _program_listens(self) -> bool:
        trace = self._scene.process.trace
        held = trace["held"] > trace["released"]
        first = self._scene.runs[-1].first if self._scene.runs else 0
        return any(c.name == "listen" and c.index >= first and ((c.done and not c.failed) or held) for c in trace.calls)

    # --- streams ----------------------------------------------------------

    def sends(self, data: bytes, to: Address | None = None) -> None:
        """Send bytes, at once and in one piece.

        Up to some 60,000 bytes arrive in one receive of the program, if it has
        room; how more are cut is the kernel's affair: send them in pieces.  A peer
        that has a datagram socket sends one datagram.

        Args:
            to: of a datagram, an address other than that of the program, or of whom
                it came from last: another peer's `asker`.
        """
        if self._has_datagrams:
            self._sends_datagram(data, to)
            return
        self._wait("send", f"the program receives {counted(len(data))}", after_return=True, name=self._name, data=data)
        self._party.said += data
        self._note(f"sends {counted(len(data))}", sends=len(data), data=data)

    def is_echoed(self, data: bytes) -> None:
        """Send bytes, and receive exactly these."""
        self.sends(data)
        self.receives(data)

    def sends_in_pieces(self, pieces: Iterable[bytes]) -> None:
        """Send each piece when the program has taken the ones before and waits
        for more, so that it sees them one by one, every time."""
        pieces = list(pieces)
        total = sum(map(len, pieces))
        for number, piece in enumerate(pieces):
            rest = sum(map(len, pieces[number:]))
            what = f"the other {rest} of {total} bytes" if number else f"the {total} bytes of the peer"
            self._scene.wait(self._program_wants_more, f"the program receives {what}")
            if self._has_datagrams:
                self._sends_datagram(piece)
                continue
            self._do("send", name=self._name, data=piece)
            self._party.said += piece
            self._note(f"sends {counted(len(piece))}", sends=len(piece), data=piece)

    def tells(self, other: Peer, pieces: Iterable[bytes]) -> None:
        """Send each piece by way of the program to another client, who receives
        it before the next one is sent."""
        for piece in pieces:
            self.sends(piece)
            other.receives(piece)

    def sees_all_taken(self) -> None:
        """The program has received everything that was sent, and waits."""
        self._scene.wait(self._program_wants_more, "the program receives what was sent")

    def _program_wants_more(self) -> bool:
        if self._party.link is not None:
            return self._party.link.has_taken_all() and quiet.rests(self._scene)
        trace, party = self._scene.process.trace, self._party
        receiving = [c for c in trace.calls if c.any_of("recv") and c.index >= party.since]
        waits = any(c.name in _WAITS_FOR_INPUT for c in trace.unfinished)
        if receiving and receiving[-1].errno == "EAGAIN":  # it sleeps between two tries
            waits = waits or any(c.name == "sleep" for c in trace.unfinished)
        # What it has received is not counted: a receive may go on until its buffer is
        # full, and the trace does not see every one.  A wait alone proves nothing
        # either, for it may be one for connect(); one that lasts does.
        return (waits or not receiving) and quiet.sleeps_on_all_delivered(self._scene)

    def receives(
        self,
        data: bytes,
        *others: bytes,
        mistakes: Mapping[bytes, str] | None = None,
        fewer: str = "",
        after: int = 0,
        unlike: Collection[bytes] = (),
    ) -> bytes:
        """Exactly these bytes arrive next, or others of the same length where the
        contract leaves it open which; of datagrams, in one.

        Args:
            after: of a datagram, how many bytes of the program's own choice come
                before them.
            unlike: what the program has chosen before: chance may repeat a
                choice, and not all of them.
            mistakes: wrong bytes that give a gap away, each with the gap's slug:
                ``{b"alice": "no-line-end"}``; also where the program then waits
                for an answer.
            fewer: slug of the gap that gives itself away by fewer bytes.

        Returns:
            Those of the program's own choice.

        Raises:
            Broken: none of them do, or fewer.
        """
        if self._has_datagrams:
            return self._receives_datagram((data, *others), mistakes or {}, fewer, after, unlike)
        scene, party = self._scene, self._party
        scene.expects(data)
        party.owed, party.came = data, b""
        try:
            answer = self._wait(
                "receive", f"{len(data)} bytes arrive", after_return=True, name=self._name, count=len(data)
            )
        except Broken as broken:
            failure = self._so_far(broken.failure, (data, *others), mistakes or {})
            raise Broken(replace(failure, gap=failure.gap or fewer)) from None
        got, end = answer["data"], answer["end"]
        ending = f", then {end}" if end else ""
        self._note(f"receives {counted(len(got))}{ending}", receives=len(got), data=got)
        if got not in (data, *others):
            gap = (mistakes or {}).get(got, fewer if len(got) < len(data) else "")
            scene.company.creditor, party.came = party, got
            raise Broken(Failure("bytes", _compared(data, got, end), difference=Difference(data, got, end), gap=gap))
        party.gets(got)
        return b""

    def _so_far(self, failure: Failure, answers: tuple[bytes, ...], mistakes: Mapping[bytes, str]) -> Failure:
        """A hang in which this peer waits for bytes, with those that have come."""
        data, party, player = answers[0], self._party, self._player
        if failure.verdict is not Verdict.HANG or player.action != "receive":
            return failure
        party.came = got = player.break_off()["data"]
        failure = replace(failure, gap=failure.gap or mistakes.get(got, ""))
        if not any(answer.startswith(got) for answer in answers):
            sentence = f"of the {counted(len(got))} that {party.name} has got, {differing(data, got)}"
            return replace(failure, sentence=sentence, difference=Difference(data, got))
        if len(got) > _COUNTABLE or self._scene.arranged.bulk:
            return failure  # how far a large transfer has come is the kernel's
        return replace(failure, difference=Difference(data, got))

    def sees_end_of_file(self) -> None:
        """Nothing more arrives, and the stream ends without a reset.

        A connection that was lent ends when its owner closes it, which is now,
        if the function has returned.
        """
        scene = self._scene
        if scene.runs and scene.run is None and (self._lent is not None or scene.world.given):
            scene.conclude()
        answer = self._wait("receive", "the stream ends", after_return=True, name=self._name, count=-1)
        more, end = answer["data"], answer["end"]
        if more:
            scene = self._scene
            whole = (scene.message or b"") + more
            verb = "arrives" if len(more) == 1 else "arrive"
            sentence = f"{counted(len(more))} more {verb} after the {len(scene.message or b'')} expected ones"
            self._note(f"receives {counted(len(more))} more", receives=len(more), data=more)
            scene.company.creditor, self._party.came = self._party, more
            raise Broken(Failure("bytes", sentence, difference=Difference(scene.message or b"", whole, end)))
        if end == "reset":
            self._note("sees a reset")
            raise Broken(Failure("reset", "the connection ends with a reset instead of end-of-file"))
        self._note("sees end-of-file")

    def answers_while_it_reads(self, data: bytes) -> None:
        """Exactly these bytes arrive, then end-of-file; each piece is sent back
        before the next is read.

        Raises:
            Broken: others arrive, or fewer.
        """
        self._note("answers while it reads", sends=1 << 62, ends=1)
        answer = self._wait("echo", "the request ends", after_return=True, name=self._name)
        if answer["count"] == len(data) and answer["check"] == zlib.crc32(data):
            self._note(f"sees end-of-file after {counted(len(data))}")
            return
        if answer["end"] == "reset":
            sentence = "the connection breaks before all that was sent has been read"
        elif answer["count"] < len(data):
            sentence = f"the request ends before all its {len(data)} bytes have arrived"
        else:
            sentence = f"{counted(answer['count'])} arrive; the {len(data)} of the request are others"
        raise Broken(Failure("bytes", sentence))

    def answers_until_the_end(self) -> None:
        """Each piece that arrives is sent back before the next is read, until the
        program ends the connection, with an end-of-file or a reset."""
        self._note("answers while it reads", sends=1 << 62, ends=1)
        answer = self._wait("echo", "the connection ends", after_return=True, name=self._name)
        self._note("sees a reset" if answer["end"] == "reset" else "sees end-of-file")

    def sees_all_delivered(self) -> None:
        """Everything that was sent, an end-of-file too, has reached the
        program's kernel, whether the program has taken it or not."""
        self._scene.wait(
            lambda: self._do("delivered", name=self._name)["unacknowledged"] == 0, "what was sent is delivered"
        )

    def receives_until_the_end(self) -> bytes:
        """Whatever arrives until the program ends the connection, with an
        end-of-file or a reset."""
        answer = self._wait("receive", "the connection ends", after_return=True, name=self._name, count=-1)
        got, end = answer["data"], answer["end"]
        self._note(f"receives {counted(len(got))}, then {end}", receives=len(got), data=got)
        return got

    def is_dropped(self, *, instead: str = "") -> None:
        """The program ends the connection of this client, which has not asked
        for it.

        Args:
            instead: slug of the gap that keeping it gives away.

        Raises:
            Broken: the program rests, and has the connection still.
        """
        scene, rest = self._scene, quiet.Rest(self._scene)
        link = self._party.link
        scene.wait(lambda: not link.is_held() or rest(), "the program ends the connection")
        if link.is_held():
            whose = f"the connection of {self._who}" if self._who else "the connection"
            last = holdings.last_call(scene, link)
            scene.look_up([last] if last else [])
            sentence = f"{whose} is still open; the program must end it"
            raise Broken(Failure("kept", sentence, line=last.line if last else None, gap=instead))
        self._note("is dropped", ends=1)

    def waits_until_the_program_is_blocked(self) -> None:
        """The program can go on only when this peer reads."""
        scene = self._scene
        scene.wait(lambda: scene.run is None or quiet.is_asleep(scene), "the program waits for room to send")

    @property
    def ends(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """The addresses of the connection, the peer's own first."""
        answer = self._do("ends", name=self._name)
        return tuple(answer["local"]), tuple(answer["remote"])

    def half_closes(self) -> None:
        """Send an end-of-file; the peer can still receive."""
        self._do("shutdown", name=self._name)
        self._party.has_ended = True
        self._note("half-closes", ends=1)

    def leaves(self) -> None:
        """Send an end-of-file, and see the program's."""
        self.half_closes()
        self.sees_end_of_file()

    def closes(self) -> None:
        self._do("close", name=self._name)
        self._note("closes", ends=1)

    def hangs_up(self) -> None:
        """Accept the connection that the program may have made by the time that it
        rests, and close it."""
        if self.is_reached():
            self.closes()

    def resets(self) -> None:
        """End the connection with a reset; in the Unix domain it is one if there
        is something that the peer has not received."""
        self._do("reset", name=self._name)
        self._note("resets the connection", ends=1)


def _compared(expected: bytes, actual: bytes, end: str) -> str:
    if len(actual) < len(expected) and expected.startswith(actual):
        return f"{len(actual)} of {len(expected)} bytes arrive, then {end or 'nothing'}"
    return f"of the {counted(len(actual))} that arrive, {differing(expected, actual)}"
