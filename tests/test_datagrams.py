"""Datagrams in the trace: who sent them, who was to get them, what fails, what waits."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from grader.stage.scene import Scene
from grader.verbs.clock import Clock
from grader.verbs.learner import Learner
from tests.tracing import LANGUAGES, run, states

each_language = pytest.mark.parametrize("language", LANGUAGES)

#: Two sockets that send each other what they have.
EXCHANGE = (
    """
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind(("127.0.0.1", 0))
b.sendto(b"hello", a.getsockname())
got, sender = a.recvfrom(100)
b.connect(a.getsockname())
a.sendmsg([b"wor", b"ld"], [], 0, sender)
b.recvmsg(3)
a.close()
b.close()
""",
    """
    int a = socket(AF_INET, SOCK_DGRAM, 0);
    int b = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } }, from;
    socklen_t size = sizeof at, room = sizeof from;
    char data[100];
    struct iovec parts[2] = { { "wor", 3 }, { "ld", 2 } }, part = { data, 3 };
    struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 }, r = { .msg_iov = &part, .msg_iovlen = 1 };

    bind(a, (struct sockaddr *)&at, size);
    getsockname(a, (struct sockaddr *)&at, &size);
    sendto(b, "hello", 5, 0, (struct sockaddr *)&at, size);
    recvfrom(a, data, sizeof data, 0, (struct sockaddr *)&from, &room);
    connect(b, (struct sockaddr *)&at, size);
    m.msg_name = &from;
    m.msg_namelen = room;
    sendmsg(a, &m, 0);
    recvmsg(b, &r, 0);
    close(a);
    close(b);
""",
)


@each_language
def test_a_datagram_is_told_with_its_address(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, EXCHANGE, language)

    own = made.named("getsockname")[0].address
    host, sender = made.one("recvfrom").address
    assert (host, own[0]) == ("127.0.0.1", "127.0.0.1")
    assert made.one("sendto").address == made.one("connect").address == made.one("recvmsg").address == own
    assert made.one("sendmsg").address == (host, sender)
    assert [made.one(name).payload for name in ("sendto", "recvfrom", "sendmsg", "recvmsg")] == [
        b"hello", b"hello", b"world", b"wor",
    ]  # fmt: skip
    assert made.one("recvmsg").arg("received") == socket.MSG_TRUNC


@each_language
def test_a_transcript_says_it_in_the_words_of_the_language(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, EXCHANGE, language)

    said = {
        "python": [
            'b.sendto(b"hello", ("127.0.0.1", ...)) = 5',
            'a.recvfrom(100) = (b"hello", ("127.0.0.1", ...))',
            'a.sendmsg(b"world", [], 0, ("127.0.0.1", ...)) = 5',
            'b.recvmsg(3) = (b"wor", [], MSG_TRUNC, ("127.0.0.1", ...))',
        ],
        "c": [
            'sendto(b, "hello", 5, 0, 127.0.0.1, size) = 5',
            'recvfrom(a, "hello", 100, 0, 127.0.0.1, &room) = 5',
            'sendmsg(a, {"world" to 127.0.0.1}, 0) = 5',
            'recvmsg(b, {"wor" from 127.0.0.1, MSG_TRUNC}, 0) = 3',
        ],
    }
    moves = ("sendto", "recvfrom", "sendmsg", "recvmsg")
    assert [line for name in moves for line in made.words(name)] == said[language]


@each_language
def test_both_languages_know_the_states_of_a_datagram_socket(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, EXCHANGE, language)

    assert states(made.named("socket")[0]) == {"udp", "datagram"}
    assert states(made.one("sendto")) == {"udp", "datagram", "unconnected", "blocking"}
    assert states(made.one("recvfrom")) == {"udp", "datagram", "unconnected", "blocking", "ready"}
    assert states(made.one("recvmsg")) == {"udp", "datagram", "connected", "blocking", "ready"}


@each_language
def test_a_fault_is_bound_to_a_datagram_socket(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, EXCHANGE, language, {"call": "send", "when": "udp 1", "error": "ENETUNREACH"})

    assert made.one("sendto").errno == "ENETUNREACH"
    assert made.one("sendto").injected


@each_language
def test_a_poke_overwrites_what_has_come(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, EXCHANGE, language, {"call": "recvfrom", "poke": b"J"}, {"call": "recvmsg", "poke": b"xyzzy"})

    assert made.one("recvfrom").payload == b"Jello"
    assert made.one("recvmsg").payload == b"xyz"


#: A request that nobody answers, with a limit of a minute, in each way to wait.
WAITS = {
    ("python", "settimeout"): "a.settimeout(60)\ntry:\n    a.recvfrom(10)\nexcept TimeoutError:\n    pass",
    ("python", "SO_RCVTIMEO"): (
        "a.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 60, 0))\n"
        "try:\n    a.recvfrom(10)\nexcept BlockingIOError:\n    pass"
    ),
    ("python", "select"): "select.select([a], [], [], 60)",
    ("c", "SO_RCVTIMEO"): (
        "struct timeval limit = { 60, 0 }; setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);\n"
        "recvfrom(a, &byte, 1, 0, NULL, NULL);"
    ),
    ("c", "recvmsg"): (
        "struct timeval limit = { 60, 0 }; struct iovec part = { &byte, 1 };\n"
        "struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };\n"
        "setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);\n"
        "recvmsg(a, &m, 0);"
    ),
    ("c", "poll"): "struct pollfd wanted = { a, POLLIN, 0 }; poll(&wanted, 1, 60000); (void)byte;",
}


@pytest.mark.parametrize(("language", "way"), WAITS)
def test_a_minute_without_an_answer_passes_on_the_held_clock(tmp_path: Path, language: str, way: str) -> None:
    def pass_a_minute(_learner: Learner, scene: Scene) -> None:
        Clock(scene).runs_out(61)

    body = WAITS[language, way]
    python = f"a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n{body}\na.close()"
    c = f"    int a = socket(AF_INET, SOCK_DGRAM, 0);\n    char byte = 0;\n    {body}\n    close(a);"
    made = run(tmp_path, (python, c), language, meddle=pass_a_minute, held=True)

    waits = [call for call in made.calls if call.patience]
    assert [call.patience for call in waits] == [60000]
    assert waits[0].left - waits[0].entered >= 60_000_000_000


#: Fills the queue of a Unix datagram socket that nobody reads, then waits for room.
FULL = (
    """
a = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
b = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
a.bind(HERE + "/full.sock")
b.settimeout(60)
try:
    while True:
        b.sendto(b"x", HERE + "/full.sock")
except TimeoutError:
    pass
a.close()
b.close()
os.unlink(HERE + "/full.sock")
""",
    """
    int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = HERE "/full.sock" };
    struct timeval limit = { 60, 0 };

    bind(a, (struct sockaddr *)&at, sizeof at);
    setsockopt(b, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    while (sendto(b, "x", 1, 0, (struct sockaddr *)&at, sizeof at) == 1)
        ;
    close(a);
    close(b);
    unlink(at.sun_path);
""",
)


@each_language
def test_a_full_queue_is_waited_for_on_the_held_clock(tmp_path: Path, language: str) -> None:
    def pass_a_minute(_learner: Learner, scene: Scene) -> None:
        Clock(scene).runs_out(61)

    made = run(tmp_path, FULL, language, meddle=pass_a_minute, held=True)

    *sent, last = made.named("sendto")
    assert all(call.result == 1 for call in sent)
    assert (last.errno, last.patience) == ("EAGAIN", 60000)


#: Several messages at once, which are so many single ones.
PLURAL = """
    int pair[2];
    char data[2][8];
    struct iovec out[2] = { { "one", 3 }, { "two", 3 } }, in[2] = { { data[0], 8 }, { data[1], 8 } };
    struct mmsghdr sent[2] = { { .msg_hdr = { .msg_iov = &out[0], .msg_iovlen = 1 } },
                               { .msg_hdr = { .msg_iov = &out[1], .msg_iovlen = 1 } } };
    struct mmsghdr got[3] = { { .msg_hdr = { .msg_iov = &in[0], .msg_iovlen = 1 } },
                              { .msg_hdr = { .msg_iov = &in[1], .msg_iovlen = 1 } },
                              { .msg_hdr = { .msg_iov = &in[1], .msg_iovlen = 1 } } };

    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    sendmmsg(pair[0], sent, 2, 0);
    if (recvmmsg(pair[1], got, 3, MSG_WAITFORONE, NULL) != 2 || got[1].msg_len != 3)
        abort();
    close(pair[0]);
    close(pair[1]);
"""


def test_messages_in_the_plural_are_so_many_single_ones(tmp_path: Path) -> None:
    made = run(tmp_path, ("", PLURAL), "c")

    assert [call.payload for call in made.named("sendmsg")] == [b"one", b"two"]
    assert [(call.payload, call.errno) for call in made.named("recvmsg")] == [
        (b"one", ""), (b"two", ""), (b"", "EAGAIN"),
    ]  # fmt: skip


#: Options of groups, and one that a fault is meant for.
OPTIONS = (
    """
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
a.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
group = socket.inet_aton("239.1.2.3") + socket.inet_aton("127.0.0.1")
try:
    a.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
except OSError:
    pass
a.close()
""",
    """
    int a = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
    struct ip_mreq group = { .imr_interface = { htonl(INADDR_LOOPBACK) } };

    setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(a, IPPROTO_IP, IP_MULTICAST_TTL, &one, sizeof one);
    group.imr_multiaddr.s_addr = inet_addr("239.1.2.3");
    setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group);
    close(a);
""",
)


@each_language
def test_an_option_goes_by_its_name(tmp_path: Path, language: str) -> None:
    made = run(
        tmp_path, OPTIONS, language, {"call": "setsockopt", "option": "IP_ADD_MEMBERSHIP", "error": "ENODEV"}
    )  # fmt: skip

    asked = made.named("setsockopt")
    assert [(call.option, call.errno) for call in asked] == [
        ("SO_REUSEADDR", ""), ("IP_MULTICAST_TTL", ""), ("IP_ADD_MEMBERSHIP", "ENODEV"),
    ]  # fmt: skip
    assert "239.1.2.3 on 127.0.0.1" in made.words("setsockopt")[-1]
    assert "adding" in states(asked[-1])
    assert "adding" not in states(asked[0])
