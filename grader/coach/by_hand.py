"""``python -m grader run EXERCISE``: a program by itself, outside of the grader, to be talked to by hand."""

from __future__ import annotations

import argparse
import ast
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grader.build import toolchain
from grader.build.cache import open_cache
from grader.catalogue.exercises import Exercise, ManifestError
from grader.catalogue.unit import Unit
from grader.coach import choice
from grader.coach.choice import BadUsage
from grader.coach.leftovers import ends_all
from grader.coach.progress import Progress
from grader.processes.forkserver import adopt_orphans, die_with_parent
from grader.report.page import INDENT, Page, indented

ENDED, FAILED, NOT_HERE, INTERRUPTED = 0, 1, 2, 130
HERE = Path(__file__).resolve().parent
NAME = "run.toml"
#: Tool -> the language it is for, and the Debian package that has it.
TOOLS = {"gdb": ("c", "gdb"), "pdb": ("python", ""), "strace": ("", "strace")}
#: What strace shows: what a book on sockets speaks of.
_CALLS = (
    "%network,?read,?write,?readv,?writev,?close,?poll,?ppoll,?select,?pselect6,?epoll_wait,?epoll_pwait,?epoll_ctl,"
    "?fcntl,?dup,?dup2,?dup3,?pipe,?pipe2,?wait4,?kill,?fork,?vfork,?clone,?clone3,?execve,?exit_group"
)
#: How often it is looked whether somebody listens, and how long an interrupted program may take (seconds).
_LOOK, _PATIENCE = 0.05, 0.5
#: So many ports are tried, from the one in the manifest on.
_PORTS = 100


