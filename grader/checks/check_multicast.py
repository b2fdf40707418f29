"""20 multicast: announce to a group, hear a group."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

CUE = b"lights 41\n"
BYTES = bytes(range(256)) + b"\0"
HERE = "127.0.0.1"
# Every 8 bytes tell where they stand, as many as fit a datagram.
LONGEST = b"".join(b"%07d " % offset for offset in range(0, 65512, 8))[:65507]


@reveals("any-interface", "wide-ttl")
def check_announces_to_the_group(learner, peer, group, udp_port):
    """sends one datagram to the group, through the interface, for this network alone"""
    peer.joins(group, udp_port)

    learner.runs("announce", group, udp_port, HERE, CUE)
    learner.returns(None)
    peer.receives(CUE)
    peer.sees_hops(1, more="wide-ttl")
    peer.receives_nothing()

    learner.runs("announce", group, udp_port, HERE, b"")
    learner.returns(None)
    peer.receives(b"")

    learner.runs("announce", group, udp_port, HERE, LONGEST)
    learner.returns(None)
    peer.receives(LONGEST)
    peer.sees_hops(1, more="wide-ttl")


@reveals("no-join", "any-interface")
def check_hears_its_group(learner, peer, group, udp_port, clock):
    """joins the group at the interface, and waits for the first datagram without a limit"""
    learner.runs("hear", group, udp_port, HERE)

    clock.passes(60)
    learner.rests()
    peer.announces(group, udp_port, CUE)
    learner.returns(CUE)


@reveals("wrong-group")
def check_hears_nothing_else(learner, peer, other_peer, group, other_group, udp_port):
    """hears neither another group that the machine has joined, nor what is sent to the machine itself"""
    other_peer.joins(other_group, udp_port)

    learner.runs("hear", group, udp_port, HERE)

    learner.rests()
    peer.announces(other_group, udp_port, b"trapdoor\n")
    other_peer.receives(b"trapdoor\n")
    peer.connects(udp_port)
    peer.sends(b"for one\n")
    peer.announces(group, udp_port, CUE)
    learner.returns(CUE, mistakes={b"trapdoor\n": "wrong-group", b"for one\n": "wrong-group"})


@reveals("cut-datagram")
def check_hears_a_datagram_whole(learner, peer, group, udp_port):
    """returns the longest datagram, an empty one, and whatever bytes there are"""
    learner.runs("hear", group, udp_port, HERE)
    learner.rests()
    peer.announces(group, udp_port, LONGEST)
    learner.returns(LONGEST)

    learner.runs("hear", group, udp_port, HERE)
    learner.rests()
    peer.announces(group, udp_port, b"")
    peer.announces(group, udp_port, CUE)
    learner.returns(b"")

    learner.runs("hear", group, udp_port, HERE)
    learner.rests()
    peer.announces(group, udp_port, BYTES)
    learner.returns(BYTES)


@only("c", because="Python's hear() returns as many bytes as have come")
@reveals("cut-datagram")
def check_reports_what_does_not_fit(learner, peer, group, udp_port):
    """reports a datagram that is larger than the caller's buffer, or NULL; one of the same size fits"""
    learner.runs("hear", group, udp_port, HERE, room=len(CUE) - 1)
    learner.rests()
    peer.announces(group, udp_port, CUE)
    learner.raises("EMSGSIZE", instead="cut-datagram")

    learner.runs("hear", group, udp_port, HERE, room=len(CUE))
    learner.rests()
    peer.announces(group, udp_port, CUE)
    learner.returns(CUE)

    learner.runs("hear", group, udp_port, HERE, room=Null(0))
    learner.rests()
    peer.announces(group, udp_port, b"")
    learner.returns(b"")

    learner.runs("hear", group, udp_port, HERE, room=Null(9))
    learner.raises("EINVAL")
    learner.runs("announce", group, udp_port, HERE, Null(9))
    learner.raises("EINVAL")


