"""Frames are what scapy makes of the same fields; a wrong answer to one tells the mistake behind it."""

from __future__ import annotations

import importlib.util
from functools import cache
from types import ModuleType

import pytest

from grader.verdict.peeling import MISTAKES, explanation, peel
from grader.wire import frames, samples
from grader.wire.frames import ethernet, icmp, icmpv6, ipv4, ipv6, tcp, udp
from tests.conftest import by_slug

LOUD = bytes(range(256)) + b"\xff" * 33
MAC = {"src": "02:00:00:00:0a:01", "dst": "02:00:00:00:0a:02"}
OURS = {
    "tcp": ethernet(ipv4(tcp(LOUD, flags="SA", seq=2**32 - 1))),
    "every flag": ethernet(ipv4(tcp(flags="FSRPAUEC", window=65535))),
    "tcp options": ethernet(ipv4(tcp(b"odd", options=bytes.fromhex("0204 05b4 0101 0101")))),
    "ip options": ethernet(ipv4(tcp(b"odd"), options=bytes.fromhex("01 07 0b 08 c0000201 00000000"))),
    "udp": ethernet(ipv4(udp(b"odd"), ttl=1), padding=bytes(15)),
    "no sum": ethernet(ipv4(udp(b"odd", checksum=0))),
    "sum of 0": ethernet(ipv4(udp(b"\xdc\x02"))),
    "icmp": ethernet(ipv4(icmp(LOUD, type=3, code=13))),
    "fragment": ethernet(ipv4(udp(LOUD[:16], length=3008, checksum=0x1234), fragment=frames.MORE_FRAGMENTS, number=7)),
    "later": ethernet(ipv4(LOUD, fragment=185, number=7, protocol=frames.TCP)),
    "tcp over ipv6": ethernet(ipv6(tcp(b"odd"), traffic=0x12, flow=0x34567)),
    "udp over ipv6": ethernet(ipv6(udp(LOUD), hop=255)),
    "icmpv6": ethernet(ipv6(icmpv6(b"odd", rest=bytes.fromhex("00070001")))),
    "lengths": ethernet(ipv4(tcp(b"odd", words=15, checksum=0x4321), words=6, length=1500, version=5, checksum=0x1234)),
    "arp": ethernet(samples.ARP_REQUEST, kind=frames.ARP),
}


@cache
def _theirs() -> dict[str, bytes]:
    """The same by scapy, which is a tool of these tests and of nothing else."""
    scapy = pytest.importorskip("scapy.all", reason="scapy is in the group `tests` of pyproject.toml")
    ether, raw = scapy.Ether(**MAC), scapy.Raw

    def over_ipv4(**fields: object) -> object:
        return ether / scapy.IP(**{"src": "10.0.0.1", "dst": "10.0.0.2", "id": 0, "flags": "DF", **fields})

    def over_ipv6(**fields: object) -> object:
        return ether / scapy.IPv6(src="2001:db8::1", dst="2001:db8::2", **fields)

    def segment(**fields: object) -> object:
        return scapy.TCP(**{"sport": 3490, "dport": 51000, "flags": "A", "seq": 1, "ack": 2, "window": 1024, **fields})

    datagram = scapy.UDP(sport=53, dport=4000)
    largest = [("MSS", 1460), *[("NOP", None)] * 4]
    made = {
        "tcp": over_ipv4() / segment(flags="SA", seq=2**32 - 1) / raw(LOUD),
        "every flag": over_ipv4() / segment(flags="FSRPAUEC", window=65535),
        "tcp options": over_ipv4() / segment(options=largest) / raw(b"odd"),
        "ip options": over_ipv4(options=scapy.IPOption(samples.ROUTE)) / segment() / raw(b"odd"),
        "udp": over_ipv4(ttl=1) / datagram / raw(b"odd") / scapy.Padding(bytes(15)),
        "no sum": over_ipv4() / scapy.UDP(sport=53, dport=4000, chksum=0) / raw(b"odd"),
        "sum of 0": over_ipv4() / datagram / raw(b"\xdc\x02"),
        "icmp": over_ipv4() / scapy.ICMP(type=3, code=13) / raw(LOUD),
        "fragment": over_ipv4(flags="MF", id=7) / scapy.UDP(sport=53, dport=4000, len=3008, chksum=0x1234) / LOUD[:16],
        "later": over_ipv4(flags=0, frag=185, id=7, proto=6) / raw(LOUD),
        "tcp over ipv6": over_ipv6(tc=0x12, fl=0x34567) / segment() / raw(b"odd"),
        "udp over ipv6": over_ipv6(hlim=255) / datagram / raw(LOUD),
        "icmpv6": over_ipv6() / scapy.ICMPv6EchoRequest(id=7, seq=1, data=b"odd"),
        "lengths": over_ipv4(version=5, ihl=6, len=1500, chksum=0x1234)
        / segment(dataofs=15, chksum=0x4321)
        / raw(b"odd"),
        "arp": ether / scapy.ARP(hwsrc=MAC["src"], psrc="10.0.0.1", pdst="10.0.0.2", hwdst="00:00:00:00:00:00"),
    }
    made["tcp over ipv6"][scapy.IPv6].hlim = made["icmpv6"][scapy.IPv6].hlim = 64
    return {name: bytes(packet) for name, packet in made.items()}


