"""30 capture: the packets of one port, off an interface and into a file."""

import struct

from grader.verbs.script import only, reveals, torture
from grader.wire.frames import (
    ARP,
    IPV6,
    MORE_FRAGMENTS,
    Segment,
    ethernet,
    icmp,
    icmpv6,
    ipv4,
    ipv6,
    tcp,
    udp,
)

#: The port whose packets are wanted, as it stands in a header, and turned round.
PORT = 4242
BYTES, TURNED = struct.pack("!H", PORT), int.from_bytes(struct.pack("<H", PORT), "big")
#: The machine's Ethernet address, and that of the other end of its wire.
NEAR, FAR, NOWHERE = "02:00:00:00:0a:01", "02:00:00:00:0a:02", "00:00:00:00:00:00"
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
#: The most that a datagram of IPv4 can carry, every 8 bytes of which tell where they stand.
LONGEST = b"".join(b"%07d " % offset for offset in range(0, 65512, 8))[:65507]
#: What looks like the ports of a segment, and is none.
LOOKALIKE = BYTES * 12


def comes(packet):
    """A frame that comes in over the wire."""
    return ethernet(packet, source=FAR, to=NEAR)


def goes(packet):
    """A frame that the machine sends over the wire."""
    return ethernet(packet, source=NEAR, to=FAR)


def stays(packet):
    """A frame on the loopback interface."""
    return ethernet(packet, source=NOWHERE, to=NOWHERE)


def asks(data, port=PORT):
    """A datagram to the port."""
    return ipv4(udp(data, source=3490, to=port))


def tells(data, port=PORT):
    """A segment from the port, over IPv6."""
    return ipv6(tcp(data, source=port, to=3490))


def extended(*headers, inside):
    """What IPv6 carries, behind extension headers: pairs of their number and what is in
    them after the number of the next one."""
    protocol, data = inside.protocol, inside.data
    for number, rest in reversed(headers):
        protocol, data = number, bytes([protocol]) + rest + data
    return Segment(protocol, data)


FILLER = comes(asks(b"more\n"))
#: Extension headers, after the number of the next one: 8 bytes with nothing in them, 16
#: that look like ports, and that of a fragment.
SHORT, LONG = b"\0\1\4\0\0\0\0", b"\1" + LOOKALIKE[:14]


def fragment(offset, more=1):
    return FRAGMENT, struct.pack("!BHI", 0, offset << 3 | more, 7)


