"""28 pcap_file: frames out of a file that sniffers write, and into one."""

import struct

from grader.learner.program import Frames, Null
from grader.verbs.script import only, reveals, torture

LIMIT = 262144
SECOND = 10**9
MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
#: An ARP request, a frame whose every byte tells where it stands, and none of it.
ARP = bytes.fromhex("ffffffffffff 02000000000a 0806 0001 0800 0604 0001 02000000000a 0a000001 000000000000 0a000002")
LONG = b"".join(b"%07d " % offset for offset in range(0, 1512, 8))
LONGEST = b"".join(b"%07x " % offset for offset in range(0, LIMIT, 8))
#: The last second that fits into 32 bits.
LAST = ((1 << 32) - 1) * SECOND
TIMES = [0, 1_700_000_000 * SECOND + 123_456_789, LAST + 999_999_999]
FRAMES = [(time, frame) for time, frame in zip(TIMES, (b"", ARP, LONG), strict=True)]
#: A time that no 64-bit number with a sign can hold.
HUGE = (1 << 64) - 1


def in_microseconds(frames):
    """The same frames, their times rounded down."""
    return [[time - time % 1000, frame] for time, frame in frames]


def in_nanoseconds(frames):
    """The same frames, as a function returns them."""
    return [[time, frame] for time, frame in frames]


