"""The solution of capture and tcpdump, side by side: they see the same frames."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.catalogue.exercises import PROJECT
from grader.stage.captured import frames_in
from tests.conftest import by_slug

CAPTURE = by_slug("capture")
MAIN_C = """
#include "capture.h"

int main(int argc, char *argv[])
{
    return argc == 2 ? capture("lo", 4242, 3, argv[1]) : 2;
}
"""
MAIN_PYTHON = (
    "import sys; sys.path[:0] = [{folder!r}]; from capture import capture; capture('lo', 4242, 3, sys.argv[1])"
)
#: In a network of its own: starts both, waits until both listen, and sends.
BOTH = """
import socket, subprocess, sys, time
sys.path[:0] = [{root!r}]
from grader.processes.namespaces import leave_network
leave_network()
theirs, ours, *program = sys.argv[1:]
with open(theirs, "wb") as file:
    tcpdump = subprocess.Popen(["tcpdump", "-ni", "lo", "-c", "3", "-w", "-", "port", "4242"], stdout=file)
program = subprocess.Popen([*program, ours])
def listening():
    return [line.split() for line in open("/proc/net/packet").read().splitlines()[1:]]
while sum(line[4] != "0" and line[5] == "1" for line in listening()) < 2:
    time.sleep(0.01)
for family, here, port in (("AF_INET", "127.0.0.1", 4242), ("AF_INET", "127.0.0.1", 53),
                           ("AF_INET6", "::1", 4242), ("AF_INET", "127.0.0.1", 4242)):
    with socket.socket(getattr(socket, family), socket.SOCK_DGRAM) as sock:
        sock.sendto(b"level?", (here, port))
sys.exit(program.wait(60) or tcpdump.wait(60))
"""


@pytest.mark.tools("tcpdump")
@pytest.mark.parametrize("language", ["python", "c"])
def test_tcpdump_sees_the_same_frames(tmp_path: Path, language: str) -> None:
    program = [sys.executable, "-c", MAIN_PYTHON.format(folder=str(CAPTURE.solution("python").parent))]
    if language == "c":
        (tmp_path / "main.c").write_text(MAIN_C)
        program = [str(tmp_path / "main")]
        build = ["cc", "-o", *program, tmp_path / "main.c", CAPTURE.solution("c"), f"-I{CAPTURE.header.parent}"]
        subprocess.run(build, check=True)
    theirs, ours = tmp_path / "tcpdump.pcap", tmp_path / "own.pcap"

    both = [sys.executable, "-c", BOTH.format(root=str(PROJECT)), theirs, ours, *program]
    subprocess.run(both, check=True, timeout=60)

    seen, found = ([frame for _time, frame in frames_in(path.read_bytes())[0]] for path in (theirs, ours))
    assert found == seen
    assert len(found) == 3
