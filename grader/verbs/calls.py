"""What a check can demand of the calls that the learner's program has made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from grader.stage.broken import Broken
from grader.stage.scene import Scene
from grader.trace.reader import Call
from grader.verdict.evidence import Failure
from grader.verdict.words import counted


class CallVerbs:
    """The verbs of `Learner` that look at its calls when a function has ended."""

    _scene: Scene

    def has_called(self, *calls: str) -> None:
        """The program has made these calls in this order; others may stand between.

        Args:
            calls: names of calls or groups of `grader.trace.calls.GROUPS`.
        """
        made = iter(self._scene.process.trace.calls)
        for number, name in enumerate(calls):
            if not any(call.any_of(name) and call.done and not call.failed for call in made):
                after = f" after {calls[number - 1]}()" if number else ""
                sentence = f"{name}() was not called{after}; the contract's order is {', '.join(calls)}"
                raise Broken(Failure("order", sentence))

    def has_not_called(self, call: str) -> None:
        """The last function call made no such call, nor one of that group."""
        calls = self._during_the_last_run()
        self._none_of((made for made in calls if made.any_of(call)), "the contract has no need of it")

    def has_left_its_socket_alone(self) -> None:
        """The last function call made no call on what it was lent.

        Waits are not asked about: an event loop looks at its own descriptors.
        """
        numbers = self._scene.world.lent_numbers()
        touching = (made for made in self._during_the_last_run() if made.fd in numbers)
        self._none_of(touching, "there is nothing to do")

    def has_named_no_host(self) -> None:
        """getaddrinfo() has been asked for addresses to listen on: without a host.

        Raises:
            Broken: with one, were it that of any address.
        """
        for call in self._during_the_last_run():
            host = call.payload.partition(b"\0")[0].decode(errors="replace")
            if call.name == "getaddrinfo" and host:
                self._scene.look_up([call])
                sentence = f"getaddrinfo() is asked for the host {host}; the contract asks for none"
                raise Broken(Failure("order", sentence, line=call.line, read="getaddrinfo(3), AI_PASSIVE"))

    def has_tried(self, *addresses: str) -> None:
        """The function has connected to these addresses, in this order, and to
        no others; to one of them more than once, where that goes on.
        """
        made = [call for call in self._during_the_last_run() if call.name == "connect" and call.address]
        tried = [next(calls) for _, calls in groupby(made, key=lambda call: call.address)]
        found = [call.address[0] for call in tried]
        if found == list(addresses):
            return
        place = next((i for i, pair in enumerate(zip(found, addresses, strict=False)) if len(set(pair)) > 1), None)
        wrong = tried[min(len(addresses), len(tried) - 1) if place is None else place]
        self._scene.look_up([wrong])
        sentence = f"the addresses were tried in this order: {', '.join(found)}; expected {', '.join(addresses)}"
        raise Broken(Failure("order", sentence, line=wrong.line, read="getaddrinfo(3)"))

    def sends_only_with(self, call: str, *, language: str) -> None:
        """Of all sending calls, programs in that language have made only this one."""
        scene = self._scene
        if scene.unit.language != language:
            return
        for made in scene.process.trace.calls:
            if made.any_of("send") and made.name != call:
                scene.look_up([made])
                sentence = f"{made.name}() is called; the contract allows {call}() alone"
                raise Broken(Failure("order", sentence, line=made.line))

    def receives_in_chunks(self) -> None:
        """The program has not made a system call for every byte it has received."""
        scene = self._scene
        made = [c for c in scene.process.trace.calls if c.any_of("recv") and c.done and c.result > 0]
        moved = sum(call.result for call in made)
        if moved > 32 and len(made) * 2 > moved:
            scene.look_up(made)
            sentence = f"{made[-1].name}() was called {len(made)} times for {counted(moved)}"
            raise Broken(Failure("byte-by-byte", sentence, line=made[-1].line))

    def _during_the_last_run(self) -> Iterator[Call]:
        """The calls of the last function, with those that its children make when it has returned."""
        self._scene.lets_children_rest()
        run, own = self._scene.runs[-1], self._scene.process.own_pid
        return (
            call
            for call in self._scene.process.trace.calls
            if run.first <= call.index and (run.last is None or call.index < run.last or call.pid != own)
        )

    def _none_of(self, calls: Iterable[Call], why: str) -> None:
        for made in calls:
            self._scene.look_up([made])
            sentence = f"{self._scene.runs[-1].shown} calls {made.name}(); {why}"
            raise Broken(Failure("touched", sentence, line=made.line))
