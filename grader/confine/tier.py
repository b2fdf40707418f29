"""Whether strangers' code can be confined on this machine: tried, not guessed.

The answer is found by looking from inside a box, and by what is seen there; that a
program is installed says nothing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from grader.confine import NotConfined
from grader.confine.box import interpreter
from grader.confine.filter import UnknownMachine, filter_of
from grader.confine.job import Job
from grader.processes.namespaces import isolate, remedy

#: The first bubblewrap with ``--disable-userns``.
_OLDEST = (0, 8)
#: How long a look from inside may take (seconds).
_PATIENCE = 60
#: What ids are called that a namespace does not know (user_namespaces(7)).
_NOBODY = 65534
#: What a look from inside finds, as JSON.
_LOOK = """
import ctypes, json, os, socket
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
def writes(folder):
    try:
        os.close(os.open(folder + "/probe", os.O_CREAT | os.O_WRONLY)); os.unlink(folder + "/probe"); return True
    except OSError:
        return False
print(json.dumps({
    "pid": os.getpid(), "ids": [os.getuid(), os.getgid(), *os.getgroups()],
    "rights": [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "gains": status["NoNewPrivs"].strip(), "filter": status["Seccomp"].strip(),
    "processes": sorted(name for name in os.listdir("/proc") if name.isdigit()),
    "networks": [name for _, name in socket.if_nameindex()],
    "writes": [folder for folder in ("/", "/usr", "/dev", "/etc", CANARY_FOLDER) if writes(folder)],
    "reads": os.path.exists(CANARY), "namespace": ctypes.CDLL(None).unshare(0x10000000) == 0,
    "files": os.statvfs("/tmp").f_files, "environment": sorted(os.environ),
}))
"""


def enter() -> Job:
    """Go into a job's namespaces, and prove that its boxes hold.

    Returns:
        The job, whose programs are confined.  This process must have one thread; it
        stays in the job's namespaces.

    Raises:
        NotConfined: something of it is not to be had on this machine.
    """
    _needs_of_the_machine()
    try:
        isolate()
        job = Job()
    except OSError as error:
        raise NotConfined(f"namespaces of one's own are not allowed here ({error.strerror})", remedy()) from None
    if faults := _seen_from_inside(job):
        job.close()
        raise NotConfined(f"a box does not hold on this machine ({'; '.join(faults)})")
    return job


def look() -> str:
    """What programs would be confined by here, in words, tried in a process that ends
    with it.

    Raises:
        NotConfined: they could not be.
    """
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        _tell(theirs)
    os.close(theirs)
    with open(ours, encoding="utf-8") as answers:
        told = answers.read()
    os.waitpid(pid, 0)
    confined, why, remedy = json.loads(told or '["", "the look has ended before it was done", ""]')
    if not confined:
        raise NotConfined(why, remedy)
    return confined


def _tell(pipe: int) -> NoReturn:
    try:
        job = enter()
        told = [job.tier, "", ""]
        job.close()
    except NotConfined as error:
        told = ["", error.why, error.remedy]
    os.write(pipe, json.dumps(told).encode())
    os._exit(0)


def _needs_of_the_machine() -> None:
    if sys.platform != "linux":
        raise NotConfined("strangers' code is confined on Linux alone; use a Linux machine, a container or WSL 2")
    tools = {"bwrap": "bubblewrap"} | ({"setpriv": "util-linux"} if os.geteuid() == 0 else {})
    if missing := [package for tool, package in tools.items() if shutil.which(tool) is None]:
        raise NotConfined(f"{' and '.join(missing)} is not installed", f"sudo apt install {' '.join(missing)}")
    told = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", told)[:2])
    if version < _OLDEST:
        raise NotConfined(f"{told.strip() or 'bwrap'} is too old; 0.8 is needed, as in Debian 12 and Ubuntu 24.04")
    try:
        filter_of()
    except UnknownMachine as error:
        raise NotConfined(str(error)) from None


def _seen_from_inside(job: Job) -> list[str]:
    """What is not as it should be, seen from inside a box."""
    canary = Path(__file__)  # of the kit, and so to be seen by nobody
    look = f"CANARY, CANARY_FOLDER = {str(canary)!r}, {str(canary.parent)!r}\n{_LOOK}"
    box = job.box_of_programs(())
    program, _folders = interpreter()
    command = box.command([program, "-I", "-S", "-c", look], {"PATH": os.defpath})
    try:
        done = subprocess.run(
            command.argv, pass_fds=command.fds, env={}, capture_output=True, timeout=_PATIENCE, check=False
        )
        told = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return [done.stderr.decode(errors="replace").strip()[-300:] or "it says nothing"]
    finally:
        command.close()
    expected = {
        "pid": 1,
        "rights": ["0" * 16] * 5,
        "gains": "1",
        "filter": "2",
        "processes": ["1"],
        "networks": ["lo"],
        "writes": [],
        "reads": False,
        "namespace": False,
    }
    faults = [
        f"{fact} is {told.get(fact)!r}, not {value!r}" for fact, value in expected.items() if told.get(fact) != value
    ]
    user, group, *others = told["ids"]
    if (user, group) != (job.user, job.group) or {*others} - {group, _NOBODY}:
        faults.append(f"it is user {user} of the groups {[group, *others]}")
    if not 0 < told["files"] < 1 << 16:
        faults.append("the number of files is not limited")
    return faults
