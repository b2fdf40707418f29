"""The way to a host: probes come out, and routers say what the script wants."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grader.trial.performance import play
from grader.verbs.cast import Cast
from grader.verbs.routing import Route
from grader.wire.echoes import Echo, echo_in
from grader.wire.frames import ethernet, icmp, ipv4, udp

HOST, ROUTER = "10.9.0.9", "10.1.0.1"
#: Sends an echo to a host that may go two hops, and returns what comes back.
PROBES = """
import socket

def fetch(host, sum):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2)
        sock.sendto(b"\\x08\\0" + bytes.fromhex(sum) + b"\\x12\\x34\\0\\x02", (host, 0))
        return sock.recv(65535)[20:]
"""
RIGHT = "e5c9"


def _said(cast_of: Callable[..., Cast], script: Callable[[Cast, Route], None], sum: str = RIGHT) -> str:
    """What is said of a script, after a probe has been sent; `""` if it is content."""
    cast = cast_of(PROBES, "tcp_client")

    def played() -> None:
        route = cast["network"].route()
        cast["learner"].runs("fetch", HOST, sum)
        script(cast, route)

    failure = play(played, cast)
    return failure.sentence if failure else ""


def test_a_router_quotes_the_probe(cast_of: Callable[..., Cast]) -> None:
    def script(cast: Cast, route: Route) -> None:
        probe = route.takes_probe(2)
        assert (probe.id, probe.sequence, probe.to, probe.source) == (b"\x12\x34", b"\0\2", HOST, "10.0.0.1")
        route.exceeds(ROUTER)
        cast["learner"].returns(ipv4(icmp(probe.quoted(), type=11)).data[20:])

    assert _said(cast_of, script) == ""


def test_the_host_replies(cast_of: Callable[..., Cast]) -> None:
    def script(cast: Cast, route: Route) -> None:
        probe = route.takes_probe(2)
        route.replies()
        cast["learner"].returns(ipv4(icmp(type=0, rest=probe.message[4:8])).data[20:])
        route.takes_no_probe()

    assert _said(cast_of, script) == ""


@pytest.mark.parametrize(
    ("script", "sum", "sentence"),
    [
        (lambda _, route: route.takes_probe(2), "e5ca", "sendto() sends an echo of 8 bytes whose checksum is wrong"),
        (
            lambda _, route: route.takes_probe(1),
            RIGHT,
            "sendto() sends an echo that may go 2 hops; expected one that may go 1",
        ),
        (
            lambda _, route: route.takes_probe(2, to="10.9.0.8"),
            RIGHT,
            "sendto() sends an echo to 10.9.0.9; expected one to 10.9.0.8",
        ),
        (
            lambda _, route: route.takes_no_probe(),
            RIGHT,
            "sendto() sends one more echo, which may go 2 hops, where none was to come",
        ),
    ],
)
def test_another_probe_is_told(cast_of: Callable[..., Cast], script: Callable, sum: str, sentence: str) -> None:
    assert _said(cast_of, script, sum) == sentence


def test_an_echo_is_known_in_its_frame() -> None:
    message = icmp(b"some data", rest=b"\x12\x34\0\1")
    frame = ethernet(ipv4(message, to=HOST, ttl=3, options=bytes(4)), padding=bytes(9))
    assert echo_in(frame) == Echo("10.0.0.1", HOST, 3, message.data[:2] + echo_in(frame).message[2:], bytes(4))
    assert echo_in(frame).message[4:] == b"\x12\x34\0\1some data"
    assert echo_in(frame).sum == echo_in(frame).right_sum
    assert echo_in(ethernet(ipv4(udp(b"some data")))) is None
    assert echo_in(ethernet(ipv4(icmp(type=0)))) is None
    assert echo_in(b"") is None


def test_a_changed_echo_is_right_in_itself() -> None:
    echo = echo_in(ethernet(ipv4(icmp(b"some data", rest=b"\x12\x34\0\1"), to=HOST)))
    other = echo.but(id=b"ab", to="10.9.0.8", options=bytes(8))
    assert (other.id, other.sequence, other.to, other.sum) == (b"ab", b"\0\1", "10.9.0.8", other.right_sum)
    quote = other.quoted()
    assert (len(quote), quote[0], quote[28:30], quote[32:36]) == (36, 0x47, b"\x08\0", b"ab\0\1")
    assert len(other.quoted(5)) == 5
    assert len(other.quoted(65535)) == 45
