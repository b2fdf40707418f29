"""What proc(5) tells of a task, and what it does not."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from functools import partial

import pytest

from grader.processes import futex, proc


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


def _waits(statement: str):
    """A process one thread of which waits as the statement has it, and that thread's system call."""
    code = f"import threading; lock = threading.Lock(); lock.acquire(); print(flush=True); {statement}"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    process.stdout.readline()
    while not futex.is_wait(call := _system_call(process.pid)):
        os.sched_yield()
    return process, call


def _system_call(pid: int) -> list[int]:
    words = proc.read(f"/proc/{pid}/syscall").split()
    return [-1] if len(words) < 5 else [int(words[0]), *(int(word, 16) for word in words[1:])]


@pytest.mark.parametrize(
    ("statement", "least", "most"),
    [("lock.acquire()", math.inf, math.inf), ("lock.acquire(timeout=7200)", 3600, 7200)],
)
def test_a_wait_on_a_lock_tells_how_long_it_lasts(statement, least, most):
    process, call = _waits(statement)
    with process:
        left = futex.seconds_left(call, partial(proc.memory, process.pid))
        process.kill()
    assert least <= left <= most
    assert futex.is_endless(call) == (least == math.inf)


def test_a_wait_that_goes_on_after_a_stop_is_the_same_wait():
    process, _ = _waits("lock.acquire(timeout=7200)")
    with process:
        process.send_signal(signal.SIGSTOP)
        while proc.letter(process.pid) != "T":
            os.sched_yield()
        process.send_signal(signal.SIGCONT)
        while not futex.is_wait(call := _system_call(process.pid)):
            os.sched_yield()
        left = futex.seconds_left(call, partial(proc.memory, process.pid))
        process.kill()
    assert 3600 < left <= 7200
