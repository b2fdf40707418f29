"""24 fd_passing: one byte, one descriptor, and who has it then."""

from grader.verbs.script import only, reveals, torture

#: Numbers that no open descriptor has.
NOT_OPEN = 900


@reveals("no-data-byte")
def check_sends_a_descriptor_with_a_byte(learner, peer, folder, caller):
    """sends the open file itself, with exactly one byte, each time"""
    caller.has_settings_of_its_own()
    notes, drafts = folder.opened("notes"), folder.opened("drafts")

    learner.runs("send_fd", peer.unix_connection, notes)
    peer.is_passed(notes)
    learner.returns(None)

    learner.runs("send_fd", peer.unix_connection, drafts)
    learner.returns(None)
    learner.runs("send_fd", peer.unix_connection, notes)
    learner.returns(None)
    peer.is_passed(drafts)
    peer.is_passed(notes)
    learner.ends()
    peer.sees_end_of_file()


@reveals("small-control", "number-not-descriptor", "inherited-on-exec")
def check_receives_a_descriptor(learner, peer, folder, clock):
    """returns a descriptor of the open file that was sent, closed on exec, whatever the byte is"""
    notes, drafts = folder.opened("notes"), folder.opened("drafts")

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    clock.passes(60)
    peer.passes(notes, data=b"\x2a")
    learner.returns_descriptor_of(notes, inherited="inherited-on-exec")

    peer.passes(drafts, data=b"\x00")
    peer.passes(notes, data=b"\xff")
    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    learner.returns_descriptor_of(drafts, inherited="inherited-on-exec")
    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    learner.returns_descriptor_of(notes, inherited="inherited-on-exec")


@reveals("surplus-leak")
def check_closes_surplus_descriptors(learner, peer, folder, caller):
    """returns one of several descriptors that come with a byte, and closes the others"""
    caller.has_settings_of_its_own()
    notes, drafts, letters = folder.opened("notes"), folder.opened("drafts"), folder.opened("letters")

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    peer.passes(notes, drafts)
    learner.returns_descriptor_of(notes, drafts)

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    peer.passes(letters, drafts, notes)
    learner.returns_descriptor_of(letters, drafts, notes)

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    peer.passes(drafts)
    learner.returns_descriptor_of(drafts)


@reveals("missed-eof")
def check_tells_the_end_of_the_stream(learner, peer, folder):
    """tells the end of the stream from a byte without a descriptor, and takes one byte, no more"""
    notes = folder.opened("notes")

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    peer.passes(notes, data=b"!?")
    learner.returns_descriptor_of(notes)

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    learner.raises("ENOMSG", named=True)

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    peer.passes(data=b"\x00")
    learner.raises("ENOMSG", named=True)

    peer.half_closes()
    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    learner.raises(python="EOFError", c="ENODATA")

    learner.runs("send_fd", peer.unix_connection, notes)
    peer.is_passed(notes)
    learner.returns(None)


@reveals("ignored-truncation")
def check_tells_that_descriptors_lack(learner, peer, folder):
    """tells a descriptor that could not be had from one that was not sent"""
    notes, drafts = folder.opened("notes"), folder.opened("drafts")

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    learner.rests()
    learner.runs_out_of_descriptors()
    peer.passes(notes)
    learner.raises("EMFILE", named=True)

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    learner.rests()
    learner.runs_out_of_descriptors(but=1)
    peer.passes(notes, drafts)
    learner.returns_descriptor_of(notes, drafts)


@reveals("no-data-byte")
def check_sends_the_descriptor_0(learner, peer, folder, caller):
    """sends a descriptor whose number is 0"""
    caller.has_closed(0)
    notes = folder.opened("notes")

    learner.runs("send_fd", peer.unix_connection, notes)
    peer.is_passed(notes)
    learner.returns(None)


@reveals("small-control", "number-not-descriptor")
def check_returns_the_descriptor_0(learner, peer, folder, caller):
    """receives a descriptor whose number is 0"""
    caller.has_closed(0)
    notes, drafts = folder.opened("notes"), folder.opened("drafts")

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    peer.passes(notes, drafts)
    learner.returns_descriptor_of(notes, drafts)


@reveals("no-data-byte")
def check_refuses_what_is_not_open(learner, peer, folder):
    """fails for a number that is no open descriptor's, and sends nothing then"""
    notes = folder.opened("notes")

    learner.fails_with("EBADF", "send_fd", peer.unix_connection, NOT_OPEN)
    learner.fails_with("EBADF", "send_fd", peer.unix_connection, -1)

    learner.runs("send_fd", peer.unix_connection, notes)
    peer.is_passed(notes)
    learner.returns(None)


@reveals("no-data-byte")
def check_waits_for_room(learner, peer, folder):
    """waits until there is room for its byte"""
    notes = folder.opened("notes")

    learner.runs("send_fd", peer.full_connection, notes)
    learner.rests()
    peer.makes_room()
    peer.is_passed(notes)
    learner.returns(None)


@reveals("broken-pipe", "missed-eof")
def check_reports_a_peer_that_is_gone(learner, peer, folder):
    """reports a connection that is gone, and does not go with it"""
    notes = folder.opened("notes")

    learner.runs("send_fd", peer.unix_connection, notes)
    learner.returns(None)
    peer.closes()
    learner.runs("send_fd", peer.unix_connection, notes)
    learner.raises("EPIPE")
    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    learner.raises("ECONNRESET")
    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    learner.raises(python="EOFError", c="ENODATA")


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, peer, folder, fault):
    """goes on after signals have interrupted its calls"""
    notes = folder.opened("notes")
    fault("recv", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1..2")

    learner.runs("send_fd", peer.unix_connection, notes)
    peer.is_passed(notes)
    learner.returns(None)

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    peer.passes(notes)
    learner.returns_descriptor_of(notes)


@only("c", because="a blocking socket of Python's has no time limit of its own")
@reveals("interrupted-call")
def check_reports_a_time_limit_of_the_caller(learner, peer, folder, fault):
    """reports EAGAIN, which a blocking call gives at the caller's time limit, but not EINTR"""
    notes = folder.opened("notes")
    fault("send", error="EAGAIN", when="1")
    fault("recv", error="EINTR", when="1")

    learner.runs("send_fd", peer.unix_connection, notes)
    learner.reports_the_fault("EAGAIN")

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    peer.passes(notes)
    learner.returns_descriptor_of(notes)


@torture
def check_survives_every_failing_call(learner, peer, folder):
    """reports or survives every call that fails"""
    notes, drafts = folder.opened("notes"), folder.opened("drafts")

    learner.runs("send_fd", peer.unix_connection, notes)
    peer.is_passed(notes)
    learner.returns(None)

    learner.runs("recv_fd", peer.unix_connection, takes=[1])
    peer.passes(notes, drafts)
    learner.returns_descriptor_of(notes, drafts)
