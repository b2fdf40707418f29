"""01 endpoints: an address and a port as text, and as bytes in network order."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals

IPV4 = bytes.fromhex("04 0da2 c0000201")
IPV6 = bytes.fromhex("06 0da2 20010db8 00000000 00000000 00000001")
# What comes of the first with its port in the other byte order, and with the
# padding of a C structure too.
SWAPPED = {
    bytes.fromhex("04 a20d c0000201"): "host-order-port",
    bytes.fromhex("04 00 a20d c0000201"): "host-order-port",
}
# No port, in Python: struct has its own exception for that, to_bytes() another.
NO_PORT = {"error": "unchecked-port", "OverflowError": "unchecked-port"}
# inet_pton() tells of a text that is no address with an OSError.
NO_ADDRESS = {"OSError": "unchecked-conversion"}
# As long as arrays that somebody may copy an address to, without room for its end.
OVERLONG = [f"[{'1' * size}]:3490" for size in (64, 100, 128, 256, 1025)]


@reveals("host-order-port")
def check_packs_ipv4(learner):
    """packs IPv4 endpoints, the port in network byte order"""
    learner.runs("pack_endpoint", "192.0.2.1:3490")
    learner.returns(IPV4, mistakes=SWAPPED)

    learner.runs("pack_endpoint", "0.0.0.0:0")
    learner.returns(bytes.fromhex("04 0000 00000000"))

    learner.runs("pack_endpoint", "255.255.255.255:65535")
    learner.returns(bytes.fromhex("04 ffff ffffffff"))


@reveals("short-address")
def check_packs_ipv6(learner, caller):
    """packs IPv6 endpoints, all 16 bytes of the address"""
    caller.has_settings_of_its_own()

    learner.runs("pack_endpoint", "[2001:db8::1]:3490")
    learner.returns(IPV6, mistakes={IPV6[:7]: "short-address"})

    learner.runs("pack_endpoint", "[::]:80")
    learner.returns(bytes.fromhex("06 0050") + bytes(16))

    learner.runs("pack_endpoint", "[2001:0DB8:ffff:0000:0000:ffff:255.255.255.255]:65535")
    learner.returns(bytes.fromhex("06 ffff 20010db8ffff00000000ffffffffffff"))


@reveals("unchecked-conversion")
def check_refuses_what_is_no_address(learner):
    """refuses what is no numeric IPv4 address"""
    learner.refuses_each(
        "pack_endpoint",
        "127.1:3490",
        "192.0.2.256:3490",
        "192.0.2.1.5:3490",
        "192.0.02.1:3490",
        "192.0.+2.1:3490",
        instead="unchecked-conversion",
        mistakes=NO_ADDRESS,
    )

    learner.refuses_each(
        "pack_endpoint",
        "localhost:3490",
        "192.0.2.\N{ARABIC-INDIC DIGIT ONE}:3490",
        "192.0.2.1 :3490",
        " 192.0.2.1:3490",
        "192.0.2.1\0:3490",
        "192.168.100.1000:3490",
        ":3490",
        "",
        mistakes=NO_ADDRESS,
    )


@reveals("unchecked-conversion")
def check_refuses_what_is_no_address_in_brackets(learner):
    """refuses what is no numeric IPv6 address, or stands in the wrong brackets"""
    learner.refuses_each(
        "pack_endpoint",
        "[2001:db8:1]:3490",
        "[2001::db8::1]:3490",
        "[12001:db8::1]:3490",
        "[2001:db8::192.0.2.256]:3490",
        instead="unchecked-conversion",
        mistakes=NO_ADDRESS,
    )

    learner.refuses_each(
        "pack_endpoint",
        "[2001:0db8:0000:0000:0000:0000:0000:0001:0000:0000:0000:0000]:3490",
        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffff]:3490",
        "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2550]:3490",
        "[fe80::1%1]:3490",
        "2001:db8::1:3490",
        "[192.0.2.1]:3490",
        "[2001:db8::1]3490",
        "[2001:db8::1:3490",
        "2001:db8::1]:3490",
        "[[2001:db8::1]]:3490",
        "[2001:db8::1]]:3490",
        "[2001:db8::1]x:3490",
        "x[2001:db8::1]:3490",
        "[2001:db8::1]::3490",
        "[2001:db8::1]:80:3490",
        "192.0.2.1::3490",
        "192.0.2.1:80:3490",
        "[]:3490",
        "[:3490",
        "]:3490",
        *OVERLONG,
        mistakes=NO_ADDRESS,
    )


@reveals("unchecked-port")
def check_refuses_a_port_out_of_range(learner):
    """refuses a port that is not from 0 to 65535, or that is missing"""
    learner.refuses_each(
        "pack_endpoint",
        "192.0.2.1:65536",
        "192.0.2.1:99999",
        "192.0.2.1:-1",
        "[2001:db8::1]:4294967376",
        "[2001:db8::1]:18446744073709551696",
        "192.0.2.1:",
        "[2001:db8::1]:",
        instead="unchecked-port",
        mistakes=NO_PORT,
    )

    learner.refuses_each("pack_endpoint", "192.0.2.1", "[2001:db8::1]", mistakes=NO_PORT)


@reveals("unchecked-port")
def check_refuses_what_is_not_digits_alone(learner):
    """refuses a port with a sign, a blank or anything else beside its digits"""
    learner.refuses_each(
        "pack_endpoint",
        "192.0.2.1:http",
        "192.0.2.1:80x",
        "192.0.2.1:8_0",
        "192.0.2.1:0x50",
        "192.0.2.1:80.0",
        "192.0.2.1:1e3",
        "192.0.2.1:+80",
        "192.0.2.1:-0",
        "192.0.2.1: 80",
        "192.0.2.1:80 ",
        "192.0.2.1:80\n",
        "[2001:db8::1]:\t80",
        instead="unchecked-port",
        mistakes=NO_PORT,
    )


@reveals("unchecked-port")
def check_refuses_digits_of_other_scripts(learner):
    """refuses a port in other digits than 0 to 9"""
    learner.refuses_each(
        "pack_endpoint",
        "192.0.2.1:\N{ARABIC-INDIC DIGIT EIGHT}\N{ARABIC-INDIC DIGIT ZERO}",
        "[2001:db8::1]:\N{FULLWIDTH DIGIT EIGHT}\N{FULLWIDTH DIGIT ZERO}",
        "192.0.2.1:8\N{SUPERSCRIPT TWO}",
        instead="unchecked-port",
        mistakes=NO_PORT,
    )


@reveals("host-order-port")
def check_unpacks_ipv4(learner):
    """turns IPv4 records into text"""
    learner.runs("unpack_endpoint", IPV4)
    learner.returns("192.0.2.1:3490", mistakes={"192.0.2.1:41485": "host-order-port"})

    learner.runs("unpack_endpoint", bytes.fromhex("04 ffff ffffffff"))
    learner.returns("255.255.255.255:65535")

    learner.runs("unpack_endpoint", bytes.fromhex("04 0000 00000000"))
    learner.returns("0.0.0.0:0")

    learner.runs("unpack_endpoint", bytes.fromhex("04 0050 7f000001"))
    learner.returns("127.0.0.1:80", mistakes={"127.0.0.1:20480": "host-order-port"})


@reveals("host-order-port")
def check_unpacks_ipv6(learner, caller):
    """turns IPv6 records into text, as inet_ntop() writes it"""
    caller.has_settings_of_its_own()

    learner.runs("unpack_endpoint", IPV6)
    learner.returns("[2001:db8::1]:3490", mistakes={"[2001:db8::1]:41485": "host-order-port"})

    learner.runs("unpack_endpoint", bytes.fromhex("06 0050 00000000000000000000ffffc0000201"))
    learner.returns("[::ffff:192.0.2.1]:80", mistakes={"[::ffff:192.0.2.1]:20480": "host-order-port"})

    learner.runs("unpack_endpoint", bytes.fromhex("06 ffff fe80123456789abc0def000000000001"))
    learner.returns("[fe80:1234:5678:9abc:def::1]:65535")

    learner.runs("unpack_endpoint", bytes.fromhex("06 ffff 20010db8 00000000 00010000 00000001"))
    learner.returns("[2001:db8::1:0:0:1]:65535")

    learner.runs("unpack_endpoint", b"\x06" + b"\xff" * 18)
    learner.returns("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")

    learner.runs("unpack_endpoint", bytes.fromhex("06 0050") + bytes(15) + b"\1")
    learner.returns("[::1]:80", mistakes={"[::1]:20480": "host-order-port"})


@reveals("trailing-bytes")
def check_refuses_records_of_a_wrong_length(learner):
    """refuses a record that is longer or shorter than its family's"""
    learner.refuses_each("unpack_endpoint", IPV4 + b"\0", IPV6 + b"\0", IPV4 + IPV4, instead="trailing-bytes")

    learner.refuses_each("unpack_endpoint", IPV4[:-1], IPV6[:-1], b"\x06" + IPV4[1:], b"\x04", b"")


