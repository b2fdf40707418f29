"""Checks of programs that write capture files, and what is said of wrong ones."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from grader.learner.program import Frames
from grader.trial.performance import explain, play
from grader.verbs.cast import Cast

FRAMES = ((1_000_000_007_000_000_999, b"one frame"), (2_000_000_000, b""))
#: The same with whole microseconds.
ROUNDED = [(1_000_000_007_000_000_000, b"one frame"), (2_000_000_000, b"")]

#: Writes frames; what is left open is where programs differ.
WRITES = """
import os
import struct

def read_pcap(path):
    {reads}

def write_pcap(path, frames):
    data = struct.pack("{order}IHHIIII", {header})
    for time, frame in frames:
        data += struct.pack("{order}4I", time // 10**9, {fraction}, len(frame), {original}) + frame{rest}
    {writes}
"""
RIGHT = {
    "reads": "return []",
    "order": "<",
    "header": "0xa1b2c3d4, 2, 4, 0, 0, 262144, 1",
    "fraction": "time // 1000 % 10**6",
    "original": "len(frame)",
    "rest": "",
    "writes": "open(path, 'wb').write(data)",
}


def writer(**changes: str) -> str:
    return WRITES.format(**RIGHT | changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"order": ">"}, ""),
        ({"header": "0xa1b23c4d, 2, 4, 0, 0, 262144, 1"}, "begins with 4d 3c b2 a1, which is not the magic number"),
        ({"header": "0xa1b2c3d4, 4, 2, 0, 0, 262144, 1"}, "says that its version is 4.2; expected 2.4"),
        ({"header": "0xa1b2c3d4, 2, 4, 0, 0, 65535, 1"}, "says that its snap length is 65535; expected 262144"),
        ({"header": "0xa1b2c3d4, 2, 4, 0, 0, 262144, 113"}, "says that its link type is 113; expected 1"),
        ({"fraction": "time % 10**9"}, "frame 1 of 2 with the time 1000000007.000999000; expected"),
        ({"fraction": "time // 1000 % 10**6 + 1"}, "frame 1 of 2 with the time 1000000007.000001000; expected"),
        ({"fraction": "10**6"}, "says that frame 1 came 1000000 microseconds after a full second"),
        ({"original": "1514"}, "says that frame 1 had 1514 bytes, and 9 are there"),
        ({"rest": "[1:]"}, "frame 1 of 1 with other bytes"),
        ({"writes": "open(path, 'wb').write(data[:-17])"}, "ends inside frame 1, whose record says 9 bytes"),
        ({"writes": "open(path, 'wb').write(data[:-16])"}, "holds 1 frame; expected 2"),
        ({"writes": "open(path, 'wb').write(data[:-1])"}, "ends inside the record of frame 2"),
        ({"writes": "open(path, 'wb').write(data[:20])"}, "has 20 bytes, and a pcap file begins with 24"),
        ({"writes": "open(path, 'wb').write(data + data[-16:])"}, "holds 3 frames; expected 2"),
        ({"writes": "pass"}, "there is no file at /tmp/13/out.pcap"),
        ({"writes": "open(path + '~', 'wb')"}, "out.pcap~ is left behind when write_pcap() has returned"),
    ],
)
def test_a_capture_file_is_read(cast_of: Callable[..., Cast], changes: dict[str, str], words: str) -> None:
    cast = cast_of(writer(**changes), "pcap_file")
    learner, folder = cast["learner"], cast["folder"]

    def script() -> None:
        learner.runs("write_pcap", folder.offers("out.pcap"), Frames(FRAMES, once=True))
        learner.returns(None)
        folder.shows_frames("out.pcap", ROUNDED)

    found = play(script, cast)

    assert (found is None) == (not words), found
    assert found is None or words in cast.scene.arranged.folder.hidden(found.sentence)


@pytest.mark.parametrize(
    ("writes", "words", "gap"),
    [
        ("raise OSError(28, 'No space')", "", ""),
        (
            "open(path, 'ab').close(); os.truncate(path, 0); raise OSError(28, '')",
            "out.pcap is left behind",
            "left-file",
        ),
        ("raise ValueError('no')", "", ""),
        ("open(path, 'wb').close(); raise ValueError('no')", "out.pcap is left behind", "late-check"),
        ("open(path, 'wb').close(); os.remove(path); raise OSError(28, '')", "", ""),
    ],
)
def test_a_function_that_fails_leaves_no_new_file(
    cast_of: Callable[..., Cast], writes: str, words: str, gap: str
) -> None:
    assert _failing(cast_of(writer(writes=writes), "pcap_file"), None) == (words, gap)


@pytest.mark.parametrize(
    ("writes", "words", "gap"),
    [
        ("open(path, 'wb').close(); raise OSError(28, 'No space')", "", ""),
        (
            "os.unlink(path); raise OSError(28, 'No space')",
            "out.pcap, which is not the program's, is gone",
            "removed-file",
        ),
        ("os.unlink(path); open(path, 'wb').close(); raise OSError(28, '')", "", ""),
    ],
)
def test_a_function_that_fails_removes_no_file(cast_of: Callable[..., Cast], writes: str, words: str, gap: str) -> None:
    assert _failing(cast_of(writer(writes=writes), "pcap_file"), b"a file\n") == (words, gap)


def _failing(cast: Cast, data: bytes | None) -> tuple[str, str]:
    """What is said of a function that fails, up to what is done when it has returned,
    and of which gap."""
    learner, folder = cast["learner"], cast["folder"]

    def script() -> None:
        learner.runs("write_pcap", folder.offers("out.pcap", data), Frames(FRAMES))
        learner.raises("ValueError", "OSError")

    found = play(script, cast)
    if found is None:
        return "", ""
    sentence = cast.scene.arranged.folder.hidden(found.sentence)
    return sentence.partition(" when ")[0].removeprefix("/tmp/13/"), explain(found, cast.scene).gap


def test_a_file_may_not_be_touched_before_the_frames_are_looked_at(cast_of: Callable[..., Cast]) -> None:
    cast = cast_of(writer(writes="open(path, 'wb').close(); raise ValueError('no')"), "pcap_file")
    learner, folder = cast["learner"], cast["folder"]

    def script() -> None:
        learner.runs("write_pcap", folder.has_file("old.pcap"), Frames(FRAMES))
        learner.raises("ValueError")

    diagnosis = explain(play(script, cast), cast.scene)

    assert diagnosis.gap == "late-check"
    assert "open() empties the file that is there, and then write_pcap() raised ValueError" in diagnosis.sentence


@pytest.mark.parametrize(
    "writes",
    [
        "file = open(path, 'wb'); file.write(data); file.close()",
        "fd = os.open(path, os.O_WRONLY | os.O_CREAT); os.write(fd, data); os.close(fd)",
    ],
)
def test_a_file_grows_to_the_callers_limit(cast_of: Callable[..., Cast], writes: str) -> None:
    cast = cast_of(writer(writes=writes), "pcap_file")
    learner, folder, caller = cast["learner"], cast["folder"], cast["caller"]

    def script() -> None:
        caller.limits_files(24 + 32 + 9)
        learner.runs("write_pcap", folder.offers("fits.pcap"), Frames(FRAMES))
        learner.returns(None)
        folder.shows_frames("fits.pcap", ROUNDED)
        learner.runs("write_pcap", folder.offers("more.pcap"), Frames((*FRAMES, FRAMES[1])))
        learner.raises("EFBIG", instead="lost-write")

    found = play(script, cast)

    assert found is not None
    unseen = "fd" in writes  # a short count, of which nobody has heard
    assert (found.gap, found.kind) == (("lost-write", "success") if unseen else ("", "left-path"))


@pytest.mark.parametrize(
    ("reads", "words"),
    [
        ("return [(1, b'a'), (2, b'b')]", ""),
        ("return []", "returned 0 frames; expected 2"),
        ("return [(1, b'a')]", "returned 1 frame; expected 2"),
        ("return [(1, b'a'), (2, b'c')]", "returned frame 2 of 2 with other bytes"),
        ("return [(1, b'a'), (2, b'long')]", "returned frame 2 of 2 with 4 bytes; expected 1"),
        ("return [(1, b'a'), (2_000, b'b')]", "with the time 0.000002000; expected 0.000000002"),
        ("return [(1, b'a'), (-2, b'b')]", "with the time -0.000000002; expected 0.000000002"),
    ],
)
def test_frames_are_compared(cast_of: Callable[..., Cast], reads: str, words: str) -> None:
    cast = cast_of(writer(reads=reads), "pcap_file")
    learner = cast["learner"]

    def script() -> None:
        learner.runs("read_pcap", "any.pcap")
        learner.returns([[1, b"a"], [2, b"b"]], mistakes={((1, b"a"),): "cut-file"})

    found = play(script, cast)

    assert (found is None) == (not words)
    assert found is None or (words in found.sentence and (found.gap == "cut-file") == ("1 frame;" in words))


PACKED = struct.pack("!QI", 5, 3) + b"abc"
#: Returns this, whatever it is to read.
STORES = """
#include "pcap_file.h"
#include <string.h>

ssize_t read_pcap(const char *path, unsigned char *frames, size_t size)
{
    static const unsigned char data[] = { %s };

    (void)path; (void)size;
    memcpy(frames, data, sizeof data);
    return sizeof data;
}

int write_pcap(const char *path, const unsigned char *frames, size_t len)
{
    (void)path; (void)frames; (void)len;
    return 0;
}
"""


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (PACKED, ""),
        (PACKED + PACKED[:11], "returned 26, which ends inside the head of frame 2"),
        (PACKED[:-1], "returned 14, and frame 1 says that it has 3 bytes"),
    ],
)
def test_frames_of_c_are_unpacked(cast_of: Callable[..., Cast], packed: bytes, words: str) -> None:
    cast = cast_of(STORES % ", ".join(map(str, packed)), "pcap_file", "c")
    learner = cast["learner"]

    def script() -> None:
        learner.runs("read_pcap", "any.pcap")
        learner.returns([[5, b"abc"]])

    found = play(script, cast)

    assert (found is None) == (not words)
    assert found is None or words in found.sentence
