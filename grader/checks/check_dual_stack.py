"""16 dual_stack: tell each client its address, over IPv4 and IPv6."""

from grader.verbs.script import ACCEPT_AGAIN, only, reveals, torture

IPV4, IPV6 = b"127.0.0.1", b"::1"


@reveals("mapped-address", "small-sockaddr")
def check_tells_an_ipv4_client_its_address(learner, clients, port, clock):
    """tells clients that come over IPv4 their IPv4 address, one after the other, then closes"""
    ann, bob = clients("ann", "bob")

    learner.serves("serve", port)

    clock.passes(60)
    ann.connects(port)
    ann.receives(IPV4)
    ann.sees_end_of_file()
    clock.passes(60)
    bob.connects(port, "127.0.0.2")
    bob.receives(IPV4)
    bob.sees_end_of_file()
    learner.has_reaped_its_children()


@reveals("one-family", "small-sockaddr")
def check_tells_an_ipv6_client_its_address(learner, clients, port):
    """tells clients that come over IPv6 their IPv6 address, before and after others"""
    ann, bob, carol = clients("ann", "bob", "carol")

    learner.serves("serve", port)

    ann.connects(port, "::1")
    ann.receives(IPV6)
    ann.sees_end_of_file()
    learner.rests()
    bob.connects(port)
    bob.receives(IPV4)
    bob.sees_end_of_file()
    learner.rests()
    carol.connects(port, "::1")
    carol.receives(IPV6)
    carol.sees_end_of_file()


@reveals("one-family", "small-sockaddr")
def check_serves_both_families_at_once(learner, clients, port):
    """serves clients of both families that have come before it looks, or have gone"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")

    learner.serves("serve", port)

    learner.rests()
    learner.is_stopped()
    ann.connects(port)
    bob.connects(port, "::1")
    carol.connects(port, "::1")
    carol.resets()
    dave.connects(port)
    learner.goes_on()
    ann.receives(IPV4)
    ann.sees_end_of_file()
    bob.receives(IPV6)
    bob.sees_end_of_file()
    dave.receives(IPV4)
    dave.sees_end_of_file()


@reveals("text-strip")
def check_writes_addresses_as_inet_ntop_does(learner, clients, port, network):
    """writes an address as inet_ntop() does, and takes none for mapped that only looks like it"""
    ann, bob, carol, dave, erin, frank = clients("ann", "bob", "carol", "dave", "erin", "frank")
    network.sets("net.ipv6.bindv6only", 0)
    network.has("fe80::7")
    network.has("2001:db8::ffff:a")
    network.has("::ffff:0:102:304")
    network.has("::1.2.3.4")
    network.has("2001:db8:1111:2222:3333:4444:5555:6666")

    learner.serves("serve", port)

    ann.connects(port, "fe80::7%lo")
    ann.receives(b"fe80::7")
    ann.sees_end_of_file()
    bob.connects(port, "2001:db8::ffff:a")
    bob.receives(b"2001:db8::ffff:a")
    bob.sees_end_of_file()
    carol.connects(port, "::ffff:0:102:304")
    carol.receives(b"::ffff:0:102:304")
    carol.sees_end_of_file()
    dave.connects(port, "::1.2.3.4")
    dave.receives(b"::1.2.3.4")
    dave.sees_end_of_file()
    erin.connects(port, "2001:db8:1111:2222:3333:4444:5555:6666")
    erin.receives(b"2001:db8:1111:2222:3333:4444:5555:6666")
    erin.sees_end_of_file()
    frank.connects(port, "::1")
    frank.receives(IPV6)
    frank.sees_end_of_file()


@reveals("no-reuse-address")
def check_takes_a_port_over(learner, clients, other_peer, port):
    """takes over a port whose last connection is in TIME_WAIT, over either family"""
    ann, bob = clients("ann", "bob")
    other_peer.leaves_time_wait(port, "::1")

    learner.serves("serve", port)

    ann.connects(port)
    ann.receives(IPV4)
    bob.connects(port, "::1")
    bob.receives(IPV6)


@reveals("implicit-v6only")
def check_serves_both_where_ipv6_is_alone_by_default(learner, clients, port, network):
    """serves both families where IPV6_V6ONLY is 1 by default"""
    ann, bob = clients("ann", "bob")
    network.sets("net.ipv6.bindv6only", 1)

    learner.serves("serve", port)

    ann.connects(port)
    ann.receives(IPV4)
    ann.sees_end_of_file()
    bob.connects(port, "::1")
    bob.receives(IPV6)
    bob.sees_end_of_file()


@reveals("needs-ipv6")
def check_serves_ipv4_where_there_is_no_ipv6(learner, peer, port, fault):
    """serves IPv4 alone where the kernel has no IPv6"""
    fault("socket", error="EAFNOSUPPORT", when="ipv6")

    learner.serves("serve", port)

    peer.connects(port)
    peer.receives(IPV4)
    peer.sees_end_of_file()


@reveals("leaked-candidate")
def check_reports_why_it_cannot_serve(learner, peer, port, fault, caller):
    """reports a port that is taken, a service that is unknown, and a machine without IPv4"""
    caller.has_settings_of_its_own()
    peer.serves(port)
    learner.runs("serve", port)
    learner.raises("EADDRINUSE", named=True)

    fault("getaddrinfo", retval=-8, when="1")
    learner.runs("serve", "no-such-service")
    learner.raises("gaierror")

    fault("socket", error="EAFNOSUPPORT")
    learner.runs("serve", port)
    learner.raises("EAFNOSUPPORT", named=True)


@reveals("leaked-candidate")
def check_reports_a_port_that_is_taken_over_ipv6(learner, peer, port):
    """reports a port that is taken over IPv6"""
    peer.serves(port, "::")

    learner.runs("serve", port)
    learner.raises("EADDRINUSE", named=True)


@reveals("one-family")
def check_sends_every_byte_when_send_is_short(learner, clients, port, fault):
    """sends the whole address when the kernel accepts only a few bytes"""
    ann, bob = clients("ann", "bob")
    fault("send", limit=2)

    learner.serves("serve", port)

    ann.connects(port)
    ann.receives(IPV4)
    ann.sees_end_of_file()
    bob.connects(port, "::1")
    bob.receives(IPV6)
    bob.sees_end_of_file()


@reveals("dies-of-client")
def check_outlives_a_client_that_is_gone(learner, clients, port, fault):
    """serves the next client when one is gone before it was told its address"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    fault("accept", hold=True, when="ready 2")

    learner.serves("serve", port)

    learner.rests()
    ann.connects(port)
    ann.receives(IPV4)
    ann.sees_end_of_file()
    learner.rests()
    bob.connects(port)
    learner.is_held()
    bob.half_closes()
    bob.resets()
    learner.goes_on()
    learner.rests()
    fault("send", error="ETIMEDOUT", when="1")
    carol.connects(port, "::1")
    carol.receives_until_the_end()
    learner.rests()
    dave.connects(port)
    dave.receives(IPV4)
    dave.sees_end_of_file()


