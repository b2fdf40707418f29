"""11 fork_server: an echo server with a process for each client."""

from grader.verbs.script import ACCEPT_AGAIN, only, reveals, torture

HELLO = b"the quick brown fox\n"
BINARY = bytes(range(256)) * 4
# Every 8 bytes tell where they stand: "0000000 0000008 ...".
PATTERN = b"".join(b"%07d " % offset for offset in range(0, 24000, 8))


@reveals("one-at-a-time")
def check_serves_others_while_one_is_silent(learner, clients, port):
    """serves every client at once, whether or not another one is silent"""
    ann, bob, carol = clients("ann", "bob", "carol")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    bob.connects(port)
    learner.rests()
    bob.is_echoed(HELLO)
    carol.connects(port, "127.0.0.2")
    learner.rests()
    carol.is_echoed(BINARY)
    bob.is_echoed(BINARY)
    ann.is_echoed(HELLO)
    learner.has_called("accept", "fork")


@reveals("parent-keeps-connection", "child-accepts")
def check_ends_a_connection_with_its_child(learner, clients, port):
    """closes a connection in every process when its client has reached its end"""
    ann, bob = clients("ann", "bob")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.is_echoed(PATTERN)
    ann.leaves()
    learner.rests()
    bob.connects(port)
    learner.rests()
    bob.is_echoed(HELLO)
    bob.leaves()


@reveals("child-keeps-listener")
def check_listens_in_the_parent_alone(learner, clients, port):
    """closes the listening socket in the children"""
    ann, bob = clients("ann", "bob")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.is_echoed(HELLO)
    bob.connects(port)
    learner.rests()
    bob.is_echoed(HELLO)
    learner.listens_in_one_process()


