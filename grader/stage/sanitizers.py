"""What a sanitizer has to say of a C program, in a sentence and a line."""

from __future__ import annotations

import re

from grader.stage.on_stage import OnStage
from grader.verdict.words import counted

_FRAME = re.compile(r"#\d+ 0x[0-9a-f]+ +(?:in \S+ )?\((?P<path>[^()]+)\+0x(?P<offset>[0-9a-f]+)\)")
_KIND = re.compile(r"ERROR: AddressSanitizer: (?:attempting )?(?P<what>[\w-]+)")
_ACCESS = re.compile(r"^(?P<how>READ|WRITE) of size (?P<size>\d+)", re.MULTILINE)
_VARIABLE = re.compile(r"\[(?P<from>\d+), (?P<to>\d+)\) '(?P<name>\w+)'.*<== Memory access at offset \d+ \w+flows")
_GLOBAL = re.compile(r"global variable '(?P<name>\w+)' .*of size (?P<size>\d+)")
_REGION = re.compile(r"located \d+ bytes (?:to the (?:right|left) of|before|after) (?P<size>\d+)-byte region")
_UNDEFINED = re.compile(r"(?P<path>[^\s:]+):(?P<line>\d+):\d+: runtime error: (?P<what>.+)")
#: What -ftrivial-auto-var-init=pattern leaves in a pointer: gcc, clang.
_NEVER_SET = ("fefefefefefe", "aaaaaaaaaaaa")
#: Functions of the C library that read or write memory for the program.
_COPYING = re.compile(
    r"\b(strlen|strnlen|strcpy|strncpy|strcat|strncat|strchr|strcmp|strncmp|strstr|strdup|strtol|strtoul|atoi"
    r"|memcpy|memmove|memset|memchr|memcmp|printf|fprintf|dprintf|snprintf|sprintf|free|freeaddrinfo|inet_pton)\s*\("
)
#: Characters of a line that a sanitizer writes.
_LONGEST = 2000


def of_address(scene: OnStage, report: str) -> tuple[str, int | None]:
    """AddressSanitizer's report: a sentence, and the innermost line of the program."""
    first, *others = re.split(r"^(?:freed|previously allocated|allocated) by thread.*$", report, flags=re.MULTILINE)
    line = _innermost(scene, first)
    found, access = _KIND.search(report), _ACCESS.search(report)
    what = found["what"] if found else "memory error"
    subject = _subject(scene, first, line)
    if what == "SEGV":
        return f"SIGSEGV: {subject} used {_address_words(report)}", line
    if what in ("heap-use-after-free", "double-free"):
        freed = _innermost(scene, others[0]) if others else None
        verb = "freed memory a second time" if what == "double-free" else "used memory that had been freed"
        return f"{subject} {verb}{f': it was freed at line {freed} already' if freed else ''}", line
    if what == "free":
        return f"{subject} freed what no malloc() has returned", line
    if what == "stack-overflow":
        return f"stack overflow: {subject} used up its stack", line
    if access is None:
        return f"{what.replace('-', ' ')} in {subject}", line
    verb = "read" if access["how"] == "READ" else "wrote"
    sentence = f"{subject} {verb} {counted(int(access['size']))}, past the end of {_object(report)}"
    return f"{sentence}{', which has no terminating zero' if subject == 'strlen()' else ''}", line


def undefined_behaviour(output: str) -> tuple[str, int] | None:
    """UBSan's line in what a program printed: a sentence and its line.

    Only short lines that look like it are matched: over a flood of one long word
    the expression would take minutes.
    """
    lines = (line for line in output.splitlines() if ": runtime error: " in line and len(line) < _LONGEST)
    found = next(filter(None, map(_UNDEFINED.search, lines)), None)
    return (f"undefined behaviour: {found['what']}", int(found["line"])) if found else None


def _subject(scene: OnStage, report: str, line: int | None) -> str:
    """Who touched the memory: a call that the trace has, a function of the C
    library that the line calls, or the program itself."""
    under_way = [call for call in scene.process.trace.unfinished if call.where]
    scene.look_up(under_way)
    inside = next((call.name for call in reversed(under_way) if call.line == line), "")
    if inside:
        return f"{inside}()"
    first = _FRAME.search(report)
    called = _COPYING.findall(scene.source.line(line))
    if first and first["path"] != str(scene.stage.module(scene.unit)) and called:
        return f"{called[-1]}()"
    return "the program"


def _address_words(report: str) -> str:
    if any(pattern in report for pattern in _NEVER_SET):
        return "a pointer that was never set"
    return "a NULL pointer" if "address 0x00000000" in report else "an address that is not the program's"


def _object(report: str) -> str:
    if found := _VARIABLE.search(report):
        return f"`{found['name']}`, which has {counted(int(found['to']) - int(found['from']))}"
    if found := _GLOBAL.search(report):
        return f"`{found['name']}`, which has {counted(int(found['size']))}"
    if found := _REGION.search(report):
        return f"a buffer of {counted(int(found['size']))}"
    return "its memory"


def _innermost(scene: OnStage, frames: str) -> int | None:
    """The learner's line of the innermost frame that has one."""
    module = str(scene.stage.module(scene.unit))
    offsets = [int(found["offset"], 16) for found in _FRAME.finditer(frames) if found["path"] == module]
    lines = scene.lines(set(offsets)) if offsets else {}
    return next((lines[offset] for offset in offsets if offset in lines), None)
