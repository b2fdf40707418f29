"""``python -m grader doctor``: what this machine has for grading, and the command that mends what it lacks."""

from __future__ import annotations

import argparse
import locale
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grader.build import toolchain
from grader.build.cache import open_cache
from grader.coach import choice
from grader.confine import NotConfined, tier
from grader.processes import namespaces
from grader.report.page import INDENT, MARGIN, Page
from grader.verdict.words import counted

HEALTHY, LACKING = 0, 1
#: Package manager -> its command, and its names for packages that are called here as
#: Debian does; "" where it has none.
_MANAGERS: dict[str, tuple[str, dict[str, str]]] = {
    "apt-get": ("sudo apt install", {}),
    "dnf": (
        "sudo dnf install",
        {
            "gcc libc6-dev": "gcc glibc-devel",
            "python3-dev": "python3-devel",
            "libasan8": "libasan libubsan",
            "libclang-rt-dev": "compiler-rt",
            "man-db manpages manpages-dev": "man-db man-pages",
        },
    ),
    "pacman": (
        "sudo pacman -S",
        {
            "gcc libc6-dev": "gcc",
            "python3-dev": "python",
            "python3.11": "python",
            "libasan8": "gcc",
            "libclang-rt-dev": "compiler-rt",
            "man-db manpages manpages-dev": "man-db man-pages",
        },
    ),
    "apk": (
        "sudo apk add",
        {
            "gcc": "gcc musl-dev",
            "gcc libc6-dev": "gcc musl-dev",
            "python3.11": "python3",
            "libasan8": "",
            "libclang-rt-dev": "compiler-rt",
            "man-db manpages manpages-dev": "mandoc man-pages",
        },
    ),
}


@dataclass(frozen=True)
class Finding:
    """One thing that this machine has, or lacks.

    Attributes:
        subject: ``compiler``.
        words: what it is, or what it costs that it is not there.
        remedy: the command that mends it; ``""`` where it is there, or where none does.
        state: ``"ok"``; ``"lacks"``, where something cannot be graded without it; or
            ``"could"``, where all is graded and something would be better.
    """

    subject: str
    words: str
    remedy: str = ""
    state: str = "ok"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    choice.add_color(parser)


def run(options: argparse.Namespace) -> int:
    """Look, and say; returns the exit code."""
    page = Page(options.color)
    page.say()
    found = []
    for finding in findings():
        found.append(finding)
        _show(page, finding)
    lacking = sum(finding.state == "lacks" for finding in found)
    page.say()
    page.say(f" {_verdict(lacking)}", "bold")
    return LACKING if lacking else HEALTHY


def findings() -> Iterator[Finding]:
    """Everything that is looked at."""
    yield system(platform.system(), platform.release())
    yield python(sys.version_info[:3], sys.executable)
    if platform.system() != "Linux":
        return  # what follows asks Linux
    yield _cache()
    yield from _compiler()
    for look in (_networks, _ipv6, _manual, _locale, _confinement):
        yield look()


def system(name: str, release: str) -> Finding:
    """What kind of machine this is.

    Args:
        name: as ``platform.system()`` has it.
        release: of the kernel, as ``platform.release()`` has it.
    """
    if name == "Darwin":
        words = (
            "macOS: the kit is made for Linux. C is not graded here, and Python is not tried here: the reports rest on "
            "Linux's /proc. A container or a virtual machine with Linux grades both."
        )
        return Finding("system", words, 'docker run -it -v "$PWD":/kit -w /kit debian:stable', "lacks")
    if name != "Linux":
        return Finding(
            "system", f"{name}: the kit is made for Linux. On Windows, WSL 2 has one.", "wsl --install", "lacks"
        )
    if "microsoft" in release.lower():
        if "wsl2" in release.lower() or "standard" in release:
            return Finding("system", f"WSL 2, Linux {release}: a Linux kernel, on which all of the kit is to run")
        words = (
            "WSL 1: it has no Linux kernel, and sockets and /proc behave otherwise. What is reported here may be "
            "wrong. In PowerShell:"
        )
        return Finding("system", words, "wsl --set-version DISTRIBUTION 2", "lacks")
    return Finding("system", f"Linux {release}, {platform.machine()}")


def python(version: tuple[int, ...], executable: str) -> Finding:
    """Whether Python is new enough."""
    shown = f"Python {'.'.join(map(str, version))}, {executable}"
    if version < (3, 11):
        return Finding("python", f"{shown}; 3.11 is needed", _install("python3.11"), "lacks")
    return Finding("python", shown)


def _cache() -> Finding:
    try:
        return Finding("cache", f"what is built is kept in {open_cache().directory}")
    except OSError as error:
        words = f"THIRTEEN_BYTES_CACHE names a folder that cannot be written: {error.strerror}"
        return Finding("cache", words, "unset THIRTEEN_BYTES_CACHE", "lacks")


