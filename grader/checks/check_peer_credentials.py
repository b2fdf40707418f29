"""23 peer_credentials: ask the kernel who has connected, and let in who is on the list."""

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

WELCOME, DENIED = b"welcome\n", b"denied\n"
# Ids of users that no machine has; each has the other's number for a group.
ANN, BOB = 70001, 70002
# So many other users that a list of theirs is longer than anybody has made room for.
CROWD = range(80001, 80129)
# The first that is negative to who gives ids a sign, and one in the middle of those.
FIRST_LARGE, LARGE = 2**31, 3000000000
NOBODY = 2**32 - 1
# What the kernel says where there is no peer: process 0, user and group NOBODY.
NO_PEER = bytes(4) + b"\xff" * 8
# Of 60 characters, and of more bytes than an address has room for.
UMLAUTS = "ü" * 60


@reveals("signed-uid")
def check_says_who_is_there(learner, clients, caller):
    """says which process, user and group is at the other end, whatever that one says or does"""
    caller.has_settings_of_its_own()
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    learner.runs("peer_of", ann.unix_connection)
    learner.returns_credentials_of(ann)

    learner.runs("peer_of", bob.unix_connection_of(ANN, BOB))
    learner.returns_credentials_of(bob, ANN, BOB)

    connection = carol.unix_connection_of(BOB, ANN)
    carol.sends(b"70001\n")
    carol.closes()
    learner.runs("peer_of", connection)
    learner.returns_credentials_of(carol, BOB, ANN)
    learner.has_not_called("recv")

    learner.runs("peer_of", dave.unix_connection_of(LARGE, NOBODY - 1))
    learner.returns_credentials_of(dave, LARGE, NOBODY - 1)


@reveals("closed-mode")
def check_is_open_to_everybody(learner, folder, fault, caller):
    """gives everybody the permission to connect, before anybody can"""
    caller.has_settings_of_its_own()
    fault("listen", hold=True, when="1")

    learner.serves("serve", folder.path("dome"), [ANN])

    learner.is_held()
    folder.shows_mode("dome", 0o666, fewer="closed-mode")
    learner.goes_on()
    learner.rests()


@reveals("claimed-identity")
def check_believes_nobody(learner, clients, folder):
    """believes no client that says who it is, and reads nothing for its answer"""
    ann, bob = clients("ann", "bob")
    path = folder.path("dome")

    learner.serves("serve", path, [ANN])

    learner.is_stopped()
    bob.connects(path, user=BOB, group=BOB)
    bob.sends(b"70001\n")
    learner.goes_on()
    bob.receives(DENIED)
    bob.receives_until_the_end()
    ann.connects(path, user=ANN, group=ANN)
    ann.receives(WELCOME)


@reveals("own-credentials", "group-for-user")
def check_lets_in_whoever_is_on_its_list(learner, clients, folder):
    """lets in the users of its list, who need not say anything"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    path = folder.path("dome")

    learner.serves("serve", path, [ANN, 7])

    carol.connects(path, user=70, group=70)
    carol.receives(DENIED)
    carol.sees_end_of_file()
    bob.connects(path, user=BOB, group=ANN)
    bob.receives(DENIED)
    bob.sees_end_of_file()
    ann.connects(path, user=ANN, group=BOB)
    ann.receives(WELCOME)
    ann.sees_end_of_file()
    bob.closes()
    ann.closes()
    learner.rests()
    dave.connects(path, user=7, group=70)
    dave.receives(WELCOME)
    dave.leaves()


@reveals("root-enters")
def check_asks_its_list_alone(learner, clients, folder):
    """lets in whoever is on the list, however long it is, and root only if root is on it"""
    ann, bob = clients("ann", "bob")
    path = folder.path("dome")

    learner.serves("serve", path, [ANN, *CROWD, BOB])

    ann.connects(path, user=0, group=0)
    ann.receives(DENIED)
    ann.sees_end_of_file()
    bob.connects(path, user=BOB, group=0)
    bob.receives(WELCOME)
    bob.sees_end_of_file()


@reveals("root-enters")
def check_knows_an_empty_list(learner, clients, folder):
    """lets in nobody where nobody is on the list"""
    ann, bob = clients("ann", "bob")
    path = folder.path("dome")

    learner.serves("serve", path, [])

    bob.connects(path, user=BOB, group=BOB)
    bob.receives(DENIED)
    bob.sees_end_of_file()
    ann.connects(path, user=0, group=0)
    ann.receives(DENIED)
    ann.sees_end_of_file()


@reveals("signed-uid")
def check_knows_large_user_ids(learner, clients, folder):
    """lets in users whose ids are large, and user 0"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    path = folder.path("dome")

    learner.serves("serve", path, [LARGE, FIRST_LARGE, 0, NOBODY - 1])

    bob.connects(path, user=0, group=0)
    bob.receives(WELCOME)
    bob.sees_end_of_file()
    ann.connects(path, user=LARGE, group=LARGE)
    ann.receives(WELCOME)
    ann.sees_end_of_file()
    carol.connects(path, user=FIRST_LARGE, group=0)
    carol.receives(WELCOME)
    carol.sees_end_of_file()
    dave.connects(path, user=NOBODY - 1, group=0)
    dave.receives(WELCOME)
    dave.sees_end_of_file()
    ann.connects(path, user=FIRST_LARGE - 1, group=LARGE)
    ann.receives(DENIED)
    ann.sees_end_of_file()


