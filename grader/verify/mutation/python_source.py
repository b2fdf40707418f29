"""The standard mutants of a Python program, over its syntax tree.

The tree says what may be changed and where it stands; the change is made in the
text, so that a mutant is the program with one edit and reads like it.
"""

from __future__ import annotations

import ast
import errno
import itertools
import os
import re
import select
import signal
import socket
import warnings
from collections.abc import Iterator

from grader.verify.mutation.model import EQUALITIES, HINTS, IS_TRUE, RELATIONS, TRUTHS, Edit, beside, is_round

_OTHERWISE = {"is": "is not", "is not": "is", "in": "not in", "not in": "in", "and": "or", "or": "and"}
_RELATION = re.compile(r"<=|>=|==|!=|<|>|is\s+not|not\s+in|\bis\b|\bin\b")
_JOINT = re.compile(r"\band\b|\bor\b")
_ARITHMETIC = re.compile(r"<<|>>|//|\*\*|[-+*/%&|^@]")
_INSTEAD = {
    "+": "-", "-": "+", "*": "//", "//": "*", "/": "*", "%": "//", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "|",
}  # fmt: skip
#: Of these an operand can be missing without a change of type.
_DROPPED = ("+", "-", "|", "&")
#: Statements that can be left out by themselves.
_SIMPLE = (
    ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Raise, ast.Break, ast.Continue, ast.Delete,
    ast.Assert,
)  # fmt: skip
#: Where the names of the system's constants come from.
_HEADERS = (errno, os, select, signal, socket)
#: Fields that have no part in a run.
_ANNOTATIONS = ("annotation", "returns")


def edits(text: str) -> Iterator[Edit]:
    """Every edit that makes a standard mutant of a Python program."""
    yield from _Source(text).edits()


