"""Offsets of a module back to lines of the learner's file (addr2line(1))."""

from __future__ import annotations

import shutil
import subprocess
from functools import lru_cache
from pathlib import Path


def lines_of(module: Path, source: str, offsets: set[int]) -> dict[int, int]:
    """Find the line of the learner's file for each offset.

    Args:
        module: the shared object, built with ``-g``.
        source: the file's name; offsets that lie in other files are left out.
        offsets: places in the module.

    Returns:
        Offset -> line; empty where binutils are missing.
    """
    tool = shutil.which("addr2line") or shutil.which("llvm-addr2line")
    if tool is None or not offsets:
        return {}
    ordered = tuple(sorted(offsets))
    found = {}
    for offset, answer in zip(ordered, _ask(tool, str(module), ordered), strict=False):
        path, _, line = answer.partition(" ")[0].rpartition(":")
        if path.rpartition("/")[2] == source and line.isdigit():
            found[offset] = int(line)
    return found


@lru_cache(maxsize=256)
def _ask(tool: str, module: str, offsets: tuple[int, ...]) -> tuple[str, ...]:
    asked = [hex(offset) for offset in offsets]
    done = subprocess.run([tool, "-e", module, *asked], capture_output=True, text=True, check=False)
    return tuple(done.stdout.splitlines())
