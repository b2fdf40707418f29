"""Lines about sockets, as a function has returned them: how they differ from those that
are right, and which mistake makes such lines."""

from __future__ import annotations

import os
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import partial
from itertools import product

from grader.verdict.words import counted

_OF_IPV6 = ("tcp6 ", "udp6 ")
_END = re.compile(r"(?P<open>\[?)(?P<host>[0-9a-f.:]+)\]?:(?P<port>\d+)")

#: How lines differ, and the gap that this shows; "" where none does.
Told = tuple[str, str]


def compared(answer: list, expected: list[str], foreign: list[str], doubles: list[str]) -> Told:
    """How lines differ from those that were expected, and the gap that this shows.

    Args:
        foreign: lines of another process' sockets.
        doubles: lines of sockets of which the process has two descriptors.
    """
    if odd := [line for line in answer if not isinstance(line, str)]:
        return f"{odd[0]!r} among its lines; expected text", ""
    more, fewer = Counter(answer) - Counter(expected), Counter(expected) - Counter(answer)
    return (
        _strange(foreign, more)
        or _doubled(answer, expected, doubles, more)
        or _mixed_up(more, fewer)
        or _without_ipv6(answer, fewer)
        or _cut(more, fewer)
        or (_otherwise(answer, expected, more, fewer), "")
    )


def _doubled(answer: list[str], expected: list[str], doubles: list[str], more: Counter[str]) -> Told | None:
    double = next((line for line in more if line in expected), "")
    if not double:
        return None
    times = f"{double!r} {_times(answer.count(double))}; expected {_times(expected.count(double))}"
    return times, "per-descriptor" if double in doubles else ""


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _strange(foreign: list[str], more: Counter[str]) -> Told | None:
    line = next((line for line in foreign if line in more), "")
    return (f"{line!r}, a socket of another process", "every-process") if line else None


def _mixed_up(more: Counter[str], fewer: Counter[str]) -> Told | None:
    """A line that is one of those that are missing, with its bytes in another order."""
    for line in sorted(fewer):
        if wrong := next((wrong for wrong in _in_other_orders(line) if wrong in more), ""):
            return f"{wrong!r}; expected {line!r}", "hex-byte-order"
    return None


def _without_ipv6(answer: list[str], fewer: Counter[str]) -> Told | None:
    lost = next((line for line in sorted(fewer) if line.startswith(_OF_IPV6)), "")
    if not lost or any(line.startswith(_OF_IPV6) or "[" in line for line in answer):
        return None
    return f"no line of IPv6; expected {lost!r}, too", "no-ipv6"


def _cut(more: Counter[str], fewer: Counter[str]) -> Told | None:
    """A line of the Unix domain of which the end is missing, from a space in its name on."""
    for line in sorted(fewer):
        cut = next((cut for cut in more if _is_cut(cut, line)), "")
        if cut:
            return f"{cut!r}; expected {line!r}", "cut-name"
    return None


def _is_cut(cut: str, line: str) -> bool:
    name, whole = cut.removeprefix("unix "), line.removeprefix("unix ")
    return (
        name != cut
        and whole != line
        and " " in name
        and (whole.startswith(f"{name} ") or name.split() == whole.split())
    )


def _otherwise(answer: list[str], expected: list[str], more: Counter[str], fewer: Counter[str]) -> str:
    """How lines differ that show no gap."""
    for line in sorted(fewer, key=os.fsencode):
        if like := get_close_matches(line, more, 1):
            return f"{like[0]!r}; expected {line!r}"
    if fewer:
        left_out = min(fewer, key=os.fsencode)
        return f"{len(answer)} of {counted(len(expected), 'line')}: {left_out!r} is left out"
    if more:
        return f"{min(more, key=os.fsencode)!r}, too, which the process does not have"
    at = next(number for number, (ours, theirs) in enumerate(zip(expected, answer, strict=True)) if ours != theirs)
    return f"{answer[at]!r} as line {at + 1} of {len(answer)}; expected {expected[at]!r}: they are to be sorted"


def _in_other_orders(line: str) -> Iterator[str]:
    """A line with the bytes of its addresses, or of its ports, in other orders."""
    ends = list(_END.finditer(line))
    for turn_host, turn_port in product((_same, _reversed, _word_by_word, _words_reversed), (False, True)):
        yield _END.sub(partial(_turned, turn_host, turn_port), line) if ends else line


def _turned(turn_host: Callable[[bytes], bytes], turn_port: bool, end: re.Match) -> str:
    family = socket.AF_INET6 if end["open"] else socket.AF_INET
    try:
        host = socket.inet_ntop(family, turn_host(socket.inet_pton(family, end["host"])))
    except OSError:
        return end[0]
    port = int(end["port"])
    port = port >> 8 | (port & 0xFF) << 8 if turn_port else port
    return f"[{host}]:{port}" if end["open"] else f"{host}:{port}"


def _same(address: bytes) -> bytes:
    return address


def _reversed(address: bytes) -> bytes:
    return address[::-1]


def _word_by_word(address: bytes) -> bytes:
    return b"".join(address[at : at + 4][::-1] for at in range(0, len(address), 4))


def _words_reversed(address: bytes) -> bytes:
    return _reversed(_word_by_word(address))
