"""25 socketpair: one socket between a function and the program that it runs."""

import os
import sys

from grader.learner.program import Null
from grader.verbs.script import only, reveals, torture

LINES = b"pear\napple\nquince\n"
BINARY = bytes(range(256)) * 4
# Every 8 bytes tell where they stand: "0000000 0000008 ...".
PATTERN = b"".join(b"%07d " % offset for offset in range(0, 1 << 20, 8))
# The shell reads a byte at a time, so that no other program misses what follows a line.
BACKWARDS = "read one; read two; read three; echo $three $two $one"
# Each of these is a file of its own, which is found by PATH.
ONE_SOCKET = """#!/bin/sh
input=$(readlink /proc/$$/fd/0)
output=$(readlink /proc/$$/fd/1)
test "$input" = "$output" && echo "${input%%:*} in $PWD, $(umask)"
"""
SAYS_ENOUGH = f"""#!{os.path.realpath(sys.executable)} -IS
import os, socket, sys
gate = os.open(sys.argv[1], os.O_RDWR)
reply = socket.socket(fileno=1)
reply.sendall(b"enough\\n")
reply.shutdown(socket.SHUT_WR)
os.read(gate, 1)
size = 0
while piece := os.read(0, 65536):
    size += len(piece)
os._exit(0 if size == {len(PATTERN)} else 1)
"""
LINGERS = """#!/bin/sh
exec 3<>"$1" <&- >&-
read word <&3
exit 7
"""
WAITS = """#!/bin/sh
exec 3<>"$1"
read word <&3
"""


@reveals("parent-keeps-end", "no-half-close")
def check_returns_what_a_program_writes(learner, caller):
    """gives a program all its input and the end of it, and returns all its output"""
    caller.has_settings_of_its_own()

    learner.runs("run_filter", ["sort"], LINES)
    learner.returns(b"apple\npear\nquince\n")

    learner.runs("run_filter", ["tr", "a-z", "A-Z"], BINARY)
    learner.returns(BINARY.upper())

    learner.runs("run_filter", ["sh", "-c", BACKWARDS], LINES)
    learner.returns(b"quince apple pear\n")

    learner.runs("run_filter", ["cat"], b"")
    learner.returns(b"")

    learner.runs("run_filter", ["sed", "-e", "s/apple/one and * $HOME/"], LINES)
    learner.returns(b"pear\none and * $HOME\nquince\n")


@reveals("raw-status")
def check_tells_how_a_program_has_ended(learner):
    """tells an exit code, or the signal that has ended the program, beside the reply"""
    learner.runs("run_filter", ["sh", "-c", "cat; exit 3"], LINES)
    learner.returns_status(3, LINES, raw="raw-status")

    learner.runs("run_filter", ["sh", "-c", "cat; kill -KILL $$"], BINARY)
    learner.returns_status(-9, BINARY, raw="raw-status")

    learner.runs("run_filter", ["sh", "-c", "cat; exit 255"], b"")
    learner.returns_status(255, b"", raw="raw-status")


@reveals("both-sides-send")
def check_sends_and_receives_at_once(learner):
    """receives while it sends: neither side ever waits for the other to read"""
    learner.runs("run_filter", ["cat"], PATTERN, bulk=True, room=len(PATTERN))
    learner.returns(PATTERN)


@reveals("reset-is-fatal")
def check_lets_a_program_stop_reading(learner):
    """takes it for no error that a program ends, or stops reading, before its input does"""
    learner.runs("run_filter", ["head", "-c", "5"], b"0123456789")
    learner.returns(b"01234")


@reveals("broken-pipe")
def check_outlives_a_program_that_reads_nothing(learner):
    """takes it for no error that a program never reads, however much was to be sent"""
    learner.runs("run_filter", ["sh", "-c", "exec <&-; printf done"], PATTERN, bulk=True)
    learner.returns(b"done")

    learner.runs("run_filter", ["false"], PATTERN, bulk=True)
    learner.returns_status(1, b"", raw="raw-status")

    learner.runs("run_filter", ["true"], LINES)
    learner.returns(b"")


@reveals("unsent-rest")
def check_goes_on_sending_after_the_reply(learner, folder, caller):
    """sends the rest of the input when the program has ended its output first"""
    folder.has_program("says-enough", SAYS_ENOUGH)
    gate = folder.has_gate("gate")
    caller.finds_programs_in(folder)

    learner.runs("run_filter", ["says-enough", gate], PATTERN, bulk=True)
    learner.rests()
    folder.opens_gate("gate")
    learner.returns(b"enough\n")


