"""27 encapsulation: made frames in, a line for each layer out."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals
from grader.wire import frames
from grader.wire.frames import MORE_FRAGMENTS, ethernet, icmp, icmpv6, ipv4, ipv6, tcp, udp
from grader.wire.samples import ARP_REQUEST, EVEN, LARGEST, LOOKALIKE, LOUD, ODD, PADDING, QUIET, ROUTE, beginnings, web

ETHERNET = "ethernet 02:00:00:00:0a:01 > 02:00:00:00:0a:02"
OVER_IPV4 = [ETHERNET, "ipv4 10.0.0.1 > 10.0.0.2 ttl 64"]
OVER_IPV6 = [ETHERNET, "ipv6 2001:db8::1 > 2001:db8::2 hop 64"]
ECHO, ECHO_V6 = "icmp type 8 code 0", "icmp type 128 code 0"
WEB = "tcp 80 > 4000 flags A seq 1 ack 2"
ANSWER = "udp 53 > 4000"
BAD = "checksum bad"

# Not the right checksum of anything here.
WRONG = 0x1234

REQUEST = ethernet(ipv4(tcp(ODD, source=80, to=4000, options=LARGEST), options=ROUTE), padding=PADDING)
LONGEST = [
    "ethernet fe:dc:ba:98:76:54 > ff:ff:ff:ff:ff:ff",
    "ipv6 2001:db8:1111:2222:3333:4444:5555:6666 > fe80:abcd:ef01:2345:6789:abcd:ef01:2345 hop 255",
    "tcp 65535 > 65534 flags FSRPAUEC seq 4294967295 ack 4294967294",
    BAD,
    "payload 1440",
]
LONGEST_FRAME = ethernet(
    ipv6(
        tcp(bytes(1440), source=65535, to=65534, flags="FSRPAUEC", seq=2**32 - 1, ack=2**32 - 2, checksum=WRONG),
        source="2001:db8:1111:2222:3333:4444:5555:6666",
        to="fe80:abcd:ef01:2345:6789:abcd:ef01:2345",
        hop=255,
        traffic=0xFF,
        flow=0xFFFFF,
    ),
    source="fe:dc:ba:98:76:54",
    to="ff:ff:ff:ff:ff:ff",
)


@reveals("carry-lost")
def check_adds_the_carries(learner):
    """tells of an ICMP message, and adds the carries of its sum back"""
    learner.runs("peel", ethernet(ipv4(icmp(QUIET))))
    learner.returns([*OVER_IPV4, ECHO, "payload 8"])

    learner.runs("peel", ethernet(ipv4(icmp(EVEN, rest=b"\xff" * 4))))
    learner.returns([*OVER_IPV4, ECHO, "payload 6"])

    learner.runs("peel", ethernet(ipv4(icmp(LOUD * 4, type=3, code=13, rest=b"\xff" * 4))))
    learner.returns([*OVER_IPV4, "icmp type 3 code 13", "payload 1156"])

    # 0xffff + 0xf800 + 0x0800 is 0x1ffff; with its carry 0x10000, which has one again.
    learner.runs("peel", ethernet(ipv4(icmp(b"\xff\xff\xf8\x00"))))
    learner.returns([*OVER_IPV4, ECHO, "payload 4"])

    learner.runs("peel", ethernet(ipv4(icmp(), to="255.255.255.250", number=0x30E7, ttl=64)))
    learner.returns([ETHERNET, "ipv4 10.0.0.1 > 255.255.255.250 ttl 64", ECHO, "payload 0"])

    learner.runs("peel", ethernet(ipv4(icmp(type=11, code=1), source="203.0.113.9", to="198.51.100.254", ttl=255)))
    learner.returns([ETHERNET, "ipv4 203.0.113.9 > 198.51.100.254 ttl 255", "icmp type 11 code 1", "payload 0"])


@reveals("carry-lost")
def check_tells_of_a_bad_checksum(learner):
    """tells of a bad checksum behind its layer, and goes on"""
    answers = {
        ethernet(ipv4(icmp(QUIET, checksum=WRONG))): [*OVER_IPV4, ECHO, BAD, "payload 8"],
        ethernet(ipv4(icmp(QUIET, checksum=0))): [*OVER_IPV4, ECHO, BAD, "payload 8"],
        ethernet(ipv4(icmp(QUIET), checksum=WRONG)): [*OVER_IPV4, BAD, ECHO, "payload 8"],
        ethernet(ipv4(icmp(QUIET), checksum=0)): [*OVER_IPV4, BAD, ECHO, "payload 8"],
        ethernet(ipv4(icmp(LOUD, checksum=WRONG), checksum=WRONG)): [*OVER_IPV4, BAD, ECHO, BAD, "payload 289"],
        ethernet(ipv4(icmp(QUIET, checksum=WRONG), source="203.0.113.9", to="198.51.100.254")): [
            ETHERNET,
            "ipv4 203.0.113.9 > 198.51.100.254 ttl 64",
            ECHO,
            BAD,
            "payload 8",
        ],
    }
    learner.returns_each("peel", answers)


@reveals("odd-byte")
def check_adds_the_odd_byte(learner):
    """adds the last, odd byte as the upper half of a word"""
    learner.runs("peel", ethernet(ipv4(icmp(EVEN))))
    learner.returns([*OVER_IPV4, ECHO, "payload 6"])

    learner.runs("peel", ethernet(ipv4(icmp(ODD))))
    learner.returns([*OVER_IPV4, ECHO, "payload 7"])

    # Right, were the byte the lower half of a word, or no part of the sum.
    learner.runs("peel", ethernet(ipv4(icmp(ODD, checksum=0x390B))))
    learner.returns([*OVER_IPV4, ECHO, BAD, "payload 7"])

    learner.runs("peel", ethernet(ipv4(icmp(ODD, checksum=0x393E))))
    learner.returns([*OVER_IPV4, ECHO, BAD, "payload 7"])

    learner.runs("peel", ethernet(ipv4(icmp(LOUD)), padding=PADDING))
    learner.returns([*OVER_IPV4, ECHO, "payload 289"])


@reveals("host-order-field", "no-pseudo-header")
def check_tells_of_tcp(learner, caller):
    """tells of TCP: ports, flags and numbers, and a sum that begins with the pseudo-header"""
    caller.has_settings_of_its_own()

    learner.runs("peel", ethernet(ipv4(web())))
    learner.returns([*OVER_IPV4, WEB, "payload 0"])

    learner.runs("peel", ethernet(ipv6(web(EVEN))))
    learner.returns([*OVER_IPV6, WEB, "payload 6"])

    answers = {
        ethernet(ipv4(tcp(LOUD, flags="SA"))): [*[*OVER_IPV4, "tcp 3490 > 51000 flags SA seq 1 ack 2", "payload 289"]],
        ethernet(ipv4(web(ODD, flags="PA", seq=2**32 - 1, ack=2**31))): [
            *OVER_IPV4,
            "tcp 80 > 4000 flags PA seq 4294967295 ack 2147483648",
            "payload 7",
        ],
        ethernet(ipv4(web(flags="", ack=0))): [*OVER_IPV4, "tcp 80 > 4000 flags - seq 1 ack 0", "payload 0"],
        LONGEST_FRAME: LONGEST,
        # Sums of the pseudo-header alone, as a network card gets them; and without it.
        ethernet(ipv4(web(checksum=0x141D))): [*OVER_IPV4, WEB, BAD, "payload 0"],
        ethernet(ipv4(web(checksum=0x9BFC))): [*OVER_IPV4, WEB, BAD, "payload 0"],
        ethernet(ipv6(web(checksum=0x9BFC))): [*OVER_IPV6, WEB, BAD, "payload 0"],
        ethernet(ipv4(web(checksum=0))): [*OVER_IPV4, WEB, BAD, "payload 0"],
    }
    learner.returns_each("peel", answers)


@reveals("no-pseudo-header")
def check_names_each_flag(learner):
    """names the flags of TCP, each by its letter"""
    answers = {
        ethernet(ipv4(web(flags=flag))): [*OVER_IPV4, f"tcp 80 > 4000 flags {flag} seq 1 ack 2", "payload 0"]
        for flag in ("F", "S", "R", "P", "A", "U", "E", "C", "FA", "RA", "SEC", "FSRPAUEC")
    }
    learner.returns_each("peel", answers)


@reveals("no-pseudo-header")
def check_tells_of_udp(learner):
    """tells of UDP, whose own length ends its payload and its sum"""
    learner.runs("peel", ethernet(ipv4(udp(EVEN))))
    learner.returns([*OVER_IPV4, ANSWER, "payload 6"])

    answers = {
        ethernet(ipv6(udp(ODD))): [*OVER_IPV6, ANSWER, "payload 7"],
        ethernet(ipv6(udp())): [*OVER_IPV6, ANSWER, "payload 0"],
        ethernet(ipv4(udp(b"\xff" * 65507, source=65535, to=1))): [*OVER_IPV4, "udp 65535 > 1", "payload 65507"],
        # The sum is 0, and so is sent as 0xffff.
        ethernet(ipv4(udp(b"\xdc\x02"))): [*OVER_IPV4, ANSWER, "payload 2"],
        ethernet(ipv4(udp(EVEN + LOUD, length=14))): [*OVER_IPV4, ANSWER, "payload 6"],
        ethernet(ipv6(udp(ODD + LOUD, length=15))): [*OVER_IPV6, ANSWER, "payload 7"],
        ethernet(ipv4(udp(LOUD, length=8))): [*OVER_IPV4, ANSWER, "payload 0"],
        ethernet(ipv4(udp(EVEN + LOUD, length=14, checksum=WRONG))): [*OVER_IPV4, ANSWER, BAD, "payload 6"],
        ethernet(ipv6(udp(EVEN, checksum=WRONG))): [*OVER_IPV6, ANSWER, BAD, "payload 6"],
    }
    learner.returns_each("peel", answers)


@reveals("zero-checksum")
def check_knows_what_no_checksum_is(learner):
    """takes 0 for no checksum in UDP over IPv4, and nowhere else"""
    learner.runs("peel", ethernet(ipv4(udp(EVEN, checksum=0))))
    learner.returns([*OVER_IPV4, ANSWER, "payload 6"])

    learner.runs("peel", ethernet(ipv6(udp(EVEN, checksum=0))))
    learner.returns([*OVER_IPV6, ANSWER, BAD, "payload 6"])


@reveals("no-pseudo-header")
def check_tells_the_two_icmps_apart(learner):
    """tells of ICMPv6, which has a pseudo-header, and of each ICMP over its own IP alone"""
    learner.runs("peel", ethernet(ipv6(icmpv6(QUIET))))
    learner.returns([*OVER_IPV6, ECHO_V6, "payload 8"])

    answers = {
        ethernet(ipv6(icmpv6(LOUD, type=1, code=4))): [*OVER_IPV6, "icmp type 1 code 4", "payload 289"],
        ethernet(ipv6(icmpv6(QUIET, checksum=0x73EF))): [*OVER_IPV6, ECHO_V6, BAD, "payload 8"],
        ethernet(ipv6(icmp(QUIET), hop=1)): [ETHERNET, "ipv6 2001:db8::1 > 2001:db8::2 hop 1", "payload 16"],
        ethernet(ipv4(icmpv6(QUIET), ttl=1)): [ETHERNET, "ipv4 10.0.0.1 > 10.0.0.2 ttl 1", "payload 16"],
    }
    learner.returns_each("peel", answers)


@reveals("fixed-header")
def check_steps_over_options(learner):
    """steps over the options of IPv4 and of TCP"""
    learner.runs("peel", ethernet(ipv4(web(EVEN), options=ROUTE)))
    learner.returns([*OVER_IPV4, WEB, "payload 6"])

    learner.runs("peel", ethernet(ipv4(web(EVEN, options=LARGEST))))
    learner.returns([*OVER_IPV4, WEB, "payload 6"])

    answers = {
        ethernet(ipv4(udp(ODD), options=ROUTE * 3 + b"\1\1\1\0")): [*OVER_IPV4, ANSWER, "payload 7"],
        ethernet(ipv4(icmp(ODD), options=b"\1\1\1\0")): [*OVER_IPV4, ECHO, "payload 7"],
        ethernet(ipv6(web(ODD, options=LARGEST * 5, reserved=15))): [*OVER_IPV6, WEB, "payload 7"],
        ethernet(ipv4(web(options=LARGEST * 5), options=ROUTE * 3)): [*OVER_IPV4, WEB, "payload 0"],
        # Right, were the sum that of the first 20 bytes.
        ethernet(ipv4(web(), options=ROUTE, checksum=0x23C2)): [*OVER_IPV4, BAD, WEB, "payload 0"],
    }
    learner.returns_each("peel", answers)


@reveals("ethernet-padding")
def check_leaves_padding_out(learner):
    """leaves out what stands behind the IP packet"""
    learner.runs("peel", ethernet(ipv4(web()), padding=PADDING[:6]))
    learner.returns([*OVER_IPV4, WEB, "payload 0"])

    answers = {
        ethernet(ipv4(udp(ODD)), padding=PADDING[:11]): [*OVER_IPV4, ANSWER, "payload 7"],
        ethernet(ipv4(icmp(ODD)), padding=PADDING[:11]): [*OVER_IPV4, ECHO, "payload 7"],
        ethernet(ipv6(web(ODD)), padding=PADDING): [*OVER_IPV6, WEB, "payload 7"],
        ethernet(ipv6(udp(ODD)), padding=PADDING): [*OVER_IPV6, ANSWER, "payload 7"],
        ethernet(ipv4(EVEN), padding=PADDING): [*OVER_IPV4, "payload 6"],
        ethernet(ipv6(b""), padding=PADDING): [*OVER_IPV6, "payload 0"],
        ethernet(ipv4(b""), padding=PADDING): [*OVER_IPV4, "payload 0"],
    }
    learner.returns_each("peel", answers)


@reveals("ethernet-padding")
def check_peels_nothing_else(learner):
    """takes everything else for payload: all of it, where no IP length says how much"""
    answers = {
        ethernet(ARP_REQUEST, kind=frames.ARP, padding=PADDING): [ETHERNET, "payload 46"],
        ethernet(b"", kind=frames.ARP): [ETHERNET, "payload 0"],
        ethernet(b"\x00\x07\x08\x00" + ipv4(web()).data, kind=frames.VLAN): [ETHERNET, "payload 44"],
        ethernet(LOUD, kind=0x88CC, source="0a:0b:0c:0d:0e:0f", to="01:80:c2:00:00:0e"): [
            "ethernet 0a:0b:0c:0d:0e:0f > 01:80:c2:00:00:0e",
            "payload 289",
        ],
        **{
            ethernet(ipv6(web(EVEN), protocol=number), padding=PADDING): [*OVER_IPV6, "payload 26"]
            for number in (0, 43, 44, 51, 59, 60, 135)  # extension headers (RFC 8200), and the end of them
        },
        **{
            ethernet(ipv4(web(EVEN), protocol=number), padding=PADDING): [*OVER_IPV4, "payload 26"]
            for number in (0, 2, 4, 41, 47, 132, 255)
        },
    }
    learner.returns_each("peel", answers)


@reveals("fragment")
def check_tells_fragments_apart(learner):
    """reads a header in the first fragment alone, and judges no sum of it"""
    learner.runs("peel", ethernet(ipv4(LOOKALIKE, fragment=185, protocol=frames.TCP)))
    learner.returns([*OVER_IPV4, "payload 24"])

    answers = {
        **{
            ethernet(ipv4(LOOKALIKE, fragment=place, protocol=number), padding=PADDING): [*OVER_IPV4, "payload 24"]
            for place in (1, 0x100, 0x1000, MORE_FRAGMENTS | 185, MORE_FRAGMENTS | 0x1FFF)
            for number in (frames.TCP, frames.UDP, frames.ICMP)
        },
        ethernet(ipv4(EVEN, fragment=185, protocol=frames.TCP)): [*OVER_IPV4, "payload 6"],
        ethernet(ipv4(LOOKALIKE, fragment=185, protocol=frames.UDP, checksum=WRONG)): [*OVER_IPV4, BAD, "payload 24"],
        ethernet(ipv4(web(ODD + b"."), fragment=0)): [*OVER_IPV4, WEB, "payload 8"],
        ethernet(ipv4(web(EVEN, checksum=WRONG), fragment=0)): [*OVER_IPV4, WEB, BAD, "payload 6"],
    }
    learner.returns_each("peel", answers)

    learner.runs("peel", ethernet(ipv4(web(ODD + b".", checksum=WRONG), fragment=MORE_FRAGMENTS)))
    learner.returns([*OVER_IPV4, WEB, "payload 8"])

    learner.runs("peel", ethernet(ipv4(icmp(QUIET, checksum=WRONG), fragment=MORE_FRAGMENTS)))
    learner.returns([*OVER_IPV4, ECHO, "payload 8"])

    first = udp(QUIET, length=3008, checksum=WRONG)
    learner.runs("peel", ethernet(ipv4(first, fragment=MORE_FRAGMENTS), padding=PADDING))
    learner.returns([*OVER_IPV4, ANSWER, "payload 8"])


@reveals("over-read")
def check_tells_of_a_cut_frame(learner):
    """says where the capture ends before a packet does, wherever it is cut"""
    learner.runs("peel", REQUEST)
    learner.returns([*OVER_IPV4, WEB, "payload 7"])

    learner.runs("peel", b"")
    learner.returns(["truncated"], instead="over-read")

    # Behind the packet there is padding, which may be missing.
    answers = beginnings(REQUEST[: -len(PADDING)], 1, (14, ETHERNET), (46, OVER_IPV4[1]), (74, WEB))
    learner.returns_each("peel", answers, instead="over-read")

    answers = beginnings(ethernet(ipv6(udp(ODD))), 14, (14, ETHERNET), (54, OVER_IPV6[1]), (62, ANSWER))
    learner.returns_each("peel", answers, instead="over-read")

    answers = beginnings(
        ethernet(ipv4(icmp(QUIET, checksum=WRONG))), 34, (14, ETHERNET), (34, OVER_IPV4[1]), (42, ECHO)
    )
    learner.returns_each("peel", answers, instead="over-read")

    answers = beginnings(
        ethernet(ipv6(icmpv6(QUIET, checksum=WRONG))), 54, (14, ETHERNET), (54, OVER_IPV6[1]), (62, ECHO_V6)
    )
    learner.returns_each("peel", answers, instead="over-read")


@reveals("over-read")
def check_believes_no_length(learner):
    """counts no byte that was not captured, and judges no sum over one"""
    learner.runs("peel", ethernet(ipv4(EVEN, length=1500)))
    learner.returns([*OVER_IPV4, "truncated"], instead="over-read")

    answers = {
        ethernet(ipv4(web(EVEN), length=1500)): [*OVER_IPV4, WEB, "truncated"],
        ethernet(ipv6(web(EVEN), length=65535)): [*OVER_IPV6, WEB, "truncated"],
        ethernet(ipv6(QUIET, length=9)): [*OVER_IPV6, "truncated"],
        ethernet(ipv4(udp(EVEN, length=1480), length=1500)): [*OVER_IPV4, ANSWER, "truncated"],
        ethernet(ipv4(udp(EVEN, checksum=0), length=1500)): [*OVER_IPV4, ANSWER, "truncated"],
        ethernet(ipv4(icmp(QUIET), length=1500, checksum=WRONG)): [*OVER_IPV4, BAD, ECHO, "truncated"],
        ethernet(ipv4(LOOKALIKE, length=1500, fragment=185, protocol=frames.TCP)): [*OVER_IPV4, "truncated"],
        ethernet(ipv4(b"", length=60, words=15)): [ETHERNET, "truncated"],
        ethernet(ipv4(web(words=15), length=80)): [*OVER_IPV4, "truncated"],
        ethernet(ipv6(web(EVEN, words=15), length=60)): [*OVER_IPV6, "truncated"],
        ethernet(ipv4(web(EVEN), length=1500, fragment=MORE_FRAGMENTS)): [*OVER_IPV4, WEB, "truncated"],
    }
    learner.returns_each("peel", answers, instead="over-read")

    # All that the sum of UDP covers is there; what else the packet has is not.
    shorter = udp(EVEN + LOUD, length=14, checksum=WRONG)
    answers = beginnings(ethernet(ipv4(shorter)), 42, (14, ETHERNET), (34, OVER_IPV4[1]), (42, ANSWER), (48, BAD))
    learner.returns_each("peel", answers, instead="over-read")


@reveals("fixed-header")
def check_tells_of_malformed_ip(learner):
    """tells of an IP header that is none: its version, or its lengths"""
    answers = {
        ethernet(ipv4(web(EVEN), words=4)): [ETHERNET, "malformed"],
        ethernet(ipv4(web(EVEN), words=0)): [ETHERNET, "malformed"],
        ethernet(ipv4(web(EVEN), version=6)): [ETHERNET, "malformed"],
        ethernet(ipv4(web(EVEN), version=5)): [ETHERNET, "malformed"],
        ethernet(ipv6(web(EVEN), version=4)): [ETHERNET, "malformed"],
        ethernet(ipv6(web(EVEN), version=7)): [ETHERNET, "malformed"],
        ethernet(ipv6(web(EVEN)).data): [ETHERNET, "malformed"],
        ethernet(ipv4(web(EVEN)).data, kind=frames.IPV6): [ETHERNET, "malformed"],
        ethernet(ipv4(web(EVEN), length=19)): [ETHERNET, "malformed"],
        ethernet(ipv4(web(EVEN), length=0)): [ETHERNET, "malformed"],
        ethernet(ipv4(web(EVEN), options=ROUTE, length=31)): [ETHERNET, "malformed"],
        ethernet(ipv4(b"", words=15, length=59)): [ETHERNET, "malformed"],
        # Where less than the smallest header was captured, nobody looks into it.
        ethernet(ipv4(b"", version=6).data[:19]): [ETHERNET, "truncated"],
        ethernet(ipv6(b"", version=4).data[:39], kind=frames.IPV6): [ETHERNET, "truncated"],
    }
    learner.returns_each("peel", answers)


@reveals("fixed-header")
def check_tells_of_malformed_transport(learner):
    """tells of a transport header that has no room, or lengths that contradict the packet's"""
    answers = {
        ethernet(ipv4(web(EVEN, words=4))): [*OVER_IPV4, "malformed"],
        ethernet(ipv6(web(EVEN, words=0))): [*OVER_IPV6, "malformed"],
        ethernet(ipv4(web(EVEN, words=7))): [*OVER_IPV4, "malformed"],
        ethernet(ipv4(web(words=4), length=1500)): [*OVER_IPV4, "malformed"],
        ethernet(ipv4(web(words=15), length=79)): [*OVER_IPV4, "malformed"],
        ethernet(ipv4(web(), length=39, checksum=WRONG)): [*OVER_IPV4, BAD, "malformed"],
        ethernet(ipv4(web(), length=20)): [*OVER_IPV4, "malformed"],
        ethernet(ipv6(web(), length=0)): [*OVER_IPV6, "malformed"],
        ethernet(ipv4(udp(), length=27)): [*OVER_IPV4, "malformed"],
        ethernet(ipv4(icmp(), length=27)): [*OVER_IPV4, "malformed"],
        ethernet(ipv6(icmpv6(), length=7)): [*OVER_IPV6, "malformed"],
        # So little room that no header fits, and not even that was captured.
        ethernet(ipv4(LOOKALIKE[:5], length=39, protocol=frames.TCP)): [*OVER_IPV4, "malformed"],
        ethernet(ipv4(b"", length=27, protocol=frames.UDP)): [*OVER_IPV4, "malformed"],
        ethernet(ipv6(b"\x80", length=7, protocol=frames.ICMPV6)): [*OVER_IPV6, "malformed"],
        ethernet(ipv4(udp(EVEN, length=7))): [*OVER_IPV4, "malformed"],
        ethernet(ipv6(udp(EVEN, length=0))): [*OVER_IPV6, "malformed"],
        ethernet(ipv4(udp(EVEN, length=15))): [*OVER_IPV4, "malformed"],
        ethernet(ipv6(udp(EVEN, length=15)), padding=PADDING): [*OVER_IPV6, "malformed"],
        ethernet(ipv4(udp(EVEN, length=1481), length=1500)): [*OVER_IPV4, "malformed"],
        ethernet(ipv4(udp(EVEN, length=7, checksum=0), length=1500)): [*OVER_IPV4, "malformed"],
        ethernet(ipv4(udp(EVEN, length=7), fragment=MORE_FRAGMENTS)): [*OVER_IPV4, "malformed"],
    }
    learner.returns_each("peel", answers)


@only("c", because="Python's lists grow")
@reveals("small-buffer")
def check_reports_what_does_not_fit(learner):
    """fills the buffer to its last byte, and reports a text that is larger"""
    learner.runs("peel", b"", room=11)
    learner.returns(["truncated"])

    learner.runs("peel", b"", room=10)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("peel", REQUEST, room=124)
    learner.returns([*OVER_IPV4, WEB, "payload 7"])

    learner.runs("peel", REQUEST, room=123)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("peel", REQUEST, room=122)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("peel", REQUEST, room=49)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("peel", LONGEST_FRAME, room=230)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("peel", LONGEST_FRAME, room=1)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("peel", REQUEST, room=0)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("peel", REQUEST, room=Null(0))
    learner.raises("EMSGSIZE", "EINVAL", instead="small-buffer")


@only("c", because="Python has no null pointers")
@reveals("unchecked-argument")
def check_refuses_a_null_pointer(learner):
    """refuses a null pointer with a size"""
    learner.runs("peel", REQUEST, room=Null(1024))
    learner.raises("EINVAL")

    learner.runs("peel", Null(14))
    learner.raises("EINVAL")

    learner.runs("peel", Null(1))
    learner.raises("EINVAL")
