"""A warm process that forks others on request.

The server half runs single-threaded in a process of its own, with everything
imported that its children need and nothing of a learner's.  A fork of it takes
about a millisecond, where starting an interpreter takes twenty.

The server is the *subreaper* of its children (prctl(2)): whatever a child
leaves behind, double-forked or not, becomes the server's own child and is
killed when the child is reaped.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import subprocess
import sys
import threading
from _socket import AF_UNIX, SOCK_STREAM, socketpair
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from grader.processes import proc
from grader.processes.channel import Channel
from grader.processes.command import Command

PROJECT = Path(__file__).resolve().parents[2]

#: How long a server may take to end (seconds).
_PATIENCE = 5
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
#: Process ids that the kernel gives out only once (RESERVED_PIDS in its pid.c).
_SMALL_IDS = 300


class ServerGone(Exception):
    """The fork server has ended; the next request needs a new one."""


@dataclass(frozen=True)
class Child:
    """A process that a server has forked.

    Attributes:
        pid: its process id here.
        own_pid: the one that it knows itself by: another one, if it is confined.
    """

    pid: int
    own_pid: int


@dataclass(frozen=True)
class Exit:
    """How a child ended.

    Attributes:
        status: its exit status, or None if a signal ended it.
        signal: the number of that signal, or None.
        orphans: how many processes it left behind.
    """

    status: int | None
    signal: int | None
    orphans: int = 0


#: Servers of this process that are running.
_servers: set[int] = set()


class ForkServer:
    """The judge's half.

    Args:
        module: what the server imports; its ``child(request, channel)`` runs in
            each forked child.
        path: directories to put on the server's module path.
        environment: the server's whole environment.
        prefix: a command to start the server through (``setarch -R``).
        confined: makes, of a command and its environment, one that runs it shut in;
            the server is the first process there then, and nobody's but its own.
    """

    def __init__(
        self,
        module: str,
        *,
        path: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        prefix: tuple[str, ...] = (),
        confined: Callable[[list[str], dict[str, str]], Command] | None = None,
    ) -> None:
        ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
        search = [str(PROJECT), *path]
        start = (
            f"import sys; sys.path[:0] = {search!r}; "
            f"from {module} import child; from grader.processes.forkserver import serve; "
            f"serve({theirs.fileno()}, child, {len(search)}, {confined is not None})"
        )
        program = os.path.realpath(sys.executable) if confined else sys.executable
        # a set of texts has the same order in every run
        env = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", **(environment or {}), "PYTHONHASHSEED": "0"}
        command = Command([*prefix, program, "-P", "-s", "-S", "-B", "-c", start])
        if confined:
            command, env = confined(command.argv, env), {}
        self._process = subprocess.Popen(
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(theirs.fileno(), *command.fds),
            env=env,
            start_new_session=True,
        )
        command.close()
        theirs.close()
        self._is_confined = confined is not None
        # What a killed server leaves behind becomes this process' own.
        adopt_orphans()
        _servers.add(self._process.pid)
        self._channel = Channel(ours.detach())

    def spawn(self, request: dict, fds: tuple[int, ...]) -> Child:
        """Fork a child and hand it a request.

        Args:
            request: what the child is to do, as JSON.
            fds: descriptors it gets; still the caller's own.

        Raises:
            ServerGone: the server has ended.
        """
        own = self._ask({"spawn": request}, fds)["pid"]
        return Child(self._handed_over() if self._is_confined else own, own)

    def reap(self, child: Child) -> Exit:
        """Kill a child with all it has started, and say how it ended."""
        answer = self._ask({"reap": child.own_pid})
        return Exit(answer["status"], answer["signal"], answer["orphans"])

    def _handed_over(self) -> int:
        """The process id, here, of the process whose descriptor the server has sent
        (pidfd_open(2)): inside of its box it has another one."""
        fd = self._channel.take_fd()
        try:
            fields = dict(line.split(b":", 1) for line in proc.read(f"/proc/self/fdinfo/{fd}").splitlines())
            return int(fields[b"Pid"])
        finally:
            os.close(fd)

    @cached_property
    def pid(self) -> int:
        """Its process id.

        Raises:
            ServerGone: the server has ended.
        """
        if not self._is_confined:
            return self._process.pid
        try:
            self._channel.receive()
        except (OSError, EOFError):
            raise ServerGone(self.last_words()) from None
        return self._handed_over()

    def _ask(self, question: dict, fds: tuple[int, ...] = ()) -> dict:
        assert self.pid  # a confined server speaks first
        try:
            self._channel.send(question, fds)
            return self._channel.receive()
        except (OSError, EOFError):
            raise ServerGone(self.last_words()) from None

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def last_words(self) -> str:
        """What a server that has ended wrote to its standard error."""
        self._process.kill()
        self._process.wait()
        if self._process.stderr.closed:
            return ""
        return self._process.stderr.read().decode(errors="replace").strip()

    def dismiss(self) -> None:
        """Let the server end, with all its children, without waiting for it."""
        self._channel.close()

    def close(self) -> None:
        """End the server and all its children."""
        self.dismiss()
        # it closes its standard error by ending; Popen.wait() with a limit polls
        if not select.select([self._process.stderr], [], [], _PATIENCE)[0]:
            self._process.kill()
        self._process.wait()
        self._process.stderr.close()
        _servers.discard(self._process.pid)


def sweep_orphans() -> None:
    """Kill and reap what a killed server's children have become: our children."""
    own = os.getsid(0)  # the session of our other children, such as compilers
    while left := {pid for pid in _children() if pid not in _servers and os.getsid(pid) != own}:
        for pid in left:
            _kill_group(pid)
            _kill(pid)
            os.waitpid(pid, 0)


