"""The judge's handle on one learner's process."""

from __future__ import annotations

import os
import resource
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from socket import AF_UNIX, SOCK_STREAM, socketpair
from typing import Any

from grader.learner.kit import KIT_DESCRIPTORS
from grader.processes import futex, proc
from grader.processes.channel import Channel
from grader.processes.forkserver import Exit, ForkServer, ServerGone, sweep_orphans
from grader.processes.state import State
from grader.trace.reader import Trace

#: Processor time that one call of a function, or loading, may take (seconds).
BUSY_SECONDS = 1.0
#: How soon the next look comes, while a signal takes effect (seconds).
_SECOND_LOOK = 0.0005
#: Part of a longer wait (seconds).
_PART = 0.1


class LearnerProcess:
    """A program in a process of its own, from fork to reaping.

    Args:
        server: the launcher of the program's language.
        request: what `grader.learner.host.child` is to load.

    Attributes:
        pid: its process id here, where the judge is.
        own_pid: the one that it knows itself by, and the trace too.
    """

    def __init__(self, server: ForkServer, request: dict) -> None:
        self._server = server
        self.trace = Trace()
        self.doorbell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
        self.channel = Channel(ours.detach())
        files = [os.memfd_create(name, os.MFD_CLOEXEC) for name in ("stdout", "stderr", "dump")]
        self._stdout, self._stderr, self._dump = files
        self.trace["fork_limit"] = 256
        fds = (self.trace.fd, self.doorbell, theirs.fileno(), *files)
        self.exit: Exit | None = None
        self.is_stopped = False  # by the script
        self.callers_child = 0  # no child of the program's
        try:
            self._child = server.spawn({**request, "fds": len(fds), "seconds": BUSY_SECONDS}, fds)
        finally:
            theirs.close()
        self.pid, self.own_pid = self._child.pid, self._child.own_pid
        self.pidfd = os.pidfd_open(self.pid)
        self._own_ids, self._ids_here = {self.pid: self.own_pid}, {self.own_pid: self.pid}

    # --- talking ----------------------------------------------------------

    def call(self, function: str, arguments: list[Any], options: dict, fds: tuple[int, ...], of: int = -1) -> None:
        """Ask for a call of a function; the answer comes over the channel.

        Raises:
            OSError: the process is gone or has closed the channel.
        """
        self.trace.arm(True)
        self.channel.send({"call": function, "of": of, "arguments": arguments, "options": options}, fds)

    def give_back(self) -> None:
        """Have the process close what it was lent, and go on.

        Raises:
            OSError: the process is gone or has closed the channel.
        """
        self.channel.send({"give_back": True})

    def conclude(self) -> None:
        """Have the process close what it was lent, and end."""
        try:
            self.channel.send({"end": True})
        except OSError:
            pass

    # --- watching ---------------------------------------------------------

    @property
    def has_ended(self) -> bool:
        return bool(select.select([self.pidfd], [], [], 0)[0])

    def await_end(self, seconds: float) -> None:
        """Give the process that time to end: of a machine that stands still meanwhile
        a part of it alone is lost."""
        for _ in range(round(seconds / _PART)):
            if select.select([self.pidfd], [], [], _PART)[0]:
                return

    def family(self) -> dict[int, str]:
        """Process id -> state letter (proc(5), stat) of the program and of all
        that it has forked, zombies (Z) included.

        One whose parent has ended is the launcher's child, which is its
        subreaper, as it would be init's; there it is nobody's zombie.
        """
        found, left = {}, [self.pid]
        while left:
            pid = left.pop()
            try:
                found[pid] = proc.letter(pid)
                if self.trace["forks"]:
                    left += [child for child in proc.children(pid) if self.own_id(child) != self.callers_child]
            except OSError:
                continue  # gone meanwhile
            if not left and self.trace["forks"]:
                # last, for a process only ever moves from its parent to the launcher
                left += [orphan for orphan in self._orphans() if orphan not in found]
        return found

    def _orphans(self) -> list[int]:
        """Living processes of the program's session that the launcher has inherited."""
        found = []
        try:
            inherited = proc.children(self._server.pid)
        except OSError:
            return found  # the launcher is gone
        for pid in inherited:
            try:
                if pid != self.pid and os.getsid(pid) == self.pid and proc.letter(pid) != "Z":
                    found.append(pid)
            except OSError:
                continue
        return found

    def own_id(self, task: int) -> int:
        """The id by which the program, and so the trace, knows one of its processes
        or threads: another one than the judge's, if it is confined.

        Raises:
            OSError: it is gone.
        """
        if self.pid == self.own_pid:
            return task
        if task not in self._own_ids:
            own = self._own_ids[task] = int(proc.status(task)["NSpid"].split()[-1])
            self._ids_here[own] = task
        return self._own_ids[task]

    def id_here(self, own: int) -> int:
        """The judge's id of a process or thread that the trace knows; 0 if it is gone."""
        if self.pid == self.own_pid:
            return own
        if own not in self._ids_here:
            self.task_states()  # which learns them all
        return self._ids_here.get(own, 0)

    def system_call_of(self, task: int) -> list[int]:
        """What a sleeping thread is in (proc(5), ``/proc/pid/syscall``): number and
        arguments; [-2] if it is not told.

        Args:
            task: its id, as the trace has it.
        """
        try:
            first, *others = proc.read(f"/proc/{self.id_here(task)}/syscall").split()
            return [int(first), *(int(word, 16) for word in others)]
        except (OSError, ValueError):
            return [-2]

    def seconds_left_on_a_lock(self, task: int, call: list[int]) -> float:
        """How long a sleeping thread waits on a lock still: infinity, if it does so
        without a limit; 0, if it waits on none or it is not told.

        Args:
            task: its id, as the trace has it.
            call: what it is in; see `system_call_of`.
        """
        if not futex.is_wait(call):
            return 0.0
        try:
            return futex.seconds_left(call, partial(proc.memory, self.id_here(task)))
        except OSError:
            return 0.0

    def task_states(self) -> dict[int, str]:
        """Thread id, as the trace has it -> the letter of its scheduler state, over
        all processes of the program but one that the script has stopped; one that has
        ended has no threads."""
        states = {}
        for pid, letter in self.family().items():
            if (letter == "Z" and pid != self.pid) or (self.is_stopped and pid == self.pid):
                continue
            try:
                for tid in proc.threads(pid):
                    states[self.own_id(tid)] = proc.state(f"{pid}/task/{tid}")
            except OSError:
                continue
        return states

    @property
    def naps(self) -> int:
        """How often its threads, those that are still there, have gone to sleep by
        themselves so far, but for the judge's sake."""
        slept = 0
        with suppress(OSError):  # it has ended
            for tid in proc.threads(self.pid):
                with suppress(OSError):  # a thread has, meanwhile
                    slept += int(proc.status(f"{self.pid}/task/{tid}")["voluntary_ctxt_switches"])
        return slept - self.trace["reader_naps"]

    @property
    def processor_ticks(self) -> int:
        """Processor time that its processes have used so far, in clock ticks."""
        ticks = 0
        for pid in self.family():
            try:
                fields = proc.stat(pid)
            except OSError:
                continue
            ticks += int(fields[11]) + int(fields[12])
        return ticks

    def state(self) -> State:
        """What the kernel says of the process now.

        Raises:
            OSError: it is gone.
        """
        root, descriptors, flags = f"/proc/{self.pid}", {}, {}
        for name in os.listdir(f"{root}/fd"):
            number = int(name)
            if number < KIT_DESCRIPTORS:
                descriptors[number] = os.readlink(f"{root}/fd/{name}")
                info = proc.read(f"{root}/fdinfo/{name}")
                flags[number] = int(info.partition(b"flags:")[2].split()[0], 8)
        status = proc.status(self.pid)
        signals = {name: int(status[name], 16) for name in ("SigBlk", "SigIgn", "SigCgt")}
        return State(descriptors, flags, int(status["Threads"]), signals)

    def output(self) -> tuple[bytes, bytes]:
        """What the program has written to standard output and standard error."""
        return tuple(_content(fd) for fd in (self._stdout, self._stderr))

    def dump(self) -> str:
        """What the interpreter printed of a crash or of a busy loop."""
        return _content(self._dump).decode(errors="replace")

    # --- meddling ---------------------------------------------------------

    def limit_descriptors(self, most: int | None) -> None:
        """Let no descriptor of a number from most on be opened; None: as before."""
        with self._as_its_user():
            _soft, hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (hard if most is None else most, hard))

    @contextmanager
    def _as_its_user(self) -> Iterator[None]:
        """Be its user, in the real ids alone, while its limits are set: in a container
        root may lack the right to set those of others (prlimit(2), CAP_SYS_RESOURCE)."""
        owner = os.stat(f"/proc/{self.pid}")
        user, group = os.getresuid(), os.getresgid()
        if owner.st_uid == user[0] or user[1] != 0:
            yield
            return
        os.setresgid(owner.st_gid, group[1], group[2])
        os.setresuid(owner.st_uid, user[1], user[2])
        try:
            yield
        finally:
            os.setresuid(*user)
            os.setresgid(*group)

    def signal(self, number: int) -> None:
        """Send it a signal, as kill(1) does."""
        os.kill(self.pid, number)

    def stop(self) -> None:
        """Stop all its threads, and none of the processes that it has forked."""
        self.is_stopped = True
        self.trace["stops"] += 1
        os.kill(self.pid, signal.SIGSTOP)
        while not (self._stands_still() or self.has_ended):
            select.select([self.pidfd], [], [], _SECOND_LOOK)

    def go_on(self) -> None:
        """Let it go on, if it is stopped."""
        if self.is_stopped:
            os.kill(self.pid, signal.SIGCONT)
            self.is_stopped = False

    def _stands_still(self) -> bool:
        try:
            return {proc.letter(f"{self.pid}/task/{tid}") for tid in proc.threads(self.pid)} == {"T"}
        except OSError:
            return False  # a thread, or all of it, has just ended

    def has_taken(self, number: int) -> bool:
        """Whether a signal that was sent has been delivered, or is blocked."""
        try:
            status = proc.status(self.pid)
        except OSError:
            return True
        masks = {name: int(status[name], 16) for name in _MASKS}
        return not (masks["SigPnd"] | masks["ShdPnd"]) & ~masks["SigBlk"] & 1 << number - 1

    def has_handler(self, number: int) -> bool:
        """Whether a function of its own handles a signal."""
        try:
            return bool(int(proc.status(self.pid)["SigCgt"], 16) & 1 << number - 1)
        except OSError:
            return False

    def has_pending(self, number: int) -> bool:
        """Whether a signal waits, blocked, to be delivered."""
        try:
            status = proc.status(self.pid)
        except OSError:
            return False
        return bool((int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)) & 1 << number - 1)

    # --- the end ----------------------------------------------------------

    def end(self) -> Exit:
        """Kill the process with all it has started; how it ended."""
        if self.exit is None:
            try:
                self.exit = self._server.reap(self._child)
            except ServerGone:  # its parent was killed: so is it, and all the rest
                self.exit = Exit(None, None)
                sweep_orphans()
        return self.exit

    def close(self) -> None:
        self.channel.close()
        self.trace.close()
        for fd in (self.pidfd, self.doorbell, self._stdout, self._stderr, self._dump):
            os.close(fd)


_MASKS = ("SigPnd", "ShdPnd", "SigBlk")


def _content(fd: int, most: int = 1 << 16) -> bytes:
    return os.pread(fd, most, 0)
