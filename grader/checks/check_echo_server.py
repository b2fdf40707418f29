"""10 echo_server: accept, echo until end-of-file, close, the next one; for ever."""

from grader.verbs.script import ACCEPT_AGAIN, only, reveals, torture

HELLO = b"the quick brown fox\n"
BINARY = bytes(range(256)) * 4
# Every 8 bytes tell where they stand: "0000000 0000008 ...".
PATTERN = b"".join(b"%07d " % offset for offset in range(0, 24000, 8))


@reveals("listener-io", "missed-eof", "fd-leak", "one-client")
def check_echoes_until_end_of_file(learner, peer, port):
    """sends back what its client sends, until end-of-file, then closes"""
    learner.serves("serve", port)

    peer.connects(port)
    learner.rests()
    peer.is_echoed(HELLO)
    learner.rests()
    peer.is_echoed(BINARY)
    peer.is_echoed(PATTERN)
    peer.is_echoed(b"\n")
    peer.is_echoed(b" \t \r\n")
    peer.is_echoed(b"\0")
    peer.leaves()


@reveals("one-client", "stale-addrlen")
def check_serves_one_client_after_the_other(learner, clients, port, clock):
    """serves the next client when one is done, however long that takes, at every address"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")

    learner.serves("serve", port)

    clock.passes(60)
    ann.connects(port)
    clock.passes(60)
    bob.connects(port, "127.0.0.2")
    ann.is_echoed(HELLO)
    bob.sends(BINARY)
    ann.leaves()
    bob.receives(BINARY)
    bob.closes()
    carol.connects(port)
    learner.rests()
    carol.leaves()
    learner.rests()
    dave.connects(port)
    learner.rests()
    dave.is_echoed(PATTERN)
    learner.has_reaped_its_children()
    dave.leaves()


@reveals("missed-eof")
def check_hears_a_client_to_its_end(learner, clients, port):
    """sends everything back to clients that have said it, and half-closed, before the server looks"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")

    learner.serves("serve", port)

    ann.connects(port)
    learner.is_stopped()
    ann.sends(PATTERN)
    ann.half_closes()
    bob.connects(port)
    bob.sends(HELLO)
    bob.half_closes()
    carol.connects(port)
    carol.resets()
    dave.connects(port)
    dave.sends(BINARY)
    learner.goes_on()
    ann.receives(PATTERN)
    ann.sees_end_of_file()
    bob.receives(HELLO)
    bob.sees_end_of_file()
    dave.receives(BINARY)
    dave.leaves()


@reveals("short-send")
def check_sends_every_byte_when_send_is_short(learner, clients, port, fault):
    """sends every byte back when the kernel accepts only a few, or the client reads late"""
    ann, bob = clients("ann", "bob")
    fault("send", limit=7, when="1..30")
    fault("send", limit=1021)

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.is_echoed(PATTERN[:200])  # less than any buffer has room for
    learner.rests()
    ann.is_echoed(PATTERN)
    ann.leaves()
    bob.connects(port, room=4096)
    bob.sends_in_pieces([PATTERN] * 4)
    bob.half_closes()
    bob.receives(PATTERN * 4)
    bob.sees_end_of_file()


@reveals("missed-eof")
def check_waits_for_a_client_that_reads_late(learner, clients, port, fault):
    """sends the rest back when a client that reads late has made room, its end and another's behind it or not"""
    ann, bob = clients("ann", "bob")
    fault("listen", limit=4096)

    learner.serves("serve", port)

    ann.connects(port, room=4096)
    ann.sends(PATTERN)
    ann.waits_until_the_program_is_blocked()
    ann.receives(PATTERN)
    bob.connects(port, room=4096)
    bob.sends(PATTERN)
    bob.waits_until_the_program_is_blocked()
    bob.half_closes()
    ann.leaves()
    bob.receives(PATTERN)
    bob.sees_end_of_file()


