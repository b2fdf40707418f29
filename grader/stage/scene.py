"""One check in progress: the processes on stage, and the one loop that waits.

Nothing is decided by time.  The loop waits for events: an answer of a peer, the
learner's result, a record of the trace, an exit.  While it waits it watches
whether the event can still come: the learner may have ended, may have returned
too early, may be blocked where nothing will ever arrive, or may use up its
processor time.  Two limits stand behind that, for programs that sleep outside
of any call the trace knows.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from grader.catalogue.unit import Unit
from grader.learner.process import LearnerProcess
from grader.peers.process import PeerError, PeerProcess
from grader.processes.channel import ChannelError
from grader.processes.namespaces import remedy
from grader.processes.state import State
from grader.stage import death, quiet
from grader.stage.broken import Broken, NotHere
from grader.stage.hangs import IDLE_SECONDS, Hangs, nobody_is_left
from grader.stage.on_stage import OnStage
from grader.stage.outcomes import ended_before, stopped
from grader.stage.stage import Stage
from grader.stage.watch import GLANCE, Watch
from grader.trace.faults import Fault
from grader.verdict.evidence import Failure, Run
from grader.verdict.model import Verdict

#: How long a thread that has been joined may take to disappear (seconds).
_LAST_BREATH = 0.5
#: How soon the next look comes where it decides (seconds).
_SECOND_LOOK = 0.0005


class Scene(OnStage):
    """Everything that belongs to one check, and what goes on in it.

    Args:
        stage: forks processes and has the builds.
        unit: what is graded.

    Attributes:
        concluded: whether the program's process was told to end.
    """

    def __init__(self, stage: Stage, unit: Unit) -> None:
        super().__init__(stage, unit)
        self.concluded = False
        self._hangs = Hangs(self)

    # --- the learner's process --------------------------------------------

    def load(self) -> LearnerProcess:
        """The learner's process, with the program loaded.

        Raises:
            Broken: the program does not load.
        """
        if self.process is not None:
            return self.process
        network = self.network_host().pid if self.arranged.has_own_network else 0
        # who is confined is there from the start
        entered = 0 if self.stage.job else network
        request = self.stage.request(self.unit) | self.arranged.of_host(entered)
        self.process = LearnerProcess(self.stage.server(self.unit.language, network, self.arranged.may_sniff), request)
        if self.time.is_held:
            self.process.trace.hold_clock()
        if self.arranged.resolver:
            self.process.trace.script_resolver(*self.arranged.resolver)
        answer: list[dict] = []
        self.wait(lambda: self._heard(answer), "the program is loaded")
        if "refused" in answer[0]:
            report = answer[0]["refused"]
            raise Broken(
                Failure("load", str(report["sentence"]), Verdict.BUILD, report.get("line"), messages=report["detail"])
            )
        self.process.callers_child = answer[0]["child"]
        self.process.trace.plan(self.arranged.faults)
        self.process.trace["tells_states"] = self.arranged.tells_states
        return self.process

    def _heard(self, answer: list[dict]) -> bool:
        message = self.process.channel.take()
        if isinstance(message, dict) and ("ready" in message or "refused" in message):
            answer.append(message)
        elif message is not None:
            self._lied(message)
        return bool(answer)

    def _lied(self, message: object) -> NoReturn:
        sentence, words = "the program wrote to a descriptor that is not its own", ""
        if isinstance(message, dict) and isinstance(message.get("lost"), str):
            sentence, words = "the program broke the interpreter that runs it", message["lost"]
        raise Broken(Failure("channel", sentence, Verdict.CRASH, messages=words))

    def begins(self, run: Run) -> None:
        """A function is about to be called.

        Raises:
            OSError: its process is gone.
        """
        if self.world.before is None:
            self.world.before = self.process.state()
        if self.arranged.folder is not None:
            self.arranged.folder.remember()
        self._hangs.begins_anew()
        self.runs.append(run)

    def _take_result(self) -> None:
        """Take the learner's result off the channel, if it is there."""
        run = self.run
        if run is None or self.process is None:
            return
        message = self.process.channel.take()
        if message is None:
            return
        if not isinstance(message, dict) or not {"returned", "raised", "broke"} & message.keys():
            self._lied(message)
        self.process.trace.update()
        self.process.trace.arm(False)
        run.outcome = message
        run.blocks, run.frame = self.process.trace.blocks, self.process.trace.last_return
        run.last = self.process.trace["next"]
        self.world.after = self._state()
        watch = Watch()
        while self._has_more_threads and watch.idle(()) < _LAST_BREATH:
            # one that was joined may not have left the kernel yet
            select.select([self.process.pidfd], [], [], _SECOND_LOOK)
            self.world.after = self._state()

    @property
    def _has_more_threads(self) -> bool:
        before, after = self.world.before, self.world.after
        return before is not None and after is not None and after.threads > before.threads

    def _state(self) -> State | None:
        try:
            return self.process.state()
        except OSError:
            return None

    def give_back(self) -> None:
        """Have the learner's process close what it was lent; the world
        after is then what the kernel says of it."""
        try:
            self.process.give_back()
        except OSError:
            return
        watch = Watch()
        while not self.process.has_ended and watch.idle(()) < IDLE_SECONDS:
            self._gather()
            message = self.process.channel.take()
            if message == {"given_back": True}:
                break
            if message is not None:
                self._lied(message)
            self._sleep(GLANCE)
        self.world.after = self._state()

    def conclude(self) -> None:
        """Have the learner's process close what it was lent and end by itself.

        Raises:
            Broken: it has left other processes behind.
        """
        if self.process is None or self.concluded:
            return
        self.concluded = True
        self.lets_children_rest()
        self.process.conclude()
        self.process.await_end(IDLE_SECONDS)
        is_server = bool(self.runs) and self.runs[-1].endless  # its children may go on
        if self.process.has_ended and self.process.end().orphans and not is_server:
            raise Broken(Failure("left-process", "the function left a process running, or unreaped", read="waitpid(2)"))

    def stop(self) -> None:
        """End the learner's process, whatever it does."""
        if self.process is not None and not self.concluded:
            self.concluded = True
            self.process.end()

    def has_stopped(self) -> NoReturn:
        """A server has ended by itself, where it was to go on.

        Raises:
            Broken: always.
        """
        self.runs[-1].judged = True
        raise Broken(stopped(self.runs[-1], self.unit, self.disturbed))

    def lets_children_rest(self) -> None:
        """Let processes that were left behind do what they are about to do, so
        that every run tells the same of them."""
        looks, watch = 0, Watch()
        while watch.idle(()) < IDLE_SECONDS:
            self._gather()
            looks = looks + 1 if quiet.children_rest(self) else 0
            if looks > 1 or not self.process.trace["forks"]:
                return
            self._sleep(_SECOND_LOOK)

    # --- waiting ----------------------------------------------------------

    def wait(self, ready: Callable[[], bool], awaited: str, *, after_return: bool = False) -> None:
        """Wait for an event.

        Args:
            ready: whether it has come; called after every change.
            awaited: the event in words, for the report of a hang.
            after_return: whether it may still come once the function has
                returned and its process has ended.

        Raises:
            Broken: it cannot come any more.
        """
        watch = Watch()
        while True:
            self._gather()
            if ready():
                return
            if self.run is None and self.runs and self.process is not None:
                self._after_return(watch, awaited, after_return)
            elif self.process is not None and self.process.has_ended:
                self._gather()
                if ready():
                    return
                if self.run is not None or not self.runs:
                    raise Broken(death.of_process(self))
            if self._hangs.look(watch, awaited, partial(self._is_ready_at_rest, ready)):
                return
            self._sleep(GLANCE if watch.is_sure else _SECOND_LOOK)

    def _is_ready_at_rest(self, ready: Callable[[], bool]) -> bool:
        """Whether an event has come, if it is sure that the program rests."""
        self._gather()
        self.is_at_rest = True
        try:
            return ready()
        finally:
            self.is_at_rest = False

    def _after_return(self, watch: Watch, awaited: str, may_come: bool) -> None:
        """The function has returned and the event has not come yet."""
        if self.runs[-1].has_stopped and not self.runs[-1].judged:
            if not may_come or watch.twice("delivered", quiet.all_delivered(self)):
                self.has_stopped()
            return
        if not may_come or nobody_is_left(watch, self):
            raise Broken(ended_before(self.runs[-1], self.unit, awaited))
        # What is still open is closed by ending the process: then it comes, or never.
        delivered = quiet.all_delivered(self) and quiet.children_rest(self)
        if not self.concluded and watch.twice("delivered", delivered):
            self.conclude()

    def _gather(self) -> None:
        """Read whatever has arrived, without waiting."""
        channels = [peer.channel for peer in self.company.peers]
        if self.process is not None:
            self.process.trace.update()
            channels.append(self.process.channel)
        for channel in channels:
            while not channel.closed and select.select([channel], [], [], 0)[0]:
                try:
                    if not channel.pump():
                        break
                except ChannelError as error:
                    self._lied(error)
        self._take_result()

    def _sleep(self, longest: float) -> None:
        """Until a channel, an exit or the doorbell has something, or a look is due."""
        files: list = [peer.channel for peer in self.company.peers if not peer.channel.closed]
        process = self.process
        if process is not None:
            process.trace["waiting"] = 1
            if process.trace.update():
                process.trace["waiting"] = 0
                return
            files.append(process.doorbell)
            if not process.has_ended:
                files.append(process.pidfd)
            if not process.channel.closed:
                files.append(process.channel)
        select.select(files, [], [], longest)
        if process is not None:
            process.trace["waiting"] = 0
            try:
                os.eventfd_read(process.doorbell)
            except BlockingIOError:
                pass

    def tampers(self, *faults: Fault) -> None:
        """Tamper with calls of the program, from now on."""
        self.arranged.faults += faults
        if self.process is not None:
            self.process.trace.plan(self.arranged.faults)

    def poses(self, told: bytes) -> None:
        """Let the kernel's answers who is at the other end of a connection be these,
        from now on; ``b""`` for its own."""
        arranged = self.arranged
        number = next((i for i, fault in enumerate(arranged.faults) if fault is arranged.posing), -1)
        if number >= 0 and self.process is not None:
            self.process.trace.retire(number)
        elif number >= 0:
            arranged.faults.pop(number)
        arranged.posing = Fault("getsockopt", "connected", option="SO_PEERCRED", poke=told) if told else None
        if told:
            self.tampers(arranged.posing)

    def id_there(self, process: int) -> int:
        """The id by which the program knows a process of a peer's; 0, as the kernel
        tells it, if it is confined: there is no such process in its world."""
        return 0 if self.stage.job else process

    def release(self) -> None:
        """Let the program go on, wherever the script holds or has stopped it."""
        self.process.trace["released"] = 1 << 30
        self.process.go_on()

    # --- comings and goings -------------------------------------------------

    def new_peer(self) -> PeerProcess:
        """One more peer, for this check."""
        if self.arranged.has_own_network:
            peer = self.stage.new_peer()
            peer.moves("enter_network", pid=self.network_host().pid)
        else:
            peer = self.stage.peer()
        self.company.peers.append(peer)
        return peer

    def network_host(self) -> PeerProcess:
        """The process that has made the network that this check has to itself.

        Raises:
            NotHere: the machine does not allow it.
        """
        company = self.company
        if company.host is None:
            host = company.host = self.stage.new_peer()
            try:
                host.moves("leave_network")
            except PeerError as error:
                why = f"a network of its own is not allowed here ({error.errno}); to allow it: {remedy()}"
                raise NotHere(why) from None
            company.network.is_that_of(host.pid, host.take_fd())
        return company.host

    def close(self) -> None:
        """End everything that is still on stage."""
        if self.process is not None:
            self.process.end()
            self.process.close()
            if self.stage.job is not None:
                self.stage.job.forget_what_was_written()
        if self.company.host is not None:
            self.stage.lets_go_of(self.company.host.pid)
        for peer in filter(None, [*self.company.peers, self.company.host]):
            self.stage.dismiss(peer)
        self.company.network.close()
        if self.arranged.folder is not None:
            self.arranged.folder.remove()
