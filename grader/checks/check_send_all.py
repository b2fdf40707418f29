"""04 send_all: every byte, in order, once; and an error when that fails."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

GREETING = b"Hi client - you have successfully connected!"
BINARY = b"\x00\xff\xfe\r\n\x00"
# Every 8 bytes tell where they stand: "0000000 0000008 ...".
PATTERN = b"".join(b"%07d " % offset for offset in range(0, 70016, 8))
PART = PATTERN[:8192]


@reveals("hard-coded-length")
def check_sends_messages_of_any_length(learner, peer):
    """sends the whole message, whatever its length"""
    learner.runs("send_all", peer.connection, GREETING)
    peer.receives(GREETING)
    learner.returns(None)

    learner.runs("send_all", peer.connection, BINARY)
    peer.receives(BINARY)
    learner.returns(None)

    learner.runs("send_all", peer.connection, b"!")
    peer.receives(b"!")
    learner.returns(None)

    learner.runs("send_all", peer.connection, PATTERN)
    peer.receives(PATTERN)
    learner.returns(None)
    peer.sees_end_of_file()
    learner.sends_only_with("send", language="python")


@reveals("short-send", "resent-start")
def check_sends_every_byte_when_send_is_short(learner, peer, fault, caller):
    """sends every byte when the kernel accepts only a few at a time"""
    caller.has_settings_of_its_own()
    fault("send", limit=7)

    learner.runs("send_all", peer.connection, PART)

    peer.receives(PART)
    learner.returns(None)
    peer.sees_end_of_file()


@reveals("hard-coded-length")
def check_waits_for_a_peer_that_reads_late(learner, peer, clock, caller):
    """waits for room when the peer, which has half-closed, reads late"""
    caller.has_settings_of_its_own()
    connection = peer.narrow_connection
    peer.half_closes()

    learner.runs("send_all", connection, PATTERN)

    peer.waits_until_the_program_is_blocked()
    clock.passes(60)
    peer.receives(PATTERN)
    learner.returns(None)
    peer.sees_end_of_file()


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, peer, fault):
    """goes on after signals have interrupted send()"""
    fault("send", error="EINTR", when="2..9")
    fault("send", limit=1021)

    learner.runs("send_all", peer.connection, PART)

    peer.receives(PART)
    learner.returns(None)
    peer.sees_end_of_file()


@reveals("broken-pipe")
def check_reports_a_broken_pipe(learner, peer):
    """reports a peer that is gone, and survives it"""
    learner.runs("send_all", peer.broken_connection, GREETING)

    learner.raises("EPIPE")


@reveals("broken-pipe")
def check_reports_a_pipe_that_breaks_later(learner, peer, other_peer, fault):
    """reports a peer that goes when part of the message is sent, and begins the next message anew"""
    fault("send", limit=1021, hold=True, when="3")
    fault("send", limit=1021)

    learner.runs("send_all", peer.connection, PART)
    learner.is_held()
    peer.half_closes()
    peer.resets()
    learner.goes_on()
    learner.raises("EPIPE", "ECONNRESET")

    learner.runs("send_all", other_peer.connection, PART)
    other_peer.receives(PART)
    learner.returns(None)


@reveals("retried-time-limit")
def check_reports_a_time_limit_of_the_caller(learner, peer, other_peer, fault):
    """reports EAGAIN, which a blocking send() gives at the caller's time limit, and keeps that limit"""
    fault("send", error="EAGAIN", when="2+1")
    fault("send", limit=1021)

    learner.runs("send_all", peer.limited_connection, PART)
    learner.reports_the_fault("EAGAIN")

    learner.runs("send_all", other_peer.kernel_limited_connection, PART)
    learner.reports_the_fault("EAGAIN")


@reveals("zero-is-closed")
def check_sends_nothing_of_an_empty_message(learner, peer):
    """an empty message is a success that leaves the socket alone"""
    learner.runs("send_all", peer.connection, b"")

    learner.returns(None)
    learner.has_left_its_socket_alone()
    peer.sees_end_of_file()


@only("c", because="Python has no null pointers")
@reveals("unchecked-argument")
def check_refuses_a_null_buffer(learner, peer):
    """refuses a null pointer with a length, and accepts one without"""
    learner.runs("send_all", peer.connection, Null(0))
    learner.returns(None)

    learner.runs("send_all", peer.connection, Null(1))
    learner.raises("EINVAL")


@torture
def check_survives_every_failing_call(learner, peer):
    """reports or survives every call that fails"""
    learner.runs("send_all", peer.connection, GREETING)

    peer.receives(GREETING)
    learner.returns(None)
