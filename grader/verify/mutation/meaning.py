"""Tells mutants from texts that are none: those that do not build, and those
that a compiler makes the same program of."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from grader.build.cache import open_cache
from grader.build.toolchain import LEARNER_FLAGS, find
from grader.catalogue.exercises import Exercise
from grader.verify.mutation import python_source

#: Optimised, so that two ways to say the same become one; but what is undefined
#: stays what it is in a program that is graded.
_OPTIMISED = ("-O2", "-fwrapv", "-fno-strict-aliasing", "-fno-delete-null-pointer-checks")
_DEFINED = "-ftrivial-auto-var-init=pattern"

#: A program's text -> what it means; None if it does not build.
Meaning = Callable[[str], object]


def meaning_in(exercise: Exercise, language: str) -> Meaning:
    """How the programs of an exercise are compared.

    Raises:
        NoCompiler: C cannot be built here.
    """
    return _python if language == "python" else _c(exercise)


def _python(text: str) -> object:
    try:
        return python_source.meaning(text)
    except SyntaxError:
        return None


def _c(exercise: Exercise) -> Meaning:
    toolchain = find(open_cache())
    flags = [flag for flag in LEARNER_FLAGS if flag not in ("-g", "-O0")]
    flags += [*_OPTIMISED, *(flag for flag in toolchain.flags if flag == _DEFINED)]

    def meaning(text: str) -> object:
        with tempfile.TemporaryDirectory(prefix="thirteen-bytes-") as folder:
            source, compiled = Path(folder, exercise.file_name("c")), Path(folder, "object.o")
            source.write_text(text, encoding="utf-8")
            toolchain.run(
                [*flags, "-I", str(exercise.header.parent), "-c", source.name, "-o", compiled.name], cwd=folder
            )
            return hashlib.sha256(compiled.read_bytes()).digest() if compiled.exists() else None

    return meaning