# --- the server's half -----------------------------------------------------


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def adopt_orphans() -> None:
    """From now on whoever loses its parent below this process becomes its child."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when that one, its parent, ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)


def _end(pid: int, others: set[int]) -> Exit:
    """Kill and reap pid and whatever has become this server's child since."""
    _kill_group(pid)
    _, code = os.waitpid(pid, 0)
    _kill_group(pid)
    orphans = 0
    while _has_children() and (left := _listed() - others or set(_children()) - others):
        for orphan in left:
            _kill_group(orphan)
            _kill(orphan)
            os.waitpid(orphan, 0)
            orphans += 1
    status = os.waitstatus_to_exitcode(code)
    return Exit(status, None, orphans) if status >= 0 else Exit(None, -status, orphans)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _kill_group(pid: int) -> None:
    """One signal for the whole group: no member can fork its way out of it."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _listed() -> set[int]:
    """The children that the kernel has a list of: quick, but it may miss one
    while others end (proc(5), ``/proc/pid/task/tid/children``)."""
    try:
        return set(proc.children(os.getpid()))
    except OSError:
        return set()  # a kernel without such lists


def _children() -> list[int]:
    """The processes whose parent is this one, from /proc/PID/stat of all."""
    own, found = os.getpid(), []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = int(proc.stat(entry)[1])
            except OSError:
                continue
            if parent == own:
                found.append(int(entry))
    return found


def _use_up_small_ids() -> None:
    """Let the ids of children be as large as anywhere else: a small number could be a
    descriptor, a length or a family as well."""
    used = 0
    while used < _SMALL_IDS:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        used = thread.native_id


def _send_with_handle(channel: Channel, message: dict, pid: int) -> None:
    handle = os.pidfd_open(pid)
    channel.send(message, (handle,))
    os.close(handle)


def serve(fd: int, child: Callable[[dict, Channel], None], added: int, is_confined: bool = False) -> None:
    """Answer requests until the judge closes the channel; then kill everything.

    Args:
        fd: the server's end of the channel to the judge.
        child: runs in each forked child and never returns to the server.
        added: how many directories at the head of the module path are the
            kit's own; children do not keep them.
        is_confined: whether its children, who have its user id, are not to be trusted.
    """
    adopt_orphans()
    del sys.path[:added]
    channel = Channel(fd)
    server = os.getpid()
    if is_confined:
        _prctl(_PR_SET_DUMPABLE, 0)  # its memory and descriptors are nobody's
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # which a change of user has taken back
        _use_up_small_ids()
        _send_with_handle(channel, {}, server)
    alive: set[int] = set()
    # What is here stays: a collection in a child that walked over it would copy
    # its pages, one fault each.
    gc.collect()
    gc.freeze()
    while True:
        try:
            request = channel.receive()
        except EOFError:
            break
        if "spawn" in request:
            pid = os.fork()
            if pid == 0:
                os.setsid()
                die_with_parent(server)
                if is_confined:
                    _prctl(_PR_SET_DUMPABLE, 1)
                child(request["spawn"], channel)
                os._exit(0)
            for _ in range(request["spawn"]["fds"]):
                os.close(channel.take_fd())
            alive.add(pid)
            if is_confined:
                _send_with_handle(channel, {"pid": pid}, pid)
            else:
                channel.send({"pid": pid})
        else:
            pid = request["reap"]
            alive.discard(pid)
            end = _end(pid, alive)
            channel.send({"status": end.status, "signal": end.signal, "orphans": end.orphans})
    for pid in alive:
        _kill_group(pid)
    os._exit(0)  # nothing is left to flush: the interpreter's own end takes longer than a check
