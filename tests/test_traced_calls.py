"""What programs do beyond streams, in the trace of both languages: Unix sockets with
their files, locks, descriptors and credentials that are passed, other programs."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

import pytest

from grader.stage.scene import Scene
from grader.trace.decoded import Credentials
from grader.verbs.clock import Clock
from grader.verbs.learner import Learner
from tests.tracing import LANGUAGES, run, states

each_language = pytest.mark.parametrize("language", LANGUAGES)

#: A server that guards its socket file, with a client that asks who it is.
GUARDED = (
    """
path = HERE + "/echo.sock"
lock = os.open(HERE + "/echo.lock", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
old = os.umask(0o077)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
os.umask(old)
os.chmod(path, 0o600)
listener.listen()
client = socket.socket(socket.AF_UNIX)
client.connect(path)
server, _ = listener.accept()
server.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
os.lstat(path)
os.rename(path, HERE + "/old.sock")
os.unlink(HERE + "/old.sock")
os.mkdir(HERE + "/folder", 0o700)
os.rmdir(HERE + "/folder")
for each in (server, client, listener):
    each.close()
os.close(lock)
""",
    """
    struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = HERE "/echo.sock" };
    int lock = open(HERE "/echo.lock", O_RDWR | O_CREAT, 0600), listener, client, server;
    struct ucred who;
    socklen_t size = sizeof who;
    struct stat s;
    mode_t old;

    flock(lock, LOCK_EX | LOCK_NB);
    old = umask(077);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&at, sizeof at);
    umask(old);
    chmod(at.sun_path, 0600);
    listen(listener, 5);
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    connect(client, (struct sockaddr *)&at, sizeof at);
    server = accept(listener, NULL, NULL);
    getsockopt(server, SOL_SOCKET, SO_PEERCRED, &who, &size);
    lstat(at.sun_path, &s);
    rename(at.sun_path, HERE "/old.sock");
    unlink(HERE "/old.sock");
    mkdir(HERE "/folder", 0700);
    rmdir(HERE "/folder");
    close(server);
    close(client);
    close(listener);
    close(lock);
