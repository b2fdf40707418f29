"""Loads a learner's C module in the learner's process.

A C function is called through its ``binding.py``, which turns values of the
check into C values and C results into Python ones.  Every buffer that C sees
is allocated to the exact byte, so that AddressSanitizer sees its edges.
"""

from __future__ import annotations

import errno
import itertools
import os
import signal
import struct
from _socket import SO_RCVTIMEO, SO_SNDTIMEO, SOL_SOCKET
from _socket import socket as plain_socket
from collections.abc import Callable, Iterator
from functools import partial
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from grader.learner.program import ContractBroken, Descriptor, LoadError, Null
from grader.learner.python_program import raised
from grader.trace.errors import name_of

try:  # cffi's run-time half; the launcher of C programs has it on its path
    import _cffi_backend
except ImportError:
    _cffi_backend = None

#: What a buffer holds before C writes to it.
UNTOUCHED = 0xA5
#: What errno may hold when a function is called, and no function of a contract
#: reports; each is one that programs look for.
_STALE = (errno.ERANGE, errno.EINTR)


class Library:
    """The C module as a binding sees it: ``lib``, ``ffi`` and conversions."""

    def __init__(self, lib: Any, ffi: Any) -> None:
        self.lib, self.ffi = lib, ffi
        self.stale: Iterator[int] = itertools.repeat(0)
        self._before = 0

    def bytes(self, data: bytes | Null) -> Any:
        """A ``const void *`` to a copy of data, of exactly its length."""
        if isinstance(data, Null):
            return self.ffi.NULL
        copy = self.room(len(data))
        self.ffi.memmove(copy, data, len(data))
        return copy

    def text(self, text: str | None) -> Any:
        """A ``const char *`` to a zero-terminated copy; NULL for None."""
        return self.ffi.NULL if text is None else self.bytes(text.encode() + b"\0")

    def room(self, size: int | Null) -> Any:
        """A buffer of exactly size bytes; NULL for Null."""
        if isinstance(size, Null):
            return self.ffi.NULL
        memory = self.ffi.gc(self.ffi.cast("char *", self.lib.kit_allocate(size)), self.lib.kit_release)
        self.ffi.buffer(memory, size)[:] = bytes([UNTOUCHED]) * size
        return memory

    def call(self, function: Callable, *arguments: Any) -> int:
        """Call a C function, with errno 0 or what stands there by chance."""
        self._before = self.ffi.errno = next(self.stale)
        return function(*arguments)

    def error(self, told: str) -> OSError:
        """What the errno of a call says.

        Args:
            told: how the function has told that there is one.

        Raises:
            ContractBroken: errno was not set, or to the number of no error.
        """
        number = self.ffi.errno
        if number == self._before:
            found = f"errno as it was before, {name_of(number)}" if number else "errno 0"
            raise ContractBroken(f"{told} with {found}, so the caller cannot tell why")
        if number not in errno.errorcode:
            raise ContractBroken(f"{told} with errno {number}, which no error of the system has")
        return OSError(number, os.strerror(number))

    def status(self, result: int, known: str = "0 and -1") -> None:
        """None for 0.

        Args:
            known: the results that the contract knows, in words.

        Raises:
            OSError: the function returned -1; errno as it left it.
            ContractBroken: it returned anything else.
        """
        if result != 0:
            self._failed(result, known)

    def descriptor(self, result: int) -> Descriptor:
        """The descriptor that was returned; it belongs to the caller.

        Raises:
            OSError: the function returned -1.
            ContractBroken: it returned another negative number.
        """
        if result < 0:
            self._failed(result, "a descriptor and -1")
        return Descriptor(result)

    def length(self, result: int, buffer: Any, size: int | Null) -> bytes:
        """The first result bytes of buffer.

        Raises:
            OSError: the function returned -1.
            ContractBroken: it returned another negative number, or more than size.
        """
        size = len(size) if isinstance(size, Null) else size
        if result < 0:
            self._failed(result, "a length and -1")
        if result > size:
            raise ContractBroken(f"returned {result} for a buffer of {size} bytes")
        return bytes(self.ffi.buffer(buffer, result)) if result else b""

    def string(self, buffer: Any, size: int) -> str:
        """The text in a buffer of size bytes, up to the zero that ends it.

        Raises:
            ContractBroken: there is no zero in it.
        """
        data = bytes(self.ffi.buffer(buffer, size))
        text, zero, _rest = data.partition(b"\0")
        if not zero:
            raise ContractBroken(f"stored a text without a zero at its end in a buffer of {size} bytes")
        return text.decode(errors="surrogateescape")

    def lines(self, result: int, buffer: Any, size: int | Null) -> list[str] | str:
        """The lines of a text in a buffer, whose length was returned; of one whose
        last line has no end the text itself.

        Raises:
            OSError: the function returned -1.
            ContractBroken: the text has another length, or no end.
        """
        size = len(size) if isinstance(size, Null) else size
        if result < 0:
            self._failed(result, "a length and -1")
        if result >= size:  # it calls that a success: the caller sees what there is room for
            room = bytes(self.ffi.buffer(buffer, size)).partition(b"\0")[0]
            return list(filter(None, room.decode(errors="surrogateescape").split("\n")))
        text = self.string(buffer, size)
        if result != (length := len(text.encode(errors="surrogateescape"))):
            raise ContractBroken(f"returned {result}; the text that it stored has {length} characters")
        return text[:-1].split("\n") if text.endswith("\n") else text or []

    def counted_lines(self, result: int, buffer: Any, size: int | Null) -> list[str] | str:
        """The lines of a text in a buffer, whose number was returned; see `lines`.

        Raises:
            OSError: the function returned -1.
            ContractBroken: the text has more lines or fewer, or no end.
        """
        if result < 0:
            self._failed(result, "a number of lines and -1")
        text = self.string(buffer, len(size) if isinstance(size, Null) else size)
        if result != text.count("\n"):
            raise ContractBroken(f"returned {result}; the text that it stored has {text.count(chr(10))} lines")
        return text[:-1].split("\n") if text.endswith("\n") else text or []

    def _failed(self, result: int, known: str) -> None:
        if result != -1:
            raise ContractBroken(f"returned {result}; the contract knows {known}")
        raise self.error("returned -1")


