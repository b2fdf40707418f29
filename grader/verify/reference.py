"""Writes ``docs/verbs.md``, the reference of what a check can say, from the code:

python -m grader.verify.reference > docs/verbs.md
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from grader.learner.program import Null
from grader.trace import faults
from grader.trace.calls import GROUPS, TABLE
from grader.trace.layout import STATES
from grader.verbs import script
from grader.verbs.caller import Caller
from grader.verbs.cast import PARTS, Cast
from grader.verbs.clients import Clients, Crowd
from grader.verbs.clock import Clock
from grader.verbs.folder import Directory
from grader.verbs.learner import Learner
from grader.verbs.log import Log
from grader.verbs.network import OwnNetwork
from grader.verbs.peer import Peer
from grader.verbs.routing import Route
from grader.verbs.subject import Subject
from grader.verbs.wires import Wire
from grader.verdict import rules

#: A gap's slug, as the source of a rule has it.
_SLUG = re.compile(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"')
#: Where it asks for a kind of failure, which may look like a slug.
_KINDS = re.compile(r'failure\.kind (?:==|!=|in|not in) (?:"[^"]*"|\([^)]*\))')

_INTRODUCTION = """\
# The verbs of checks

Written from the code by `python -m grader.verify.reference`; a test holds the
two together. [Adding an exercise](adding-an-exercise.md) shows them at work.

A check is a function `check_<what_it_demands>` in `grader/checks/check_<slug>.py`.
Its docstring is the title in every report; it completes the words "the program".
Its parameters name the parts it needs. It reads in order of time, one verb a
line, and has no `assert`, loop, `try`, `sleep` or port number. The same function
judges Python and C.
"""


_ABOUT_RULES = """\
When a check fails, rules look at the trace for the cause. A rule goes by the
slug of a gap: an exercise that has a gap of that name gets its sentence, its
hints and its line from there; of several slugs, the first that the exercise has.
One that has no such gap is told the same without a name. What the script itself
proves with `mistakes`, `gap` or `instead` is said before any rule that names none.
"""


def text() -> str:
    """The whole page."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "## Decorators\n"
    for decorator in (script.reveals, script.only, script.torture):
        yield from _entry(f"@{decorator.__name__}", decorator, decorator is not script.torture)
    yield "## Parts\n"
    yield "A check gets what its parameters name.\n"
    yield "| Part | What it is |"
    yield "| --- | --- |"
    for name in PARTS:
        documented = getattr(Cast, name.removeprefix("other_"), None)
        if documented is not None:
            yield f"| `{name}` | {_first_sentence(documented)} |"
    yield ""
    yield from _verbs("learner", Learner)
    yield from _verbs("peer", Peer)
    yield from _verbs("clients", Clients)
    yield from _verbs("crowd", Crowd)
    yield from _verbs("clock", Clock)
    yield from _verbs("folder", Directory)
    yield from _verbs("log", Log)
    yield from _verbs("process", Subject)
    yield from _verbs("network", OwnNetwork)
    yield from _verbs("wire", Wire)
    yield from _verbs("route", Route, beside=Wire)
    yield from _verbs("caller", Caller)
    yield "## fault(call, ...)\n"
    yield inspect.getdoc(faults).split("\n\n", 1)[0] + "\n"
    yield "| Word | Effect |"
    yield "| --- | --- |"
    yield from _fault_words()
    yield '| `errors` | instead of `error`: one for each such call in turn, `""` for none; `when` has no number then |'
    yield ""
    yield (
        "`call` is one of those that are traced, or a group that counts as one: "
        + "; ".join(f"`{group}` is {', '.join(names)}" for group, names in GROUPS.items())
        + ".\n"
    )
    yield f"The states of `when`: {', '.join(f'`{state}`' for state in STATES)}.\n"
    yield "| Call | In C | In Python | What its record holds |"
    yield "| --- | --- | --- | --- |"
    for call in TABLE:
        yield f"| `{call.name}` | {_listed(call.c)} | {_listed(call.python)} | {call.args.replace(' ', ', ')} |"
    yield ""
    yield "## Null\n"
    yield inspect.getdoc(Null) + "\n"
    yield "## Rules\n"
    yield _ABOUT_RULES
    yield "| Gap | What the rule sees |"
    yield "| --- | --- |"
    for slug, sentences in sorted(_rules().items()):
        yield f"| `{slug}` | {'; '.join(sentences)} |"


def _verbs(name: str, kind: type, beside: type = object) -> Iterator[str]:
    """The verbs of a part, but for those that it has of another one."""
    yield f"## {name}\n"
    yield inspect.getdoc(kind) + "\n"
    for verb, member in [item for each in kind.__mro__[: kind.__mro__.index(beside)] for item in vars(each).items()]:
        if verb.startswith("_") or verb == "close":
            continue
        if isinstance(member, property):
            yield from _entry(f"{name}.{verb}", member.fget, called=False)
        elif callable(member):
            yield from _entry(f"{name}.{verb}", member, called=True)


def _entry(shown: str, member: Callable[..., Any], called: bool) -> Iterator[str]:
    if called:
        parameters = [p for p in inspect.signature(member).parameters.values() if p.name != "self"]
        signature = str(inspect.Signature(parameters))
        shown += re.sub(r"(: |-> )'([^']*)'", r"\1\2", signature)  # annotations are text
    yield f"### `{shown}`\n"
    yield _as_markdown(inspect.getdoc(member) or "") + "\n"


def _as_markdown(docstring: str) -> str:
    """A docstring with its sections Args and Raises as lists."""
    lines, section = [], False
    for line in docstring.splitlines():
        if line in ("Args:", "Raises:", "Returns:", "Attributes:"):
            section = True
            continue
        item = re.match(r"    (\S.*)", line)
        if section and item:
            lines.append(f"- {item.group(1)}")
        elif section and line.startswith("        "):
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
    return re.sub(r"  +(?=\S)(?<=\. )", " ", "\n".join(lines)).replace("``", "`")


def _listed(functions: str) -> str:
    return ", ".join(f"`{function}`" for function in functions.split())


def _fault_words() -> Iterator[str]:
    """The table in the docstring of the faults, as Markdown."""
    table = inspect.getdoc(faults).split("=\n", 1)[1].rsplit("\n=", 1)[0]
    for line in re.sub(r"\n {11}", " ", table).splitlines():
        word, _, effect = line.partition(" ")
        yield f"| `{word}` | {effect.strip().replace('``', '`')} |"


def _rules() -> dict[str, list[str]]:
    """Slug -> what the rules that go by it say of themselves."""
    found: dict[str, list[str]] = {}
    for rule in (*rules.EXPLANATIONS, *rules.VIOLATIONS):
        sentence = " ".join((inspect.getdoc(rule) or "").split("\n\n")[0].split())
        sentence = re.sub(r" \(M\d+(, M\d+)*\)", "", sentence).rstrip(".")
        for slug in dict.fromkeys(_SLUG.findall(_KINDS.sub("", inspect.getsource(rule)))):
            found.setdefault(slug, []).append(sentence.replace("``", "`"))
    return found


def _first_sentence(member: Any) -> str:
    return " ".join((inspect.getdoc(member) or "").split("\n\n")[0].split()).replace("``", "`")


if __name__ == "__main__":
    print(text(), end="")
