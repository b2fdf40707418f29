"""The files of the exercises: complete, in agreement, and naming what exists."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from grader.catalogue.exercises import LANGUAGES, Exercise, Gap, ManifestError
from grader.catalogue.gaps import Gaps
from grader.verify.clauses import clauses_have_checks
from grader.verify.model import Breach
from grader.verify.mutation import equivalents

PARTS = range(1, 7)
MOST_HINTS = 3
SECTIONS = ["Story", "Contract", "On a good day", "Run", "Read"]
_REFERENCE = re.compile(r"([\w.-]+)\((\d)\)(?:, (.+))?")
_IGNORED = ("__pycache__", ".pytest_cache")


def lint(exercise: Exercise, every: list[Exercise]) -> list[Breach]:
    """Everything that is amiss with the files of an exercise.

    Args:
        every: all exercises of the project, which it may refer to.
    """
    found = [*_among(exercise, every), *_prerequisites(exercise, every)]
    files = (_files, _readme, _contract, _manifest, _gaps_have_edits, _checks_name_gaps)
    for rule in (*files, clauses_have_checks, equivalents.entries_are_right):
        found += rule(exercise)
    return found


def _breach(exercise: Exercise, path: Path, sentence: str, advice: str) -> Breach:
    shown = path.relative_to(exercise.root) if path.is_relative_to(exercise.root) else path
    return Breach(0, exercise.label, str(shown), sentence, advice)


def _manifest_path(exercise: Exercise) -> Path:
    return exercise.root / "exercises" / exercise.key / "exercise.toml"


# --- between exercises ----------------------------------------------------


def _among(exercise: Exercise, every: list[Exercise]) -> Iterator[Breach]:
    others = [other for other in every if other.key != exercise.key]
    for what, mine, theirs in (
        ("number", f"{exercise.number:02}", {f"{other.number:02}" for other in others}),
        ("slug", exercise.slug, {other.slug for other in others}),
    ):
        if mine in theirs:
            yield _breach(
                exercise, _manifest_path(exercise).parent, f"the {what} {mine} is taken twice",
                "give one of the exercises another: rename its folders and its check",
            )  # fmt: skip


def _prerequisites(exercise: Exercise, every: list[Exercise]) -> Iterator[Breach]:
    known = {e.key: e for e in every}
    for key in exercise.after:
        if key not in known:
            yield _breach(
                exercise, _manifest_path(exercise), f"it comes after {key}, which does not exist",
                f"name one of {', '.join(known)}",
            )  # fmt: skip
    seen, rest = set(), list(exercise.after)
    while rest:
        key = rest.pop()
        if key == exercise.key:
            yield _breach(
                exercise, _manifest_path(exercise), "it comes after itself, by way of its prerequisites",
                "break the circle of `after`",
            )  # fmt: skip
            return
        if key in known and key not in seen:
            seen.add(key)
            rest += known[key].after


# --- files ----------------------------------------------------------------


def _files(exercise: Exercise) -> Iterator[Breach]:
    root, key, slug = exercise.root, exercise.key, exercise.slug
    needed = {
        root / "exercises" / key: {"README.md", "exercise.toml", f"{slug}.py"},
        root / "c_stubs" / key: {f"{slug}.h", f"{slug}.c", "binding.py"},
        root / "solutions" / key: {"gaps.toml", f"{slug}.py", f"{slug}.c", "accepted"},
    }
    free = {root / "solutions" / key: {equivalents.NAME}, root / "exercises" / key: {"run.toml"}}
    for folder, names in needed.items():
        there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        for name in sorted(names - there):
            yield _breach(exercise, folder / name, "it is missing", "write it; nox -s new shows what it looks like")
        for name in sorted(there - names - free.get(folder, set()) - set(_IGNORED)):
            yield _breach(exercise, folder / name, "it does not belong there", "move it away, or delete it")
    accepted = root / "solutions" / key / "accepted"
    for path in sorted(accepted.iterdir()) if accepted.is_dir() else ():
        if path.suffix not in (".py", ".c") and path.name not in _IGNORED:
            yield _breach(exercise, path, "it is neither Python nor C", "keep accepted variants here, and nothing else")
    check = root / "grader" / "checks" / f"check_{slug}.py"
    if not check.is_file():
        yield _breach(exercise, check, "it is missing", "write the exercise's checks there")


# --- the README and the contract ------------------------------------------


def _readme(exercise: Exercise) -> Iterator[Breach]:
    path = exercise.root / "exercises" / exercise.key / "README.md"
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^## (.+)$", text, re.MULTILINE)
    if [section for section in found if section in SECTIONS] != SECTIONS:
        yield _breach(
            exercise, path, f"its sections are {', '.join(found) or 'none'}",
            f"have {', '.join(SECTIONS)}, in that order",
        )  # fmt: skip
    if not text.startswith(f"# {exercise.key[:2]} {exercise.slug}"):
        yield _breach(
            exercise, path, "its title is not the exercise's", f"begin with # {exercise.key[:2]} {exercise.slug}"
        )
    for reference in re.findall(r"\b[\w.-]+\([2-8]\)", text):
        if (page := _page_is_missing(reference)) is not None:
            yield _breach(exercise, path, f"it refers to {reference}; {page}", "name a page that exists")
    table = exercise.root / "README.md"
    if table.is_file():
        rows = [line for line in table.read_text(encoding="utf-8").splitlines() if exercise.row.split(" | ")[0] in line]
        if not rows:
            yield _breach(exercise, table, "its table of exercises lacks this one", f"add the row {exercise.row}")
        elif exercise.row not in rows:
            yield _breach(exercise, table, "its row is not what exercise.toml says", f"let it be {exercise.row}")


def _contract(exercise: Exercise) -> Iterator[Breach]:
    readme = exercise.root / "exercises" / exercise.key / "README.md"
    if not (readme.is_file() and exercise.header.is_file()):
        return
    text = _squeezed(readme.read_text(encoding="utf-8"))
    prototypes = _prototypes(exercise.header.read_text(encoding="utf-8"))
    if not prototypes:
        yield _breach(exercise, exercise.header, "it declares no function", "declare the contract's functions")
    for prototype in prototypes:
        if _squeezed(prototype) not in text:
            yield _breach(exercise, readme, f"it does not have the C contract {prototype}", "copy it from the header")
    for name, signature in exercise.functions.items():
        if not any(_squeezed(form) in text for form in _forms(name, signature)):
            yield _breach(
                exercise, readme, f"it does not have the Python contract {signature}", "copy it from exercise.toml"
            )
        yield from _python_agrees(exercise, name, signature)


def _forms(name: str, signature: str) -> Iterator[str]:
    """How a README may write a signature: in a class there is ``self``, too."""
    yield signature
    _, parameters = signature.split("(", 1)
    method = name.partition(".")[2] or "__init__"
    yield f"{method}(self{'' if parameters.startswith(')') else ', '}{parameters}"


def _python_agrees(exercise: Exercise, name: str, signature: str) -> Iterator[Breach]:
    path = exercise.solution("python")
    if not path.is_file():
        return
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        wanted = ast.parse(f"def {signature}: ...").body[0]
    except SyntaxError as error:
        yield _breach(
            exercise, path, f"{name} is not Python: {error.msg}", "mend it, or the signature in exercise.toml"
        )
        return
    found = _defined(tree.body, name.split("."))
    if found is None:
        yield _breach(exercise, path, f"{name} is not defined", "define what exercise.toml names")
    elif isinstance(found, ast.FunctionDef):
        arguments = [argument.arg for argument in found.args.args if argument.arg != "self"]
        if arguments != [argument.arg for argument in wanted.args.args]:
            yield _breach(exercise, path, f"{name}() has other parameters than {signature}", "make the two agree")


def _defined(body: list[ast.stmt], names: list[str]) -> ast.stmt | None:
    """The definition of a function or class, or of what stands in a class:
    ``["LineReader", "read_line"]``."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == names[0]:
            return node if len(names) == 1 else _defined(getattr(node, "body", []), names[1:])
    return None


