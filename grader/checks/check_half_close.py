"""08 half_close: the whole request, its end, the whole reply, both at once."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

HOST = "archive.test"
REQUEST = b"store 2026-11-22\r\n\x01\x56\x00\x01\x54\x00\x01\x51\xff\r\n"
REPLY = b"stored: 3 readings\r\n\x00\xff\x01 mean 3.40, lowest 3.37\r\n"
# Every 8 bytes tell where they stand: "0000000 0000008 ...".
LONG = b"".join(b"%07d " % offset for offset in range(0, 70016, 8))
# Sent in thousands, it ends with a single byte.
THOUSANDS = LONG[:70001]
# More than all buffers between two processes hold.
BULK = (LONG * 120)[: 8 << 20]
ROOM = len(BULK)
# More than a sender can buffer, with a little in the buffers of the other side.
STUCK = BULK[: 5 << 20]


@reveals("no-half-close", "closed-too-early", "unread-reply")
def check_reads_the_reply_to_its_end(learner, peer, clock):
    """sends the request and its end, and reads the reply to its own, however late it comes"""
    port = peer.listens()

    learner.runs("ask", "127.0.0.1", port, REQUEST)

    peer.accepts()
    peer.receives(REQUEST)
    peer.sees_end_of_file()
    clock.passes(60)
    peer.sends_in_pieces([REPLY[:9], REPLY[9:40], REPLY[40:]])
    peer.closes()
    learner.returns(REPLY)


@reveals("unread-reply")
def check_asks_with_an_empty_request(learner, peer):
    """sends the end alone of an empty request, and takes an empty reply"""
    port = peer.listens()

    learner.runs("ask", "127.0.0.1", port, b"")
    peer.accepts()
    peer.sees_end_of_file()
    peer.waits_until_the_program_is_blocked()
    peer.sends_in_pieces([REPLY[:20], REPLY[20:]])
    peer.closes()
    learner.returns(REPLY)

    learner.runs("ask", "127.0.0.1", port, REQUEST)
    peer.accepts()
    peer.receives(REQUEST)
    peer.sees_end_of_file()
    peer.closes()
    learner.returns(b"")


@reveals("both-sides-send")
def check_receives_while_it_sends(learner, peer):
    """receives while it sends: 8 MiB each way, from a server that answers as it reads"""
    port = peer.listens(buffers=65536)

    learner.runs("ask", "127.0.0.1", port, BULK, room=ROOM)

    peer.accepts()
    peer.answers_while_it_reads(BULK)
    peer.closes()
    learner.returns(BULK)


@reveals("shut-too-early")
def check_sends_on_after_the_reply(learner, peer, fault):
    """sends the request to its end when the reply has come to its own before"""
    fault("send", limit=1000, hold=True, when="1")
    fault("send", limit=1000)
    port = peer.listens()

    learner.runs("ask", "127.0.0.1", port, THOUSANDS)

    peer.accepts()
    learner.is_held()
    peer.sends(REPLY)
    peer.half_closes()
    peer.sees_all_delivered()
    learner.goes_on()
    peer.receives(THOUSANDS)
    peer.sees_end_of_file()
    learner.returns(REPLY)


@reveals("unread-reply")
def check_reads_a_reply_that_comes_with_its_end(learner, peer, caller):
    """reads a long reply that has come to its end before the first byte is read"""
    caller.has_settings_of_its_own()
    port = peer.listens()

    learner.runs("ask", "127.0.0.1", port, REQUEST, room=len(LONG))

    peer.accepts()
    peer.receives(REQUEST)
    peer.sees_end_of_file()
    learner.is_stopped()
    peer.sends(LONG)
    peer.closes()
    learner.goes_on()
    learner.returns(LONG)


@reveals("broken-pipe", "socket-leak")
def check_reports_a_request_that_cannot_be_sent(learner, peer, other_peer, fault):
    """reports a server that stops reading in the middle of the request, or before its end is told"""
    port = peer.listens(buffers=65536)

    learner.runs("ask", "127.0.0.1", port, STUCK)
    peer.accepts()
    peer.half_closes()
    peer.waits_until_the_program_is_blocked()
    peer.resets()
    learner.raises()

    port = other_peer.listens()
    fault("send", hold=True, when="1")
    learner.runs("ask", "127.0.0.1", port, REQUEST)
    other_peer.accepts()
    learner.is_held()
    other_peer.sends(REPLY)
    other_peer.half_closes()
    other_peer.sees_all_delivered()
    other_peer.resets()
    learner.goes_on()
    learner.raises()


@reveals("missed-error", "socket-leak")
def check_reports_a_reset(learner, peer):
    """reports a connection that breaks, before and after a part of the reply, all that there is room for or less"""
    port = peer.listens()

    learner.runs("ask", "127.0.0.1", port, REQUEST)
    peer.accepts()
    peer.receives(REQUEST)
    peer.sees_end_of_file()
    peer.sees_all_taken()
    peer.resets()
    learner.raises("ECONNRESET")

    learner.runs("ask", "127.0.0.1", port, REQUEST)
    peer.accepts()
    peer.receives(REQUEST)
    peer.sees_end_of_file()
    peer.sends_in_pieces([REPLY[:20]])
    peer.sees_all_taken()
    peer.resets()
    learner.raises("ECONNRESET")

    learner.runs("ask", "127.0.0.1", port, REQUEST, room=20)
    peer.accepts()
    peer.receives(REQUEST)
    peer.sees_end_of_file()
    peer.sends_in_pieces([REPLY[:20]])
    peer.sees_all_taken()
    peer.resets()
    learner.raises("ECONNRESET")


@reveals("socket-leak")
def check_tries_every_address(learner, peer, resolves, fault):
    """tries the next address when one refuses or has no socket, and reports the last one's error"""
    fault("socket", error="EAFNOSUPPORT", when="1")
    fault("connect", error="ETIMEDOUT", when="5..6")
    port = peer.listens("::1")
    resolves(HOST, "127.0.0.2", "127.0.0.2", "::1", "127.0.0.2", service=("store", port))
    peer.holds("127.0.0.2", port)

    learner.runs("ask", HOST, "store", REQUEST)
    peer.accepts()
    peer.receives(REQUEST)
    peer.sees_end_of_file()
    peer.sends(REPLY)
    peer.closes()
    learner.returns(REPLY)

    learner.runs("ask", HOST, "store", REQUEST)
    learner.raises("ETIMEDOUT")

    fault("socket", error="EAFNOSUPPORT", when="3..4")
    learner.runs("ask", HOST, "store", REQUEST)
    learner.raises("EAFNOSUPPORT", named=True)

    fault("getaddrinfo", retval=-2, when="1")
    fault("getaddrinfo", error="EMFILE", when="2")
    learner.runs("ask", HOST, "store", REQUEST)
    learner.raises("gaierror")

    learner.runs("ask", HOST, "store", REQUEST)
    learner.raises("EMFILE", named=True)


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, peer, resolves, fault):
    """goes on after signals have interrupted its calls, and tries the next address after a refusal that comes then"""
    fault("connect", error="EINTR", when="unconnected")
    fault("connect", error="EISCONN", when="connected")
    fault("send", error="EINTR", when="blocking 1")
    fault("recv", error="EINTR", when="2")
    fault("wait", error="EINTR", when="1..2")
    port = peer.listens()
    resolves(HOST, "127.0.0.2", "127.0.0.1")
    peer.holds("127.0.0.2", port)

    learner.runs("ask", HOST, port, REQUEST)
    peer.accepts()
    peer.receives(REQUEST)
    peer.sees_end_of_file()
    peer.sends_in_pieces([REPLY[:20], REPLY[20:]])
    peer.closes()
    learner.returns(REPLY)

    learner.runs("ask", "127.0.0.2", port, REQUEST)
    learner.raises("ECONNREFUSED")


