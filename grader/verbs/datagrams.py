"""What a check can have a peer do with datagrams, and what the peer then sees."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress

from grader.peers.places import UDP, Address, Place, is_path
from grader.peers.process import PeerError
from grader.stage import holdings, quiet
from grader.stage.broken import Broken
from grader.stage.outcomes import ended_before, error_words
from grader.stage.twin import Twin
from grader.verbs.acting import Actor
from grader.verdict.evidence import Failure
from grader.verdict.model import Difference, Verdict
from grader.verdict.words import counted, differing


class DatagramVerbs(Actor):
    """The verbs of `Peer` for datagram sockets, of UDP and of the Unix domain."""

    _heard: dict | None = None  # the last datagram, with what came beside it

    # --- whom they come from, and go to -------------------------------------

    def binds(self, address: str = "127.0.0.1", port: str = "0") -> str:
        """Have a datagram socket at an address of this machine, or at a path;
        returns its port, or the path.

        On a port that it `refuses` it takes what comes from now on.
        """
        at = address if is_path(address) else [address, int(port)]
        answer = self._do("bind", name=self._name, at=at)
        self._takes_datagrams()
        if is_path(address):
            self._puts(address)
            self._note("has a datagram socket at the path")
            return address
        self._note(f"has a datagram socket of {address}")
        return Place(str(answer["at"][1]), UDP)

    def refuses(self, address: str = "127.0.0.1", port: str = "0") -> str:
        """Occupy a UDP port in such a way that who sends to it is refused, also
        where it was the peer's own before; returns the port."""
        answer = self._do("refuse", name=f"refused {address}", at=[address, int(port)])
        self._note(f"refuses datagrams to {address}")
        return Place(str(answer["at"][1]), UDP)

    def _reaches(self, at: Address, interface: str = "") -> None:
        """Have a socket whose datagrams go to the program, once it is bound there
        and waits for them."""
        scene = self._scene
        if scene.run is not None and not interface:
            scene.wait(self._program_is_bound, "the program has bound its socket, and waits for datagrams")
        own = self._do("reach", name=self._name, at=at, interface=interface)
        self._takes_datagrams()
        self._target = at
        self._party.link = scene.company.link(at, own, has_datagrams=True)
        self._party.name = self._who or "the client"

    def _takes_datagrams(self) -> None:
        self._has_datagrams = self._scene.company.has_datagrams = True

    def _lets_the_program_rest(self) -> None:
        """Let a program that has failed come to rest, or to its end, so that every
        run tells the same of it."""
        with suppress(Broken):
            self._awaits_rest()

    def _awaits_rest(self, awaited: str = "the program rests") -> None:
        """Wait until the program rests, or has returned.

        Args:
            awaited: what for, in words.
        """
        scene, rest = self._scene, quiet.Rest(self._scene)
        scene.wait(lambda: scene.run is None or rest(), awaited, after_return=True)

    def _program_is_bound(self) -> bool:
        first = self._scene.runs[-1].first
        bound = (c for c in self._scene.process.trace.calls if c.index >= first and c.name == "bind")
        return any(call.done and not call.failed for call in bound) and quiet.rests(self._scene)

    @property
    def asker(self) -> Address:
        """The address that the last datagram came from: ``other_peer.sends(b"...", to=peer.asker)``."""
        if self._heard is None:
            raise RuntimeError("the peer has received no datagram yet")
        if not self._heard["source"]:
            sentence = "the datagram comes from a socket without an address: nobody can answer it"
            raise Broken(Failure("unnamed", sentence, read="unix(7)"))
        return self._heard["source"]

    # --- datagrams ----------------------------------------------------------

    def _sends_datagram(self, data: bytes, to: Address | None = None) -> None:
        to = to or self._target or self.asker
        try:
            self._wait(
                "send_to", "the program makes room for a datagram", after_return=True, name=self._name, data=data, to=to
            )
        except PeerError as error:
            self._is_turned_away(data, error)
            return
        self._party.said += data
        self._party.datagrams.append(len(data))
        # an empty one is what a receive returns 0 for
        self._note(f"sends {a_datagram(data)}", sends=len(data), ends=int(not data), data=data)
        if self._twin is not None and to == self.asker:
            self._twin.leaves()  # before it is looked at what is left in the directory

    def _is_turned_away(self, data: bytes, error: PeerError) -> None:
        """What it means that a datagram cannot be delivered: EPERM comes from a Unix
        socket that is connected to somebody else.

        Raises:
            Broken: there is no such socket any more.
        """
        self._scene.company.creditor = None
        if error.errno == "EPERM":
            self._note(f"sends {a_datagram(data)}, and is turned away ({error.errno})")
            return
        if error.errno not in ("ENOENT", "ENOTDIR", "ECONNREFUSED"):
            raise error
        scene = self._scene
        self._awaits_rest()
        if scene.run is None and scene.runs:
            raise Broken(ended_before(scene.runs[-1], scene.unit, "it is answered"))
        sentence = f"the address that the datagram came from cannot be reached ({error.errno})"
        raise Broken(Failure("unreachable", sentence, read="unix(7), Pathname sockets"))

    def sends_early(self, data: bytes) -> None:
        """Send a datagram to the address that the program has just taken, in a bind()
        that is held, and let it go on; nothing if it takes one in no bind()."""
        scene, rest = self._scene, quiet.Rest(self._scene)
        trace = scene.process.trace
        scene.wait(lambda: trace["held"] > trace["released"] or rest(), "the program takes an address")
        trace.update()  # which of its calls is held, it may have said a moment later
        if not any(call.name == "bind" for call in trace.unfinished):
            return  # another call is held
        for name in holdings.datagram_names(scene):
            to = name if name[:1] == b"\0" else os.fsdecode(name)
            self._do("reach", name=self._name, at=to)
            self._has_datagrams = True
            self._sends_datagram(data, to)
        trace["released"] += 1

    def is_asked_by_another(self, function: str, *arguments: object, otherwise: str = "") -> None:
        """A second process of the program calls the function while the first one waits
        for its answer; its datagram arrives, from an address of its own.

        Args:
            otherwise: slug of the gap that another outcome gives away.

        Raises:
            Broken: it has the same address, or none.
        """
        first, scene = self.asker, self._scene
        self._twin = Twin(scene)
        self._twin.calls(function, arguments)
        self._player.start("take", name=self._name)
        heard = self._twin.asks(self._player)
        how = "has the same address"
        if heard is None:
            self._player.break_off()
            raised = (self._twin.outcome or {}).get("raised")
            how = f"gets {error_words(raised, scene.unit)}" if raised else "is not heard"
        if heard is None or heard["source"] == first:
            sentence = f"a second process that asks at the same time {how}"
            raise Broken(Failure("shared-address", sentence, gap=otherwise, read="bind(2), EADDRINUSE"))
        self._heard = heard
        self._note(f"receives {a_datagram(heard['data'])} from a second process")

    def _receives_datagram(
        self,
        answers: tuple[bytes, ...],
        mistakes: Mapping[bytes, str],
        fewer: str,
        after: int,
        unlike: Collection[bytes] = (),
    ) -> bytes:
        scene, party, data = self._scene, self._party, answers[0]
        scene.expects(data)
        scene.arranged.has_choices |= after > 0
        party.owed, party.came = data, b""
        try:
            self._heard = self._takes(f"{a_datagram(data)} arrives")
        except Broken as broken:
            if broken.failure.verdict is Verdict.HANG:
                self._player.break_off()
            raise
        got = self._heard["data"]
        own, rest = got[:after], got[after:]
        self._note(f"receives {a_datagram(got)}", receives=max(1, len(got)), data=got)
        if len(own) == after and rest in answers:
            if unlike and set(unlike) == {own}:
                sentence = f"the same {counted(after)} stand before it as in {counted(len(unlike), 'datagram')} before"
                raise Broken(Failure("repeated", sentence))
            party.gets(rest)
            if not self._is_from_there(self._heard["source"]):
                sentence = "the answer comes from another port than the one that was written to"
                raise Broken(Failure("source", sentence, read="udp(7)"))
            return own
        gap = mistakes.get(rest, fewer if len(rest) < len(data) else "")
        self._lets_the_program_rest()
        scene.company.creditor, party.came = party, rest
        raise Broken(Failure("bytes", compared(data, rest), difference=Difference(data, rest), gap=gap))

    def _takes(self, awaited: str) -> dict:
        """The next datagram, with what came beside it, and in which call of a function
        of the program's."""
        heard = self._wait("take", awaited, after_return=True, name=self._name)
        return heard | {"during": len(self._scene.runs)}

    def _is_from_there(self, source: Address) -> bool:
        """Whether a datagram comes from the UDP port that this peer sends to."""
        return not isinstance(self._target, list) or source[1] == self._target[1]

    def receives_what_has_come(self) -> bytes:
        """The datagram that has come by the time that the program rests, or has
        returned; ``b""`` if none has."""
        self._awaits_rest()
        looked = self._do("look", name=self._name)
        if looked["end"]:
            self._note("has received nothing")
        else:
            self._note(f"receives {a_datagram(looked['data'])}", receives=max(1, len(looked["data"])))
        return looked["data"]

    def receives_nothing(self, *, more: str = "", mistakes: Mapping[bytes, str] | None = None) -> None:
        """The program rests, or has returned, and no datagram has come.

        Args:
            more: slug of the gap that one gives away.
            mistakes: datagrams that give another gap away, each with its slug.

        Raises:
            Broken: one has.
        """
        self._awaits_rest()
        looked = self._do("look", name=self._name)
        if looked["end"]:
            return
        self._heard = looked
        self._note(f"receives {a_datagram(looked['data'])}", receives=max(1, len(looked["data"])))
        sentence = f"{a_datagram(looked['data'])} arrives where none was to come"
        gap = (mistakes or {}).get(looked["data"], more)
        raise Broken(Failure("surplus", sentence, difference=Difference(b"", looked["data"]), gap=gap))

    # --- a port, and who may have it ----------------------------------------

    def shares(self, port: str) -> None:
        """Be a server that has that UDP port of every address already, and shares
        it with whoever is willing to (SO_REUSEADDR, SO_REUSEPORT)."""
        self._do("bind", name=self._name, at=["0.0.0.0", int(port)], shares=True)
        self._note("is a server that has the port already")

    def finds_port_taken(self, port: str, *, shared: str = "") -> None:
        """A second server gets EADDRINUSE, whatever it sets.

        Args:
            shared: slug of the gap that sharing the port gives away.

        Raises:
            Broken: the program shares its port.
        """
        self._scene.wait(self._program_is_bound, "the program has bound its socket, and waits for datagrams")
        options = self._do("share", at=["0.0.0.0", int(port)])["options"]
        if options:
            sentence = f"a second server that sets {options[-1] or 'nothing'} gets the same port"
            raise Broken(Failure("shared-port", sentence, gap=shared, read="socket(7), SO_REUSEADDR"))
        self._note("is a second server, and finds the port taken")

    def fills(self, path: str) -> int:
        """Send datagrams to that path until its queue is full; returns how many."""
        self._do("reach", name="sender", at=path)
        count = self._do("fill", name="sender", to=path)["count"]
        self._note("fills the queue of the path")
        return count

    def takes(self, count: int) -> None:
        """Take so many datagrams from its queue, whatever they are: there is room again."""
        for _ in range(count):
            self._do("look", name=self._name)
        self._note(f"takes the {counted(count, 'datagram')} that its queue was full of")

    # --- multicast ----------------------------------------------------------

    def joins(self, group: str, port: str, interface: str = "127.0.0.1") -> None:
        """Be a member of a multicast group, beside the program if it is one too."""
        self._do("join", name=self._name, group=group, port=int(port), interface=interface)
        self._takes_datagrams()
        self._note(f"joins the {'group' if interface == '127.0.0.1' else f'group on {interface}'}")

    def announces(self, group: str, port: str, data: bytes, interface: str = "127.0.0.1") -> None:
        """Send one datagram to a multicast group, from that address of this machine."""
        self._reaches([group, int(port)], interface)
        self._sends_datagram(data)

    def sees_hops(self, hops: int, *, more: str = "") -> None:
        """The last datagram could go so many hops (IP_TTL).

        Args:
            more: slug of the gap that another number gives away.

        Raises:
            Broken: it could go more, or fewer.
        """
        if (seen := self._heard["hops"]) != hops:
            sentence = f"the datagram has a time-to-live of {seen}; expected {hops}"
            raise Broken(Failure("hops", sentence, gap=more, read="ip(7), IP_MULTICAST_TTL"))


def a_datagram(data: bytes) -> str:
    return f"a datagram of {counted(len(data))}" if data else "an empty datagram"


def compared(expected: bytes, actual: bytes) -> str:
    if len(actual) == len(expected):
        return f"of the datagram of {counted(len(actual))} that arrives, {differing(expected, actual)}"
    if expected.startswith(actual):
        cut = f", the first of {len(expected)}" if actual else f"; expected {counted(len(expected))}"
        return f"{a_datagram(actual)} arrives{cut}"
    return f"{a_datagram(actual)} arrives; expected {counted(len(expected))}"
