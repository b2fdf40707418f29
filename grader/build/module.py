"""From an exercise's header and a learner's C file to a loadable module.

Three parts, each cached by its content: the tracer (the same for all), the cffi
glue (one for each header) and the learner's object.  A save compiles and links
the learner's file and nothing else.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from grader.build.boxed import made_in_box, told_in_box
from grader.build.cache import Cache
from grader.build.toolchain import Toolchain
from grader.confine.job import Job
from grader.trace import layout
from grader.trace.calls import WRAPPED

TRACER = Path(layout.__file__).parent / "c"

#: Calls that a contract must allow by name (``[c] allows`` of its manifest).
REFUSED = {
    **dict.fromkeys(
        ("exit", "_exit", "_Exit", "quick_exit"),
        "no function of a contract ends the process: it returns, with an error if need be",
    ),
    **dict.fromkeys(
        ("vfork", "clone", "dlsym", "dlopen", "ptrace"),
        "it goes past the trace, so the exercise could not be judged; use the ordinary call",
    ),
}

_GLUE_DECLARATIONS = "void *kit_allocate(size_t size);\nvoid kit_release(void *memory);\nvoid kit_flush(void);\n"


class BuildError(Exception):
    """The learner's file does not build.

    Attributes:
        sentence: what is wrong, in one line.
        messages: the compiler's own words, unchanged.
    """

    def __init__(self, sentence: str, messages: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.messages = sentence, messages


@dataclass(frozen=True)
class Module:
    """A module ready to be loaded.

    Attributes:
        name: what it is imported as.
        path: the shared object.
        warnings: what the compiler said of a file it accepted.
    """

    name: str
    path: Path
    warnings: str


class Workshop:
    """Builds modules with one toolchain into one cache.

    Args:
        job: whose files nobody trusts: the compiler reads them in a box, and what it
            has made comes back through a pipe.
    """

    def __init__(self, toolchain: Toolchain, cache: Cache, job: Job | None = None) -> None:
        self._toolchain = toolchain
        self._cache = cache
        self._job = job
        self._sources = {path.name: path.read_bytes() for path in sorted(TRACER.glob("*.[ch]"))}

    def build(self, source: Path, header: Path, functions: list[str], allowed: list[str]) -> Module:
        """Build one learner's file.

        Args:
            source: the learner's ``slug.c``.
            header: the contract, ``slug.h``; also the cffi declarations.
            functions: the names that source must define.
            allowed: names of `REFUSED` that this contract may call.

        Raises:
            BuildError: the file does not compile, or breaks the contract so
                that it cannot be run.
        """
        name = f"_{header.stem}"
        try:
            text = source.read_bytes()
        except OSError as error:
            raise BuildError(f"{shown(source)} is missing" if not source.exists() else str(error)) from None
        tracer, glue = self._tracer(), self._glue(name, header)
        root = self._job.files if self._job else Path.cwd()
        name_shown = shown(source, root)

        def make(directory: Path) -> None:
            (directory / "built.json").write_text(
                json.dumps(self._learner(directory, root, name_shown, header, [tracer, glue], functions, allowed))
            )

        ingredients = [
            self._toolchain.identity,
            *self._toolchain.flags,
            str(tracer),
            str(glue),
            name_shown,
            "" if self._job else str(root),
        ]
        entry = self._cache.entry(header.stem, [*ingredients, text, *functions, *allowed], make)
        return Module(name, entry / "module.so", json.loads((entry / "built.json").read_text())["warnings"])

    def _learner(
        self,
        directory: Path,
        root: Path,
        source: str,
        header: Path,
        objects: list[Path],
        functions: list[str],
        allowed: list[str],
    ) -> dict:
        learner, module = directory / "learner.o", directory / "module.so"
        includes = ["-I", str(header.parent)]
        text = (root / source).read_text(encoding="utf-8", errors="replace")
        if f'"{header.name}"' not in text and not _structs(text) & _structs(header.read_text(encoding="utf-8")):
            # a file that does not include its contract is held to it all the same, but
            # for one that has copied its structs: they can be declared only once
            includes += [*_feature_macros(text), "-include", str(header)]
        compiled = self._made(learner, [*self._toolchain.flags, *includes, "-c", source], root, (header,))
        if compiled.returncode != 0:
            raise BuildError("the compiler refuses the file", compiled.stderr)
        self._judge_symbols(learner, root, source, functions, allowed)
        wraps = [f"-Wl,--wrap={name}" for name in WRAPPED]
        parts = [str(learner), *(str(part) for part in objects)]
        linked = self._made(module, ["-shared", *self._toolchain.link_flags, *wraps, *parts], root, (learner, *objects))
        if linked.returncode != 0:
            raise BuildError("the linker refuses the file", linked.stderr)
        learner.unlink()
        return {"warnings": compiled.stderr}

    def _made(self, product: Path, arguments: list[str], root: Path, read: tuple[Path, ...]) -> CompletedProcess:
        """What the compiler says that makes a file.

        Args:
            root: the folder it works in.
            read: what it reads besides the learner's file.
        """
        if self._job is None:
            return self._toolchain.run([*arguments, "-o", str(product)], root)
        return made_in_box(self._job.box_of_compiler(read), [self._toolchain.compiler, *arguments], root, product)

    def _judge_symbols(self, learner: Path, root: Path, source: str, functions: list[str], allowed: list[str]) -> None:
        """Refuse what a contract does not know, by name (nm(1))."""
        if self._job is None:
            listed = subprocess.run(["nm", str(learner)], capture_output=True, text=True, check=False).stdout
        else:
            listed = told_in_box(self._job.box_of_compiler((learner,)), ["nm", str(learner)], root)
        symbols = [line.split()[-2:] for line in listed.splitlines() if len(line.split()) >= 2]
        defined = {name for kind, name in symbols if kind in "TW"}
        wanted = {name for kind, name in symbols if kind == "U"}
        for function in functions:
            if function not in defined:
                raise BuildError(f"{function}() is not defined in {source}")
        if "fork" in wanted:
            allowed = [*allowed, "_exit", "_Exit"]  # so a child ends; of the parent the judge sees it
        for name in sorted(wanted & REFUSED.keys() - set(allowed)):
            raise BuildError(f"{_place(root, source, name)} calls {name}(): {REFUSED[name]}")

    def _tracer(self) -> Path:
        def make(directory: Path) -> None:
            (directory / "trace_layout.h").write_text(layout.c_header())
            objects = []
            for name in self._sources:
                if name.endswith(".c"):
                    objects.append(str(directory / f"{name}.o"))
                    flags = [
                        "-std=gnu11",
                        "-O1",
                        "-g",
                        "-fPIC",
                        "-fno-builtin",
                        "-fno-omit-frame-pointer",  # through which `frames.c` finds the caller's
                        "-I",
                        str(directory),
                        "-I",
                        str(TRACER),
                    ]
                    self._must([*flags, "-c", str(TRACER / name), "-o", objects[-1]])
            self._must(["-r", "-nostdlib", *objects, "-o", str(directory / "tracer.o")])

        ingredients = [self._toolchain.identity, layout.c_header(), *self._sources.values()]
        return self._cache.entry("tracer", ingredients, make) / "tracer.o"

    def _glue(self, name: str, header: Path) -> Path:
        declarations = header.read_text(encoding="utf-8")

        def make(directory: Path) -> None:
            from cffi import FFI  # slow to import, and only needed here

            ffi = FFI()
            # cffi reads no directives: the header has #include lines and no others
            plain = re.sub(r"^\s*#.*$", "", declarations, flags=re.MULTILINE)
            ffi.cdef(_GLUE_DECLARATIONS + plain)
            preamble = f"#include <stdlib.h>\n{_GLUE_DECLARATIONS}#include {json.dumps(str(header))}\n"
            ffi.set_source(name, preamble, compiler_verbose=0)
            ffi.emit_c_code(str(directory / "glue.c"))
            include = sysconfig.get_path("include")
            flags = ["-O1", "-fPIC", "-fno-omit-frame-pointer", "-w", "-I", include]
            self._must([*flags, "-c", str(directory / "glue.c"), "-o", str(directory / "glue.o")])

        ingredients = [
            self._toolchain.identity,
            name,
            declarations,
            str(header),
            _GLUE_DECLARATIONS,
            importlib.metadata.version("cffi"),
        ]
        return self._cache.entry("glue", ingredients, make) / "glue.o"

    def _must(self, arguments: list[str]) -> None:
        done = self._toolchain.run(arguments)
        if done.returncode != 0:
            raise RuntimeError(f"the kit's own C does not build: {done.stderr}")


def _feature_macros(text: str) -> list[str]:
    """The macros that must be defined before any header is read (feature_test_macros(7)),
    as options: the file's own definitions come too late for a header before it."""
    found = re.findall(r"^[ \t]*#[ \t]*define[ \t]+(_[A-Z0-9_]+_SOURCE)\b[ \t]*(\w*)", text, re.MULTILINE)
    return [f"-D{name}={value}" for name, value in found]


def _structs(text: str) -> set[str]:
    """The structs that a file declares."""
    return set(re.findall(r"^\s*struct\s+(\w+)\s*\{", text, re.MULTILINE))


def shown(path: Path, root: Path | None = None) -> str:
    """A path as the compiler is to print it: relative where that is shorter.

    Args:
        root: the folder that the compiler works in; the current one by default.
    """
    try:
        return str(path.relative_to(root or Path.cwd()))
    except ValueError:
        return str(path)


def _place(root: Path, source: str, name: str) -> str:
    try:
        lines = (root / source).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for number, line in enumerate(lines, 1):
        if re.search(rf"\b{name}\s*\(", line):
            return f"{source}:{number}"
    return source
