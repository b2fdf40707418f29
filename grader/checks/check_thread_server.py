"""12 thread_server: a line counter with a thread for each client."""

from grader.verbs.script import ACCEPT_AGAIN, only, reveals, torture

LINE = b"how many is this\n"
LONG = b"x" * 5000


@reveals("fd-leak")
def check_numbers_the_lines_of_everyone(learner, clients, port):
    """numbers the lines of all its clients in one row, silent ones or not"""
    ann, bob, carol = clients("ann", "bob", "carol")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    bob.connects(port)
    learner.rests()
    bob.sends(LINE)
    bob.receives(b"1\n")
    carol.connects(port, "127.0.0.2")
    learner.rests()
    carol.sends(LINE)
    carol.receives(b"2\n")
    bob.sends(LINE * 2)
    bob.receives(b"3\n4\n")
    bob.sends(b"\n" + LINE)
    bob.receives(b"5\n6\n")
    carol.sends(LONG)
    learner.rests()
    carol.sends(b"\0\n" + LONG)
    carol.receives(b"7\n")
    bob.sends(b"x" * 4095 + b"\n" + b"y" * 4096 + b"\n\n")  # at both sides of an edge
    bob.receives(b"8\n9\n10\n")
    bob.sends(b"\n" * 3)
    bob.receives(b"11\n12\n13\n")
    bob.sends(b"\n")
    bob.receives(b"14\n")
    bob.sends(b"and so")
    learner.rests()
    bob.leaves()
    ann.sends(b"one\rline\v\f\x1c\x85 as\xe2\x80\xa8 before\r\n")  # what only text has for line ends
    ann.receives(b"15\n")
    ann.leaves()
    learner.has_called("pthread_create")


@reveals("shared-argument")
def check_gives_each_thread_its_own_client(learner, clients, port, fault):
    """gives each thread its own client, however late the thread begins"""
    ann, bob = clients("ann", "bob")
    fault("thread_start", hold=True, when="1")

    learner.serves("serve", port)

    ann.connects(port)
    learner.is_held()
    bob.connects(port)
    learner.rests_but_for_the_held()
    learner.goes_on()
    learner.rests()
    ann.sends(LINE)
    ann.receives(b"1\n")
    bob.sends(LINE)
    bob.receives(b"2\n")


@reveals("lost-update")
def check_gives_every_number_once(learner, clients, port, fault):
    """gives every number once, whatever another thread is doing"""
    ann, bob = clients("ann", "bob")
    fault("send", hold=True, when="1")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.sends(LINE)
    learner.is_held()
    bob.connects(port)
    bob.sends(LINE)
    bob.receives(b"2\n")
    learner.goes_on()
    ann.receives(b"1\n")
    learner.rests()
    ann.sends(LINE)
    ann.receives(b"3\n")


@reveals("lost-update", "shared-buffer")
def check_keeps_its_clients_apart(learner, clients, port, fault):
    """keeps the bytes of its clients apart, whatever another thread is doing"""
    ann, bob = clients("ann", "bob")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    bob.connects(port)
    learner.rests()
    ann.sends(LINE * 9)
    ann.receives(b"1\n2\n3\n4\n5\n6\n7\n8\n9\n")
    learner.rests()
    fault("send", limit=1, hold=True, when="1")
    ann.sends(LINE * 3)  # of whose answers one byte is sent while bob is served
    learner.is_held()
    bob.sends(b"x" * 100 + b"\n" + b"x" * 100)
    bob.receives(b"11\n", b"13\n")
    learner.goes_on()
    ann.receives(b"10\n12\n13\n", b"10\n11\n12\n", fewer="shared-buffer")


@reveals("fd-leak")
def check_hears_a_client_to_its_end(learner, clients, port):
    """answers all lines of clients that have sent them, and half-closed, before the server looks"""
    ann, bob, carol = clients("ann", "bob", "carol")

    learner.serves("serve", port)

    ann.connects(port)
    learner.is_stopped()
    ann.sends(LINE + b"no line")
    ann.half_closes()
    learner.goes_on()
    ann.receives(b"1\n")
    ann.sees_end_of_file()
    learner.is_stopped()
    bob.connects(port)
    carol.connects(port)
    carol.sends(LINE * 2)
    carol.half_closes()
    learner.goes_on()
    carol.receives(b"2\n3\n")
    carol.sees_end_of_file()
    bob.sends(LINE)
    bob.receives(b"4\n")


