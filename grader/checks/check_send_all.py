"""04 send_all: every byte, in order, once; and an error when that fails."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals

GREETING = b"Hi client - you have successfully connected!"
# 64 KiB in which every 8 bytes tell where they stand: "0000000 0000008 ...".
PATTERN = b"".join(b"%07d " % offset for offset in range(0, 65536, 8))


@reveals("hard-coded-length")
def check_sends_messages_of_any_length(learner, peer):
    """sends the whole message, whatever its length"""
    learner.runs("send_all", peer.connection, GREETING)
    peer.receives(GREETING)
    learner.returns(None)

    learner.runs("send_all", peer.connection, b"a\0b")
    peer.receives(b"a\0b")
    learner.returns(None)

    learner.runs("send_all", peer.connection, PATTERN)
    peer.receives(PATTERN)
    learner.returns(None)
    peer.sees_end_of_file()
    learner.sends_only_with("send", language="python")


@reveals("short-send", "resent-start")
def check_sends_every_byte_when_send_is_short(learner, peer, fault):
    """sends every byte when the kernel accepts only a few at a time"""
    fault("send", limit=1021)

    learner.runs("send_all", peer.connection, PATTERN)

    peer.receives(PATTERN)
    learner.returns(None)
    peer.sees_end_of_file()


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, peer, fault):
    """goes on after a signal has interrupted send()"""
    fault("send", error="EINTR", when="2")
    fault("send", limit=1021)

    learner.runs("send_all", peer.connection, PATTERN)

    peer.receives(PATTERN)
    learner.returns(None)
    peer.sees_end_of_file()


@reveals("broken-pipe")
def check_reports_a_broken_pipe(learner, peer):
    """reports a peer that is gone, and survives it"""
    learner.runs("send_all", peer.broken_connection, GREETING)

    learner.raises("EPIPE")


@reveals("broken-pipe")
def check_reports_an_error_after_a_part(learner, peer, fault):
    """reports an error that comes when part of the message is sent"""
    fault("send", error="ECONNRESET", when="3")
    fault("send", limit=1021)

    learner.runs("send_all", peer.connection, PATTERN)

    learner.raises("ECONNRESET")


@reveals("zero-is-closed")
def check_sends_nothing_of_an_empty_message(learner, peer):
    """an empty message is a success that leaves the socket alone"""
    learner.runs("send_all", peer.connection, b"")

    learner.returns(None)
    peer.sees_end_of_file()


@only("c", because="Python has no null pointers")
@reveals("unchecked-argument")
def check_refuses_a_null_buffer(learner, peer):
    """refuses a null pointer with a length, and accepts one without"""
    learner.runs("send_all", peer.connection, Null(0))
    learner.returns(None)

    learner.runs("send_all", peer.connection, Null(44))
    learner.raises("EINVAL")
