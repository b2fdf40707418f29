"""What a check can have the routers do on the way to a host that is traced, and the host itself."""

from __future__ import annotations

from dataclasses import replace

from grader.stage.broken import Broken
from grader.stage.scene import Scene
from grader.verbs.wires import Wire
from grader.verdict.evidence import Failure
from grader.verdict.words import counted
from grader.wire.echoes import ECHO_REPLY, TIME_EXCEEDED, UNREACHABLE, Echo, echo_in, spoken
from grader.wire.frames import ethernet, icmp

_SAYS = {
    ECHO_REPLY: "replies to the echo",
    UNREACHABLE: "says that the host is unreachable",
    TIME_EXCEEDED: "says that the time is exceeded",
}


class Route(Wire):
    """The way to a host: routers, one behind the other, and the host at its end.

    Who is there, and what they say, is the script's affair; one peer plays them all.
    It is a wire, and has a wire's verbs, too.
    """

    _probe: Echo | None = None  # the last one

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene, "eth0", "10.0.0.1/8")
        scene.arranged.has_choices = True  # ids

    def takes_probe(self, hop: int, *, to: str = "10.9.0.9", instead: str = "") -> Echo:
        """The next probe comes out: an ICMP echo to the host, with the right checksum,
        which may go so many hops.  Returns it.

        Args:
            to: the host's address.
            instead: slug of the gap that a probe of another hop gives away, or the
                end of the function.

        Raises:
            Broken: another one comes out, or something else, or nothing.
        """
        what = f"a probe of hop {hop}"
        try:
            frame = self._wait("take", f"{what} comes out", after_return=True, wants=what, name=self._name)["data"]
        except Broken as broken:
            if broken.failure.kind != "unmet":
                raise
            raise Broken(replace(broken.failure, gap=instead)) from None
        probe = echo_in(frame)
        self._note(_told(probe, frame), receives=max(1, len(frame)))
        if probe is None:
            self._is_wrong("frame", f"sends {_what(frame)}; expected an ICMP echo", read="icmp(7)")
        if probe.sum != probe.right_sum:
            # the id is another one in every run, and so is the sum
            words = f"sends an echo of {counted(len(probe.message))} whose checksum is wrong"
            self._is_wrong("checksum", words, gap="bad-checksum", read="RFC 1071")
        if probe.to != to:
            self._is_wrong("destination", f"sends an echo to {probe.to}; expected one to {to}")
        if probe.hops != hop:
            words = f"sends an echo that may go {counted(probe.hops, 'hop')}; expected one that may go {hop}"
            self._is_wrong("hops", words, gap=instead, read="ip(7), IP_TTL")
        self._probe = probe
        return probe

    def takes_no_probe(self, *, more: str = "") -> None:
        """The program rests, or has returned, and no probe has come out.

        Args:
            more: slug of the gap that one to the same host, which may go further than
                the last one, gives away.

        Raises:
            Broken: one has.
        """
        frame = self._has_come()
        if frame is None:
            return
        probe = echo_in(frame)
        self._note(_told(probe, frame), receives=max(1, len(frame)))
        what = f"one more echo, which may go {counted(probe.hops, 'hop')}" if probe else _what(frame)
        last = self._probe
        is_next = probe is not None and last is not None and probe.to == last.to and probe.hops > last.hops
        self._is_wrong("surplus", f"sends {what}, where none was to come", gap=more if is_next else "")

    def passes_on(self, router: str, hop: int, *, instead: str = "") -> None:
        """The probe of a hop comes out, and this router says that its time is exceeded.

        Args:
            instead: see `takes_probe`.
        """
        self.takes_probe(hop, instead=instead)
        self.exceeds(router)

    def exceeds(self, router: str, about: Echo | None = None, *, code: int = 0, options: bytes = b"") -> None:
        """A router says that the time of an echo is exceeded.

        Args:
            about: which one; by default the last one.
            options: of the IP header of what it sends.
        """
        self.says(router, TIME_EXCEEDED, code, about, options=options)

    def refuses(self, router: str, about: Echo | None = None, *, code: int = 1, options: bytes = b"") -> None:
        """A router, or the host itself, says that an echo cannot reach its destination; see `exceeds`."""
        self.says(router, UNREACHABLE, code, about, options=options)

    def replies(self, about: Echo | None = None, *, host: str = "", options: bytes = b"") -> None:
        """The host replies to an echo; see `exceeds`.

        Args:
            host: who replies; by default whom the echo was sent to.
        """
        about = about or self._probe
        self._sends_message(host or about.to, ECHO_REPLY, 0, about, about.replied(), options)

    def says(
        self,
        source: str,
        kind: int,
        code: int = 0,
        about: Echo | None = None,
        *,
        rest: bytes = bytes(4),
        size: int | None = None,
        options: bytes = b"",
    ) -> None:
        """Somebody sends an ICMP message that quotes an echo.

        Args:
            kind: its type.
            rest: the second half of its header.
            size: how many bytes of the echo it quotes; see `exceeds` for the rest.
        """
        about = about or self._probe
        self._sends_message(source, kind, code, about, rest + about.quoted(size), options)

    def _sends_message(self, source: str, kind: int, code: int, about: Echo, rest: bytes, options: bytes) -> None:
        message = icmp(rest[4:], type=kind, code=code, rest=rest[:4])
        packet = spoken(source, self._probe.source, message, options)
        frame = ethernet(packet, source=_written(self.far), to=_written(self.near))
        self._do("put", near=self.interface, through=self._far_end, data=frame)
        known = code == 0 or kind == UNREACHABLE
        words = _SAYS.get(kind, "") if known else ""
        which = "" if about is self._probe else ", of another echo than the last one"
        self._note(f"{source} {words or f'sends ICMP type {kind} code {code}'}{which}".strip(), sends=len(packet.data))

    def _is_wrong(self, kind: str, words: str, **more: str) -> None:
        """What has come out is not what was to come.

        Raises:
            Broken: always.
        """
        scene = self._scene
        scene.process.trace.update()
        sent = next((c for c in reversed(scene.process.trace.calls) if c.any_of("send")), None)
        if sent is not None:
            scene.look_up([sent])
        who = f"{sent.name}()" if sent else "the program"
        raise Broken(Failure(kind, f"{who} {words}", line=sent.line if sent else None, **more))


def _told(probe: Echo | None, frame: bytes) -> str:
    return f"receives an echo that may go {counted(probe.hops, 'hop')}" if probe else f"receives {_what(frame)}"


def _what(frame: bytes) -> str:
    return f"a frame of {counted(len(frame))} that is no ICMP echo"


def _written(mac: bytes) -> str:
    return mac.hex(":")
