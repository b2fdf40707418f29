"""Loads a learner's Python file in the learner's process."""

from __future__ import annotations

import inspect
import os
import socket
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from grader.learner.decided import Returns
from grader.learner.program import LoadError, described
from grader.trace.python import tamper
from grader.trace.python.recorder import Recorder
from grader.trace.python.snapshot import Moment, Snapshots
from grader.trace.python.traced_socket import TracedSocket

_close = os.close  # the tracer replaces it


class PythonProgram:
    """A module of the learner's, with the functions its contract names.

    Args:
        functions: their names.  ``Class.method`` is one of a class: calling
            ``Class`` makes an object and answers None, calling ``method`` calls
            it on one that was made.
    """

    def __init__(
        self, module: types.ModuleType, snapshots: Snapshots, returns: Returns, functions: Iterable[str]
    ) -> None:
        self._module = module
        self._snapshots, self._returns = snapshots, returns
        self._owners = {name.rpartition(".")[2]: name.rpartition(".")[0] for name in functions}
        self._made: list[Any] = []

    def function(self, name: str, of: int = -1) -> Callable:
        """A function of the contract, or a method.

        Args:
            of: the number of the object, in the order in which they were made.
        """
        self._returns.begin()
        if name in self._owners.values():
            return partial(self._make, name)
        if self._owners.get(name):
            return partial(self._call, of, name)
        return getattr(self._module, name)

    def _make(self, name: str, *arguments: Any) -> None:
        self._made.append(getattr(self._module, name)(*arguments))

    def _call(self, of: int, name: str, *arguments: Any) -> Any:
        return getattr(self._made[of], name)(*arguments)

    def flush(self) -> None:
        """Write out what the program has printed so far."""
        sys.stdout.flush()

    def arrange(self) -> None:
        """Have what a caller's own calls leave behind: nothing, in Python."""

    def lend(self, fd: int, limit: int) -> socket.socket:
        """A descriptor as Python programs get it: a socket object.

        Args:
            limit: the caller's time limit in seconds; 0 for none.
        """
        lent = socket.socket(fileno=fd)
        lent.release()
        if limit:
            lent.settimeout(limit)
        return lent

    def keep(self, result: object) -> list[socket.socket]:
        """What the caller has to close of a result."""
        if not isinstance(result, TracedSocket):
            return []
        result.release()
        return [result]

    def give_back(self, lent: socket.socket | int) -> None:
        """Close, as its owner, a socket or a descriptor that was lent."""
        if isinstance(lent, int):
            _close(lent)
        else:
            lent.close()

    def decided(self) -> Moment | None:
        """Where the last function's result was decided; None if that is unknown."""
        return self._returns.decided

    def exception(self, exception: BaseException) -> dict:
        return raised(exception, self._snapshots)


def raised(exception: BaseException, snapshots: Snapshots | None = None) -> dict:
    """An exception as the channel carries it.

    Returns:
        ``class``, ``bases`` (names, most derived first), ``errno``, ``text``,
        ``name`` (of a NameError), ``line``, the innermost in the program,
        ``decided``, what there was at it, and of a `CalledProcessError` its
        ``status`` and ``output``.
    """
    lines, values = snapshots.of_traceback(exception.__traceback__) if snapshots else ([], [])
    errno = getattr(exception, "errno", None)
    name = getattr(exception, "name", None)
    try:
        text = str(exception)[:400]
    except Exception:
        text = ""
    report = {
        "class": type(exception).__name__,
        "bases": [base.__name__ for base in type(exception).__mro__],
        "errno": errno if type(errno) is int else None,
        "text": text,
        "name": name if type(name) is str else None,
        "line": lines[0] if lines else None,
        "decided": (lines, values),
        "status": described(getattr(exception, "returncode", None)),
        "output": described(getattr(exception, "output", None)),
    }
    traceback.clear_frames(exception.__traceback__)
    return report


def load(request: dict, memory: memoryview) -> PythonProgram:
    """Run the learner's file as a module, traced.

    Raises:
        LoadError: it does not compile, does not run to its end or lacks a
            function of its contract.
    """
    path = request["path"]
    try:
        with open(path, "rb") as file:
            source = file.read()
        with warnings.catch_warnings():
            # what the compiler thinks of the file is not printed by its functions
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            snapshots = Snapshots(path, source.decode(errors="replace"))
            returns = Returns(snapshots)
            code = returns.compiled(source, path)
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror}") from None
    except SyntaxError as error:
        pointer = ""
        if error.text:
            text = error.text.rstrip("\n")
            pointer = f"{text}\n{' ' * max(0, (error.offset or 1) - 1)}^"
        raise LoadError(f"{type(error).__name__}: {error.msg}", line=error.lineno, detail=pointer) from None
    except ValueError as error:  # a NUL byte
        raise LoadError(f"not Python source: {error}") from None
    tamper.install(Recorder(memoryview(memory), snapshots))
    name = path.rpartition("/")[2].removesuffix(".py")
    module = types.ModuleType(name)
    module.__file__ = path
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except BaseException as exception:
        report = raised(exception, snapshots)
        raise LoadError(
            f"{report['class']} while the file was loaded: {report['text']}".rstrip(": "), line=report["line"]
        ) from None
    program = PythonProgram(module, snapshots, returns, request["functions"])
    for function, arguments in request["functions"].items():
        _require(module, function, arguments)
    return program


def _require(module: types.ModuleType, name: str, arguments: list[str]) -> None:
    owner, _, method = name.rpartition(".")
    function = getattr(getattr(module, owner), method, None) if owner else getattr(module, name, None)
    contract = f"{name}({', '.join(arguments)})"
    if owner:
        arguments = ["self", *arguments]
    if function is None:
        raise LoadError(f"{name}() is not defined; the contract is {contract}")
    if not callable(function):
        raise LoadError(f"{name} is a {type(function).__name__}, not a function; the contract is {contract}")
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", None)
        found = f"{name}{inspect.signature(function)}"
        raise LoadError(f"{found} cannot be called as the contract says: {contract}", line=line) from None
    except ValueError:
        pass  # no signature to be had: the call will tell