UDP_HERE, TCP_HERE = udp(b"level?\n", source=3490, to=PORT), tcp(b"7.2 m\n", source=PORT, to=3490)
#: Frames of the port, wherever their ports stand.
OF_PORT = [
    comes(ipv4(UDP_HERE, options=struct.pack("!4H", 0x0101, 1, 2, 0x0101))),
    comes(ipv4(TCP_HERE, options=b"\1" * 40)),
    comes(ipv4(tcp(b"both", source=PORT, to=PORT))),
    comes(ipv4(udp(b"half of", source=PORT, to=3490, length=2000), fragment=MORE_FRAGMENTS)),
    comes(ipv6(extended((HOP_BY_HOP, SHORT), inside=UDP_HERE))),
    comes(ipv6(extended((HOP_BY_HOP, SHORT), (DESTINATION, LONG), (ROUTING, SHORT), inside=TCP_HERE))),
    comes(ipv6(extended(fragment(0), (DESTINATION, SHORT), inside=UDP_HERE))),
    comes(ipv6(extended(fragment(0, 0), inside=TCP_HERE))),
]
#: Frames that are none of the port, whatever they look like.
OF_OTHERS = [
    comes(asks(b"other port", port=PORT + 1)),
    comes(asks(b"other order", port=TURNED)),
    comes(ipv4(udp(LOOKALIKE, source=3490, to=3491))),
    comes(ipv4(udp(b"options", source=3490, to=3491), options=LOOKALIKE[:8])),
    comes(ipv4(tcp(b"options", source=3490, to=3491), options=LOOKALIKE[:40])),
    comes(ipv4(Segment(UDP_HERE.protocol, LOOKALIKE), fragment=1)),
    comes(ipv4(Segment(TCP_HERE.protocol, LOOKALIKE), fragment=MORE_FRAGMENTS | 185)),
    comes(ipv4(Segment(UDP_HERE.protocol, LOOKALIKE), fragment=0x1F00)),
    comes(ipv4(icmp(ipv4(UDP_HERE).data[:28], type=3, code=3))),
    comes(ipv4(Segment(1, LOOKALIKE))),
    comes(ipv4(Segment(132, LOOKALIKE))),
    comes(ipv6(icmpv6(LOOKALIKE))),
    comes(ipv6(udp(b"next", source=3490, to=3491))),
    comes(ipv6(extended(fragment(185), inside=Segment(UDP_HERE.protocol, LOOKALIKE)))),
    comes(ipv6(extended((HOP_BY_HOP, SHORT), fragment(1, 0), inside=Segment(TCP_HERE.protocol, LOOKALIKE)))),
    comes(ipv6(extended((DESTINATION, LONG), inside=udp(b"", source=3490, to=3491)))),
    comes(ipv6(extended((HOP_BY_HOP, SHORT), inside=icmpv6(LOOKALIKE)))),
    ethernet(ipv4(UDP_HERE), source=FAR, to=NEAR, kind=ARP),
    ethernet(ipv4(UDP_HERE), source=FAR, to=NEAR, kind=0x88B5),
]
#: Frames with a header that is none, or without ports.
MALFORMED = [
    comes(b"")[:14],
    comes(ipv4(UDP_HERE).data[:16]),
    comes(ipv4(UDP_HERE).data[:20]),
    comes(ipv4(UDP_HERE, version=6)),
    comes(ipv4(UDP_HERE, version=5)),
    comes(ipv4(UDP_HERE, words=4)),
    comes(ipv4(UDP_HERE, words=0)),
    comes(ipv4(b"", length=20, protocol=UDP_HERE.protocol).data + LOOKALIKE),
    ethernet(ipv6(UDP_HERE).data[:36], source=FAR, to=NEAR, kind=IPV6),
    ethernet(ipv6(UDP_HERE).data[:40], source=FAR, to=NEAR, kind=IPV6),
    comes(ipv6(UDP_HERE, version=4)),
    comes(ipv6(Segment(UDP_HERE.protocol, LOOKALIKE), length=0)),
    comes(ipv6(Segment(HOP_BY_HOP, bytes([UDP_HERE.protocol, 200]) + LOOKALIKE))),
]
STRAYS = dict.fromkeys(OF_OTHERS + MALFORMED, "fixed-header")


@reveals("every-protocol-order", "every-interface")
def check_captures_what_comes_in(learner, network, folder, caller):
    """captures the next packets that come in, and no more than it is asked for"""
    wire = network.wire("pump0")
    caller.has_settings_of_its_own()
    asked, told = comes(asks(b"level?\n")), comes(tells(b"7.2 m\n"))

    learner.runs("capture", "pump0", PORT, 2, folder.offers("new.pcap"))
    learner.rests()
    wire.carries(comes(asks(b"other", port=53)))
    wire.carries(asked)
    wire.carries(told)
    wire.carries(FILLER)
    learner.returns(None)
    folder.shows_packets("new.pcap", asked, told, twice="every-interface")

    learner.runs("capture", "pump0", 65535, 1, folder.offers("old.pcap", LONGEST))
    learner.rests()
    wire.carries(comes(asks(b"", port=65535)))
    wire.carries(FILLER)
    learner.returns(None)
    folder.shows_packets("old.pcap", comes(asks(b"", port=65535)), twice="every-interface")


@reveals("own-packets-lost", "every-interface")
def check_captures_what_is_sent(learner, network, folder):
    """captures packets in both directions, those of the machine itself included"""
    wire = network.wire("pump0")
    sent = goes(asks(b"level?\n"))
    told, asked = comes(ipv4(tcp(b"7.2 m\n", source=PORT, to=51000))), goes(ipv6(udp(b"pump 7", source=53, to=PORT)))

    learner.runs("capture", "pump0", PORT, 3, folder.offers("both.pcap"))
    learner.rests()
    wire.sends(sent)
    wire.carries(told)
    wire.sends(asked)
    wire.carries(FILLER)
    wire.carries(FILLER)
    learner.returns(None)
    folder.shows_packets("both.pcap", sent, told, asked, twice="every-interface", fewer="own-packets-lost")


