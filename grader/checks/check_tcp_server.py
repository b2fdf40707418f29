"""09 tcp_server: one client, one greeting, the calls in their order."""

from grader.verbs.script import only, reveals, torture

GREETING = b"Hi client - you have successfully connected!"


@reveals("fd-mix-up", "hard-coded-length", "addrinfo-leak")
def check_greets_one_client(learner, peer, port):
    """greets its client with all 44 bytes, then closes"""
    learner.runs("greet_one", port)

    peer.connects(port)
    peer.receives(GREETING)
    peer.sees_end_of_file()
    learner.returns(None)


@reveals("not-passive")
def check_listens_on_every_address(learner, peer, port, clock):
    """listens on every local address, not on the loopback one alone, until its client comes"""
    learner.runs("greet_one", port)

    clock.passes(60)
    peer.connects(port, "127.0.0.2")
    peer.receives(GREETING)
    learner.returns(None)
    learner.has_named_no_host()


@reveals("no-reuse-address")
def check_takes_a_port_over(learner, peer, other_peer, port, caller):
    """takes over a port whose last connection is in TIME_WAIT"""
    caller.has_settings_of_its_own()
    other_peer.leaves_time_wait(port)

    learner.runs("greet_one", port)

    peer.connects(port)
    peer.receives(GREETING)
    learner.returns(None)


@reveals("open-listener")
def check_closes_the_listening_socket(learner, peer, other_peer, port, fault):
    """closes the listening socket before it serves the client"""
    fault("send", hold=True, when="1")

    learner.runs("greet_one", port)

    peer.connects(port)
    learner.is_held()
    other_peer.is_refused(port)
    learner.goes_on()
    peer.receives(GREETING)
    learner.returns(None)
    learner.has_called("getaddrinfo", "socket", "bind", "listen", "accept", "close", "send", "close")


@reveals("leaked-candidate")
def check_tries_the_next_candidate(learner, peer, port, resolves, fault):
    """takes the next IPv4 candidate when there is no socket for one, or it cannot be bound"""
    resolves(None, "::1", "192.0.2.14", "192.0.2.13", "0.0.0.0", "127.0.0.9", service=("greeting", port))
    fault("socket", error="EAFNOSUPPORT", when="1")

    learner.runs("greet_one", "greeting")

    peer.connects(port)
    peer.receives(GREETING)
    learner.returns(None)


@reveals("leaked-listener")
def check_reports_why_it_cannot_serve(learner, peer, port, fault):
    """reports an error of listen() and of accept(), and leaves nothing open"""
    fault("listen", error="EADDRINUSE", when="1")
    fault("listen", hold=True, when="2")
    fault("accept", error="EMFILE")

    learner.runs("greet_one", port)
    learner.raises("EADDRINUSE")

    learner.runs("greet_one", port)
    learner.is_held()
    peer.connects(port)
    learner.goes_on()
    learner.raises("EMFILE")


@reveals("leaked-candidate")
def check_reports_a_port_that_is_taken(learner, peer, port, resolves, fault):
    """reports a port that another server has, by the error of the last candidate"""
    resolves(None, "192.0.2.13", "0.0.0.0")
    peer.serves(port)

    learner.runs("greet_one", port)
    learner.raises("EADDRINUSE", named=True)

    fault("socket", error="ENFILE", when="2")
    learner.runs("greet_one", port)
    learner.raises("ENFILE", named=True)


@reveals("lost-eai-code")
def check_reports_an_unknown_service(learner, fault):
    """reports a service that is unknown, and one that cannot be looked up"""
    fault("getaddrinfo", retval=-8, when="1")
    fault("getaddrinfo", error="EMFILE", when="2")
    learner.runs("greet_one", "no-such-service")
    learner.raises("gaierror")

    learner.runs("greet_one", "no-such-service")
    learner.raises("EMFILE", named=True)


@reveals("short-send")
def check_sends_every_byte_when_send_is_short(learner, peer, port, fault):
    """sends every byte when the kernel accepts only one at a time"""
    fault("send", limit=1)

    learner.runs("greet_one", port)

    peer.connects(port)
    peer.receives(GREETING)
    learner.returns(None)


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, peer, port, fault):
    """goes on after a signal has interrupted accept() and send()"""
    fault("accept", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1..2")

    learner.runs("greet_one", port)

    peer.connects(port)
    peer.receives(GREETING)
    learner.returns(None)


@reveals("broken-pipe")
def check_reports_a_broken_pipe(learner, peer, port, fault):
    """reports a broken pipe, and survives it"""
    fault("send", error="EPIPE")

    learner.runs("greet_one", port)

    peer.connects(port)
    learner.raises("EPIPE")


@only("c", because="Python ignores SIGPIPE")
@reveals("broken-pipe")
def check_survives_a_client_that_goes_early(learner, peer, port, fault):
    """survives a client that goes in the middle of the greeting"""
    fault("send", limit=7, hold=True, when="1")

    learner.runs("greet_one", port)

    peer.connects(port)
    learner.is_held()
    peer.half_closes()
    peer.resets()
    learner.goes_on()
    learner.raises("EPIPE", "ECONNRESET")


@reveals("broken-pipe")
def check_reports_a_client_that_is_gone(learner, peer, other_peer, port, fault):
    """reports a client that is gone before it is accepted, and waits for no other"""
    fault("listen", hold=True)
    fault("accept", error="ECONNABORTED", when="2")

    learner.runs("greet_one", port)
    learner.is_held()
    peer.connects(port)
    peer.resets()
    learner.goes_on()
    learner.raises()

    learner.runs("greet_one", port)
    learner.is_held()
    other_peer.connects(port)
    learner.goes_on()
    learner.raises("ECONNABORTED")


@torture
def check_survives_every_failing_call(learner, peer, port, resolves):
    """reports or survives every call that fails"""
    resolves(None, "192.0.2.13", "0.0.0.0")

    learner.runs("greet_one", port)

    peer.connects(port)
    peer.receives(GREETING)
    peer.sees_end_of_file()
    learner.returns(None)
