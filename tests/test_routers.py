"""Solutions of traceroute among routers of the kernel's, beside Debian's traceroute."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable

import pytest

from tests.test_real_peers import LANGUAGES, command

__all__ = ["command"]  # the fixture

#: Two routers and a host behind them, each in a network of its own; then what is to be
#: changed there, and a command.  The kernel sees to it that a router says little
#: (icmp_ratelimit), unless it is told not to.
ROUTERS = r"""
set -e
trap 'kill ${at[*]:1}' EXIT
at[0]=$$
for n in 1 2 3; do
    unshare --net sleep 600 &
    at[$n]=$!
    until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do :; done
done
on() { nsenter --net=/proc/${at[$1]}/ns/net "${@:2}"; }
for n in 1 2 3; do
    on $((n - 1)) ip link add east type veth peer name west netns ${at[$n]}
    on $((n - 1)) ip address add 10.0.$n.2/24 dev east
    on $n ip address add 10.0.$n.1/24 dev west
    on $((n - 1)) ip link set east up
    on $n ip link set west up
    on $n sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/icmp_ratelimit'
done
for n in 1 2; do
    on $((n - 1)) ip route add 10.0.3.0/24 via 10.0.$n.1
    on $((n + 1)) ip route add 10.0.1.0/24 via 10.0.$((n + 1)).2
done
eval "$1"
"${@:2}"
"""
#: To 10.0.9.9 a way leads as far as the second router.
DEAD_END = """
ip route add 10.0.9.0/24 via 10.0.1.1
on 1 ip route add 10.0.9.0/24 via 10.0.2.1
on 2 ip route add unreachable 10.0.9.0/24
"""
#: The second router keeps to itself what it has to say.
SILENT = "on 2 ip rule add iif lo to 10.0.1.0/24 blackhole"


def behind_routers(change: str, *arguments: str) -> list[str]:
    """The lines that a command prints in that network."""
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    shell = [*own, "bash", "-c", ROUTERS, "-", change]
    played = subprocess.run([*shell, *arguments], check=False, capture_output=True, text=True)
    if "unshare failed" in played.stderr:
        pytest.skip("no networks of one's own here")
    assert (played.returncode, played.stderr) == (0, "")
    return played.stdout.splitlines()


@LANGUAGES
@pytest.mark.tools("traceroute", "ip")
@pytest.mark.parametrize(
    ("change", "host", "expected"),
    [
        pytest.param("", "10.0.3.1", ["1 10.0.1.1", "2 10.0.2.1", "3 10.0.3.1"], id="the host"),
        pytest.param(DEAD_END, "10.0.9.9", ["1 10.0.1.1", "2 10.0.2.1!"], id="a dead end"),
        pytest.param(SILENT, "10.0.3.1", ["1 10.0.1.1", "2 *", "3 10.0.3.1"], id="a silent router"),
    ],
)
def test_the_way_is_the_one_that_debian_finds(
    language: str, change: str, host: str, expected: list[str], command: Callable
) -> None:
    told = behind_routers(change, "traceroute", "-I", "-n", "-q", "1", "-w", "0.5", host)
    ours = behind_routers(change, *command("traceroute", language), host, "30", "500")

    assert [_as_we_do(line) for line in told[1:]] == ours == expected


def _as_we_do(line: str) -> str:
    """A line of Debian's, `` 2  10.0.2.1  0.031 ms !H``, as the solutions have it."""
    hop, who = line.split()[:2]
    return f"{hop} {who}{'!' if re.search(r'![A-Z]$', line) else ''}"
