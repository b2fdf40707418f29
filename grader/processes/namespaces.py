"""Namespaces (namespaces(7)): a network of one's own, how others enter it, and folders in memory.

Who is not root makes it inside a user namespace of their own, in which they are
whom they were.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
from pathlib import Path

_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_NEWPID = 0x20000000
_NEWNS, _NEWUTS, _NEWIPC = 0x00020000, 0x04000000, 0x08000000
#: Flags of mount(2): MS_REC | MS_PRIVATE, and MS_NOSUID | MS_NODEV.
_PRIVATE, _PLAIN = 0x44000, 0x6
_DETACH = 2  # MNT_DETACH
_SIOCSIFFLAGS, _SIOCSIFADDR = 0x8914, 0x8916
_UP, _LOOPBACK_INDEX, _DUMPABLE, _PARENT_ENDS = 1, 1, 4, 1
#: The version of capset(2) that has 64 capabilities (_LINUX_CAPABILITY_VERSION_3).
_CAPABILITIES = 0x20080522
#: What may forbid user namespaces, the value that does, and one that does not.
_FORBID = (
    ("kernel.apparmor_restrict_unprivileged_userns", 1, 0),
    ("kernel.unprivileged_userns_clone", 0, 1),
    ("user.max_user_namespaces", 0, 10000),
)

#: What helps where nothing else does.
AS_ROOT = "sudo -E env PATH=$PATH nox -s grade"


def remedy() -> str:
    """The command that makes networks of one's own possible on this machine."""
    if os.geteuid() == 0:
        return "docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined ..."
    for name, forbids, allows in _FORBID:
        path = Path("/proc/sys", name.replace(".", "/"))
        if path.exists() and int(path.read_text()) == forbids:
            return f"sudo sysctl -w {name}={allows}"
    return AS_ROOT


def leave_network() -> None:
    """Go to a new network, in which the loopback interface is up.

    Raises:
        OSError: the machine does not allow it.
    """
    _leave(_NEWNET)


def isolate() -> None:
    """Go to a new network, and share no mounts, no memory and no host name any more.

    The process must have one thread.

    Raises:
        OSError: the machine does not allow it.
    """
    _leave(_NEWNET | _NEWNS | _NEWIPC | _NEWUTS)
    _called("mount", b"none", b"/", None, _PRIVATE, None)


def mount_memory(folder: Path, size: int, files: int) -> None:
    """Have a folder's content in memory, for as long as this process' mounts last.

    Args:
        size: room (bytes).
        files: how many files and folders there can be.
    """
    _called("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", _PLAIN, f"size={size},nr_inodes={files}".encode())


def unmount(folder: Path) -> None:
    """Let go of a folder's content in memory, whoever looks at it still."""
    _called("umount2", os.fsencode(folder), _DETACH)


def _leave(kinds: int) -> None:
    uid, gid = os.geteuid(), os.getegid()
    try:
        _called("unshare", kinds)
    except PermissionError:
        _called("unshare", _NEWUSER | kinds)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        _stay_visible()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _UP))


def enter_network(pid: int) -> None:
    """Go to the network of a process.

    Raises:
        OSError: the process is gone.
    """
    if os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user"):
        network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _enter(f"/proc/{pid}/ns/user", _NEWUSER)
        _stay_visible()
        _called("setns", network, _NEWNET)
        os.close(network)
    else:
        _enter(f"/proc/{pid}/ns/net", _NEWNET)


def enter_processes(pid: int) -> None:
    """Have what this process forks from now on be among the processes of another one's
    namespace, as one of its user namespace.

    Raises:
        OSError: the process is gone.
    """
    for kind, name in ((_NEWPID, "pid"), (_NEWUSER, "user")):  # the rights to do so end with the second
        if os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}"):
            _enter(f"/proc/{pid}/ns/{name}", kind)


def give_up_rights(user: int, group: int, *, is_visible: bool) -> None:
    """Be that user, who may do nothing but what everybody may, and end with the parent.

    Args:
        is_visible: whether other processes of the same user may look at this one.
    """
    if os.geteuid() == 0 and user != 0:
        os.setgroups([])
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    _called("capset", struct.pack("Ii", _CAPABILITIES, 0), bytes(24))
    _called("prctl", _DUMPABLE, is_visible, 0, 0, 0)
    _called("prctl", _PARENT_ENDS, signal.SIGKILL, 0, 0, 0)


def add_address(address: str) -> None:
    """Give the loopback interface one more IPv6 address."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("=16sIi", socket.inet_pton(socket.AF_INET6, address), 128, _LOOPBACK_INDEX)
        fcntl.ioctl(any_socket, _SIOCSIFADDR, request)


def _enter(path: str, kind: int) -> None:
    namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _called("setns", namespace, kind)
    finally:
        os.close(namespace)


def _stay_visible() -> None:
    """Let the judge look at this process still, whose rights have changed."""
    _called("prctl", _DUMPABLE, 1, 0, 0, 0)


def _called(name: str, *arguments: int | bytes | None) -> None:
    if getattr(_system, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


_system = ctypes.CDLL(None, use_errno=True)