@only("c", because="Python's bytes grow with the reply")
@reveals("small-buffer", "socket-leak")
def check_reports_a_reply_that_does_not_fit(learner, peer, other_peer):
    """fills the buffer to its last byte, and reports a reply that is larger, though the request be under way"""
    port = peer.listens()
    learner.runs("ask", "127.0.0.1", port, REQUEST, room=len(REPLY))
    peer.accepts()
    peer.receives(REQUEST)
    peer.sees_end_of_file()
    peer.sends(REPLY)
    peer.closes()
    learner.returns(REPLY)

    port = other_peer.listens(buffers=65536)
    learner.runs("ask", "127.0.0.1", port, REQUEST, room=len(REPLY) - 1)
    other_peer.accepts()
    other_peer.receives(REQUEST)
    other_peer.sees_end_of_file()
    other_peer.sends(REPLY)
    other_peer.closes()
    learner.raises("EMSGSIZE")

    learner.runs("ask", "127.0.0.1", port, REQUEST, room=len(REPLY) - 2)
    other_peer.accepts()
    other_peer.receives(REQUEST)
    other_peer.sees_end_of_file()
    other_peer.sends_in_pieces([REPLY[:20], REPLY[20:]])
    other_peer.closes()
    learner.raises("EMSGSIZE")

    learner.runs("ask", "127.0.0.1", port, BULK, room=len(LONG))
    other_peer.accepts()
    other_peer.answers_until_the_end()
    learner.raises("EMSGSIZE")

    learner.runs("ask", "127.0.0.1", port, Null(0), room=Null(0))
    other_peer.accepts()
    other_peer.sees_end_of_file()
    other_peer.closes()
    learner.returns(b"")

    learner.runs("ask", "127.0.0.1", port, REQUEST, room=Null(1))
    learner.raises("EINVAL")

    learner.runs("ask", "127.0.0.1", port, Null(1))
    learner.raises("EINVAL")


@torture
def check_survives_every_failing_call(learner, peer):
    """reports or survives every call that fails"""
    port = peer.listens()

    learner.runs("ask", "127.0.0.1", port, REQUEST)

    peer.accepts()
    peer.receives(REQUEST)
    peer.sees_end_of_file()
    peer.sends_in_pieces([REPLY[:9], REPLY[9:]])
    peer.closes()
    learner.returns(REPLY)
