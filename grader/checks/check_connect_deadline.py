"""14 connect_deadline: one time limit for all addresses, on a clock that the script holds."""

from grader.verbs.script import only, reveals, torture

HOST = "gateway.test"
LIMIT = 3.0


@reveals("left-non-blocking")
def check_connects(learner, peer):
    """returns a connected socket that blocks, and is its caller's"""
    port = peer.listens()

    learner.runs("connect_within", "127.0.0.1", port, LIMIT)

    peer.accepts()
    learner.returns_a_connection(peer)
    peer.sees_end_of_file()


@reveals("writable-is-connected", "fd-leak", "left-non-blocking")
def check_tries_every_address(learner, peer, resolves, fault):
    """tries the next address when one refuses, or cannot be reached, until one accepts"""
    port = peer.listens("127.0.0.1")
    resolves(HOST, "127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.4", service=("alarms", port))
    fault("connect", error="EHOSTUNREACH", when="2")
    peer.holds("127.0.0.2", port)
    peer.holds("127.0.0.4", port)

    learner.runs("connect_within", HOST, "alarms", LIMIT)

    peer.accepts()
    learner.returns_a_connection(peer)
    peer.sees_end_of_file()


@reveals("writable-is-connected", "fd-leak", "left-non-blocking")
def check_speaks_both_families(learner, peer, resolves, fault, caller):
    """goes from an address there is no socket for, and an IPv4 address that refuses, to IPv6"""
    caller.has_settings_of_its_own()
    resolves(HOST, "::2", "127.0.0.2", "::1")
    fault("socket", error="EAFNOSUPPORT", when="1")
    port = peer.listens("::1")
    peer.holds("127.0.0.2", port)

    learner.runs("connect_within", HOST, port, LIMIT)

    peer.accepts()
    learner.returns_a_connection(peer)
    peer.sees_end_of_file()


@reveals("last-error-lost", "fd-leak")
def check_reports_the_last_refusal(learner, peer, resolves, fault):
    """reports the error of the last address, and a name that does not resolve"""
    fault("connect", error="ENETUNREACH", when="1")
    resolves(HOST, "127.0.0.2", "127.0.0.1")
    port = peer.holds("127.0.0.1")

    learner.runs("connect_within", HOST, port, LIMIT)
    learner.raises("ECONNREFUSED")

    fault("getaddrinfo", retval=-2, when="1")
    fault("getaddrinfo", error="EMFILE", when="2")
    learner.runs("connect_within", HOST, port, LIMIT)
    learner.raises("gaierror")

    learner.runs("connect_within", HOST, port, LIMIT)
    learner.raises("EMFILE", named=True)


@reveals("last-error-lost", "fd-leak")
def check_reports_what_comes_late(learner, peer, resolves, fault):
    """reports the error that ends the last connection on its way, or before it has begun, whatever it is"""
    fault("outcome", becomes="EHOSTUNREACH")
    resolves(HOST, "127.0.0.1")
    port = peer.holds("127.0.0.1")

    learner.runs("connect_within", HOST, port, LIMIT)

    learner.raises("EHOSTUNREACH", named=True)

    fault("socket", error="EMFILE", when="1")
    learner.runs("connect_within", HOST, port, LIMIT)
    learner.raises("EMFILE", named=True)


@reveals("fd-leak")
def check_goes_on_when_the_kernel_gives_up(learner, peer, resolves, fault):
    """tries the next address when the kernel reports ETIMEDOUT before the time is up"""
    fault("outcome", becomes="ETIMEDOUT")
    resolves(HOST, "127.0.0.2", "127.0.0.1")
    port = peer.listens("127.0.0.1")
    peer.holds("127.0.0.2", port)

    learner.runs("connect_within", HOST, port, LIMIT)

    peer.accepts()
    learner.returns_a_connection(peer)


@reveals("fd-leak")
def check_gives_up_in_time(learner, peer, clock):
    """waits as long as it may for a server that never answers, and no longer"""
    port = peer.is_silent()

    learner.runs("connect_within", "127.0.0.1", port, clock.limit(LIMIT))

    clock.passes(2.998)
    clock.runs_out(0.102)
    learner.raises("ETIMEDOUT")

    learner.runs("connect_within", "127.0.0.1", port, clock.limit(0.5))
    clock.passes(0.45)
    clock.runs_out(0.15)
    learner.raises("ETIMEDOUT")

    learner.runs("connect_within", "127.0.0.1", port, clock.limit(0.05))
    clock.passes(0.04)
    clock.runs_out(0.11)
    learner.raises("ETIMEDOUT")


@reveals("deadline-per-address", "fd-leak")
def check_counts_all_addresses_together(learner, peer, other_peer, resolves, clock):
    """gives up in time when no address answers"""
    resolves(HOST, "127.0.0.1", "127.0.0.2", "::1")
    port = peer.is_silent("127.0.0.1")
    peer.is_silent("127.0.0.2", port)
    other_peer.is_silent("::1", port)

    learner.runs("connect_within", HOST, port, clock.limit(LIMIT))

    clock.passes(2.998)
    clock.runs_out(0.102)
    learner.raises("ETIMEDOUT")