class CProgram:
    """A C module of the learner's, with its binding."""

    def __init__(self, library: Library, binding: dict) -> None:
        self._library = library
        self._binding = binding

    def function(self, name: str, of: int = -1) -> Callable:
        """A function of the contract, through its binding.

        Args:
            of: the number of the object that it is called for, in the order in
                which they were made; a binding that has several takes it.
        """
        bound = self._binding[name]
        if of != -1:
            bound = partial(bound, of=of)
        return lambda *arguments, **options: bound(self._library, *arguments, **options)

    def flush(self) -> None:
        """Write out what the program has printed so far."""
        self._library.lib.kit_flush()

    def arrange(self) -> None:
        """Have what a caller's own calls leave behind: an errno."""
        self._library.stale = itertools.cycle(_STALE)

    def lend(self, fd: int, limit: int) -> int:
        """A descriptor.

        Args:
            limit: the caller's time limit in seconds; 0 for none.
        """
        if limit:
            lent = plain_socket(fileno=fd)
            for option in (SO_RCVTIMEO, SO_SNDTIMEO):
                lent.setsockopt(SOL_SOCKET, option, struct.pack("ll", limit, 0))
            lent.detach()
        return fd

    def keep(self, result: Any) -> list[int]:
        """What the caller has to close of a result."""
        return [result.fd] if isinstance(result, Descriptor) else []

    def give_back(self, fd: int) -> None:
        try:
            os.close(fd)
        except OSError:
            pass  # the program closed it; the judge has seen that

    def decided(self) -> None:
        """Of C the trace knows where a result was decided."""

    def exception(self, exception: BaseException) -> dict:
        return raised(exception)


def load(request: dict, memory: Any) -> CProgram:
    """Load the shared object that the build room has made.

    Raises:
        LoadError: the dynamic linker refuses it.
    """
    # C starts with the dispositions of a program of its own.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    name, path = request["module"], request["path"]
    binding: dict = {}
    exec(compile(request["bound"], request["binding"], "exec"), binding)
    address = int(_cffi_backend.FFI().cast("uintptr_t", _cffi_backend.FFI().from_buffer(memory)))
    os.environ["THIRTEEN_BYTES_TRACE"] = f"{address:x}"
    try:
        spec = spec_from_file_location(name, path, loader=ExtensionFileLoader(name, path))
        module = module_from_spec(spec)
    except ImportError as error:
        raise LoadError(str(error).removeprefix(f"{path}: ")) from None
    finally:
        del os.environ["THIRTEEN_BYTES_TRACE"]
    return CProgram(Library(module.lib, module.ffi), binding)
