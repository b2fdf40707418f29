"""The table of traced calls, held against the wrappers of both languages."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from grader.catalogue.exercises import PROJECT
from grader.trace import layout
from grader.trace.calls import GROUPS, NUMBER, TABLE, WRAPPED

C = "".join(path.read_text() for path in sorted((PROJECT / "grader/trace/c").glob("*.c")))

#: Prints which functions a program has before it is traced, and finds replaced then.
REPLACED = """
import importlib, json, sys

named = json.loads(sys.argv[1])
pairs = [name.rpartition(".")[::2] for name in named]
before = [getattr(importlib.import_module(module), function) for module, function in pairs]

from grader.trace import layout
from grader.trace.python import tamper
from grader.trace.python.recorder import Recorder
from grader.trace.python.snapshot import Snapshots

tamper.install(Recorder(memoryview(bytearray(layout.SIZE)), Snapshots("", "")))
after = [getattr(importlib.import_module(module), function) for module, function in pairs]
json.dump([name for name, old, new in zip(named, before, after) if old is not new], sys.stdout)
sys.stdout.flush()
"""


def test_every_wrapper_of_c_is_in_the_table() -> None:
    assert set(re.findall(r"__wrap_(\w+)\(", C)) == set(WRAPPED)


def test_every_record_of_c_is_of_a_call_in_the_table() -> None:
    used = {name.lower() for name in re.findall(r"\bOP_([A-Z0-9_]+)", C)}

    assert used - {"thread_start"} == {call.name for call in TABLE if call.c}


def test_every_function_of_the_table_is_wrapped_in_python() -> None:
    names = [name for call in TABLE for name in call.python.split()]
    functions = [name for name in names if not name.startswith(("sock.", "file."))]
    methods = {kind: {name[5:] for name in names if name.startswith(f"{kind}.")} for kind in ("sock", "file")}

    command = [sys.executable, "-c", REPLACED, json.dumps(functions)]
    replaced = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout

    assert json.loads(replaced) == functions
    for kind, modules in {"sock": ("traced_socket", "moving_socket"), "file": ("opened_file",)}.items():
        source = "".join((PROJECT / f"grader/trace/python/{name}.py").read_text() for name in modules)
        assert methods[kind] <= set(re.findall(r"def (\w+)\(", source))


def test_the_c_header_says_what_python_says() -> None:
    header = layout.c_header()

    for name, number in NUMBER.items():
        assert f"#define OP_{name.upper()} {number}\n" in header
    assert f"#define TRACE_RECORD_SIZE {layout.RECORD_SIZE}\n" in header


def test_a_record_has_room_for_the_arguments_of_each_call() -> None:
    assert all(len(call.args.split()) <= 4 for call in TABLE)
    assert len({call.name for call in TABLE}) == len(TABLE)
    assert all(name in NUMBER for names in GROUPS.values() for name in names)