@reveals("resolving-counted", "fd-leak")
def check_does_not_count_resolving(learner, peer, resolves, clock, fault):
    """has the whole time for connecting, however long the name took"""
    fault("getaddrinfo", hold=True, when="1")
    resolves(HOST, "127.0.0.1")
    port = peer.is_silent()

    learner.runs("connect_within", HOST, port, clock.limit(LIMIT))

    learner.is_held()
    clock.advances(2.0)
    learner.goes_on()
    clock.passes(2.998)
    clock.runs_out(0.102)
    learner.raises("ETIMEDOUT")


@reveals("fd-leak")
def check_counts_every_moment(learner, peer, clock, fault):
    """gives up in time when what is left of it is no round number"""
    fault("socket", hold=True, when="1")
    port = peer.is_silent()

    learner.runs("connect_within", "127.0.0.1", port, clock.limit(1.0))

    learner.is_held()
    clock.advances(0.000001)
    learner.goes_on()
    clock.passes(0.95)
    clock.runs_out(0.15)
    learner.raises("ETIMEDOUT")

    learner.runs("connect_within", "127.0.0.1", port, clock.limit(0.999))
    clock.passes(0.95)
    clock.runs_out(0.149)
    learner.raises("ETIMEDOUT")


@reveals("fd-leak")
def check_counts_whole_seconds(learner, peer, clock, fault):
    """gives up in time when what is left of it is a whole number of seconds"""
    fault("socket", hold=True, when="1")
    port = peer.is_silent()

    learner.runs("connect_within", "127.0.0.1", port, clock.limit(2.001))

    learner.is_held()
    clock.advances(0.000999)  # and a microsecond by itself, when the program reads it again
    learner.goes_on()
    clock.passes(1.95)
    clock.runs_out(0.15)
    learner.raises("ETIMEDOUT")


@only("c", because="Python waits for the rest of the time by itself after EINTR (PEP 475)")
@reveals("restarted-clock", "fd-leak", "left-non-blocking")
def check_goes_on_after_an_interruption(learner, peer, other_peer, clock, fault):
    """goes on after signals have interrupted it, and still gives up in time"""
    fault("connect", error="EINTR", when="1")
    port = other_peer.listens()
    learner.runs("connect_within", "127.0.0.1", port, clock.limit(LIMIT))
    other_peer.accepts()
    learner.returns_a_connection(other_peer)

    port = peer.is_silent()
    learner.runs("connect_within", "127.0.0.1", port, clock.limit(LIMIT))

    clock.passes(1.0)
    learner.is_interrupted()
    clock.passes(1.5)
    learner.is_interrupted()
    clock.passes(0.4)
    clock.runs_out(0.2)
    learner.raises("ETIMEDOUT")


@reveals("unchecked-limit")
def check_refuses_a_negative_limit(learner, peer):
    """refuses a negative time limit"""
    port = peer.listens()

    learner.runs("connect_within", "127.0.0.1", port, -1.0)

    learner.refuses(gap="unchecked-limit")


@reveals("fd-leak")
def check_waits_for_nothing_with_no_time(learner, peer, clock):
    """does not wait when it has no time, and says that the time is up"""
    port = peer.is_silent()

    learner.runs("connect_within", "127.0.0.1", port, clock.limit(0.0))

    clock.runs_out(0.1)
    learner.raises("ETIMEDOUT")


@only("c", because="Python waits for the rest of the time by itself after EINTR (PEP 475)")
@reveals("fd-leak")
def check_gives_up_when_it_is_late_already(learner, peer, clock, fault):
    """gives up at once when the time is over before it looks"""
    fault("connect", error="EINTR", hold=True, when="blocking 1")
    fault("connect", hold=True, when="1")
    port = peer.is_silent()

    learner.runs("connect_within", "127.0.0.1", port, clock.limit(LIMIT))

    learner.is_held()
    clock.advances(4)
    learner.goes_on()
    clock.runs_out(0.1)
    learner.raises("ETIMEDOUT")


@only("c", because="in Python register() raises by itself what the kernel reports")
@reveals("fd-leak")
def check_tells_a_failure_from_the_end(learner, peer, clock, fault):
    """does not say that the time is up when epoll has no room for its socket"""
    fault("epoll_ctl", error="ENOSPC", when="adding 1")
    port = peer.is_silent()

    learner.runs("connect_within", "127.0.0.1", port, clock.limit(LIMIT))

    clock.passes(2.998)  # unless it fails at once, with what error is its affair
    clock.runs_out(0.102)
    learner.raises()


@torture
def check_survives_every_failing_call(learner, peer, resolves):
    """reports or survives every call that fails"""
    port = peer.listens()
    peer.holds("127.0.0.2", port)
    resolves(HOST, "127.0.0.2", "127.0.0.1")

    learner.runs("connect_within", HOST, port, LIMIT)

    peer.accepts()
    learner.returns_a_connection(peer)
