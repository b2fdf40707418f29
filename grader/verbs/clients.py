"""Several clients of one server: a few with names, or a crowd without."""

from __future__ import annotations

from collections.abc import Callable

from grader.peers.places import kind_of
from grader.peers.process import PeerProcess
from grader.stage import quiet
from grader.stage.broken import Broken
from grader.stage.scene import Scene
from grader.verbs.http import Mistakes, body_of
from grader.verbs.peer import Peer
from grader.verdict.evidence import Failure
from grader.verdict.transcript import Step


class Clients:
    """Clients that live in one process, each acting when it is told to."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._process: PeerProcess | None = None
        self._refused = 0

    def __call__(self, *names: str) -> list[Peer]:
        """Peers by these names, which transcripts call them by::

        ann, bob = clients("ann", "bob")
        """
        return [Peer(self._scene, self._shared, name) for name in names]

    def arrive(self, port: str, *clients: Peer) -> None:
        """They connect, each when the program rests, so that it sees them one by one."""
        for client in clients:
            client.connects(port)
            self._rest()

    def either_is_echoed(self, port: str, data: bytes) -> None:
        """Two clients come, one after the other, send data and half-close.

        A call that fails may cost one of them its connection, which then ends
        early.  The other gets all of its data back.

        Raises:
            Broken: neither does.
        """
        self.either_is_answered(port, data, data)

    def either_is_answered(self, port: str, data: bytes, *answers: bytes) -> None:
        """The same for a server that has one of these answers to the data; of UDP, for
        one datagram of each.

        Raises:
            Broken: neither client gets one.
        """
        got = [self._answer(client, port, data) for client in self("ann", "bob")]
        if not any(answer in answers for answer in got):
            whole = " or ".join(map(str, sorted({len(answer) for answer in answers})))
            sentence = f"of two clients neither gets its {whole} bytes: ann gets {len(got[0])}, then bob {len(got[1])}"
            raise Broken(Failure("bytes", sentence))

    def _answer(self, client: Peer, port: str, data: bytes) -> bytes:
        client.connects(port)
        client.sends(data)
        if kind_of(port).has_datagrams:
            return client.receives_what_has_come()
        client.half_closes()
        return client.receives_until_the_end()

    def either_is_served(self, port: str, request: bytes, body: bytes) -> None:
        """The same for a server of HTTP: the answer has this body.

        Raises:
            Broken: neither client gets one.
        """
        self._scene.arranged.has_choices = True
        got = [body_of(self._answer(client, port, request)) for client in self("ann", "bob")]
        if body not in got:
            raise Broken(Failure("bytes", "of two clients neither gets an answer with the file"))

    def are_refused(self, port: str, status: int, *requests: bytes, mistakes: Mistakes | None = None) -> None:
        """Each request is sent by a client of its own, who gets an answer of HTTP with
        that status, then end-of-file.

        Args:
            mistakes: see `Peer.is_answered`.
        """
        for number, request in enumerate(requests, self._refused + 1):
            (client,) = self(f"client {number}")
            client.connects(port)
            client.sends(request)
            client.is_answered(status, mistakes=mistakes)
            client.sees_the_end(mistakes=mistakes)
            client.half_closes()
            client.closes()
        self._refused += len(requests)

    def either_pair_talks(self, port: str, line: bytes) -> None:
        """Two pairs of clients come, one after the other; what one of a pair
        sends arrives at the other one.

        A call that fails may cost one pair a connection.  The other one talks.

        Raises:
            Broken: neither does.
        """
        pairs = [self("ann", "bob"), self("carol", "dave")]
        talked = [self._talks(speaker, listener, port, line) for speaker, listener in pairs]
        if not any(talked):
            raise Broken(Failure("bytes", "of two pairs of clients neither can talk: no line reaches the other one"))

    def _talks(self, speaker: Peer, listener: Peer, port: str, line: bytes) -> bool:
        turns: list[Callable[[], None]] = [
            lambda: listener.connects(port),
            lambda: speaker.connects(port),
            lambda: speaker.sends(line),
            speaker.half_closes,
            listener.half_closes,
        ]
        for turn in turns:  # one event at a time: a loop makes the same calls every time
            turn()
            self._rest()
        heard = [client.receives_until_the_end() for client in (speaker, listener)]
        return heard == [b"", line]

    def either_is_relayed(self, port: str, data: bytes, answer: bytes) -> None:
        """Two clients come, one after the other, send data and half-close; the target,
        where a peer of these listens, hears it to its end and answers.

        A call that fails may cost one of them its connections.  The other gets the
        answer.

        Raises:
            Broken: neither does.
        """
        pairs = [self("ann", "tina"), self("bob", "uma")]
        through = [self._is_relayed(client, target, port, data, answer) for client, target in pairs]
        if not any(through):
            raise Broken(Failure("bytes", "of two clients neither gets through to the target and back"))

    def _is_relayed(self, client: Peer, target: Peer, port: str, data: bytes, answer: bytes) -> bool:
        client.connects(port)
        self._rest()
        client.sends(data)
        self._rest()
        client.half_closes()
        if not target.is_reached():
            client.receives_until_the_end()
            return False
        heard = target.receives_until_the_end()
        target.sends(answer)
        target.closes()
        return client.receives_until_the_end() == answer and heard == data

    def crowd(self, count: int) -> Crowd:
        """So many clients that act as one."""
        return Crowd(self._scene, self(*(f"client {number}" for number in range(1, count + 1))))

    def _rest(self) -> None:
        self._scene.wait(quiet.Rest(self._scene), "the program rests")

    @property
    def _shared(self) -> PeerProcess:
        if self._process is None:
            self._process = self._scene.new_peer()
        return self._process


class Crowd:
    """Many clients, each of which does the same, one after the other.

    Where a verb takes data, it may be one for all, or a list with one for each.
    """

    def __init__(self, scene: Scene, clients: list[Peer]) -> None:
        self._scene = scene
        self._clients = clients

    def connects(self, port: str) -> None:
        """Each connects, once the program has accepted the one before."""

        def connect(client: Peer, _: object) -> None:
            client.connects(port)
            client.is_accepted()

        self._each("connect", connect)

    def sends(self, data: bytes | list[bytes]) -> None:
        """Each sends its data; all of it is on its way when the last has sent."""
        self._each("send", lambda client, part: client.sends(part), data)

    def receives(self, data: bytes | list[bytes]) -> None:
        """Exactly its data arrives at each."""
        self._each("receive", lambda client, part: client.receives(part), data)

    def is_answered(self, status: int, body: bytes) -> None:
        """Each gets an answer of HTTP, with that status and body."""
        self._each("receive an answer", lambda client, _: client.is_answered(status, body=body))

    def half_closes(self) -> None:
        """Each sends an end-of-file, and can still receive."""
        self._each("half-close", lambda client, _: client.half_closes())

    def sees_end_of_file(self) -> None:
        """Nothing more arrives at any of them, and each stream ends."""
        self._each("see end-of-file", lambda client, _: client.sees_end_of_file())

    def closes(self) -> None:
        """Each closes its connection."""
        self._each("close", lambda client, _: client.closes())

    def resets(self) -> None:
        """Each ends its connection with a reset."""
        self._each("reset their connections", lambda client, _: client.resets())

    def _each(self, what: str, act: Callable[[Peer, bytes], None], data: bytes | list[bytes] = b"") -> None:
        """Let all act, and tell it as one step, so far as it goes."""
        steps = self._scene.steps
        first = len(steps)
        parts = data if isinstance(data, list) else [data] * len(self._clients)
        try:
            for client, part in zip(self._clients, parts, strict=True):
                act(client, part)
        except BaseException:
            del steps[first : max(first, len(steps) - 2)]  # the last words tell what went wrong
            raise
        told = steps[first:]
        sums = {name: sum(getattr(s, name) for s in told) for name in ("connects", "sends", "ends", "receives")}
        steps[first:] = [Step(f"{len(self._clients)} clients {what}", **sums)]