@reveals("zombies")
def check_reaps_its_children(learner, clients, port):
    """has let go of every child that has ended when the next client is accepted"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")

    learner.serves("serve", port)

    clients.arrive(port, ann, bob, carol)
    ann.is_echoed(HELLO)
    bob.is_echoed(HELLO)
    learner.is_stopped()
    ann.leaves()
    bob.leaves()
    learner.goes_on()  # to one SIGCHLD for two children
    learner.rests()
    dave.connects(port)
    learner.rests()
    dave.is_echoed(HELLO)
    learner.has_reaped_its_children()
    carol.is_echoed(HELLO)


@reveals("one-at-a-time")
def check_hears_a_client_to_its_end(learner, clients, port):
    """sends everything back to clients that have said it, and half-closed, before the server looks"""
    ann, bob, carol = clients("ann", "bob", "carol")

    learner.serves("serve", port)

    learner.is_stopped()
    ann.connects(port)
    bob.connects(port)
    bob.sends(PATTERN)
    bob.half_closes()
    carol.connects(port)
    carol.sends(HELLO)
    carol.half_closes()
    learner.goes_on()
    carol.receives(HELLO)
    carol.sees_end_of_file()
    bob.receives(PATTERN)
    bob.sees_end_of_file()
    ann.is_echoed(HELLO)


@reveals("one-at-a-time")
def check_serves_as_many_as_come(learner, clients, other_peer, port):
    """takes a port over, and serves one more client beside a hundred that are silent"""
    (last,) = clients("last")
    crowd = clients.crowd(100)
    other_peer.leaves_time_wait(port)

    learner.serves("serve", port)

    crowd.connects(port)
    last.connects(port)
    last.is_echoed(HELLO)
    crowd.closes()
    last.is_echoed(BINARY)


@reveals("fork-failure")
def check_outlives_a_failed_fork(learner, clients, port, fault):
    """loses one client, and not the server, when fork() fails"""
    ann, bob = clients("ann", "bob")
    fault("fork", error="EAGAIN", when="1")

    learner.serves("serve", port)

    ann.connects(port)
    ann.leaves()
    bob.connects(port)
    learner.rests()
    bob.is_echoed(HELLO)
    bob.leaves()


@reveals("one-at-a-time")
def check_serves_the_others_when_a_later_fork_fails(learner, clients, port, fault):
    """serves the others when the second fork() fails, whoever has called it"""
    ann, bob, carol = clients("ann", "bob", "carol")
    fault("fork", error="ENOMEM", when="2")

    learner.serves("serve", port)

    clients.arrive(port, ann, bob, carol)
    carol.is_echoed(HELLO)


@reveals("child-accepts", "child-escapes")
def check_ends_a_child_whose_client_resets(learner, clients, port):
    """ends the child of a client that resets the connection, and no other"""
    ann, bob, carol = clients("ann", "bob", "carol")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.is_echoed(HELLO)
    bob.connects(port)
    learner.rests()
    bob.is_echoed(HELLO)
    ann.resets()
    carol.connects(port)
    carol.resets()
    bob.is_echoed(PATTERN)
    bob.leaves()


@reveals("child-escapes")
def check_outlives_a_broken_pipe(learner, clients, port, fault):
    """serves the next client when one is gone before its bytes come back, or some of them"""
    ann, bob, carol = clients("ann", "bob", "carol")
    fault("recv", hold=True, when="ready 1")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    learner.is_left_by(ann, HELLO)
    bob.connects(port)
    learner.rests()
    bob.is_echoed(HELLO)
    bob.leaves()
    fault("send", limit=7, hold=True, when="1")
    carol.connects(port)
    learner.is_left_by(carol, HELLO)  # the rest of the answer is still to be sent
    learner.rests()
    bob.connects(port)
    bob.is_echoed(HELLO)


@reveals("dies-of-accept")
def check_outlives_what_accept_reports(learner, peer, clients, port, fault):
    """accepts again after errors that pass, and reports those that do not, or goes on"""
    ann, bob = clients("ann", "bob")
    fault("send", limit=7)
    fault("accept", errors=ACCEPT_AGAIN, when="ready")
    fault("getaddrinfo", error="EMFILE", when="1")
    fault("socket", error="ENFILE", when="1")

    learner.fails_with("EMFILE", "serve", port)
    learner.fails_with("ENFILE", "serve", port)
    learner.fails_with("EADDRINUSE", "serve", peer.listens("0.0.0.0"))

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.is_echoed(BINARY)
    ann.leaves()
    learner.gives_up_or_answers("EBADF", bob, port, BINARY, BINARY)


@reveals("dies-of-accept")
def check_keeps_nobody_waiting(learner, clients, port, fault, clock):
    """does not sleep while a client waits, or for a moment when accept() has failed"""
    ann, bob = clients("ann", "bob")
    fault("accept", errors=("EPROTO", "", "EMFILE"), when="ready")

    learner.serves("serve", port)

    clock.limits_waiting(0.1)
    ann.connects(port)
    ann.is_echoed(HELLO)
    ann.leaves()
    clock.limits_waiting(1)
    bob.connects(port)
    bob.is_echoed(HELLO)


@reveals("dies-of-accept")
def check_waits_while_descriptors_lack(learner, clients, port, fault):
    """waits, without spinning, while there are no descriptors"""
    ann, bob, carol = clients("ann", "bob", "carol")
    fault("sleep", limit=5)

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.is_echoed(HELLO)
    ann.leaves()
    learner.runs_out_of_descriptors()
    bob.connects(port)
    learner.paces_itself()
    learner.gets_descriptors_back()
    bob.closes()
    carol.connects(port)
    learner.rests()
    carol.is_echoed(HELLO)


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("dies-of-accept")
def check_goes_on_after_an_interruption(learner, clients, port, fault):
    """goes on after SIGCHLD and other signals have interrupted its calls"""
    ann, bob = clients("ann", "bob")
    fault("accept", error="EINTR", signal="SIGCHLD", when="2..3")
    fault("recv", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1..2")

    learner.serves("serve", port)

    ann.connects(port)
    learner.rests()
    ann.is_echoed(HELLO)
    ann.leaves()
    bob.connects(port)
    learner.rests()
    bob.is_echoed(HELLO)


@torture
def check_survives_every_failing_call(learner, clients, port):
    """reports or survives every call that fails"""
    learner.serves("serve", port)

    clients.either_is_echoed(port, HELLO)
