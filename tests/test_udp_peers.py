"""Peers with datagram sockets: each datagram is one, whoever it comes from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grader.trial.performance import play
from grader.verbs.cast import Cast
from grader.verdict.evidence import Failure

#: A server in each language; ``{answer}`` is what it does with a datagram.
PYTHON = """
import socket

def serve(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    {options}
    sock.bind(("", int(port)))
    while True:
        data, who = sock.recvfrom({room})
        {answer}
"""
C = """#include "echo_server.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

int serve(const char *port)
{{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    struct sockaddr_in any = {{ .sin_family = AF_INET, .sin_port = htons(atoi(port)) }}, who;
    static char data[65536];

    (void)on;
    {options}
    bind(fd, (struct sockaddr *)&any, sizeof any);
    for (;;) {{
        socklen_t length = sizeof who;
        ssize_t got = recvfrom(fd, data, {room}, 0, (struct sockaddr *)&who, &length);

        {answer}
    }}
}}
"""
ECHOES = {"python": "sock.sendto(data, who)", "c": "sendto(fd, data, got, 0, (struct sockaddr *)&who, length);"}
SHARES = {
    "python": "sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)",
    "c": "setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);",
}


@pytest.fixture(params=["python", "c"])
def server(request: pytest.FixtureRequest, cast_of: Callable[..., Cast]) -> Callable[..., Cast]:
    """The parts of a check of a server, by what it does."""

    def make(answers: dict[str, str], options: dict[str, str] | None = None, room: int = 65536) -> Cast:
        language, set_up = request.param, (options or {}).get(request.param, "")
        text = PYTHON if language == "python" else C
        return cast_of(text.format(answer=answers[language], options=set_up, room=room), language=language)

    return make


def failure(cast: Cast, script: Callable[[], None]) -> Failure:
    found = play(script, cast)
    assert found is not None
    return found


def test_everybody_gets_an_answer(server: Callable[..., Cast]) -> None:
    cast = server(ECHOES)
    learner, port, (ann, bob) = cast["learner"], cast["udp_port"], cast["clients"]("ann", "bob")

    def script() -> None:
        learner.serves("serve", port)
        ann.connects(port)
        bob.connects(port, "127.0.0.2")
        ann.sends(b"one")
        ann.sends(b"two")
        bob.sends(b"")
        ann.receives(b"one")
        ann.receives(b"two")
        bob.receives(b"")
        bob.sends(bytes(65507))
        bob.receives(bytes(65507))
        ann.sees_all_taken()
        ann.receives_nothing()

    assert play(script, cast) is None
    assert [step.text for step in cast.scene.steps[2:4]] == [
        "ann sends a datagram of 3 bytes", "bob sends an empty datagram",
    ]  # fmt: skip


#: What a server does with a datagram of six bytes, and what its client says of that.
WRONG = {
    "a datagram of 12 bytes arrives; expected 6 bytes": {
        "python": "sock.sendto(data + data, who)",
        "c": "sendto(fd, data, 2 * got, 0, (struct sockaddr *)&who, length);",
    },
    "an empty datagram arrives; expected 6 bytes": {
        "python": "sock.sendto(b'', who)",
        "c": "sendto(fd, data, 0, 0, (struct sockaddr *)&who, length);",
    },
    "of the datagram of 6 bytes that arrives, byte 1 is 00; expected 61": {
        "python": "sock.sendto(bytes(6), who)",
        "c": "sendto(fd, data + 10, 6, 0, (struct sockaddr *)&who, length);",
    },
}


@pytest.mark.parametrize("words", ["a datagram of 4 bytes arrives, the first of 6", *WRONG])
def test_a_wrong_datagram_is_told(server: Callable[..., Cast], words: str) -> None:
    cast = server(WRONG[words]) if words in WRONG else server(ECHOES, room=4)
    learner, port, peer = cast["learner"], cast["udp_port"], cast["peer"]

    def script() -> None:
        learner.serves("serve", port)
        peer.connects(port)
        peer.sends(b"a word")
        peer.receives(b"a word")

    found = failure(cast, script)
    assert (found.kind, found.sentence) == ("bytes", words)


def test_a_server_that_does_not_answer_hangs(server: Callable[..., Cast]) -> None:
    cast = server({"python": "pass", "c": "(void)got;"})
    learner, port, peer = cast["learner"], cast["udp_port"], cast["peer"]

    def script() -> None:
        learner.serves("serve", port)
        peer.connects(port)
        peer.sends(b"a word")
        peer.receives(b"a word")

    found = failure(cast, script)
    assert found.verdict.value == "hang"
    assert (
        "the client has sent a datagram of 6 bytes and waits for a datagram; serve() sleeps in recvfrom()"
        in found.sentence
    )


def test_more_than_one_answer_is_told(server: Callable[..., Cast]) -> None:
    twice = {language: f"{text}\n        {text}" for language, text in ECHOES.items()}
    cast = server(twice)
    learner, port, peer = cast["learner"], cast["udp_port"], cast["peer"]

    def script() -> None:
        learner.serves("serve", port)
        peer.connects(port)
        peer.sends(b"a word")
        peer.receives(b"a word")
        peer.receives_nothing(more="doubled")

    found = failure(cast, script)
    assert (found.kind, found.gap) == ("surplus", "doubled")


@pytest.mark.parametrize("shares", [False, True])
def test_a_port_is_shared_or_taken(server: Callable[..., Cast], shares: bool) -> None:
    cast = server(ECHOES, SHARES if shares else None)
    learner, port, peer = cast["learner"], cast["udp_port"], cast["peer"]

    def script() -> None:
        learner.serves("serve", port)
        peer.finds_port_taken(port, shared="shared-port")

    found = play(script, cast)
    assert (found.gap if found else "") == ("shared-port" if shares else "")


#: Asks over and over, with an id before the question, a second for each time.
ASKS = """
import socket

def fetch(host, port):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        for _ in range(4):
            sock.sendto(b"idquestion", (host, int(port)))
            try:
                while True:
                    data, who = sock.recvfrom(65536)
                    if who[:2] == (host, int(port)):
                        return data
            except (TimeoutError, ConnectionRefusedError):
                pass
    raise TimeoutError
"""


@pytest.fixture
def client(cast_of: Callable[..., Cast]) -> Cast:
    return cast_of(ASKS, "tcp_client")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_peer_answers_whoever_has_asked(client: Cast, address: str) -> None:
    learner, peer, stranger = client["learner"], client["peer"], client["other_peer"]

    def script() -> None:
        port = peer.binds(address)
        stranger.binds(address)
        learner.runs("fetch", address, port)
        assert peer.receives(b"question", after=2) == b"id"
        stranger.sends(b"wrong", to=peer.asker)
        peer.sends(b"answer")
        learner.returns(b"answer")

    assert play(script, client) is None


def test_time_passes_while_nothing_comes(client: Cast) -> None:
    learner, peer, clock = client["learner"], client["peer"], client["clock"]

    def script() -> None:
        port = peer.binds()
        learner.runs("fetch", "127.0.0.1", port)
        peer.receives_copies(4, b"idquestion")
        learner.raises("ETIMEDOUT")

    assert clock is not None
    assert play(script, client) is None


def test_whoever_refuses_may_take_datagrams_later(client: Cast) -> None:
    learner, peer, clock = client["learner"], client["peer"], client["clock"]

    def script() -> None:
        port = peer.refuses("127.0.0.1")
        learner.runs("fetch", "127.0.0.1", port)
        learner.waits_in("recv")
        peer.binds("127.0.0.1", port)
        peer.receives(b"idquestion")
        peer.sends(b"answer")
        learner.returns(b"answer")

    assert clock is not None
    assert play(script, client) is None
