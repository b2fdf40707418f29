"""31 traceroute: echoes that go one hop further each time, and who says what of them."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

NAME = "ridge.test"
#: The host, and routers on the way to it; and somebody who is on no way.
HOST = "10.9.0.9"
FIRST, SECOND, THIRD, ELSEWHERE = "10.1.0.1", "10.2.0.1", "10.3.0.1", "10.66.6.6"
WAIT = 60.0
#: How late the program may be.
LATE = 0.1
#: Types of ICMP messages that quote an echo and answer none.
QUENCH, REDIRECT, ECHO, PARAMETER_PROBLEM = 4, 5, 8, 12
UNREACHABLE, TIME_EXCEEDED = 3, 11
#: Options of IPv4: nothing, four times; a route that was recorded; as many as there can be.
NOTHING = bytes([1, 1, 1, 0])
ROUTE = bytes.fromhex("01 07 0b 0c 0a030001 0a020001")
MOST = bytes([1] * 39 + [0])
#: Of a quote: no packet has more bytes.
WHOLE = 65535
#: What is told of the second hop, and of others, where it says that the host is unreachable.
_IGNORED = (("*", "3 *"), (SECOND,), (SECOND, "3 *"), (f"{SECOND}!", "3 *"))
#: What is told of the first hop where a message about another echo is taken for its answer.
_OTHERS = {(f"1 {who}",): "any-icmp" for who in (ELSEWHERE, f"{ELSEWHERE}!", HOST)}


def _near(two: bytes) -> tuple[bytes, bytes]:
    """Two other numbers, each with one byte of this one."""
    return bytes([two[0] ^ 0x80, two[1]]), bytes([two[0], two[1] ^ 1])


@reveals("bad-checksum", "runs-past-target")
def check_names_the_routers_and_the_host(learner, network, resolves, clock):
    """names each router on the way, and ends at the host"""
    route = network.route()
    resolves(NAME, HOST)

    learner.runs("traceroute", NAME, 30, clock.limit(WAIT))

    route.passes_on(FIRST, 1)
    route.passes_on(SECOND, 2)
    route.passes_on(THIRD, 3)
    route.takes_probe(4)
    route.replies()
    route.takes_no_probe(more="runs-past-target")
    learner.returns([f"1 {FIRST}", f"2 {SECOND}", f"3 {THIRD}", f"4 {HOST}"])


@reveals("lost-probe", "silent-hop-hangs")
def check_asks_a_hop_three_times(learner, network, clock):
    """asks a hop that is silent three times, and waits after each of them as long as it may"""
    route = network.route()
    clock.limits_waiting(LATE)

    learner.runs("traceroute", HOST, 30, clock.limit(WAIT))

    route.takes_probe(1)
    clock.passes(59.7)
    route.takes_no_probe()
    clock.passes(0.3)
    route.takes_probe(1, instead="lost-probe")
    clock.passes(59.8)
    route.takes_no_probe()
    clock.passes(0.2)
    route.takes_probe(1, instead="lost-probe")
    clock.passes(59.8)
    route.takes_no_probe()
    clock.passes(0.2)
    route.takes_probe(2)
    route.replies()
    learner.returns(["1 *", f"2 {HOST}"])


@reveals("lost-probe")
def check_takes_an_answer_to_any_try(learner, network, clock):
    """takes an answer to an earlier try of the hop, and asks the next hop at once"""
    route = network.route()
    clock.limits_waiting(LATE)

    learner.runs("traceroute", HOST, 30, clock.limit(WAIT))

    first = route.takes_probe(1)
    clock.passes(60.0)
    route.takes_probe(1, instead="lost-probe")
    clock.passes(30)
    route.exceeds(FIRST, first)
    route.takes_probe(2)
    clock.passes(60.0)
    second = route.takes_probe(2)
    clock.passes(60.0)
    route.takes_probe(2)
    clock.passes(59.8)
    route.exceeds(SECOND, second)
    route.takes_probe(3)
    clock.passes(60.0)
    route.takes_probe(3)
    clock.passes(60.0)
    route.takes_probe(3)
    route.replies()
    learner.returns([f"1 {FIRST}", f"2 {SECOND}", f"3 {HOST}"])


@reveals("any-icmp")
def check_knows_its_own_answers(learner, network, clock):
    """waits on where a message is about another echo: another id, another host"""
    route = network.route()

    learner.runs("traceroute", HOST, 1, clock.limit(WAIT))

    probe = route.takes_probe(1)
    first, second = _near(probe.id)
    route.exceeds(ELSEWHERE, probe.but(id=first))
    route.exceeds(ELSEWHERE, probe.but(id=second))
    route.exceeds(ELSEWHERE, probe.but(to="10.9.0.8"))
    route.exceeds(ELSEWHERE, probe.but(id=probe.sequence, sequence=probe.id))
    route.refuses(ELSEWHERE, probe.but(id=first))
    route.refuses(ELSEWHERE, probe.but(to="11.9.0.9"))
    route.replies(probe.but(id=second))
    route.replies(host=ELSEWHERE)
    route.exceeds(FIRST)
    learner.returns([f"1 {FIRST}"], mistakes=_OTHERS)


@reveals("any-icmp")
def check_knows_what_answers(learner, network, clock):
    """waits on where the type or the code of a message is none that answers"""
    route = network.route()
    network.sets("net.ipv4.conf.all.accept_redirects", 0)
    network.sets("net.ipv4.conf.eth0.accept_redirects", 0)
    network.sets("net.ipv4.icmp_echo_ignore_all", 1)

    learner.runs("traceroute", HOST, 1, clock.limit(WAIT))

    probe = route.takes_probe(1)
    route.exceeds(ELSEWHERE, code=1)
    route.says(ELSEWHERE, REDIRECT, 1, rest=bytes([10, 0, 0, 7]))
    route.says(ELSEWHERE, QUENCH)
    route.says(ELSEWHERE, PARAMETER_PROBLEM, rest=bytes([20, 0, 0, 0]))
    route.says(HOST, ECHO, rest=probe.id + probe.sequence)
    route.exceeds(ELSEWHERE, probe.but(id=_near(probe.id)[0]))
    route.exceeds(FIRST)
    learner.returns([f"1 {FIRST}"], mistakes=_OTHERS)


@reveals("late-reply")
def check_credits_no_late_answer(learner, network, clock):
    """credits an answer that comes late, or twice, to no other hop"""
    route = network.route()

    learner.runs("traceroute", HOST, 30, clock.limit(WAIT))

    first = route.takes_probe(1)
    clock.passes(60.0)
    route.takes_probe(1)
    clock.passes(60.0)
    last = route.takes_probe(1)
    clock.passes(60.0)
    second = route.takes_probe(2)
    route.exceeds(FIRST, first)
    route.exceeds(FIRST, last)
    route.takes_no_probe(more="late-reply")
    route.exceeds(SECOND, second)
    route.takes_probe(3)
    route.exceeds(SECOND, second)
    route.takes_no_probe(more="late-reply")
    route.replies()
    learner.returns(["1 *", f"2 {SECOND}", f"3 {HOST}"])


@reveals("late-reply")
def check_is_not_ended_by_a_late_host(learner, network, clock):
    """goes on where the host answers when its hop is over"""
    route = network.route()

    learner.runs("traceroute", HOST, 30, clock.limit(WAIT))

    route.passes_on(FIRST, 1)
    probe = route.takes_probe(2)
    clock.passes(60.0)
    route.takes_probe(2)
    clock.passes(60.0)
    route.takes_probe(2)
    clock.passes(60.0)
    route.takes_probe(3)
    route.replies(probe)
    route.takes_no_probe()
    clock.passes(60.0)
    route.takes_probe(3, instead="late-reply")
    route.exceeds(SECOND)
    route.takes_probe(4)
    route.replies()
    learner.returns([f"1 {FIRST}", "2 *", f"3 {SECOND}", f"4 {HOST}"])


@reveals("unreachable-ignored")
def check_ends_where_the_host_is_unreachable(learner, network, clock):
    """ends with a mark where somebody says that the host is unreachable, for whatever reason"""
    route = network.route()

    learner.runs("traceroute", HOST, 3, clock.limit(WAIT))
    route.passes_on(FIRST, 1)
    route.takes_probe(2)
    route.refuses(SECOND)
    route.takes_no_probe(more="unreachable-ignored")
    ignored = {(f"1 {FIRST}", f"2 {who}", *rest): "unreachable-ignored" for who, *rest in _IGNORED}
    learner.returns([f"1 {FIRST}", f"2 {SECOND}!"], mistakes=ignored)

    learner.runs("traceroute", HOST, 1, clock.limit(WAIT))
    route.takes_probe(1)
    route.refuses(FIRST, code=0)
    learner.returns([f"1 {FIRST}!"], mistakes={("1 *",): "unreachable-ignored"})

    learner.runs("traceroute", HOST, 1, clock.limit(WAIT))
    route.takes_probe(1)
    route.refuses(FIRST, code=13)
    learner.returns([f"1 {FIRST}!"], mistakes={("1 *",): "unreachable-ignored"})

    learner.runs("traceroute", HOST, 3, clock.limit(WAIT))
    route.passes_on(FIRST, 1)
    route.takes_probe(2)
    route.refuses(HOST, code=4)
    route.takes_no_probe(more="unreachable-ignored")
    learner.returns([f"1 {FIRST}", f"2 {HOST}!"])


@reveals("fixed-header")
def check_reads_headers_with_options(learner, network, clock):
    """knows an answer whose IP header has options, and one that quotes options"""
    route = network.route()

    learner.runs("traceroute", HOST, 30, clock.limit(WAIT))

    route.takes_probe(1)
    route.says(FIRST, TIME_EXCEEDED, size=WHOLE, options=NOTHING)
    probe = route.takes_probe(2, instead="fixed-header")
    route.exceeds(SECOND, probe.but(options=ROUTE))
    probe = route.takes_probe(3, instead="fixed-header")
    route.exceeds(THIRD, probe.but(options=MOST), options=MOST)
    route.takes_probe(4, instead="fixed-header")
    route.replies(options=ROUTE)
    route.takes_no_probe()
    learner.returns([f"1 {FIRST}", f"2 {SECOND}", f"3 {THIRD}", f"4 {HOST}"])


@reveals("any-icmp")
def check_survives_what_is_cut_short(learner, network, clock):
    """waits on where a message quotes too little, or nothing"""
    route = network.route()

    learner.runs("traceroute", HOST, 1, clock.limit(WAIT))

    probe = route.takes_probe(1)
    route.says(ELSEWHERE, QUENCH, about=probe.but(options=MOST))
    route.says(ELSEWHERE, TIME_EXCEEDED, size=0)
    route.says(ELSEWHERE, UNREACHABLE, size=0)
    route.says(ELSEWHERE, TIME_EXCEEDED, size=1)
    route.says(ELSEWHERE, UNREACHABLE, 1, size=19)
    route.says(ELSEWHERE, TIME_EXCEEDED, size=20)
    route.says(ELSEWHERE, TIME_EXCEEDED, size=27)
    route.says(ELSEWHERE, UNREACHABLE, about=probe.but(options=MOST), size=62)
    route.exceeds(ELSEWHERE, probe.but(id=_near(probe.id)[1]))
    route.exceeds(FIRST)
    learner.returns([f"1 {FIRST}"], mistakes=_OTHERS)


@reveals("silent-hop-hangs")
def check_is_not_delayed_by_strays(learner, network, clock):
    """asks again when the time is up, whatever has come meanwhile for others"""
    route = network.route()
    clock.limits_waiting(LATE)

    learner.runs("traceroute", HOST, 1, clock.limit(WAIT))

    probe = route.takes_probe(1)
    stray = probe.but(id=_near(probe.id)[0])
    clock.passes(40)
    route.exceeds(ELSEWHERE, stray)
    clock.passes(19.7)
    route.takes_no_probe()
    clock.passes(0.3)
    route.takes_probe(1)
    clock.passes(20)
    route.exceeds(ELSEWHERE, stray)
    clock.passes(20)
    route.says(ELSEWHERE, QUENCH)
    clock.passes(20)
    route.takes_probe(1)
    clock.passes(59.8)
    route.replies(stray)
    clock.runs_out(0.3)
    learner.returns(["1 *"])
    route.takes_no_probe()


@reveals("runs-past-target")
def check_goes_no_further_than_it_may(learner, network, clock, caller):
    """ends after as many hops as it may ask, from one to 255, and leaves its caller's settings alone"""
    caller.has_settings_of_its_own()
    route = network.route()

    learner.runs("traceroute", HOST, 2, clock.limit(WAIT))
    route.passes_on(FIRST, 1)
    route.passes_on(SECOND, 2)
    route.takes_no_probe()
    learner.returns([f"1 {FIRST}", f"2 {SECOND}"])

    learner.runs("traceroute", HOST, 1, clock.limit(WAIT))
    route.takes_probe(1)
    clock.passes(60.0)
    route.takes_probe(1)
    clock.passes(60.0)
    route.takes_probe(1)
    clock.passes(59.8)
    clock.runs_out(0.3)
    learner.returns(["1 *"])
    route.takes_no_probe()

    learner.runs("traceroute", HOST, 255, clock.limit(WAIT))
    route.takes_probe(1)
    route.replies()
    route.takes_no_probe(more="runs-past-target")
    learner.returns([f"1 {HOST}"])