def _prototypes(header: str) -> list[str]:
    """The function declarations of a header, each on one line, without a semicolon."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", header, flags=re.DOTALL)
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    text = re.sub(r"\{[^{}]*\}", "", text)
    return [" ".join(part.split()) for part in text.split(";") if "(" in part]


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


# --- the manifest ---------------------------------------------------------


def _manifest(exercise: Exercise) -> Iterator[Breach]:
    path = _manifest_path(exercise)
    if exercise.part not in PARTS:
        yield _breach(exercise, path, f"part {exercise.part} is not one of the syllabus", "parts are 1 to 6")
    for name in ("title", "teaches"):
        if not getattr(exercise, name).strip():
            yield _breach(exercise, path, f"its {name} is empty", "say it in a few words")
    for gap in exercise.gaps.values():
        for sentence, advice in _amiss_with(gap):
            yield _breach(exercise, path, f"gap {gap.slug}: {sentence}", advice)


def _amiss_with(gap: Gap) -> Iterator[tuple[str, str]]:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", gap.slug):
        yield "its slug is not words joined by hyphens", "name it like short-send"
    if not gap.sentence.strip() or gap.sentence.rstrip().endswith("."):
        yield "its sentence is empty or ends with a full stop", "say what is wrong in one sentence, without the stop"
    if not 1 <= len(gap.hints) <= MOST_HINTS:
        yield f"it has {len(gap.hints)} hints", f"write one to {MOST_HINTS}"
    if not all(hint.strip() for hint in gap.hints):
        yield "one of its hints is empty", "write it, or leave it out"
    if not gap.read:
        yield "it has nothing to read", "name a man page"
    for reference in gap.read:
        if (missing := _page_is_missing(reference)) is not None:
            yield f"it refers to {reference}; {missing}", "name a page and a heading that exist"
    if set(gap.languages) - set(LANGUAGES) or not gap.languages:
        yield f"its languages are {', '.join(gap.languages) or 'none'}", f"choose of {', '.join(LANGUAGES)}"
    if len(gap.languages) == 1 and not gap.because.strip():
        yield "it exists in one language only, and does not say why", "add `because`"


def _gaps_have_edits(exercise: Exercise) -> Iterator[Breach]:
    path = exercise.root / "solutions" / exercise.key / "gaps.toml"
    try:
        opened = Gaps(exercise).opened
    except ManifestError:
        return  # it is missing: said already
    for slug, languages in opened.items():
        if slug not in exercise.gaps:
            yield _breach(
                exercise, path, f"it opens {slug}, which exercise.toml does not have", "remove one, or add one"
            )
            continue
        for language in languages - set(exercise.gaps[slug].languages):
            yield _breach(
                exercise, path, f"it opens {slug} in {language}, where the gap does not exist", "see `languages`"
            )
    for gap in exercise.gaps.values():
        for language in gap.languages:
            if language not in opened.get(gap.slug, set()):
                yield _breach(
                    exercise, path, f"no edit opens {gap.slug} in {language}", f"add [[{gap.slug}.{language}]]"
                )


def _checks_name_gaps(exercise: Exercise) -> Iterator[Breach]:
    """What a check says of a gap elsewhere than in @reveals, where law 4 looks."""
    path = exercise.checks
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return  # said already
    for keyword in (node for node in ast.walk(tree) if isinstance(node, ast.keyword)):
        if keyword.arg == "mistakes" and isinstance(keyword.value, ast.Dict):
            named = keyword.value.values
        elif keyword.arg in ("gap", "instead", "kept"):
            named = [keyword.value]
        else:
            continue
        for slug in (node.value for node in named if isinstance(node, ast.Constant)):
            if slug and slug not in exercise.gaps:
                yield _breach(
                    exercise, path, f"line {keyword.value.lineno} names {slug}, a gap that exercise.toml does not have",
                    "correct one of the two",
                )  # fmt: skip


# --- man pages ------------------------------------------------------------


def has_manual() -> bool:
    """Whether the manual of system calls is installed here."""
    return shutil.which("man") is not None and _page("socket", "2") is not None


@cache
def _page_is_missing(reference: str) -> str | None:
    """What is wrong with a reference such as ``send(2), RETURN VALUE``; None if
    nothing is, or if there is no manual to look it up in."""
    match = _REFERENCE.fullmatch(reference)
    if match is None or not has_manual():
        return None  # a document of another kind
    name, section, heading = match.groups()
    text = _page(name, section)
    if text is None:
        return "there is no such page"
    if heading and _plain(heading) not in _plain(text):
        return f"the page does not have {heading!r}"
    return None


@cache
def _page(name: str, section: str) -> str | None:
    done = subprocess.run(
        ["man", "--encoding=utf8", section, name],
        capture_output=True, text=True, errors="replace", check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "MANWIDTH": "1000", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"},
    )  # fmt: skip
    return done.stdout if done.returncode == 0 and done.stdout else None


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r".\x08", "", text)).lower()
