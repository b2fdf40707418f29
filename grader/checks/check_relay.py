"""26 relay: a tapping proxy, which passes on both directions and writes them down before."""

from grader.verbs.script import ACCEPT_AGAIN, only, reveals, torture

HELLO = b"good morning\r\n"
GREETING = b"220 harbour.test ready\r\n"
ANSWER = b"250 ok\n"
# No byte is special: neither an end of line nor a zero, nor what is no text.
BINARY = bytes(range(256)) * 4 + b"\0\n\r\xff"
# Every 8 bytes tell where they stand: "0000000 0000008 ...".
PATTERN = b"".join(b"%07d " % offset for offset in range(0, 24000, 8))
EARLIER = b"1 > 3 6f6c64\n1 > eof\n"
#: What the program may hold of each direction.
MOST = 65536


@reveals("one-direction", "lost-half-close")
def check_relays_a_conversation(learner, clients, port, log, clock):
    """passes on what both sides say, whoever begins, and the end of each, and writes it down"""
    ann, tina = clients("ann", "tina")
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    clock.passes(60)
    tina.tells(ann, [GREETING])
    ann.tells(tina, [HELLO, b"\n", BINARY, b"\0"])
    log.tells(1, ">", HELLO + b"\n" + BINARY + b"\0")
    clock.passes(60)
    ann.half_closes()
    tina.sees_end_of_file()
    log.tells(1, ">", HELLO + b"\n" + BINARY + b"\0", "eof")
    tina.tells(ann, [ANSWER, BINARY])
    log.tells(1, "<", GREETING + ANSWER + BINARY)
    tina.half_closes()
    ann.sees_end_of_file()
    log.tells(1, "<", GREETING + ANSWER + BINARY, "eof")
    log.tells(1, ">", HELLO + b"\n" + BINARY + b"\0", "eof")


@reveals("lost-half-close")
def check_hears_the_client_after_the_target(learner, clients, port, log, folder, caller):
    """passes on what the client says when the target has ended, and begins a log of its own"""
    ann, tina = clients("ann", "tina")
    caller.has_settings_of_its_own()
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    tina.tells(ann, [GREETING])
    tina.half_closes()
    ann.sees_end_of_file()
    ann.tells(tina, [HELLO, PATTERN])
    ann.half_closes()
    tina.sees_end_of_file()
    log.tells(1, "<", GREETING, "eof")
    log.tells(1, ">", HELLO + PATTERN, "eof")
    folder.shows_mode("log", 0o640)


@reveals("late-line")
def check_writes_before_it_sends(learner, clients, port, log, fault):
    """has written a line when the bytes of that line go on, behind what is in the log already"""
    ann, tina = clients("ann", "tina")
    log.holds(EARLIER)
    fault("send", hold=True, when="tcp 1")
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    ann.sends(HELLO)
    learner.is_held()
    tina.receives(HELLO)
    log.tells_already(1, ">", HELLO, late="late-line")
    learner.goes_on()
    learner.rests()
    fault("send", hold=True, when="tcp 1")
    tina.sends(ANSWER)
    learner.is_held()
    ann.receives(ANSWER)
    log.tells_already(1, "<", ANSWER, late="late-line")
    learner.goes_on()


@reveals("one-client")
def check_serves_everybody_at_once(learner, clients, other_peer, port, log):
    """takes a port over, and relays every client at once, each under its own number"""
    ann, tina, bob, uma, carol, vera = clients("ann", "tina", "bob", "uma", "carol", "vera")
    other_peer.leaves_time_wait(port)
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    bob.reaches(uma, port, "127.0.0.2")
    bob.tells(uma, [HELLO])
    carol.reaches(vera, port)
    vera.tells(carol, [GREETING])
    uma.tells(bob, [ANSWER])
    ann.tells(tina, [BINARY])
    bob.half_closes()
    uma.sees_end_of_file()
    uma.closes()
    bob.sees_end_of_file()
    learner.rests()
    bob.reaches(uma, port)
    bob.tells(uma, [PATTERN])
    carol.tells(vera, [HELLO])
    log.tells(1, ">", BINARY)
    log.tells(1, "<", b"")
    log.tells(2, ">", HELLO, "eof")
    log.tells(2, "<", ANSWER, "eof")
    log.tells(3, ">", HELLO)
    log.tells(3, "<", GREETING)
    log.tells(4, ">", PATTERN)
    learner.has_reaped_its_children()


@reveals("one-client")
def check_counts_those_it_cannot_connect(learner, clients, peer, port, log):
    """closes a client whose target refuses, says nothing of it, and counts it all the same"""
    ann, bob, uma, carol, vera = clients("ann", "bob", "uma", "carol", "vera")
    target = peer.holds("127.0.0.1")

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.connects(port)
    ann.sees_its_end()
    uma.listens("127.0.0.1", target)
    bob.reaches(uma, port)
    carol.reaches(vera, port)
    carol.tells(vera, [HELLO])
    bob.tells(uma, [BINARY])
    log.tells_nothing_of(1)
    log.tells(2, ">", BINARY)
    log.tells(3, ">", HELLO)


