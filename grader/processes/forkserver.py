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
from _socket import AF_UNIX, SOCK_STREAM, socketpair
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grader.processes import proc
from grader.processes.channel import Channel

PROJECT = Path(__file__).resolve().parents[2]

#: How long a server may take to end (seconds).
_PATIENCE = 5
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


class ServerGone(Exception):
    """The fork server has ended; the next request needs a new one."""


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
    """

    def __init__(
        self,
        module: str,
        *,
        path: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        prefix: tuple[str, ...] = (),
    ) -> None:
        ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
        search = [str(PROJECT), *path]
        start = (
            f"import sys; sys.path[:0] = {search!r}; "
            f"from {module} import child; "
            f"from grader.processes.forkserver import serve; serve({theirs.fileno()}, child, {len(search)})"
        )
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-P", "-s", "-S", "-B", "-c", start],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            # a set of texts has the same order in every run
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", **(environment or {}), "PYTHONHASHSEED": "0"},
            start_new_session=True,
        )
        theirs.close()
        # What a killed server leaves behind becomes this process' own.
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        _servers.add(self._process.pid)
        self._channel = Channel(ours.detach())

    def spawn(self, request: dict, fds: tuple[int, ...]) -> int:
        """Fork a child and hand it a request.

        Args:
            request: what the child is to do, as JSON.
            fds: descriptors it gets; still the caller's own.

        Returns:
            The child's process id.

        Raises:
            ServerGone: the server has ended.
        """
        return self._ask({"spawn": request}, fds)["pid"]

    def reap(self, pid: int) -> Exit:
        """Kill a child with all it has started, and say how it ended."""
        answer = self._ask({"reap": pid})
        return Exit(answer["status"], answer["signal"], answer["orphans"])

    def _ask(self, question: dict, fds: tuple[int, ...] = ()) -> dict:
        try:
            self._channel.send(question, fds)
            return self._channel.receive()
        except (OSError, EOFError):
            raise ServerGone(self.last_words()) from None

    @property
    def pid(self) -> int:
        return self._process.pid

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


def serve(fd: int, child: Callable[[dict, Channel], None], added: int) -> None:
    """Answer requests until the judge closes the channel; then kill everything.

    Args:
        fd: the server's end of the channel to the judge.
        child: runs in each forked child and never returns to the server.
        added: how many directories at the head of the module path are the
            kit's own; children do not keep them.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    del sys.path[:added]
    channel = Channel(fd)
    server = os.getpid()
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
                child(request["spawn"], channel)
                os._exit(0)
            for _ in range(request["spawn"]["fds"]):
                os.close(channel.take_fd())
            alive.add(pid)
            channel.send({"pid": pid})
        else:
            pid = request["reap"]
            alive.discard(pid)
            end = _end(pid, alive)
            channel.send({"status": end.status, "signal": end.signal, "orphans": end.orphans})
    for pid in alive:
        _kill_group(pid)
    os._exit(0)  # nothing is left to flush: the interpreter's own end takes longer than a check
