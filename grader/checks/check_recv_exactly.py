"""05 recv_exactly: every byte that is asked for, and not one more."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

RECORD = b"gauge 7: level +1.48"
NEXT = b"gauge 7: level -0.02"
BINARY = b"\x00\xff\xfe\r\n\x00" + bytes(14)
SIZE = len(RECORD)
# Every 8 bytes tell where they stand: "0000000 0000008 ...".
PATTERN = b"".join(b"%07d " % offset for offset in range(0, 80000, 8))


@reveals("one-recv", "lost-offset")
def check_receives_bytes_that_come_in_pieces(learner, peer, clock):
    """receives all the bytes, in however many pieces they come, and however late"""
    learner.runs("recv_exactly", peer.connection, 0, takes=[0])
    learner.returns(b"")

    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    peer.sends_in_pieces([RECORD[:7], RECORD[7:12]])
    clock.passes(60)
    peer.sends_in_pieces([RECORD[12:]])
    learner.returns(RECORD)

    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    peer.sends(BINARY)
    learner.returns(BINARY)


@reveals("one-recv", "lost-offset", "over-read")
def check_leaves_what_follows(learner, peer, other_peer):
    """leaves the bytes that follow where they are"""
    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    peer.sends_in_pieces([RECORD[:7], RECORD[7:] + NEXT + BINARY])
    learner.returns(RECORD)

    learner.runs("recv_exactly", other_peer.connection, SIZE, takes=[SIZE])
    other_peer.sends(BINARY)
    learner.returns(BINARY)

    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    learner.returns(NEXT)

    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    learner.returns(BINARY)


@reveals("one-recv", "lost-offset")
def check_receives_byte_by_byte(learner, peer, fault, caller):
    """receives bytes that come one at a time"""
    caller.has_settings_of_its_own()
    fault("recv", limit=1)

    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    peer.sends(RECORD + NEXT)
    learner.returns(RECORD)

    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    learner.returns(NEXT)


@reveals("one-recv")
def check_receives_many_bytes(learner, peer, caller):
    """receives as many bytes as it is asked for, more than one segment holds"""
    caller.has_settings_of_its_own()

    learner.runs("recv_exactly", peer.connection, len(PATTERN), takes=[len(PATTERN)])
    peer.sends_in_pieces([PATTERN[:1], PATTERN[1:25000], PATTERN[25000:50000], PATTERN[50000:75000], PATTERN[75000:]])
    learner.returns(PATTERN)


@only("c", because="Python raises EOFError where C returns the part that came")
@reveals("one-recv", "missed-eof")
def check_returns_what_came_before_the_end(learner, peer):
    """returns what came before end-of-file"""
    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    peer.sends_in_pieces([RECORD[:7], RECORD[7:19]])
    peer.sees_all_taken()
    peer.half_closes()
    learner.returns(RECORD[:19])

    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    learner.returns(b"")
    learner.runs("recv_exactly", peer.connection, 0, takes=[0])
    learner.returns(b"")


@only("python", because="C returns the part that came")
@reveals("one-recv", "missed-eof")
def check_reports_a_stream_that_ends_early(learner, peer):
    """raises EOFError when the stream ends early, and ValueError for a negative count"""
    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    peer.sends_in_pieces([RECORD[:7], RECORD[7:19]])
    peer.sees_all_taken()
    peer.half_closes()
    learner.raises("EOFError", instead="missed-eof")

    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    learner.raises("EOFError", instead="missed-eof")
    learner.runs("recv_exactly", peer.connection, 0, takes=[0])
    learner.returns(b"")
    learner.runs("recv_exactly", peer.connection, -1)
    learner.raises("ValueError")


@reveals("one-recv", "signed-compare", "missed-error")
def check_reports_a_reset(learner, peer):
    """reports a connection that breaks after a part of the bytes"""
    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])

    peer.sends_in_pieces([RECORD[:7], RECORD[7:19]])
    peer.sees_all_taken()
    peer.resets()
    learner.raises("ECONNRESET", instead="missed-error")


@reveals("missed-error")
def check_reports_a_reset_before_the_first_byte(learner, peer):
    """reports a connection that breaks before the first byte"""
    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])

    peer.sees_all_taken()
    peer.resets()
    learner.raises("ECONNRESET", instead="missed-error")


@reveals("one-recv", "signed-compare")
def check_reports_a_time_limit_of_the_caller(learner, peer, fault):
    """reports EAGAIN, which a blocking recv() gives at the caller's time limit, and keeps that limit"""
    fault("recv", error="EAGAIN", when="2")
    fault("recv", limit=7)

    learner.runs("recv_exactly", peer.kernel_limited_connection, SIZE, takes=[SIZE])

    peer.sends(RECORD + NEXT)
    # a file of the socket's without a buffer has one word for the end and for that
    learner.reports_the_fault("EAGAIN", otherwise=RECORD, python="EOFError")


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("one-recv", "lost-offset", "interrupted-call")
def check_goes_on_after_an_interruption(learner, peer, fault):
    """goes on after signals have interrupted recv(), the last time before end-of-file"""
    fault("recv", error="EINTR", when="1..2")
    fault("recv", error="EINTR", when="4+2")
    fault("recv", limit=7)

    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    peer.sends(RECORD)
    learner.returns(RECORD)

    peer.half_closes()
    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])
    learner.returns(b"")


@only("c", because="Python has no null pointers")
@reveals("unchecked-argument")
def check_refuses_a_null_buffer(learner, peer):
    """refuses a null pointer with a length, and accepts one without"""
    learner.runs("recv_exactly", peer.connection, Null(0))
    learner.returns(b"")

    peer.sends(RECORD)
    learner.runs("recv_exactly", peer.connection, Null(1))
    learner.raises("EINVAL")


@torture
def check_survives_every_failing_call(learner, peer):
    """reports or survives every call that fails"""
    learner.runs("recv_exactly", peer.connection, SIZE, takes=[SIZE])

    peer.sends_in_pieces([RECORD[:7], RECORD[7:]])
    learner.returns(RECORD)
