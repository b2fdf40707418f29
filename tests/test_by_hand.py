"""`run`: a program by itself, in a real terminal, to be talked to and to be ended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from grader.catalogue.exercises import LANGUAGES, Exercise
from grader.coach.by_hand import NAME, Manifest, load
from tests.conftest import EXERCISES, Project, by_slug, solutions_in
from tests.terminal import Terminal

BY_HAND = [exercise for exercise in EXERCISES if (exercise.root / "exercises" / exercise.key / NAME).exists()]
CTRL_C = "\x03"
ECHO = "exercises/10_echo_server/echo_server.py"
Start = Callable[..., Terminal]


@pytest.fixture(scope="session")
def solved(handed_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit with everything done; `run` changes nothing in it."""
    root = tmp_path_factory.mktemp("solved") / "kit"
    shutil.copytree(handed_out, root)
    shutil.copy(by_slug("echo_server").root / "LICENSE", root)
    solutions_in(root)
    return root


@pytest.fixture
def start() -> Iterator[Start]:
    """Start ``run`` in a terminal: ``start(root, "10", "--lang", "c")``; nothing may be left of it."""
    terminals = []

    def begin(root: Path, *arguments: str, **settings: object) -> Terminal:
        terminals.append(Terminal(root, "run", *arguments, **settings))
        return terminals[-1]

    yield begin
    for terminal in terminals:
        terminal.close()


def _left(terminal: Terminal) -> list[int]:
    """Processes of a terminal that has been closed."""
    left = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if entry.name.isdigit() and fields[3] == str(terminal.pid) and fields[0] != "Z":
            left.append(int(entry.name))
    return left


def _free_port(kind: int = socket.SOCK_STREAM) -> str:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _arguments(manifest: Manifest, port: str) -> list[str]:
    """All of the manifest's, with another port, where somebody listens at it."""
    if "port" not in manifest.arguments or not (manifest.listens or manifest.needs):
        return []
    return ["--", *({**manifest.arguments, "port": port}.values())]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("exercise", BY_HAND, ids=lambda exercise: exercise.key)
def test_each_exercise_can_be_run_and_ended(exercise: Exercise, language: str, solved: Path, start: Start) -> None:
    manifest = load(exercise)
    with socket.socket(type=socket.SOCK_DGRAM if manifest.needs == "udp" else socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.1", 0))
        if manifest.needs == "tcp":
            other.listen(1)
        port = str(other.getsockname()[1]) if manifest.needs else _free_port()
        terminal = start(solved, exercise.slug, "--lang", language, *_arguments(manifest, port), columns=200)
        if manifest.listens:
            terminal.shows(r"(listens at|is bound to) \S+; in another terminal:\n +\S+")
            terminal.types(CTRL_C)
            code = terminal.ends()
            assert code == 130
        elif manifest.needs == "tcp":
            other.settimeout(60)
            connection, _ = other.accept()
            with connection, suppress(OSError):  # who has only connected may have gone already
                connection.sendall(b"hello\n")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(100):
                    pass
            assert terminal.ends() == 0
            terminal.shows(r"(fetch|ask|connect_within)\(\) returned ")
        elif manifest.needs == "udp":
            other.settimeout(60)
            question, asker = other.recvfrom(1 << 16)
            other.sendto(question, asker)
            assert terminal.ends() == 0
            terminal.shows(r"query\(\) returned .*wind")
        elif manifest.needs == "unix":
            _is_asked(terminal)
        else:
            if manifest.then:
                terminal.shows(r"in another terminal:\n +\S+")
                terminal.types(CTRL_C)
            code = terminal.ends()
            if re.search("not permitted", terminal.text):
                return  # raw sockets take a right
            assert code == (130 if manifest.then else 0)
            assert manifest.then or "() returned " in terminal.text
    assert "Traceback" not in terminal.text
    assert _left(terminal) == []


def _is_asked(terminal: Terminal) -> None:
    path = terminal.shows(r"waits until somebody is at (\S+);")[1]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        server.settimeout(60)
        question, asker = server.recvfrom(1 << 16)
        server.sendto(question.upper(), asker)
        assert terminal.ends() == 0
    terminal.shows(r"ask\(\) returned .*WHERE ARE WE")
    assert not os.path.exists(os.path.dirname(path))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_server_answers_who_connects(language: str, solved: Path, start: Start) -> None:
    port = _free_port()
    terminal = start(solved, "10", "--lang", language, "--", port)
    terminal.shows(rf"listens at 127.0.0.1:{port}; in another terminal:\n +nc 127.0.0.1 {port}\n")

    with socket.create_connection(("127.0.0.1", int(port))) as client:
        client.sendall(b"is anybody there\n")
        assert client.recv(100) == b"is anybody there\n"
        terminal.types(CTRL_C)
        assert terminal.ends() == 130

    where = r"interrupted in \w+\(\), echo_server.py:\d+" if language == "python" else r"\^C"
    assert re.search(where, terminal.text)


def test_a_port_that_is_taken_is_not_the_default(solved: Path, start: Start) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 3490))
            taken.listen()
        except OSError:
            pass  # by somebody else: so much the better
        terminal = start(solved, "10", "--lang", "python")
        port = terminal.shows(r"listens at 127.0.0.1:(\d+)")[1]
        terminal.types(CTRL_C)
        terminal.ends()

    assert port != "3490"