def rounded(frames):
    """Times of the frames that another rounding gives away."""
    return {(time + 500) // 1000 * 1000: "rounded-time" for time, _frame in frames if time % 1000 >= 500}


def misread(frames):
    """What comes of them where nanoseconds are taken for microseconds."""
    return tuple((time // SECOND * SECOND + time % SECOND * 1000, frame) for time, frame in frames)


def header(order="<", magic=MICROSECONDS, major=2, most=LIMIT, link=1):
    """What a file begins with."""
    return struct.pack(f"{order}IHHiIII", magic, major, 4, 0, 0, most, link)


def record(time, frame, order="<", unit=1000, original=None):
    """A frame as it stands in a file."""
    lengths = len(frame), len(frame) if original is None else original
    return struct.pack(f"{order}4I", time // SECOND, time % SECOND // unit, *lengths) + frame


def file_of(frames, order="<", unit=1000, **how):
    """A file with these frames, in microseconds or nanoseconds."""
    magic = MICROSECONDS if unit == 1000 else NANOSECONDS
    return header(order, magic, **how) + b"".join(record(*frame, order, unit) for frame in frames)


WHOLE = file_of(FRAMES)
PACKED = struct.pack("!QI", TIMES[1], len(ARP)) + ARP


@reveals("one-endianness")
def check_reads_either_byte_order(learner, folder):
    """reads frames with their times, whichever byte order the file has"""
    learner.runs("read_pcap", folder.has_file("little.pcap", WHOLE))
    learner.returns(in_microseconds(FRAMES))

    learner.runs("read_pcap", folder.has_file("big.pcap", file_of(FRAMES, ">")))
    learner.returns(in_microseconds(FRAMES), instead="one-endianness")

    learner.runs("read_pcap", folder.has_file("empty.pcap", file_of([])))
    learner.returns([])

    learner.runs("read_pcap", folder.has_file("none.pcap", file_of([], ">")))
    learner.returns([], instead="one-endianness")


@reveals("nanosecond-magic")
def check_reads_nanoseconds(learner, folder, caller):
    """reads files whose times are in nanoseconds"""
    caller.has_settings_of_its_own()
    mistakes = {misread(FRAMES): "nanosecond-magic"}

    learner.runs("read_pcap", folder.has_file("little.pcap", file_of(FRAMES, unit=1)))
    learner.returns(in_nanoseconds(FRAMES), instead="nanosecond-magic", mistakes=mistakes)

    learner.runs("read_pcap", folder.has_file("big.pcap", file_of(FRAMES, ">", unit=1)))
    learner.returns(in_nanoseconds(FRAMES), instead="nanosecond-magic", mistakes=mistakes)


@reveals("original-length")
def check_reads_as_much_as_was_captured(learner, folder):
    """reads as many bytes of a frame as are in the file, however long it was on the wire"""
    cut = header() + record(TIMES[1], ARP, original=1514)
    learner.runs("read_pcap", folder.has_file("cut.pcap", cut))
    learner.returns(in_microseconds([FRAMES[1]]), instead="original-length", mistakes={(): "original-length"})

    learner.runs("read_pcap", folder.has_file("jumbo.pcap", cut + record(0, b"", original=LIMIT + 1)))
    learner.returns(in_microseconds([FRAMES[1], FRAMES[0]]), instead="original-length")


@reveals("cut-file")
def check_refuses_a_file_that_is_cut(learner, folder):
    """refuses a file that ends inside a frame, or inside what stands before it"""
    ends = len(WHOLE) - len(LONG)
    learner.refuses_each(
        "read_pcap",
        folder.has_file("one.pcap", WHOLE[:-1]),
        folder.has_file("half.pcap", WHOLE[: ends + 700]),
        folder.has_file("record.pcap", WHOLE[:ends]),
        folder.has_file("most.pcap", WHOLE[: ends - 1]),
        folder.has_file("first.pcap", WHOLE[:25]),
        folder.has_file("second.pcap", WHOLE[:50]),
        instead="cut-file",
    )


@reveals("believed-length")
def check_refuses_a_frame_that_is_too_long(learner, folder):
    """reads a frame of 262,144 bytes, whatever the header's snap length is, and refuses a longer one"""
    longest = [(TIMES[1], LONGEST), FRAMES[1]]
    learner.runs("read_pcap", folder.has_file("longest.pcap", file_of(longest, most=65535)))
    learner.returns(in_microseconds(longest))

    learner.runs("read_pcap", folder.has_file("small.pcap", file_of(FRAMES, ">", most=0)))
    learner.returns(in_microseconds(FRAMES))

    learner.refuses_each(
        "read_pcap",
        folder.has_file("longer.pcap", file_of([(0, LONGEST + b"!")], most=LIMIT + 1)),
        folder.has_file("second.pcap", file_of([*FRAMES, (0, LONGEST + LONG)], ">")),
        folder.has_file("endless.pcap", header() + struct.pack("<4I", 0, 0, 0xFFFFFFFF, 60) + ARP),
        folder.has_file("signed.pcap", header(">") + struct.pack(">4I", 0, 0, 0x80000000, 60) + ARP),
        instead="believed-length",
        mistakes={"MemoryError": "believed-length", "OverflowError": "believed-length"},
    )


@reveals("link-type")
def check_refuses_what_is_not_pcap_of_ethernet(learner, folder):
    """refuses frames of another link type, and files that are not pcap"""
    learner.refuses_each(
        "read_pcap",
        folder.has_file("any.pcap", file_of(FRAMES, link=113)),
        folder.has_file("null.pcap", file_of(FRAMES, ">", link=0)),
        folder.has_file("checked.pcap", file_of(FRAMES, link=0x54000001)),
        folder.has_file("swapped.pcap", file_of(FRAMES, ">", link=0x01000000)),
        folder.has_file("upper.pcap", file_of([], link=0x00010001)),
        instead="link-type",
    )

    learner.refuses_each(
        "read_pcap",
        folder.has_file("nothing.pcap", b""),
        folder.has_file("short.pcap", WHOLE[:23]),
        folder.has_file("magic.pcap", WHOLE[:4]),
        folder.has_file("next.pcapng", struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)),
        folder.has_file("modified.pcap", header(magic=0xA1B2CD34) + WHOLE[24:]),
        folder.has_file("text.pcap", b"no. time source destination protocol length info\n"),
        folder.has_file("mixed.pcap", b"\xa1\xb2\xd4\xc3" + WHOLE[4:]),
        folder.has_file("old.pcap", file_of(FRAMES, major=1)),
        folder.has_file("new.pcap", file_of(FRAMES, ">", major=3)),
        folder.has_file("other.pcap", file_of(FRAMES, major=0x0200)),
    )


@only("c", because="Python's list is as long as it needs to be")
@reveals("small-buffer")
def check_reports_frames_that_do_not_fit(learner, folder):
    """fills the buffer to its last byte, and reports frames that do not fit, or a null pointer"""
    path, size = folder.has_file("three.pcap", WHOLE), 3 * 12 + len(ARP) + len(LONG)
    learner.runs("read_pcap", path, room=size)
    learner.returns(in_microseconds(FRAMES))

    learner.runs("read_pcap", path, room=size - 1)
    learner.raises("EMSGSIZE", instead="small-buffer")
    learner.fails_with("EMSGSIZE", "read_pcap", path, room=11)
    learner.fails_with("EMSGSIZE", "read_pcap", path, room=12 + 11)
    learner.fails_with("EMSGSIZE", "read_pcap", path, room=Null(0))
    learner.fails_with("EINVAL", "read_pcap", path, room=Null(size))

    learner.runs("read_pcap", folder.has_file("empty.pcap", file_of([])), room=Null(0))
    learner.returns([])


@reveals("rounded-time")
def check_writes_frames(learner, folder, caller):
    """writes frames, their times in microseconds, rounded down, and replaces what was there"""
    caller.has_settings_of_its_own()
    learner.runs("write_pcap", folder.offers("new.pcap"), Frames(tuple(FRAMES)))
    learner.returns(None)
    folder.shows_frames("new.pcap", in_microseconds(FRAMES), mistakes=rounded(FRAMES))

    longest = (FRAMES[2], (TIMES[1], LONGEST), FRAMES[0])
    learner.runs("write_pcap", folder.offers("old.pcap", WHOLE), Frames(longest, once=True))
    learner.returns(None)
    folder.shows_frames("old.pcap", in_microseconds(longest), mistakes=rounded(longest))

    learner.runs("write_pcap", folder.offers("long.pcap", WHOLE), Frames(()))
    learner.returns(None)
    folder.shows_frames("long.pcap", [])


@reveals("unchecked-frame", "late-check")
def check_refuses_frames_before_it_writes(learner, folder):
    """refuses a frame that is too long, or a time of more than 32 bits, before the file is touched"""
    old = folder.has_file("old.pcap", WHOLE)

    learner.runs("write_pcap", folder.path("new.pcap"), Frames((FRAMES[1], (0, LONGEST + b"!"))))
    learner.refuses(gap="unchecked-frame")

    learner.runs("write_pcap", old, Frames((*FRAMES, (LAST + SECOND, ARP))))
    learner.refuses(gap="unchecked-frame")

    # Of its seconds the lower 32 bits are a day of ours.
    learner.runs("write_pcap", old, Frames(((TIMES[1] + (2 << 32) * SECOND, ARP),)))
    learner.refuses(gap="unchecked-frame")


@only("python", because="a time in C has no sign")
@reveals("unchecked-frame", "late-check")
def check_refuses_times_before_1970(learner, folder):
    """refuses a time that is negative, before the file is touched"""
    old = folder.has_file("old.pcap", WHOLE)

    learner.runs("write_pcap", old, Frames((FRAMES[1], (-1, ARP))))
    learner.refuses(gap="unchecked-frame")

    learner.runs("write_pcap", folder.path("new.pcap"), Frames(((-SECOND, ARP),), once=True))
    learner.refuses(gap="unchecked-frame")


@only("c", because="Python's frames are not packed")
@reveals("unchecked-frame", "late-check")
def check_refuses_ragged_packing(learner, folder):
    """refuses frames that are not packed as they should be, a null pointer and the largest time"""
    old = folder.has_file("old.pcap", WHOLE)
    learner.runs("write_pcap", old, Frames(((HUGE, ARP),)))
    learner.refuses(gap="unchecked-frame")

    learner.fails_with("EINVAL", "write_pcap", old, PACKED[:-1])
    learner.fails_with("EINVAL", "write_pcap", folder.path("new.pcap"), PACKED[:11])
    learner.fails_with("EINVAL", "write_pcap", old, PACKED + PACKED[:1])
    learner.fails_with("EINVAL", "write_pcap", old, PACKED[:8] + b"\xff\xff\xff\xff" + ARP)
    learner.fails_with("EINVAL", "write_pcap", old, Null(12))

    learner.runs("write_pcap", folder.offers("none.pcap"), Null(0))
    learner.returns(None)
    folder.shows_frames("none.pcap", [])


@reveals("lost-write", "left-file", "removed-file")
def check_reports_a_write_that_fails(learner, folder, caller):
    """reports a write that fails, leaves no new file behind, and removes none that was there"""
    frame = (TIMES[1], LONG[:60])
    caller.limits_files(100)

    learner.runs("write_pcap", folder.offers("fits.pcap"), Frames((frame,)))
    learner.returns(None)
    folder.shows_frames("fits.pcap", in_microseconds([frame]))

    learner.runs("write_pcap", folder.offers("new.pcap"), Frames((FRAMES[2], frame)))
    learner.raises("EFBIG", instead="lost-write")

    learner.runs("write_pcap", folder.offers("old.pcap", b"notes\n"), Frames((frame, (0, b""))))
    learner.raises("EFBIG", instead="lost-write")

    learner.runs("write_pcap", folder.offers("long.pcap"), Frames(((0, LONGEST),)))
    learner.raises("EFBIG", instead="lost-write")


@reveals("lost-write", "left-file", "removed-file")
def check_reports_a_close_that_fails(learner, folder, fault):
    """reports that closing the file fails, and keeps only a file that was there"""
    for call in ("close", "fclose"):
        fault(call, error="EIO")
    learner.runs("write_pcap", folder.offers("new.pcap"), Frames(tuple(FRAMES)))
    learner.reports_the_fault("EIO")

    learner.runs("write_pcap", folder.offers("old.pcap", WHOLE), Frames(tuple(FRAMES[:2])))
    learner.reports_the_fault("EIO")


@only("c", because="Python has its own way with EINTR (PEP 475)")
@reveals("interrupted-close", "rounded-time")
def check_takes_a_file_for_closed(learner, folder, fault):
    """takes the file for closed, and what was written for whole, where close() fails with EINTR"""
    for call in ("close", "fclose"):
        fault(call, error="EINTR")
    learner.runs("write_pcap", folder.offers("new.pcap"), Frames(tuple(FRAMES)))
    learner.returns(None, instead="interrupted-close")
    folder.shows_frames("new.pcap", in_microseconds(FRAMES), mistakes=rounded(FRAMES))


@reveals("missed-error")
def check_reports_the_errors_of_calls(learner, folder):
    """reports what fails as the call has it: no such file, or a directory in its place"""
    nowhere, directory = folder.path("nowhere/new.pcap"), folder.has_directory("files")
    learner.runs("read_pcap", nowhere)
    learner.raises("ENOENT")
    learner.runs("read_pcap", directory)
    learner.raises("EISDIR", mistakes={"ValueError": "missed-error"})

    learner.runs("write_pcap", nowhere, Frames(tuple(FRAMES)))
    learner.raises("ENOENT")
    learner.runs("write_pcap", directory, Frames(tuple(FRAMES)))
    learner.raises("EISDIR")


@torture
def check_survives_every_failing_call(learner, folder):
    """reports or survives every call that fails"""
    path = folder.offers("frames.pcap")
    learner.runs("write_pcap", path, Frames(tuple(FRAMES)))
    learner.returns(None)
    folder.shows_frames("frames.pcap", in_microseconds(FRAMES))

    learner.runs("read_pcap", path)
    learner.returns(in_microseconds(FRAMES))
