"""The solution of pcap_file and the programs that everybody has: each reads what the
others have written."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.catalogue.exercises import PROJECT
from tests.conftest import by_slug

PCAP_FILE = by_slug("pcap_file")
#: The solution as a program: what it reads goes to its output packed, and so comes from
#: its input what it writes.
MAIN_C = """
#include "pcap_file.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char *argv[])
{
    static unsigned char frames[1 << 20];
    ssize_t n;

    if (argc > 2 && strcmp(argv[1], "write") == 0)
        return write_pcap(argv[2], frames, fread(frames, 1, sizeof frames, stdin));
    n = read_pcap(argv[2], frames, sizeof frames);
    return n < 0 || fwrite(frames, 1, (size_t)n, stdout) != (size_t)n;
}
"""
MAIN_PYTHON = """
import sys
sys.path[:0] = [{root!r}, {folder!r}]
from pcap_file import read_pcap, write_pcap
from tests.test_pcap_files import packed, unpacked

if sys.argv[1] == "write":
    write_pcap(sys.argv[2], iter(unpacked(sys.stdin.buffer.read())))
else:
    sys.stdout.buffer.write(packed(read_pcap(sys.argv[2])))
"""
LANGUAGES = pytest.mark.parametrize("language", ["python", "c"])
HEAD = struct.Struct("!QI")
#: A question and an answer of ARP, with its padding.
ASKS = "ffffffffffff 02000000000a 0806 0001 0800 0604 0001 02000000000a 0a000001 000000000000 0a000002"
TELLS = "02000000000a 02000000000b 0806 0001 0800 0604 0002 02000000000b 0a000002 02000000000a 0a000001"
FRAMES = [
    (1_700_000_000_123_456_789, bytes.fromhex(ASKS)),
    (1_700_000_000_999_999_999, bytes.fromhex(TELLS).ljust(60, b"\0")),
]
IN_MICROSECONDS = [(time // 1000 * 1000, frame) for time, frame in FRAMES]


def packed(frames: list[tuple[int, bytes]]) -> bytes:
    return b"".join(HEAD.pack(time, len(frame)) + frame for time, frame in frames)


def unpacked(data: bytes) -> list[tuple[int, bytes]]:
    frames, at = [], 0
    while at < len(data):
        time, length = HEAD.unpack_from(data, at)
        at += HEAD.size + length
        frames.append((time, data[at - length : at]))
    return frames


def output_of(*command: object, given: bytes = b"") -> bytes:
    return subprocess.run([*map(str, command)], input=given, stdout=subprocess.PIPE, check=True, timeout=60).stdout


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list]:
    """The command that runs the solution in a language."""
    program = tmp_path_factory.mktemp("programs") / "pcap_file"
    program.with_suffix(".c").write_text(MAIN_C)
    headers = f"-I{PCAP_FILE.header.parent}"
    output_of("cc", "-o", program, program.with_suffix(".c"), PCAP_FILE.solution("c"), headers)
    folder = PCAP_FILE.solution("python").parent
    main = MAIN_PYTHON.format(root=str(PROJECT), folder=str(folder))
    return lambda language: [program] if language == "c" else [sys.executable, "-c", main]


@pytest.fixture
def dpkt() -> Any:
    """Reads and writes the same format, and is a tool of these tests and of nothing else."""
    return pytest.importorskip("dpkt", reason="dpkt is in the group `tests` of pyproject.toml")


@pytest.fixture
def written(tmp_path: Path, command: Callable) -> Callable[[str], Path]:
    """A file that the solution in that language has written."""

    def write(language: str) -> Path:
        path = tmp_path / f"{language}.pcap"
        output_of(*command(language), "write", path, given=packed(FRAMES))
        return path

    return write


@LANGUAGES
@pytest.mark.tools("tcpdump")
def test_tcpdump_reads_what_is_written(language: str, written: Callable[[str], Path]) -> None:
    lines = output_of("tcpdump", "-nn", "-tt", "-r", written(language)).decode().splitlines()

    assert lines == [
        "1700000000.123456 ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28",
        "1700000000.999999 ARP, Reply 10.0.0.2 is-at 02:00:00:00:00:0b, length 46",
    ]


@LANGUAGES
def test_dpkt_reads_what_is_written(dpkt: Any, language: str, written: Callable[[str], Path]) -> None:
    with written(language).open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        found = [(round(time * 10**6) * 1000, frame) for time, frame in reader]

    assert found == IN_MICROSECONDS
    assert (reader.datalink(), reader.snaplen) == (dpkt.pcap.DLT_EN10MB, 262144)


@LANGUAGES
@pytest.mark.tools("tcpdump")
@pytest.mark.parametrize("precision", ["micro", "nano"])
@pytest.mark.parametrize("snap", [0, 20])
def test_what_tcpdump_writes_is_read(
    tmp_path: Path, command: Callable, language: str, precision: str, snap: int
) -> None:
    (tmp_path / "made.pcap").write_bytes(made(">", 1))
    precisely = f"--time-stamp-precision={precision}"
    output_of("tcpdump", precisely, "-s", snap, "-r", tmp_path / "made.pcap", "-w", tmp_path / "again.pcap")

    found = unpacked(output_of(*command(language), "read", tmp_path / "again.pcap"))

    frames = FRAMES if precision == "nano" else IN_MICROSECONDS
    assert found == [(time, frame) for time, frame in frames]


@LANGUAGES
@pytest.mark.tools("tshark")
@pytest.mark.parametrize("form", ["pcap", "nsecpcap"])
def test_what_tshark_writes_is_read(tmp_path: Path, command: Callable, language: str, form: str) -> None:
    (tmp_path / "made.pcap").write_bytes(made(">", 1))
    output_of("tshark", "-r", tmp_path / "made.pcap", "-F", form, "-w", tmp_path / "again.pcap")

    found = unpacked(output_of(*command(language), "read", tmp_path / "again.pcap"))

    assert found == (FRAMES if form == "nsecpcap" else IN_MICROSECONDS)


@LANGUAGES
def test_what_dpkt_writes_is_read(dpkt: Any, tmp_path: Path, command: Callable, language: str) -> None:
    file = io.BytesIO()
    writer = dpkt.pcap.Writer(file)
    for time, frame in IN_MICROSECONDS:
        writer.writepkt_time(frame, time / 10**9)
    (tmp_path / "dpkt.pcap").write_bytes(file.getvalue())

    found = unpacked(output_of(*command(language), "read", tmp_path / "dpkt.pcap"))

    assert [frame for _time, frame in found] == [frame for _time, frame in FRAMES]
    assert all(abs(time - other) < 1500 for (time, _), (other, _) in zip(found, FRAMES, strict=True))


def made(order: str, unit: int) -> bytes:
    """A file with the frames, as a machine of that byte order writes it."""
    magic = 0xA1B23C4D if unit == 1 else 0xA1B2C3D4
    data = struct.pack(f"{order}IHHIIII", magic, 2, 4, 0, 0, 65535, 1)
    for time, frame in FRAMES:
        data += struct.pack(f"{order}4I", time // 10**9, time % 10**9 // unit, len(frame), len(frame)) + frame
    return data


@LANGUAGES
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("unit", [1, 1000])
def test_both_byte_orders_are_read_by_all(
    dpkt: Any, tmp_path: Path, command: Callable, language: str, order: str, unit: int
) -> None:
    path = tmp_path / "made.pcap"
    path.write_bytes(made(order, unit))

    found = unpacked(output_of(*command(language), "read", path))

    assert found == (FRAMES if unit == 1 else IN_MICROSECONDS)
    with path.open("rb") as file:
        assert [frame for _time, frame in dpkt.pcap.Reader(file)] == [frame for _time, frame in found]
