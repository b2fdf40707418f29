"""Bytes as text and as hex: some of them, and two strings of them around the place where they part."""

from __future__ import annotations

from grader.verdict.model import Difference

#: Bytes shown before the first difference.
_BEFORE = 8
#: Bytes of a row that has them as hex and as text, and so many rows.
_ROW, _ROWS = 16, 2
#: Control characters that text has, and the sign for each, one column wide.
_SIGNS = {ord("\t"): "\u2409", ord("\n"): "\u240a", ord("\r"): "\u240d"}


def compared(difference: Difference, width: int) -> list[str]:
    """Expected and actual bytes, and a caret under the first that differs.

    Args:
        difference: what is compared.
        width: columns there are.

    Returns:
        Three lines; printable text and its line ends are shown as such (CR LF
        as the signs for them), anything else as hex.
    """
    expected, actual = difference.expected, difference.actual
    at = next(
        (i for i, (a, b) in enumerate(zip(expected, actual, strict=False)) if a != b), min(len(expected), len(actual))
    )
    length = max(len(str(len(expected))), len(str(len(actual))))
    head = len(f"expected  {'':{length}} bytes: ")
    as_text = _is_text(expected) and _is_text(actual)
    room = (width - head - len("... ") - len(" ...")) // (1 if as_text else 3)
    start = 0 if max(len(expected), len(actual)) <= room or at <= room // 2 else at - _BEFORE
    lines = [
        f"{word:<8}  {len(data):>{length}} bytes: {_window(data, start, room, as_text)}"
        for word, data in (("expected", expected), ("actual", actual))
    ]
    caret = head + (4 if start else 0) + (at - start) * (1 if as_text else 3)
    if at == len(actual):
        note = {"": "nothing more", "reset": "reset"}.get(difference.end, "stream ends here")
    else:
        note = "nothing more was to come" if at == len(expected) else "differs here"
    return [*lines, f"{' ' * caret}^ {note}"]


def dumped(data: bytes, size: int, width: int) -> list[str]:
    """Bytes as hex, and beside it as text, line ends visible.

    Args:
        data: the bytes, or the first of them.
        size: how many there are.
        width: columns there are.
    """
    row = max(4, min(_ROW, (width - len("  ")) // 4))
    shown = data[: row * _ROWS]
    starts = range(0, len(shown), row)
    across = min(row, len(shown)) * 3 - 1
    lines = [f"{shown[i : i + row].hex(' '):<{across}}  {_visible(shown[i : i + row])}" for i in starts]
    if shown and size > len(shown):
        lines.append(f"and {size - len(shown)} bytes more")
    return lines


def _visible(data: bytes) -> str:
    """Bytes as text, one column each; a dot for one that is no text."""
    text = "".join(chr(byte) if 32 <= byte < 127 or byte in _SIGNS else "." for byte in data)
    return text.translate(_SIGNS)


def _is_text(data: bytes) -> bool:
    return all(32 <= byte < 127 or byte in _SIGNS for byte in data)


def _window(data: bytes, start: int, room: int, as_text: bool) -> str:
    piece = data[start : start + room]
    shown = piece.decode("ascii").translate(_SIGNS) if as_text else piece.hex(" ")
    return f"{'... ' if start else ''}{shown}{' ...' if start + room < len(data) else ''}"