@reveals("fd-leak")
def check_serves_as_many_as_come(learner, clients, other_peer, port):
    """takes a port over, and serves one more client beside a hundred that are silent"""
    (last,) = clients("last")
    crowd = clients.crowd(100)
    other_peer.leaves_time_wait(port)

    learner.serves("serve", port)

    crowd.connects(port)
    last.connects(port)
    last.sends(LINE)
    last.receives(b"1\n")
    crowd.closes()
    last.sends(LINE)
    last.receives(b"2\n")


@only("c", because="a Python thread is detached by the interpreter")
@reveals("never-joined")
def check_lets_go_of_its_threads(learner, clients, port):
    """has joined or detached every thread that has ended when the next client is accepted"""
    ann, bob = clients("ann", "bob")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.sends(LINE)
    ann.receives(b"1\n")
    ann.leaves()
    learner.rests()
    bob.connects(port)
    learner.rests()
    bob.sends(LINE)
    bob.receives(b"2\n")
    learner.has_let_go_of_its_threads()


@reveals("thread-dies-loudly")
def check_keeps_an_error_to_its_client(learner, clients, port, fault):
    """goes on serving, without a word, when clients are gone in the middle"""
    ann, bob, carol = clients("ann", "bob", "carol")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.sends(LINE)
    ann.receives(b"1\n")
    ann.resets()
    learner.rests()
    fault("recv", hold=True, when="ready 1")
    bob.connects(port)
    bob.sends(LINE)
    learner.is_held()
    bob.half_closes()
    bob.resets()
    learner.goes_on()
    learner.rests()
    carol.connects(port)
    learner.rests()
    carol.sends(LINE)
    carol.receives(b"2\n", b"3\n")


@reveals("thread-failure")
def check_outlives_a_thread_that_cannot_be_had(learner, peer, clients, port, fault):
    """loses one client when there is no thread for it, and accepts after errors that pass"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    fault("pthread_create", error="EAGAIN", when="1")
    fault("send", limit=1)
    fault("accept", errors=("", *ACCEPT_AGAIN), when="ready")
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
    ann.leaves()
    bob.connects(port)
    learner.rests()
    bob.sends(LINE * 10)
    bob.receives(b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n")
    bob.leaves()
    learner.rests()
    learner.runs_out_of_descriptors()
    carol.connects(port)
    learner.paces_itself()
    learner.gets_descriptors_back()
    carol.sends(LINE)
    carol.receives(b"11\n")
    carol.leaves()
    learner.gives_up_or_answers("EBADF", dave, port, LINE, b"12\n")


@reveals("fd-leak")
def check_keeps_nobody_waiting(learner, clients, port, fault, clock):
    """does not sleep while a client waits, or for a moment when accept() has failed"""
    ann, bob = clients("ann", "bob")
    fault("accept", errors=("EPROTO", "", "EMFILE"), when="ready")

    learner.serves("serve", port)

    clock.limits_waiting(0.1)
    ann.connects(port)
    ann.sends(LINE)
    ann.receives(b"1\n")
    ann.leaves()
    clock.limits_waiting(1)
    bob.connects(port)
    bob.sends(LINE)
    bob.receives(b"2\n")


@only("c", because="a Python socket knows that it has been closed")
@reveals("descriptor-reuse")
def check_closes_no_connection_but_its_own(learner, clients, port, fault):
    """closes a connection once, and never the one that has its number next"""
    ann, bob, carol = clients("ann", "bob", "carol")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.sends(LINE)
    ann.receives(b"1\n")
    fault("close", hold=True, when="1")
    ann.half_closes()
    learner.is_held()
    bob.connects(port)  # accept() had its number before; carol's is the one that is free now
    learner.rests_but_for_the_held()
    carol.connects(port)
    learner.rests_but_for_the_held()
    learner.goes_on()
    ann.sees_end_of_file()
    learner.rests()
    carol.sends(LINE)
    carol.receives(b"2\n")
    bob.sends(LINE)
    bob.receives(b"3\n")


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("fd-leak")
def check_goes_on_after_an_interruption(learner, peer, port, fault):
    """goes on after signals have interrupted accept(), recv() and send()"""
    fault("accept", error="EINTR", when="1..2")
    fault("recv", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1..2")

    learner.serves("serve", port)

    peer.connects(port)
    learner.rests()
    peer.sends(b"one\ntwo\n")
    peer.receives(b"1\n2\n")
    peer.leaves()


@torture
def check_survives_every_failing_call(learner, clients, port):
    """reports or survives every call that fails"""
    learner.serves("serve", port)

    clients.either_is_answered(port, LINE, b"1\n", b"2\n")
