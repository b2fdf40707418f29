"""13 event_loop: one thread, many clients, nothing blocks: a chat room."""

from grader.verbs.script import only, reveals, torture

HELLO = b"good morning, everybody\n"
ANSWER = b"good morning, ann\n"
WHOLE = b"a whole line\n"
# No encoding, no word and no blank is special, and a line may be empty.
ODD = b"\x00\xff\xfe\r\n\n \t\r\xe4\n"
# What other ends of lines there are: only LF is one here.
ENDS = b"CR\r VT\v FF\f FS\x1c GS\x1d RS\x1e NEL\x85\xc2\x85 LS\xe2\x80\xa8 PS\xe2\x80\xa9\n"
LONGEST = b"x" * 4096 + b"\n"
# 20 lines of 1,000 bytes, no two of them alike.
PAGE = b"".join(b"%998d.\n" % number for number in range(20))


@reveals("always-writable", "own-line")
def check_passes_lines_on(learner, clients, port, clock):
    """passes each line on to the other client at once, unchanged, and sleeps between"""
    ann, bob = clients("ann", "bob")
    clock.limits_waiting(0.1)

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    bob.connects(port, "127.0.0.2")
    learner.rests()
    ann.sends(HELLO)
    bob.receives(HELLO)
    clock.passes(60)
    bob.sends(ANSWER)
    ann.receives(ANSWER)
    ann.sends(ODD + ENDS + PAGE)
    bob.receives(ODD + ENDS + PAGE)


@reveals("own-line", "ignored-hangup")
def check_lets_clients_come_and_go(learner, clients, port):
    """lets clients come and go, and talks with those who are there, in one thread"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")

    learner.serves("serve", port)

    clients.arrive(port, ann, bob, carol)
    bob.sends(HELLO)
    ann.receives(HELLO)
    carol.receives(HELLO)
    bob.leaves()
    carol.sends(ANSWER)
    ann.receives(ANSWER)
    carol.closes()
    learner.rests()
    dave.connects(port)
    learner.rests()
    ann.sends(HELLO)
    dave.receives(HELLO)
    dave.sends(ANSWER)
    ann.receives(ANSWER)
    learner.serves_in_one_thread()


@reveals("half-line")
def check_passes_on_whole_lines(learner, clients, port):
    """passes a line on when it is complete, wherever it was cut"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")

    learner.serves("serve", port)

    clients.arrive(port, ann, bob, carol)
    ann.sends(b"half of ")
    learner.rests()
    carol.sends(WHOLE)
    bob.receives(WHOLE)
    ann.receives(WHOLE)
    ann.sends(b"a line\nand of ")
    bob.receives(b"half of a line\n")
    ann.sends_in_pieces([b"a", b"no", b"ther\n", b"\n", b"\n\na", b"\r", b"\n\xffz", b"\nan", b"d one that has no en"])
    bob.receives(b"and of another\n\n\n\na\r\n\xffz\n")
    ann.leaves()
    carol.receives(b"half of a line\nand of another\n\n\n\na\r\n\xffz\n")
    carol.sends(WHOLE)
    bob.receives(WHOLE)
    dave.connects(port)
    dave.sends(WHOLE)  # on the descriptor that was ann's
    bob.receives(WHOLE)


@reveals("overlong-line")
def check_ends_a_client_whose_line_is_too_long(learner, clients, port):
    """ends a client whose line is longer than 4,096 bytes, and no other"""
    ann, bob, carol, dave, erin, frank, grace = clients("ann", "bob", "carol", "dave", "erin", "frank", "grace")

    learner.serves("serve", port)

    clients.arrive(port, ann, bob, carol, dave, erin, frank, grace)
    ann.sends(LONGEST)
    bob.receives(LONGEST)
    carol.sends(b"y" * 5000)
    carol.is_dropped(instead="overlong-line")
    dave.sends_in_pieces([b"z" * 2500, b"z" * 2500 + b"\n"])
    dave.is_dropped(instead="overlong-line")
    erin.sends(b"\r" * 4097)
    erin.is_dropped(instead="overlong-line")
    frank.sends(b"w" * 2100 + b"\r" + b"w" * 2100 + b"\n")
    frank.is_dropped(instead="overlong-line")
    grace.sends(b"u" * 4097 + b"\n")
    grace.is_dropped(instead="overlong-line")
    bob.sends_in_pieces([b"v" * 4096, b"\n"])
    ann.receives(b"v" * 4096 + b"\n")
    bob.sends(ANSWER)
    ann.receives(ANSWER)
    ann.sends(HELLO)
    bob.receives(HELLO)