""",
)
#: Calls of it, in the order in which both languages make them.
IN_ORDER = (
    "open flock umask socket bind umask chmod listen socket connect accept getsockopt lstat rename unlink mkdir rmdir"
).split()


@each_language
def test_both_languages_tell_of_a_socket_file(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, GUARDED, language)

    assert [call.name for call in made.calls[: len(IN_ORDER)]] == IN_ORDER
    assert all(call.done and not call.failed for call in made.calls)
    path = os.fsencode(tmp_path / "echo.sock")
    assert made.one("bind").path == made.one("connect").path == path
    assert made.one("accept").path == b"", "the client has no name"
    assert made.one("open").paths == [str(tmp_path / "echo.lock")]
    assert made.one("rename").paths == [str(tmp_path / "echo.sock"), str(tmp_path / "old.sock")]
    assert made.one("open").arg("flags") & os.O_CREAT
    assert (made.one("open").arg("mode"), made.one("chmod").arg("mode"), made.one("mkdir").arg("mode")) == (
        0o600, 0o600, 0o700,
    )  # fmt: skip
    assert made.one("flock").arg("operation") == fcntl.LOCK_EX | fcntl.LOCK_NB
    assert [call.arg("mask") for call in made.named("umask")] == [0o077, made.named("umask")[0].result]
    assert stat.S_ISSOCK(made.one("lstat").arg("mode"))
    assert made.one("getsockopt").credentials[1:] == (os.getuid(), os.getgid())


@each_language
def test_both_languages_know_their_states(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, GUARDED, language)

    assert states(made.one("open")) == {"adding"}
    assert states(made.one("flock")) == {"trying"}
    assert states(made.one("connect")) == {"unix", "stream", "unconnected", "blocking"}
    assert states(made.one("accept")) == {"unix", "stream", "named", "listening", "blocking", "ready"}
    assert states(made.one("getsockopt")) == {"unix", "stream", "named", "connected", "blocking"}


@each_language
def test_a_transcript_names_files_as_people_do(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, GUARDED, language)

    said = {
        "bind": {"python": 'listener.bind("echo.sock")', "c": 'bind(listener, "echo.sock", 110) = 0'},
        "chmod": {"python": 'os.chmod("echo.sock", 0o600)', "c": 'chmod("echo.sock", 0600) = 0'},
        "rename": {"python": 'os.rename("echo.sock", "old.sock")', "c": 'rename("echo.sock", "old.sock") = 0'},
        "flock": {
            "python": "fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)",
            "c": "flock(lock, LOCK_EX | LOCK_NB) = 0",
        },
    }
    for name, words in said.items():
        assert made.words(name) == [words[language]]


@each_language
@pytest.mark.parametrize(
    ("call", "when", "error"),
    [
        ("open", "adding", "ENOSPC"),
        ("flock", "trying", "EAGAIN"),
        ("bind", "unix unconnected", "EADDRINUSE"),
        ("chmod", "", "EPERM"),
        ("connect", "unix", "ECONNREFUSED"),
        ("lstat", "", "ENOENT"),
        ("rename", "", "EXDEV"),
        ("unlink", "", "EACCES"),
        ("mkdir", "", "EEXIST"),
    ],
)
def test_a_fault_reaches_it(tmp_path: Path, language: str, call: str, when: str, error: str) -> None:
    made = run(tmp_path, GUARDED, language, {"call": call, "when": when, "error": error})

    assert (made.one(call).errno, bool(made.one(call).injected)) == (error, True)


@each_language
def test_credentials_are_poked_where_the_option_is_asked_for(tmp_path: Path, language: str) -> None:
    nobody = Credentials(7, 1 << 31, 9)
    poke = b"".join(number.to_bytes(4, "little") for number in nobody)
    made = run(tmp_path, GUARDED, language, {"call": "getsockopt", "option": "SO_PEERCRED", "poke": poke})

    assert made.one("getsockopt").credentials == nobody
    assert f"uid {1 << 31}, gid 9" in made.words("getsockopt")[0]


@each_language
@pytest.mark.parametrize("call", ["unlink", "flock", "bind", "open"])
def test_its_return_is_held(tmp_path: Path, language: str, call: str) -> None:
    seen = []

    def look(learner: Learner, scene: Scene) -> None:
        learner.is_held()
        seen.append((tmp_path / "old.sock").exists())
        seen.extend(c.name for c in scene.process.trace.unfinished)
        learner.goes_on()

    run(tmp_path, GUARDED, language, {"call": call, "hold": True}, meddle=look)

    assert seen == [False, call], "the file has gone, or was not there yet, and the call has not returned"


#: Writes a file and reads it.
FILE = (
    """
path = HERE + "/notes"
with open(path, "wb") as file:
    file.write(b"a line\\n")
file = open(path, "rb")
data = file.read()
try:
    file.close()
finally:
    os.unlink(path)
""",
    """
    FILE *file = fopen(HERE "/notes", "wb");
    char data[20];

    fwrite("a line\\n", 1, 7, file);
    fclose(file);
    file = fopen(HERE "/notes", "rb");
    fread(data, 1, sizeof data, file);
    if (ferror(file))
        access(HERE, F_OK);
    fclose(file);
    unlink(HERE "/notes");
""",
)
FILE_CALLS = ["fopen", "fwrite", "fclose", "fopen", "fread", "fclose", "unlink"]


@each_language
def test_both_languages_tell_of_a_file(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, FILE, language)

    assert [call.name for call in made.calls] == FILE_CALLS
    assert all(call.done and not call.failed for call in made.calls)
    for name in ("fwrite", "fread"):
        assert (made.one(name).payload, made.one(name).result) == (b"a line\n", 7)
    assert {call.fd for call in made.calls} == {-1, made.named("fopen")[0].result}
    said = {
        "fwrite": {"python": "file.write", "c": 'fwrite("a line\\n", 1, 7, file) = 7'},
        "fread": {"python": "file.read()", "c": "fread(data, 1, sizeof data, file) = 7"},
    }
    for name, words in said.items():
        assert words[language] in made.words(name)[0]


@each_language
@pytest.mark.parametrize("call", ["fopen", "fwrite", "fread", "fclose"])
def test_a_fault_reaches_a_file(tmp_path: Path, language: str, call: str) -> None:
    made = run(tmp_path, FILE, language, {"call": call, "error": "EIO", "when": "2" if call == "fopen" else "1"})

    failed = [each for each in made.named(call) if each.injected]
    assert [each.errno for each in failed] == ["EIO"]
    assert bool(made.named("access")) == (call == "fread" and language == "c"), "ferror() knows of it"


#: Passes two ends of a pipe, with who sends them.
PASSING = (
    """