@reveals("default-allow")
def check_lets_in_nobody_by_mistake(learner, clients, folder, fault):
    """turns away whom the kernel does not tell of, whoever came before"""
    ann, bob, carol = clients("ann", "bob", "carol")
    path = folder.path("dome")

    learner.serves("serve", path, [0, ANN, *ann.credentials()])

    carol.connects(path, user=ANN, group=ANN)
    carol.receives(WELCOME)
    carol.sees_end_of_file()
    fault("getsockopt", error="ENOPROTOOPT", option="SO_PEERCRED", when="connected")
    ann.connects(path)
    ann.receives(DENIED)
    ann.sees_end_of_file()
    bob.connects(path)
    bob.receives(DENIED)
    bob.sees_end_of_file()


@reveals("nobody-is-somebody")
def check_takes_nobody_for_nobody(learner, peer, folder, fault):
    """turns away user 4294967295, which is nobody, even if the list has it"""
    path = folder.path("dome")
    fault("getsockopt", poke=NO_PEER, option="SO_PEERCRED", when="connected")

    learner.serves("serve", path, [0, NOBODY, *peer.credentials()])

    peer.connects(path)
    peer.receives(DENIED)
    peer.sees_end_of_file()


@reveals("nobody-is-somebody")
def check_says_that_nobody_is_there(learner, peer, other_peer, fault):
    """says ENOTCONN of a socket that has no peer for the kernel, and else what getsockopt() says"""
    learner.runs("peer_of", peer.connection)
    learner.raises("ENOTCONN", named=True, instead="nobody-is-somebody")

    fault("getsockopt", error="ENOPROTOOPT", option="SO_PEERCRED", when="connected")
    learner.runs("peer_of", other_peer.unix_connection)
    learner.raises("ENOPROTOOPT", named=True)


