"""Names and lines of the learner's source, for sentences about its calls."""

from __future__ import annotations

import ast
import re
import textwrap
from functools import cached_property

from grader.trace.calls import TABLE, TIMED_WAITS
from grader.trace.reader import Call
from grader.verdict.model import Excerpt, Moment

#: Functions of Python's library that make a call, beside those that are it.
_MAKING = {
    "socket": ("create_connection", "create_server"),
    "connect": ("create_connection",),
    "getaddrinfo": ("create_connection",),
    "poll": ("select",),
    "epoll_wait": ("select",),
    "sendmsg": ("send_fds",),
    "recvmsg": ("recv_fds",),
    "pthread_create": ("start",),
    "pthread_join": ("join",),
    "open": ("mkstemp", "touch"),
    "fopen": ("read_text", "write_text", "read_bytes", "write_bytes"),
    "mkdir": ("makedirs", "mkdtemp", "TemporaryDirectory"),
    "stat": ("exists", "is_socket", "is_file", "is_dir", "S_ISSOCK"),
    "execve": ("execvp", "execvpe", "execl", "execlp", "execle"),
    "posix_spawn": ("Popen", "run", "call", "check_call", "check_output"),
}
#: How a program may spell a call in Python.
_PYTHON_NAMES = {
    call.name: (
        *dict.fromkeys(
            (call.name, *(name.rpartition(".")[2] for name in call.python.split()), *_MAKING.get(call.name, ()))
        ),
    )
    for call in TABLE
}
#: Functions of Python's that make several calls, each with arguments of its own.
_COMPOSED = ("create_connection", "create_server")
#: How it may in C, where that is not the call's name alone.
_C_NAMES = {call.name: tuple(call.c.split()) for call in TABLE if " " in call.c} | {
    "sleep": ("sleep", "usleep", "nanosleep", "clock_nanosleep", "poll", "select", *TIMED_WAITS),
    "exit": ("_exit", "_Exit", "exit"),
    "close": ("close", "fclose"),
    "write": ("write",),  # whose arguments no other function has
    "sendfile": ("sendfile",),
}