def _compiler() -> Iterator[Finding]:
    try:
        found = toolchain.find(open_cache())
    except toolchain.NoCompiler as error:
        words, _, remedy = str(error).partition(": sudo apt install ")
        yield Finding("compiler", f"{words}. The C half cannot be graded.", _install(remedy) if remedy else "", "lacks")
        return
    except OSError:
        return  # the cache has been told of
    yield Finding("compiler", found.compiler)
    if found.sanitizer:
        yield Finding("sanitizers", f"AddressSanitizer and UndefinedBehaviorSanitizer, {found.sanitizer}")
    else:
        half = " UndefinedBehaviorSanitizer works." if any("undefined" in flag for flag in found.flags) else ""
        is_clang = "clang" in os.path.realpath(found.compiler)
        words = f"AddressSanitizer is not there: reads and writes outside of an object may go unnoticed in C.{half}"
        yield Finding("sanitizers", words, _install("libclang-rt-dev" if is_clang else "libasan8"), "could")
    if not found.fixed_addresses:
        words = (
            "addresses cannot be fixed (setarch -R): a C program that reads where it must not may fail otherwise in "
            "each run. In a container this is allowed by"
        )
        yield Finding("addresses", words, "docker run --security-opt seccomp=unconfined ...", "could")


def _networks() -> Finding:
    if (error := _in_a_child(namespaces.leave_network)) is None:
        return Finding("networks", "a program can be given a network of its own (user namespaces)")
    words = f"no network of its own can be made for a program ({error}): checks that need one are skipped"
    return Finding("networks", words, namespaces.remedy(), "lacks")


def _in_a_child(action: Callable[[], None]) -> str | None:
    """Do something in a process of its own; what went wrong, or None."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            action()
            code = 0
        except OSError as error:
            os.write(theirs, (error.strerror or str(error)).encode())
        finally:
            os._exit(code)
    os.close(theirs)
    with os.fdopen(ours, "rb") as answer:
        words = answer.read().decode()
    _, status = os.waitpid(child, 0)
    return None if status == 0 else words or "the attempt was ended"


def _ipv6() -> Finding:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tried:
            tried.bind(("::1", 0))
    except OSError as error:
        words = f"IPv6 is off here ({error.strerror}): checks that need it are skipped"
        return Finding("ipv6", words, "sudo sysctl -w net.ipv6.conf.all.disable_ipv6=0", "lacks")
    return Finding("ipv6", "::1 can be bound")


def _manual() -> Finding:
    found = shutil.which("man") and subprocess.run(["man", "-w", "2", "send"], capture_output=True, check=False)
    if found and found.returncode == 0:
        return Finding("manual", "man 2 send is there, and so are the pages that reports name")
    words = "the pages that reports name, such as send(2), are not here; https://man7.org/linux/man-pages has them"
    return Finding("manual", words, _install("man-db manpages manpages-dev"), "could")


def _locale() -> Finding:
    encoding = sys.stdout.encoding.lower().replace("-", "")
    try:
        locale.setlocale(locale.LC_ALL, "")
        problem = "" if encoding == "utf8" else f"the terminal is written to in {sys.stdout.encoding}"
    except locale.Error:
        name = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "")
        problem = f"the locale {name} that the environment names is not installed"
    if problem:
        return Finding("locale", f"{problem}: signs such as · may be shown as others", "export LC_ALL=C.UTF-8", "could")
    return Finding("locale", f"{locale.setlocale(locale.LC_CTYPE)}, {sys.stdout.encoding}")


def _confinement() -> Finding:
    """Whether what ``--submission`` grades can be confined."""
    try:
        return Finding("sandbox", f"strangers' programs are confined by {tier.look()}")
    except NotConfined as error:
        words = f"strangers' programs are not graded here, for they cannot be confined: {error.why}"
        return Finding("sandbox", words, error.remedy, "could")


def _install(packages: str) -> str:
    """The command of this machine's package manager, or ``""`` where none is known."""
    for manager, (command, names) in _MANAGERS.items():
        if shutil.which(manager):
            named = names.get(packages, packages)
            return f"{command} {named}" if named else ""
    return ""


def _show(page: Page, finding: Finding) -> None:
    begin = f" {finding.state:<{INDENT - 1}}"
    page.paragraph(f"{finding.subject}: {finding.words}", first=begin, margin=f"{MARGIN}  ")
    if finding.remedy:
        page.say(f"{MARGIN}  {finding.remedy}", "bold")


def _verdict(lacking: int) -> str:
    if not lacking:
        return "all exercises can be graded here"
    return f"{counted(lacking, 'thing')} to mend: not all can be graded here"