a, b = socket.socketpair()
b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
read, write = os.pipe()
socket.send_fds(a, [b"x"], [read, write])
data, control, flags, _ = b.recvmsg(10, 200)
for level, kind, packed in control:
    if kind == socket.SCM_RIGHTS:
        for number in struct.unpack("ii", packed):
            os.close(number)
os.close(read)
os.close(write)
a.close()
b.close()
""",
    """
    int pair[2], ends[2], got[2], one = 1;
    char byte, room[200];
    struct iovec part = { &byte, 1 };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room,
                        .msg_controllen = CMSG_SPACE(sizeof ends) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
    pipe(ends);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof ends);
    memcpy(CMSG_DATA(c), ends, sizeof ends);
    byte = 'x';
    sendmsg(pair[0], &m, 0);
    m.msg_controllen = sizeof room;
    recvmsg(pair[1], &m, 0);
    for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_type == SCM_RIGHTS) {
            memcpy(got, CMSG_DATA(c), sizeof got);
            close(got[0]);
            close(got[1]);
        }
    close(ends[0]);
    close(ends[1]);
    close(pair[0]);
    close(pair[1]);
""",
)


@each_language
def test_descriptors_and_credentials_are_decoded(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, PASSING, language)

    sent, got = made.one("sendmsg"), made.one("recvmsg")
    assert sent.passed == made.one("pipe").made
    assert len(got.passed) == 2
    assert not set(got.passed) & set(sent.passed), "the kernel gives new numbers"
    assert got.made == got.passed
    assert got.credentials == Credentials(got.pid, os.getuid(), os.getgid())
    assert "2 descriptors" in made.words("sendmsg")[0]
    assert f"2 descriptors, uid {os.getuid()}" in made.words("recvmsg")[0]
    assert states(sent) == {"unix", "stream", "connected", "blocking"}, "a pair has no names"


#: Begins other programs, in a child and without one.
PROGRAMS = (
    """
pid = os.fork()
if pid == 0:
    try:
        os.execvp("true", ["true", "now"])
    finally:
        os._exit(1)
os.waitpid(pid, 0)
pid = os.posix_spawnp("true", ["true"], os.environ)
os.waitpid(pid, 0)
import subprocess
subprocess.run(["true"])
""",
    """
    pid_t pid = fork();

    if (pid == 0) {
        execlp("true", "true", "now", NULL);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
    if (posix_spawnp(&pid, "true", NULL, NULL, (char *[]){ "true", NULL }, environ) == 0)
        waitpid(pid, NULL, 0);
""",
)


@each_language
def test_other_programs_are_told_of(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, PROGRAMS, language)

    execs, forked = made.named("execve"), made.one("fork")
    assert execs[-1].paths[-2:] == ["true", "now"]
    assert (execs[-1].done, execs[-1].pid) == (False, forked.result), "it is in that call for good"
    spawned = [call.result for call in made.named("posix_spawn")]
    waited = [call.result for call in made.named("waitpid") if call.result > 0]
    assert waited[:2] == [forked.result, spawned[0]]
    assert made.named("posix_spawn")[0].paths == ["true", "true"]


@each_language
def test_a_program_that_is_not_there_is_a_fault(tmp_path: Path, language: str) -> None:
    made = run(
        tmp_path, PROGRAMS, language, {"call": "execve", "error": "ENOENT"}, {"call": "posix_spawn", "error": "EAGAIN"}
    )  # fmt: skip

    assert {call.errno for call in made.named("execve")} == {"ENOENT"}
    assert made.named("posix_spawn")[0].errno == "EAGAIN"


@each_language
def test_what_a_call_was_given_is_known_while_it_waits(tmp_path: Path, language: str) -> None:
    seen = []

    def look(learner: Learner, scene: Scene) -> None:
        learner.is_held()
        scene.process.trace.update()
        seen.extend(call.path for call in scene.process.trace.unfinished)
        learner.goes_on()

    run(tmp_path, GUARDED, language, {"call": "connect", "hold": True}, meddle=look)

    assert seen == [os.fsencode(tmp_path / "echo.sock")]


#: Fills the backlog of a Unix socket that accepts nobody, then connects once more.
BACKLOG = (
    """
listener = socket.socket(socket.AF_UNIX)
listener.bind(HERE + "/full.sock")
listener.listen()
waiting = []
for _ in range(140):
    client = socket.socket(socket.AF_UNIX)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 60, 0))
    waiting.append(client)
    if client.connect_ex(HERE + "/full.sock"):
        break
