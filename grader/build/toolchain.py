"""What the C compiler of this machine is and can do."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import asdict, dataclass, field
from pathlib import Path

from grader.build.cache import Cache

#: Luck fails: uninitialised locals hold a pattern, nothing is optimised away
#: or inlined, and every frame and line can be found again.
LEARNER_FLAGS = (
    "-std=gnu11 -g -O0 -fPIC -U_FORTIFY_SOURCE "
    "-fno-omit-frame-pointer -fno-optimize-sibling-calls "
    "-Wall -Wextra "
    # what gcc 14 and clang 16 refuse, every compiler refuses
    "-Werror=implicit-function-declaration -Werror=implicit-int "
    "-Werror=int-conversion -Werror=incompatible-pointer-types "
    "-Werror=return-type"
).split()

#: Asked for where the compiler has them.
OPTIONAL_FLAGS = (
    "-ftrivial-auto-var-init=pattern",
    "-fdiagnostics-color=never",
    "-Wno-unused-result",
    # for `frames.c`: the blocks of code that ran last, and the frame of what returned
    "-fsanitize-coverage=trace-pc",
    "-finstrument-functions",
)

#: Undefined behaviour that fails.  Left out is what right programs do everywhere:
#: unaligned header fields, a byte shifted into the sign, NULL with a length of 0.
SANITIZERS = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
    "-fno-sanitize=alignment,shift-base,nonnull-attribute,pointer-overflow",
]

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": ":".join(
        (
            "detect_leaks=0",
            "abort_on_error=0",
            "exitcode=86",
            "handle_abort=1",
            "allocator_may_return_null=1",
            "max_allocation_size_mb=1024",
            "detect_stack_use_after_return=0",
            "print_legend=0",
            "print_summary=0",
            "symbolize=0",  # it takes 200 ms; the judge looks the frames up itself
            "allow_user_segv_handler=1",
        )
    ),
    "UBSAN_OPTIONS": "print_stacktrace=0:exitcode=86",
}


class NoCompiler(Exception):
    """C cannot be built here; the message says what to install."""


@dataclass(frozen=True)
class Toolchain:
    """A C compiler that has been tried.

    Attributes:
        compiler: its path.
        identity: changes when the compiler does.
        flags: what a learner's file is compiled with, sanitizers included.
        sanitizer: the AddressSanitizer library that the launcher preloads;
            empty where the toolchain has none.
        fixed_addresses: a command prefix that switches address randomisation
            off, so that what goes wrong goes wrong the same way every time.
    """

    compiler: str
    identity: str
    flags: list[str] = field(default_factory=list)
    link_flags: list[str] = field(default_factory=list)
    sanitizer: str = ""
    fixed_addresses: list[str] = field(default_factory=list)

    def run(self, arguments: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess:
        """Run the compiler; its messages come back as text."""
        return subprocess.run(
            [self.compiler, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C", "TERM": "dumb"},
            check=False,
        )


def find(cache: Cache) -> Toolchain:
    """The compiler of this machine, tried out once and remembered.

    ``$CC`` comes first, then ``cc``, ``gcc`` and ``clang``.

    Raises:
        NoCompiler: there is none, or Python's own headers are missing.
    """
    if sys.platform != "linux":
        raise NoCompiler(
            f"C is graded on Linux only so far (this is {platform.system()}): use a Linux machine, a container or WSL 2"
        )
    named = os.environ.get("CC")
    candidates = [named] if named else ["cc", "gcc", "clang"]
    path = next((found for name in candidates if (found := shutil.which(name))), None)
    if path is None:
        missing = f"the compiler that CC names, {named}, is not there" if named else "there is no C compiler here"
        raise NoCompiler(f"{missing}: sudo apt install gcc")
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        raise NoCompiler("Python's C headers are missing: sudo apt install python3-dev")
    real = os.path.realpath(path)
    status = os.stat(real)
    compiler = f"{path} {real} {status.st_size} {status.st_mtime_ns}"
    library = _known_library(cache, Toolchain(path, compiler))
    identity = f"{compiler} {library} {sys.version} {platform.machine()}"

    def probe(directory: Path) -> None:
        found = _probe(path, identity, library, directory)
        (directory / "toolchain.json").write_text(json.dumps(asdict(found)))

    text = Path(__file__).read_text(encoding="utf-8")
    entry = cache.entry("toolchain", [identity, text], probe)
    return Toolchain(**json.loads((entry / "toolchain.json").read_text()))


def _probe(path: str, identity: str, library: str, directory: Path) -> Toolchain:
    bare = Toolchain(path, identity)
    source = directory / "probe.c"
    source.write_text("int probe(int x) { int y[2] = { x, x }; return y[x & 1]; }\n")
    module = str(directory / "probe.so")

    def builds(*flags: str) -> bool:
        return bare.run(["-Werror", "-shared", "-fPIC", *flags, str(source), "-o", module]).returncode == 0

    if not builds():
        words = bare.run(["-shared", "-fPIC", str(source), "-o", module]).stderr.strip()
        raise NoCompiler(f"{path} cannot build a shared object: {words[-300:] or 'sudo apt install gcc libc6-dev'}")
    flags = [*LEARNER_FLAGS, *(flag for flag in OPTIONAL_FLAGS if builds(flag))]
    fixed = _fixed_addresses()
    link: list[str] = []
    shared = ["-shared-libasan"] if "clang" in Path(library).name else []
    if library and builds(*SANITIZERS, *shared) and _loads(library, module, fixed):
        return Toolchain(path, identity, [*flags, *SANITIZERS], [*SANITIZERS, *shared], library, fixed)
    undefined = [flag.replace("address,", "") for flag in SANITIZERS]
    if builds(*undefined) and _loads("", module, fixed):
        flags, link = [*flags, *undefined], undefined
    return Toolchain(path, identity, flags, link, "", fixed)


def _known_library(cache: Cache, toolchain: Toolchain) -> str:
    """The AddressSanitizer library: asked for once, which takes 30 ms, and again
    where there was none or it has gone."""

    def ask(directory: Path) -> None:
        (directory / "library").write_text(_sanitizer_library(toolchain))

    known = (cache.entry("sanitizer", [toolchain.identity], ask) / "library").read_text()
    return known if os.path.exists(known) else _sanitizer_library(toolchain)


def _sanitizer_library(toolchain: Toolchain) -> str:
    # clang finds gcc's library too, which it cannot use: its own comes first
    for name in (f"libclang_rt.asan-{platform.machine()}.so", "libasan.so"):
        found = toolchain.run([f"-print-file-name={name}"]).stdout.strip()
        if os.path.isabs(found) and os.path.exists(found):
            return os.path.realpath(found)
    return ""


def _loads(library: str, module: str, prefix: list[str]) -> bool:
    """Whether an interpreter with the sanitizer preloaded loads the module."""
    environment = {"PATH": os.defpath, **SANITIZER_OPTIONS}
    if library:
        environment["LD_PRELOAD"] = library
    tried = subprocess.run(
        [*prefix, sys.executable, "-I", "-S", "-c", f"import ctypes; ctypes.CDLL({module!r}).probe(1)"],
        capture_output=True,
        env=environment,
        check=False,
    )
    return tried.returncode == 0


def _fixed_addresses() -> list[str]:
    setarch = shutil.which("setarch")
    if setarch is None:
        return []
    tried = subprocess.run([setarch, "-R", "true"], capture_output=True, check=False)
    return [setarch, "-R"] if tried.returncode == 0 else []
