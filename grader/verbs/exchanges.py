"""What a check can have a peer do in a conversation of datagrams: questions and
answers, data and acknowledgements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from grader.stage.broken import Broken
from grader.verbs.clock import NEARLY, Clock
from grader.verbs.datagrams import DatagramVerbs, a_datagram, compared
from grader.verdict.evidence import Failure
from grader.verdict.model import Difference
from grader.verdict.words import counted

#: How often a datagram is sent that gets no answer.
_ATTEMPTS = 3


class ExchangeVerbs(DatagramVerbs):
    """The verbs of `Peer` for conversations of datagrams."""

    def answers(self, question: bytes, answer: bytes) -> None:
        """Receive exactly that datagram; and when the program rests, for it waits for
        the answer, send this one."""
        self._receives_datagram((question,), {}, "", 0)
        self._awaits_rest("the program waits for its answer")
        self._sends_datagram(answer)

    def asks(self, question: bytes, answer: bytes) -> None:
        """Send a datagram, and receive exactly this one."""
        self._sends_datagram(question)
        self._receives_datagram((answer,), {}, "", 0)

    def receives_after(self, seconds: float, data: bytes) -> None:
        """So much time passes, and at the end of it exactly this datagram arrives,
        neither earlier nor later, within `NEARLY`; from where the last one came from."""
        clock, time = Clock(self._scene), self._scene.time
        clock.passes(seconds - NEARLY)
        self.receives_nothing()
        clock.goes_on(NEARLY)
        usual = time.patience
        clock.limits_waiting(NEARLY)
        self._receives_one_more(data)
        time.patience = usual

    def _receives_one_more(self, data: bytes) -> None:
        """Receive exactly this datagram, from where the last one came from."""
        last = self._heard
        self._receives_datagram((data,), {}, "", 0)
        self._comes_from_where(last)

    def _comes_from_where(self, last: dict | None) -> None:
        """The datagram comes from the same address as the last one of this call of the
        function, if there was one.

        Raises:
            Broken: it does not.
        """
        if last and last.get("during") == self._heard["during"] and last["source"] != self._heard["source"]:
            sentence = f"{a_datagram(self._heard['data'])} comes from another port than the one before"
            raise Broken(Failure("moved", sentence, read="udp(7)"))

    def sends_in_vain(self, *datagrams: bytes, more: str = "", mistakes: Mapping[bytes, str] | None = None) -> None:
        """Send datagrams, because of which the program sends nothing.

        Args:
            more, mistakes: see `receives_nothing`.
        """
        for datagram in datagrams:
            self._sends_datagram(datagram)
        self.receives_nothing(more=more, mistakes=mistakes)

    def receives_copies(self, count: int, data: bytes, *, once: str = "") -> None:
        """So many datagrams arrive, one after the other, all with this data and from
        one address, and then no other.

        Args:
            once: slug of the gap that a single one gives away.

        Raises:
            Broken: another one arrives, or from elsewhere, or fewer do, or more.
        """
        steps, first = self._scene.steps, len(self._scene.steps)
        for number in range(count):
            try:
                self._receives_one_more(data)
            except Broken as broken:
                sentence = f"{number} of {counted(count, 'datagram')} have come; {broken.failure.sentence}"
                gap = broken.failure.gap or (once if number == 1 else "")
                raise Broken(replace(broken.failure, sentence=sentence, gap=gap)) from None
        received = sum(step.receives for step in steps[first:])
        del steps[first:]
        self._note(f"receives {a_datagram(data)} {count} times", receives=received)
        self.receives_nothing()

    def receives_pieces(
        self, data: bytes, *, heads: Sequence[bytes], replies: Sequence[bytes], most: int, repeated: str = ""
    ) -> None:
        """This data arrives in datagrams, cut as the program likes, and behind it an
        empty one, all from one address; each is answered before the next one comes.

        Args:
            heads: what stands before the data, of one datagram after the other, over
                and over.
            replies: what they are answered with, in the same way.
            most: bytes of the data that a datagram may carry.
            repeated: slug of the gap that the head of the one before gives away.

        Raises:
            Broken: another datagram arrives, or too few do.
        """
        piece, rest, number = data, data, 0
        while piece:
            head, before = (heads[n % len(heads)] for n in (number, number - 1))
            last = self._heard
            self._heard = self._takes("the next datagram arrives")
            got = self._heard["data"]
            self._note(f"receives {a_datagram(got)}", receives=max(1, len(got)), data=got)
            self._comes_from_where(last)
            piece = got[len(head) :]
            is_next = len(piece) <= most and rest.startswith(piece) and bool(piece) == bool(rest)
            if not got.startswith(head) or not is_next:
                expected = head + rest[:most]
                gap = repeated if is_next and number and got.startswith(before) else ""
                self._lets_the_program_rest()
                raise Broken(Failure("bytes", compared(expected, got), difference=Difference(expected, got), gap=gap))
            rest = rest[len(piece) :]
            self._sends_datagram(replies[number % len(replies)], None)
            number += 1

    def delivers(self, data: bytes, reply: bytes) -> None:
        """Send a datagram until exactly this one comes back: again where the program
        rests and nothing has come, a few times.

        Raises:
            Broken: another one comes, or none.
        """
        for _ in range(_ATTEMPTS):
            self._sends_datagram(data, None)
            if got := self.receives_what_has_come():
                break
        if got != reply:
            raise Broken(Failure("bytes", compared(reply, got), difference=Difference(reply, got)))