def test_two_of_one_exercise_talk_to_each_other(solved: Path, start: Start) -> None:
    port = _free_port(socket.SOCK_DGRAM)
    receiver = start(solved, "19", "--lang", "python", "--", "receive", port, "", "0.2")
    receiver.shows(rf"is bound to 127.0.0.1:{port}; in another terminal:\n +nox -s run -- 19 -- send {port}\n")
    sender = start(solved, "19", "--lang", "c", "--", "send", port, "high water")

    assert sender.ends() == 0
    assert "is bound to" not in sender.text  # that is the other one
    assert receiver.ends() == 0
    receiver.shows(r"recv_reliably\(\) returned b'high water'")


@pytest.mark.parametrize(
    "text",
    [
        # a child and a thread that do not mind Ctrl-C
        """
import os, signal, threading, time
def serve(port):
    if os.fork() == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("child", flush=True)
        time.sleep(3600)
    threading.Thread(target=time.sleep, args=(3600,)).start()
    print("parent", flush=True)
    time.sleep(3600)
""",
        # one that catches everything
        """
import time
def serve(port):
    print("child parent", flush=True)
    while True:
        try:
            time.sleep(3600)
        except BaseException:
            pass
""",
    ],
    ids=["left behind", "deaf"],
)
def test_ctrl_c_ends_whatever_there_is(text: str, kit: Project, start: Start) -> None:
    (kit.root / ECHO).write_text(text)
    terminal = start(kit.root, "10", "--lang", "python", "--", _free_port())
    terminal.shows("child")
    terminal.shows("parent")

    terminal.types(CTRL_C)

    assert terminal.ends() == 130
    assert _left(terminal) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_ctrl_c_while_it_starts_or_waits_leaves_nothing(language: str, solved: Path, start: Start) -> None:
    for pattern in (r"run +14 connect_deadline", r"waits until somebody is at|connect_within"):
        terminal = start(solved, "14", "--lang", language)
        terminal.shows(pattern)
        terminal.types(CTRL_C)
        assert terminal.ends() in (130, 1)  # 1 where somebody listens at 3490, and its answer came first
        assert _left(terminal) == []


def test_print_and_breakpoint_are_at_the_terminal(kit: Project, start: Start) -> None:
    (kit.root / ECHO).write_text("def serve(port):\n    print('port', port)\n    breakpoint()\n    return 6\n")
    terminal = start(kit.root, "10", "--lang", "python", "--", "4711")

    terminal.shows(r"port 4711\n")
    terminal.shows(r"\(Pdb\) ")
    terminal.types("p port * 2\n")
    terminal.shows("'47114711'")
    terminal.types("c\n")

    assert terminal.ends() == 0
    terminal.shows(r"serve\(\) returned 6")


def test_an_exception_is_told_from_the_learners_own_line_on(kit: Project, start: Start) -> None:
    terminal = start(kit.root, "9", "--lang", "python", "--", _free_port())

    assert terminal.ends() == 1
    terminal.shows(r"Traceback")
    assert "start.py" not in terminal.text
    assert re.search(r'File ".*/tcp_server.py", line \d+, in greet_one', terminal.text)


def test_a_module_beside_the_file_is_found(kit: Project, start: Start) -> None:
    (kit.root / "exercises/10_echo_server/util.py").write_text("ANSWER = 42\n")
    (kit.root / ECHO).write_text("import util\ndef serve(port):\n    return util.ANSWER\n")

    terminal = start(kit.root, "10", "--lang", "python")

    assert terminal.ends() == 0
    terminal.shows(r"serve\(\) returned 42")
    assert not (kit.root / "exercises/10_echo_server/__pycache__").exists()