@reveals("exec-failure")
def check_reports_what_cannot_be_executed(learner, folder, caller):
    """reports the error of exec for a program that cannot be executed"""
    folder.has_program("not-for-you", "#!/bin/sh\n", mode=0o644)
    caller.finds_programs_in(folder)

    learner.fails_with("ENOENT", "run_filter", ["no-such-filter"], LINES)
    learner.fails_with("EACCES", "run_filter", ["not-for-you"], LINES)
    learner.runs("run_filter", ["sh", "-c", "exit 127"], b"")
    learner.returns_status(127, b"", raw="raw-status")


@reveals("inherited-descriptors")
def check_lends_nothing_but_the_socket(learner, folder, caller):
    """gives the program one socket as 0 and 1, the caller's standard error, and nothing else"""
    folder.has_program("one-socket", ONE_SOCKET)
    caller.has_settings_of_its_own()
    caller.finds_programs_in(folder)

    learner.runs("run_filter", ["ls", "/proc/self/fd"], b"")
    learner.returns(b"0\n1\n2\n3\n")  # the last is the directory that ls reads
    learner.runs("run_filter", ["readlink", "/proc/self/fd/2"], b"")
    learner.returns(caller.standard_error + b"\n")
    learner.runs("run_filter", ["one-socket"], b"")
    learner.returns(b"socket in /, 0027\n")


@reveals("raw-status")
def check_waits_for_the_program(learner, folder, caller):
    """waits for its program, which may go on after it has closed input and output, and for no other"""
    caller.has_a_child()
    folder.has_program("lingers", LINGERS)
    gate = folder.has_gate("gate")
    caller.finds_programs_in(folder)

    learner.runs("run_filter", ["lingers", gate], b"")
    learner.rests()
    folder.opens_gate("gate")
    learner.returns_status(7, b"", raw="raw-status")


@only("c", because="Python calls again by itself after EINTR (PEP 475)")
@reveals("interrupted-call")
def check_goes_on_after_an_interruption(learner, fault):
    """goes on after signals have interrupted its calls"""
    fault("wait", error="EINTR", when="1")
    fault("recv", error="EINTR", when="1..2")
    fault("send", error="EINTR", when="1")
    fault("waitpid", error="EINTR", when="blocking 1")

    learner.runs("run_filter", ["cat"], LINES)
    learner.returns(LINES)


@reveals("zombie")
def check_leaves_no_program_behind(learner, folder, caller, fault):
    """kills the program, and waits for it, when it cannot go on"""
    folder.has_program("waits", WAITS)
    gate = folder.has_gate("gate")
    caller.finds_programs_in(folder)
    fault("recv", error="ENOMEM", when="unix")
    fault("send", error="ENOMEM", when="unix")

    learner.runs("run_filter", ["waits", gate], LINES)
    learner.raises("ENOMEM")


@reveals("low-descriptor")
def check_is_called_without_standard_descriptors(learner, caller):
    """works where the caller has closed its standard input and output, and the socket gets their numbers"""
    caller.has_closed(0, 1)

    learner.runs("run_filter", ["sort"], LINES)
    learner.returns(b"apple\npear\nquince\n")
    learner.runs("run_filter", ["sh", "-c", "cat; exit 3"], BINARY)
    learner.returns_status(3, BINARY, raw="raw-status")


@only("c", because="Python has no buffers of the caller's")
@reveals("zombie", "unchecked-argument")
def check_reports_what_does_not_fit(learner):
    """takes a reply that fills the buffer, reports a longer one, and refuses null pointers"""
    learner.runs("run_filter", ["cat"], LINES, room=len(LINES))
    learner.returns(LINES)
    learner.runs("run_filter", ["true"], b"", room=0)
    learner.returns(b"")
    learner.runs("run_filter", ["cat"], LINES, room=len(LINES) - 1)
    learner.raises("EMSGSIZE")
    learner.runs("run_filter", ["yes"], b"", room=100)
    learner.raises("EMSGSIZE")

    learner.runs("run_filter", ["cat"], LINES, status=Null(0))
    learner.raises("EINVAL")
    learner.runs("run_filter", ["cat"], Null(1))
    learner.raises("EINVAL")
    learner.runs("run_filter", ["true"], b"", room=Null(1))
    learner.raises("EINVAL")


@torture
def check_survives_every_failing_call(learner):
    """reports or survives every call that fails"""
    learner.runs("run_filter", ["sort"], LINES)
    learner.returns(b"apple\npear\nquince\n")
