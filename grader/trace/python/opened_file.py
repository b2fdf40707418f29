"""Files that a path has opened, with what is read and written there, and their closing,
in the trace: the twin of ``wrap_stdio.c``.

A record stands for what a file's buffer asks of the kernel: a program that writes ten
times and closes the file has one ``fwrite``, when the file is closed.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Callable
from typing import Any

from grader.trace import layout
from grader.trace.python.call import Call
from grader.trace.python.recorded import done, enter, recorded, recorder
from grader.trace.python.recorder import error_of

_fstat = os.fstat
#: What open() takes for a mode, its letters in any order.
_MODE = re.compile(r"(?!.*(.).*\1)(?!.*b.*t|.*t.*b)(?=[^rwxa]*[rwxa][^rwxa]*$)[rwxabt+]+")


def is_of_program() -> bool:
    """Whether something in the program has led to what is done now; the interpreter and
    the kit have files of their own."""
    return recorder().snapshots.innermost(sys._getframe(1)) is not None


class _Raw(io.FileIO):
    """What stands between the kernel and a file's buffer."""

    def read(self, size: int = -1) -> Any:
        if size is None or size < 0:
            return self.readall()
        return self._recorded("fread", size, super().read, size)

    def readall(self) -> Any:
        return self._recorded("fread", 0, super().readall)

    def readinto(self, buffer: Any) -> Any:
        return self._recorded("fread", len(buffer), super().readinto, buffer)

    def write(self, data: Any) -> Any:
        return self._recorded("fwrite", memoryview(data).nbytes, super().write, data)

    def close(self) -> None:
        if self.closed or not self.closefd or not self._is_recorded():
            super().close()
            return
        call = enter("fclose", self.fileno())
        try:
            super().close()  # Linux closes even when it reports an error
            call.answer()
        except OSError as exception:
            done(call, -1, error_of(exception))
            raise
        done(call)

    def _is_recorded(self) -> bool:
        return is_of_program() and stat.S_ISREG(_fstat(self.fileno()).st_mode)

    def _recorded(self, operation: str, size: int, real: Callable, *given: Any) -> Any:
        def action(call: Call) -> Any:
            result = real(*given)
            moved = given[0] if given and not isinstance(given[0], int) else result
            if isinstance(moved, (bytes, bytearray, memoryview)):
                call.payload = bytes(memoryview(moved).cast("B")[: min(_moved(result), layout.PAYLOAD_SIZE)])
            return result

        if self.closed or not self._is_recorded():
            return real(*given)
        return recorded(operation, self.fileno(), (1, size), action, _moved)


def _moved(result: Any) -> int:
    """How many bytes a result stands for; None is one that would block."""
    return result if isinstance(result, int) else len(result or b"")


def opened(real: Callable, file: Any, mode: Any = "r", buffering: int = -1, *rest: Any, **named: Any) -> Any:
    """Open a file as `real` does, which is ``open()``.

    Args:
        file: a path, or a descriptor that is no socket's.
        rest, named: what ``open()`` takes after these.
    """
    if not (isinstance(mode, str) and _MODE.fullmatch(mode)) or (buffering == 0 and "b" not in mode):
        return real(file, mode, buffering, *rest, **named)  # which says what is wrong
    encoding, errors, newline, closefd, opener = _arguments(*rest, **named)
    if "b" in mode and (encoding, errors, newline) != (None, None, None):
        return real(file, mode, buffering, *rest, **named)
    raw = _Raw(file, mode.replace("b", "").replace("t", ""), closefd, opener)
    try:
        return _buffered(raw, mode, buffering, encoding, errors, newline)
    except BaseException:
        raw.close()
        raise


def _arguments(
    encoding: Any = None, errors: Any = None, newline: Any = None, closefd: Any = True, opener: Any = None
) -> tuple:
    return encoding, errors, newline, closefd, opener


def _buffered(raw: _Raw, mode: str, buffering: int, encoding: Any, errors: Any, newline: Any) -> Any:
    """What ``open()`` puts on a raw file."""
    if buffering == 0:
        return raw
    size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
    kind = io.BufferedRandom if "+" in mode else io.BufferedReader if "r" in mode else io.BufferedWriter
    buffered = kind(raw, size)
    if "b" in mode:
        return buffered
    text = io.TextIOWrapper(buffered, encoding, errors, newline, buffering == 1 or (buffering < 0 and raw.isatty()))
    text.mode = mode
    return text
