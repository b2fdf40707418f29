"""Puts the trace between a learner's Python program and the kernel.

`install` replaces ``socket.socket`` by a subclass and wraps the functions of
``socket``, ``os`` and ``select`` that touch descriptors, before the learner's
module is imported: a reference of its own (``from socket import getaddrinfo``)
is then a reference to the wrapper.
"""

from __future__ import annotations

import _thread
import builtins
import errno
import io
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

from grader.trace import layout
from grader.trace.python import held_clock, states, wrap_files, wrap_processes, wrap_streams, wrap_waiting
from grader.trace.python.call import Call
from grader.trace.python.recorded import done, enter, is_of_library, record_with, recorded, recorder
from grader.trace.python.recorder import Recorder, error_of
from grader.trace.python.traced_socket import TracedSocket


def _configured(family: int, flags: int) -> tuple[int, int]:
    """The family and the flags to ask for on the script's machine, where it lacks a
    family (AI_ADDRCONFIG).

    Raises:
        socket.gaierror: there is nothing of the family that is asked for.
    """
    lacking = {"IPv4": socket.AF_INET, "IPv6": socket.AF_INET6}.get(recorder().lacking_family)
    if lacking is None or not flags & socket.AI_ADDRCONFIG:
        return family, flags
    if family == lacking:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    other = socket.AF_INET if lacking == socket.AF_INET6 else socket.AF_INET6
    return family or other, flags & ~socket.AI_ADDRCONFIG


def _getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> list:
    def action(call: Call) -> list:
        name = host.decode() if isinstance(host, bytes) else host
        service = port.decode() if isinstance(port, bytes) else port
        call.payload = f"{name or ''}\0{'' if service is None else service}".encode()
        if call.fault and call.fault.kinds & layout.RETVAL:
            raise socket.gaierror(call.fault.retval, "injected")
        addresses = recorder().scripted_addresses(name)
        wanted, asked = _configured(family, flags)
        number = recorder().scripted_port(str(service)) if service is not None else None
        if number != service and flags & socket.AI_NUMERICSERV:
            number = service
        kind = type
        if number != service and number.endswith("/udp"):  # of datagrams alone
            if type not in (0, socket.SOCK_DGRAM) or proto not in (0, socket.IPPROTO_UDP):
                raise socket.gaierror(socket.EAI_SERVICE, "Servname not supported for ai_socktype")
            number, kind = number.removesuffix("/udp"), socket.SOCK_DGRAM
        # "" is a name that nobody has; without any the script's are to listen on
        if not addresses or name == "" or (name is None and not flags & socket.AI_PASSIVE):
            return _real_getaddrinfo(host, number, wanted, kind, proto, asked)
        if name and flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found, error = [], socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        numeric = (flags | socket.AI_NUMERICHOST) & ~socket.AI_ADDRCONFIG
        for address in addresses:
            try:
                found += _real_getaddrinfo(address, number, wanted, kind, proto, numeric)
            except socket.gaierror as e:
                if e.errno == socket.EAI_SERVICE:
                    error = e
        if not found:
            raise error
        return found

    call = enter("getaddrinfo", -1, int(family), int(type), int(flags))
    try:
        call.answer()
        result = action(call)
    except socket.gaierror as exception:
        done(call, exception.errno or -1)
        raise
    except BaseException as exception:
        done(call, -1, error_of(exception))
        raise
    done(call, 0)
    return result


def _gethostbyname(name: str) -> str:
    def action(call: Call) -> str:
        call.payload = str(name).encode()
        addresses = recorder().scripted_addresses(name)
        return next((a for a in addresses if ":" not in a), None) or _real_gethostbyname(name)

    return recorded("gethostbyname", -1, (), action)


def _if_nametoindex(name: str) -> int:
    asked = os.fsencode(name) if isinstance(name, str | bytes) else b""  # the real one says what is wrong
    return recorded("if_nametoindex", -1, (), lambda call: _real_if_nametoindex(name), int, payload=asked)


def _socketpair(
    family: int | None = None, type: int = socket.SOCK_STREAM, proto: int = 0
) -> tuple[socket.socket, socket.socket]:
    is_of_library = sys._getframe(1).f_code.co_filename != recorder().snapshots.path

    def action(call: Call) -> tuple[socket.socket, socket.socket]:
        pair = _real_socketpair(family, type, proto)
        call.payload = struct.pack("=ii", *(half.fileno() for half in pair))
        for half in pair if is_of_library else ():
            states.note_of_library(half.fileno())
        return pair

    asked = (socket.AF_UNIX if family is None else int(family), int(type), int(proto))
    return recorded("socketpair", -1, asked, action, of_library=is_of_library)


def _os_close(fd: int) -> None:
    call = enter("close", fd, of_library=is_of_library())
    try:
        _real_close(fd)  # Linux closes even when it reports an error
        call.answer()
    except OSError as exception:
        done(call, -1, error_of(exception))
        raise
    done(call)


def _thread_starter(real: Callable) -> Callable:
    def start(*args: Any, **named: Any) -> Any:
        call = enter("pthread_create", -1)
        try:
            if call.fault and call.fault.kinds & layout.ERROR:
                raise RuntimeError("can't start new thread")  # what the interpreter makes of it
            result = real(*args, **named)
        except RuntimeError:
            done(call, -1, errno.EAGAIN)
            raise
        done(call)
        return result

    return start


def _start_new_thread(function: Callable, *args: Any) -> int:
    def begun(*rest: Any, **named: Any) -> Any:
        done(enter("thread_start", -1))
        return function(*rest, **named)

    return _thread_starter(_real_start_new_thread)(begun, *args)


def _thread_begins(*_event: Any) -> None:
    """The first event of a new thread, before its run() is called."""
    sys.setprofile(None)
    done(enter("thread_start", -1))


def install(recorder: Recorder) -> None:
    """Start tracing in this process; cannot be taken back."""
    record_with(recorder)
    held_clock.install()
    wrap_waiting.install()
    wrap_files.install()
    wrap_processes.install()
    socket.socket = socket.SocketType = TracedSocket
    socket.getaddrinfo = _getaddrinfo
    socket.socketpair = _socketpair
    socket.gethostbyname = _gethostbyname
    socket.if_nametoindex = _if_nametoindex
    for name, wrapper in {
        "read": wrap_streams.read,
        "write": wrap_streams.write,
        "readv": wrap_streams.readv,
        "writev": wrap_streams.writev,
        "sendfile": wrap_streams.sendfile,
        "close": _os_close,
    }.items():
        setattr(os, name, wrapper)
    builtins.open = io.open = wrap_streams.open_file
    os.fdopen = wrap_streams.fdopen
    _thread.start_new_thread = _start_new_thread
    for name in ("_start_new_thread", "_start_joinable_thread"):  # whichever this Python has
        if hasattr(threading, name):
            setattr(threading, name, _thread_starter(getattr(threading, name)))
    threading.setprofile(_thread_begins)
    # socket.fromfd looks the class up when it is called


_real_getaddrinfo = socket.getaddrinfo
_real_gethostbyname = socket.gethostbyname
_real_if_nametoindex = socket.if_nametoindex
_real_socketpair = socket.socketpair
_real_close = os.close
_real_start_new_thread = _thread.start_new_thread