@reveals("one-direction")
def check_looks_up_once(learner, clients, peer, port, log, resolves, fault):
    """looks its target up when it begins, by name, and tries every address"""
    ann, tina, bob, uma = clients("ann", "tina", "bob", "uma")
    target = tina.listens("::1")
    resolves("harbour.test", "127.0.0.2", "::1", service=("tide", target))
    peer.holds("127.0.0.2", target)

    learner.serves("serve", port, "harbour.test", "tide", log.path)

    learner.rests()
    fault("getaddrinfo", retval=-2)
    ann.reaches(tina, port)
    tina.tells(ann, [GREETING])
    bob.reaches(uma, port)
    bob.tells(uma, [HELLO])
    log.tells(2, ">", HELLO)


@reveals("short-send")
def check_sends_every_byte_when_send_is_short(learner, clients, port, log, fault):
    """sends every byte when the kernel accepts only a few at a time"""
    ann, tina = clients("ann", "tina")
    fault("send", limit=7, when="tcp")
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    ann.tells(tina, [HELLO, b"one byte is left over\n"])  # of three times seven
    tina.tells(ann, [BINARY])
    ann.tells(tina, [BINARY])
    log.tells(1, ">", HELLO + b"one byte is left over\n" + BINARY)
    log.tells(1, "<", BINARY)


@reveals("lost-tail")
def check_passes_on_what_is_under_way(learner, clients, port, log, fault):
    """passes on what is under way when a side ends, and only then its end"""
    ann, tina = clients("ann", "tina")
    fault("send", limit=1000, hold=True, when="tcp 1")
    fault("send", limit=1000, when="tcp")
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    ann.sends(PATTERN)
    learner.is_held()
    ann.half_closes()
    ann.sees_all_delivered()
    learner.goes_on()
    tina.receives(PATTERN)
    tina.sees_end_of_file()
    tina.sends(PATTERN)
    tina.closes()
    ann.receives(PATTERN)
    ann.sees_end_of_file()
    log.tells(1, ">", PATTERN, "eof")
    log.tells(1, "<", PATTERN, "eof")


@reveals("unbounded-queue")
def check_holds_no_more_than_there_is_room_for(learner, clients, port, log):
    """holds 65,536 bytes of a direction at most, passes on the other one and other clients meanwhile"""
    ann, tina, bob, uma = clients("ann", "tina", "bob", "uma")
    target = tina.listens(buffers=65536)

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    flood = ann.floods(tina, most=MOST, more="unbounded-queue")
    tina.tells(ann, [ANSWER])
    bob.reaches(uma, port)
    bob.tells(uma, [HELLO])
    ann.half_closes()
    tina.receives_flood_of(ann)
    tina.sees_end_of_file()
    log.tells(1, ">", flood, "eof")
    flood = uma.floods(bob, most=MOST, more="unbounded-queue")
    bob.tells(uma, [BINARY])
    uma.half_closes()
    bob.receives_flood_of(uma)
    bob.sees_end_of_file()
    log.tells(2, "<", flood, "eof")
    log.tells(2, ">", HELLO + BINARY)


@reveals("dies-of-reset")
def check_outlives_a_reset(learner, clients, port, log, fault):
    """ends both sides when one is reset, writes down which, and serves the others"""
    ann, tina, bob, uma, carol, vera = clients("ann", "tina", "bob", "uma", "carol", "vera")
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    bob.reaches(uma, port)
    ann.tells(tina, [HELLO])
    ann.resets()
    tina.sees_its_end()
    log.tells(1, ">", HELLO, "reset", missing="dies-of-reset")
    log.tells(1, "<", b"", "", "eof")
    uma.tells(bob, [ANSWER])
    uma.resets()
    bob.sees_its_end()
    log.tells(2, "<", ANSWER, "reset", missing="dies-of-reset")
    log.tells(2, ">", b"", "", "eof")
    learner.rests()
    fault("recv", error="EHOSTUNREACH", when="tcp ready 1")
    carol.reaches(vera, port)
    carol.sends(HELLO)
    vera.sees_its_end()
    carol.sees_its_end()
    log.tells(3, ">", b"", "reset", missing="dies-of-reset")
    ann.reaches(tina, port)
    ann.tells(tina, [HELLO])
    log.tells(4, ">", HELLO)


@reveals("dies-of-reset")
def check_outlives_a_broken_pipe(learner, clients, port, log, fault):
    """does the same when a side is gone before the other one's bytes reach it"""
    ann, tina, bob, uma = clients("ann", "tina", "bob", "uma")
    fault("recv", hold=True, when="tcp ready 1")
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    tina.sends(ANSWER)
    learner.is_held()
    ann.half_closes()
    ann.resets()
    learner.goes_on()
    tina.sees_its_end()
    log.tells(1, "<", ANSWER, "", "eof")
    log.tells(1, ">", b"", "reset", "eof", missing="dies-of-reset")
    bob.reaches(uma, port)
    bob.tells(uma, [HELLO])
    log.tells(2, ">", HELLO)


