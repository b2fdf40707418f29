"""The confinement by its parts: what is taken in, which system calls go through, and
what is said where a machine does not allow it."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.confine.filter import UnknownMachine, filter_of
from grader.confine.intake import LARGEST, NotTaken, taken
from tests.conftest import by_slug, run_kit

SEND_ALL = by_slug("send_all")
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000
X86, ARM = 0xC000003E, 0xC00000B7


# --- the filter of system calls -----------------------------------------------


def judged(machine: str, audit: int, number: int, *arguments: int, program: bytes = b"") -> int:
    """What a filter, by default the machine's, says of a system call: classic BPF, run step by step."""
    program = list(struct.iter_unpack("=HBBI", program or filter_of(machine)))
    data = struct.pack("=IIQ6Q", number, audit, 0, *arguments, *[0] * (6 - len(arguments)))
    at, word = 0, 0
    while True:
        code, if_true, if_false, operand = program[at]
        if code == 0x06:
            return operand
        if code == 0x20:
            word = struct.unpack_from("=I", data, operand)[0]
            at += 1
            continue
        holds = {0x15: word == operand, 0x35: word >= operand, 0x45: bool(word & operand)}[code]
        at += 1 + (if_true if holds else if_false)


@pytest.mark.parametrize(
    ("call", "x86", "arm", "arguments", "expected"),
    [
        ("read", 0, 63, (0,), ALLOW),
        ("execve", 59, 221, (), ALLOW),
        ("ptrace", 101, 117, (16, 1), FAIL | errno.EPERM),
        ("unshare", 272, 97, (0x10000000,), FAIL | errno.EPERM),
        ("setns", 308, 268, (3,), FAIL | errno.EPERM),
        ("mount", 165, 40, (), FAIL | errno.EPERM),
        ("io_uring_setup", 425, 425, (), FAIL | errno.EPERM),
        ("keyctl", 250, 219, (), FAIL | errno.EPERM),
        ("pidfd_getfd", 438, 438, (), FAIL | errno.EPERM),
        ("mq_open", 240, 180, (), FAIL | errno.EPERM),
        ("clone of a thread", 56, 220, (0x3D0F00,), ALLOW),
        ("clone of a user namespace", 56, 220, (0x10000011,), FAIL | errno.EPERM),
        ("clone of a network", 56, 220, (0x40000011,), FAIL | errno.EPERM),
        ("clone3", 435, 435, (), FAIL | errno.ENOSYS),
        ("a Unix socket", 41, 198, (1, 1), ALLOW),
        ("an IPv4 socket", 41, 198, (2, 2), ALLOW),
        ("an IPv6 socket", 41, 198, (10, 1), ALLOW),
        ("a list of interfaces", 41, 198, (16, 3, 0), ALLOW),
        ("a list of all sockets", 41, 198, (16, 3, 4), FAIL | errno.EAFNOSUPPORT),
        ("a packet socket", 41, 198, (17, 3), FAIL | errno.EAFNOSUPPORT),
        ("a socket of the host", 41, 198, (40, 1), FAIL | errno.EAFNOSUPPORT),
        ("a pair", 53, 199, (1, 1), ALLOW),
        ("FIONREAD", 16, 29, (0, 0x541B), ALLOW),
        ("TIOCSTI", 16, 29, (0, 0x5412), FAIL | errno.EPERM),
        ("a limit of one's own", 302, 261, (0, 7), ALLOW),
        ("a limit of another's", 302, 261, (1, 7), FAIL | errno.EPERM),
    ],
)
def test_the_filter_lets_through_what_programs_need(
    call: str, x86: int, arm: int, arguments: tuple[int, ...], expected: int
) -> None:
    assert judged("x86_64", X86, x86, *arguments) == expected, call
    assert judged("aarch64", ARM, arm, *arguments) == expected, call


def test_a_packet_socket_goes_through_where_a_check_needs_one() -> None:
    plain, sniffs = filter_of("x86_64"), filter_of("x86_64", may_sniff=True)
    assert plain == filter_of("x86_64", may_sniff=False)
    assert judged("x86_64", X86, 41, 17, 3, program=sniffs) == ALLOW
    assert judged("x86_64", X86, 41, 16, 3, 4, program=sniffs) == FAIL | errno.EAFNOSUPPORT


def test_a_call_of_another_convention_ends_the_program() -> None:
    assert judged("x86_64", ARM, 63) == KILL
    assert judged("aarch64", X86, 0) == KILL
    assert judged("x86_64", X86, 0x40000000 | 1) == KILL, "x32"


def test_a_machine_without_a_table_is_named() -> None:
    with pytest.raises(UnknownMachine, match="no table of system calls for sparc64"):
        filter_of("sparc64")