def test_a_c_file_that_does_not_build_is_the_compilers_to_explain(kit: Project, start: Start) -> None:
    (kit.root / "c_stubs/10_echo_server/echo_server.c").write_text("int serve(const char *port) { return prt; }\n")

    terminal = start(kit.root, "10", "--lang", "c", columns=160)

    assert terminal.ends() == 1
    terminal.shows(r"c_stubs/10_echo_server/echo_server.c:1:\d+: error")


def test_a_crash_is_named(kit: Project, start: Start) -> None:
    (kit.root / "c_stubs/10_echo_server/echo_server.c").write_text(
        '#include "echo_server.h"\n#include <stdlib.h>\nint serve(const char *port) { (void)port; abort(); }\n'
    )

    terminal = start(kit.root, "10", "--lang", "c")

    assert terminal.ends() == 1
    terminal.shows(signal.SIGABRT.name)


# --- debuggers ------------------------------------------------------------------


def test_pdb_stops_in_the_exercises_function(solved: Path, start: Start) -> None:
    terminal = start(solved, "1", "--pdb", columns=200)

    terminal.shows(r"\(Pdb\) ")
    assert re.search(r"endpoints.py\(\d+\)pack_endpoint\(\)", terminal.text)
    terminal.types("quit\n")

    assert terminal.ends() in (0, 1)


@pytest.mark.tools("gdb")
def test_gdb_stops_in_the_exercises_function(solved: Path, start: Start) -> None:
    terminal = start(solved, "1", "--gdb", columns=200, environment={"TERM": "dumb"})

    terminal.shows(r"pack_endpoint \(.*at \S*endpoints.c:\d+\n(.*\n)+\(gdb\) $")
    terminal.types(CTRL_C)  # gdb's own affair
    terminal.types("kill\n")
    terminal.shows(r"\(y or n\) ")
    terminal.types("y\n")
    terminal.shows(r"killed\]\n\(gdb\) $")
    terminal.types("quit\n")

    assert terminal.ends() == 0
    assert _left(terminal) == []


@pytest.mark.tools("strace")
@pytest.mark.parametrize("language", LANGUAGES)
def test_strace_shows_the_programs_calls_and_not_its_start(language: str, solved: Path, start: Start) -> None:
    terminal = start(solved, "25", "--lang", language, "--strace", columns=200)

    assert terminal.ends() == 0
    terminal.shows(r"socketpair\(AF_UNIX, SOCK_STREAM.* = 0")
    assert "libc.so" not in terminal.text.partition("socketpair(")[0]


@pytest.mark.parametrize("tool", ["gdb", "strace"])
def test_a_debugger_that_is_missing_is_named_with_its_package(tool: str, solved: Path, start: Start) -> None:
    terminal = start(solved, "10", f"--{tool}", environment={"PATH": "/nonexistent"})

    assert terminal.ends() == 2
    assert f"{tool} is not installed here: sudo apt install {tool}" in terminal.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["10", "--", "1", "2"], "10 echo_server takes port behind --; 2 arguments were given"),
        (["10", "--gdb", "--lang", "python"], "--gdb is for C; for Python there is --pdb"),
        (["10", "--pdb", "--lang", "c"], "--pdb is for Python; for C there is --gdb"),
        (["10", "--pdb", "--strace"], "not allowed with argument"),
        (["echoserver"], "did you mean echo_server?"),
        (["10", "--lang", "rust"], "invalid choice: 'rust'"),
        ([], "name an exercise: nox -s run -- 04"),
    ],
)
def test_bad_usage_is_told_in_a_sentence(kit: Project, arguments: list[str], words: str) -> None:
    done = kit.run("run", *arguments)

    assert done.returncode == 3
    assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_file_that_is_missing_can_be_put_back(kit: Project) -> None:
    (kit.root / ECHO).unlink()

    done = kit.run("run", "10", "--lang", "python")

    assert done.returncode == 1
    assert "nox -s reset -- echo_server --lang python puts the stub back" in " ".join(done.stdout.split())


def test_an_exercise_without_a_manifest_says_so(project: Project) -> None:
    (project.root / "exercises/40_tiny" / NAME).unlink(missing_ok=True)

    done = project.run("run", "tiny")

    assert done.returncode == 3
    assert f"40 tiny cannot be run by hand: it has no {NAME}" in done.stderr
