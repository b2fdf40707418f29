"""17 udp_echo: a datagram in, the same back, in capitals; for ever."""

from grader.verbs.script import only, reveals, torture

REPORT = b"wind south-west, four to five\n"
BYTES = bytes(range(256))
SPACES = b" \t az{AZ[@` \r\n\0"
# Every 8 bytes tell where they stand: "000000a 000008a ...", as many as fit a datagram.
LONGEST = b"".join(b"%06da " % offset for offset in range(0, 65512, 8))[:65507]

LOSE_ONE = ("EPERM", "ENOBUFS", "EINVAL", "ENETUNREACH", "EMSGSIZE")
RECEIVE_AGAIN = ("ECONNREFUSED", "ENOMEM", "EHOSTUNREACH")


@reveals("stale-addrlen")
def check_answers_in_capitals(learner, peer, udp_port, clock):
    """sends every datagram back to its sender, the letters in capitals, the first one too"""
    learner.serves("serve", udp_port)

    clock.passes(60)
    peer.connects(udp_port)
    peer.sends(REPORT)
    peer.receives(REPORT.upper())
    peer.sends(BYTES)
    peer.receives(BYTES.upper())
    clock.passes(60)
    peer.sends(SPACES)
    peer.receives(SPACES.upper())
    peer.sends(SPACES)
    peer.receives(SPACES.upper())
    peer.sends(b"\0")
    peer.receives(b"\0")
    peer.receives_nothing()
    learner.has_reaped_its_children()


@reveals("not-passive", "fixed-peer")
def check_answers_each_sender(learner, clients, udp_port):
    """answers whoever has sent, at every address, also those who send at the same time"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")

    learner.serves("serve", udp_port)

    ann.connects(udp_port)
    bob.connects(udp_port, "127.0.0.2")
    carol.connects(udp_port)
    dave.connects(udp_port)
    ann.sends(b"ann")
    ann.receives(b"ANN")
    bob.sends(b"bob")
    bob.receives(b"BOB")
    learner.rests()
    learner.is_stopped()
    carol.sends(b"carol, first")  # one datagram of each: threads may answer in any order
    ann.sends(REPORT)
    bob.sends(b"b")
    dave.sends(b"dave, last")
    learner.goes_on()
    dave.receives(b"DAVE, LAST")
    carol.receives(b"CAROL, FIRST")
    bob.receives(b"B")
    ann.receives(REPORT.upper())
    ann.receives_nothing()
    bob.receives_nothing()
    carol.receives_nothing()
    dave.receives_nothing()


@reveals("empty-is-eof")
def check_answers_empty_datagrams(learner, clients, udp_port):
    """answers a datagram of 0 bytes with one of 0 bytes, and goes on"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")

    learner.serves("serve", udp_port)

    ann.connects(udp_port)
    bob.connects(udp_port)
    carol.connects(udp_port)
    dave.connects(udp_port)
    ann.sends(b"")
    ann.receives(b"")
    learner.rests()
    learner.is_stopped()
    bob.sends(b"")
    ann.sends(REPORT)
    carol.sends(b"")
    dave.sends(b"d")
    learner.goes_on()
    ann.receives(REPORT.upper())
    bob.receives(b"")
    carol.receives(b"")
    dave.receives(b"D")


@reveals("cut-datagram")
def check_answers_the_longest_datagram(learner, peer, udp_port):
    """answers the longest datagram as a whole, and a short one after it"""
    learner.serves("serve", udp_port)

    peer.connects(udp_port)
    peer.sends(LONGEST)
    peer.receives(LONGEST.upper())
    peer.sends(REPORT)
    peer.receives(REPORT.upper())
    peer.sends(LONGEST[:-1])
    peer.receives(LONGEST[:-1].upper())


