"""21 unix_server: the echo server with a path for an address, which may be taken."""

from grader.verbs.script import only, reveals, torture

HELLO = b"the quick brown fox\n"
BINARY = bytes(range(256)) * 4
# Every 8 bytes tell where they stand: "0000000 0000008 ...".
PATTERN = b"".join(b"%07d " % offset for offset in range(0, 24000, 8))
# Of 60 characters, and of more bytes than an address has room for.
UMLAUTS = "ü" * 60


@reveals("short-addrlen", "open-mode")
def check_serves_its_owner_alone(learner, peer, folder, fault):
    """serves at the path, to its last byte, and gives nobody else a connection"""
    path = folder.path("monitor")
    fault("listen", hold=True, when="1")

    learner.serves("serve", path)

    learner.is_held()
    folder.shows_mode("monitor", 0o600, more="open-mode")
    learner.goes_on()
    peer.connects(path)
    learner.rests()
    peer.is_echoed(HELLO)
    learner.rests()
    peer.is_echoed(BINARY)
    peer.is_echoed(PATTERN)
    peer.is_echoed(b"\n")
    peer.is_echoed(b" \t \r\n")
    peer.is_echoed(b"\0")
    peer.leaves()


@reveals("stale-path")
def check_takes_the_place_of_a_dead_server(learner, clients, folder, fault, clock):
    """removes the socket of a server that is gone, and serves one client after the other, short counts or not"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    path = folder.has_stale_socket("monitor")
    fault("send", limit=1021)

    learner.serves("serve", path)

    clock.passes(60)
    ann.connects(path)
    clock.passes(60)
    bob.connects(path)
    ann.is_echoed(PATTERN)
    bob.sends(BINARY)
    ann.leaves()
    bob.receives(BINARY)
    bob.closes()
    carol.connects(path)
    learner.rests()
    carol.leaves()
    learner.rests()
    dave.connects(path)
    learner.rests()
    learner.has_reaped_its_children()
    learner.is_stopped()
    dave.sends(PATTERN)
    dave.half_closes()
    learner.goes_on()
    dave.receives(PATTERN)
    dave.sees_end_of_file()


@reveals("robbed-server", "probe-blocks")
def check_leaves_a_live_server_alone(learner, peer, other_peer, folder, caller):
    """fails with EADDRINUSE where a server is alive, without waiting for one that is busy"""
    caller.has_settings_of_its_own()
    path = peer.listens(folder.path("monitor"))
    learner.runs("serve", path)
    learner.raises("EADDRINUSE", named=True)

    path = other_peer.is_silent(folder.path("ward"))
    learner.runs("serve", path)
    learner.raises("EADDRINUSE", named=True)


@reveals("not-a-socket")
def check_leaves_alone_what_is_not_a_socket(learner, folder):
    """fails with EADDRINUSE where there is a file, a directory or a link, and does not touch it"""
    folder.has_stale_socket("old")

    learner.runs("serve", folder.has_file("monitor"))
    learner.raises("EADDRINUSE", named=True)

    learner.runs("serve", folder.has_link("alias", to="old"))
    learner.raises("EADDRINUSE", named=True)

    learner.runs("serve", folder.has_directory("monitors"))
    learner.raises("EADDRINUSE", named=True)

    learner.runs("serve", folder.has_link("dangling", to="nothing"))
    learner.raises("EADDRINUSE", named=True)


@reveals("wrong-type", "robbed-server")
def check_leaves_a_datagram_server_alone(learner, peer, folder):
    """takes a live socket of another type for a server that is alive"""
    path = peer.binds(folder.path("monitor"))

    learner.runs("serve", path)

    learner.raises("EADDRINUSE", named=True)


@reveals("robbed-server")
def check_reports_what_fails(learner, folder, fault):
    """reports another failure of the question as it is, the path untouched, and those of other calls"""
    path = folder.has_stale_socket("monitor")
    fault("connect", error="EACCES", when="1")
    learner.runs("serve", path)
    learner.raises("EACCES")
    folder.is_untouched(otherwise="robbed-server")

    fault("socket", error="EMFILE", when="1")
    learner.runs("serve", path)
    learner.raises("EMFILE", named=True)
    folder.is_untouched(otherwise="robbed-server")

    fault("bind", error="EROFS", when="unconnected 1")
    learner.runs("serve", folder.path("ward"))
    learner.raises("EROFS", named=True)

    fault("listen", error="EADDRINUSE", when="1")
    learner.runs("serve", folder.path("ward"))
    learner.raises("EADDRINUSE", named=True)

    learner.runs("serve", folder.path("nowhere/monitor"))
    learner.raises("ENOENT")


@reveals("unlisted-server")
def check_takes_turns_with_others_that_start(learner, peer, other_peer, folder, fault):
    """waits for a server that starts, and lets none ask from its own question until it listens"""
    path = folder.path("monitor")
    other_peer.locks(folder)
    other_peer.holds(path)
    learner.runs("serve", path)
    learner.rests()
    folder.is_untouched(otherwise="unlisted-server")
    other_peer.begins_to_listen(path)
    other_peer.unlocks()
    learner.raises("EADDRINUSE", named=True)

    other_peer.locks(folder)
    other_peer.unlocks()
    path = folder.has_stale_socket("ward")
    fault("connect", hold=True, when="1")
    fault("bind", hold=True, when="unconnected 1")
    fault("listen", hold=True, when="1")
    learner.serves("serve", path)
    learner.is_held()
    other_peer.finds_locked(folder, otherwise="unlisted-server")
    learner.goes_on()
    learner.is_held()
    other_peer.finds_locked(folder, otherwise="unlisted-server")
    learner.goes_on()
    learner.is_held()
    other_peer.finds_locked(folder, otherwise="unlisted-server")
    learner.goes_on()
    peer.connects(path)
    peer.is_echoed(HELLO)
    other_peer.locks(folder)


@reveals("long-path")
def check_knows_how_long_a_path_may_be(learner, clients, folder):
    """serves at a path of 107 bytes, and refuses a longer one and an empty one"""
    ann, bob = clients("ann", "bob")
    learner.runs("serve", folder.path("monitor", size=108))
    learner.raises("ENAMETOOLONG", named=True, instead="long-path")

    learner.runs("serve", folder.path(UMLAUTS))
    learner.raises("ENAMETOOLONG", named=True, instead="long-path")

    learner.runs("serve", "")
    learner.refuses(gap="")

    path = folder.path("monitor", size=107)
    learner.serves("serve", path)
    ann.connects(path)
    ann.is_echoed(HELLO)
    ann.leaves()
    bob.connects(path)
    bob.is_echoed(HELLO)


@only("python", because="a zero byte ends a path in C")
@reveals("long-path")
def check_refuses_a_path_with_a_zero_byte(learner, folder):
    """refuses a path with a zero byte in it, and one that is too long"""
    learner.runs("serve", folder.path("moni\0tor"))
    learner.refuses(gap="")

    learner.runs("serve", "\0monitor")
    learner.refuses(gap="")

    learner.runs("serve", folder.path("monitor", size=200))
    learner.raises("ENAMETOOLONG", named=True, instead="long-path")


@reveals("dies-of-accept")
def check_serves_in_the_working_directory(learner, clients, folder, caller, fault):
    """serves at a path without a slash, and accepts again after errors that pass"""
    ann, bob = clients("ann", "bob")
    caller.works_in(folder)
    for number, error in enumerate(("ECONNABORTED", "EPROTO", "ENOBUFS", "EMFILE", "ENFILE", "EPERM"), 1):
        fault("accept", error=error, when=f"ready {number}")
    path = folder.path("monitor")

    learner.serves("serve", "monitor")

    ann.connects(path)
    learner.rests()
    ann.is_echoed(HELLO)
    ann.leaves()
    learner.gives_up_or_answers("EBADF", bob, path, BINARY, BINARY)


@reveals("robbed-successor")
def check_leaves_its_successor_alone(learner, clients, other_peer, folder):
    """removes its path in the end only if it is still its own"""
    ann, bob = clients("ann", "bob")
    path = folder.path("monitor")

    learner.serves("serve", path)

    ann.connects(path)
    ann.is_echoed(HELLO)
    ann.leaves()
    own = folder.moves("monitor", to="old")
    other_peer.listens(path)
    learner.gives_up_or_answers("EBADF", bob, own, BINARY, BINARY)


@reveals("dies-of-client")
def check_outlives_a_client_that_is_gone(learner, clients, folder, fault):
    """serves the next client when one is gone before its bytes come back, or some of them"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    path = folder.path("monitor")
    fault("recv", hold=True, when="ready 1")

    learner.serves("serve", path)

    ann.connects(path)
    learner.rests()
    learner.is_left_by(ann, HELLO)
    learner.rests()
    dave.connects(path)
    dave.is_echoed(HELLO)
    dave.resets()
    learner.rests()
    bob.connects(path)
    bob.is_echoed(HELLO)
    bob.leaves()
    fault("recv", error="ECONNRESET", when="ready 1")
    carol.connects(path)
    carol.sends(HELLO)
    carol.receives_until_the_end()
    learner.rests()
    dave.connects(path)
    dave.is_echoed(HELLO)