def meaning(text: str) -> object:
    """What two programs have in common that run alike, whatever their lines.

    Raises:
        SyntaxError: it is no program.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _plain(compile(text, "program", "exec", dont_inherit=True))


def _plain(value: object) -> object:
    if not hasattr(value, "co_code"):
        return type(value), repr(value)
    names = (value.co_name, value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars, value.co_flags)
    constants = tuple(_plain(constant) for constant in value.co_consts)
    return value.co_code, getattr(value, "co_exceptiontable", b""), names, constants


class _Source:
    """A program's text, and where the nodes of its tree stand in it."""

    def __init__(self, text: str) -> None:
        self._text, self._tree = text, ast.parse(text)
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        #: Nodes whose own changes nothing could tell from those of the node above.
        self._settled: set[ast.AST] = set()

    def edits(self) -> Iterator[Edit]:
        """Of every node, outside annotations and f-strings."""
        left: list[tuple[ast.AST, bool]] = [(self._tree, False)]
        while left:
            node, runs = left.pop()
            runs = runs or isinstance(node, ast.FunctionDef)
            for kind in type(node).__mro__ if node not in self._settled else ():
                yield from getattr(self, f"_{kind.__name__}", self._nothing)(node)
            if runs and isinstance(node, _SIMPLE) and not _is_docstring(node):
                yield self._put(node, "pass")
            if node not in self._settled:
                left += [(child, runs) for child in _children(node)]

    def _nothing(self, _node: ast.AST) -> Iterator[Edit]:
        return iter(())

    # --- places -----------------------------------------------------------

    def _at(self, line: int, column: int) -> int:
        """An offset in characters; the tree counts columns in bytes."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def _start(self, node: ast.AST) -> int:
        return self._at(node.lineno, node.col_offset)

    def _end(self, node: ast.AST) -> int:
        return self._at(node.end_lineno, node.end_col_offset)

    def _said(self, node: ast.AST) -> str:
        return self._text[self._start(node) : self._end(node)]

    def _put(self, node: ast.AST, text: str) -> Edit:
        return Edit(self._start(node), self._end(node), text)

    def _between(self, pattern: re.Pattern[str], start: int, end: int) -> tuple[str, int, int]:
        """The operator that stands between two operands, blanks squeezed."""
        found = pattern.search(self._text, start, end)
        return " ".join(found.group().split()), *found.span()

    # --- operators --------------------------------------------------------

    def _Compare(self, node: ast.Compare) -> Iterator[Edit]:  # noqa: N802
        operands = [node.left, *node.comparators]
        for left, right in itertools.pairwise(operands):
            operator, start, end = self._between(_RELATION, self._end(left), self._start(right))
            has_order = operator in RELATIONS and not (operator in EQUALITIES and _has_no_order(left, right))
            if len(node.ops) > 1 or has_order:
                others = RELATIONS.get(operator) or (_OTHERWISE[operator],)
                yield from (Edit(start, end, other) for other in others)
            if (operator in (*EQUALITIES, "is", "is not") and _is_value(right)) or _is_number(right):
                self._settled.add(right)
            if _is_number(right):
                yield from (self._put(right, str(other)) for other in beside(operator, right.value))
        if len(node.ops) == 1:
            truths = (IS_TRUE[operator],) if has_order else (True, False)
            yield from (self._put(node, str(truth)) for truth in truths)

    def _BoolOp(self, node: ast.BoolOp) -> Iterator[Edit]:  # noqa: N802
        neutral = "True" if isinstance(node.op, ast.And) else "False"
        yield from (self._put(value, neutral) for value in node.values)
        for left, right in itertools.pairwise(node.values):
            operator, start, end = self._between(_JOINT, self._end(left), self._start(right))
            yield Edit(start, end, _OTHERWISE[operator])

    def _BinOp(self, node: ast.BinOp) -> Iterator[Edit]:  # noqa: N802
        operator, start, end = self._between(_ARITHMETIC, self._end(node.left), self._start(node.right))
        if operator in _INSTEAD:
            yield Edit(start, end, _INSTEAD[operator])
        if operator in _DROPPED:
            yield from (self._put(node, self._said(operand)) for operand in (node.left, node.right))
        if operator == "|":  # without a flag is with 0 in its place
            self._settled.update(operand for operand in (node.left, node.right) if _is_value(operand))

    def _UnaryOp(self, node: ast.UnaryOp) -> Iterator[Edit]:  # noqa: N802
        yield self._put(node, self._said(node.operand))

    def _AugAssign(self, node: ast.AugAssign) -> Iterator[Edit]:  # noqa: N802
        operator, start, end = self._between(_ARITHMETIC, self._end(node.target), self._start(node.value))
        yield Edit(start, end, "")
        if operator in _INSTEAD:
            yield Edit(start, end, _INSTEAD[operator])

    # --- values -----------------------------------------------------------

    def _Constant(self, node: ast.Constant) -> Iterator[Edit]:  # noqa: N802
        value = node.value
        if isinstance(value, bool):
            yield self._put(node, str(not value))
        elif isinstance(value, int):
            yield from (self._put(node, str(other)) for other in (value + 1, value - 1, 0))
        elif isinstance(value, float):
            yield from (self._put(node, str(other)) for other in (value + 1, 0.0))
        elif isinstance(value, str):
            yield self._put(node, repr("" if value else "?"))
        elif isinstance(value, bytes):
            yield self._put(node, repr(b"" if value else b"?"))

    def _named(self, node: ast.Attribute | ast.Name, name: str) -> Iterator[Edit]:
        is_zero = any(getattr(header, name, None) == 0 for header in _HEADERS)
        if name.isupper() and isinstance(node.ctx, ast.Load) and not is_zero:
            yield self._put(node, "0")

    def _Attribute(self, node: ast.Attribute) -> Iterator[Edit]:  # noqa: N802
        yield from self._named(node, node.attr)

    def _Name(self, node: ast.Name) -> Iterator[Edit]:  # noqa: N802
        yield from self._named(node, node.id)

    def _Call(self, node: ast.Call) -> Iterator[Edit]:  # noqa: N802
        given, name = [*node.args, *node.keywords], _name_of(node.func)
        if name in HINTS:
            self._settled.update(given)
            return
        for item in node.keywords or given[-1:]:
            yield self._without(item, given)
        for item in node.args:
            if _is_number(item) and (is_round(item.value) or (name in TRUTHS and item.value == 1)):
                self._settled.add(item)
                yield self._put(item, "0")

    def _Slice(self, node: ast.Slice) -> Iterator[Edit]:  # noqa: N802
        yield from (self._put(bound, "") for bound in (node.lower, node.upper) if bound is not None)

    def _without(self, item: ast.AST, items: list) -> Edit:
        """Leave an item out of a list with commas."""
        at = items.index(item)
        if at:
            return Edit(self._end(items[at - 1]), self._end(item), "")
        return Edit(self._start(item), self._start(items[1]) if len(items) > 1 else self._end(item), "")

    # --- branches ---------------------------------------------------------

    def _condition(self, test: ast.expr) -> Iterator[Edit]:
        if not isinstance(test, ast.Compare | ast.BoolOp):  # their operators change these
            yield self._put(test, "True")
            yield self._put(test, "False")

    def _If(self, node: ast.If) -> Iterator[Edit]:  # noqa: N802
        yield from self._condition(node.test)

    def _IfExp(self, node: ast.IfExp) -> Iterator[Edit]:  # noqa: N802
        yield from self._condition(node.test)

    def _While(self, node: ast.While) -> Iterator[Edit]:  # noqa: N802
        yield from self._condition(node.test)
        yield Edit(self._start(node), self._start(node) + len("while"), "if")

    def _comprehension(self, node: ast.comprehension) -> Iterator[Edit]:
        for test in node.ifs:
            yield from self._condition(test)

    def _For(self, node: ast.For) -> Iterator[Edit]:  # noqa: N802
        yield self._put(node.iter, "()")

    def _Break(self, node: ast.Break) -> Iterator[Edit]:  # noqa: N802
        yield self._put(node, "continue")

    def _Continue(self, node: ast.Continue) -> Iterator[Edit]:  # noqa: N802
        yield self._put(node, "break")

    def _Return(self, node: ast.Return) -> Iterator[Edit]:  # noqa: N802
        if node.value is not None:
            yield self._put(node.value, "None")

    def _With(self, node: ast.With) -> Iterator[Edit]:  # noqa: N802
        if not any(item.optional_vars for item in node.items):
            yield Edit(self._start(node), self._end(node.items[-1].context_expr), "if True")

    def _ExceptHandler(self, node: ast.ExceptHandler) -> Iterator[Edit]:  # noqa: N802
        if isinstance(node.type, ast.Tuple):
            yield from (self._without(kind, node.type.elts) for kind in node.type.elts)
        if node.type is not None:
            yield self._put(node.type, "()")


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What a node consists of and what may be changed: no annotations; nothing
    that an exception says to people; and no pieces of f-strings, whose places not
    every version of Python knows."""
    if isinstance(node, ast.Raise):
        return
    for name, field in ast.iter_fields(node):
        for child in field if isinstance(field, list) else [field]:
            is_tree = isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr)
            if is_tree and name not in _ANNOTATIONS and not _is_docstring(child):
                yield child


def _name_of(node: ast.AST) -> str:
    """The last part of a name; ``""`` of what has none."""
    return getattr(node, "attr", "") or getattr(node, "id", "")


def _is_value(node: ast.AST) -> bool:
    """Whether a node is a literal, ``-1`` among them, or the name of a constant."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.Constant) or _name_of(node).isupper()


def _is_number(node: ast.AST) -> bool:
    """Whether a node is an integer as it is written, with no sign."""
    return isinstance(node, ast.Constant) and type(node.value) is int


def _has_no_order(left: ast.AST, right: ast.AST) -> bool:
    """Whether nothing stands above or below a value: a text, the name of a
    constant, the -1 or 0 with which a call says what has become of it."""
    value = getattr(right, "value", None)
    return _is_value(right) and (not isinstance(value, int | float) or (value == 0 and isinstance(left, ast.Call)))


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
