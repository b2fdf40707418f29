"""07 lines: every line, whole, as soon as it is there, and no byte lost between."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

# As long as a line may be; every 8 bytes tell where they stand.
LONGEST = b"".join(b"%07d " % offset for offset in range(0, 1024, 8))
# Bytes that end a line elsewhere: VT, FF, the separators, NEL; and two more.
OTHERS = b"\x0b\x0c\x1c\x1d\x1e\x85\x00\xff"
ASTA, BRISE, CLIO = b"0740 Asta, 12 crates", b"0812 Brise, 3 crates", b"0815 Clio, no cargo"


@reveals("lost-remainder", "newest-chunk-only", "one-byte-recv", "kept-open")
def check_keeps_what_stands_behind_a_line(learner, peer):
    """keeps what has come behind a line for the next call"""
    learner.runs("LineReader", peer.connection)
    learner.returns(None)

    peer.sends(ASTA + b"\r\n" + BRISE + b"\r\n" + CLIO[:5])
    learner.runs("read_line")
    learner.returns(ASTA)

    peer.sends(CLIO[5:] + b"\r\n")
    learner.runs("read_line")
    mixed = BRISE + b"\r\n" + CLIO
    learner.returns(BRISE, mistakes={CLIO[5:]: "lost-remainder", mixed: "newest-chunk-only"})
    learner.runs("read_line")
    learner.returns(CLIO)

    learner.receives_in_chunks()
    learner.lets_go(kept="kept-open")
    peer.sees_end_of_file()


@reveals("bare-cr")
def check_takes_a_bare_cr_for_content(learner, peer):
    """ends a line at LF or CR LF, leaves every other byte as it is, and finds no line behind the last"""
    learner.runs("LineReader", peer.connection)
    learner.returns(None)

    peer.sends(b"a\r" + OTHERS + b"\nc\r\r\n\r\n\n")
    learner.runs("read_line")
    learner.returns(b"a\r" + OTHERS, mistakes={b"a": "bare-cr", b"a" + OTHERS: "bare-cr"})
    learner.runs("read_line")
    learner.returns(b"c\r", mistakes={b"c": "bare-cr"})
    learner.runs("read_line")
    learner.returns(b"")
    learner.runs("read_line")
    learner.returns(b"")

    learner.runs("read_line")
    peer.sends_in_pieces([ASTA[:9], ASTA[9:] + b"\r", b"\n"])
    learner.returns(ASTA, mistakes={ASTA + b"\r": "newest-chunk-only"})

    peer.half_closes()
    learner.runs("read_line")
    learner.returns(None)
    learner.runs("read_line")
    learner.returns(None)


@reveals("lost-remainder")
def check_keeps_two_connections_apart(learner, peer, other_peer, caller):
    """reads from two connections in turn, and keeps their bytes apart"""
    caller.has_settings_of_its_own()

    learner.runs("LineReader", peer.connection)
    learner.returns(None)
    learner.runs("LineReader", other_peer.connection)
    learner.returns(None)

    peer.sends(ASTA + b"\n" + BRISE + b"\n")
    other_peer.sends(CLIO + b"\n" + ASTA + b"\n")
    learner.runs("read_line", of=0)
    learner.returns(ASTA)
    learner.runs("read_line", of=1)
    learner.returns(CLIO)
    other_peer.closes()
    learner.runs("read_line", of=1)
    learner.returns(ASTA, mistakes={None: "lost-remainder"})
    learner.runs("read_line", of=0)
    learner.returns(BRISE)


@reveals("lost-last-line")
def check_gives_out_the_last_line(learner, peer, other_peer):
    """gives out a last line without an ending, and then None, as often as it is asked"""
    learner.runs("LineReader", peer.connection)
    learner.returns(None)

    peer.sends(ASTA + b"\n" + BRISE + b"\r")
    peer.closes()
    learner.runs("read_line")
    learner.returns(ASTA)
    learner.runs("read_line")
    learner.returns(BRISE + b"\r", mistakes={None: "lost-last-line", BRISE: "bare-cr"})
    learner.has_not_called("shutdown")
    learner.runs("read_line")
    learner.returns(None)
    learner.runs("read_line")
    learner.returns(None)

    learner.runs("LineReader", other_peer.connection)
    learner.returns(None)
    other_peer.sends(ASTA + b"\n" + LONGEST)
    other_peer.closes()
    learner.runs("read_line")
    learner.returns(ASTA)
    learner.runs("read_line")
    learner.returns(LONGEST, mistakes={None: "lost-last-line"})
    learner.runs("read_line")
    learner.returns(None)


@reveals("overlong-line")
def check_refuses_a_line_without_end(learner, peer, other_peer):
    """reads lines of 1,024 bytes, and refuses a longer one as soon as it is certain"""
    learner.runs("LineReader", peer.connection)
    learner.returns(None)

    peer.sends(LONGEST + b"\r\n" + LONGEST + b"\n" + LONGEST + b"\r\n" + LONGEST + b"\r\n" + LONGEST + b"\r")
    learner.runs("read_line")
    learner.returns(LONGEST)
    learner.runs("read_line")
    learner.returns(LONGEST)
    learner.runs("read_line")
    learner.returns(LONGEST)
    learner.runs("read_line")
    learner.returns(LONGEST)
    learner.runs("read_line")
    peer.sends_in_pieces([b"\n"])
    learner.returns(LONGEST)

    learner.runs("read_line")
    peer.sends_in_pieces([LONGEST + b"\r", b"\n"])
    learner.returns(LONGEST)

    learner.runs("read_line")
    peer.sends_in_pieces([LONGEST, b"\r", b"\n"])
    learner.returns(LONGEST)

    peer.sends(LONGEST + b"x")
    learner.runs("read_line")
    learner.raises(python="ValueError", c="EMSGSIZE", instead="overlong-line")

    learner.runs("LineReader", other_peer.connection)
    learner.returns(None)
    learner.runs("read_line")
    other_peer.sends(ASTA + b"\n")
    learner.returns(ASTA)  # a reader that is of no further use has nothing to do with another one
    learner.runs("read_line")
    other_peer.sends_in_pieces([LONGEST + b"\r", b"x"])
    learner.raises(python="ValueError", c="EMSGSIZE", instead="overlong-line")


@reveals("overlong-line")
def check_refuses_a_line_that_no_ending_can_save(learner, peer, other_peer):
    """refuses 1,025 bytes and a CR, whatever comes next, and thousands of bytes without an ending"""
    learner.runs("LineReader", peer.connection)
    learner.returns(None)
    peer.sends(LONGEST + b"x\r")
    learner.runs("read_line")
    learner.raises(python="ValueError", c="EMSGSIZE", instead="overlong-line")

    learner.runs("LineReader", other_peer.connection)
    learner.returns(None)
    other_peer.sends(LONGEST * 6)
    learner.runs("read_line")
    learner.raises(python="ValueError", c="EMSGSIZE", instead="overlong-line")


@reveals("unlimited-line")
def check_refuses_a_line_that_is_too_long(learner, peer, other_peer):
    """refuses a line that is too long and has ended, by LF or by end-of-file"""
    learner.runs("LineReader", peer.connection)
    learner.returns(None)
    peer.sends(ASTA + b"\n" + LONGEST + b"x\r\n")
    learner.runs("read_line")
    learner.returns(ASTA)
    learner.runs("read_line")
    learner.raises(python="ValueError", c="EMSGSIZE", instead="unlimited-line")

    learner.runs("LineReader", other_peer.connection)
    learner.returns(None)
    other_peer.sends(LONGEST + b"\r")
    other_peer.closes()
    learner.runs("read_line", room=1100)
    learner.raises(python="ValueError", c="EMSGSIZE", instead="unlimited-line")


@reveals("missed-error")
def check_reports_a_reset(learner, peer):
    """reports a connection that breaks in the middle of a line"""
    learner.runs("LineReader", peer.connection)
    learner.returns(None)

    peer.sends(ASTA + b"\n" + LONGEST[:500])
    learner.runs("read_line")
    learner.returns(ASTA)
    learner.runs("read_line")
    peer.sees_all_taken()
    peer.resets()
    learner.raises("ECONNRESET", instead="missed-error")


@reveals("missed-error")
def check_reports_a_time_limit_of_the_caller(learner, peer, other_peer, fault):
    """reports EAGAIN, which a blocking recv() gives at the caller's time limit, and keeps that limit"""
    fault("recv", error="EAGAIN", when="1..2")
    learner.runs("LineReader", peer.limited_connection)
    learner.returns(None)

    peer.sends(ASTA + b"\n")
    learner.runs("read_line")
    learner.reports_the_fault("EAGAIN", otherwise=ASTA)

    learner.runs("LineReader", other_peer.kernel_limited_connection)
    learner.returns(None)

    other_peer.sends(ASTA + b"\n")
    learner.runs("read_line")
    learner.reports_the_fault("EAGAIN", otherwise=ASTA)


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, peer, fault):
    """goes on after signals have interrupted recv()"""
    fault("recv", error="EINTR", when="1..2")
    fault("recv", error="EINTR", when="4+2")
    learner.runs("LineReader", peer.connection)
    learner.returns(None)

    peer.sends(ASTA + b"\r\n" + BRISE[:5])
    learner.runs("read_line")
    learner.returns(ASTA)
    peer.sends(BRISE[5:] + b"\r\n")
    learner.runs("read_line")
    learner.returns(BRISE)

    peer.half_closes()
    learner.runs("read_line")
    learner.returns(None)


