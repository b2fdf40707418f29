"""The learner's process: loads the program, calls its function, reports.

Forked by the launcher, one process for each check.  The judge believes nothing
of what arrives from here except as the program's own answer.

Order at the start: own session and limits; the trace mapped; standard
descriptors replaced; everything of the kit's moved above `KIT_DESCRIPTORS`, so
that the program's first descriptor is 3, as in every book.
"""

from __future__ import annotations

import faulthandler
import fcntl
import gc
import mmap
import os
import resource
import signal
import sys
import threading  # noqa: F401 - warm before the fork
import traceback
from typing import Any, NoReturn

from grader.learner import c_program, python_program
from grader.learner.kit import CHANNEL_LOST, KIT_DESCRIPTORS
from grader.learner.program import ContractBroken, LoadError, Null, described
from grader.learner.world import World
from grader.processes.channel import Channel
from grader.processes.namespaces import enter_network
from grader.trace import layout

#: Open files a program may have (RLIMIT_NOFILE).
OPEN_FILES = 1024
#: Processes and threads that confined programs may have, all of a submission's together.
PROCESSES = 1024
#: The largest file, standard output included, that a program may write, where its
#: check does not say otherwise (bytes).
FILE_SIZE = 1 << 20
#: Memory of its own that a program may have that is not built with AddressSanitizer,
#: and its whole address space, of which each thread reserves much that it never uses (bytes).
MEMORY, ADDRESS_SPACE = 2 << 30, 4 << 30

_fcntl, _close, _exit = fcntl.fcntl, os.close, os._exit


def child(request: dict, control: Channel) -> None:
    """Be one learner's process; never returns.

    Args:
        request: what the judge asks for: ``language``, ``path`` of the program,
            ``functions`` of its contract, whether its caller has settings of its
            own (``arranged``) and a ``child``, the standard descriptors that it has ``closed``, the
            ``directory`` that it works in and the PATH that it is to ``search``
            (``""``: any), how large a file may become (``file_limit``; 0: as ever) and, for C,
            ``module``, ``binding`` and whether it is ``sanitized``; ``network`` is a
            process whose network it enters, or 0; and whether it is ``confined``, with a
            user id of its own.
        control: the launcher's channel, which brought the descriptors: trace,
            doorbell, channel, standard output, standard error, dump.
    """
    trace, doorbell, channel, output, errors, dump = (control.take_fd() for _ in range(6))
    control.close()
    memory = mmap.mmap(trace, layout.SIZE)
    os.close(trace)
    doorbell, channel, dump = (_above(fd) for fd in (doorbell, channel, dump))
    if request["network"]:
        enter_network(request["network"])
    null = os.open(os.devnull, os.O_RDWR)
    for fd, standard in ((null, 0), (output, 1), (errors, 2)):
        os.dup2(fd, standard)
    os.closerange(3, KIT_DESCRIPTORS)
    offset, _code = layout.FIELDS["doorbell"]
    memory[offset : offset + 4] = doorbell.to_bytes(4, "little")
    _limit(
        max(FILE_SIZE, request["file_limit"]), sanitized=bool(request.get("sanitized")), confined=request["confined"]
    )
    # What the interpreter prints of a crash, or when the processor time is up.
    if request["language"] == "python":  # the tracer and the sanitizers see to C
        faulthandler.enable(dump)
        faulthandler.register(signal.SIGPROF, dump, all_threads=False)
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115 - for the life of the process
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    # KeyboardInterrupt is the judge's business.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    judge = Channel(channel)
    try:
        _serve(request, memory, judge)
    except (EOFError, OSError):
        _exit(CHANNEL_LOST)  # the judge has gone, or the program closed our channel
    except BaseException:
        judge.send({"lost": traceback.format_exc()})
    _exit(0)


def _above(fd: int) -> int:
    return _moved(fd, KIT_DESCRIPTORS, fcntl.F_DUPFD_CLOEXEC)


def _moved(fd: int, least: int, how: int = fcntl.F_DUPFD) -> int:
    """Give a descriptor the first free number from least on."""
    moved = _fcntl(fd, how, least)
    _close(fd)
    return moved