@reveals("every-interface")
def check_hears_one_interface(learner, network, folder):
    """captures nothing from another interface"""
    other, wire, loopback = network.wire("mast2"), network.wire("pump0"), network.loopback
    strays = [stays(asks(b"here")), comes(asks(b"mast")), goes(tells(b"mast"))]
    asked = comes(asks(b"level?\n"))

    learner.runs("capture", "pump0", PORT, 1, folder.offers("one.pcap"))
    learner.rests()
    loopback.sends(strays[0])
    other.carries(strays[1])
    other.sends(strays[2])
    wire.carries(asked)
    learner.returns(None)
    folder.shows_packets("one.pcap", asked, mistakes=dict.fromkeys(strays, "every-interface"))


@reveals("early-packets")
def check_hears_from_the_bind_on(learner, network, folder, fault):
    """captures nothing that passed elsewhere before its socket was bound"""
    wire, loopback = network.wire("pump0"), network.loopback
    early, asked = stays(asks(b"early")), comes(asks(b"level?\n"))
    fault("socket", hold=True, when="packet 1")

    learner.runs("capture", "pump0", PORT, 3, folder.offers("late.pcap"))
    learner.is_held()
    loopback.sends(early)
    learner.goes_on()
    learner.rests()
    wire.carries_each(asked, FILLER, FILLER)
    learner.returns(None)
    folder.shows_packets("late.pcap", asked, FILLER, FILLER, mistakes={early: "early-packets"})


@reveals("seen-twice")
def check_captures_loopback_once(learner, network, folder):
    """captures each packet on loopback once, and two that are alike as two"""
    loopback = network.loopback
    asked, told, more = stays(asks(b"level?\n")), stays(tells(b"7.2 m\n")), stays(asks(b"more\n"))

    learner.runs("capture", "lo", PORT, 4, folder.offers("lo.pcap"))
    learner.rests()
    loopback.sends(asked)
    loopback.sends(asked)
    loopback.sends(stays(asks(b"other", port=53)))
    loopback.sends(told)
    loopback.sends(more)
    loopback.sends(more)
    learner.returns(None)
    folder.shows_packets("lo.pcap", asked, asked, told, more, twice="seen-twice")


@reveals("cut-frame")
def check_captures_frames_whole(learner, network, folder):
    """captures the longest frame of a wire and of loopback whole, and an empty packet"""
    wire, loopback = network.wire("pump0"), network.loopback
    longest, empty = asks(LONGEST), comes(asks(b""))

    learner.runs("capture", "pump0", PORT, 2, folder.offers("wire.pcap"))
    learner.rests()
    wire.carries(comes(longest))
    wire.carries(empty)
    learner.returns(None)
    folder.shows_packets("wire.pcap", comes(longest), empty, cut="cut-frame")

    learner.runs("capture", "lo", PORT, 1, folder.offers("lo.pcap"))
    learner.rests()
    loopback.sends(stays(longest))
    learner.returns(None)
    folder.shows_packets("lo.pcap", stays(longest), cut="cut-frame")


@reveals("fixed-header")
def check_finds_the_ports(learner, network, folder):
    """finds the ports behind options and extension headers, and in first fragments alone"""
    wire = network.wire("pump0")

    learner.runs("capture", "pump0", PORT, len(OF_PORT), folder.offers("ports.pcap"))
    learner.is_stopped()
    wire.carries_each(*OF_OTHERS, *OF_PORT, *[FILLER] * len(OF_PORT))
    learner.goes_on()
    learner.returns(None)
    folder.shows_packets("ports.pcap", *OF_PORT, mistakes=STRAYS, fewer="fixed-header")


@reveals("fixed-header")
def check_skips_malformed_packets(learner, network, folder):
    """skips packets whose headers are none, and those that end before their ports"""
    wire = network.wire("pump0")
    asked = comes(asks(b"level?\n"))

    learner.runs("capture", "pump0", PORT, 2, folder.offers("whole.pcap"))
    learner.rests()
    wire.carries_each(asked, *MALFORMED, asked)
    learner.returns(None)
    folder.shows_packets("whole.pcap", asked, asked, mistakes=STRAYS)


