"""06 messages: where each begins and ends, and what may be believed."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

LIMIT = 65536
# Its length is 00 00 01 00: a number that is within the limit backwards, too.
FORECAST = b"".join(b"%02d:00 west %2d\n" % (i, i % 12) for i in range(24))[:256].ljust(256, b".")
ORDER = b"open gate 3"
# Every 8 bytes tell where they stand: "0000000 0000008 ...".
LARGEST = b"".join(b"%07d " % offset for offset in range(0, LIMIT, 8))
# Its length is 00 00 80 e8: bytes that are negative where a char has a sign.
LONGER = LARGEST[:33000]


def framed(payload):
    """A message as it stands in the stream."""
    return len(payload).to_bytes(4, "big") + payload


WIRE = framed(FORECAST)
TWO = framed(ORDER) + framed(b"") + framed(FORECAST)
LONG = framed(LARGEST)


@reveals("host-order-length")
def check_sends_a_message(learner, peer):
    """sends the length in network byte order, then the payload"""
    learner.runs("send_message", peer.connection, FORECAST, sends=WIRE)
    peer.receives(WIRE)
    learner.returns(None)

    learner.runs("send_message", peer.connection, b"bell", sends=framed(b"bell"))
    peer.receives(framed(b"bell"))
    learner.returns(None)

    learner.runs("send_message", peer.connection, b"", sends=framed(b""))
    peer.receives(framed(b""))
    learner.returns(None)
    peer.sees_end_of_file()


@reveals("host-order-length")
def check_receives_a_message(learner, peer):
    """receives a message that comes in one piece"""
    learner.runs("recv_message", peer.connection, takes=[4, 256])

    peer.sends(WIRE)
    learner.returns(FORECAST)


@reveals("payload-one-recv")
def check_receives_a_payload_in_pieces(learner, peer):
    """receives the whole payload, in however many pieces it comes"""
    learner.runs("recv_message", peer.connection, takes=[4, 256])

    peer.sends_in_pieces([WIRE[:14], WIRE[14:15], WIRE[15:]])
    learner.returns(FORECAST)


@reveals("header-one-recv")
def check_receives_a_length_in_pieces(learner, peer):
    """receives the whole length, in however many pieces it comes"""
    learner.runs("recv_message", peer.connection, takes=[4, 256])

    peer.sends_in_pieces([WIRE[:1], WIRE[1:3], WIRE[3:9], WIRE[9:]])
    learner.returns(FORECAST)


@reveals("header-one-recv")
def check_receives_byte_by_byte(learner, peer, fault):
    """receives bytes that come one at a time"""
    fault("recv", limit=1)

    learner.runs("recv_message", peer.connection, takes=[4, 11])

    peer.sends(framed(ORDER))
    learner.returns(ORDER)


@reveals("empty-message")
def check_receives_one_message_after_the_other(learner, peer, other_peer):
    """receives messages that come together, an empty one too, and then the end"""
    learner.runs("recv_message", peer.connection, takes=[4, 11])
    peer.sends(TWO)
    learner.returns(ORDER)

    learner.runs("recv_message", other_peer.connection, takes=[4, 11])
    other_peer.sends(framed(ORDER))
    learner.returns(ORDER)

    learner.runs("recv_message", peer.connection, takes=[4, 0])
    learner.returns(b"")

    learner.runs("recv_message", peer.connection, takes=[4, 256])
    learner.returns(FORECAST)

    peer.half_closes()
    learner.runs("recv_message", peer.connection)
    learner.returns(None)


@reveals("payload-one-recv", "header-one-recv")
def check_moves_large_messages(learner, peer, caller):
    """sends and receives large messages, up to 65,536 bytes"""
    caller.has_settings_of_its_own()

    learner.runs("recv_message", peer.connection, takes=[4, 33000])
    peer.sends_in_pieces([framed(LONGER)[:25000], framed(LONGER)[25000:]])
    learner.returns(LONGER)

    learner.runs("recv_message", peer.connection, takes=[4, LIMIT])
    peer.sends_in_pieces([LONG[:2], LONG[2:25000], LONG[25000:50000], LONG[50000:]])
    learner.returns(LARGEST)

    learner.runs("send_message", peer.connection, LARGEST, sends=LONG)
    peer.receives(LONG)
    learner.returns(None)


@reveals("cut-message")
def check_reports_an_end_inside_a_length(learner, peer, other_peer):
    """reports a stream that ends inside a length, or right behind it"""
    learner.runs("recv_message", peer.connection, takes=[4, 0])
    peer.sends(b"\0\0\0")
    peer.closes()
    learner.raises(python="EOFError", c="ECONNRESET", instead="cut-message")

    learner.runs("recv_message", other_peer.connection, takes=[4, 256])
    other_peer.sends(WIRE[:4])
    other_peer.closes()
    learner.raises(python="EOFError", c="ECONNRESET", instead="cut-message")


@reveals("cut-message", "payload-one-recv")
def check_reports_an_end_inside_a_payload(learner, peer, other_peer):
    """reports a stream that ends inside a payload, or inside a length that would be too large"""
    learner.runs("recv_message", peer.connection, takes=[4, 256])
    peer.sends_in_pieces([WIRE[:14], WIRE[14:259]])
    peer.sees_all_taken()
    peer.closes()
    learner.raises(python="EOFError", c="ECONNRESET", instead="cut-message")

    learner.runs("recv_message", other_peer.connection, takes=[4, 256])
    other_peer.sends(b"\xff\xff\xff")
    other_peer.closes()
    learner.raises(python="EOFError", c="ECONNRESET", instead="cut-message")


@reveals("missed-error", "payload-one-recv")
def check_reports_a_reset(learner, peer, other_peer):
    """reports a connection that breaks, between two messages and inside one"""
    learner.runs("recv_message", peer.connection, takes=[4, 11])
    peer.sends(framed(ORDER))
    learner.returns(ORDER)
    learner.runs("recv_message", peer.connection, takes=[4, 256])
    peer.sees_all_taken()
    peer.resets()
    learner.raises("ECONNRESET", instead="missed-error")

    learner.runs("recv_message", other_peer.connection, takes=[4, 256])
    other_peer.sends_in_pieces([WIRE[:14]])
    other_peer.sees_all_taken()
    other_peer.resets()
    learner.raises("ECONNRESET", instead="missed-error")


@reveals("short-send")
def check_sends_every_byte_when_send_is_short(learner, peer, fault):
    """sends every byte when the kernel accepts only a few at a time"""
    fault("send", limit=3)

    learner.runs("send_message", peer.connection, FORECAST, sends=WIRE)
    peer.receives(WIRE)
    learner.returns(None)

    # One byte is left in the end of a payload, above, or of a whole message.
    learner.runs("send_message", peer.connection, b"open gate 12", sends=framed(b"open gate 12"))
    peer.receives(framed(b"open gate 12"))
    learner.returns(None)
    peer.sees_end_of_file()


@reveals("oversized-message")
def check_refuses_to_send_too_much(learner, peer):
    """refuses a payload over the limit, and sends nothing of it"""
    learner.runs("send_message", peer.connection, LARGEST + b"!")

    learner.raises("ValueError", instead="oversized-message")
    peer.sees_end_of_file()


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call", "payload-one-recv", "short-send")
def check_goes_on_after_an_interruption(learner, peer, fault):
    """goes on after signals have interrupted send() and recv()"""
    fault("send", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="5")
    fault("send", limit=100)
    fault("recv", error="EINTR", when="1..2")
    fault("recv", error="EINTR", when="5+2")
    fault("recv", limit=100)
    learner.runs("send_message", peer.connection, FORECAST, sends=WIRE)
    peer.receives(WIRE)
    learner.returns(None)

    learner.runs("recv_message", peer.connection, takes=[4, 256])
    peer.sends(WIRE)
    learner.returns(FORECAST)

    peer.half_closes()
    learner.runs("recv_message", peer.connection)
    learner.returns(None)


@reveals("missed-error")
def check_reports_a_time_limit_of_the_caller(learner, peer, other_peer, fault):
    """reports EAGAIN, which a blocking recv() gives at the caller's time limit, and keeps that limit"""
    fault("recv", error="EAGAIN", when="2")
    fault("recv", error="EAGAIN", when="6")
    fault("recv", limit=3)

    learner.runs("recv_message", peer.kernel_limited_connection, takes=[4, 11])
    peer.sends(framed(ORDER) + WIRE)
    learner.reports_the_fault("EAGAIN", otherwise=ORDER)

    learner.runs("recv_message", other_peer.kernel_limited_connection, takes=[4, 11])
    other_peer.sends(framed(ORDER) + WIRE)
    learner.reports_the_fault("EAGAIN", otherwise=ORDER)


