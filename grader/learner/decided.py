"""Which line of a learner's Python file decided what a function returned.

Once a function has returned, its frame is gone, and to trace every line would slow
the program down several times.  So each ``return`` of the file tells on its way
out: ``return x`` is compiled as ``return told(x)``, at the same place.  A value
that a helper returned and its caller only handed on was decided in the helper.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator
from types import CodeType
from typing import Any

from grader.trace.python.snapshot import Moment, Snapshots

#: The hook's name: no program can have a variable of a keyword's name.
_HOOK = "return"


class Returns:
    """Knows the last ``return`` of the program.

    Args:
        snapshots: of the learner's file.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._value = 0  # the id of what was returned: nothing is kept alive
        self._moment: Moment = ([], [])
        self._is_outermost = False
        setattr(builtins, _HOOK, self._tell)

    def compiled(self, source: bytes, path: str) -> CodeType:
        """The program, with returns that tell.

        Raises:
            SyntaxError, ValueError: it is no Python.
        """
        tree = ast.parse(source, path)
        for statement in _returns(tree.body):
            at = {name: getattr(statement, name) for name in statement._attributes}
            value = statement.value or ast.Constant(None, **at)
            statement.value = ast.Call(ast.Name(_HOOK, ast.Load(), **at), [value], [], **at)
        return compile(tree, path, "exec", dont_inherit=True)

    def begin(self) -> None:
        """A function of the contract is about to be called."""
        self._value, self._is_outermost = 0, False

    @property
    def decided(self) -> Moment | None:
        """Where the function's result was decided; None if it ended without a
        ``return``."""
        return self._moment if self._is_outermost else None

    def _tell(self, value: Any) -> Any:
        lines, values = self._snapshots.at(sys._getframe(1))
        self._is_outermost = len(lines) == 1
        within = self._moment[0]
        is_handed_on = self._value == id(value) and value is not None and within[-len(lines) :] == lines
        if not (is_handed_on and len(within) > len(lines)):
            self._value, self._moment = id(value), (lines, values)
        return value


def _returns(body: list[ast.stmt], *, is_async: bool = False) -> Iterator[ast.Return]:
    """The ``return`` statements in a list of statements.

    Args:
        is_async: whether they are those of an ``async def``: where that is a
            generator, a bare ``return`` may have no value, and is left out.
    """
    for statement in body:
        if isinstance(statement, ast.Return) and (statement.value is not None or not is_async):
            yield statement
        within = is_async
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            within = isinstance(statement, ast.AsyncFunctionDef)
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(statement, name, None)
            if isinstance(inner, list):
                yield from _returns(inner, is_async=within)
