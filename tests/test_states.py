"""A fault belongs to a state: of a descriptor, of the program, the same in both languages."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.catalogue.unit import Unit
from grader.stage.stage import Stage
from grader.trace import layout
from grader.trace.calls import mask
from grader.trace.faults import Fault
from grader.trial.possible import FAILURES, failures_of
from grader.verbs.cast import Cast
from tests.conftest import by_slug

SERVER = by_slug("echo_server")

#: Accepts one client in each of the ways there are, and says no word to it.
PYTHON = """
import select
import socket


def serve(port):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", int(port)))
        listener.listen()
        {set_up}
        while True:
            {wait}
            try:
                client, _ = listener.accept()
            except OSError:
                continue
            client.recv(4)
            client.close()
"""
C = """#include "echo_server.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

int serve(const char *port)
{{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in any = {{ .sin_family = AF_INET, .sin_port = htons(atoi(port)) }};
    struct pollfd wanted = {{ .fd = fd, .events = POLLIN }};
    char data[4];

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bind(fd, (struct sockaddr *)&any, sizeof any);
    listen(fd, 5);
    (void)wanted;
    {set_up}
    for (;;) {{
        int client;

        {wait}
        client = accept(fd, NULL, NULL);
        if (client == -1)
            continue;
        fcntl(client, F_SETFL, 0);
        recv(client, data, sizeof data, 0);
        close(client);
    }}
}}
"""
#: How a program waits for a client: in accept(), in poll(), or after it has tried.
STYLES = {
    ("python", "blocks"): ("", ""),
    ("python", "polls"): ("listener.setblocking(False)", "select.select([listener], [], [])"),
    ("python", "has a time limit"): ("listener.settimeout(60)", ""),
    ("c", "blocks"): ("", ""),
    ("c", "polls"): ("fcntl(fd, F_SETFL, O_NONBLOCK);", "poll(&wanted, 1, -1);"),
    ("c", "has a time limit"): (
        "struct timeval limit = { 60, 0 }; setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);",
        "",
    ),
}


@pytest.fixture(params=STYLES, ids=" ".join)
def cast(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cast]:
    language, _style = request.param
    set_up, wait = STYLES[request.param]
    path = tmp_path / SERVER.file_name(language)
    path.write_text((PYTHON if language == "python" else C).format(set_up=set_up, wait=wait))
    unit = Unit(SERVER, language, path)
    stage = Stage([unit])
    cast = Cast(stage, unit)
    yield cast
    cast.close()
    stage.close()


def words(states: int) -> set[str]:
    return {word for word, bit in layout.STATE_BIT.items() if states & bit}


def test_accept_counts_when_a_client_waits(cast: Cast) -> None:
    learner, port, (ann, bob) = cast["learner"], cast["port"], cast["clients"]("ann", "bob")
    cast["fault"]("accept", error="EPROTO", when="ready 2..3")

    learner.serves("serve", port)
    ann.connects(port)
    learner.rests()
    ann.half_closes()
    ann.sees_end_of_file()
    bob.connects(port)
    bob.half_closes()
    bob.sees_end_of_file()

    made = [c for c in cast.scene.process.trace.calls if c.any_of("accept") and c.done and c.errno != "EAGAIN"]
    assert [call.errno for call in made] == ["", "EPROTO", "EPROTO", ""]


def test_a_hold_waits_for_bytes(cast: Cast) -> None:
    learner, port, (ann,) = cast["learner"], cast["port"], cast["clients"]("ann")
    cast["fault"]("recv", hold=True, when="ready 1")

    learner.serves("serve", port)
    ann.connects(port)
    learner.rests()
    trace = cast.scene.process.trace
    assert trace["held"] == 0
    ann.sends(b"1234")
    learner.is_held()
    learner.goes_on()
    ann.sees_end_of_file()

    trace.update()
    assert [c.payload for c in trace.calls if c.any_of("recv")] == [b"1234"]


def test_both_languages_know_the_same_states(cast: Cast) -> None:
    cast.scene.arranged.tells_states = True
    learner, port, (ann,) = cast["learner"], cast["port"], cast["clients"]("ann")

    learner.serves("serve", port)
    learner.rests()
    ann.connects(port)
    learner.rests()
    ann.half_closes()
    ann.sees_end_of_file()
    learner.rests()

    calls = cast.scene.process.trace.calls
    first = {name: next(words(c.states) for c in calls if c.any_of(name)) for name in ("bind", "listen", "recv")}
    assert first == {
        "bind": {"tcp", "unconnected", "blocking"},
        "listen": {"tcp", "unconnected", "blocking"},
        "recv": {"tcp", "connected", "blocking"},
    }
    accepts = [words(c.states) for c in calls if c.any_of("accept")]
    waits = [words(c.states) for c in calls if c.any_of("wait")]
    assert all(states == {"listening", "blocking"} for states in waits)
    # one that sleeps comes to the plan when it is ready
    assert accepts[0] == {"tcp", "listening", "ready", *([] if waits else ["blocking"])}


def test_every_failure_is_one_of_a_call_that_the_trace_knows() -> None:
    for failure in FAILURES:
        assert mask(failure.call)
        assert hasattr(errno, failure.error)
        assert failure.bits >= 0
        assert failure.reason
    assert len({(f.call, f.states, f.error) for f in FAILURES}) == len(FAILURES)


@pytest.mark.parametrize(
    ("call", "states", "errors"),
    [
        ("shutdown", "tcp connected", set()),
        ("shutdown", "tcp listening", set()),
        ("close", "tcp connected blocking", set()),
        ("getpeername", "tcp connected", set()),
        ("recv", "tcp connected", {"ECONNRESET", "EHOSTUNREACH", "ETIMEDOUT"}),
        ("recv", "unix connected", set()),
        ("send", "unix connected", set()),
        ("read", "unix connected blocking", {"EINTR"}),
        ("recvfrom", "udp datagram connected", {"ECONNREFUSED", "EPERM"}),
        ("recv", "unix datagram connected", {"EPERM"}),
        ("recv", "unix stream connected named", {"ECONNRESET"}),
        ("sendto", "unix datagram unconnected", {"EACCES", "ECONNREFUSED", "ENOBUFS"}),
        ("sendmsg", "unix stream connected named", {"ENOBUFS", "EPIPE"}),
        ("socket", "tcp", {"EACCES", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"}),
        ("setsockopt", "udp datagram unconnected", set()),
        ("flock", "trying", {"EAGAIN"}),
        ("unlink", "", set()),
        ("waitpid", "", set()),
        ("recv", "library", set()),
        ("listen", "tcp listening", set()),
        ("connect", "tcp connected", set()),
        ("epoll_ctl", "", set()),
        ("epoll_ctl", "adding", {"ENOMEM", "ENOSPC"}),
    ],
)
def test_nothing_fails_where_it_cannot(call: str, states: str, errors: set[str]) -> None:
    bits = sum(layout.STATE_BIT[word] for word in states.split())

    assert {failure.error for failure in failures_of(call, bits)} == errors


#: A server whose library opens sockets of its own, as asyncio does.
LIBRARY = """
import asyncio
import socket


