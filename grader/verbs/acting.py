"""How a peer does one thing after the other, and what is known of it: the
machinery under its verbs."""

from __future__ import annotations

from collections.abc import Mapping

from grader.peers.places import Address
from grader.peers.process import PeerError, PeerProcess
from grader.stage.broken import Broken, NotHere
from grader.stage.party import Party
from grader.stage.scene import Scene
from grader.stage.twin import Twin
from grader.verbs.lent import Lent
from grader.verdict.evidence import Failure
from grader.verdict.transcript import Step
from grader.verdict.words import counted

#: What a peer's process calls its connection, if the peer has no name.
CONNECTION = "connection"
#: What the kernel says of IPv6 where there is none, and what has it there is one.
_NO_IPV6 = ("EAFNOSUPPORT", "EADDRNOTAVAIL")
_TURN_ON = "sudo sysctl -w net.ipv6.conf.all.disable_ipv6=0"
#: Actions on a connection, in words.
_ON_A_CONNECTION = {"send": "sends", "shutdown": "half-closes", "reset": "resets it", "receive": "receives"}


class Actor:
    """A peer with a process of its own, or one of several that share one.

    Args:
        process: the shared one.
        who: what a transcript calls it, and its connection in that process.
    """

    def __init__(self, scene: Scene, process: PeerProcess | None = None, who: str = "") -> None:
        self._scene = scene
        self._process = process
        self._who, self._name = who, who or CONNECTION
        self._lent: Lent | None = None
        self._twin: Twin | None = None
        self._has_datagrams = False
        self._target: Address = ""  # where its datagrams go
        self._party = Party(who or "the peer")
        scene.company.parties.append(self._party)

    @property
    def _player(self) -> PeerProcess:
        if self._process is None:
            self._process = self._scene.new_peer()
        return self._process

    def _do(self, action: str, **arguments: object) -> dict:
        """An action that does not depend on the program.

        Raises:
            Broken: the program has broken the connection that it is for.
            NotHere: it needs IPv6.
        """
        try:
            return self._player.do(action, **arguments)
        except PeerError as error:
            if _wants_ipv6(arguments.get("at")) and error.errno in _NO_IPV6:
                raise NotHere(f"IPv6 is off here ({error.errno}); to turn it on: {_TURN_ON}") from None
            raise _gone(action, error) from None

    def _wait(
        self, action: str, awaited: str, *, after_return: bool = False, wants: str = "", **arguments: object
    ) -> dict:
        """An action that comes to an end when the program does its part.

        Args:
            wants: what the peer waits for, where the action does not say it.
        """
        player, answer = self._player, []
        scene, party = self._scene, self._party
        scene.awaited_since = len(scene.steps)
        scene.company.creditor, party.wants = party, wants or _wanted(action, arguments)
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

    def _puts(self, path: str) -> None:
        """This peer has made, or removed, a path of its own; of an abstract name nothing stays."""
        if not path.startswith("\0") and self._scene.arranged.folder is not None:
            self._scene.arranged.folder.knows(path)

    def _note(self, text: str, data: bytes = b"", **effects: int) -> None:
        step = Step(f"{self._who} {text}".strip(), party=self._party.name, data=data, **effects)
        self._scene.steps.append(step)

    def close(self) -> None:
        """Close the judge's own descriptor of a lent connection, and end a second process."""
        if self._lent is not None:
            self._lent.close()
        if self._twin is not None:
            self._twin.close()


def _wanted(action: str, arguments: Mapping[str, object]) -> str:
    """What a peer waits for in an action, in words."""
    if action == "take":
        return "a datagram"
    if arguments.get("until"):
        return "an answer"
    if action == "receive":
        count = arguments["count"]
        return counted(count) if count >= 0 else "the end of the connection"
    words = {"accept": "the program's connect()", "echo": "the end of the request", "drain": "the rest"}
    return words.get(action, "room to send more")


def _wants_ipv6(at: object) -> bool:
    return isinstance(at, list) and ":" in at[0]


def _gone(action: str, error: PeerError) -> Exception:
    """What an action's error means: of a connection that is broken, that the
    program has broken it."""
    if action not in _ON_A_CONNECTION or error.errno not in ("ENOTCONN", "EPIPE", "ECONNRESET"):
        return error
    words = _ON_A_CONNECTION[action]
    return Broken(Failure("gone", f"the connection is broken when the peer {words} ({error.errno})"))
