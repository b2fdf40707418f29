"""What a check can have a peer do, and what the peer then sees."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from grader.peers.process import PeerError, PeerProcess
from grader.processes.connections import Ends
from grader.stage import holdings, quiet
from grader.stage.broken import Broken
from grader.stage.party import Party
from grader.stage.scene import Scene
from grader.verbs.hosting import CONNECTION, LISTENER, HostingVerbs
from grader.verbs.lent import Lent
from grader.verdict.evidence import Failure
from grader.verdict.model import Difference, Verdict
from grader.verdict.transcript import Step
from grader.verdict.words import counted, differing

#: Actions on a connection, in words.
_ON_A_CONNECTION = {"send": "sends", "shutdown": "half-closes", "reset": "resets it", "receive": "receives"}
#: More bytes than this the kernel cuts as it likes.
_COUNTABLE = 4096
_WAITS_FOR_INPUT = ("recv", "recvfrom", "recvmsg", "read", "readv", "poll", "select", "epoll_wait")


class Peer(HostingVerbs):
    """The process at the other end, driven step by step."""

    def __init__(self, scene: Scene, process: PeerProcess | None = None, who: str = "") -> None:
        """A peer with a process of its own, or one of several that share one.

        Args:
            process: the shared one.
            who: what a transcript calls it, and its connection in that process.
        """
        self._scene = scene
        self._process = process
        self._who, self._name = who, who or CONNECTION
        self._lent: Lent | None = None
        self._ends: Ends | None = None  # the program's and its own, where it has connected to it
        self._party = Party(who or "the peer")
        scene.company.parties.append(self._party)

    # --- connections ------------------------------------------------------

    def accepts(self) -> None:
        """The program connects, and the peer accepts."""
        self._wait("accept", "the program connects", name=self._name, listener=LISTENER)
        self._note("accepts", accepts=1)

    def connects(self, port: str, address: str = "127.0.0.1", room: int = 0) -> None:
        """Connect to the program, once it listens.

        Args:
            room: bytes of the receive buffer; 0 leaves it as it is.

        Raises:
            Broken: it does not listen there.
        """
        scene = self._scene
        if scene.run is not None:
            scene.wait(self._program_listens, "the program listens")
        try:
            answer = self._do("connect", name=self._name, address=address, port=int(port), room=room)
        except PeerError as error:
            scene.process.trace.update()
            where = "the port" if address == "127.0.0.1" else f"the port of {address}, an address of this machine"
            sentence = f"a client's connect() to {where} fails with {error.errno}"
            raise Broken(Failure("refused", sentence, address=address)) from None
        self._party.ports = answer["port"], int(port)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        theirs, own = (socket.inet_pton(family, end) for end in (address, answer["address"]))
        self._ends = family, theirs, int(port), own, answer["port"]
        self._party.name = self._who or "the client"
        self._note("connects" if address == "127.0.0.1" else f"connects to {address}", connects=1)

    def is_accepted(self) -> None:
        """The program has accepted the connection."""
        try:
            self._scene.wait(self._is_held, "the program accepts the client")
        except Broken:
            if not holdings.is_ended(self._party.ports):
                raise
            sentence = f"the connection of {self._who or 'the client'} was accepted and ended at once"
            raise Broken(Failure("turned-away", sentence)) from None

    def _is_held(self) -> bool:
        """Whether the program holds its end of the connection."""
        try:
            return self._ends is not None and self._scene.company.connections.is_held(self._ends)
        except OSError:
            return holdings.is_accepted(self._party.ports)  # sock_diag(7) is refused here

    def is_refused(self, port: str) -> None:
        """A further client finds nobody listening."""
        try:
            self._do("connect", name="second client", address="127.0.0.1", port=int(port))
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

    def sends(self, data: bytes) -> None:
        """Send bytes, at once and in one piece.

        Up to some 60,000 bytes arrive in one receive of the program, if it has
        room; how more are cut is the kernel's affair: send them in pieces.
        """
        self._wait("send", f"the program receives {counted(len(data))}", after_return=True, name=self._name, data=data)
        self._party.said += data
        self._note(f"sends {counted(len(data))}", sends=len(data))

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
            self._do("send", name=self._name, data=piece)
            self._party.said += piece
            self._note(f"sends {counted(len(piece))}", sends=len(piece))

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
        if any(self._party.ports):
            return holdings.has_taken_all(self._party.ports) and quiet.rests(self._scene)
        trace = self._scene.process.trace
        receiving = [c for c in trace.calls if c.any_of("recv")]
        waits = any(c.name in _WAITS_FOR_INPUT for c in trace.unfinished)
        if receiving and receiving[-1].errno == "EAGAIN":  # it sleeps between two tries
            waits = waits or any(c.name == "sleep" for c in trace.unfinished)
        if sum(c.result for c in receiving if c.done and c.result > 0) >= self._party.sent and waits:
            return True
        # A receive that goes on until its buffer is full, or one that the trace
        # does not see: all there is has been delivered, and the program sleeps.
        return (waits or not receiving) and quiet.sleeps_on_all_delivered(self._scene)

    def receives(
        self, data: bytes, *others: bytes, mistakes: Mapping[bytes, str] | None = None, fewer: str = ""
    ) -> None:
        """Exactly these bytes arrive next, or others of the same length where the
        contract leaves it open which.

        Args:
            mistakes: wrong bytes that give a gap away, each with the gap's slug:
                ``{b"alice": "no-line-end"}``; also where the program then waits
                for an answer.
            fewer: slug of the gap that gives itself away by fewer bytes.

        Raises:
            Broken: none of them do, or fewer.
        """
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
        self._note(f"receives {counted(len(got))}{ending}", receives=len(got))
        if got not in (data, *others):
            gap = (mistakes or {}).get(got, fewer if len(got) < len(data) else "")
            scene.company.creditor, party.came = party, got
            raise Broken(Failure("bytes", _compared(data, got, end), difference=Difference(data, got, end), gap=gap))
        party.gets(got)

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
            sentence = f"{counted(len(more))} more arrive after the {len(scene.message or b'')} expected ones"
            self._note(f"receives {counted(len(more))} more", receives=len(more))
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
        self._note(f"receives {counted(len(got))}, then {end}", receives=len(got))
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
        scene.wait(lambda: not self._is_held() or rest(), "the program ends the connection")
        if self._is_held():
            whose = f"the connection of {self._who}" if self._who else "the connection"
            last = holdings.last_call(scene, self._party.ports)
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

    def resets(self) -> None:
        """End the connection with a reset."""
        self._do("reset", name=self._name)
        self._note("resets the connection", ends=1)

    # --- machinery --------------------------------------------------------

    @property
    def _player(self) -> PeerProcess:
        if self._process is None:
            self._process = self._scene.new_peer()
        return self._process

    def _do(self, action: str, **arguments: object) -> dict:
        """An action that does not depend on the program.

        Raises:
            Broken: the program has broken the connection that it is for.
        """
        try:
            return self._player.do(action, **arguments)
        except PeerError as error:
            raise _gone(action, error) from None

    def _wait(self, action: str, awaited: str, *, after_return: bool = False, **arguments: object) -> dict:
        """An action that comes to an end when the program does its part."""
        player, answer = self._player, []
        scene, party = self._scene, self._party
        scene.awaited_since = len(scene.steps)
        scene.company.creditor, party.wants = party, _wanted(action, arguments.get("count", 0))
        player.start(action, **arguments)

        def ready() -> bool:
            if not answer and (got := player.answer()) is not None:
                answer.append(got)
            return bool(answer)

        try:
            scene.wait(ready, awaited, after_return=after_return or action == "accept")
        except PeerError as error:
            raise _gone(action, error) from None
        scene.company.creditor = None
        return answer[0]

    def _note(self, text: str, **effects: int) -> None:
        self._scene.steps.append(Step(f"{self._who} {text}".strip(), **effects))

    def close(self) -> None:
        """Close the judge's own descriptor of a lent connection."""
        if self._lent is not None:
            self._lent.close()


def _wanted(action: str, count: int) -> str:
    """What a peer waits for in an action, in words."""
    if action == "receive":
        return counted(count) if count >= 0 else "the end of the connection"
    return {"accept": "the program's connect()", "echo": "the end of the request"}.get(action, "room to send more")


def _gone(action: str, error: PeerError) -> Exception:
    """What an action's error means: of a connection that is broken, that the
    program has broken it."""
    if action not in _ON_A_CONNECTION or error.errno not in ("ENOTCONN", "EPIPE", "ECONNRESET"):
        return error
    words = _ON_A_CONNECTION[action]
    return Broken(Failure("gone", f"the connection is broken when the peer {words} ({error.errno})"))


def _compared(expected: bytes, actual: bytes, end: str) -> str:
    if len(actual) < len(expected) and expected.startswith(actual):
        return f"{len(actual)} of {len(expected)} bytes arrive, then {end or 'nothing'}"
    return f"of the {counted(len(actual))} that arrive, {differing(expected, actual)}"