@reveals("dies-of-accept")
def check_keeps_nobody_waiting(learner, clients, folder, fault, clock):
    """does not sleep while a client waits, or for a moment when accept() has failed"""
    ann, bob = clients("ann", "bob")
    path = folder.path("monitor")
    fault("accept", error="EPROTO", when="ready 1")
    fault("accept", error="EMFILE", when="ready 3")

    learner.serves("serve", path)

    clock.limits_waiting(0.1)
    ann.connects(path)
    ann.is_echoed(HELLO)
    ann.sends(BINARY)
    ann.half_closes()
    ann.receives(BINARY)
    ann.sees_end_of_file()
    clock.limits_waiting(1)
    bob.connects(path)
    bob.is_echoed(HELLO)


@reveals("dies-of-accept")
def check_waits_while_descriptors_lack(learner, clients, folder, fault):
    """waits, without spinning, while there are no descriptors"""
    ann, bob, carol = clients("ann", "bob", "carol")
    path = folder.path("monitor")
    fault("sleep", limit=5)

    learner.serves("serve", path)

    ann.connects(path)
    learner.rests()
    ann.is_echoed(HELLO)
    learner.runs_out_of_descriptors()
    bob.connects(path)
    ann.closes()
    learner.paces_itself()
    learner.gets_descriptors_back()
    bob.closes()
    carol.connects(path)
    learner.rests()
    carol.is_echoed(HELLO)
    carol.leaves()


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("short-addrlen")
def check_goes_on_after_an_interruption(learner, peer, folder, fault):
    """goes on after signals have interrupted its calls"""
    path = folder.path("monitor")
    fault("flock", error="EINTR", when="1")
    fault("accept", error="EINTR", when="1..2")
    fault("recv", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1..2")

    learner.serves("serve", path)

    peer.connects(path)
    learner.rests()
    peer.is_echoed(HELLO)
    peer.leaves()


@torture
def check_survives_every_failing_call(learner, clients, folder):
    """reports or survives every call that fails"""
    path = folder.has_stale_socket("monitor")

    learner.serves("serve", path)

    clients.either_is_echoed(path, HELLO)