@reveals("dies-of-reset")
def check_hears_last_words(learner, clients, port, log, fault):
    """writes down what a side has said before its reset"""
    ann, tina, bob, uma = clients("ann", "tina", "bob", "uma")
    fault("recv", hold=True, when="tcp ready 1")
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    ann.sends(HELLO)
    learner.is_held()
    ann.sends(BINARY)
    ann.sees_all_delivered()
    ann.resets()
    learner.goes_on()
    tina.receives_until_the_end()
    log.tells(1, ">", HELLO + BINARY, "reset", missing="dies-of-reset")
    bob.reaches(uma, port)
    fault("recv", hold=True, when="tcp ready 1")
    uma.sends(ANSWER)
    learner.is_held()
    uma.sends(BINARY)
    uma.sees_all_delivered()
    uma.resets()
    learner.goes_on()
    bob.receives_until_the_end()
    log.tells(2, "<", ANSWER + BINARY, "reset", missing="dies-of-reset")


@reveals("unwritten-line")
def check_passes_nothing_on_unwritten(learner, clients, port, log):
    """ends a client whose line cannot be written, whoever said it, and passes none of it on"""
    ann, tina, bob, uma = clients("ann", "tina", "bob", "uma")
    log.takes_nothing()
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    bob.reaches(uma, port)
    ann.reaches(tina, port)
    ann.sends(HELLO)
    tina.sees_its_end(more="unwritten-line")
    ann.sees_its_end()
    uma.sends(ANSWER)
    bob.sees_its_end(more="unwritten-line")
    uma.sees_its_end()
    bob.reaches(uma, port)
    bob.sends(BINARY)
    uma.sees_its_end(more="unwritten-line")


@reveals("one-direction")
def check_outlives_what_accept_reports(learner, peer, other_peer, clients, port, log, fault):
    """accepts again after errors that pass, and reports those that do not, or goes on"""
    ann, tina, bob = clients("ann", "tina", "bob")
    fault("accept", errors=ACCEPT_AGAIN, when="ready")
    fault("getaddrinfo", retval=-2, when="1")
    fault("getaddrinfo", error="EMFILE", when="2")
    fault("socket", error="ENFILE", when="1")
    target = peer.holds("127.0.0.1")

    learner.runs("serve", port, "harbour.test", target, log.path)
    learner.raises("gaierror")

    learner.fails_with("EMFILE", "serve", port, "127.0.0.1", target, log.path)
    learner.fails_with("ENFILE", "serve", port, "127.0.0.1", target, log.path)
    learner.fails_with("EADDRINUSE", "serve", other_peer.listens("0.0.0.0"), "127.0.0.1", target, log.path)

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.connects(port)
    ann.sees_its_end()
    tina.listens("127.0.0.1", target)
    ann.reaches(tina, port)
    tina.tells(ann, [GREETING])
    ann.half_closes()
    tina.closes()
    ann.sees_end_of_file()
    log.tells(2, "<", GREETING, "eof")
    tina.stops_listening()
    learner.gives_up_or_answers("EBADF", bob, port, b"", b"")


@reveals("one-direction")
def check_waits_while_descriptors_lack(learner, clients, port, log, fault):
    """waits, without spinning, while there are no descriptors, and relays those that it has"""
    ann, tina, bob, uma, carol, vera = clients("ann", "tina", "bob", "uma", "carol", "vera")
    fault("sleep", limit=5)
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    learner.runs_out_of_descriptors()
    bob.connects(port)
    learner.paces_itself()
    learner.gets_descriptors_back()
    tina.tells(ann, [GREETING])
    uma.hangs_up()
    bob.closes()
    learner.rests()
    carol.reaches(vera, port)
    carol.tells(vera, [HELLO])


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("one-direction")
def check_goes_on_after_an_interruption(learner, clients, port, log, fault):
    """goes on after signals have interrupted its calls"""
    ann, tina = clients("ann", "tina")
    fault("accept", error="EINTR", when="1..2")
    fault("connect", error="EINTR", when="unconnected")
    fault("connect", error="EISCONN", when="connected")
    fault("wait", error="EINTR", when="1..2")
    fault("recv", error="EINTR", when="tcp 1..2")
    fault("send", error="EINTR", when="tcp 1..2")
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    ann.reaches(tina, port)
    tina.tells(ann, [GREETING])
    ann.tells(tina, [HELLO])
    log.tells(1, ">", HELLO)


@torture
def check_survives_every_failing_call(learner, clients, port, log):
    """reports or survives every call that fails"""
    (tina,) = clients("tina")
    target = tina.listens()

    learner.serves("serve", port, "127.0.0.1", target, log.path)

    clients.either_is_relayed(port, HELLO, ANSWER)