@reveals("lost-tail")
def check_sends_every_byte_when_send_is_short(learner, clients, port, fault):
    """sends every byte when the kernel accepts only a few at a time"""
    ann, bob, carol = clients("ann", "bob", "carol")
    fault("send", limit=7)

    learner.serves("serve", port)

    clients.arrive(port, ann, bob, carol)
    ann.sends(HELLO)
    bob.receives(HELLO)
    carol.receives(HELLO)
    ann.sends(b"one byte is left over\n")  # of three times seven
    bob.receives(b"one byte is left over\n")
    carol.receives(b"one byte is left over\n")
    bob.sends(ANSWER + HELLO)
    ann.receives(ANSWER + HELLO)


@reveals("blocking-socket", "blocking-send", "would-block-is-fatal")
def check_waits_for_nobody(learner, clients, port, fault):
    """serves the others while one does not read, and hears that one and keeps its lines for it"""
    slow, ann, bob = clients("slow", "ann", "bob")
    fault("listen", limit=4096)

    learner.serves("serve", port)

    slow.connects(port, room=4096)
    learner.rests()
    clients.arrive(port, ann, bob)
    ann.tells(bob, [PAGE, PAGE, PAGE[:15000]])
    slow.sends(LONGEST + WHOLE)  # at the edge of a buffer that its own lines may lie behind
    ann.receives(LONGEST + WHOLE)
    bob.receives(LONGEST + WHOLE)
    bob.tells(ann, [ANSWER])
    slow.receives(PAGE + PAGE + PAGE[:15000] + ANSWER)


@reveals("lost-tail")
def check_sends_what_waits_first(learner, clients, port, fault):
    """sends what waits for a client before a newer line, when room and line come at once"""
    ann, bob, slow = clients("ann", "bob", "slow")
    fault("listen", limit=4096)

    learner.serves("serve", port)

    clients.arrive(port, ann, bob)
    slow.connects(port, room=4096)
    learner.rests()
    ann.tells(bob, [PAGE, PAGE])
    learner.is_stopped()
    ann.sends(WHOLE)
    slow.receives(PAGE[:8000])
    learner.goes_on()
    bob.receives(WHOLE)
    slow.receives(PAGE[8000:] + PAGE + WHOLE)


@reveals("unbounded-queue")
def check_drops_a_client_that_never_reads(learner, clients, port, fault):
    """drops a client that does not read when more than 64 KiB wait for it"""
    slow, ann, bob = clients("slow", "ann", "bob")
    fault("listen", limit=4096)

    learner.serves("serve", port)

    slow.connects(port, room=4096)
    learner.rests()
    clients.arrive(port, ann, bob)
    ann.tells(bob, [PAGE] * 8)
    slow.is_dropped(instead="unbounded-queue")
    slow.closes()
    bob.tells(ann, [ANSWER])


@reveals("dies-of-client")
def check_outlives_clients_that_vanish(learner, clients, port, fault):
    """goes on when a client is gone before it is told, or before it is heard, and ends only when accept() says so"""
    ann, bob, carol, dave, erin = clients("ann", "bob", "carol", "dave", "erin")
    fault("recv", hold=True, when="ready 1")

    learner.serves("serve", port)

    clients.arrive(port, ann, bob, carol)
    ann.sends(HELLO)
    learner.is_held()
    bob.half_closes()
    bob.resets()
    dave.connects(port)
    dave.resets()
    learner.goes_on()
    carol.receives(HELLO)
    carol.sends(ANSWER)
    ann.receives(ANSWER)
    learner.gives_up_or_answers("EBADF", erin, port, HELLO, b"")