@only("c", because="Python's bytes are as long as the line")
@reveals("small-buffer")
def check_reports_a_line_that_does_not_fit(learner, peer):
    """fills the buffer to its last byte, and reports a line that is larger"""
    learner.runs("LineReader", peer.connection)
    learner.returns(None)

    peer.sends(b"!\n" + ASTA + b"\r\n" + b"\n\r\n")
    learner.runs("read_line", room=Null(1))
    learner.raises("EINVAL")
    learner.runs("read_line", room=1)
    learner.returns(b"!")
    learner.runs("read_line", room=len(ASTA))
    learner.returns(ASTA)
    learner.runs("read_line", room=0)
    learner.returns(b"")
    learner.runs("read_line", room=Null(0))
    learner.returns(b"")
    learner.runs("read_line", room=len(CLIO))
    peer.sends_in_pieces([CLIO, b"\r", b"\n"])
    learner.returns(CLIO)
    peer.sends(BRISE + b"\n")
    learner.runs("read_line", room=len(BRISE) - 1)
    learner.raises("EMSGSIZE", instead="small-buffer")


@torture
def check_survives_every_failing_call(learner, peer):
    """reports or survives every call that fails"""
    learner.runs("LineReader", peer.connection)
    learner.returns(None)

    learner.runs("read_line")
    peer.sends_in_pieces([ASTA[:9], ASTA[9:] + b"\r\n"])
    learner.returns(ASTA)
