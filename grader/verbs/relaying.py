"""What a check can have a peer do through a relay, and see of one."""

from __future__ import annotations

from grader.peers.flood import flood
from grader.processes import tcp_table
from grader.stage import quiet
from grader.stage.broken import Broken
from grader.stage.scene import Scene
from grader.verbs.acting import Actor
from grader.verbs.hosting import LISTENER
from grader.verdict.evidence import Failure
from grader.verdict.words import counted

#: More bytes than all buffers of a connection to a program and of one from it hold.
_MOST = 12 << 20


class RelayingVerbs(Actor):
    """The verbs of `Peer` for programs that stand between two peers."""

    _flooded = 0  # bytes

    def floods(self, other: RelayingVerbs, *, most: int, more: str = "") -> bytes:
        """Send, while another peer at the end of the way does not read, until neither
        the kernel nor the program takes any more.  The program then holds so many
        bytes of it at most.

        Args:
            more: slug of the gap that holding more gives away.

        Returns:
            What was sent.

        Raises:
            Broken: it holds more, or takes without end.
        """
        scene = self._scene
        scene.arranged.bulk = True
        ways = [self._do("ends", name=self._name), other._do("ends", name=other._name)]
        self._note("sends until nobody takes any more", sends=1 << 62)
        while self._flooded < _MOST:
            scene.wait(quiet.Rest(scene), "the program rests")
            sent = self._do("flood", name=self._name, first=self._flooded)
            if sent["is_over"]:
                raise Broken(Failure("gone", f"the connection of {self._who} ends, and {other._who} does not read yet"))
            if not sent["count"]:
                break
            self._flooded += sent["count"]
        scene.wait(quiet.Rest(scene), "the program rests")
        if self._flooded - _in_the_kernel(scene, *ways) > most:
            sentence = (
                f"{other._who} does not read, and more than {counted(most)} of what "
                f"{self._who} has sent wait in the program"
            )
            raise Broken(Failure("queue", sentence, gap=more, read="recv(2)"))
        return flood(0, self._flooded)

    def receives_flood_of(self, other: RelayingVerbs) -> None:
        """Every byte arrives that another peer has sent in its `floods`.

        Raises:
            Broken: others do, or fewer.
        """
        answer = self._wait("drain", "the rest arrives", after_return=True, name=self._name, count=other._flooded)
        failure = ""
        if answer["differs"] >= 0:
            failure = "another one arrives, or one that was to come is missing"
        elif answer["count"] < other._flooded:
            failure = f"{answer['end']} comes before all bytes have"
        if failure:
            raise Broken(Failure("bytes", f"of what {other._who} has sent, {failure}"))
        self._note("receives all of it", receives=1)

    def sees_its_end(self, *, more: str = "") -> None:
        """The program ends the connection, with an end-of-file or a reset, and not a
        byte more arrives.

        Args:
            more: slug of the gap that one gives away.

        Raises:
            Broken: one does.
        """
        end = "the end of the connection"
        answer = self._wait("receive", "the connection ends", after_return=True, wants=end, name=self._name, count=1)
        if answer["data"]:
            self._note("receives a byte", receives=1)
            whom = self._who or "the other side"
            raise Broken(Failure("surplus", f"a byte arrives at {whom}; nothing more was to go on", gap=more))
        self._note("sees its connection end")

    def is_reached(self) -> bool:
        """Accept the connection that the program has made by the time that it rests;
        whether it has made one."""
        self._scene.wait(quiet.Rest(self._scene), "the program rests")
        answer = self._do("accept", name=self._name, listener=LISTENER, waits=False)
        if answer["source"] is None:
            self._note("is not connected to")
            return False
        self._note("accepts", accepts=1)
        return True


def _in_the_kernel(scene: Scene, sender: dict, receiver: dict) -> int:
    """How many bytes of a sender lie in the kernel, on the way to the program and from it.
    What has arrived and is not acknowledged yet is counted twice.

    Args:
        sender, receiver: the ends of their connections.
    """
    table = {(end.port, end.other): end for end in tcp_table.ends(scene.company.network)}
    count = 0
    for way, is_sender in ((sender, True), (receiver, False)):
        own, programs = way["local"][1], way["remote"][1]
        first, last = ((own, programs), (programs, own))[:: 1 if is_sender else -1]
        count += table[first].unsent if first in table else 0
        count += table[last].unread if last in table else 0
    return count
