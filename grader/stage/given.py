"""What a function hands to its caller for good: a connected socket, a descriptor, or who a peer is."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

from grader.stage.broken import Broken
from grader.stage.on_stage import OnStage
from grader.stage.outcomes import unexpected
from grader.verdict.evidence import Failure, Run

#: A TCP state of proc(5): open in both directions.
_ESTABLISHED = "01"
_SOCKET = re.compile(r"socket:\[(\d+)\]")

#: Host and port.
Address = tuple[str, int]


def keep(scene: OnStage, run: Run) -> int | None:
    """Note that the descriptor a function has returned is its caller's.

    Returns:
        Its number, or None if the function has returned none that is open.
    """
    value = run.outcome.get("returned")
    number = value.get("descriptor") if isinstance(value, dict) else None
    found = _SOCKET.fullmatch(scene.world.after.descriptors.get(number, "")) if scene.world.after else None
    if found is None:
        return None
    scene.world.given[found[0]] += 1
    return number


def socket_of(scene: OnStage, run: Run) -> int:
    """The descriptor of the socket that a function has returned, which is to be one.

    Raises:
        Broken: it has returned something else, or has closed it.
    """
    value = run.outcome.get("returned")
    if not isinstance(value, dict) or "descriptor" not in value:
        raise Broken(unexpected(run, "a connected socket", scene.unit))
    number, returned = keep(scene, run), f"{run.function}() returned"
    if number is None:
        if value["descriptor"] in (scene.world.after.descriptors if scene.world.after else {}):
            raise Broken(Failure("not-connected", f"{returned} descriptor {value['descriptor']}, which is no socket"))
        raise Broken(Failure("not-connected", f"{returned} a socket that is closed already"))
    return number


def judge(scene: OnStage, run: Run, number: int, ends: tuple[Address, Address]) -> None:
    """Whether a socket that a function has returned is as its caller expects it.

    Args:
        number: its descriptor.
        ends: the addresses of the connection that it is to be, the peer's first.

    Raises:
        Broken: it is not.
    """
    returned = f"{run.function}() returned"
    (remote, local), (state, *found) = ends, _connection(scene.world.after.descriptors[number])
    if found != [local, remote]:
        raise Broken(Failure("not-connected", f"{returned} a socket that is not connected to the server"))
    if state != _ESTABLISHED:
        raise Broken(Failure("shut", f"{returned} a connection that has been shut down", read="shutdown(2)"))
    if scene.world.after.flags[number] & os.O_NONBLOCK:
        raise Broken(Failure("non-blocking", f"{returned} a socket that does not block", read="fcntl(2), O_NONBLOCK"))
    limits = {}
    for call in scene.process.trace.calls:
        if call.name == "socket" and call.done and call.result == number:
            limits = {}
        elif call.name == "setsockopt" and call.fd == number and call.args[0] == socket.SOL_SOCKET and not call.failed:
            limits[call.args[1]] = call
    for name in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
        if name in limits and limits[name].args[2]:
            scene.look_up([limits[name]])
            words = f"{returned} a socket on which the time limit of this setsockopt() is still set"
            raise Broken(Failure("outcome", words, line=limits[name].line, read="socket(7), SO_SNDTIMEO"))


def judge_descriptor(scene: OnStage, run: Run, is_it: Callable[[int], bool], inherited: str) -> None:
    """Whether a function has returned a descriptor of a certain open file.

    Args:
        is_it: whether the program's descriptor of a number is.
        inherited: slug of the gap that one which stays open on exec gives away.

    Raises:
        Broken: it has returned something else.
    """
    value = run.outcome.get("returned")
    number = value.get("descriptor") if isinstance(value, dict) else value
    if type(number) is not int:
        raise Broken(unexpected(run, "a descriptor", scene.unit))
    returned = f"{run.function}() returned descriptor {number}"
    target = scene.world.after.descriptors.get(number, "") if scene.world.after else ""
    if not target:
        raise Broken(Failure("not-open", f"{returned}, which is not open"))
    if not is_it(number):
        raise Broken(Failure("another-file", f"{returned}, which is of another open file than the one that was passed"))
    if not scene.world.after.flags[number] & os.O_CLOEXEC:
        sentence = f"{returned}, which a program that is executed would inherit"
        raise Broken(Failure("inherited", sentence, gap=inherited, read="recvmsg(2), MSG_CMSG_CLOEXEC"))
    scene.world.given[target] += 1


def judge_credentials(scene: OnStage, run: Run, expected: list[int]) -> None:
    """Whether a function has returned who a peer is.

    Args:
        expected: process, user and group of the peer.

    Raises:
        Broken: it has returned something else.
    """
    processes = {scene.process.own_pid: "its own process", expected[0]: "the peer's process"}
    wanted = _identity(expected, processes)
    if "returned" not in run.outcome:
        raise Broken(unexpected(run, wanted, scene.unit))
    if run.outcome["returned"] != expected:
        told = _identity(run.outcome["returned"], processes)
        sentence = f"{run.shown} returned {told}; expected {wanted}"
        raise Broken(Failure("credentials", sentence, read="unix(7), SO_PEERCRED"))


def _identity(value: object, processes: dict[int, str]) -> str:
    """Process, user and group in words that are the same in every run."""
    if not isinstance(value, list) or [type(item) for item in value] != [int] * 3:
        return "something else than three integers"
    pid, user, group = value
    return f"{processes.get(pid, f'{pid}' if pid < 1 else 'another process')}, user {user}, group {group}"


def _connection(target: str) -> tuple:
    """State and both ends, the local one first, of the TCP connection with that
    inode (proc(5), /proc/net/tcp); the state alone if there is none."""
    inode = _SOCKET.fullmatch(target)[1]
    for name in ("tcp", "tcp6"):
        try:
            rows = [line.split() for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
        except OSError:
            continue
        for row in rows:
            if row[9] == inode:
                return row[3], _end(row[1]), _end(row[2])
    return ("",)


def _end(text: str) -> tuple[str, int]:
    """An address of /proc/net/tcp: words of 32 bits in the machine's order; an
    IPv4 one is written as such on IPv6 sockets too."""
    address, _, port = text.partition(":")
    words = bytes.fromhex(address)
    data = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
    family = socket.AF_INET if len(data) == 4 else socket.AF_INET6
    text = socket.inet_ntop(family, data)
    return text.removeprefix("::ffff:") if "." in text else text, int(port, 16)
