"""Mistakes that show only where several things happen at once, or in many clients,
or in what a server does while it should serve: each in a small wrong program,
judged by the check that is there for it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from grader.catalogue.unit import Unit
from grader.stage.stage import Stage
from grader.trial.performance import perform
from grader.verbs.cast import Cast
from grader.verdict.model import Diagnosis, Verdict
from tests.conftest import by_slug

#: A chat room on epoll, in which a client that is gone leaves at once.
ROOM = """
import errno
import select
import socket


def open_door(port):
    found = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, address in found:
        door = socket.socket(family, kind, protocol)
        try:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(address)
            door.listen(128)
            door.setblocking(False)
            return door
        except OSError as e:
            error = e
            door.close()
    raise error


class Guest:
    def __init__(self, sock):
        self.sock = sock
        self.line = b""
        self.owed = b""


class Room:
    def __init__(self, door, epoll):
        self.door = door
        self.epoll = epoll
        self.guests = {}
        self.timeout = -1

    def leave(self, fd):
        guest = self.guests.pop(fd, None)
        if guest:
            self.epoll.unregister(fd)
            guest.sock.close()

    def enter(self):
        while True:
            try:
                sock, _ = self.door.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as e:
                if e.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                    raise
                self.epoll.modify(self.door, 0)
                self.timeout = 0.01
                return
            sock.setblocking(False)
            self.guests[sock.fileno()] = Guest(sock)
            self.epoll.register(sock, select.EPOLLIN)

    def say(self, fd, data):
        guest = self.guests[fd]
        guest.owed += data
        self.push(fd)
        if fd in self.guests and len(guest.owed) > 65536:
            self.leave(fd)

    def push(self, fd):
        guest = self.guests[fd]
        try:
            while guest.owed:
                guest.owed = guest.owed[guest.sock.send(guest.owed):]
        except BlockingIOError:
            pass
        except OSError:
            self.leave(fd)
            return
        self.epoll.modify(fd, select.EPOLLIN | (select.EPOLLOUT if guest.owed else 0))

    def hear(self, fd):
        guest = self.guests[fd]
        try:
            data = guest.sock.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.leave(fd)
            return
        *lines, guest.line = (guest.line + data).split(b"\\n")
        good = []
        for line in lines:
            if len(line) > 4096:
                break
            good.append(line + b"\\n")
        text = b"".join(good)
        for other in list(self.guests):
            if other != fd and text and other in self.guests:
                self.say(other, text)
        if len(good) < len(lines) or len(guest.line) > 4096:
            self.leave(fd)

    def turn(self):
        events = self.epoll.poll(self.timeout)
        if self.timeout != -1:
            self.timeout = -1
            self.epoll.modify(self.door, select.EPOLLIN)
        for fd, event in sorted(events, key=lambda pair: pair[0] == self.door.fileno()):
            if fd == self.door.fileno():
                self.enter()
                continue
            if fd in self.guests and event & select.EPOLLOUT:
                self.push(fd)
            if fd in self.guests and event & ~select.EPOLLOUT:
                self.hear(fd)


def serve(port):
    with open_door(port) as door, select.epoll() as epoll:
        epoll.register(door, select.EPOLLIN)
        room = Room(door, epoll)
        try:
            while True:
                room.turn()
        finally:
            for guest in room.guests.values():
                guest.sock.close()