@reveals("fixed-peer")
def check_hears_others_while_it_answers(learner, clients, udp_port, fault):
    """answers what comes while it answers somebody else"""
    ann, bob = clients("ann", "bob")
    fault("send", hold=True, when="1")

    learner.serves("serve", udp_port)

    ann.connects(udp_port)
    bob.connects(udp_port)
    ann.sends(REPORT)
    learner.is_held()
    bob.sends(BYTES)
    learner.goes_on()
    ann.receives(REPORT.upper())
    bob.receives(BYTES.upper())


@reveals("dies-of-error")
def check_outlives_errors_of_sending(learner, clients, udp_port, fault):
    """loses an answer that cannot be sent, or sends it again, and answers the next datagram"""
    ann, bob = clients("ann", "bob")
    fault("send", errors=LOSE_ONE)

    learner.serves("serve", udp_port)

    ann.connects(udp_port)
    bob.connects(udp_port)
    ann.sends(b"1")
    ann.sends(b"2")
    ann.sends(b"3")
    ann.sends(b"4")
    ann.sends(b"5")
    learner.rests()
    bob.sends(REPORT)
    bob.receives(REPORT.upper())


@reveals("dies-of-error")
def check_outlives_errors_of_receiving(learner, clients, udp_port, fault):
    """receives again after errors that pass, and gives up or goes on after those that do not"""
    ann, bob = clients("ann", "bob")
    fault("recv", errors=RECEIVE_AGAIN, when="ready")

    learner.serves("serve", udp_port)

    ann.connects(udp_port)
    bob.connects(udp_port)
    learner.is_stopped()
    ann.sends(REPORT)
    bob.sends(b"bob")
    learner.goes_on()
    ann.receives(REPORT.upper())
    bob.receives(b"BOB")
    learner.gives_up_or_answers("EBADF", bob, udp_port, BYTES, BYTES.upper())


@reveals("dies-of-error")
def check_keeps_nobody_waiting(learner, clients, udp_port, fault, clock):
    """does not sleep while a datagram waits, or for a moment when a call has failed"""
    ann, bob = clients("ann", "bob")
    fault("recv", error="ECONNREFUSED", when="ready 1")

    learner.serves("serve", udp_port)

    clock.limits_waiting(0.1)
    ann.connects(udp_port)
    bob.connects(udp_port)
    ann.sends(REPORT)
    ann.receives(REPORT.upper())
    fault("send", error="EPERM", when="1")
    ann.sends(b"lost")
    bob.sends(REPORT)
    bob.receives(REPORT.upper())
    bob.sends(BYTES)
    bob.receives(BYTES.upper())


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, peer, udp_port, fault):
    """goes on after signals have interrupted recvfrom() and sendto()"""
    fault("recv", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1..2")

    learner.serves("serve", udp_port)

    peer.connects(udp_port)
    peer.sends(REPORT)
    peer.receives(REPORT.upper())


@reveals("shared-port")
def check_shares_its_port_with_nobody(learner, peer, udp_port):
    """keeps a second server off its port"""
    learner.serves("serve", udp_port)

    peer.finds_port_taken(udp_port, shared="shared-port")


@reveals("shared-port", "leaked-candidate")
def check_reports_why_it_cannot_serve(learner, peer, udp_port, fault, caller):
    """reports a port that is taken and a service that is unknown"""
    caller.has_settings_of_its_own()
    peer.shares(udp_port)
    learner.runs("serve", udp_port)
    learner.raises("EADDRINUSE", named=True, instead="shared-port")

    fault("getaddrinfo", retval=-8, when="1")
    fault("getaddrinfo", error="EMFILE", when="2")
    learner.runs("serve", "no-such-service")
    learner.raises("gaierror")

    learner.runs("serve", "no-such-service")
    learner.raises("EMFILE", named=True)


@torture
def check_survives_every_failing_call(learner, clients, udp_port):
    """reports or survives every call that fails"""
    learner.serves("serve", udp_port)

    clients.either_is_answered(udp_port, REPORT, REPORT.upper())
