"""Files of proc(5) about processes, read with as few system calls as it takes:
the judge looks at them in every turn of its loop."""

from __future__ import annotations

import os


def read(path: str) -> bytes:
    """A file's content; one read, for the kernel writes such a file in one go.

    Raises:
        OSError: the process, or the thread, is gone.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 1 << 16)
    finally:
        os.close(fd)


def stat(task: int | str) -> list[bytes]:
    """The fields of ``/proc/task/stat`` from the third, the state, on.

    Args:
        task: a process id, or ``"pid/task/tid"`` for a thread.

    Raises:
        OSError: it is gone.
    """
    fields = read(f"/proc/{task}/stat").rpartition(b")")[2].split()
    if not fields:
        raise ProcessLookupError(task)
    return fields


def status(task: int | str) -> dict[str, str]:
    """The lines of ``/proc/task/status``.

    Args:
        task: see `stat`.

    Raises:
        OSError: it is gone.
    """
    lines = read(f"/proc/{task}/status").decode(errors="replace").splitlines()
    return {name: value for name, _, value in (line.partition(":") for line in lines)}


def letter(task: int | str) -> str:
    """The letter of its scheduler state, as ``/proc/task/stat`` has it.

    Raises:
        OSError: it is gone.
    """
    return stat(task)[0].decode()


def state(task: int | str) -> str:
    """The letter of its scheduler state; ``R`` for one that is about to sleep, or
    has just woken, and still has the processor or waits for it.

    A task calls itself asleep (``S``) before it looks whether there is anything to
    sleep for, and waitpid(2) while it takes the dead child away.  If it loses the
    processor there, it keeps that letter and is as awake as any.  Which call a
    sleeping task is in, the kernel only tells once it has left the processor.

    Raises:
        OSError: it is gone.
    """
    found = letter(task)
    if found != "S":
        return found
    try:
        return "R" if read(f"/proc/{task}/syscall").startswith(b"running") else found
    except PermissionError:
        return found  # the letter alone has to do


def threads(pid: int) -> list[int]:
    """The ids of a process' threads.

    Raises:
        OSError: it is gone.
    """
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]


def children(pid: int) -> list[int]:
    """The children that a process' threads have forked and not reaped.

    Raises:
        OSError: it is gone.
    """
    return [int(child) for tid in threads(pid) for child in read(f"/proc/{pid}/task/{tid}/children").split()]


def memory(pid: int, address: int, size: int) -> bytes:
    """Bytes of a process' memory.

    Raises:
        OSError: it is gone, or has none there.
    """
    fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(fd, size, address)
    finally:
        os.close(fd)
