"""19 stop_and_wait: a bit, an acknowledgement for each datagram, and losses both ways."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

HOST, HERE, THERE = "dam.test", "127.0.0.1", "127.0.0.2"
# Every line tells where it stands.
LOG = b"".join(b"%02d:%02d level %3d cm\n" % (n // 60, n % 60, 212 + n % 7) for n in range(160))
BYTES = bytes(range(256)) * 2
LINE, NEXT = b"06:00 level 212 cm", b"06:01 level 999 cm"
#: Data that cannot be cut: how a sender cuts it is its own affair.
LEVEL = b"\xd4"
ACK, END = (b"\1\0", b"\1\1"), (b"\0\0", b"\0\1")
#: The time that is given; one so short that forty of it are not long; one that is no whole
#: seconds, nor nearly as much when it is cut to them; how late the program may be.
WAIT, SHORT, UNEVEN, LATE = 1.0, 0.05, 1.999, 0.1


def page(bit: int, data: bytes) -> bytes:
    """A data datagram."""
    return bytes([0, bit]) + data


FIRST = page(0, LEVEL)
NO_ACKNOWLEDGEMENTS = (
    b"", b"\1", b"\0", END[0], END[1], FIRST, ACK[0] + b"\0", ACK[0] + bytes(512), b"\2\0", b"\1\2", b"\1\x80", b"10",
)  # fmt: skip
NO_DATA = (
    b"", b"\0", b"\1", b"\0\2", page(2, LINE), page(3, LINE), page(255, LINE), b"00" + LINE, b"\1\0" + LINE,
    b"\1\1" + LINE, b"\2\0" + LINE, b"\x80\1" + LINE, ACK[0], ACK[1],
)  # fmt: skip


@reveals("no-sequence")
def check_sends_one_after_the_other(learner, peer, resolves, caller, clock):
    """sends the data in datagrams whose bits alternate, each when the one before is acknowledged"""
    caller.has_settings_of_its_own()
    port = peer.binds()
    resolves(HOST, HERE, service=("dam", port))
    clock.limits_waiting(LATE)

    learner.runs("send_reliably", HOST, "dam", LOG, clock.limit(WAIT))
    peer.receives_pieces(LOG, heads=END, replies=ACK, most=512, repeated="no-sequence")
    learner.returns(None)

    learner.runs("send_reliably", HERE, port, BYTES, WAIT)
    peer.receives_pieces(BYTES, heads=END, replies=ACK, most=512, repeated="no-sequence")
    learner.returns(None)

    learner.runs("send_reliably", HERE, port, b"", WAIT)
    peer.answers(END[0], ACK[0])
    learner.returns(None)
    peer.receives_nothing()


@reveals("no-retransmit")
def check_repeats_what_is_lost(learner, peer, clock):
    """repeats each datagram, the end too, when the time is up, not earlier"""
    port = peer.binds()
    clock.limits_waiting(LATE)

    learner.runs("send_reliably", HERE, port, LEVEL, clock.limit(UNEVEN))
    peer.receives(FIRST)
    peer.receives_after(UNEVEN, FIRST)
    peer.receives_after(UNEVEN, FIRST)
    clock.passes(1.8)
    peer.sends(ACK[0])
    peer.receives(END[1])
    peer.receives_after(UNEVEN, END[1])
    peer.sends(ACK[1])
    learner.returns(None)


@reveals("old-ack", "resends-on-ack")
def check_knows_the_acknowledgement(learner, peer, clock):
    """waits on, and sends nothing, where not the last datagram is acknowledged, but another"""
    port = peer.binds()

    learner.runs("send_reliably", HERE, port, LEVEL, clock.limit(WAIT))
    peer.receives(FIRST)
    peer.sends_in_vain(ACK[1], more="resends-on-ack", mistakes={END[1]: "old-ack"})
    peer.asks(ACK[0], END[1])
    peer.sends_in_vain(ACK[0], ACK[0], more="resends-on-ack")
    peer.receives_after(1.0, END[1])
    peer.sends_in_vain(ACK[0], more="resends-on-ack")
    peer.sends(ACK[1])
    learner.returns(None)


@reveals("resends-on-ack")
def check_is_not_moved_by_strays(learner, peer, clients, clock):
    """waits for the acknowledgement, as long as without it, where something else comes, or from elsewhere"""
    neighbour, stranger = clients("neighbour", "stranger")
    port = peer.binds()
    neighbour.binds()
    stranger.binds(THERE, port)

    learner.runs("send_reliably", HERE, port, LEVEL, clock.limit(WAIT))
    peer.receives(FIRST)
    clock.passes(0.4)
    peer.sends_in_vain(*NO_ACKNOWLEDGEMENTS)
    clock.passes(0.3)
    peer.sends_in_vain(END[1])
    peer.receives_after(0.3, FIRST)
    clock.passes(0.7)
    peer.sends_in_vain(ACK[1])
    neighbour.sends(ACK[0], to=peer.asker)
    stranger.sends(ACK[0], to=peer.asker)
    peer.receives_after(0.3, FIRST)
    peer.asks(ACK[0], END[1])
    stranger.sends(ACK[1], to=peer.asker)
    clock.passes(0.5)
    peer.sends(ACK[1])
    learner.returns(None)


@reveals("refused-is-fatal")
def check_waits_for_a_receiver_that_starts_later(learner, peer, clock):
    """takes a refusal for a loss, waits for the rest of the time, and gives up as late as without it"""
    port = peer.refuses()

    learner.runs("send_reliably", HERE, port, LEVEL, clock.limit(WAIT))
    clock.passes(0.5)
    peer.binds(HERE, port)
    peer.receives_after(0.5, FIRST)
    peer.asks(ACK[0], END[1])
    peer.refuses(HERE, port)
    clock.passes(1.1)
    peer.binds(HERE, port)
    peer.receives_after(0.95, END[1])
    peer.sends(ACK[1])
    learner.returns(None)

    peer.refuses(HERE, port)
    learner.runs("send_reliably", HERE, port, LEVEL, clock.limit(SHORT))
    clock.passes(1.95)
    clock.runs_out(0.5)
    learner.raises("ETIMEDOUT")


@reveals("no-retransmit")
def check_gives_up_after_forty_times(learner, peer, other_peer, resolves, clock):
    """sends a datagram 40 times at most, waits as long after the last, and then tries nobody else"""
    port = peer.binds()
    other_peer.binds(THERE, port)
    resolves(HOST, HERE, THERE)

    learner.runs("send_reliably", HOST, port, LEVEL, clock.limit(SHORT))
    clock.passes(1.95)
    peer.receives_copies(40, FIRST, once="no-retransmit")
    peer.asks(ACK[0], END[1])
    clock.passes(1.95)
    peer.receives_copies(39, END[1])
    clock.runs_out(0.2)
    learner.raises("ETIMEDOUT")
    peer.receives_nothing()
    other_peer.receives_nothing()


@reveals("no-retransmit")
def check_tries_the_next_address(learner, peer, other_peer, resolves, fault, clock):
    """goes on to the next address after an error, or forty times of silence; reports any once it was heard"""
    fault("send", errors=("EPERM", "", "", "EPERM", "EPERM", "ENETUNREACH", "", "EPERM"))
    port = peer.binds()
    other_peer.binds(THERE, port)
    resolves(HOST, THERE, HERE)

    learner.runs("send_reliably", HOST, port, LEVEL, clock.limit(WAIT))
    peer.answers(FIRST, ACK[0])
    peer.answers(END[1], ACK[1])
    learner.returns(None)

    learner.fails_with("EPERM", "send_reliably", HERE, port, LEVEL, WAIT)
    learner.fails_with("ENETUNREACH", "send_reliably", HOST, port, LEVEL, WAIT)

    learner.runs("send_reliably", HOST, port, LEVEL, WAIT)
    other_peer.answers(FIRST, ACK[0])
    learner.raises("EPERM")
    peer.receives_nothing()

    learner.runs("send_reliably", HOST, port, LEVEL, clock.limit(SHORT))
    clock.passes(1.95)
    other_peer.receives_copies(40, FIRST, once="no-retransmit")
    peer.receives(FIRST)
    peer.asks(ACK[0], END[1])
    peer.sends(ACK[1])
    learner.returns(None)
    other_peer.receives_nothing()


@reveals("accepts-duplicate", "silent-duplicate")
def check_delivers_once(learner, peer, udp_port, caller, clock):
    """acknowledges each datagram, a repeat too, and delivers it once; the same data may come anew"""
    caller.has_settings_of_its_own()

    learner.runs("recv_reliably", udp_port, clock.limit(WAIT))
    peer.connects(udp_port)
    peer.asks(page(0, LINE), ACK[0])
    peer.asks(page(0, LINE), ACK[0])
    peer.asks(page(1, LINE), ACK[1])
    peer.asks(page(1, LINE), ACK[1])
    peer.asks(page(0, LINE), ACK[0])
    peer.asks(page(1, BYTES), ACK[1])
    peer.asks(END[0], ACK[0])
    peer.receives_nothing()
    clock.is_up_after(1.0)
    learner.returns(LINE * 3 + BYTES, mistakes={LINE * 5 + BYTES: "accepts-duplicate"})


@reveals("last-ack-lost")
def check_stays_for_repeats_of_the_end(learner, clients, udp_port, clock):
    """acknowledges the end as often as it comes, and nothing else then, and returns when it has not come for so long"""
    ann, bob, gauge, neighbour = clients("ann", "bob", "gauge", "neighbour")

    learner.runs("recv_reliably", udp_port, clock.limit(WAIT))
    ann.connects(udp_port)
    clock.limits_waiting(LATE)
    ann.asks(page(0, LINE), ACK[0])
    ann.asks(END[1], ACK[1])
    clock.passes(0.9)
    ann.asks(END[1], ACK[1])
    ann.asks(END[1], ACK[1])
    clock.passes(0.9)
    ann.asks(END[1], ACK[1])
    clock.is_up_after(1.0)
    learner.returns(LINE)

    learner.runs("recv_reliably", udp_port, WAIT)
    bob.connects(udp_port)
    bob.sends_in_vain(END[1])
    bob.asks(END[0], ACK[0])
    bob.sends_in_vain(END[1], page(1, LINE))
    bob.asks(END[0], ACK[0])
    clock.is_up_after(1.0)
    learner.returns(b"")

    learner.runs("recv_reliably", udp_port, WAIT)
    gauge.connects(udp_port)
    neighbour.connects(udp_port)
    gauge.asks(page(0, LINE), ACK[0])
    gauge.asks(END[1], ACK[1])
    clock.passes(0.4)
    gauge.sends_in_vain(page(0, LINE), page(1, LINE), END[0], *NO_DATA)
    neighbour.sends_in_vain(END[1], page(0, LINE))
    clock.passes(0.3)
    gauge.sends_in_vain(page(1, b"!"))
    neighbour.sends_in_vain(END[1])
    clock.is_up_after(0.3)
    learner.returns(LINE)


@reveals("accepts-duplicate")
def check_waits_without_a_limit(learner, peer, udp_port, clock):
    """waits for the first datagram, and for each other, as long as it takes, and shares its port with nobody"""
    learner.runs("recv_reliably", udp_port, clock.limit(SHORT))
    peer.finds_port_taken(udp_port)
    peer.connects(udp_port)
    clock.passes(3)
    peer.asks(page(0, LINE), ACK[0])
    clock.passes(3)
    peer.asks(page(1, NEXT), ACK[1])
    peer.asks(page(1, NEXT), ACK[1])
    peer.asks(END[0], ACK[0])
    clock.runs_out(0.15)
    learner.returns(LINE + NEXT, mistakes={LINE + NEXT + NEXT: "accepts-duplicate"})


@reveals("accepts-duplicate")
def check_hears_the_first_sender(learner, clients, udp_port, clock):
    """hears whoever sends the first valid datagram with the bit 0, at any address, and nobody else"""
    gauge, neighbour, stranger = clients("gauge", "neighbour", "stranger")

    learner.runs("recv_reliably", udp_port, clock.limit(WAIT))
    gauge.connects(udp_port, THERE)
    neighbour.connects(udp_port)
    stranger.connects(udp_port)
    neighbour.sends_in_vain(page(1, NEXT), END[1], *NO_DATA, page(0, BYTES + b"!"), page(0, LOG))
    gauge.asks(page(0, BYTES), ACK[0])
    gauge.asks(page(0, BYTES), ACK[0])
    gauge.sends_in_vain(*NO_DATA, page(1, BYTES + b"!"), page(0, BYTES + b"!"), page(1, LOG))
    stranger.sends_in_vain(page(1, NEXT), page(0, NEXT))
    neighbour.sends_in_vain(END[1], page(1, NEXT))
    gauge.asks(page(1, LINE), ACK[1])
    neighbour.sends_in_vain(END[0])
    gauge.asks(END[0], ACK[0])
    clock.runs_out(1.2)
    learner.returns(BYTES + LINE, mistakes={BYTES + BYTES + LINE: "accepts-duplicate"})


@reveals("accepts-duplicate")
def check_finds_others_in_the_queue(learner, clients, udp_port, clock):
    """tells the first sender from others whose datagrams come at the same moment"""
    gauge, neighbour = clients("gauge", "neighbour")

    learner.runs("recv_reliably", udp_port, clock.limit(WAIT))
    gauge.connects(udp_port)
    neighbour.connects(udp_port)
    learner.is_stopped()
    neighbour.sends(page(1, NEXT))
    gauge.sends(page(0, LINE))
    neighbour.sends(page(1, NEXT))
    neighbour.sends(page(0, NEXT))
    gauge.sends(page(0, LINE))
    neighbour.sends(END[1])
    gauge.sends(END[1])
    learner.goes_on()
    gauge.receives(ACK[0])
    gauge.receives(ACK[0])
    gauge.receives(ACK[1])
    neighbour.receives_nothing()
    clock.runs_out(1.2)
    learner.returns(LINE, mistakes={LINE + LINE: "accepts-duplicate"})


@only("c", because="Python waits for the rest of the time by itself after EINTR (PEP 475)")
@reveals("no-retransmit")
def check_goes_on_after_an_interruption(learner, peer, other_peer, udp_port, clock, fault):
    """goes on after signals have interrupted it, and waits neither longer nor shorter"""
    fault("send", error="EINTR", when="blocking 1")
    port = peer.binds()
    clock.limits_waiting(LATE)

    learner.runs("send_reliably", HERE, port, LEVEL, clock.limit(WAIT))
    peer.receives(FIRST)
    clock.passes(0.7)
    learner.is_interrupted()
    peer.receives_after(0.3, FIRST)
    learner.is_interrupted()
    peer.asks(ACK[0], END[1])
    peer.sends(ACK[1])
    learner.returns(None)

    fault("recv", error="EINTR", when="blocking 1")
    fault("send", error="EINTR", when="blocking 1..2")
    learner.runs("recv_reliably", udp_port, WAIT)
    other_peer.connects(udp_port)
    other_peer.delivers(page(0, LINE), ACK[0])
    other_peer.delivers(END[1], ACK[1])
    clock.passes(0.7)
    learner.is_interrupted()
    clock.is_up_after(0.3)
    learner.returns(LINE)


@only("c", because="Python's bytes grow with what comes, and it has no NULL")
@reveals("silent-duplicate")
def check_keeps_to_the_buffers(learner, peer, clients, udp_port, clock):
    """fills the buffer to its last byte; and reports the datagram that does not fit, unacknowledged"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    port = peer.binds()

    learner.runs("recv_reliably", udp_port, clock.limit(WAIT), room=len(LINE) * 2)
    ann.connects(udp_port)
    ann.asks(page(0, LINE), ACK[0])
    ann.asks(page(1, LINE), ACK[1])
    ann.asks(page(1, LINE), ACK[1])
    ann.asks(END[0], ACK[0])
    clock.runs_out(1.2)
    learner.returns(LINE + LINE)

    learner.runs("recv_reliably", udp_port, WAIT, room=len(LINE) * 2 - 1)
    bob.connects(udp_port)
    bob.asks(page(0, LINE), ACK[0])
    bob.sends(page(1, LINE))
    learner.raises("EMSGSIZE")
    bob.receives_nothing()

    learner.runs("recv_reliably", udp_port, WAIT, room=Null(0))
    carol.connects(udp_port)
    carol.asks(END[0], ACK[0])
    clock.runs_out(1.2)
    learner.returns(b"")

    learner.runs("recv_reliably", udp_port, WAIT, room=0)
    dave.connects(udp_port)
    dave.sends(FIRST)
    learner.raises("EMSGSIZE")
    dave.receives_nothing()

    learner.fails_with("EINVAL", "send_reliably", HERE, port, Null(1), WAIT)
    learner.fails_with("EINVAL", "recv_reliably", udp_port, WAIT, room=Null(1))
    peer.receives_nothing()

    learner.runs("send_reliably", HERE, port, Null(0), WAIT)
    peer.answers(END[0], ACK[0])
    learner.returns(None)


