"""What a check can have the learner's program do, and demand of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from grader.learner.program import Null
from grader.peers.places import is_path
from grader.stage import given, quiet
from grader.stage.broken import Broken
from grader.stage.left_behind import judge_state
from grader.stage.outcomes import (
    another_value,
    c_accepts,
    error_words,
    errors_words,
    may_return_none,
    python_accepts,
    unexpected,
    value_words,
)
from grader.stage.scene import Scene
from grader.trace import layout
from grader.verbs.answers import AnswerVerbs
from grader.verbs.arguments import Room, plain, shown
from grader.verbs.calls import CallVerbs
from grader.verbs.filtering import FilteringVerbs
from grader.verbs.lent import Lent, OpenFile
from grader.verbs.peer import Peer
from grader.verbs.serving import ServingVerbs
from grader.verbs.watching import WatchingVerbs
from grader.verdict.evidence import Failure, Run
from grader.verdict.transcript import Step


class Learner(AnswerVerbs, CallVerbs, FilteringVerbs, ServingVerbs, WatchingVerbs):
    """The subject of a check: the program under judgement."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._handed: list[Lent] = []

    def runs(
        self,
        function: str,
        *arguments: Any,
        of: int = -1,
        takes: Iterable[int] = (),
        sends: bytes | None = None,
        bulk: bool = False,
        **options: Any,
    ) -> None:
        """Call a function of the contract; it runs while the peers act.

        Args:
            function: its name.
            arguments: as Python's signature has them; a `Lent` socket, or
                `Null` for a C pointer.
            of: of a method, the number of the object, in the order in which
                they were made; by default the last one.
            takes: how many bytes it is to take off its connection, part by
                part, for the rules: ``[4, 11]`` is a header and a payload.
            sends: the bytes it is to put on its connection, for the rules;
                without it, the message among its arguments.
            bulk: whether so much is moved that the kernel cuts it as it likes.
            options: for the C binding alone: sizes of buffers.
        """
        scene = self._scene
        if scene.concluded:
            raise RuntimeError("the script runs a function after the program's process has ended")
        process = scene.load()
        sent, handed = [], len(self._handed)
        for argument in arguments:
            if isinstance(argument, Lent):
                if argument in self._handed:
                    sent.append({"again": self._handed.index(argument)})
                    continue
                self._handed.append(argument)
                scene.world.lent.add(argument.target)
                if argument.limit and scene.unit.language == "python":
                    scene.world.limited.add(argument.target)
                sent.append(argument.argument)
            else:
                sent.append(plain(argument))
        language = scene.unit.language
        values = [*arguments, *map(Room, options.values())] if language == "c" else arguments
        words = f"{function}({', '.join(shown(value, language) for value in values)})"
        message = next((a for a in (sends, *arguments) if isinstance(a, bytes)), None)
        null = any(isinstance(value, Null) for value in (*arguments, *options.values()))
        path = next((a for a in arguments if isinstance(a, str) and is_path(a)), "")
        numbers = next((tuple(a) for a in arguments if isinstance(a, list) and set(map(type, a)) == {int}), ())
        first = process.trace["next"]
        run = Run(function, words, first, message=message, told=message is not None, null=null, path=path)
        run.takes, run.numbers = tuple(takes), numbers
        scene.arranged.bulk |= bulk
        scene.begins(run)
        scene.steps.append(Step(f"runs {words}", "learner", starts=len(scene.runs) - 1))
        new = self._handed[handed:]
        try:
            for_c = {name: plain(value) for name, value in options.items() if scene.unit.language == "c"}
            process.call(function, sent, for_c, tuple(lent.fd for lent in new), of)
        except OSError:
            scene.wait(lambda: False, "the function is called")
        for lent in new:
            lent.close()

    def returns(self, value: Any, *, mistakes: Mapping[Any, str] | None = None, instead: str = "") -> None:
        """The function returns that value, and leaves everything as it found it.

        Args:
            mistakes: wrong answers that give a gap away, each with the gap's
                slug: ``{b"\\xa2\\x0d": "host-order-port"}``; a list as a tuple, and those in it.
            instead: slug of the gap that no answer gives away: an exception, an
                error, memory that is not the program's.
        """
        unit = self._scene.unit
        try:
            run = self._ended(f"{self._scene.runs[-1].function}() returns")
        except Broken as broken:
            if instead and broken.failure.kind == "memory":
                raise Broken(replace(broken.failure, gap=instead)) from None
            raise
        if "returned" not in run.outcome:
            raise Broken(replace(unexpected(run, value_words(value, run.function, unit), unit), gap=instead))
        answer = run.outcome["returned"]
        if answer != value or type(answer) is not type(value):
            earlier = next((r for r in reversed(self._scene.runs[:-1]) if r.function == run.function), None)
            failure = another_value(run, value, earlier, unit)
            answer = _frozen(answer)
            raise Broken(replace(failure, gap=(mistakes or {}).get(answer, "") if _hashable(answer) else ""))
        self._scene.steps.append(Step(f"returns {value_words(value, run.function, unit)}", "learner"))
        judge_state(self._scene)

    def returns_a_connection(self, peer: Peer) -> None:
        """The function returns a socket that is connected to that peer, which
        has accepted it, and leaves everything else as it found it.

        The socket is blocking, without a time limit of its own, and belongs to
        the caller, who closes it in the end.
        """
        run = self._ended(f"{self._scene.runs[-1].function}() returns")
        number = given.socket_of(self._scene, run)
        given.judge(self._scene, run, number, peer.ends)
        self._scene.steps.append(Step("returns the connection", "learner"))
        judge_state(self._scene)

    def returns_descriptor_of(self, *files: OpenFile, inherited: str = "") -> None:
        """The function returns a descriptor of one of these files, as it is open
        already, closed on exec, and leaves everything else as it found it.

        The descriptor belongs to the caller.

        Args:
            inherited: slug of the gap that one which stays open on exec gives away.
        """
        run = self._ended(f"{self._scene.runs[-1].function}() returns a descriptor")
        pid = self._scene.process.pid
        given.judge_descriptor(self._scene, run, lambda fd: any(file.is_open_as(pid, fd) for file in files), inherited)
        self._scene.steps.append(Step("returns the descriptor", "learner"))
        judge_state(self._scene)

    def returns_credentials_of(self, peer: Peer, user: int | None = None, group: int | None = None) -> None:
        """The function returns process, user and group of that peer, as the kernel
        knows them, and leaves everything as it found it.

        Args:
            user, group: those of another user, if it is one.
        """
        run = self._ended(f"{self._scene.runs[-1].function}() returns")
        given.judge_credentials(self._scene, run, peer.credentials(user, group))
        self._scene.steps.append(Step("returns who the peer is", "learner"))
        judge_state(self._scene)

    def refuses(self, *, gap: str) -> None:
        """The function calls its arguments bad: ``ValueError``, ``EINVAL``.

        Args:
            gap: slug of the gap that any other outcome gives away.
        """
        run = self._ended(f"{self._scene.runs[-1].function}() refuses its arguments")
        if "raised" not in run.outcome or not self._accepts(run.outcome["raised"])("ValueError"):
            given.keep(self._scene, run)
            unit, error = self._scene.unit, ("ValueError",)
            raise Broken(replace(unexpected(run, errors_words(error, unit), unit, error), kind="unchecked", gap=gap))
        self.raises("ValueError")

    def raises(
        self,
        *errors: str,
        instead: str = "",
        python: str = "",
        c: str = "",
        mistakes: Mapping[str, str] | None = None,
        named: bool = False,
    ) -> None:
        """The function fails, and leaves everything as it found it.

        Args:
            python, c: the error, where the languages have a name each.
            instead: slug of the gap that reporting success gives away.
            mistakes: classes of wrong exceptions that give a gap away, each with
                the gap's slug: ``{"OverflowError": "unchecked-port"}``.
            named: whether the contract names the errno, so that it counts in
                Python, too.
            errors: symbolic names, one of which it must be: ``"ECONNREFUSED"``;
                ``"gaierror"`` and ``"ValueError"`` as the contracts have them;
                none for any ``OSError``.  Of a Python exception the class
                counts, of C its ``errno``, or the code that it returned for
                ``"EAI_AGAIN"`` and its like (in Python a ``gaierror``).
        """
        own = python if self._scene.unit.language == "python" else c
        errors = (*errors, own) if own else errors
        unit = self._scene.unit
        words = errors_words(errors, unit, named=named)
        run = self._ended(f"{self._scene.runs[-1].function}() fails with {words}")
        outcome = run.outcome
        given.keep(self._scene, run)
        expected = errors or ("OSError",)
        if "raised" not in outcome:
            if outcome.get("returned", "") is None and not may_return_none(run.function, unit.exercise):
                instead = ""
            gap = instead if "returned" in outcome else ""
            raise Broken(replace(unexpected(run, words, unit, expected), gap=gap))
        raised = outcome["raised"]
        if not any(map(self._accepts(raised, named), expected)):
            gap = (mistakes or {}).get(raised["class"], "")
            raise Broken(replace(unexpected(run, words, unit, expected), gap=gap))
        verb = "raises" if unit.language == "python" else "returns"
        self._scene.steps.append(Step(f"{verb} {error_words(raised, unit)}", "learner"))
        judge_state(self._scene)

    def reports_the_fault(self, error: str, *, otherwise: Any = None, python: str = "") -> None:
        """The function fails with the error that the script injects.

        A program none of whose calls it touches (EAGAIN is for those that may
        block) has nothing to report.

        Args:
            otherwise: what such a program returns.
            python: another error that is right in Python.
        """
        self._ended(f"{self._scene.runs[-1].function}() fails with {error}")
        kinds = layout.ERROR
        if any(call.injected & kinds for call in self._scene.process.trace.calls):
            self.raises(error, python=python)
        else:
            self.returns(otherwise)

    def waits_in(self, call: str, times: int = 1) -> None:
        """The program has entered that call so many times since it was run."""
        scene = self._scene
        first = scene.runs[-1].first
        scene.wait(
            lambda: sum(c.index >= first and c.any_of(call) for c in scene.process.trace.calls) >= times,
            f"{call}() is called",
        )

    def is_held(self) -> None:
        """A call has reached its `hold`."""
        trace = self._scene.process.trace
        self._scene.wait(lambda: trace["held"] > trace["released"], "a held call returns")
        trace.update()  # which one is held, it may have said a moment after the last look

    def rests_but_for_the_held(self) -> None:
        """Whatever threads are not held have done what there was to do."""
        scene = self._scene
        scene.wait(lambda: quiet.rests_but_for_the_held(scene), "the other threads rest")

    def is_stopped(self) -> None:
        """The program, at rest, is stopped (SIGSTOP): what peers do until it
        `goes_on` has all happened when it looks again, in every run.

        Processes that it has forked are not stopped with it.
        """
        scene = self._scene
        self.rests()
        scene.process.stop()
        scene.steps.append(Step("is stopped (SIGSTOP)", "learner", since=scene.process.trace["next"]))

    def goes_on(self) -> None:
        """Let the held call return; or the stopped program go on, when all that
        peers have sent has arrived and its children have come to rest."""
        process = self._scene.process
        if process.is_stopped:
            self.rests()
            self._scene.steps.append(Step("goes on (SIGCONT)", "learner", since=process.trace["next"]))
            process.go_on()
        else:
            process.trace["released"] += 1

    def is_left_by(self, client: Peer, data: bytes) -> None:
        """A client sends data, and is gone when a `hold` that this leads to ends:
        it has half-closed and reset its connection by then."""
        client.sends(data)
        self.is_held()
        client.half_closes()
        client.resets()
        self.goes_on()

    def is_interrupted(self) -> None:
        """A signal comes while the program waits on the held clock: EINTR."""
        scene = self._scene
        trace = scene.process.trace
        scene.wait(lambda: bool(trace.limited), "the program waits with a time limit")
        trace["interrupts"] += 1
        scene.steps.append(Step("a signal interrupts the program", moment=trace["clock_now"]))
        scene.wait(lambda: trace["interrupts"] == 0, "the wait is interrupted")

    def lets_go(self, *, kept: str = "") -> None:
        """The caller closes what it has lent, and that ends it: the program
        holds it no longer, in no file and no duplicate.

        Args:
            kept: slug of the gap that holding it gives away.
        """
        scene = self._scene
        scene.give_back()
        if scene.world.after is not None and scene.world.lent & set(scene.world.after.descriptors.values()):
            sentence = "the caller has closed its socket, but the program keeps a duplicate of it open"
            line = scene.source.line_with(".makefile(")
            if line is not None:
                sentence = "makefile() keeps the connection open when the caller closes it"
            raise Broken(Failure("lent-kept", sentence, line=line, gap=kept))
        scene.world.lent.clear()
        scene.steps.append(Step("closes its socket", "learner"))

    def ends(self) -> None:
        """The caller is done: what was lent is closed, the process ends."""
        self._scene.conclude()

    def _ended(self, awaited: str) -> Run:
        scene = self._scene
        run = scene.runs[-1]
        scene.wait(lambda: run.outcome is not None, awaited)
        run.judged = True
        return run

    def _accepts(self, raised: dict, named: bool = False) -> Callable[[str], bool]:
        if self._scene.unit.language == "c":
            return lambda name: c_accepts(name, raised)
        return lambda name: python_accepts(name, raised, named=named)


def _frozen(value: Any) -> Any:
    """A value whose lists have become tuples."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:  # a dict or a list, within a tuple too
        return False
    return True