@reveals("runs-past-target")
def check_traces_an_address_that_can_be_reached(learner, network, clock, resolves):
    """traces the first address that an echo can be sent to, and that one alone"""
    route = network.route()
    resolves(NAME, "192.0.2.7", HOST, "10.8.0.8")
    clock.limits_waiting(LATE)

    learner.runs("traceroute", NAME, 9, clock.limit(WAIT))

    route.takes_probe(1)
    clock.passes(60.0)
    route.takes_probe(1)
    clock.passes(60.0)
    route.takes_probe(1)
    clock.passes(60.0)
    route.takes_probe(2)
    route.replies()
    route.takes_no_probe(more="runs-past-target")
    learner.returns(["1 *", f"2 {HOST}"])


@reveals("runs-past-target")
def check_reports_a_failure(learner, network, resolves, fault):
    """reports what is wrong, its arguments, a name, a host that no way leads to, a call, and goes on after that"""
    route = network.route()
    resolves(NAME, "192.0.2.7", "198.51.100.7")

    learner.runs("traceroute", HOST, 256, WAIT)
    learner.refuses(gap="")
    learner.runs("traceroute", HOST, -1, WAIT)
    learner.refuses(gap="")
    learner.runs("traceroute", HOST, 30, -1.0)
    learner.refuses(gap="")
    route.takes_no_probe()

    learner.runs("traceroute", NAME, 30, WAIT)
    learner.raises("ENETUNREACH")

    fault("getaddrinfo", retval=-2, when="1")
    learner.runs("traceroute", HOST, 30, WAIT)
    learner.raises("gaierror")

    fault("socket", error="EPERM", when="raw 1")
    learner.runs("traceroute", HOST, 30, WAIT)
    learner.raises("EPERM")

    learner.runs("traceroute", HOST, 30, WAIT)
    route.takes_probe(1)
    route.replies()
    route.takes_no_probe(more="runs-past-target")
    learner.returns([f"1 {HOST}"])