@reveals("refused-is-fatal")
def check_reports_a_failure(learner, peer, other_peer, udp_port, fault, clock):
    """reports what is wrong: its own arguments, a name, a port that is taken, a call; a refusal is not"""
    port = peer.binds()
    other_peer.shares(udp_port)

    learner.runs("send_reliably", HERE, port, LINE, -1.0)
    learner.refuses(gap="")

    learner.runs("recv_reliably", udp_port, -1.0)
    learner.refuses(gap="")

    learner.fails_with("EADDRINUSE", "recv_reliably", udp_port, WAIT)
    fault("getaddrinfo", retval=-2, when="1..2")
    learner.fails_with("gaierror", "send_reliably", HERE, port, LINE, WAIT)
    learner.fails_with("gaierror", "recv_reliably", udp_port, WAIT)
    for call in ("getaddrinfo", "socket"):
        fault(call, error="EMFILE", when="1..2")
        learner.fails_with("EMFILE", "send_reliably", HERE, port, LINE, WAIT)
        learner.fails_with("EMFILE", "recv_reliably", udp_port, WAIT)
    peer.receives_nothing()

    late = peer.refuses()
    learner.runs("send_reliably", HERE, late, b"", clock.limit(WAIT))
    clock.passes(0.5)
    peer.binds(HERE, late)
    peer.receives_after(0.5, END[0])
    peer.sends(ACK[0])
    learner.returns(None)

    fault("recv", error="EPERM", when="ready 1")
    learner.runs("send_reliably", HERE, late, LEVEL, WAIT)
    peer.receives(FIRST)
    peer.sends(ACK[1])
    learner.raises("EPERM")


@torture
def check_survives_every_failing_call(learner, peer, other_peer, udp_port, clock):
    """reports or survives every call that fails"""
    port = peer.binds()
    learner.runs("send_reliably", HERE, port, LEVEL, clock.limit(SHORT))
    peer.receives(FIRST)
    peer.asks(ACK[0], END[1])
    peer.sends(ACK[1])
    learner.returns(None)

    learner.runs("recv_reliably", udp_port, SHORT)
    other_peer.connects(udp_port)
    other_peer.delivers(page(0, LINE), ACK[0])
    other_peer.delivers(END[1], ACK[1])
    learner.returns(LINE)
