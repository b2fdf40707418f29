"""Programs that break a contract in a way that is no gap of the exercise: the
solution with one edit, each for a reason that once let such programs pass, and
some unusual ones that are right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Graded, by_slug

INCLUDES = "#define _GNU_SOURCE\n#include <signal.h>\n#include <sys/stat.h>\n#include <sys/time.h>\n"
RECEIVES = "    while chunk := sock.recv(4096):"
WRONG = {
    # exercise, language, edit, words of the diagnosis
    "its own time limit": (
        "tcp_client", "python", (RECEIVES, f"    sock.settimeout(5)\n{RECEIVES}"),
        "raised TimeoutError when the time limit of settimeout()",
    ),
    "its own time limit, in C": (
        "recv_exactly", "c",
        ("    while (got < len) {", "    struct timeval limit = { 5, 0 };\n"
         "    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);\n    while (got < len) {"),
        "leaves the caller's socket with another time limit",
    ),
    "a client that is silent is dropped": (
        "echo_server", "python", ("                echo(connection)\n",
        "                connection.settimeout(30)\n                echo(connection)\n"), "",
    ),
    "the next address is not tried when there is no socket for one": (
        "tcp_client", "python", ("            error = refusal\n            continue", "            raise"),
        "gave up after 1 of 3 addresses",
    ),
    "a loop that sleeps in each turn": (
        "event_loop", "python", ("                room.turn()\n",
        "                __import__('time').sleep(0.5)\n                room.turn()\n"), "the program sleeps for 0.5",
    ),
    "the default action where the caller had a handler": (
        "graceful_stop", "c", ("    sigaction(SIGTERM, &old_action, NULL);", "    signal(SIGTERM, SIG_DFL);"),
        "SIGTERM has its default action, and not the caller's handler",
    ),
    "a signal that the caller handles is ignored": (
        "graceful_stop", "python", ("        wake.close()\n", "        signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
        "        wake.close()\n"), "SIGUSR1 is ignored",
    ),
    "a mask that is emptied": (
        "graceful_stop", "python", ("        wake.close()\n", "        signal.pthread_sigmask(signal.SIG_SETMASK, [])\n"
        "        wake.close()\n"), "SIGUSR2 is no longer blocked",
    ),
    "Python's wakeup descriptor is left": (
        "graceful_stop", "python", ("        signal.set_wakeup_fd(old_alarm)\n", ""), "signal.set_wakeup_fd()",
    ),
    "a umask": (
        "half_close", "c", ("        if (fd != -1 && connect_to(fd, a) == 0)",
        "        umask(077);\n        if (fd != -1 && connect_to(fd, a) == 0)"), "has changed the umask",
    ),
    "another working directory": (
        "half_close", "python", ("    for family, kind,", "    socket.os.chdir('/tmp')\n    for family, kind,"),
        "has changed the working directory",
    ),
    "a time limit for all sockets": (
        "half_close", "python", ("    for family, kind,", "    socket.setdefaulttimeout(600)\n    for family, kind,"),
        "socket.setdefaulttimeout()",
    ),
    "a buffer of no bytes": (
        "tcp_client", "c", ("    if (reply == NULL && size > 0) {", "    if (reply == NULL || size == 0) {"), "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_program_fails(name: str, grade_text: Callable[..., dict | None]) -> None:
    slug, language, (old, new), words = WRONG[name]
    exercise = by_slug(slug)
    text = exercise.solution(language).read_text()
    assert text.count(old) == 1

    failure = grade_text(exercise, language, INCLUDES * (language == "c") + text.replace(old, new))

    assert failure is not None, "passes"
    assert failure["verdict"] == "fail"
    assert words in failure["diagnosis"]["sentence"]


#: A chat room that leaves its loop to asyncio.
CHATS_WITH_ASYNCIO = """
import asyncio
import socket

LONGEST, MOST_WAITING = 4096, 65536


class Client(asyncio.Protocol):
    def __init__(self, room):
        self.room, self.line = room, b""

    def connection_made(self, transport):
        self.transport = transport
        self.room.add(self)

    def connection_lost(self, error):
        self.room.discard(self)

    def eof_received(self):
        self.leave()

    def leave(self):
        self.room.discard(self)
        self.transport.abort()

    def data_received(self, data):
        *lines, self.line = (self.line + data).split(b"\\n")
        if any(len(line) > LONGEST for line in (*lines, self.line)):
            self.leave()
            return
        for line in lines:
            for other in self.room - {self}:
                other.transport.write(line + b"\\n")
                if other.transport.get_write_buffer_size() > MOST_WAITING:
                    other.leave()


async def talk(port):
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    room = set()
    passive = socket.AI_PASSIVE
    *kind, _, address = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, 0, passive)[0]
    with socket.socket(*kind) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        server = await loop.create_server(lambda: Client(room), sock=listener, backlog=128)
        async with server:
            await server.serve_forever()


def serve(port):
    asyncio.run(talk(port))
"""

#: Waits for the peer in turns of a tenth of a second.
TICKS = """
import socket


def recv_exactly(sock, size):
    if size < 0:
        raise ValueError(size)
    data = b""
    limit = sock.gettimeout()
    sock.settimeout(0.1)
    try:
        while len(data) < size:
            try:
                piece = sock.recv(size - len(data))
            except TimeoutError:
                continue
            if not piece:
                raise EOFError("the stream ended early") if data else EOFError("the stream ended")
            data += piece
    finally:
        sock.settimeout(limit)
    return data
"""

RIGHT = {
    "asyncio": ("event_loop", CHATS_WITH_ASYNCIO),
    "turns of a tenth of a second": ("recv_exactly", TICKS),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_program_passes(name: str, grade_text: Callable[..., dict | None]) -> None:
    slug, text = RIGHT[name]

    assert grade_text(by_slug(slug), "python", text) is None


LEAVES_A_CHILD = """
#include "send_all.h"

#include <sys/socket.h>
#include <unistd.h>

int send_all(int fd, const void *data, size_t len)
{
    if (fork() == 0) {
        send(fd, data, len, MSG_NOSIGNAL);
        execl("/bin/true", "true", (char *)0);
    }
    return 0;
}
"""


def test_what_a_child_does_that_is_left_behind_is_told_alike(submission: Path, grade: Callable[..., Graded]) -> None:
    (submission / "send_all.c").write_text(LEAVES_A_CHILD)

    arguments = (submission, "send_all", "--lang", "c", "-k", "any_length")
    texts = {grade(*arguments).text for _ in range(5)}

    assert len(texts) == 1
    assert "70016, ...) = 70016" in texts.pop()
