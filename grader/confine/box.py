"""A box: the view of the machine that a confined process has, made by bubblewrap.

bubblewrap makes the namespaces and mounts; what it is told is the whole of the
protection, so all of it stands here.  It is never run as the machine's root with a
user namespace: its inside would still be root to the kernel.  Root runs it without
one, and setpriv(1) gives up root inside, for a user id that nobody else has.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from grader.confine.filter import filter_of
from grader.processes.command import Command

#: What a program needs of the system besides /usr, where it is there.
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
#: What the C library reads of /etc: the linker's cache, and what names stand for.
_ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives"),
    *("hosts", "host.conf", "nsswitch.conf", "services", "protocols", "networks", "gai.conf", "localtime"),
)
#: Room in the folders of the box that can be written to (bytes).
_ROOM = 16 << 20
#: What is left of root's rights until setpriv(1) has given them up.
_TO_GIVE_UP_ROOT = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
_TO_SNIFF = "CAP_NET_RAW"


@dataclass(frozen=True)
class Box:
    """What is in a box, and who lives there.

    Attributes:
        user, group: ids; the caller's own ones, unless the caller is root.
        shown: folders and files that can be read, at their own paths.
        lent: folders that can be written to, at their own paths.
        temporary: the folder that is ``/tmp`` inside; None for an empty one.
        network: a process in whose network the box is; 0 for none but an empty one.
        has_processes: whether there is a ``/proc``.
        may_sniff: whether there are raw and packet sockets: the one right that is left.
    """

    user: int
    group: int
    shown: tuple[Path, ...] = ()
    lent: tuple[Path, ...] = ()
    temporary: Path | None = None
    network: int = 0
    has_processes: bool = False
    may_sniff: bool = False

    def command(self, argv: list[str], environment: dict[str, str], directory: str = "/tmp") -> Command:
        """The command line that runs another one in the box.

        Args:
            argv: the other one; its program is found inside.
            environment: its whole environment.
            directory: that it starts in.
        """
        words = [*self._namespaces(), *self._mounts(), "--die-with-parent", "--new-session", "--as-pid-1"]
        words.append("--clearenv")
        for name, value in environment.items():
            words += ["--setenv", name, value]
        words += ["--chdir", directory]
        rules = _in_memory("filter", filter_of(may_sniff=self.may_sniff))
        words += ["--seccomp", str(rules)]
        # not on the command line, which all processes of the machine can read
        options = _in_memory("options", b"".join(os.fsencode(word) + b"\0" for word in words))
        boxed = [tool("bwrap"), "--args", str(options), "--", *self._gives_up(), *argv]
        return Command([*self._enters(), *boxed], (rules, options))

    @property
    def _is_roots(self) -> bool:
        return os.geteuid() == 0

    def _namespaces(self) -> Iterator[str]:
        yield from ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "box")
        if not self.network:
            yield "--unshare-net"
        if self._is_roots:
            yield from ("--cap-drop", "ALL")
            for right in (*_TO_GIVE_UP_ROOT, *([_TO_SNIFF] if self.may_sniff else [])):
                yield from ("--cap-add", right)
        else:
            yield from ("--unshare-user", "--disable-userns", "--uid", str(self.user), "--gid", str(self.group))
            yield from ("--cap-drop", "ALL")

    def _enters(self) -> list[str]:
        """The command that goes to the network first, if it is not the caller's."""
        if self.network in (0, os.getpid()):
            return []
        place = f"/proc/{self.network}/ns"
        user = [] if self._is_roots else [f"--user={place}/user", "--preserve-credentials"]
        return [tool("nsenter"), *user, f"--net={place}/net", "--"]

    def _gives_up(self) -> list[str]:
        if not self._is_roots:
            return []
        ids = ["--reuid", str(self.user), "--regid", str(self.group), "--clear-groups"]
        rights = "-all,+net_raw" if self.may_sniff else "-all"
        sets = [f"--{name}={rights}" for name in ("bounding-set", "inh-caps", "ambient-caps")]
        return [tool("setpriv"), *ids, *sets, "--no-new-privs", "--"]

    def _mounts(self) -> Iterator[str]:
        yield from ("--ro-bind", "/usr", "/usr")
        for name in _SYSTEM:
            if os.path.islink(name):
                yield from ("--symlink", os.readlink(name), name)
            elif os.path.isdir(name):
                yield from ("--ro-bind", name, name)
        yield from ("--perms", "0755", "--dir", "/etc")
        for name in _ETC:
            yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
        yield from ("--dev", "/dev")
        if self.has_processes:
            yield from ("--proc", "/proc")
        if self.temporary is None:
            yield from ("--perms", "1777", "--size", str(_ROOM), "--tmpfs", "/tmp")
        else:
            yield from ("--bind", str(self.temporary), "/tmp")
        made = {"/", "/etc", "/usr", "/tmp"}
        for path, how in [(path, "--ro-bind") for path in self.shown] + [(path, "--bind") for path in self.lent]:
            # bubblewrap makes the folders above for nobody but itself
            for parent in reversed(path.parents):
                if str(parent) not in made and not str(parent).startswith("/usr/"):
                    made.add(str(parent))
                    yield from ("--perms", "0755", "--dir", str(parent))
            yield from (how, str(path), str(path))
        yield from ("--size", str(_ROOM), "--tmpfs", "/dev/shm", "--remount-ro", "/dev", "--remount-ro", "/")


@cache
def tool(name: str) -> str:
    """A tool's own path: links to it are not in the box."""
    return os.path.realpath(shutil.which(name) or name)


def interpreter() -> tuple[str, tuple[Path, ...]]:
    """The interpreter itself, without the environment it is called from, and the
    folders that it needs besides /usr."""
    program = os.path.realpath(sys.executable)
    folders = {Path(sys.base_prefix).resolve(), Path(sys.base_exec_prefix).resolve()}
    return program, tuple(sorted(folder for folder in folders if not folder.is_relative_to("/usr")))


def _in_memory(name: str, data: bytes) -> int:
    fd = os.memfd_create(name)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
