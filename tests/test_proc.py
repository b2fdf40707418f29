"""What proc(5) tells of a task, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from grader.processes import proc


@pytest.fixture
def sleeper():
    """A process that waits for a line, and sleeps by now."""
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.stdout.readline()
        while proc.state(process.pid) != "S":
            os.sched_yield()
        yield process
        process.stdin.close()


def test_a_task_that_has_left_the_processor_sleeps(sleeper):
    assert proc.state(sleeper.pid) == proc.letter(sleeper.pid) == "S"
    assert proc.state(f"{sleeper.pid}/task/{sleeper.pid}") == "S"


def test_a_task_that_calls_itself_asleep_and_still_runs_does_not_sleep(sleeper, monkeypatch):
    # as waitpid(2) does while it takes a dead child away, and has lost the processor
    read = proc.read
    monkeypatch.setattr(proc, "read", lambda path: b"running\n" if path.endswith("/syscall") else read(path))
    assert (proc.letter(sleeper.pid), proc.state(sleeper.pid)) == ("S", "R")


def test_the_letter_has_to_do_where_its_call_is_not_told(sleeper, monkeypatch):
    read = proc.read

    def refuse(path: str) -> bytes:
        if path.endswith("/syscall"):
            raise PermissionError(path)
        return read(path)

    monkeypatch.setattr(proc, "read", refuse)
    assert proc.state(sleeper.pid) == "S"


def test_a_task_that_is_gone_has_no_state():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(OSError, match=str(child)):
        proc.state(child)
