"""15 graceful_stop: SIGTERM ends the server, after the client it is serving."""

from grader.verbs.script import only, reveals, torture

HELLO = b"the quick brown fox\n"
BINARY = bytes(range(256)) * 4


@reveals("cut-client", "handler-left")
def check_lets_the_current_client_finish(learner, peer, port, clock):
    """serves the current client to its end-of-file after SIGTERM, then returns"""
    clock.limits_waiting(0.1)

    learner.serves("serve", port)

    peer.connects(port)
    peer.is_echoed(HELLO)
    clock.passes(60)
    learner.gets("SIGTERM")
    peer.is_echoed(HELLO)
    clock.passes(60)
    peer.is_echoed(BINARY)
    peer.leaves()
    learner.returns(None)


@reveals("retries-for-ever", "open-listener", "unsafe-handler")
def check_stops_while_it_waits(learner, clients, port):
    """returns when SIGTERM comes while it waits for a client, and listens no more"""
    ann, bob = clients("ann", "bob")

    learner.serves("serve", port)

    ann.connects(port)
    ann.is_echoed(HELLO)
    ann.leaves()
    learner.gets("SIGTERM")
    learner.returns(None)
    bob.is_refused(port)


@reveals("handler-left")
def check_stops_before_its_first_client(learner, peer, other_peer, port):
    """returns when SIGTERM comes before any client, and can be called again, on a port that was in use"""
    other_peer.leaves_time_wait(port)

    learner.serves("serve", port)
    learner.gets("SIGTERM")
    learner.returns(None)

    learner.serves("serve", port)
    peer.connects(port)
    peer.is_echoed(HELLO)
    peer.resets()
    learner.gets("SIGTERM")
    learner.returns(None)


@reveals("lost-wakeup")
def check_stops_when_the_signal_comes_early(learner, port, fault):
    """returns when SIGTERM comes just before the call that waits for a client"""
    fault("accept", signal="SIGTERM", when="listening blocking 1")
    fault("wait", signal="SIGTERM", when="listening blocking 1")

    learner.serves("serve", port)

    learner.returns(None)


@reveals("cut-client")
def check_takes_in_what_comes_with_the_signal(learner, clients, port):
    """serves its client, at any address, to the end when its last bytes, its end and SIGTERM come at once"""
    ann, bob = clients("ann", "bob")

    learner.serves("serve", port)
    ann.connects(port, "127.0.0.2")
    ann.is_echoed(HELLO)
    learner.is_stopped()
    learner.gets("SIGTERM")
    ann.sends(BINARY * 20)
    ann.half_closes()
    learner.goes_on()
    ann.receives(BINARY * 20)
    ann.sees_end_of_file()
    learner.returns(None)

    learner.serves("serve", port)
    learner.is_stopped()
    bob.connects(port)  # whether it is served is left open
    bob.half_closes()
    learner.gets("SIGTERM")
    learner.goes_on()
    learner.returns(None)


@reveals("cut-client")
def check_is_not_hurried_by_a_second_signal(learner, peer, port):
    """takes a second SIGTERM for the first"""
    learner.serves("serve", port)

    peer.connects(port)
    peer.is_echoed(HELLO)
    learner.gets("SIGTERM")
    peer.is_echoed(HELLO)
    learner.rests()
    learner.gets("SIGTERM")
    peer.is_echoed(BINARY)
    peer.leaves()
    learner.returns(None)


@reveals("handler-left")
def check_leaves_nothing_behind(learner, peer, other_peer, port, fault):
    """reports a port that is taken and a listening socket that is lost, not what passes"""
    taken = peer.listens("0.0.0.0")
    learner.runs("serve", taken)
    learner.raises("EADDRINUSE", named=True)

    fault("getaddrinfo", retval=-8, when="1")
    fault("getaddrinfo", error="EMFILE", when="2")
    fault("socket", error="ENFILE", when="1")
    learner.runs("serve", "no-such-service")
    learner.raises("gaierror")

    learner.fails_with("EMFILE", "serve", port)
    learner.fails_with("ENFILE", "serve", port)

    learner.serves("serve", port)
    learner.rests()
    fault("accept", errors=("ECONNABORTED", "EMFILE"), when="ready")
    peer.connects(port)
    peer.is_echoed(HELLO)
    peer.leaves()
    learner.gives_up_or_answers("EINVAL", other_peer, port, HELLO, HELLO)


@reveals("handler-left")
def check_puts_back_what_its_caller_had(learner, peer, port, caller):
    """leaves its caller's own handlers and mask as it found them, and calls none of them"""
    caller.has_settings_of_its_own()

    learner.serves("serve", port)

    learner.gets("SIGUSR1", may_end=False)  # which is its caller's affair
    peer.connects(port)
    peer.is_echoed(HELLO)
    learner.gets("SIGTERM")
    peer.is_echoed(HELLO)
    learner.gets("SIGTERM")
    peer.leaves()
    learner.returns(None)

    learner.serves("serve", port)
    learner.gets("SIGTERM")
    learner.returns(None)


@reveals("cut-client")
def check_sends_every_byte_when_send_is_short(learner, peer, port, fault):
    """sends every byte back when the kernel accepts only a few, after SIGTERM too"""
    fault("send", limit=7)

    learner.serves("serve", port)

    peer.connects(port)
    peer.is_echoed(b"!")
    peer.is_echoed(HELLO)
    learner.gets("SIGTERM")
    peer.is_echoed(HELLO)
    peer.is_echoed(BINARY)
    peer.leaves()
    learner.returns(None)


@reveals("handler-left")
def check_outlives_a_client_that_vanishes(learner, clients, port, fault):
    """serves the next client when one is gone before its bytes come back, and stops when it is told to"""
    ann, bob = clients("ann", "bob")
    fault("recv", hold=True, when="ready 1")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    learner.is_left_by(ann, HELLO)
    learner.rests()
    bob.connects(port)
    bob.is_echoed(HELLO)
    bob.leaves()
    learner.gets("SIGTERM")
    learner.returns(None)


@reveals("handler-left")
def check_waits_while_descriptors_lack(learner, clients, port):
    """does not spin while descriptors lack, and stops when it is told to"""
    ann, bob = clients("ann", "bob")

    learner.serves("serve", port)

    learner.rests()
    learner.runs_out_of_descriptors()
    ann.connects(port)
    learner.paces_itself()
    learner.gets_descriptors_back()
    ann.closes()
    bob.connects(port)
    bob.is_echoed(HELLO)
    bob.leaves()
    learner.gets("SIGTERM")
    learner.returns(None)


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("cut-client")
def check_goes_on_after_an_interruption(learner, peer, port, fault):
    """goes on after other signals have interrupted recv() and send()"""
    fault("recv", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1..2")

    learner.serves("serve", port)

    peer.connects(port)
    learner.rests()
    peer.is_echoed(HELLO)
    learner.gets("SIGTERM")
    peer.is_echoed(HELLO)
    peer.is_echoed(BINARY)
    peer.leaves()
    learner.returns(None)


@torture
def check_survives_every_failing_call(learner, clients, port):
    """reports or survives every call that fails"""
    learner.serves("serve", port)

    clients.either_is_echoed(port, HELLO)
    learner.gets("SIGTERM")
    learner.returns(None)
