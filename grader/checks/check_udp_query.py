"""18 udp_query: an id, a limit for each attempt, and strays that change neither."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

HOST = "gauge.test"
QUESTION = b"wind?"
ANSWER = b"ridge: 23 km/h from the west"
WRONG = b"valley: 4 km/h"
#: The longest that fit a datagram over IPv4, behind the id.
LONGEST = (bytes(range(256)) * 256)[:65505]
WAIT = 60.0
#: How late the program may be.
LATE = 0.1


def _near(number: bytes) -> tuple[bytes, bytes]:
    """Two other ids, each with one byte of this one."""
    return bytes([number[0] ^ 0x80, number[1]]), bytes([number[0], number[1] ^ 1])


@reveals("fd-leak")
def check_returns_the_answer(learner, peer, resolves):
    """returns the answer to its question, and an empty one, too"""
    port = peer.binds()
    resolves(HOST, "127.0.0.1", service=("gauge", port))

    learner.runs("query", HOST, "gauge", QUESTION, 3, WAIT)
    number = peer.receives(QUESTION, after=2)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER)

    learner.runs("query", "127.0.0.1", port, b"", 1, WAIT)
    number = peer.receives(b"", after=2)
    peer.sends(number)
    learner.returns(b"")


@reveals("any-id")
def check_knows_its_own_answer(learner, peer):
    """waits on where a datagram has another id, or is shorter than one"""
    port = peer.binds()

    learner.runs("query", "127.0.0.1", port, QUESTION, 3, WAIT)

    number = peer.receives(QUESTION, after=2)
    first, second = _near(number)
    peer.sends(b"")
    peer.sends(number[:1])
    peer.sends(first + WRONG)
    peer.sends(number[1:])
    peer.sends(second + WRONG)
    peer.sends(second)
    peer.sends(first + number)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER, mistakes={WRONG: "any-id", b"": "any-id"})


@reveals("any-sender")
def check_takes_no_answer_of_a_stranger(learner, peer, clients):
    """waits on where a datagram comes from another port, or another address"""
    neighbour, stranger = clients("neighbour", "stranger")
    port = peer.binds()
    neighbour.binds()
    stranger.binds("127.0.0.2", port)

    learner.runs("query", "127.0.0.1", port, QUESTION, 3, WAIT)

    number = peer.receives(QUESTION, after=2)
    neighbour.sends(number + WRONG, to=peer.asker)
    stranger.sends(number + WRONG, to=peer.asker)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER, mistakes={WRONG: "any-sender"})


@reveals("no-retry")
def check_asks_again(learner, peer, clock):
    """asks again when the time is up, not earlier, and returns the answer to that"""
    port = peer.binds()
    clock.limits_waiting(LATE)

    learner.runs("query", "127.0.0.1", port, QUESTION, 3, clock.limit(WAIT))

    peer.receives(QUESTION, after=2)
    clock.passes(59.7)
    peer.receives_nothing()
    clock.passes(0.3)
    peer.receives(QUESTION, after=2)
    clock.passes(60.0)
    number = peer.receives(QUESTION, after=2)
    clock.passes(59.8)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER)


@reveals("fd-leak")
def check_gives_up(learner, peer, clock):
    """gives up when the time is up after the last attempt, and not earlier"""
    port = peer.binds()
    clock.limits_waiting(LATE)

    learner.runs("query", "127.0.0.1", port, QUESTION, 2, clock.limit(5.0))
    peer.receives(QUESTION, after=2)
    clock.passes(4.7)
    peer.receives_nothing()
    clock.passes(0.3)
    peer.receives(QUESTION, after=2)
    clock.passes(4.9)
    clock.runs_out(0.2)
    learner.raises("ETIMEDOUT")
    peer.receives_nothing()

    learner.runs("query", "127.0.0.1", port, QUESTION, 1, clock.limit(WAIT))
    peer.receives(QUESTION, after=2)
    clock.passes(59.9)
    clock.runs_out(0.2)
    learner.raises("ETIMEDOUT")
    peer.receives_nothing()


@reveals("late-answer")
def check_takes_a_late_answer(learner, peer, clock):
    """takes the answer to an earlier request, too"""
    port = peer.binds()

    learner.runs("query", "127.0.0.1", port, QUESTION, 3, clock.limit(WAIT))

    number = peer.receives(QUESTION, after=2)
    asker = peer.asker
    clock.passes(60.1)
    peer.receives(QUESTION, after=2)
    peer.sends(number + ANSWER, to=asker)
    learner.returns(ANSWER)


@reveals("restarted-clock")
def check_is_not_delayed_by_strays(learner, peer, clock):
    """asks again, and gives up, when the time is up, whatever strays have come meanwhile"""
    port = peer.binds()
    clock.limits_waiting(LATE)

    learner.runs("query", "127.0.0.1", port, QUESTION, 2, clock.limit(WAIT))

    number = peer.receives(QUESTION, after=2)
    stray, _ = _near(number)
    clock.passes(40)
    peer.sends(stray + WRONG)
    clock.passes(19.7)
    peer.receives_nothing()
    clock.passes(0.3)
    peer.receives(QUESTION, after=2)
    clock.passes(20)
    peer.sends(number[:1])
    clock.passes(20)
    peer.sends(stray + WRONG)
    clock.passes(19.8)
    clock.runs_out(0.3)
    learner.raises("ETIMEDOUT")


@reveals("cut-answer")
def check_returns_a_long_answer(learner, peer):
    """sends the longest question that fits, and returns the longest answer"""
    port = peer.binds()

    learner.runs("query", "127.0.0.1", port, LONGEST, 1, WAIT)

    number = peer.receives(LONGEST, after=2)
    peer.sends(number + LONGEST[::-1])
    learner.returns(LONGEST[::-1])


@only("c", because="Python's bytes grow with the answer")
@reveals("cut-answer")
def check_reports_an_answer_that_does_not_fit(learner, peer, other_peer, resolves):
    """fills the buffer to its last byte, and reports an answer that is larger, at once"""
    port = peer.binds()
    other_peer.binds("127.0.0.2", port)
    resolves(HOST, "127.0.0.1", "127.0.0.2")

    learner.runs("query", HOST, port, QUESTION, 3, WAIT, room=len(ANSWER))
    number = peer.receives(QUESTION, after=2)
    stray, _ = _near(number)
    peer.sends(stray + LONGEST)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER)

    learner.runs("query", HOST, port, QUESTION, 3, WAIT, room=len(ANSWER) - 1)
    number = peer.receives(QUESTION, after=2)
    peer.sends(number + ANSWER)
    learner.raises("EMSGSIZE", instead="cut-answer")
    other_peer.receives_nothing()

    learner.runs("query", HOST, port, QUESTION, 3, WAIT, room=0)
    number = peer.receives(QUESTION, after=2)
    peer.sends(number + b"!")
    learner.raises("EMSGSIZE", instead="cut-answer")

    learner.runs("query", HOST, port, QUESTION, 3, WAIT, room=Null(0))
    number = peer.receives(QUESTION, after=2)
    peer.sends(number)
    learner.returns(b"")


@reveals("refused-is-silence", "fd-leak")
def check_goes_on_after_a_refusal(learner, peer, other_peer, resolves, caller, clock):
    """goes on to the next address at once when one refuses"""
    caller.has_settings_of_its_own()
    port = peer.binds("127.0.0.1")
    other_peer.refuses("127.0.0.2", port)
    resolves(HOST, "127.0.0.2", "127.0.0.1")
    clock.limits_waiting(LATE)

    learner.runs("query", HOST, port, QUESTION, 3, clock.limit(WAIT))

    number = peer.receives(QUESTION, after=2)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER)


@reveals("refused-is-silence", "fd-leak")
def check_is_refused_in_the_middle(learner, peer, other_peer, clock, resolves):
    """goes on at once when an address is silent at first, and then refuses"""
    port = other_peer.binds("127.0.0.2")
    peer.binds("127.0.0.1", port)
    resolves(HOST, "127.0.0.2", "127.0.0.1")
    clock.limits_waiting(LATE)

    learner.runs("query", HOST, port, QUESTION, 3, clock.limit(WAIT))

    number = other_peer.receives(QUESTION, after=2)
    other_peer.refuses("127.0.0.2", port)
    clock.passes(60.0)
    peer.receives(number + QUESTION)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER)


@reveals("fd-leak")
def check_goes_on_after_an_error(learner, peer, other_peer, resolves, fault, clock):
    """goes on to the next address when a request cannot be sent, or nothing be received"""
    fault("send", error="EPERM", when="1")
    port = peer.binds("127.0.0.1")
    other_peer.binds("127.0.0.2", port)
    resolves(HOST, "127.0.0.2", "127.0.0.1")
    clock.limits_waiting(LATE)

    learner.runs("query", HOST, port, QUESTION, 3, clock.limit(WAIT))

    number = peer.receives(QUESTION, after=2)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER)
    other_peer.receives_nothing()


@reveals("refused-is-silence", "fd-leak")
def check_speaks_both_families(learner, peer, other_peer, resolves, fault, clock):
    """goes from an address there is no socket for, and one that refuses, to IPv6"""
    resolves(HOST, "::2", "127.0.0.2", "::1")
    fault("socket", error="EAFNOSUPPORT", when="1")
    port = peer.binds("::1")
    other_peer.refuses("127.0.0.2", port)
    clock.limits_waiting(LATE)

    learner.runs("query", HOST, port, QUESTION, 3, clock.limit(WAIT))

    number = peer.receives(QUESTION, after=2)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER)


@reveals("fd-leak")
def check_goes_on_after_silence(learner, peer, other_peer, clock, resolves):
    """asks each address as often as it may, one after the other"""
    port = other_peer.binds("127.0.0.2")
    peer.binds("127.0.0.1", port)
    resolves(HOST, "127.0.0.2", "127.0.0.1")
    clock.limits_waiting(LATE)

    learner.runs("query", HOST, port, QUESTION, 2, clock.limit(WAIT))

    number = other_peer.receives(QUESTION, after=2)
    clock.passes(60.1)
    other_peer.receives(number + QUESTION)
    clock.passes(59.6)
    peer.receives_nothing()
    clock.passes(0.3)
    peer.receives(number + QUESTION)
    clock.passes(60.0)
    peer.receives(number + QUESTION)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER)
    other_peer.receives_nothing()


@reveals("fd-leak")
def check_reports_the_last_error(learner, peer, other_peer, clock, resolves):
    """reports the error of the last address: its silence, or its refusal"""
    port = peer.binds("127.0.0.1")
    other_peer.refuses("127.0.0.2", port)
    resolves(HOST, "127.0.0.1", "127.0.0.2")

    learner.runs("query", HOST, port, QUESTION, 1, clock.limit(WAIT))
    peer.receives(QUESTION, after=2)
    clock.passes(59.9)
    clock.runs_out(0.2)
    learner.raises("ECONNREFUSED")


@reveals("refused-is-silence", "fd-leak")
def check_reports_the_silence_of_the_last(learner, peer, other_peer, clock, resolves):
    """reports the silence of the last address, where the first one refuses"""
    port = peer.binds("127.0.0.1")
    other_peer.refuses("127.0.0.2", port)
    resolves(HOST, "127.0.0.2", "127.0.0.1")
    clock.limits_waiting(LATE)

    learner.runs("query", HOST, port, QUESTION, 1, clock.limit(WAIT))
    peer.receives(QUESTION, after=2)
    clock.passes(59.9)
    clock.runs_out(0.2)
    learner.raises("ETIMEDOUT")


@reveals("fd-leak")
def check_reports_a_failure(learner, peer, fault):
    """reports what is wrong: the question, its own arguments, a name, a call"""
    port = peer.binds()

    learner.runs("query", "127.0.0.1", port, LONGEST + b"?", 3, WAIT)
    learner.raises("EMSGSIZE")

    learner.runs("query", "127.0.0.1", port, QUESTION, 0, WAIT)
    learner.refuses(gap="")

    learner.runs("query", "127.0.0.1", port, QUESTION, -1, WAIT)
    learner.refuses(gap="")

    learner.runs("query", "127.0.0.1", port, QUESTION, 1, -1.0)
    learner.refuses(gap="")
    peer.receives_nothing()

    fault("getaddrinfo", retval=-2, when="1")
    fault("getaddrinfo", error="EMFILE", when="2")
    learner.runs("query", "127.0.0.1", port, QUESTION, 3, WAIT)
    learner.raises("gaierror")

    learner.runs("query", "127.0.0.1", port, QUESTION, 3, WAIT)
    learner.raises("EMFILE", named=True)

    fault("socket", error="EMFILE", when="1")
    learner.runs("query", "127.0.0.1", port, QUESTION, 3, WAIT)
    learner.raises("EMFILE")


@reveals("fd-leak")
def check_chooses_an_id_for_each_call(learner, peer):
    """chooses an id anew in each call"""
    port = peer.binds()

    learner.runs("query", "127.0.0.1", port, QUESTION, 1, WAIT)
    first = peer.receives(QUESTION, after=2)
    peer.sends(first + ANSWER)
    learner.returns(ANSWER)

    learner.runs("query", "127.0.0.1", port, QUESTION, 1, WAIT)
    second = peer.receives(QUESTION, after=2)
    peer.sends(second + ANSWER)
    learner.returns(ANSWER)

    learner.runs("query", "127.0.0.1", port, QUESTION, 1, WAIT)
    third = peer.receives(QUESTION, after=2)
    peer.sends(third + ANSWER)
    learner.returns(ANSWER)

    learner.runs("query", "127.0.0.1", port, QUESTION, 1, WAIT)
    fourth = peer.receives(QUESTION, after=2, unlike=(first, second, third))
    peer.sends(fourth + ANSWER)
    learner.returns(ANSWER)


@only("c", because="Python has no NULL")
@reveals("fd-leak")
def check_refuses_null(learner, peer):
    """refuses a null question with a length, and a null answer with a size"""
    port = peer.binds()

    learner.runs("query", "127.0.0.1", port, Null(1), 1, WAIT)
    learner.raises("EINVAL")

    learner.runs("query", "127.0.0.1", port, QUESTION, 1, WAIT, room=Null(1))
    learner.raises("EINVAL")

    learner.runs("query", "127.0.0.1", port, Null(0), 1, WAIT)
    number = peer.receives(b"", after=2)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER)


@only("c", because="Python waits for the rest of the time by itself after EINTR (PEP 475)")
@reveals("restarted-clock")
def check_goes_on_after_an_interruption(learner, peer, clock, fault):
    """goes on after signals have interrupted it, and asks again when the time is up"""
    fault("send", error="EINTR", when="1")
    port = peer.binds()
    clock.limits_waiting(LATE)

    learner.runs("query", "127.0.0.1", port, QUESTION, 2, clock.limit(WAIT))

    number = peer.receives(QUESTION, after=2)
    clock.passes(40)
    learner.is_interrupted()
    clock.passes(19.7)
    peer.receives_nothing()
    clock.passes(0.3)
    peer.receives(number + QUESTION)
    learner.is_interrupted()
    peer.sends(number + ANSWER)
    learner.returns(ANSWER)


@torture
def check_survives_every_failing_call(learner, peer, other_peer, resolves):
    """reports or survives every call that fails"""
    port = peer.binds()
    other_peer.refuses("127.0.0.2", port)
    resolves(HOST, "127.0.0.2", "127.0.0.1")

    learner.runs("query", HOST, port, QUESTION, 1, WAIT)

    number = peer.receives(QUESTION, after=2)
    peer.sends(number + ANSWER)
    learner.returns(ANSWER)
