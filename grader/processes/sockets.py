"""The sockets that a process has open."""

from __future__ import annotations

import os


def sockets_of(pid: int) -> dict[int, int]:
    """Descriptor -> inode of each socket of a process (proc(5), ``/proc/pid/fd``);
    empty if the process is gone."""
    found = {}
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for name in names:
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            found[int(name)] = int(target[8:-1])
    return found