# --- intake -------------------------------------------------------------------


def _socket_at(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a path of a socket has room for 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 << 30)


def _linked_twice(path: Path) -> None:
    path.with_name("other").write_text("print()\n")
    path.hardlink_to(path.with_name("other"))


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "link": (lambda path: path.symlink_to(SEND_ALL.solution("python")), "send_all.py is a link"),
    "link to a device": (lambda path: path.symlink_to("/dev/zero"), "send_all.py is a link"),
    "named pipe": (os.mkfifo, "it is a named pipe"),
    "folder": (Path.mkdir, "it is a folder"),
    "socket": (_socket_at, "is a socket"),
    "hard link": (_linked_twice, "it has another name, too (a hard link)"),
    "sparse file": (_sparse, "10,737,418,240 bytes; at most 131,072 are read"),
    "one byte too long": (lambda path: path.write_bytes(b"#" * (LARGEST + 1)), "131,073 bytes"),
    "zero byte": (lambda path: path.write_bytes(b"# \0"), "a zero byte at offset 2 is no text"),
    "Latin-1": (lambda path: path.write_bytes(b"# caf\xe9"), "byte 0xe9 at offset 5 is not UTF-8"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_plain_text_is_not_taken_in(kind: str, tmp_path: Path) -> None:
    make, why = HOSTILE[kind]
    make(tmp_path / "send_all.py")

    with pytest.raises(NotTaken) as caught:
        taken(tmp_path, "send_all.py")

    assert str(caught.value).startswith("send_all.py is not taken in: ")
    assert str(caught.value).endswith(why) or why in str(caught.value)


def test_a_folder_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "exercises").symlink_to(SEND_ALL.solution("python").parents[1])

    with pytest.raises(NotTaken, match="exercises is a link"):
        taken(tmp_path, "exercises/04_send_all/send_all.py")


def test_a_plain_file_is_taken_in_whole(tmp_path: Path) -> None:
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "send_all.py").write_bytes(b"#" * LARGEST)

    assert taken(tmp_path, "exercises/send_all.py") == b"#" * LARGEST
    with pytest.raises(FileNotFoundError):
        taken(tmp_path, "exercises/other.py")


@pytest.mark.parametrize("kind", ["named pipe", "link", "sparse file"])
def test_a_submission_that_is_not_taken_in_fails_by_name(kind: str, tmp_path: Path) -> None:
    make, why = HOSTILE[kind]
    make(tmp_path / "send_all.py")

    done = run_kit("04", "--lang", "python", "--submission", str(tmp_path))

    assert done.returncode == 1
    assert why in " ".join(done.stdout.split())


def test_a_named_exercise_that_a_submission_lacks_fails(tmp_path: Path) -> None:
    shutil.copy(SEND_ALL.solution("python"), tmp_path)

    done = run_kit("04", "05", "--lang", "python", "--submission", str(tmp_path))

    assert done.returncode == 1
    assert "recv_exactly.py is missing" in done.stdout
    assert "1 of 2 programs passed" in done.stdout


# --- where it is not to be had ------------------------------------------------


@pytest.fixture
def without_bwrap(tmp_path: Path) -> dict[str, str]:
    """An environment in whose PATH bubblewrap is not."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in reversed(os.environ["PATH"].split(os.pathsep)):
        for tool in Path(folder).glob("*") if os.path.isdir(folder) else ():
            if tool.name != "bwrap":
                (tools / tool.name).unlink(missing_ok=True)
                (tools / tool.name).symlink_to(tool)
    return {"PATH": str(tools)}


def test_nothing_is_graded_that_cannot_be_confined(tmp_path: Path, without_bwrap: dict[str, str]) -> None:
    shutil.copy(SEND_ALL.solution("python"), tmp_path)

    done = run_kit("04", "--lang", "python", "--submission", str(tmp_path), env=without_bwrap)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "grader: nothing was graded: bubblewrap is not installed: sudo apt install bubblewrap; "
        "or, for code that you trust, --sandbox none\n"
    )


def test_auto_goes_on_and_says_so(tmp_path: Path, without_bwrap: dict[str, str]) -> None:
    shutil.copy(SEND_ALL.solution("python"), tmp_path)
    arguments = ("04", "--lang", "python", "--submission", str(tmp_path), "--sandbox", "auto")

    confined, trusted = run_kit(*arguments), run_kit(*arguments, env=without_bwrap)

    assert (confined.returncode, trusted.returncode) == (0, 0)
    assert "confined by namespaces" in confined.stdout
    assert "confined" not in trusted.stdout
    assert "grader: the programs are not confined: bubblewrap is not installed" in trusted.stderr