@reveals("accept-spin")
def check_waits_while_descriptors_lack(learner, peer, clients, port, fault):
    """goes on after errors of accept(), and does not spin while descriptors lack"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    fault("accept", errors=("ECONNABORTED", "EPROTO", "ENOBUFS"), when="ready")
    fault("getaddrinfo", retval=-8, when="1")
    fault("getaddrinfo", error="EMFILE", when="2")
    fault("socket", error="ENFILE", when="1")

    learner.runs("serve", "no-such-service")
    learner.raises("gaierror")

    learner.fails_with("EMFILE", "serve", port)
    learner.fails_with("ENFILE", "serve", port)
    learner.fails_with("EADDRINUSE", "serve", peer.listens("0.0.0.0"))

    learner.serves("serve", port)

    ann.connects(port)
    ann.is_accepted()
    bob.connects(port)
    bob.is_accepted()
    learner.rests()
    ann.sends(HELLO)
    bob.receives(HELLO)
    learner.runs_out_of_descriptors()
    carol.connects(port)
    learner.paces_itself()
    bob.sends(ANSWER)
    ann.receives(ANSWER)
    learner.gets_descriptors_back()
    carol.closes()
    dave.connects(port)
    dave.is_accepted()
    learner.rests()
    dave.sends(HELLO)
    ann.receives(HELLO)


@reveals("own-line")
def check_keeps_nobody_waiting(learner, clients, port, fault, clock):
    """keeps nobody waiting when accept() has failed"""
    ann, bob, carol = clients("ann", "bob", "carol")
    fault("accept", error="EMFILE", when="ready 3")

    learner.serves("serve", port)

    clients.arrive(port, ann, bob)
    carol.connects(port)
    clock.limits_waiting(0.1)
    ann.sends(HELLO)
    bob.receives(HELLO)
    bob.sends(ANSWER)
    ann.receives(ANSWER)


@reveals("ignored-hangup")
def check_hears_a_client_to_its_end(learner, clients, port):
    """passes on what a client has said just before it leaves, and just after it has come"""
    ann, bob, carol = clients("ann", "bob", "carol")

    learner.serves("serve", port)

    clients.arrive(port, ann, bob)
    learner.is_stopped()
    ann.sends(HELLO)
    ann.half_closes()
    learner.goes_on()
    bob.receives(HELLO)
    ann.sees_end_of_file()
    learner.is_stopped()
    carol.connects(port)
    carol.sends(PAGE)
    carol.closes()
    learner.goes_on()
    bob.receives(PAGE)


@reveals("own-line")
def check_does_many_things_at_once(learner, clients, port):
    """serves all who are there when some have come, some have spoken and some have left at once"""
    ann, bob, carol, dave, erin, frank = clients("ann", "bob", "carol", "dave", "erin", "frank")

    learner.serves("serve", port)

    learner.is_stopped()
    ann.connects(port)
    bob.connects(port)
    carol.connects(port)
    dave.connects(port)
    learner.goes_on()
    dave.is_accepted()
    learner.is_stopped()
    ann.sends(HELLO)
    erin.connects(port)  # who may have the number that is bob's until now
    bob.resets()
    carol.sends(ANSWER)
    learner.goes_on()
    dave.receives(HELLO + ANSWER, ANSWER + HELLO)
    carol.receives(HELLO)
    ann.receives(ANSWER)
    learner.rests()
    erin.sends(WHOLE)
    dave.receives(WHOLE)
    learner.is_stopped()
    carol.resets()
    dave.sends(HELLO)
    frank.connects(port)
    ann.sends(ANSWER)
    learner.goes_on()
    ann.receives(WHOLE + HELLO)
    dave.receives(ANSWER)
    learner.rests()
    frank.sends(WHOLE)
    dave.receives(WHOLE)


@reveals("own-line")
def check_serves_a_hundred_clients(learner, clients, other_peer, port):
    """takes a port over, and serves a hundred clients at once"""
    ann, bob = clients("ann", "bob")
    crowd = clients.crowd(98)
    other_peer.leaves_time_wait(port)

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    clients.arrive(port, crowd, bob)
    ann.sends(HELLO)
    crowd.receives(HELLO)
    bob.receives(HELLO)
    bob.sends(ANSWER)
    crowd.receives(ANSWER)
    ann.receives(ANSWER)
    crowd.closes()
    ann.sends(HELLO)
    bob.receives(HELLO)


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, clients, port, fault):
    """goes on after signals have interrupted its calls"""
    ann, bob = clients("ann", "bob")
    fault("wait", error="EINTR", when="1..2")
    fault("accept", error="EINTR", when="1..2")
    fault("recv", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1..2")

    learner.serves("serve", port)

    clients.arrive(port, ann, bob)
    ann.sends(HELLO)
    bob.receives(HELLO)
    bob.sends(ANSWER)
    ann.receives(ANSWER)


@torture
def check_survives_every_failing_call(learner, clients, port):
    """reports or survives every call that fails"""
    learner.serves("serve", port)

    clients.either_pair_talks(port, HELLO)
