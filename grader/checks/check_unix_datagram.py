"""22 unix_datagram: ask a datagram server at a path, within one time limit, from an address of one's own."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

QUESTION = b"where are we\n"
ANSWER = b"kilometre 12.4, track 2\0\r\n"
STRAY = b"kilometre 99.9, track 9\0\r\n"
OTHER = b"how fast are we"
BINARY = bytes(range(256)) * 4
# As much as may be: every 8 bytes tell where they stand, "0000000 0000008 ...".
LARGEST = b"".join(b"%07d " % offset for offset in range(0, 65536, 8))
LIMIT = 3.0
UMLAUTS = "ü" * 60


@reveals("unbound-client")
def check_asks_and_hears_the_answer(learner, peer, folder, caller):
    """asks the server from an address of its own, and returns the answer"""
    caller.has_settings_of_its_own()
    path = folder.path("train")
    peer.binds(folder.path("./train"))

    learner.runs("ask", path, QUESTION, 60.0)
    peer.answers(QUESTION, ANSWER)
    learner.returns(ANSWER)


@reveals("left-path")
def check_leaves_nothing_behind(learner, peer, folder):
    """removes its own address, after an answer and after an error"""
    path = peer.binds(folder.path("train"))

    learner.runs("ask", path, QUESTION, 60.0)
    peer.answers(QUESTION, ANSWER)
    learner.returns(ANSWER)

    learner.runs("ask", folder.path("absent"), QUESTION, 60.0)
    learner.raises("ENOENT")

    learner.runs("ask", folder.has_stale_socket("dead", datagrams=True), QUESTION, 60.0)
    learner.raises("ECONNREFUSED")

    learner.runs("ask", peer.listens(folder.path("stream")), QUESTION, 60.0)
    learner.raises("EPROTOTYPE", named=True)

    learner.runs("ask", folder.has_file("timetable"), QUESTION, 60.0)
    learner.raises("ECONNREFUSED", named=True)

    learner.runs("ask", path, BINARY, 60.0)
    peer.answers(BINARY, BINARY)
    learner.returns(BINARY)


@reveals("shared-path")
def check_lets_others_ask_meanwhile(learner, peer, folder):
    """has an address that no other process has that asks at the same time"""
    path = peer.binds(folder.path("train"))

    learner.runs("ask", path, QUESTION, 60.0)
    peer.receives(QUESTION)
    first = peer.asker
    peer.is_asked_by_another("ask", path, OTHER, 60.0, otherwise="shared-path")
    peer.sends(STRAY)
    peer.sends(ANSWER, to=first)
    learner.returns(ANSWER)


@reveals("any-sender")
def check_takes_no_answer_of_a_stranger(learner, peer, other_peer, folder):
    """takes only what its server says for the answer, whoever else knows its address"""
    path = folder.path("train")
    peer.binds(folder.path("./train"))
    other_peer.binds(folder.path("stranger"))

    learner.runs("ask", path, QUESTION, 60.0)
    peer.receives(QUESTION)
    learner.is_stopped()
    other_peer.sends(STRAY, to=peer.asker)
    peer.sends(ANSWER)
    learner.goes_on()
    learner.returns(ANSWER, mistakes={STRAY: "any-sender"})


@reveals("any-sender")
def check_takes_no_answer_before_it_asks(learner, peer, other_peer, folder, fault):
    """takes nothing for the answer that a stranger sends as soon as it has an address"""
    path = peer.binds(folder.path("train"))
    fault("bind", hold=True, when="1")
    fault("send", hold=True, when="1")

    learner.runs("ask", path, QUESTION, 60.0)
    other_peer.sends_early(STRAY)
    learner.is_held()
    peer.receives(QUESTION)
    peer.sends(ANSWER)
    learner.goes_on()
    learner.returns(ANSWER, mistakes={STRAY: "any-sender"})


@reveals("cut-datagram")
def check_carries_any_bytes(learner, peer, folder):
    """asks and returns up to 65,536 bytes, or none, and reports a longer answer"""
    path = peer.binds(folder.path("train"))

    learner.runs("ask", path, b"", 60.0)
    peer.answers(b"", b"")
    learner.returns(b"")

    learner.runs("ask", path, LARGEST, 60.0)
    peer.answers(LARGEST, LARGEST)
    learner.returns(LARGEST)

    learner.runs("ask", path, QUESTION, 60.0, room=len(ANSWER))
    peer.answers(QUESTION, ANSWER)
    learner.returns(ANSWER)

    learner.runs("ask", path, QUESTION, 60.0)
    peer.answers(QUESTION, LARGEST + b"!")
    learner.raises("EMSGSIZE", named=True, instead="cut-datagram")


@only("c", because="Python has no buffer of the caller's")
@reveals("cut-datagram")
def check_fills_no_more_than_it_has(learner, peer, folder):
    """reports an answer that is longer than the buffer, and a null pointer with a length"""
    path = peer.binds(folder.path("train"))

    learner.runs("ask", path, QUESTION, 60.0, room=len(ANSWER) - 1)
    peer.answers(QUESTION, ANSWER)
    learner.raises("EMSGSIZE", instead="cut-datagram")

    learner.runs("ask", path, QUESTION, 60.0, room=0)
    peer.answers(QUESTION, b"")
    learner.returns(b"")

    learner.runs("ask", path, QUESTION, 60.0, room=Null(0))
    peer.answers(QUESTION, ANSWER)
    learner.raises("EMSGSIZE", instead="cut-datagram")

    learner.runs("ask", path, Null(5), 60.0)
    learner.refuses(gap="")

    learner.runs("ask", path, QUESTION, 60.0, room=Null(5))
    learner.refuses(gap="")


@reveals("waits-for-ever")
def check_gives_up_in_time(learner, peer, other_peer, folder, clock):
    """gives up in time while the server's queue is full, and while it is silent or dead"""
    path = peer.binds(folder.path("train"))
    count = other_peer.fills(path)
    learner.runs("ask", path, QUESTION, clock.limit(LIMIT))
    clock.passes(2.998)
    clock.runs_out(0.102)
    learner.raises("ETIMEDOUT")

    learner.runs("ask", path, QUESTION, clock.limit(0.5))
    clock.passes(0.3)
    peer.takes(count)
    peer.receives(QUESTION)
    clock.passes(0.15)
    clock.runs_out(0.15)
    learner.raises("ETIMEDOUT")

    learner.runs("ask", path, OTHER, clock.limit(0.25))
    peer.receives(OTHER)
    clock.passes(0.2)
    peer.closes()
    clock.runs_out(0.15)
    learner.raises("ETIMEDOUT")