"""

HEARS = "            if fd in self.guests and event & ~select.EPOLLOUT:\n                self.hear(fd)\n"
#: The base of a wrong program: an exercise and a file of its solutions.
Base = tuple[str, str]
ROOM_BASE: Base = ("event_loop", "")
#: Name -> base, edits, check, words of the diagnosis.
WRONG: dict[str, tuple[Base, list[tuple[str, str]], str, str]] = {
    "a hang-up before the line in front of it": (
        ROOM_BASE,
        [
            ("select.EPOLLIN", "select.EPOLLIN | select.EPOLLRDHUP"),
            (HEARS, HEARS.replace("hear(fd)", "leave(fd) if event & select.EPOLLRDHUP else self.hear(fd)")),
        ],
        "hears_a_client_to_its_end",
        "what the client has sent before it is never received",
    ),
    "an event of a client that has left in this batch": (
        ROOM_BASE,
        [("if fd in self.guests and event & ~", "if event & ~")],
        "does_many_things_at_once",
        "KeyError",
    ),
    "an event of a client whose number another one has by now": (
        ROOM_BASE,
        [
            ("sorted(events, key=lambda pair: pair[0] == self.door.fileno())", "events"),
            (HEARS, HEARS.replace("hear(fd)", "leave(fd) if event & select.EPOLLHUP else self.hear(fd)")),
        ],
        "does_many_things_at_once",
        "",
    ),
    "one client for each edge": (
        ROOM_BASE,
        [
            ("register(door, select.EPOLLIN)", "register(door, select.EPOLLIN | select.EPOLLET)"),
            ("self.epoll.register(sock, select.EPOLLIN)", "return self.epoll.register(sock, select.EPOLLIN)"),
        ],
        "does_many_things_at_once",
        "",
    ),
    "a loop that sleeps": (
        ROOM_BASE,
        [("room.turn()", "select.select([], [], [], 1) or room.turn()")],
        "passes_lines_on",
        "the program sleeps for 1 s while a client waits",
    ),
    "every end of a line but LF": (
        ROOM_BASE,
        [("for line in lines:", "for line in b'\\n'.join(lines).splitlines():")],
        "passes_lines_on",
        "",
    ),
    "a CR that begins a line anew": (
        ROOM_BASE,
        [("if len(line) > 4096", "if max(map(len, line.split(b'\\r'))) > 4096")],
        "ends_a_client_whose_line_is_too_long",
        "frank",
    ),
    "a line that is one byte too long, and whole": (
        ("event_loop", "event_loop.py"),
        [("LONGEST_LINE + 1 -", "LONGEST_LINE + 2 -")],
        "ends_a_client_whose_line_is_too_long",
        "grace",
    ),
    "nobody hears a client that does not read": (
        ("event_loop", "event_loop.py"),
        [("EVENT_READ | EVENT_WRITE if", "EVENT_WRITE if")],
        "waits_for_nobody",
        "",
    ),
    "a last byte that is not sent": (
        ("tcp_server", "tcp_server.c"),
        [("while (len > 0)", "while (len > 1)")],
        "sends_every_byte_when_send_is_short",
        "",
    ),
    "the candidate after the next": (
        ("tcp_server", "accepted/file_object.py"),
        [("others.pop(0)", "others.pop()")],
        "tries_the_next_candidate",
        "",
    ),
    "an error that is lost behind poll()": (
        ("tcp_client", "accepted/non_blocking.c"),
        [("    errno = error;\n    return error == 0", "    return error == 0")],
        "reports_why_it_cannot_connect",
        "",
    ),
    "a reset that is taken for a reply too large": (
        ("tcp_client", "accepted/peek.c"),
        [("MSG_PEEK))) > 0", "MSG_PEEK))) != 0")],
        "reports_a_reply_that_does_not_fit",
        "",
    ),
    "a short list of what passes": (
        ("fork_server", "accepted/known_children.py"),
        [("errno.ENETDOWN, ", "")],
        "outlives_what_accept_reports",
        "",
    ),
    "a thread that a signal ends": (
        ("thread_server", "accepted/atomic_counter.c"),
        [("if (n == -1 && errno != EINTR)", "if (n == -1)")],
        "goes_on_after_an_interruption",
        "",
    ),
    "a rest that is sent from the beginning": (
        ("echo_server", "accepted/poll_every_call.c"),
        [("send(fd, data + sent, ", "send(fd, data, ")],
        "sends_every_byte_when_send_is_short",
        "",
    ),
    "an empty line behind the last": (
        ("lines", "accepted/generator.py"),
        [("    if tail:", "    if True:")],
        "takes_a_bare_cr_for_content",
        "",
    ),
    "no look at what socket() has returned": (
        ("echo_server", "echo_server.c"),
        [("        if (listener == -1)\n            continue;\n", "")],
        "reports_why_it_cannot_serve",
        "EBADF",
    ),
    "blanks that are the end": (
        ("echo_server", "echo_server.py"),
        [("data := connection.recv(4096)", "(data := connection.recv(4096)).strip()")],
        "echoes_until_end_of_file",
        "",
    ),
    "a pause of a second": (
        ("echo_server", "echo_server.py"),
        [("time.sleep(0.01)", "time.sleep(1)")],
        "keeps_nobody_waiting",
        "the program sleeps for 1 s while a client waits",
    ),
    "one child for each SIGCHLD": (
        ("fork_server", "accepted/sigchld_handler.c"),
        [("while (waitpid(-1, NULL, WNOHANG) > 0)\n        continue;", "waitpid(-1, NULL, WNOHANG);")],
        "reaps_its_children",
        "waitpid() took 1 child, and more had ended",
    ),
    "a handler that waits for all children": (
        ("fork_server", "accepted/sigchld_handler.c"),
        [("WNOHANG", "0")],
        "reaps_its_children",
        "waitpid()",
    ),
    "an answer in memory that threads share": (
        ("thread_server", "thread_server.c"),
        [("    char text[24];", "    static char text[24];")],
        "keeps_its_clients_apart",
        "",
    ),
    "SO_REUSEADDR after bind()": (
        ("thread_server", "thread_server.py"),
        [
            ("            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n", ""),
            (
                "            listener.listen(10)\n",
                "            listener.listen(10)\n"
                "            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n",
            ),
        ],
        "serves_as_many_as_come",
        "after bind() it is too late",
    ),
    "a table of so many children": (
        ("fork_server", "fork_server.py"),
        [
            ("def serve(", "CHILDREN = []\n\n\ndef serve("),
            ("child = os.fork()", "CHILDREN.append(1)\n                child = os.fork() if len(CHILDREN) < 32 else 1"),
        ],
        "serves_as_many_as_come",
        "",
    ),
    "a reply that is lost with its end": (
        ("half_close", "half_close.c"),
        [
            (
                "        if (receiving && p",
                "        if (p.revents & POLLHUP)\n            break;\n        if (receiving && p",
            )
        ],
        "reads_a_reply_that_comes_with_its_end",
        "",
    ),
    "SIGTERM before a client's last bytes": (
        ("graceful_stop", "graceful_stop.py"),
        [("while data := connection.recv(4096)", "while not stopping and (data := connection.recv(4096))")],
        "takes_in_what_comes_with_the_signal",
        "",
    ),
}


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Callable[..., tuple[Verdict, Diagnosis | None]]]:
    """Judge a program by one check of its exercise."""
    open_now: list = []

    def judge(slug: str, name: str, text: str, check: str) -> tuple[Verdict, Diagnosis | None]:
        path = tmp_path / name
        path.write_text(text)
        unit = Unit(by_slug(slug), "c" if path.suffix == ".c" else "python", path)
        stage = Stage([unit])
        cast = Cast(stage, unit)
        open_now.extend([stage, cast])
        script = getattr(importlib.import_module(f"grader.checks.check_{slug}"), f"check_{check}")
        return perform(partial(cast.call, script), cast)

    yield judge
    for thing in reversed(open_now):
        thing.close()


def _text(slug: str, file: str) -> str:
    exercise = by_slug(slug)
    return (exercise.root / "solutions" / exercise.key / file).read_text() if file else ROOM


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_program_fails(name: str, judged: Callable[..., tuple[Verdict, Diagnosis | None]]) -> None:
    (slug, file), edits, check, words = WRONG[name]
    text = _text(slug, file)
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)

    verdict, diagnosis = judged(slug, f"{slug}{Path(file).suffix or '.py'}", text, check)

    assert verdict in (Verdict.FAIL, Verdict.HANG)
    assert words in diagnosis.sentence


@pytest.mark.parametrize("check", ["hears_a_client_to_its_end", "does_many_things_at_once", "passes_lines_on"])
def test_the_room_is_right(check: str, judged: Callable[..., tuple[Verdict, Diagnosis | None]]) -> None:
    assert judged("event_loop", "event_loop.py", ROOM, check) == (Verdict.PASS, None)
