"""Every job of the kit: ``nox -s grade``, ``nox -s tests``, ``nox -s lint``."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "uv" if shutil.which("uv") else "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["grade"]

PYPROJECT = Path("pyproject.toml")
#: What the tests run on, where it is there.
PYTHONS = ["3.11", "3.12", "3.13"]
#: On the first alone: strangers' programs, hostile ones, real peers, what is said and
#: proven of the kit's own, and the commands around grading; that takes most of the time,
#: and which Python it is matters little.
ON_ONE_PYTHON = [
    "strangers",
    "together",
    "sentences",
    "what_servers_hear",
    "report",
    "verify",
    "mutation",
    "repetition",
    "redteam",
    "hostile",
    "real_peers",
    "captures",
    "relays",
    "confine",
    "doctor",
    "reset",
    "frames",
    "pcap_files",
    "hint",
    "progress",
    "explain",
    "diff",
    "conversation",
    "by_hand",
]


def _project() -> dict:
    return nox.project.load_toml(PYPROJECT)


def _install(session: nox.Session, *requirements: str) -> None:
    """Install what is not there yet; a session that has it all starts at once."""
    wanted = hashlib.sha256("\n".join(requirements).encode()).hexdigest()
    stamp = Path(session.virtualenv.location) / "thirteen-bytes-installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        session.install(*requirements)
        stamp.write_text(wanted)


#: Images of containers leave manual pages out unless told otherwise.
KEEP_MANUAL = ["-o", "Dpkg::Options::=--path-include=/usr/share/man/*"]


def _bring_tools(session: nox.Session) -> None:
    """Install what the tests use and is missing, by apt, where that needs no password.

    Where it does, or there is no apt, the tests concerned are skipped and say so.
    """
    tools = _project()["tool"]["thirteen-bytes"]["tools"]
    missing = [name for tool, packages in tools.items() if not _is_here(tool) for name in packages.split()]
    if not missing:
        return
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") is None or (as_root and not _succeeds(*as_root, "true")):
        session.warn(f"not installed here: {', '.join(missing)}; sudo apt install {' '.join(missing)}")
        return
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    session.run(*apt, "update", external=True)
    # pages of a package that was installed without them come with it anew
    options = ["--reinstall", "-y", "--no-install-recommends", *KEEP_MANUAL]
    session.run(*apt, "install", *options, *missing, external=True, silent=True)


def _is_here(tool: str) -> bool:
    if tool == "man":  # pages are packages of their own
        return _succeeds("man", "-w", "2", "send")
    return shutil.which(tool) is not None


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _kit(session: nox.Session, *arguments: str) -> None:
    """Run the kit; its exit code becomes nox's own."""
    _install(session, *_project()["project"]["dependencies"])
    python = Path(session.bin) / "python"
    # Ctrl-C is meant for the kit, and for the debugger in it; it says how it has ended
    before = signal.signal(signal.SIGINT, lambda *_: None)
    code = subprocess.run([python, "-m", "grader", *arguments], check=False).returncode
    signal.signal(signal.SIGINT, before)
    if code:
        sys.exit(code)


@nox.session
def grade(session: nox.Session) -> None:
    """Grade the exercises, or those named: nox -s grade -- send_all --lang c."""
    _kit(session, "grade", *session.posargs)


@nox.session
def hint(session: nox.Session) -> None:
    """Show the next hint of the gap that fails now: nox -s hint -- 10 --lang c."""
    _kit(session, "hint", *session.posargs)


@nox.session
def reset(session: nox.Session) -> None:
    """Put a stub back, and keep what was there: nox -s reset -- 10 --lang c."""
    _kit(session, "reset", *session.posargs)


@nox.session
def diff(session: nox.Session) -> None:
    """After a pass: the reference beside your own file: nox -s diff -- 10 --lang c."""
    _kit(session, "diff", *session.posargs)


@nox.session
def explain(session: nox.Session) -> None:
    """Explain a gap, or a word of the reports: nox -s explain -- half-close."""
    _kit(session, "explain", *session.posargs)


@nox.session
def run(session: nox.Session) -> None:
    """Run a program by itself, to talk to it or debug it: nox -s run -- 10 --lang c --gdb."""
    _kit(session, "run", *session.posargs)


@nox.session
def trace(session: nox.Session) -> None:
    """Show all that a program and its peers say to each other: nox -s trace -- 10 --lang c."""
    _kit(session, "trace", *session.posargs)


@nox.session
def doctor(session: nox.Session) -> None:
    """Say what this machine has for grading, and the command that mends what it lacks."""
    _kit(session, "doctor", *session.posargs)


@nox.session
def verify(session: nox.Session) -> None:
    """Prove that the exercises are lawful: nox -s verify -- send_all --mutants."""
    _kit(session, "verify", *session.posargs)


@nox.session
def new(session: nox.Session) -> None:
    """Write a new exercise that obeys the laws: nox -s new -- whois_client."""
    _kit(session, "new", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Test the kit itself, on every Python that is here; what is said of programs on the first."""
    _bring_tools(session)
    project = _project()
    _install(session, *project["project"]["dependencies"], *project["dependency-groups"]["tests"])
    is_first = session.python == PYTHONS[0] or session.posargs
    without = [] if is_first else [f"--ignore=tests/test_{name}.py" for name in ON_ONE_PYTHON]
    session.run("python", "-m", "pytest", "-n", "auto", *without, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style of Python and C, and the walls between the rooms of grader/."""
    _install(session, *_project()["dependency-groups"]["lint"])
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", "grader", "tests", "noxfile.py")
    session.run("lint-imports", "--no-cache")
