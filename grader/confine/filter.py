"""The system calls that a confined process is refused: a seccomp(2) filter.

Refused is what reaches beyond the box (other processes' memory, keys, namespaces,
mounts, foreign families of sockets) or is a large surface that no exercise needs
(io_uring, bpf, perf).  Everything else goes its ordinary way: a filter that a right
program notices would be a defect.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass
from functools import cache

#: One instruction of classic BPF (linux/filter.h): code, jumps if true and false, operand.
_INSTRUCTION = struct.Struct("=HBBI")
_LOAD, _EQUAL, _AT_LEAST, _SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
#: Where struct seccomp_data has number, architecture and the low half of an argument.
_NUMBER, _ARCHITECTURE, _ARGUMENTS, _ARGUMENT = 0, 4, 16, 8
_KILL, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
#: Calls of the x32 ABI have this bit in their number.
_X32 = 0x40000000
#: clone(2)'s flags for new namespaces: mount, cgroup, uts, ipc, user, pid, net.
_NEW_NAMESPACES = 0x7E020000
#: ioctl(2) requests that put bytes into a terminal's input.
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
#: AF_UNIX, AF_INET and AF_INET6; of AF_NETLINK, protocol 0 alone, which lists interfaces.
_FAMILIES, _NETLINK, _ROUTE = (1, 2, 10), 16, 0
#: AF_PACKET, of which a program needs a right of root's, too.
_PACKET = 17

#: Name -> number on x86-64 and on aarch64; None where it does not exist.
_REFUSED: dict[str, tuple[int, int | None]] = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # keys, and large surfaces
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "modify_ldt": (154, None),
    # namespaces and mounts
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    # the machine
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    # System V's and POSIX' messages, which outlive their makers
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
}
#: Calls of which some are refused, by their arguments.
_CLONE, _CLONE3, _SOCKET, _SOCKETPAIR, _IOCTL, _PRLIMIT = (
    (56, 220),
    (435, 435),
    (41, 198),
    (53, 199),
    (16, 29),
    (302, 261),
)


@dataclass(frozen=True)
class Machine:
    """A processor's convention for system calls.

    Attributes:
        column: of the numbers above.
        audit: its AUDIT_ARCH constant (linux/audit.h).
    """

    column: int
    audit: int


_MACHINES = {"x86_64": Machine(0, 0xC000003E), "aarch64": Machine(1, 0xC00000B7)}


class UnknownMachine(Exception):
    """No filter is known for this processor."""


@cache
def filter_of(name: str = "", *, may_sniff: bool = False) -> bytes:
    """The filter as an array of struct sock_filter, as ``bwrap --seccomp`` reads it.

    Args:
        name: of the machine, as uname(2) has it; by default this one.
        may_sniff: whether packet sockets go through.

    Raises:
        UnknownMachine: there is no table for it.
    """
    name = name or platform.machine()
    if name not in _MACHINES:
        raise UnknownMachine(f"no table of system calls for {name}; there are those of {', '.join(_MACHINES)}")
    families = (*_FAMILIES, _PACKET) if may_sniff else _FAMILIES
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in _program(_MACHINES[name], families))


_Instruction = tuple[int, int, int, int]


def _program(machine: Machine, families: tuple[int, ...]) -> list[_Instruction]:
    refused = [numbers[machine.column] for numbers in _REFUSED.values()]
    program = [
        _load(_ARCHITECTURE),
        *_unless(_EQUAL, machine.audit, _ends(_KILL)),
        _load(_NUMBER),
        *([*_if(_AT_LEAST, _X32, _ends(_KILL))] if machine.column == 0 else []),
    ]
    for number in refused:
        if number is not None:
            program += _if(_EQUAL, number, _fails(errno.EPERM))
    # glibc falls back to clone(), whose flags can be looked at
    program += _if(_EQUAL, _CLONE3[machine.column], _fails(errno.ENOSYS))
    program += _if(
        _EQUAL,
        _CLONE[machine.column],
        [*_argument(0), *_if(_SET, _NEW_NAMESPACES, _fails(errno.EPERM)), *_ends(_ALLOW)],
    )
    of_families = [*_argument(0), *_of_family(families)]
    for call in (_SOCKET, _SOCKETPAIR):
        program += _if(_EQUAL, call[machine.column], of_families)
    terminals = [*_argument(1)]
    for request in (_TIOCSTI, _TIOCLINUX):
        terminals += _if(_EQUAL, request, _fails(errno.EPERM))
    program += _if(_EQUAL, _IOCTL[machine.column], [*terminals, *_ends(_ALLOW)])
    # limits of one's own, and of nobody else
    program += _if(
        _EQUAL, _PRLIMIT[machine.column], [*_argument(0), *_unless(_EQUAL, 0, _fails(errno.EPERM)), *_ends(_ALLOW)]
    )
    return [*program, *_ends(_ALLOW)]


def _of_family(families: tuple[int, ...]) -> list[_Instruction]:
    known: list[_Instruction] = []
    for family in families:
        known += _if(_EQUAL, family, _ends(_ALLOW))
    lists_interfaces = [*_argument(2), *_if(_EQUAL, _ROUTE, _ends(_ALLOW))]
    return [*known, *_if(_EQUAL, _NETLINK, lists_interfaces), *_fails(errno.EAFNOSUPPORT)]


def _load(offset: int) -> _Instruction:
    return _LOAD, 0, 0, offset


def _argument(number: int) -> list[_Instruction]:
    return [_load(_ARGUMENTS + _ARGUMENT * number)]


def _if(test: int, operand: int, then: list[_Instruction]) -> list[_Instruction]:
    return [(test, 0, len(then), operand), *then]


def _unless(test: int, operand: int, then: list[_Instruction]) -> list[_Instruction]:
    return [(test, len(then), 0, operand), *then]


def _ends(verdict: int) -> list[_Instruction]:
    return [(_RETURN, 0, 0, verdict)]


def _fails(number: int) -> list[_Instruction]:
    return _ends(_ERRNO | number)