@only("c", because="Python ignores SIGPIPE")
@reveals("broken-pipe")
def check_reports_a_broken_pipe(learner, peer, other_peer, fault):
    """reports a peer that is gone, or goes when the length is sent, and survives it"""
    fault("send", limit=4, hold=True, when="2")

    learner.runs("send_message", peer.broken_connection, ORDER)
    learner.raises("EPIPE")

    learner.runs("send_message", other_peer.connection, FORECAST, sends=WIRE)
    learner.is_held()
    other_peer.half_closes()
    other_peer.resets()
    learner.goes_on()
    learner.raises("EPIPE", "ECONNRESET")


@only("c", because="Python has no null pointers")
@reveals("unchecked-argument", "empty-message")
def check_refuses_a_null_buffer(learner, peer):
    """refuses a null pointer with a length, and accepts one without"""
    learner.runs("send_message", peer.connection, Null(1))
    learner.raises("EINVAL")

    learner.runs("send_message", peer.connection, Null(0), sends=framed(b""))
    peer.receives(framed(b""))
    learner.returns(None)

    learner.runs("recv_message", peer.connection, takes=[4, 0], room=Null(0))
    peer.sends(framed(b"") + WIRE)
    learner.returns(b"")

    learner.runs("recv_message", peer.connection, room=Null(1))
    learner.raises("EINVAL")