@reveals("dies-of-client")
def check_outlives_a_client_that_resets(learner, clients, port, fault):
    """serves the next client when the connection of one fails, early or late"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    fault("recv", error="ETIMEDOUT", when="ready 2")

    learner.serves("serve", port)

    dave.connects(port)
    learner.rests()  # so that no try for bytes is under way when they come
    dave.is_echoed(HELLO)
    learner.rests()
    dave.leaves()
    ann.connects(port)
    learner.rests()
    ann.is_echoed(HELLO)
    bob.connects(port)
    bob.resets()
    ann.sees_all_taken()
    ann.resets()
    learner.rests()
    carol.connects(port)
    carol.is_echoed(HELLO)
    carol.leaves()


@reveals("dies-of-client")
def check_outlives_a_broken_pipe(learner, clients, port, fault):
    """serves the next client when one is gone before its bytes come back, or some of them"""
    ann, bob, carol = clients("ann", "bob", "carol")
    fault("recv", hold=True, when="ready 1")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    learner.is_left_by(ann, HELLO)
    learner.rests()
    bob.connects(port)
    bob.is_echoed(HELLO)
    bob.leaves()
    fault("send", limit=7, hold=True, when="1")
    carol.connects(port)
    learner.is_left_by(carol, HELLO)  # the rest of the answer is still to be sent
    learner.rests()
    bob.connects(port)
    bob.is_echoed(HELLO)


@reveals("dies-of-accept")
def check_outlives_what_accept_reports(learner, clients, port, fault):
    """accepts again after errors that pass, and gives up or goes on after those that do not"""
    ann, bob = clients("ann", "bob")
    fault("accept", errors=ACCEPT_AGAIN, when="ready")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.is_echoed(HELLO)
    ann.leaves()
    learner.gives_up_or_answers("EBADF", bob, port, HELLO, HELLO)


@reveals("dies-of-accept")
def check_keeps_nobody_waiting(learner, clients, port, fault, clock):
    """does not sleep while a client waits, or for a moment when accept() has failed"""
    ann, bob = clients("ann", "bob")
    fault("accept", errors=("EPROTO", "", "EMFILE"), when="ready")

    learner.serves("serve", port)

    clock.limits_waiting(0.1)
    ann.connects(port)
    ann.is_echoed(HELLO)
    ann.sends(BINARY)
    ann.half_closes()
    ann.receives(BINARY)
    ann.sees_end_of_file()
    clock.limits_waiting(1)
    bob.connects(port)
    bob.is_echoed(HELLO)


@reveals("dies-of-accept", "accept-spin")
def check_waits_while_descriptors_lack(learner, clients, port, fault):
    """waits, without spinning, while there are no descriptors"""
    ann, bob, carol = clients("ann", "bob", "carol")
    fault("sleep", limit=5)

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.is_echoed(HELLO)
    learner.runs_out_of_descriptors()
    bob.connects(port)
    ann.closes()
    learner.paces_itself()
    learner.gets_descriptors_back()
    bob.closes()
    carol.connects(port)
    learner.rests()
    carol.is_echoed(HELLO)
    carol.leaves()


@reveals("no-reuse-address")
def check_takes_a_port_over(learner, peer, other_peer, port):
    """takes over a port whose last connection is in TIME_WAIT"""
    other_peer.leaves_time_wait(port)

    learner.serves("serve", port)

    peer.connects(port)
    learner.rests()
    peer.is_echoed(HELLO)


@reveals("leaked-candidate")
def check_reports_why_it_cannot_serve(learner, peer, port, fault, caller):
    """reports a port that is taken, a service that is unknown and a socket that is not to be had"""
    caller.has_settings_of_its_own()
    peer.serves(port)
    learner.fails_with("EADDRINUSE", "serve", port)

    fault("getaddrinfo", retval=-8, when="1")
    fault("getaddrinfo", error="EMFILE", when="2")
    learner.runs("serve", "no-such-service")
    learner.raises("gaierror")

    learner.fails_with("EMFILE", "serve", "no-such-service")

    fault("socket", error="ENFILE", when="1")
    learner.fails_with("ENFILE", "serve", port)


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, peer, port, fault):
    """goes on after signals have interrupted accept(), recv() and send()"""
    fault("accept", error="EINTR", when="1..2")
    fault("recv", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1..2")

    learner.serves("serve", port)

    peer.connects(port)
    learner.rests()
    peer.is_echoed(HELLO)
    peer.leaves()


@torture
def check_survives_every_failing_call(learner, clients, port):
    """reports or survives every call that fails"""
    learner.serves("serve", port)

    clients.either_is_echoed(port, HELLO)