@reveals("unknown-family")
def check_refuses_unknown_families(learner):
    """refuses a record whose family is neither 4 nor 6, or not that of its length"""
    learner.refuses_each(
        "unpack_endpoint",
        b"\x05" + IPV6[1:],
        b"\x0a" + IPV6[1:],
        b"\0" + IPV4[1:],
        b"\x02" + IPV4[1:],
        b"\x05" + IPV4[1:],
        instead="unknown-family",
    )

    learner.runs("unpack_endpoint", b"\x04" + IPV6[1:])
    learner.raises("ValueError")


@only("c", because="Python's str and bytes are as long as they need to be")
@reveals("small-buffer")
def check_reports_what_does_not_fit(learner):
    """fills a buffer to its last byte, and reports what does not fit"""
    learner.runs("pack_endpoint", "192.0.2.1:3490", room=7)
    learner.returns(IPV4)

    learner.runs("unpack_endpoint", IPV4, room=15)
    learner.returns("192.0.2.1:3490")

    learner.runs("unpack_endpoint", IPV4, room=14)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("unpack_endpoint", IPV4, room=5)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("unpack_endpoint", IPV6, room=19)
    learner.returns("[2001:db8::1]:3490")

    learner.runs("unpack_endpoint", IPV6, room=18)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("unpack_endpoint", IPV4, room=Null(0))
    learner.raises("EMSGSIZE", "EINVAL", instead="small-buffer")

    learner.runs("pack_endpoint", "192.0.2.1:3490", room=6)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("pack_endpoint", "[2001:db8::1]:3490", room=18)
    learner.raises("EMSGSIZE", instead="small-buffer")

    learner.runs("pack_endpoint", "192.0.2.1:3490", room=Null(0))
    learner.raises("EMSGSIZE", "EINVAL", instead="small-buffer")


@only("c", because="Python has no null pointers")
@reveals("unchecked-argument")
def check_refuses_a_null_buffer(learner):
    """refuses a null pointer with a size"""
    learner.runs("pack_endpoint", "192.0.2.1:3490", room=Null(19))
    learner.raises("EINVAL")

    learner.runs("unpack_endpoint", IPV4, room=Null(64))
    learner.raises("EINVAL")

    learner.runs("unpack_endpoint", IPV4, room=Null(1))
    learner.raises("EINVAL", "EMSGSIZE")

    learner.runs("unpack_endpoint", Null(7))
    learner.raises("EINVAL")

    learner.runs("unpack_endpoint", Null(0))
    learner.raises("EINVAL")
