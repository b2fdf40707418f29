"""03 tcp_client: every address, the whole reply, no descriptor left."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

REPLY = b"220-greeter.test: welcome, caller.\r\n220 You are the thirteenth today.\r\n"
HOST = "greeter.test"
# More than any buffer a program might think large enough, and every byte there is.
LONG = bytes(range(256)) * 300


@reveals("one-recv", "wrong-close", "addrinfo-leak")
def check_reads_until_the_server_closes(learner, peer, clock):
    """reads the whole reply, in however many pieces it comes, and however late"""
    port = peer.listens()

    learner.runs("fetch", "127.0.0.1", port)

    peer.accepts()
    clock.passes(60)
    peer.sends_in_pieces([REPLY[:4], REPLY[4:36]])
    clock.passes(60)
    peer.sends_in_pieces([REPLY[36:]])
    peer.closes()
    learner.returns(REPLY)
    learner.has_not_called("send")


@reveals("one-recv")
def check_reads_a_long_reply(learner, peer, caller):
    """reads a long reply of any bytes, and then another"""
    caller.has_settings_of_its_own()
    port = peer.listens()

    learner.runs("fetch", "127.0.0.1", port)
    peer.accepts()
    peer.sends_in_pieces([LONG[:25000], LONG[25000:50000], LONG[50000:]])
    peer.closes()
    learner.returns(LONG)

    learner.runs("fetch", "127.0.0.1", port)
    peer.accepts()
    peer.closes()
    learner.returns(b"")


@reveals("first-address-only", "fd-leak")
def check_tries_every_address(learner, peer, other_peer, resolves, fault):
    """tries the addresses in order, past those that refuse or cannot be reached, until one accepts"""
    port = peer.listens("127.0.0.1")
    other_peer.listens("127.0.0.4", port)
    resolves(HOST, "127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.4", service=("greeting", port))
    fault("connect", error="ENETUNREACH", when="2")
    peer.holds("127.0.0.2", port)

    learner.runs("fetch", HOST, "greeting")

    peer.accepts()
    peer.sends(REPLY)
    peer.closes()
    learner.returns(REPLY)
    learner.has_tried("127.0.0.2", "127.0.0.3", "127.0.0.1")


@reveals("first-address-only", "fd-leak")
def check_speaks_both_families(learner, peer, resolves, fault, caller):
    """goes from an address there is no socket for, and an IPv4 address that refuses, to IPv6"""
    caller.has_settings_of_its_own()
    resolves(HOST, "::2", "127.0.0.2", "::1")
    fault("socket", error="EAFNOSUPPORT", when="1")
    port = peer.listens("::1")
    peer.holds("127.0.0.2", port)

    learner.runs("fetch", HOST, port)

    peer.accepts()
    peer.sends(REPLY)
    peer.closes()
    learner.returns(REPLY)
    learner.has_tried("127.0.0.2", "::1")


@reveals("fd-leak", "wrong-close")
def check_reports_why_it_cannot_connect(learner, peer, other_peer, resolves, fault):
    """reports the error of the last address, and a name that does not resolve"""
    resolves(HOST, "127.0.0.2", "127.0.0.1")
    port = peer.holds("127.0.0.2")
    other_peer.holds("127.0.0.1", port)

    learner.runs("fetch", HOST, port)
    learner.raises("ECONNREFUSED")

    fault("connect", error="ETIMEDOUT", when="2")
    learner.runs("fetch", HOST, port)
    learner.raises("ETIMEDOUT")

    fault("socket", error="EACCES", when="2")
    learner.runs("fetch", HOST, port)
    learner.raises("EACCES")

    fault("getaddrinfo", retval=-2, when="1")
    fault("getaddrinfo", error="EMFILE", when="2")
    learner.runs("fetch", HOST, port)
    learner.raises("gaierror")

    learner.runs("fetch", HOST, port)
    learner.raises("EMFILE", named=True)


@reveals("missed-error")
def check_reports_a_reset(learner, peer):
    """reports a connection that breaks, before and after a part of the reply"""
    port = peer.listens()

    learner.runs("fetch", "127.0.0.1", port)
    peer.accepts()
    peer.sees_all_taken()
    peer.resets()
    learner.raises("ECONNRESET", instead="missed-error")

    learner.runs("fetch", "127.0.0.1", port)

    peer.accepts()
    peer.sends_in_pieces([REPLY[:20]])
    peer.sees_all_taken()
    peer.resets()
    learner.raises("ECONNRESET", instead="missed-error")


@only("c", because="Python's bytes grow with the reply")
@reveals("small-buffer")
def check_reports_a_reply_that_does_not_fit(learner, peer, other_peer):
    """fills the buffer to its last byte, and reports a reply that is larger, or breaks there"""
    port = peer.listens()
    learner.runs("fetch", "127.0.0.1", port, room=len(REPLY))
    peer.accepts()
    peer.sends(REPLY)
    peer.closes()
    learner.returns(REPLY)

    learner.runs("fetch", "127.0.0.1", port, room=len(REPLY))
    peer.accepts()
    peer.sends_in_pieces([REPLY])
    peer.sees_all_taken()
    peer.resets()
    learner.raises("ECONNRESET")

    port = other_peer.listens()
    learner.runs("fetch", "127.0.0.1", port, room=len(REPLY) - 1)
    other_peer.accepts()
    other_peer.sends_in_pieces([REPLY[:20], REPLY[20:]])
    other_peer.closes()
    learner.raises("EMSGSIZE")

    learner.runs("fetch", "127.0.0.1", port, room=0)
    other_peer.accepts()
    other_peer.sends(REPLY)
    other_peer.closes()
    learner.raises("EMSGSIZE")

    learner.runs("fetch", "127.0.0.1", port, room=Null(0))
    other_peer.accepts()
    other_peer.closes()
    learner.returns(b"")

    learner.runs("fetch", "127.0.0.1", port, room=Null(1))
    learner.raises("EINVAL")


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, peer, fault):
    """goes on after a signal has interrupted connect(), and each recv() before it succeeds"""
    fault("connect", error="EINTR", when="1")
    fault("connect", error="EISCONN", when="2")
    fault("recv", error="EINTR", when="1+2")
    port = peer.listens()

    learner.runs("fetch", "127.0.0.1", port, room=len(REPLY))

    peer.accepts()
    peer.sends_in_pieces([REPLY[:20], REPLY[20:]])
    peer.closes()
    learner.returns(REPLY)


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("first-address-only")
def check_goes_on_after_an_interrupted_refusal(learner, peer, other_peer, resolves, fault):
    """tries the next address when one refuses after a signal has interrupted connect(), or reports it"""
    port = peer.listens("127.0.0.1")
    resolves(HOST, "127.0.0.2", "127.0.0.1")
    fault("connect", error="EINTR", when="1")
    peer.holds("127.0.0.2", port)

    learner.runs("fetch", HOST, port)

    peer.accepts()
    peer.sends(REPLY)
    peer.closes()
    learner.returns(REPLY)

    port = other_peer.holds("127.0.0.3")
    fault("connect", error="EINTR", when="1")
    learner.runs("fetch", "127.0.0.3", port)
    learner.raises("ECONNREFUSED")


@torture
def check_survives_every_failing_call(learner, peer, resolves):
    """reports or survives every call that fails"""
    port = peer.listens()
    peer.holds("127.0.0.2", port)
    resolves(HOST, "127.0.0.2", "127.0.0.1")

    learner.runs("fetch", HOST, port)

    peer.accepts()
    peer.sends(REPLY)
    peer.closes()
    learner.returns(REPLY)