@reveals("no-reuse-address")
def check_shares_the_port_with_other_listeners(learner, peer, other_peer, group, udp_port):
    """hears a group that another program on this machine hears, too"""
    other_peer.joins(group, udp_port)

    learner.runs("hear", group, udp_port, HERE)

    learner.rests()
    peer.announces(group, udp_port, CUE)
    learner.returns(CUE)
    other_peer.receives(CUE)


@reveals("not-a-group")
def check_refuses_what_is_no_group(learner, udp_port):
    """refuses groups that are none, and interfaces that are no IPv4 address"""
    learner.runs("announce", HERE, udp_port, HERE, CUE)
    learner.refuses(gap="not-a-group")
    learner.runs("announce", "223.255.255.255", udp_port, HERE, CUE)
    learner.refuses(gap="not-a-group")
    learner.runs("announce", "240.0.0.1", udp_port, HERE, CUE)
    learner.refuses(gap="not-a-group")
    learner.runs("hear", "127.0.0.239", udp_port, HERE)
    learner.refuses(gap="not-a-group")
    learner.runs("announce", "239.1", udp_port, HERE, CUE)
    learner.raises("ValueError")
    learner.runs("hear", "localhost", udp_port, HERE)
    learner.raises("ValueError")
    learner.runs("announce", "ff02::1", udp_port, HERE, CUE)
    learner.raises("ValueError")
    learner.runs("hear", "", udp_port, HERE)
    learner.raises("ValueError")
    learner.runs("announce", "239.255.255.255", udp_port, "127.1", CUE)
    learner.raises("ValueError")
    learner.runs("hear", "239.255.255.255", udp_port, "localhost")
    learner.raises("ValueError")
    learner.runs("hear", "239.255.255.255", udp_port, "::1")
    learner.raises("ValueError")
    learner.runs("announce", "239.255.255.255", udp_port, HERE, CUE)
    learner.returns(None)
    learner.runs("announce", "224.0.0.1", udp_port, HERE, CUE)
    learner.returns(None)


@reveals("any-interface")
def check_reports_why_it_cannot(learner, group, udp_port, fault, caller):
    """reports an interface of another machine, a message too long, and a service that is unknown"""
    caller.has_settings_of_its_own()
    learner.runs("announce", group, udp_port, "192.0.2.1", CUE)
    learner.raises(instead="any-interface")
    learner.runs("hear", group, udp_port, "192.0.2.1")
    learner.raises(instead="any-interface")
    learner.runs("announce", group, udp_port, HERE, LONGEST + b"!")
    learner.raises("EMSGSIZE", named=True)

    fault("getaddrinfo", retval=-8, when="1")
    learner.runs("announce", group, "no-such-service", HERE, CUE)
    learner.raises("gaierror")

    fault("getaddrinfo", retval=-8, when="1")
    learner.runs("hear", group, "no-such-service", HERE)
    learner.raises("gaierror")


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("no-join")
def check_goes_on_after_an_interruption(learner, peer, other_peer, group, udp_port, fault):
    """goes on after signals have interrupted recv() and sendto()"""
    fault("recv", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1..2")

    learner.runs("hear", group, udp_port, HERE)
    learner.rests()
    peer.announces(group, udp_port, CUE)
    learner.returns(CUE)

    other_peer.joins(group, udp_port)
    learner.runs("announce", group, udp_port, HERE, CUE)
    learner.returns(None)
    other_peer.receives(CUE)


@torture
def check_survives_every_failing_call(learner, peer, other_peer, group, udp_port):
    """reports or survives every call that fails"""
    other_peer.joins(group, udp_port)

    learner.runs("announce", group, udp_port, HERE, CUE)
    learner.returns(None)
    other_peer.receives(CUE)

    learner.runs("hear", group, udp_port, HERE)
    learner.rests()
    peer.announces(group, udp_port, CUE)
    learner.returns(CUE)