class Source:
    """One file of the learner's.

    Args:
        language: ``"python"`` or ``"c"``.
        name: how the file is called in sentences.
        text: its text.
    """

    def __init__(self, language: str, name: str, text: str) -> None:
        self.language, self.name, self.text = language, name, text
        self.lines = text.splitlines()
        self._descriptors: dict[tuple[str, int | None], str] = {}

    def line(self, number: int | None) -> str:
        """The text of a line, without what surrounds it; ``""`` if there is none."""
        return self.lines[number - 1].strip() if number and number <= len(self.lines) else ""

    def excerpt(self, moment: Moment) -> Excerpt | None:
        """A line between its neighbours; None if the file has no such line."""
        at = moment.line
        if not 0 < at <= len(self.lines):
            return None
        first = max(1, at - 1)
        text = "\n".join(line.expandtabs(4) for line in self.lines[first - 1 : at + 1])
        callers = tuple((number, self.line(number)) for number in moment.callers)
        return Excerpt(first, tuple(textwrap.dedent(text).split("\n")), at, moment.values, callers)

    def line_with(self, text: str) -> int | None:
        """The number of the first line that has a text in it."""
        return next((number for number, line in enumerate(self.lines, 1) if text in line), None)

    def descriptor(self, call: Call) -> str:
        """The variable whose descriptor a call works on, ``""`` if unknown."""
        place = call.name, call.line  # a loop makes thousands of calls at one
        if place not in self._descriptors:
            self._descriptors[place] = self._descriptor(call)
        return self._descriptors[place]

    def _descriptor(self, call: Call) -> str:
        if self.language == "python":
            node = self._call(call)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                text = ast.unparse(node.func.value)
                if text in ("os", "fcntl") and call.fd >= 0 and node.args:
                    text = ast.unparse(node.args[0])
                return text if re.fullmatch(r"[\w.]+", text) and text not in ("socket", "os", "fcntl") else ""
            return ""
        arguments = self.arguments(call)
        return arguments[0] if arguments and re.fullmatch(r"[\w.>\-\[\]]+", arguments[0]) else ""

    def arguments(self, call: Call) -> list[str]:
        """The source text of a call's arguments; none if it is not found."""
        if self.language == "python":
            node = self._call(call)
            return [ast.unparse(argument) for argument in node.args] if node else []
        text, end = self._c_call(call)
        return _split(text[end:]) if end else []

    def spelled(self, call: Call) -> str:
        """The function that the text calls: ``socket.socket``, ``recv_into``,
        ``ppoll``; ``""`` if it is not found, or makes other calls too."""
        if self.language == "python":
            node = self._call(call)
            text = ast.unparse(node.func) if node else ""
            is_plain = re.fullmatch(r"[\w.]{,40}", text) and text.rpartition(".")[2] not in _COMPOSED
            return text if is_plain else ""
        text, end = self._c_call(call)
        return re.search(r"(\w+)\s*\($", text[:end]).group(1) if end else ""

    def _c_call(self, call: Call) -> tuple[str, int]:
        """The text from a call's line on, and where its arguments begin; 0 if
        they are not found."""
        text = "\n".join(self.lines[(call.line or 1) - 1 : (call.line or 1) + 6]) if call.line else ""
        for name in _C_NAMES.get(call.name, (call.name,)):
            if found := re.search(rf"\b{name}\s*\(", text):
                return text, found.end()
        return text, 0

    def assigned(self, call: Call) -> str:
        """The variable that a call's result is stored in, ``""`` if unknown."""
        if self.language == "python":
            for node in ast.walk(self._tree or ast.Module([], [])):
                if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and _spans(node, call.line):
                    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                    return ast.unparse(target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target)
                if (
                    isinstance(node, ast.withitem)
                    and node.optional_vars is not None
                    and _spans(node.context_expr, call.line)
                ):
                    return ast.unparse(node.optional_vars)
            return ""
        names = "|".join(_C_NAMES.get(call.name, (call.name,)))
        found = re.search(rf"([\w.>\-\[\]]+)\s*=\s*\(*\s*(?:{names})\s*\(", self.line(call.line))
        return found.group(1) if found else ""

    def definition(self, function: str) -> int | None:
        """The line on which a function is defined; None if it is not found."""
        if self.language == "python":
            nodes = ast.walk(self._tree or ast.Module([], []))
            definitions = (ast.FunctionDef, ast.AsyncFunctionDef)
            return next((n.lineno for n in nodes if isinstance(n, definitions) and n.name == function), None)
        found = re.search(rf"^[A-Za-z_][\w\s*]*?\b({function})\s*\([^;{{}}]*\)\s*\{{", self.text, re.MULTILINE)
        return self.text.count("\n", 0, found.start(1)) + 1 if found else None

    @cached_property
    def _tree(self) -> ast.Module | None:
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError):
            return None

    def _call(self, call: Call) -> ast.Call | None:
        names = _PYTHON_NAMES[call.name]
        best = None
        for node in ast.walk(self._tree or ast.Module([], [])):
            if isinstance(node, ast.Call) and _spans(node, call.line):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                if name in names and (best is None or node.lineno >= best.lineno):
                    best = node
        return best


def _spans(node: ast.AST, line: int | None) -> bool:
    return line is not None and node.lineno <= line <= (node.end_lineno or node.lineno)


def _split(text: str) -> list[str]:
    """The arguments up to the closing parenthesis, split at top-level commas."""
    arguments, depth, start, quote = [], 0, 0, ""
    for i, character in enumerate(text):
        if quote:
            quote = "" if character == quote and text[i - 1] != "\\" else quote
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            if depth == 0:
                arguments.append(text[start:i].strip())
                return [argument for argument in arguments if argument]
            depth -= 1
        elif character == "," and depth == 0:
            arguments.append(text[start:i].strip())
            start = i + 1
    return []