@pytest.mark.parametrize("name", OURS)
def test_frames_are_those_of_scapy(name: str) -> None:
    assert OURS[name].hex(" ") == _theirs()[name].hex(" ")


@cache
def _solution() -> ModuleType:
    path = by_slug("encapsulation").solution("python")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", OURS)
def test_whoever_makes_no_mistake_answers_like_the_solution(name: str) -> None:
    frame = OURS[name]
    for size in range(len(frame) + 1):
        assert peel(frame[:size]) == _solution().peel(frame[:size])


#: Frames that, taken together, tell all mistakes apart.
TELLING = [
    ethernet(ipv4(icmp(samples.QUIET))),
    ethernet(ipv6(samples.web(samples.EVEN))),
    ethernet(ipv4(samples.web(samples.EVEN))),
    ethernet(ipv4(icmp(b"\xff\xff\xf8\x00"))),
    ethernet(ipv4(icmp(b"PING 13"))),
    ethernet(ipv4(icmp(b"PING 13", checksum=0x390B))),
    ethernet(ipv4(icmp(b"even", checksum=0))),
    ethernet(ipv4(tcp(options=samples.LARGEST), options=samples.ROUTE)),
    ethernet(ipv4(samples.LOOKALIKE, fragment=185, protocol=frames.TCP)),
    ethernet(ipv4(samples.web(checksum=0x1234), fragment=frames.MORE_FRAGMENTS)),
    ethernet(ipv4(b"even", length=1500)),
    ethernet(ipv4(udp(b"even"), length=1500)),
    ethernet(ipv4(samples.web(samples.EVEN), length=1500)),
    ethernet(ipv6(udp(b"even", checksum=0))),
    ethernet(ipv4(icmp(b"even"), checksum=0x1234)),
    ethernet(ipv4(icmpv6(b"even"))),
    ethernet(ipv4(b"short", length=30, protocol=frames.TCP)),
    ethernet(ipv4(udp(b"even, and more", length=12))),
    *OURS.values(),
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_known_by_its_answers(mistake: str) -> None:
    answers = [(frame, peel(frame, [mistake])) for frame in TELLING]
    wrong = [(frame, answer) for frame, answer in answers if answer != peel(frame)]
    assert {explanation([*answers, each]) for each in wrong} == {mistake}


def test_two_mistakes_are_told_one_after_the_other() -> None:
    frame = ethernet(ipv4(samples.web()), padding=samples.PADDING)
    both = ["rest of frame", "ports"]
    assert explanation([(frame, peel(frame, both))]) == "rest of frame"
    assert explanation([(frame, peel(frame, both[1:]))]) == "ports"


def test_what_no_mistake_explains_is_not_explained() -> None:
    assert explanation([(OURS["tcp"], ["ethernet a > b", "payload 7"])]) == ""