@reveals("unchecked-argument")
def check_refuses_bad_arguments(learner, network, folder):
    """refuses ports and numbers that cannot be, and captures no packet at once if asked for none"""
    wire = network.wire("pump0")

    learner.runs("capture", "pump0", 0, 0, folder.offers("none.pcap"))
    learner.returns(None)
    folder.shows_packets("none.pcap")

    learner.runs("capture", "pump0", PORT, -1, folder.path("new.pcap"))
    learner.refuses(gap="unchecked-argument")

    learner.runs("capture", "pump0", 65536, 0, folder.path("new.pcap"))
    learner.refuses(gap="unchecked-argument")

    learner.runs("capture", "pump0", -1, 0, folder.path("new.pcap"))
    learner.refuses(gap="unchecked-argument")

    learner.runs("capture", "pump0", PORT + 65536, 1, folder.offers("wrapped.pcap"))
    wire.carries_each(FILLER, comes(asks(b"", port=PORT)))
    learner.refuses(gap="unchecked-argument")


@reveals("left-file", "removed-file")
def check_reports_what_it_cannot_open(learner, network, folder):
    """reports a file that cannot be opened, before the first packet, and interfaces that are not there or down"""
    wire = network.wire("pump0")
    learner.runs("capture", "pump0", PORT, 1, folder.path("nowhere/new.pcap"))
    learner.raises("ENOENT")
    learner.runs("capture", "pump0", PORT, 1, folder.has_directory("files"))
    learner.raises("EISDIR")

    learner.runs("capture", "pump1", PORT, 1, folder.offers("new.pcap"))
    learner.raises("ENODEV", named=True)
    learner.runs("capture", "pump1", PORT, 1, folder.offers("old.pcap", b"notes\n"))
    learner.raises("ENODEV", named=True)

    wire.goes_down()
    learner.runs("capture", "pump0", PORT, 1, folder.offers("down.pcap"))
    learner.raises()
    learner.runs("capture", "pump0", PORT, 1, folder.offers("kept.pcap", b"notes\n"))
    learner.raises()


@reveals("left-file", "removed-file", "lost-write")
def check_reports_a_write_that_fails(learner, network, folder, caller):
    """reports a write that fails, leaves no new file behind, and removes none that was there"""
    wire = network.wire("pump0")
    frame = comes(asks(b"eighteen bytes ..."))
    caller.limits_files(24 + 16 + len(frame))

    learner.runs("capture", "pump0", PORT, 1, folder.offers("fits.pcap"))
    learner.rests()
    wire.carries(frame)
    learner.returns(None)
    folder.shows_packets("fits.pcap", frame)

    learner.runs("capture", "pump0", PORT, 2, folder.offers("new.pcap"))
    learner.rests()
    wire.carries_each(frame, frame)
    learner.raises("EFBIG", instead="lost-write")

    learner.runs("capture", "pump0", PORT, 1, folder.offers("old.pcap", b"notes\n"))
    learner.rests()
    wire.carries(comes(asks(LONGEST)))
    learner.raises("EFBIG", instead="lost-write")


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, network, folder, fault):
    """goes on after signals have interrupted it"""
    wire = network.wire("pump0")
    asked = comes(asks(b"level?\n"))
    fault("recv", error="EINTR", when="packet 1..2")

    learner.runs("capture", "pump0", PORT, 2, folder.offers("new.pcap"))
    learner.rests()
    wire.carries_each(asked, FILLER)
    learner.returns(None)
    folder.shows_packets("new.pcap", asked, FILLER)


@torture
def check_survives_every_failing_call(learner, network, folder):
    """reports or survives every call that fails"""
    wire = network.wire("pump0")
    sent, told = goes(asks(b"level?\n")), comes(tells(b"7.2 m\n"))

    learner.runs("capture", "pump0", PORT, 2, folder.offers("new.pcap"))
    learner.rests()
    wire.sends(sent)
    wire.carries(told)
    learner.returns(None)
    folder.shows_packets("new.pcap", sent, told)