@dataclass(frozen=True)
class Manifest:
    """What `NAME` says of an exercise.

    Attributes:
        arguments: name -> default, in their order.
        listens, needs: what the program listens at, or what there has to be first:
            ``tcp``, ``udp`` or ``unix``, at its ``port`` or ``path``; ``""`` for nothing.
        then: what to type in another terminal; with ``{port}`` and the like.
        c: the body of main().
    """

    arguments: dict[str, str]
    listens: str
    needs: str
    then: str
    c: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.usage = "%(prog)s [EXERCISE] [--lang python|c] [--gdb|--pdb|--strace] [-- ARGUMENT ...]"
    parser.description += " Behind -- stand other arguments for it than those that its run.toml has."
    choice.add_arguments(parser)
    tools = parser.add_mutually_exclusive_group()
    tools.add_argument("--gdb", dest="tool", action="store_const", const="gdb", help="of C, in the debugger gdb")
    tools.add_argument("--pdb", dest="tool", action="store_const", const="pdb", help="of Python, in its debugger pdb")
    tools.add_argument("--strace", dest="tool", action="store_const", const="strace", help="show its system calls")
    parser.add_argument("--value", dest="values", action="append", default=[], help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Run the program; returns the exit code.

    Raises:
        BadUsage, UnknownExercise: what is meant is not clear, or cannot be done.
    """
    tool = options.tool or ""
    language = TOOLS[tool][0] if tool else ""
    if language and options.lang not in (None, language):
        other = {"gdb": "for Python there is --pdb", "pdb": "for C there is --gdb"}[tool]
        raise BadUsage(f"--{tool} is for {'C' if language == 'c' else 'Python'}; {other}")
    options.lang = options.lang or language or None
    unit = choice.unit(options, Progress(), "run")
    manifest = load(unit.exercise)
    page = Page(options.color)
    if tool and TOOLS[tool][1] and shutil.which(tool) is None:
        page.paragraph(f"{tool} is not installed here: sudo apt install {TOOLS[tool][1]}")
        return NOT_HERE
    if not unit.path.is_file():
        name = unit.path.relative_to(unit.exercise.root)
        back = f"nox -s reset -- {unit.exercise.slug} --lang {unit.language}"
        page.paragraph(f"{name} is missing; {back} puts the stub back")
        return FAILED
    with tempfile.TemporaryDirectory(prefix="thirteen-bytes-") as folder:
        values = _values(unit.exercise, manifest, options.values, folder)
        try:
            command = _command(page, unit, manifest, list(values.values()), Path(folder), tool)
        except toolchain.NoCompiler as missing:
            page.paragraph(str(missing))
            return NOT_HERE
        if command is None:
            return FAILED
        shown = ", ".join(f"{name} = {_on_one_line(value)}" for name, value in values.items())
        page.say()
        label = f"{unit.exercise.label} · {unit.language}{f' · {shown}' if shown else ''}"
        page.paragraph(label, "bold", first=f" {'run':<{INDENT - 1}}")
        with _no_interrupt() as interrupted:
            running = _Running(page, manifest, values, interrupted)
            if manifest.needs and not options.values and not running.somebody_comes():
                return INTERRUPTED
            return running.all_of(command, tool)


def _on_one_line(text: str) -> str:
    return text.encode("unicode_escape").decode() if not text.isprintable() else text


def load(exercise: Exercise) -> Manifest:
    """What is to be done with an exercise by hand.

    Raises:
        BadUsage: nobody has said.
        ManifestError: it is not said as it must be.
    """
    path = exercise.root / "exercises" / exercise.key / NAME
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data["python"], str):
            raise TypeError("python as a text")
        fields = {name: data.get(name, "") for name in ("listens", "needs", "then")}
        return Manifest(arguments=dict(data["arguments"]), c=data["c"], **fields)
    except FileNotFoundError:
        raise BadUsage(f"{exercise.label} cannot be run by hand: it has no {NAME}") from None
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path} is not TOML: {error}") from None
    except (KeyError, TypeError) as error:
        raise ManifestError(f"{path} lacks {error}") from None


def _values(exercise: Exercise, manifest: Manifest, given: list[str], folder: str) -> dict[str, str]:
    """The arguments by their names.

    Raises:
        BadUsage: there are too many.
    """
    names = list(manifest.arguments)
    if len(given) > len(names):
        takes = ", ".join(names) or "none"
        raise BadUsage(f"{exercise.label} takes {takes} behind --; {len(given)} arguments were given")
    values = {name: default.replace("{folder}", folder) for name, default in manifest.arguments.items()}
    port = values.get("port", "")
    if not given and manifest.listens and port.isdigit():
        ports = map(str, range(int(port), int(port) + _PORTS))
        values["port"] = next((free for free in ports if not is_there(manifest.listens, free)), port)
    return {**values, **dict(zip(names, given, strict=False))}


def is_there(kind: str, where: str) -> bool:
    """Whether somebody listens there, as the kernel's tables have it.

    Args:
        kind: ``tcp``, ``udp`` or ``unix``.
        where: the port, or the path.
    """
    if kind == "unix":
        return any(line.rstrip("\n").endswith(f" {where}") for line in _table("unix"))
    if not where.isdigit():
        return False  # a name: it is not looked up here
    rows = [line.split() for table in (kind, f"{kind}6") for line in _table(table)[1:]]
    end = f":{int(where):04X}"
    return any(row[1].endswith(end) and (kind == "udp" or row[3] == "0A") for row in rows)


def _table(name: str) -> list[str]:
    try:
        return Path("/proc/net", name).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


# --- the program --------------------------------------------------------------


def _command(
    page: Page, unit: Unit, manifest: Manifest, values: list[str], folder: Path, tool: str
) -> list[str] | None:
    """What is started; None if it does not build, which has been said then."""
    exercise = unit.exercise
    if unit.language == "c":
        program = _built(page, exercise, manifest, folder)
        if program is None or tool != "gdb":
            return program and [program, *values]
        stop = ["-ex", f"tbreak {exercise.c_functions[0]}", "-ex", "run"]
        return ["gdb", "-q", "-d", str(exercise.root), *stop, "--args", program, *values]
    home = exercise.root / "exercises" / exercise.key
    debugger = ["-m", "pdb", *_stops_at(unit)] if tool == "pdb" else []
    return [sys.executable, "-B", *debugger, str(HERE / "start.py"), str(home), *values]


def _built(page: Page, exercise: Exercise, manifest: Manifest, folder: Path) -> str | None:
    """Build the learner's file with a small main(); returns the program."""
    main, program, source = folder / "main.c", folder / exercise.slug, exercise.stub("c")
    main.write_text(_main(exercise, manifest), encoding="utf-8")
    compiler = toolchain.find(open_cache())
    header, name = source.parent.relative_to(exercise.root), source.relative_to(exercise.root)
    flags = [*toolchain.LEARNER_FLAGS, "-pthread", "-I", str(header), "-I", str(HERE)]
    built = compiler.run([*flags, str(main), str(name), "-o", str(program)], exercise.root)
    if built.stderr:
        page.say()
        page.say(indented(built.stderr.splitlines()))
    return str(program) if built.returncode == 0 else None


def _main(exercise: Exercise, manifest: Manifest) -> str:
    lines = ["(void)argc, (void)argv;"]
    for number, name in enumerate(manifest.arguments, 1):
        lines += [f"const char *{name} = argv[{number}];", f"(void){name};"]
    lines += ['if (getenv("THIRTEEN_BYTES_STRACE") != NULL)', "    await_tracer();", *manifest.c.strip().splitlines()]
    body = "".join(f"    {line}\n" for line in lines)
    return f'#include "start.h"\n#include "{exercise.slug}.h"\n\nint main(int argc, char **argv)\n{{\n{body}}}\n'


def _stops_at(unit: Unit) -> list[str]:
    """Commands of pdb that lead to the first line of the exercise's function; none where the
    file is not Python, or has no such function."""
    try:
        tree = ast.parse(unit.path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return []
    names = [name.rpartition(".")[2] for name in unit.exercise.functions]
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in names):
        first = function.body[0]
        if ast.get_docstring(function, clean=False) is not None and len(function.body) > 1:
            first = function.body[1]
        return ["-c", f"tbreak {unit.path}:{first.lineno}", "-c", "continue"]
    return []


@contextmanager
def _no_interrupt() -> Iterator[list[int]]:
    """Ctrl-C is meant for the program; that it came is kept in the list."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


class _Running:
    """A program that has been started, and what is said meanwhile.

    Args:
        interrupted: not empty once Ctrl-C was typed.
    """

    def __init__(self, page: Page, manifest: Manifest, values: dict[str, str], interrupted: list[int]) -> None:
        self._page, self._manifest, self._values = page, manifest, values
        self._interrupted = interrupted
        self._where = values.get("port") or values.get("path") or ""
        # by somebody else: who listens there is not the program
        self._is_taken = is_there(manifest.listens, self._where) if manifest.listens else False

    def all_of(self, command: list[str], tool: str) -> int:
        """From its start to its end; returns the exit code."""
        if self._manifest.then and not (self._manifest.listens or self._manifest.needs):
            self._page.paragraph("in another terminal:")
            self._then(0)
        adopt_orphans()
        traced = {"THIRTEEN_BYTES_STRACE": "1"} if tool == "strace" else {}
        started = partial(die_with_parent, os.getpid())
        program = subprocess.Popen(command, env={**os.environ, **traced}, preexec_fn=started)  # noqa: PLW1509  no threads
        tracer = None
        try:
            if tool == "strace":
                tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", f"trace={_CALLS}", "-p", str(program.pid)])
            code = self._awaited(program, tracer, ends_on_interrupt=tool not in ("gdb", "pdb"))
        finally:
            if program.poll() is None:
                program.kill()
                program.wait()
            if tracer is not None:
                tracer.terminate()
                tracer.wait()
            ends_all()
        return self._ended(code, was_interrupted=bool(self._interrupted) and tool not in ("gdb", "pdb"))

    def somebody_comes(self) -> bool:
        """Wait for whom the program is to talk to; False if Ctrl-C comes first."""
        manifest, said = self._manifest, False
        while not is_there(manifest.needs, self._where):
            if not said:
                self._page.paragraph(f"waits until somebody is at {self._address}; in another terminal:")
                self._then(0)
                said = True
            select.select([], [], [], _LOOK)
            if self._interrupted:
                self._page.say()
                return False
        return True

    def _awaited(self, program: subprocess.Popen, tracer: subprocess.Popen | None, *, ends_on_interrupt: bool) -> int:
        """Wait for its end, and say meanwhile where it listens."""
        listens = self._manifest.listens
        is_said = not listens or self._is_taken
        end = os.pidfd_open(program.pid)
        try:
            while program.poll() is None:
                if not is_said and is_there(listens, self._where):
                    what = "is bound to" if listens == "udp" else "listens at"
                    self._page.paragraph(f"{what} {self._address}; in another terminal:")
                    self._then(program.pid)
                    is_said = True
                if tracer is not None and tracer.poll():
                    program.kill()  # it waits for who does not come
                if self._interrupted and ends_on_interrupt:
                    select.select([end], [], [], _PATIENCE)
                    program.kill()
                select.select([end], [], [], None if is_said and tracer is None and not ends_on_interrupt else _LOOK)
        finally:
            os.close(end)
        return program.returncode

    def _then(self, pid: int) -> None:
        for line in self._manifest.then.format(pid=pid, **self._values).splitlines():
            self._page.say(f"{'':{INDENT}}{line}")

    @property
    def _address(self) -> str:
        return self._where if (self._manifest.listens or self._manifest.needs) == "unix" else f"127.0.0.1:{self._where}"

    def _ended(self, code: int, *, was_interrupted: bool) -> int:
        if was_interrupted:
            return INTERRUPTED
        if code < 0:
            self._page.paragraph(f"ended by {signal.Signals(-code).name}")
        return ENDED if code == 0 else FAILED