def _limit(writes: int, *, sanitized: bool, confined: bool) -> None:
    for what, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, writes),
        (resource.RLIMIT_NOFILE, OPEN_FILES + 64),
        (resource.RLIMIT_CPU, 60),
    ):
        resource.setrlimit(what, (limit, limit))
    if confined:  # else all processes of the user count
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    if not sanitized:  # whose shadow memory is larger than any limit
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def _serve(request: dict, memory: mmap.mmap, judge: Channel) -> None:
    load = c_program.load if request["language"] == "c" else python_program.load
    # How much a program allocates depends on how often it looks up while it waits: when
    # the collector comes by itself is chance.  It comes when a function has returned.
    gc.set_threshold(0)
    _budget(request["seconds"])
    try:
        program = load(request, memory)
    except LoadError as error:
        judge.send({"refused": error.report})
        return
    _budget(0)
    world = World(request["language"])
    if request["arranged"]:
        world.arrange()
        program.arrange()
    if request["child"]:
        world.have_child()
    if request["directory"]:
        os.chdir(request["directory"])
    if 0 < request["file_limit"] < FILE_SIZE:  # which writing fails beyond
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_limit"], FILE_SIZE))
    if request["search"]:
        os.environ["PATH"] = request["search"]
    for number in request["closed"]:
        _close(number)
    judge.send({"ready": True, "child": world.child})
    lent: list[Any] = []
    given: list[Any] = []  # what functions have returned to their caller, us
    own = os.getpid()
    while True:
        message = judge.receive()
        if "give_back" in message:
            _give_back(lent, program)
            judge.send({"given_back": True})
            continue
        if "call" not in message:
            break
        least = 3 if request["closed"] else 0
        arguments = [_value(argument, judge, program, lent, least) for argument in message["arguments"]]
        options = {name: _value(value, judge, program, lent, least) for name, value in message["options"].items()}
        function = program.function(message["call"], message["of"])
        found = world.found(lent)
        _budget(request["seconds"])
        answer = _call(function, arguments, options, program, given)
        if os.getpid() != own:
            _stray(memory)  # a child that came back from the function: not ours to answer
        _budget(0)
        answer |= {"found": found, "left": world.found(lent)}
        program.flush()
        judge.send(answer)
    _give_back(lent + given, program)
    world.wait_for_child()


def _give_back(lent: list, program: Any) -> None:
    """Close, as its owner, everything that was lent."""
    for thing in lent:
        program.give_back(thing)
    lent.clear()


def _stray(memory: mmap.mmap) -> NoReturn:
    """Count a child that came back, and end it."""
    offset, _code = layout.FIELDS["strays"]
    memory[offset] += 1
    _exit(0)


def _budget(seconds: float) -> None:
    """Processor time until SIGPROF; 0 for none."""
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)


def _value(argument: Any, judge: Channel, program: Any, lent: list, least: int) -> Any:
    """An argument as the function gets it.

    Args:
        least: the first number that a socket which is lent may have; 0 for any.
    """
    if isinstance(argument, dict) and "lent" in argument:
        fd, limit = judge.take_fd(), argument["lent"]
        if least:
            fd = _moved(fd, 0 if limit is None else least)
        _fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)  # as whoever opens one in Python has it
        thing = fd if limit is None else program.lend(fd, limit)  # of a file its number
        lent.append(thing)
        return thing
    if isinstance(argument, dict) and "again" in argument:
        return lent[argument["again"]]
    if isinstance(argument, dict) and "null" in argument:
        return Null(argument["null"])
    if isinstance(argument, dict) and "frames" in argument:
        frames = [tuple(frame) for frame in argument["frames"]]
        return iter(frames) if argument["once"] else frames
    return argument


def _call(function: Any, arguments: list, options: dict, program: Any, given: list) -> dict:
    try:
        result = function(*arguments, **options)
        answer = {"returned": described(result), "decided": program.decided()}
        given += program.keep(result)
    except ContractBroken as broken:
        answer = {"broke": str(broken)}
    except BaseException as exception:
        answer = {"raised": program.exception(exception)}
    # Sockets that only the frames of an exception held are closed before we report.
    result = None
    gc.collect()
    return answer
