"""A wire: whole frames come in and go out, and the program sees what its machine sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grader.trial.performance import play
from grader.verbs.cast import Cast
from grader.verdict.model import Verdict
from grader.wire.frames import ICMP, Segment, ethernet, ipv4, udp
from tests.tracing import states

#: Returns the next two frames of an interface.
SNIFFS = """
import socket

def fetch(interface, port):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((interface, 3))
        return sock.recv(65550) + sock.recvfrom(65550)[0]
"""
SNIFFS_IN_C = """
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tcp_client.h"

ssize_t fetch(const char *host, const char *port, char *reply, size_t size)
{
    struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    ssize_t n, more = 0;

    (void)port;
    at.sll_ifindex = (int)if_nametoindex(host);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) == -1)
        return -1;
    n = recv(fd, reply, size, 0);
    if (n >= 0)
        more = recvfrom(fd, reply + n, size - (size_t)n, 0, NULL, NULL);
    close(fd);
    return n < 0 || more < 0 ? -1 : n + more;
}
"""
#: Asks for an echo, and returns what comes back.
PINGS = """
import socket

def fetch(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.sendto(b"\\x08\\0\\xf7\\xff\\0\\0\\0\\0", (host, 0))
        return sock.recv(65535)
"""


each_language = pytest.mark.parametrize("language", ["python", "c"])


def datagram(data: bytes) -> bytes:
    return ethernet(ipv4(udp(data)))


@each_language
def test_frames_come_in_and_go_out(cast_of: Callable[..., Cast], language: str) -> None:
    cast = cast_of(SNIFFS if language == "python" else SNIFFS_IN_C, "tcp_client", language)
    learner, network = cast["learner"], cast["network"]
    first, second = datagram(b"in"), datagram(b"out")

    def script() -> None:
        wire, loopback = network.wire("pump0"), network.loopback
        learner.runs("fetch", "pump0", "0")
        learner.rests()
        loopback.sends(datagram(b"elsewhere"))
        wire.carries(first)
        wire.sends(second)
        assert wire.takes() == second
        wire.takes_nothing()
        learner.returns(first + second)

    assert play(script, cast) is None


@each_language
def test_the_trace_knows_packet_sockets(cast_of: Callable[..., Cast], language: str) -> None:
    cast = cast_of(SNIFFS if language == "python" else SNIFFS_IN_C, "tcp_client", language)
    learner, network = cast["learner"], cast["network"]
    cast.scene.arranged.tells_states = True

    def script() -> None:
        wire = network.wire("pump0")
        learner.runs("fetch", "pump0", "0")
        learner.rests()
        wire.carries(datagram(b"one"))
        wire.carries(datagram(b"two"))
        learner.returns(datagram(b"one") + datagram(b"two"))

    assert play(script, cast) is None
    calls = {call.name: call for call in cast.scene.process.trace.calls}
    number = calls["bind"].link[1]
    assert calls["bind"].link == (3, number)
    assert states(calls["bind"]) == {"packet", "datagram", "blocking"}
    assert states(calls["recv"]) == {"packet", "datagram", "blocking"}
    if language == "python":
        assert calls["recvfrom"].link == (0x0800, number)
    else:
        assert (calls["if_nametoindex"].payload, calls["if_nametoindex"].result) == (b"pump0", number)


@each_language
def test_the_number_of_an_interface_may_be_refused(cast_of: Callable[..., Cast], language: str) -> None:
    asks = "import socket\n\ndef fetch(host, port):\n    return bytes([socket.if_nametoindex(host)])\n"
    cast = cast_of(asks if language == "python" else SNIFFS_IN_C, "tcp_client", language)
    learner, fault = cast["learner"], cast["fault"]

    def script() -> None:
        fault("if_nametoindex", error="EMFILE")
        learner.runs("fetch", "lo", "0")
        learner.raises("EMFILE" if language == "python" else "EPERM")

    found = play(script, cast)
    call = next(call for call in cast.scene.process.trace.calls if call.name == "if_nametoindex")
    assert (call.failed, call.errno, call.payload) == (True, "EMFILE", b"lo")
    assert language == "c" or found is None


def test_a_peer_is_the_network(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(PINGS, "tcp_client")
    learner, network = cast["learner"], cast["network"]

    def script() -> None:
        wire = network.wire("eth7", "10.0.0.1/8")
        learner.runs("fetch", "10.9.8.7", "0")
        asked = wire.takes()
        assert asked[26:34] == bytes([10, 0, 0, 1, 10, 9, 8, 7])
        learner.rests()
        answer = Segment(ICMP, b"\0\0\xff\xff\0\0\0\0")
        wire.carries(ethernet(ipv4(answer, source="10.9.8.7", to="10.0.0.1"), to="02:00:00:00:0a:01"))
        learner.returns(bytes(ipv4(answer, source="10.9.8.7", to="10.0.0.1").data))

    assert play(script, cast) is None


def test_who_waits_for_a_frame_that_nobody_sends_hangs(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(SNIFFS, "tcp_client")
    learner, network = cast["learner"], cast["network"]

    def script() -> None:
        wire = network.wire("pump0")
        learner.runs("fetch", "pump0", "0")
        learner.rests()
        wire.carries(datagram(b"one"))
        learner.returns(b"")

    found = play(script, cast)
    assert found is not None
    assert found.verdict is Verdict.HANG


def test_a_peer_hangs_with_a_program_that_sends_nothing(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(SNIFFS, "tcp_client")
    learner, network = cast["learner"], cast["network"]

    def script() -> None:
        wire = network.wire("pump0")
        learner.runs("fetch", "pump0", "0")
        wire.takes()

    found = play(script, cast)
    assert found is not None
    assert found.verdict is Verdict.HANG


def test_a_frame_that_nobody_awaits_is_told(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(PINGS, "tcp_client")
    learner, network = cast["learner"], cast["network"]

    def script() -> None:
        wire = network.wire("eth7", "10.0.0.1/8")
        learner.runs("fetch", "10.9.8.7", "0")
        wire.takes_nothing(more="any-icmp")

    found = play(script, cast)
    assert found is not None
    assert (found.kind, found.gap) == ("surplus", "any-icmp")


def test_an_interface_may_be_down(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(SNIFFS, "tcp_client")
    learner, network = cast["learner"], cast["network"]

    def script() -> None:
        network.wire("pump0").goes_down()
        learner.runs("fetch", "pump0", "0")
        learner.raises("ENETDOWN")

    assert play(script, cast) is None