@reveals("dies-of-accept")
def check_outlives_what_accept_reports(learner, clients, port, fault):
    """accepts again after errors that pass, and gives up or goes on after those that do not"""
    ann, bob = clients("ann", "bob")
    fault("accept", errors=ACCEPT_AGAIN, when="ready")

    learner.serves("serve", port)

    ann.connects(port)
    ann.receives(IPV4)
    ann.sees_end_of_file()
    learner.gives_up_or_answers("EBADF", bob, port, b"", IPV4)


@reveals("dies-of-accept")
def check_keeps_nobody_waiting(learner, clients, port, fault, clock):
    """does not sleep while a client waits, or for a moment when accept() has failed"""
    ann, bob = clients("ann", "bob")
    fault("accept", error="EPROTO", when="ready 1")
    fault("accept", error="EMFILE", when="ready 3")

    learner.serves("serve", port)

    clock.limits_waiting(0.1)
    ann.connects(port)
    ann.receives(IPV4)
    ann.sees_end_of_file()
    clock.limits_waiting(1)
    bob.connects(port)
    bob.receives(IPV4)


@reveals("dies-of-accept")
def check_waits_while_descriptors_lack(learner, clients, port, fault):
    """waits, without spinning, while there are no descriptors"""
    ann, bob, carol = clients("ann", "bob", "carol")
    fault("sleep", limit=5)

    learner.serves("serve", port)

    ann.connects(port)
    ann.receives(IPV4)
    ann.sees_end_of_file()
    learner.rests()
    learner.runs_out_of_descriptors()
    bob.connects(port)
    carol.connects(port)
    learner.paces_itself()
    learner.gets_descriptors_back()
    bob.receives(IPV4)
    bob.sees_end_of_file()
    carol.receives(IPV4)
    carol.sees_end_of_file()


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, peer, port, fault):
    """goes on after signals have interrupted accept() and send()"""
    fault("accept", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1..2")

    learner.serves("serve", port)

    peer.connects(port)
    peer.receives(IPV4)
    peer.sees_end_of_file()


@torture
def check_survives_every_failing_call(learner, clients, port):
    """reports or survives every call that fails"""
    learner.serves("serve", port)

    clients.either_is_answered(port, b"", IPV4)
