"""What the wrappers of Python's calls share: one recorder, one way to use it."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from grader.trace.calls import NUMBER
from grader.trace.python.call import Call
from grader.trace.python.recorder import Recorder, error_of

_recorder: Recorder | None = None
_real_gethostbyname, _real_if_nametoindex = socket.gethostbyname, socket.if_nametoindex
#: What stands for an address where CPython resolves names (``setipaddr()``).
_BY_NAME = {"": "0.0.0.0", "<broadcast>": "255.255.255.255"}


def record_with(recorder: Recorder) -> None:
    """Let all wrappers of this process write to that recorder."""
    global _recorder
    _recorder = recorder


def recorder() -> Recorder:
    """The recorder of this process."""
    return _recorder


def is_recording() -> bool:
    return _recorder is not None


def enter(operation: str, fd: int, *args: int, of_library: bool = False) -> Call:
    """Open a record of that call on fd."""
    return _recorder.enter(NUMBER[operation], fd, *args, of_library=of_library)


def is_of_library() -> bool:
    """Whether the wrapper's caller is ``subprocess``, which has pipes of its own and
    waits for what it has begun."""
    return sys._getframe(2).f_globals.get("__name__") == "subprocess"


def done(call: Call, result: int = 0, error: int = 0) -> None:
    """Complete a record."""
    _recorder.leave(call, result, error)


def recorded(
    operation: str,
    fd: int,
    args: tuple,
    action: Callable,
    length: Callable | None = None,
    *,
    patience: float | None = None,
    payload: bytes = b"",
    address: bytes = b"",
    control: bytes = b"",
    of_library: bool = False,
) -> Any:
    """Run action between the two halves of a record.

    Args:
        action: takes the call, makes the real one and returns its result.
        length: turns the result into the number that C would have returned.
        patience: the time limit of the socket (seconds); 0 asks not to block.
        payload, address, control: what the record keeps of the arguments, whatever
            comes of the call.
        of_library: whether a library makes the call for itself.
    """
    call = enter(operation, fd, *args, of_library=of_library)
    if payload or address or control:
        call.payload, call.address, call.control = payload, address, control
        _recorder.keep(call)
    call.spare(patience)
    try:
        call.answer()
        result = action(call)
    except BaseException as exception:
        error = error_of(exception)
        told = call.becomes(error)
        done(call, -1, told)
        if told != error:
            raise OSError(told, os.strerror(told)) from None
        raise
    done(call, length(result) if length else 0)
    return result


def address_bytes(family: int, address: Any) -> bytes:
    """An address as the sockaddr that the kernel sees, as C's trace keeps it.

    Args:
        address: as Python has it; None for none.
    """
    if address is None:
        return b""
    try:
        if family == socket.AF_INET:
            host = _ip_address(address[0])
            return struct.pack("=H", family) + struct.pack("!H", address[1]) + host + bytes(8)
        if family == socket.AF_INET6:
            host = socket.inet_pton(family, address[0].partition("%")[0] or "::")
            return struct.pack("=H", family) + struct.pack("!HI", address[1], 0) + host + bytes(4)
        if family == socket.AF_PACKET:
            return _link_address(*address)
        if family == socket.AF_UNIX:
            return struct.pack("=H", family) + os.fsencode(address)
    except (OSError, TypeError, IndexError, struct.error, AttributeError):
        pass
    return struct.pack("=H", family)


def _link_address(interface: str, protocol: int, kind: int = 0, hardware: int = 0, address: bytes = b"") -> bytes:
    """A struct sockaddr_ll (packet(7)), as CPython makes it: the protocol is in host order."""
    index = _real_if_nametoindex(interface) if interface else 0
    beginning = struct.pack("=H", socket.AF_PACKET) + struct.pack("!H", protocol)
    return beginning + struct.pack("=iHBB8s", index, hardware, kind, len(address), address)


def _ip_address(host: str) -> bytes:
    """The number of a host that bind() and its like are given, as they resolve it."""
    try:
        return socket.inet_aton(_BY_NAME.get(host, host))
    except OSError:
        return socket.inet_aton(_real_gethostbyname(host))


def view_of(data: Any) -> memoryview:
    """The bytes of data; to be released (``with``) before the wrapper returns or
    raises: the frames of an exception would keep a bytearray from being resized."""
    return memoryview(data).cast("B")
