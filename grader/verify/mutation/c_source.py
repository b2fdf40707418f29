"""The standard mutants of a C program, over its tokens and the outline of its
statements.

What the compiler refuses is no mutant; so the outline may guess, and there is no
need for a parser that knows every type of every header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from grader.verify.mutation.model import EQUALITIES, HINTS, IS_TRUE, RELATIONS, Edit, beside, is_round

_TOKEN = re.compile(
    r"(?P<skip>\s+|/\*.*?\*/|//[^\n]*|\#[ \t]*define[ \t]+\w+|\#[^\n]*)"
    r'|(?P<text>"(?:\\.|[^"\\])*")'
    r"|(?P<character>'(?:\\.|[^'\\])+')"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[^\w\s])",
    re.DOTALL,
)
_JOINTS = {"&&": "||", "||": "&&"}
_INSTEAD = {
    "+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "|",
    "++": "--", "--": "++",
}  # fmt: skip
_ASSIGNMENTS = {f"{sign}=": f"{other}=" for sign, other in _INSTEAD.items() if sign not in ("++", "--")}
#: An operand can be missing beside one of these.
_DROPPED = ("+", "-", "|", "&")
_OPEN, _CLOSED = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
#: Where an operand ends, however weak the operator.
_EDGES = {",", ";", "?", ":", "=", "return", *_ASSIGNMENTS}
_STRONGER = {"&&": {"&&", "||"}, "||": {"||"}, "?": set(), **{sign: {"&&", "||"} for sign in RELATIONS}}
_HEADS = ("if", "while", "for", "switch")
_JUMPS = {"break": "continue", "continue": "break"}
_TYPES = set(
    "char const double enum extern float int long short signed static struct union unsigned void volatile".split()
)
#: What stands before an argument or an element.
_LISTS = ("(", ",", "{")
#: What a variable begins with in place of one of these: it is a count or a truth.
_TRUTHS = {"0": "1", "1": "0"}
#: In place of what a function returns.
_RESULTS = ("0", "-1")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def edits(text: str) -> Iterator[Edit]:
    """Every edit that makes a standard mutant of a C program."""
    yield from _Source(text).edits()


class _Source:
    """A program's tokens, with brackets matched."""

    def __init__(self, text: str) -> None:
        self._text = text
        found = [_Token(m.lastgroup, m.group(), *m.span()) for m in _TOKEN.finditer(text)]
        self._tokens = [token for token in found if token.kind != "skip"]
        self._partner: dict[int, int] = {}
        still_open: list[int] = []
        for i, token in enumerate(self._tokens):
            if token.text in _OPEN:
                still_open.append(i)
            elif token.text in _CLOSED:
                self._partner[i] = still_open.pop()
                self._partner[self._partner[i]] = i
        #: Tokens whose own changes nothing could tell from those of what they stand in.
        self._settled: set[int] = set()
        self._pointers = set(self._named_pointers())

    def edits(self) -> list[Edit]:
        found: list[Edit] = []
        for i, token in enumerate(self._tokens):
            if token.text == "{" and i and self._tokens[i - 1].text == ")":  # the body of a function, or a block
                found += self._of_block(i)
            elif token.text in EQUALITIES and self._is_value(i + 1, self._right_of(i)):
                self._settled.update(range(i + 1, self._right_of(i) + 1))
            elif token.text in HINTS and self._sign(i + 1) == "(":
                self._settled.update(range(i + 1, self._partner[i + 1]))
        for i, token in enumerate(self._tokens):
            if i not in self._settled:
                found += getattr(self, f"_of_{token.kind}")(i, token)
        return found

    def _span(self, first: int, last: int, put: str) -> Edit:
        return Edit(self._tokens[first].start, self._tokens[last].end, put)

    def _close(self, i: int) -> int:
        """The bracket that closes the one at i; i itself if there is none."""
        return self._partner[i] if self._sign(i) in _OPEN else i

    def _open(self, i: int) -> int:
        """The bracket that opens the one at i; i itself if there is none."""
        return self._partner[i] if self._sign(i) in _CLOSED else i

    def _said(self, first: int, last: int) -> str:
        return self._text[self._tokens[first].start : self._tokens[last].end]

    def _sign(self, i: int) -> str:
        return self._tokens[i].text if 0 <= i < len(self._tokens) else ";"

    # --- tokens -----------------------------------------------------------

    def _of_text(self, i: int, token: _Token) -> Iterator[Edit]:
        if token.text != '""':
            yield self._span(i, i, '""')

    def _of_character(self, i: int, token: _Token) -> Iterator[Edit]:
        yield self._span(i, i, "0")

    def _of_number(self, i: int, token: _Token) -> Iterator[Edit]:
        before, after = self._sign(i - 1), self._sign(i + 1)
        is_negative = before == "-" and not self._is_between(i - 1)
        if before == "{" and after == "}":  # clears a structure
            return
        if is_negative or not token.text.isdigit() or (is_round(int(token.text)) and before in _LISTS):
            yield self._span(i - is_negative, i, "0")
            return
        value = int(token.text)
        others = [1] if value == 0 else [value + 1, value - 1, 0]
        if before in RELATIONS and self._right_of(i - 1) == i:
            others = beside(before, value)
        yield from (self._span(i, i, str(other)) for other in others)

    def _of_name(self, i: int, token: _Token) -> Iterator[Edit]:
        if token.text.isupper() and len(token.text) > 1 and token.text != "NULL":
            yield self._span(i, i, "0")
        elif token.text == "sizeof":
            last = self._end_of_operand(i + 1)
            yield self._span(i, last, "1")
        elif token.text in _JUMPS:
            yield self._span(i, i, _JUMPS[token.text])
        elif token.text == "while":
            yield self._span(i, i, "if")

    def _of_sign(self, i: int, token: _Token) -> Iterator[Edit]:
        sign = token.text
        if sign in RELATIONS:
            yield from self._of_relation(i, sign)
        elif sign in _JOINTS:
            yield self._span(i, i, _JOINTS[sign])
            neutral = "1" if sign == "&&" else "0"
            yield self._span(self._left_of(i), i - 1, neutral)
            yield self._span(i + 1, self._right_of(i), neutral)
        elif sign == "?":
            first = self._left_of(i)
            yield from (self._span(first, i - 1, value) for value in ("1", "0"))
        elif sign == "!" or (sign == "~" and not self._is_between(i)):
            yield self._span(i, i, "")
        elif sign in _ASSIGNMENTS:
            yield from (self._span(i, i, other) for other in ("=", _ASSIGNMENTS[sign]))
        elif sign in _INSTEAD and (self._is_between(i) or sign in ("++", "--")):
            yield self._span(i, i, _INSTEAD[sign])
            if sign in _DROPPED:
                before, after = self._start_of_operand(i - 1), self._end_of_operand(i + 1)
                yield self._span(before, i, "")
                yield self._span(i, after, "")

    def _of_relation(self, i: int, sign: str) -> Iterator[Edit]:
        first, last = self._left_of(i), self._right_of(i)
        is_success = self._sign(i - 1) == ")" and self._said(i + 1, last) == "0"
        if sign in EQUALITIES and (is_success or self._has_no_order(i + 1, last) or self._is_pointer(first, i - 1)):
            yield from (self._span(first, last, truth) for truth in ("0", "1"))
            return
        yield self._span(first, last, "1" if IS_TRUE[sign] else "0")
        yield from (self._span(i, i, other) for other in RELATIONS[sign])

    def _is_value(self, first: int, last: int) -> bool:
        """Whether there is a literal, -1 among them, or the name of a constant."""
        token = self._tokens[last]
        is_constant = token.kind in ("number", "character", "text") or (token.kind == "name" and token.text.isupper())
        return is_constant and (first == last or (first == last - 1 and self._sign(first) == "-"))

    def _has_no_order(self, first: int, last: int) -> bool:
        """Whether nothing stands above or below a value: a character, an address,
        the name of a constant, and the -1 with which a call says that it has failed."""
        is_number = first == last and self._tokens[last].kind == "number"
        return (self._is_value(first, last) and not is_number) or self._sign(first) == "&"

    def _named_pointers(self) -> Iterator[str]:
        """What is declared or used as a pointer, in one function or another."""
        for i, token in enumerate(self._tokens):
            if token.kind == "name" and (
                self._sign(i + 1) == "->" or (self._sign(i - 1) == "*" and not self._is_between(i - 1))
            ):
                yield token.text

    def _is_pointer(self, first: int, last: int) -> bool:
        return first == last and self._sign(first) in self._pointers

    def _is_between(self, i: int) -> bool:
        """Whether a sign stands between two operands, with a blank on both sides
        or on none: ``char *p`` has one on one side."""
        before, token, after = self._tokens[i - 1], self._tokens[i], self._tokens[i + 1]
        if not (before.kind in ("name", "number", "character") or before.text in (")", "]")) or before.text == "return":
            return False
        return (before.end == token.start) == (token.end == after.start)

    def _end_of_operand(self, i: int) -> int:
        """The last token of the operand that begins at i."""
        while self._sign(i) in ("*", "&", "-", "!", "~") or (self._sign(i) == "(" and self._is_cast(i)):
            i = self._close(i) + 1
        i = self._close(i)
        while self._sign(i + 1) in ("->", ".", "[", "("):
            i = self._close(i + 1) if self._sign(i + 1) in _OPEN else i + 2
        return i

    def _is_cast(self, i: int) -> bool:
        return self._is_type(i + 1) and self._tokens[self._partner[i] + 1].kind in ("name", "number")

    def _start_of_operand(self, i: int) -> int:
        """The first token of the operand that ends at i."""
        while True:
            i = self._open(i)
            if self._sign(i - 1) in ("->", "."):
                i -= 2
            elif self._sign(i) in ("[", "(") and self._tokens[i - 1].kind == "name":
                i -= 1
            else:
                return i

    def _left_of(self, i: int) -> int:
        """The first token of what stands left of an operator that joins conditions."""
        edges = _EDGES | _STRONGER[self._sign(i)]
        i = self._open(i - 1)
        while self._sign(i - 1) not in edges | _OPEN.keys():
            i = self._open(i - 1)
        return i

    def _right_of(self, i: int) -> int:
        """The last token of what stands right of such an operator."""
        edges = _EDGES | _STRONGER[self._sign(i)]
        i = self._close(i + 1)
        while self._sign(i + 1) not in edges | _CLOSED:
            i = self._close(i + 1)
        return i

    # --- statements -------------------------------------------------------

    def _of_block(self, i: int) -> Iterator[Edit]:
        """The statements of a block, whose brace is at i."""
        at, end = i + 1, self._partner[i]
        while at < end:
            at, found = self._of_statement(at)
            yield from found

    def _of_statement(self, i: int) -> tuple[int, list[Edit]]:
        """Where the next statement begins, and the edits of the one at i."""
        word = self._sign(i)
        if word in _HEADS:
            last = self._partner[i + 1]
            return last + 1, list(self._of_condition(word, i + 2, last - 1))
        if word == "{":  # of an if, a loop or nothing: what follows a `)` has its own turn
            inside = [] if self._sign(i - 1) == ")" else list(self._of_block(i))
            return self._partner[i] + 1, inside
        if word in ("else", "do", "default") or self._sign(i + 1) == ":":
            return i + 1, []
        if word in ("case", ":", ";", "}"):
            return i + 1, []
        last = i
        while self._sign(last) != ";":
            last = self._close(last) + 1
        return last + 1, list(self._of_simple(i, last))

    def _of_condition(self, word: str, first: int, last: int) -> Iterator[Edit]:
        if word == "for":
            signs = [j for j in range(first, last + 1) if self._sign(j) == ";"]
            first, last = signs[0] + 1, signs[1] - 1
        at, top = first, set()
        while at <= last:
            top.add(self._sign(at))
            at = self._close(at) + 1
        if word == "switch" or first > last or top & (_JOINTS.keys() | RELATIONS.keys()):
            return  # a value, none, or what its operators change
        yield self._span(first, last, "0")
        yield self._span(first, last, "1")

    def _of_simple(self, first: int, last: int) -> Iterator[Edit]:
        """The edits of a statement that ends with a semicolon."""
        if self._is_type(first):
            yield from self._of_declaration(first, last)
            return
        if not self._is_whole_body(first):
            yield self._span(first, last, ";")
        if self._sign(first) == "return" and last > first + 1:
            yield from (self._span(first + 1, last - 1, result) for result in _RESULTS)
            if self._is_value(first + 1, last - 1):
                self._settled.update(range(first + 1, last))

    def _is_whole_body(self, i: int) -> bool:
        """Whether a loop does nothing but the `continue` at i."""
        return (
            self._sign(i) == "continue"
            and self._sign(i - 1) == ")"
            and self._sign(self._partner[i - 1] - 1) in ("while", "for")
        )

    def _of_declaration(self, first: int, last: int) -> Iterator[Edit]:
        """Change or leave out what each variable begins with, and leave an array one
        element."""
        at = first
        while at < last:
            if self._sign(at) == "=":
                end = at
                while self._sign(end + 1) not in (",", ";"):
                    end = self._close(end + 1)
                if end == at + 1 and self._sign(end) in _TRUTHS:
                    self._settled.add(end)
                    yield self._span(end, end, _TRUTHS[self._sign(end)])
                else:
                    yield self._span(at, end, "")
                at = end
            elif self._sign(at) == "[" and self._close(at) > at + 1:
                yield self._span(at + 1, self._close(at) - 1, "1")
                self._settled.update(range(at, self._close(at)))
            at = self._close(at) + 1

    def _is_type(self, i: int) -> bool:
        """Whether a declaration, or a cast, begins at i."""
        token = self._tokens[i]
        return token.text in _TYPES or (token.kind == "name" and token.text.endswith("_t"))