@reveals("unchecked-length", "header-one-recv")
def check_refuses_a_length_over_the_limit(learner, peer, other_peer):
    """refuses a length over the limit as soon as it has come"""
    learner.runs("recv_message", peer.connection, takes=[4])
    peer.sends_in_pieces([b"\0\1", b"\0\1"])
    learner.raises(python="ValueError", c="EMSGSIZE", instead="unchecked-length")

    learner.runs("recv_message", other_peer.connection, takes=[4])
    other_peer.sends(b"\xff\xff\xff\xff")
    learner.raises(python="ValueError", c="EMSGSIZE", instead="unchecked-length")


@reveals("unchecked-length")
def check_refuses_a_length_that_is_large_in_one_byte(learner, peer):
    """refuses a length whose first byte alone takes it over the limit"""
    learner.runs("recv_message", peer.connection, takes=[4])
    peer.sends(b"\1" + framed(ORDER)[1:4])
    learner.raises(python="ValueError", c="EMSGSIZE", instead="unchecked-length")


@only("c", because="Python's bytes are as large as the message")
@reveals("unchecked-length")
def check_refuses_a_message_that_does_not_fit(learner, peer, other_peer):
    """fills the buffer to its last byte, and refuses a message that is larger"""
    learner.runs("recv_message", peer.connection, takes=[4, 256], room=256)
    peer.sends(WIRE)
    learner.returns(FORECAST)
    learner.runs("recv_message", peer.connection, takes=[4], room=10)
    peer.sends(framed(ORDER)[:4])
    learner.raises("EMSGSIZE", instead="unchecked-length")

    learner.runs("recv_message", other_peer.connection, takes=[4], room=LIMIT + 8)
    other_peer.sends((LIMIT + 1).to_bytes(4, "big"))
    learner.raises("EMSGSIZE", instead="unchecked-length")


@torture
def check_survives_every_failing_call(learner, peer, other_peer):
    """reports or survives every call that fails"""
    learner.runs("send_message", peer.connection, ORDER, sends=framed(ORDER))
    peer.receives(framed(ORDER))
    learner.returns(None)

    learner.runs("recv_message", other_peer.connection, takes=[4, 11])
    other_peer.sends_in_pieces([framed(ORDER)[:2], framed(ORDER)[2:]])
    learner.returns(ORDER)