@only("c", because="Python's list grows with the way")
@reveals("runs-past-target")
def check_reports_a_text_that_does_not_fit(learner, network, clock):
    """fills the buffer to its last byte, and reports lines that do not fit"""
    route = network.route()
    lines = [f"1 {FIRST}", f"2 {HOST}"]
    size = len("\n".join(lines)) + 2

    learner.runs("traceroute", HOST, 30, clock.limit(WAIT), room=size)
    route.passes_on(FIRST, 1)
    route.takes_probe(2)
    route.replies()
    route.takes_no_probe(more="runs-past-target")
    learner.returns(lines)

    learner.runs("traceroute", HOST, 2, clock.limit(WAIT), room=size - 1)
    route.passes_on(FIRST, 1)
    route.takes_probe(2)
    route.replies()
    learner.raises("EMSGSIZE")

    learner.runs("traceroute", HOST, 1, clock.limit(WAIT), room=Null(100))
    learner.raises("EINVAL")
    route.takes_no_probe()


@only("c", because="Python waits for the rest of the time by itself after EINTR (PEP 475)")
@reveals("silent-hop-hangs")
def check_goes_on_after_an_interruption(learner, network, clock, fault):
    """goes on after signals have interrupted it, for what is left of its time"""
    fault("send", error="EINTR", when="1")
    route = network.route()
    clock.limits_waiting(LATE)

    learner.runs("traceroute", HOST, 2, clock.limit(WAIT))

    route.takes_probe(1)
    clock.passes(40)
    learner.is_interrupted()
    clock.passes(19.7)
    route.takes_no_probe()
    clock.passes(0.3)
    route.takes_probe(1)
    learner.is_interrupted()
    route.exceeds(FIRST)
    route.takes_probe(2)
    route.replies()
    learner.returns([f"1 {FIRST}", f"2 {HOST}"])


@torture
def check_survives_every_failing_call(learner, network, resolves):
    """reports or survives every call that fails"""
    route = network.route()
    resolves(NAME, "192.0.2.7", HOST)

    learner.runs("traceroute", NAME, 2, WAIT)

    route.passes_on(FIRST, 1)
    route.takes_probe(2)
    route.replies()
    learner.returns([f"1 {FIRST}", f"2 {HOST}"])