@only("c", because="a number in Python is an object, and a socket object has a socket")
@reveals("unchecked-argument")
def check_checks_its_arguments(learner, clients, folder):
    """refuses null pointers, but for an empty list, and says what getsockopt() says of what is no socket"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    path = folder.path("dome")
    learner.runs("peer_of", ann.unix_connection, pid=Null(4))
    learner.refuses(gap="unchecked-argument")

    learner.runs("peer_of", bob.unix_connection, uid=Null(4))
    learner.refuses(gap="unchecked-argument")

    learner.runs("peer_of", carol.unix_connection, gid=Null(4))
    learner.refuses(gap="unchecked-argument")

    learner.runs("serve", path, Null(1))
    learner.refuses(gap="unchecked-argument")

    learner.fails_with("EBADF", "peer_of", -1)

    learner.fails_with("ENOTSOCK", "peer_of", folder.opened("notes"))

    learner.serves("serve", path, Null(0))
    dave.connects(path)
    dave.receives(DENIED)
    dave.leaves()


@reveals("robbed-server")
def check_leaves_alone_what_is_there(learner, peer, other_peer, folder, caller):
    """fails with EADDRINUSE where there is anything at its path, and does not touch it"""
    caller.has_settings_of_its_own()
    learner.runs("serve", peer.listens(folder.path("dome")), [ANN])
    learner.raises("EADDRINUSE", named=True)

    learner.runs("serve", folder.has_stale_socket("old"), [ANN])
    learner.raises("EADDRINUSE", named=True)

    learner.runs("serve", folder.has_file("notes"), [ANN])
    learner.raises("EADDRINUSE", named=True)

    learner.runs("serve", folder.has_link("dangling", to="nothing"), [ANN])
    learner.raises("EADDRINUSE", named=True)

    learner.runs("serve", folder.has_directory("domes"), [ANN])
    learner.raises("EADDRINUSE", named=True)


@reveals("long-path")
def check_knows_how_long_a_path_may_be(learner, peer, folder):
    """serves at a path of 107 bytes, and refuses a longer one and an empty one"""
    learner.runs("serve", "", [ANN])
    learner.refuses(gap="long-path")

    learner.runs("serve", folder.path("dome", size=108), [ANN])
    learner.raises("ENAMETOOLONG", named=True, instead="long-path")

    learner.runs("serve", folder.path(UMLAUTS), [ANN])
    learner.raises("ENAMETOOLONG", named=True, instead="long-path")

    path = folder.path("dome", size=107)
    learner.serves("serve", path, [ANN])
    peer.connects(path, user=ANN, group=ANN)
    peer.receives(WELCOME)
    peer.sees_end_of_file()


@only("python", because="a zero byte ends a path in C")
@reveals("long-path")
def check_refuses_a_path_with_a_zero_byte(learner, folder):
    """refuses a path with a zero byte in it, and one that is too long"""
    learner.runs("serve", folder.path("do\0me"), [ANN])
    learner.refuses(gap="")

    learner.runs("serve", "\0dome", [ANN])
    learner.refuses(gap="")

    learner.runs("serve", folder.path("dome", size=200), [ANN])
    learner.raises("ENAMETOOLONG", named=True, instead="long-path")


@reveals("dies-of-client")
def check_outlives_clients_that_are_gone(learner, clients, folder, fault):
    """serves the next client when one is gone before its answer, or in the middle of it, or does not go"""
    ann, bob, carol, dave = clients("ann", "bob", "carol", "dave")
    path = folder.path("dome")
    fault("accept", hold=True, when="ready 1")

    learner.serves("serve", path, [ANN])

    ann.connects(path, user=ANN, group=ANN)
    learner.is_held()
    ann.closes()
    learner.goes_on()
    learner.rests()
    bob.connects(path, user=BOB, group=BOB)
    bob.receives(DENIED)
    bob.sees_end_of_file()
    fault("send", limit=3, when="1")
    fault("send", error="EPIPE", when="1")
    carol.connects(path, user=ANN, group=ANN)
    carol.receives_until_the_end()
    learner.is_stopped()
    ann.connects(path)
    ann.resets()
    dave.connects(path)
    learner.goes_on()
    dave.receives(DENIED)
    dave.leaves()
    learner.rests()
    fault("send", hold=True, when="1")
    bob.connects(path)
    learner.is_held()
    learner.has_reaped_its_children()
    learner.goes_on()
    bob.receives(DENIED)
    bob.leaves()


@reveals("dies-of-accept")
def check_serves_in_the_working_directory(learner, clients, folder, caller, fault):
    """serves at a path without a slash, and accepts again after errors that pass"""
    ann, bob = clients("ann", "bob")
    caller.works_in(folder)
    for number, error in enumerate(("ECONNABORTED", "EPROTO", "ENOBUFS", "EMFILE", "ENFILE", "EPERM"), 1):
        fault("accept", error=error, when=f"ready {number}")

    learner.serves("serve", "dome", [ANN])

    ann.connects(folder.path("dome"), user=ANN, group=ANN)
    ann.receives(WELCOME)
    ann.sees_end_of_file()
    learner.gives_up_or_answers("EBADF", bob, folder.path("dome"), b"", DENIED)


@reveals("robbed-successor")
def check_leaves_its_successor_alone(learner, clients, other_peer, folder):
    """removes its path in the end only if it is still its own"""
    ann, bob = clients("ann", "bob")
    path = folder.path("dome")

    learner.serves("serve", path, [ANN])

    ann.connects(path, user=ANN, group=ANN)
    ann.receives(WELCOME)
    ann.leaves()
    own = folder.moves("dome", to="old")
    other_peer.listens(path)
    learner.gives_up_or_answers("EBADF", bob, own, b"", DENIED)


@reveals("dies-of-accept")
def check_keeps_nobody_waiting(learner, clients, folder, fault, clock):
    """does not sleep while a client waits, or for a moment when accept() has failed"""
    ann, bob, carol = clients("ann", "bob", "carol")
    path = folder.path("dome")
    fault("accept", error="EPROTO", when="ready 1")
    fault("accept", error="EMFILE", when="ready 4")

    learner.serves("serve", path, [ANN])

    clock.passes(60)
    clock.limits_waiting(0.1)
    ann.connects(path, user=ANN, group=ANN)
    ann.receives(WELCOME)
    ann.sees_end_of_file()
    bob.connects(path, user=BOB, group=BOB)
    bob.receives(DENIED)
    bob.sees_end_of_file()
    clock.limits_waiting(1)
    carol.connects(path, user=ANN, group=ANN)
    carol.receives(WELCOME)
    carol.leaves()


@reveals("dies-of-accept")
def check_waits_while_descriptors_lack(learner, clients, folder, fault):
    """waits, without spinning, while there are no descriptors"""
    ann, bob, carol = clients("ann", "bob", "carol")
    path = folder.path("dome")
    fault("sleep", limit=5)

    learner.serves("serve", path, [])

    ann.connects(path)
    ann.receives(DENIED)
    ann.sees_end_of_file()
    learner.rests()
    learner.runs_out_of_descriptors()
    bob.connects(path)
    ann.closes()
    learner.paces_itself()
    learner.gets_descriptors_back()
    bob.closes()
    carol.connects(path)
    carol.receives(DENIED)
    carol.leaves()


@reveals("own-credentials")
def check_sends_all_of_its_answer(learner, clients, folder, fault):
    """sends all of its answer, however little of it a call takes"""
    ann, bob = clients("ann", "bob")
    path = folder.path("dome")
    fault("send", limit=3)

    learner.serves("serve", path, [ANN])

    ann.connects(path, user=ANN, group=ANN)
    ann.receives(WELCOME)
    ann.sees_end_of_file()
    bob.connects(path, user=BOB, group=BOB)
    bob.receives(DENIED)
    bob.sees_end_of_file()


@torture
def check_survives_every_failing_call(learner, clients, folder):
    """reports or survives every call that fails"""
    path = folder.path("dome")

    learner.serves("serve", path, [ANN, BOB])

    clients.either_is_answered(path, b"", DENIED)
