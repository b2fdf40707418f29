"""What a check can demand of a server that goes on until it is ended."""

from __future__ import annotations

import signal

from grader.peers.places import kind_of
from grader.stage import holdings, quiet
from grader.stage.broken import Broken
from grader.stage.scene import Scene
from grader.trace.faults import Fault
from grader.trace.reader import Call
from grader.verbs.peer import Peer
from grader.verdict.evidence import Failure
from grader.verdict.transcript import Step
from grader.verdict.words import counted

#: So many failed attempts with pauses between them show that a program waits ...
_PACED = 3
#: ... and so many with next to none that it spins.  (asyncio accepts as often as
#: its backlog is long before it pauses.)
_SPINNING = 400


class ServingVerbs:
    """The verbs of `Learner` for servers.

    A server is started with `serves`.  From then on a return is a failure; and
    when the check is over, the server must come to rest, hold no connection
    whose client is gone, and is ended by the judge (`grader.stage.left_behind`).
    """

    _scene: Scene
    _lacking = _naps = 0

    def serves(self, function: str, *arguments: object, **options: object) -> None:
        """Call a function that is to go on until the judge ends it."""
        self.runs(function, *arguments, **options)
        self._scene.runs[-1].endless = True

    def rests(self) -> None:
        """The program has done what there was to do, and sleeps.

        A program that never sleeps, or sleeps for good in a call while a peer
        is owed something, is found by what it does (`Scene.wait`).
        """
        self._scene.wait(quiet.Rest(self._scene), "the program rests")

    def gets(self, name: str, *, may_end: bool = True) -> None:
        """The process, at rest or stopped, is sent a signal, ``"SIGTERM"``.

        Args:
            may_end: whether its function may return then.
        """
        scene = self._scene
        self.rests()
        if may_end and scene.arranged.signalled < 0:
            scene.arranged.signalled = scene.process.trace["next"]
        scene.runs[-1].may_end |= may_end
        if not may_end:
            scene.arranged.disturbed = (name, len(scene.steps))
        number, rest = getattr(signal, name), quiet.Rest(scene)
        scene.arranged.handled.append((name, scene.process.has_handler(number)))
        scene.process.signal(number)
        if scene.process.is_stopped:  # it is pending, and it is this that ends a wait
            scene.process.trace["stops"] -= 1
            scene.steps.append(Step(f"gets {name}", "learner"))
            return
        # what comes next must not overtake it
        scene.wait(lambda: scene.run is None or (scene.process.has_taken(number) and rest()), f"{name} is taken")
        scene.arranged.pending = number if scene.process.has_pending(number) else 0
        scene.steps.append(Step(f"gets {name}", "learner"))

    def gives_up_or_answers(self, error: str, client: Peer, port: str, data: bytes, answer: bytes) -> None:
        """Once the program rests, accept() fails with that error when that client
        comes: the function fails with it too; or it goes on, and the client, which
        has sent its data and an end-of-file, gets its answer.  On a UDP port it is
        receiving that fails, and there is no end-of-file.

        Raises:
            Broken: it does neither, or fails with something else.
        """
        scene, rest = self._scene, quiet.Rest(self._scene)
        is_stream = not kind_of(port).has_datagrams
        self.rests()
        scene.tampers(Fault("accept" if is_stream else "recv", "ready 1", error))
        self.is_stopped()  # else it may be over before the client has said all
        client.connects(port)
        client.sends(data)
        if is_stream:
            client.half_closes()
        self.goes_on()
        scene.wait(lambda: scene.run is None or rest(), f"{scene.runs[-1].function}() fails with {error}, or goes on")
        if scene.run is not None:
            try:
                client.receives(answer)
                if is_stream:
                    client.sees_end_of_file()
                return
            except Broken:  # it has let go of the client: it may be about to give up
                if not self._gives_up():
                    raise
        self.raises(error)

    def _gives_up(self) -> bool:
        """Whether the function comes to its end by itself."""
        try:
            self._scene.wait(lambda: self._scene.run is None, "the function gives up")
        except Broken:
            return False
        return True

    def has_reaped_its_children(self) -> None:
        """No child that has ended waits to be waited for.

        Raises:
            Broken: the program rests, and one does.
        """
        scene, rest = self._scene, quiet.Rest(self._scene)
        scene.wait(lambda: not _zombies(scene) or rest(), "the program reaps its children")
        if _zombies(scene):
            sentence = "a child process has ended, and no waitpid() has asked for it: it stays a zombie"
            raise Broken(Failure("zombie", sentence, read="waitpid(2), NOTES"))

    def has_let_go_of_its_threads(self) -> None:
        """No thread that has ended is still to be joined.

        Raises:
            Broken: the program rests, and one is.
        """
        scene, rest = self._scene, quiet.Rest(self._scene)
        scene.wait(lambda: not _unjoined(scene) or rest(), "the program lets go of its threads")
        if left := _unjoined(scene):
            scene.look_up(left)
            sentence = "a thread has ended and was neither joined nor detached: its stack stays allocated"
            raise Broken(Failure("unjoined", sentence, line=left[0].line, read="pthread_detach(3)"))

    def listens_in_one_process(self) -> None:
        """No child has a descriptor of the listening socket.

        Raises:
            Broken: the program rests, and one has.
        """
        scene, rest = self._scene, quiet.Rest(self._scene)
        scene.wait(lambda: len(holdings.listeners(scene)) == 1 or rest(), "children close the listening socket")
        if len(holdings.listeners(scene)) > 1:
            sentence = "a child process keeps the listening socket open while it serves its client"
            raise Broken(Failure("shared-listener", sentence, read="fork(2), NOTES"))

    def serves_in_one_thread(self) -> None:
        """One thread has accepted all clients, and heard and told them everything.

        What other threads do is the program's own affair.

        Raises:
            Broken: several have.
        """
        scene = self._scene
        serving = [c for c in scene.process.trace.calls if any(map(c.any_of, ("accept", "recv", "send")))]
        other = next((c for c in serving if c.tid != serving[0].tid), None)
        if other is not None:
            scene.look_up([other])
            sentence = f"{other.name}() is called in a second thread; the contract demands one thread for all clients"
            raise Broken(Failure("threads", sentence, line=other.line))

    # --- descriptors that lack --------------------------------------------

    def runs_out_of_descriptors(self, but: int = 0) -> None:
        """Not one descriptor more can be opened, or so many: not even when a connection
        of now is closed.  A call that is waiting in accept() already has its own."""
        scene = self._scene
        own = scene.process.state().descriptors
        self._lacking, self._naps = scene.process.trace["next"], scene.process.naps
        scene.process.limit_descriptors(min(holdings.numbers(scene), default=max(own) + 1) + but)
        scene.steps.append(Step(f"has {counted(but, 'descriptor') if but else 'no descriptor'} left", "learner"))

    def paces_itself(self) -> None:
        """While descriptors lack, the program sleeps between two attempts to
        accept; or it makes none, and rests.

        What it sleeps in is its own affair: the kernel counts how often its
        threads have gone to sleep by themselves.  (A script can shorten what
        the trace knows as a sleep: ``fault("sleep", limit=5)``.)

        Raises:
            Broken: attempt follows attempt without a pause.
        """
        scene, rest = self._scene, quiet.Rest(self._scene)
        scene.wait(lambda: self._is_paced() or self._spins() or rest(), "the program waits for descriptors")
        if self._spins():
            last = self._attempts()[-1]
            scene.look_up([last])
            sentence = f"{last.name}() fails with {last.errno} again and again, with no pause between two attempts"
            raise Broken(Failure("spins", sentence, line=last.line, read="accept(2), ERRORS"))

    def gets_descriptors_back(self) -> None:
        """Descriptors can be opened again."""
        self._scene.process.limit_descriptors(None)
        self._scene.steps.append(Step("has descriptors again", "learner"))

    def _attempts(self) -> list[Call]:
        calls = self._scene.process.trace.calls
        return [c for c in calls if c.index >= self._lacking and c.any_of("accept") and c.errno == "EMFILE"]

    def _pauses(self) -> int:
        return self._scene.process.naps - self._naps

    def _is_paced(self) -> bool:
        pauses = self._pauses()  # first: what is tried meanwhile makes it no slower
        self._scene.process.trace.update()
        attempts = len(self._attempts())
        return attempts >= _PACED and pauses >= attempts // 2

    def _spins(self) -> bool:
        attempts = len(self._attempts())
        return attempts >= _SPINNING and self._pauses() < attempts // 10


def _unjoined(scene: Scene) -> list[Call]:
    """The creations of threads that have ended, joinable, and not been joined."""
    joinable: dict[int, Call] = {}  # by pthread_t, which a later thread may have again
    begun: dict[int, int] = {}
    for call in scene.process.trace.calls:
        thread = call.args[0]
        if call.name == "pthread_create" and call.done and not call.failed and not call.args[1]:
            joinable[thread] = call
        elif call.name == "thread_start":
            begun[thread] = call.tid
        elif call.name in ("pthread_join", "pthread_detach") and call.done and not call.failed:
            joinable.pop(thread, None)
    alive = scene.process.task_states()
    return [call for thread, call in joinable.items() if thread in begun and begun[thread] not in alive]


def _zombies(scene: Scene) -> bool:
    return "Z" in [letter for pid, letter in scene.process.family().items() if pid != scene.process.pid]