@reveals("waits-for-ever")
def check_tries_once_without_time(learner, peer, other_peer, folder, clock, fault):
    """tries each call once with no time at all, and waits for none"""
    path = peer.binds(folder.path("train"))
    fault("send", hold=True, when="unconnected 1")
    fault("send", hold=True, when="connected 1")
    learner.runs("ask", path, QUESTION, clock.limit(0.0))
    learner.is_held()
    peer.receives(QUESTION)
    peer.sends(ANSWER)
    learner.goes_on()
    learner.returns(ANSWER)

    learner.runs("ask", path, QUESTION, clock.limit(0.0))
    clock.runs_out(0.1)
    learner.raises("ETIMEDOUT")

    peer.receives(QUESTION)
    other_peer.fills(path)
    learner.runs("ask", path, QUESTION, clock.limit(0.0))
    clock.runs_out(0.1)
    learner.raises("ETIMEDOUT")


@only("c", because="Python waits for the rest of the time by itself after EINTR (PEP 475)")
@reveals("restarted-clock")
def check_goes_on_after_an_interruption(learner, peer, other_peer, folder, clock):
    """goes on after signals have interrupted it, and still gives up in time"""
    path = peer.binds(folder.path("train"))
    learner.runs("ask", path, QUESTION, clock.limit(LIMIT))
    peer.receives(QUESTION)
    clock.passes(1.0)
    learner.is_interrupted()
    clock.passes(1.5)
    learner.is_interrupted()
    clock.passes(0.4)
    clock.runs_out(0.2)
    learner.raises("ETIMEDOUT")

    other_peer.fills(path)
    learner.runs("ask", path, QUESTION, clock.limit(LIMIT))
    clock.passes(1.0)
    learner.is_interrupted()
    clock.passes(1.9)
    clock.runs_out(0.2)
    learner.raises("ETIMEDOUT")


@reveals("unchecked-limit")
def check_refuses_bad_arguments(learner, peer, folder):
    """refuses a negative limit, too long a question, an empty path and one that does not fit"""
    path = peer.binds(folder.path("train"))

    learner.runs("ask", path, QUESTION, -1.0)
    learner.refuses(gap="unchecked-limit")

    learner.runs("ask", path, LARGEST + b"!", 60.0)
    learner.refuses(gap="")

    learner.runs("ask", "", QUESTION, 60.0)
    learner.refuses(gap="")
    peer.receives_nothing()

    learner.runs("ask", folder.path("train", size=108), QUESTION, 60.0)
    learner.raises("ENAMETOOLONG", named=True)

    learner.runs("ask", folder.path(UMLAUTS), QUESTION, 60.0)
    learner.raises("ENAMETOOLONG", named=True)

    path = peer.binds(folder.path("train", size=107))
    learner.runs("ask", path, QUESTION, 60.0)
    peer.answers(QUESTION, ANSWER)
    learner.returns(ANSWER)


@only("python", because="C has no such numbers and paths")
@reveals("unchecked-limit")
def check_refuses_what_is_no_number(learner, peer, folder):
    """refuses a limit under 0 or that is no number, and a path with a zero byte"""
    path = peer.binds(folder.path("train"))

    learner.runs("ask", path, QUESTION, -0.001)
    learner.refuses(gap="unchecked-limit")

    learner.runs("ask", path, QUESTION, float("nan"))
    learner.refuses(gap="unchecked-limit")
    peer.receives_nothing(more="unchecked-limit")

    learner.runs("ask", folder.path("tr\0ain"), QUESTION, 60.0)
    learner.refuses(gap="")

    learner.runs("ask", "\0train", QUESTION, 60.0)
    learner.refuses(gap="")


@torture
def check_survives_every_failing_call(learner, peer, folder):
    """reports or survives every call that fails"""
    path = peer.binds(folder.path("train"))

    learner.runs("ask", path, QUESTION, 60.0)
    peer.answers(QUESTION, ANSWER)
    learner.returns(ANSWER)