async def talk(reader, writer):
    try:
        while data := await reader.read(100):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
    except OSError:
        pass


async def run(port):
    server = await asyncio.start_server(talk, "0.0.0.0", int(port))
    await server.serve_forever()


def serve(port):
    asyncio.run(run(port))
"""


def test_what_a_library_opens_for_itself_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / SERVER.file_name("python")
    path.write_text(LIBRARY)
    stage = Stage([unit := Unit(SERVER, "python", path)])
    cast = Cast(stage, unit)
    cast.scene.arranged.tells_states = True
    cast["learner"].serves("serve", cast["port"])
    cast["clients"]("ann")[0].connects(cast["port"])
    cast["learner"].rests()

    sockets = [c for c in cast.scene.process.trace.calls if c.fd >= 0 and c.name in ("recv", "setsockopt", "listen")]
    own = {c.result for c in cast.scene.process.trace.calls if c.name in ("socket", "accept")}
    assert {c.fd for c in sockets if "library" in words(c.states)} == {c.fd for c in sockets} - own != set()
    cast.close()
    stage.close()


def test_a_state_may_have_a_digit_in_its_name() -> None:
    assert Fault("socket", "ipv6", "EAFNOSUPPORT").when == "ipv6"
    with pytest.raises(ValueError, match="when"):
        Fault("socket", "1 ipv6", "EAFNOSUPPORT")
