"""A network of its own: the program and its peers are in it, and nobody else."""

from __future__ import annotations

import errno
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.peers.process import PeerError, PeerProcess
from grader.processes import tcp_table
from grader.processes.namespaces import remedy
from grader.processes.network import Network
from grader.stage.stand_ins import renamed
from grader.trial.performance import perform, play
from grader.verbs.cast import Cast
from grader.verdict.model import Verdict
from tests.conftest import Project

#: Greets whoever connects with the address that it connects from.
GREETER = """
import socket

def serve(port):
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind(("::", int(port)))
        listener.listen()
        while True:
            client, who = listener.accept()
            with client:
                client.sendall(who[0].encode())
"""
#: Sends one datagram to a group, or hears one.
ANNOUNCES = """
import socket

def fetch(group, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, {hops})
        sock.sendto(b"news", (group, int(port)))
    return b""
"""
HEARS = """
import socket

def fetch(group, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(({address}, int(port)))
        member = socket.inet_aton(group) + socket.inet_aton("127.0.0.1")
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        return sock.recv(65536)
"""


def outside() -> list[str]:
    """The TCP ports of the network that the judge is in."""
    network = Network()
    ports = [str(end.port) for end in tcp_table.ends(network)]
    network.close()
    return ports


@pytest.mark.parametrize("only", [0, 1])
def test_the_kernel_is_set_for_the_program_alone(cast_of: Callable[..., Cast], only: int) -> None:
    cast = cast_of(GREETER, "echo_server")
    learner, network, port, (ann, bob) = cast["learner"], cast["network"], cast["port"], cast["clients"]("ann", "bob")

    def script() -> None:
        network.sets("net.ipv6.bindv6only", only)
        network.has("2001:db8::ffff:a")
        learner.serves("serve", port)
        ann.connects(port, "2001:db8::ffff:a")
        ann.receives(b"2001:db8::ffff:a")
        ann.sees_end_of_file()
        assert port not in outside()
        bob.connects(port)
        bob.receives(b"::ffff:127.0.0.1")
        bob.sees_end_of_file()

    found = play(script, cast)
    assert (found.kind if found else "") == ("refused" if only else "")
    assert Path("/proc/sys/net/ipv6/bindv6only").read_text() == "0\n"


def test_a_connection_is_judged_there(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(GREETER.replace("with client:", "if kept.append(client) is None:").replace(
        "listener.listen()", "listener.listen()\n        kept = []"), "echo_server")  # fmt: skip
    learner, _network, port, ann = cast["learner"], cast["network"], cast["port"], cast["peer"]

    def script() -> None:
        learner.serves("serve", port)
        ann.connects(port, "::1")
        ann.is_accepted()
        ann.receives(b"::1")
        ann.closes()

    found = play(script, cast)
    assert found is not None
    assert (found.kind, len(cast.scene.world.deserted)) == ("left-open", 1)


def test_where_it_cannot_be_had_the_check_is_skipped(
    cast_of: Callable[..., Cast], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_peer: PeerProcess, action: str, **_arguments: int) -> None:
        raise PeerError(action, errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(PeerProcess, "moves", refused)
    cast = cast_of(GREETER, "echo_server")
    learner, _network = cast["learner"], cast["network"]
    verdict, diagnosis = perform(lambda: learner.serves("serve", "1234"), cast)
    assert verdict is Verdict.SKIP
    assert diagnosis is not None
    assert diagnosis.is_alone
    assert diagnosis.sentence == f"a network of its own is not allowed here (EPERM); to allow it: {remedy()}"


def test_where_ipv6_is_off_the_check_is_skipped(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(GREETER.replace("AF_INET6", "AF_INET").replace('"::"', '""'), "echo_server")
    learner, network, port, ann = cast["learner"], cast["network"], cast["port"], cast["peer"]

    def script() -> None:
        network.sets("net.ipv6.conf.all.disable_ipv6", 1)
        learner.serves("serve", port)
        ann.connects(port, "::1")

    verdict, diagnosis = perform(script, cast)
    assert verdict is Verdict.SKIP
    assert diagnosis is not None
    assert diagnosis.sentence.startswith("IPv6 is off here")


def test_one_check_that_is_skipped_keeps_no_other_from_being_played(project: Project) -> None:
    refuses = "def leave_network() -> None:\n    raise PermissionError(1, 'not allowed')\n\ndef _leave() -> None:"
    project.edit("grader/processes/namespaces.py", "def leave_network() -> None:", refuses)
    checks = project.root / "grader" / "checks" / "check_tiny.py"
    first = re.search(r"def check_\w+\(", checks.read_text())[0]
    project.edit("grader/checks/check_tiny.py", first, f"{first}network, ")

    report = project.root / "report.json"
    done = project.run("--submission", "solutions/40_tiny", "--lang", "python", "--report", f"json={report}")

    verdicts = [check["verdict"] for check in json.loads(report.read_text())["units"][0]["checks"]]
    assert verdicts == ["skip", *["pass"] * (len(verdicts) - 1)]
    assert "skip a network of its own is not allowed here" in " ".join(done.stdout.split())


@pytest.mark.parametrize("hops", [1, 2])
def test_an_observer_hears_how_far_an_announcement_goes(cast_of: Callable[..., Cast], hops: int) -> None:
    cast = cast_of(ANNOUNCES.format(hops=hops), "tcp_client")
    learner, peer, group, port = cast["learner"], cast["peer"], cast["group"], cast["udp_port"]

    def script() -> None:
        peer.joins(group, port)
        learner.runs("fetch", group, port)
        peer.receives(b"news")
        peer.sees_hops(1, more="wide-ttl")
        learner.returns(b"")

    found = play(script, cast)
    assert (found.gap if found else "") == ("" if hops == 1 else "wide-ttl")


@pytest.mark.parametrize("address", ["group", '""'])
def test_a_listener_hears_its_group_alone(cast_of: Callable[..., Cast], address: str) -> None:
    cast = cast_of(HEARS.format(address=address), "tcp_client")
    learner, peer, other, port = cast["learner"], cast["peer"], cast["other_peer"], cast["udp_port"]
    group, other_group = cast["group"], cast["other_group"]

    def script() -> None:
        peer.joins(other_group, port)
        learner.runs("fetch", group, port)
        learner.waits_in("recv")
        other.announces(other_group, port, b"not for you")
        peer.receives(b"not for you")
        other.announces(group, port, b"news")
        learner.returns(b"news")

    assert group != other_group
    assert (play(script, cast) is None) == (address == "group")


def test_groups_are_of_those_that_anybody_may_use(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(HEARS.format(address="group"), "tcp_client")
    assert socket.inet_aton(cast["group"])[0] == 239


def test_a_group_has_the_same_name_in_every_report(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(ANNOUNCES.format(hops=1), "tcp_client")
    group, other = cast["group"], cast["other_group"]
    told = (f"joins {group}", f"b'{repr(socket.inet_aton(other))[2:-1]}'", socket.inet_aton(group).hex(" "))

    assert group != other
    assert renamed(told, cast.scene.arranged.stand_ins) == ("joins 239.1.2.3", r"b'\xef\x01\x02\x04'", "ef 01 02 03")