for each in (listener, *waiting):
    each.close()
os.unlink(HERE + "/full.sock")
""",
    """
    struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = HERE "/full.sock" };
    struct timeval limit = { 60, 0 };
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), waiting[140], n = 0, failed = 0;

    bind(listener, (struct sockaddr *)&at, sizeof at);
    listen(listener, 5);
    while (n < 140 && !failed) {
        waiting[n] = socket(AF_UNIX, SOCK_STREAM, 0);
        setsockopt(waiting[n], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        failed = connect(waiting[n++], (struct sockaddr *)&at, sizeof at) == -1;
    }
    while (n > 0)
        close(waiting[--n]);
    close(listener);
    unlink(at.sun_path);
""",
)


@each_language
def test_a_full_backlog_is_waited_for_on_the_held_clock(tmp_path: Path, language: str) -> None:
    def pass_a_minute(_learner: Learner, scene: Scene) -> None:
        Clock(scene).runs_out(61)

    made = run(tmp_path, BACKLOG, language, meddle=pass_a_minute, held=True)

    *before, last = made.named("connect")
    assert len(before) > 100
    assert all(call.result == 0 for call in before)
    assert (last.errno, last.patience) == ("EAGAIN", 60000)


@each_language
def test_a_small_send_buffer_is_for_unix_connections_too(tmp_path: Path, language: str) -> None:
    ask = (
        "server.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)\nos.lstat(path)",
        "size = sizeof old; getsockopt(server, SOL_SOCKET, SO_SNDBUF, &old, &size); lstat(at.sun_path, &s);",
    )
    asking = (GUARDED[0].replace("os.lstat(path)", ask[0]), GUARDED[1].replace("lstat(at.sun_path, &s);", ask[1]))
    made = run(tmp_path, asking, language, {"call": "listen", "limit": 8192})

    told = next(call for call in made.named("getsockopt") if call.option == "SO_SNDBUF")
    assert int.from_bytes(told.payload, "little") == 2 * 8192, "socket(7): the kernel doubles it"


#: A message most of which was never set, and one whose control message is cut off.
UNSET = """
    int pair[2];
    char byte = 'x', room[CMSG_SPACE(sizeof(int))];
    struct iovec part = { &byte, 1 };
    struct msghdr unset, cut = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room,
                                 .msg_controllen = sizeof room };

    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    unset.msg_iov = &part;
    unset.msg_iovlen = 1;
    sendmsg(pair[0], &unset, 0);
    CMSG_FIRSTHDR(&cut)->cmsg_len = CMSG_LEN(1000);
    CMSG_FIRSTHDR(&cut)->cmsg_level = SOL_SOCKET;
    CMSG_FIRSTHDR(&cut)->cmsg_type = SCM_RIGHTS;
    sendmsg(pair[0], &cut, 0);
    close(pair[0]);
    close(pair[1]);
"""


def test_a_message_that_was_never_set_is_for_the_kernel_to_judge(tmp_path: Path) -> None:
    made = run(tmp_path, ("", UNSET), "c")

    assert [call.errno for call in made.named("sendmsg")] == ["EINVAL", "EINVAL"]
    assert [call.name for call in made.calls[-2:]] == ["close", "close"], "it did not die of it"


#: Calls by their numbers: of three that the trace knows, one that touches nothing, and one that is refused.
BY_NUMBER = """
    int ends[2];

    syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends);
    syscall(SYS_write, ends[0], "ab", 2);
    syscall(SYS_getpid);
    syscall(SYS_close, ends[0]);
    if (syscall(SYS_fork) != -1 || errno != ENOSYS)
        abort();
    close(ends[1]);
"""


def test_a_call_by_its_number_is_that_call(tmp_path: Path) -> None:
    made = run(tmp_path, ("", BY_NUMBER), "c")

    calls = [call for call in made.calls if call.name != "close" or call.fd != 3]
    assert [call.name for call in calls[:5]] == ["socketpair", "write", "close", "syscall", "close"]
    first = calls[0].line
    assert [call.line - first for call in calls[:5]] == [0, 1, 3, 4, 6]
    assert (calls[1].payload[:2], calls[3].errno) == (b"ab", "ENOSYS")
