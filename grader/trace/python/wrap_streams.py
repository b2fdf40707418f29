"""Wrappers of the calls of ``os`` and ``io`` that move bytes of a socket, by its
descriptor: the twin of ``wrap_streams.c``."""

from __future__ import annotations

import io
import os
import select
import socket
import stat
from collections.abc import Callable
from typing import Any

from grader.trace import layout
from grader.trace.python import held_clock
from grader.trace.python.call import Call
from grader.trace.python.opened_file import is_of_program, opened
from grader.trace.python.recorded import recorded, view_of

_real = socket.socket
_real_read, _real_write, _real_open = os.read, os.write, open
_real_readv, _real_writev, _real_sendfile = os.readv, os.writev, os.sendfile


def _is_socket(fd: int) -> bool:
    return _is(stat.S_ISSOCK, fd)


def _is(kind: Callable[[int], bool], fd: int) -> bool:
    try:
        return kind(os.fstat(fd).st_mode)
    except (OSError, TypeError):
        return False


def _await_ready(call: Call, fd: int) -> None:
    """Wait as a receive on fd does, where the trace has to."""
    if os.get_blocking(fd):
        sock = _real(fileno=fd)
        try:
            held_clock.await_ready(call, sock, select.POLLIN)
        finally:
            sock.detach()


def read(fd: int, size: int) -> bytes:
    def action(call: Call) -> bytes:
        _await_ready(call, fd)
        call.payload = data = _real_read(fd, call.limit(size))
        return data

    if not _is_socket(fd):
        return _real_read(fd, size)
    return recorded("read", fd, (size,), action, len)


def write(fd: int, data: Any) -> int:
    def action(call: Call) -> int:
        sent = _real_write(fd, view[: call.limit(len(view))])
        call.payload = bytes(view[: min(sent, layout.PAYLOAD_SIZE)])
        return sent

    if not _is_socket(fd):
        return _real_write(fd, data)
    with view_of(data) as view:
        return recorded("write", fd, (len(view),), action, int)


def readv(fd: int, buffers: Any) -> int:
    def action(call: Call) -> int:
        _await_ready(call, fd)
        data = _real_read(fd, call.limit(size))
        call.payload, left = data, data
        for part in parts:
            part[: len(left[: len(part)])] = left[: len(part)]
            left = left[len(part) :]
        return len(data)

    parts = [view_of(part) for part in buffers]
    size = sum(map(len, parts))
    if not _is_socket(fd):
        return _real_readv(fd, buffers)
    return recorded("readv", fd, (size,), action, int)


def writev(fd: int, buffers: Any) -> int:
    def action(call: Call) -> int:
        sent = _real_write(fd, data[: call.limit(len(data))])
        call.payload = data[: min(sent, layout.PAYLOAD_SIZE)]
        return sent

    if not _is_socket(fd):
        return _real_writev(fd, buffers)
    data = b"".join(bytes(view_of(part)) for part in buffers)
    return recorded("writev", fd, (len(data),), action, int)


def sendfile(out_fd: int, in_fd: int, offset: int | None, count: int, *rest: Any, **named: Any) -> int:
    return recorded(
        "sendfile", out_fd, (count,),
        lambda call: _real_sendfile(out_fd, in_fd, offset, call.limit(count), *rest, **named), int,
    )  # fmt: skip


class _SocketFile(io.RawIOBase):
    """A file over the descriptor of a socket, as open() makes it, with its
    reads and writes in the trace."""

    def __init__(self, fd: int, mode: str, closefd: bool) -> None:
        self._fd, self._mode, self._closefd = fd, mode, closefd

    def fileno(self) -> int:
        return self._fd

    def readable(self) -> bool:
        return "r" in self._mode or "+" in self._mode

    def writable(self) -> bool:
        return "w" in self._mode or "a" in self._mode or "+" in self._mode

    def readinto(self, buffer: Any) -> int:
        data = os.read(self._fd, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        return os.write(self._fd, data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self._closefd:
                os.close(self._fd)


def _open_path(path: Any, *args: Any, **named: Any) -> Any:
    if not is_of_program():
        return _real_open(path, *args, **named)
    return recorded(
        "fopen", -1, (), lambda call: opened(_real_open, path, *args, **named), lambda file: file.fileno(),
        payload=os.fsencode(path) if isinstance(path, (str, bytes, os.PathLike)) else b"",
    )  # fmt: skip


def open_file(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, closefd: bool = True, **named: Any) -> Any:
    if not isinstance(file, int):
        return _open_path(file, mode, buffering, *rest, closefd=closefd, **named)
    if not _is_socket(file):
        if not (_is(stat.S_ISREG, file) and is_of_program()):
            return _real_open(file, mode, buffering, *rest, closefd=closefd, **named)
        return opened(_real_open, file, mode, buffering, *rest, closefd=closefd, **named)
    raw = _SocketFile(file, mode, closefd)
    if buffering == 0:
        return raw
    if raw.readable() and raw.writable():
        buffered: Any = io.BufferedRWPair(raw, raw)
    else:
        buffered = io.BufferedReader(raw) if raw.readable() else io.BufferedWriter(raw)
    return buffered if "b" in mode else io.TextIOWrapper(buffered, *rest, **named)


def fdopen(fd: int, mode: str = "r", buffering: int = -1, *rest: Any, **named: Any) -> Any:
    return open_file(fd, mode, buffering, *rest, **named)
