"""Files that do their worst: each gets its verdict, and nothing else suffers."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.catalogue.exercises import PROJECT
from tests.conftest import Graded, by_slug, solutions_in

SEND_ALL = by_slug("send_all")


def python(body: str, *, head: str = "") -> str:
    """A send_all.py whose function does body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"import os, signal, socket, sys, time\n{head}\n\ndef send_all(sock, data):\n{lines}\n"


def c(body: str, *, head: str = "") -> str:
    """A send_all.c whose function does body and returns 0."""
    includes = "".join(
        f"#include <{name}.h>\n" for name in ("errno", "signal", "stdio", "stdlib", "string", "sys/socket", "unistd")
    )
    prototype = "int send_all(int fd, const void *data, size_t len)"
    return f'#include "send_all.h"\n{includes}{head}\n{prototype}\n{{\n{body}\nreturn 0;\n}}\n'


PYTHON = {
    "loop at import": (python("pass", head="while True: pass"), "hang", "computes without end while it is loaded"),
    "loop in the function": (python("while True: pass"), "hang", "send_all.py:5: send_all() computes without end"),
    "sleep": (python("time.sleep(1000)"), "hang", "send_all() sleeps in sleep()"),
    "exit at import": (python("pass", head="os._exit(0)"), "crash", "exit status 0, while it was loaded"),
    "exit in the function": (python("os._exit(0)"), "crash", "exit status 0, while send_all() ran"),
    "SystemExit at import": (python("pass", head="raise SystemExit(0)"), "build", "SystemExit while the file was loaded"),
    "SystemExit in the function": (python("raise SystemExit(0)"), "fail", "raised SystemExit"),
    "segmentation fault": (python("import ctypes; ctypes.string_at(0)"), "crash", "SIGSEGV ended the program"),
    "abort": (python("os.abort()"), "crash", "SIGABRT ended the program"),
    "killed": (python("os.kill(os.getpid(), 9)"), "crash", "SIGKILL ended the program"),
    "forks for ever": (python("while True:\n    os.fork()"), "crash", "forks without end"),
    "syntax error": ("def send_all(sock, data:\n    pass\n", "build", "SyntaxError"),
    "missing function": ("x = 1\n", "build", "send_all() is not defined"),
    "socket at import": ("import socket\nsock = socket.socket()\n", "build", "send_all() is not defined"),
    "loop at import with a socket": (
        python("pass", head="sock = socket.socket()\nwhile True: pass"), "hang", "computes without end while it is loaded",
    ),
    "wrong signature": ("def send_all(sock):\n    pass\n", "build", "cannot be called as the contract says"),
    "not a function": ("send_all = 3\n", "build", "send_all is a int, not a function"),
    "not text": (b"\xff\xfe\x00bad", "build", ""),
    "prints a gigabyte": (python("while True: sys.stdout.write('x' * 65536)"), "", ""),
    "closes everything": (python("for fd in range(256):\n    try: os.close(fd)\n    except OSError: pass"), "fail", "closes the descriptor that was lent"),
    "closes above too": (python("os.closerange(3, 65536)"), "crash", "descriptors that are not its own"),
    "executes another program": (python("os.execv('/bin/true', ['true'])"), "crash", "ended its process"),
    "stops itself": (python("os.kill(os.getpid(), signal.SIGSTOP)"), "hang", "SIGSTOP"),
    "kills its parent": (python("os.kill(os.getppid(), 9)"), "", ""),
    "leaves a daemon": (
        python("if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        while True: time.sleep(1)\n    os._exit(0)\nsock.sendall(data)"),
        "fail", "",
    ),
    "forged answers": (
        python("for fd in range(3, 1100):\n    try: os.write(fd, b'\\0\\0\\0\\x11{\"returned\":null}')\n    except OSError: pass"),
        "", "",
    ),
    "an answer that lies": (
        python("class Liar(bytes):\n    def __eq__(self, other): return True\n    __hash__ = None\nreturn Liar()"), "fail", "",
    ),
    "too deep": (python("return send_all(sock, data)"), "fail", "RecursionError"),
}  # fmt: skip
C = {
    "loop": (c("for (;;) ;"), "hang", "send_all() computes without end"),
    "loop in a constructor": (
        c("", head="__attribute__((constructor)) static void f(void) { for (;;) ; }"), "hang", "while it is loaded",
    ),
    "_exit in a constructor": (
        c("", head="__attribute__((constructor)) static void f(void) { _exit(0); }"), "build", "calls _exit()",
    ),
    "death in a constructor": (
        c("", head="__attribute__((constructor)) static void f(void) { raise(SIGKILL); }"), "crash", "SIGKILL",
    ),
    "segmentation fault": (c("*(volatile int *)0 = 1;"), "crash", "null pointer"),
    "overflow": (c("char b[4]; memcpy(b, data, len); (void)b;"), "crash", "past the end of `b`, which has 4 bytes"),
    "abort": (c("abort();"), "crash", "ABRT"),
    "endless recursion": (
        c("return deeper(1);", head="static int deeper(int n) { volatile char b[999]; b[0] = 1; return deeper(n + b[0]); }"),
        "crash", "stack overflow",
    ),
    "undefined behaviour": (c("int m = 2147483647; len += (size_t)(m + (int)len);"), "crash", "signed integer overflow"),
    "forks for ever": (c("for (;;) fork();"), "crash", "forks without end"),
    "does not compile": ("int send_all(", "build", "the compiler refuses"),
    "no function": ('#include "send_all.h"\n', "build", "send_all() is not defined"),
    "conflicting prototype": ("int send_all(int fd) { return fd; }\n", "build", "the compiler refuses"),
    "missing include": ('int send_all(int fd, const void *d, size_t n) { return frob(fd, d, n); }\n', "build", "the compiler refuses"),
    "undefined reference": (c("extern int frob(void); frob();"), "build", "frob"),
    "raw system call": (
        c("syscall(SYS_fork);", head="#include <sys/syscall.h>"), "fail", "syscall(SYS_fork) goes past the trace",
    ),
    "prints a gigabyte": (c("for (;;) printf(\"%0999d\", 1);"), "crash", "more than 1 MiB"),
    "closes everything": (c("for (int i = 0; i < 256; i++) close(i);"), "fail", "closes the descriptor that was lent"),
    "stops itself": (c("raise(SIGSTOP);"), "hang", "SIGSTOP"),
    "executes another program": (c('execl("/bin/true", "true", (char *)0);'), "crash", "ended its process"),
    "returns nonsense": (c("return 44;"), "fail", "returned 44; the contract knows 0 and -1"),
    "no errno": (c("errno = 0; return -1;"), "fail", "returned -1 with errno 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", PYTHON)
def test_python_file(name: str, grade_text: Callable[..., dict | None]) -> None:
    _judged(grade_text(SEND_ALL, "python", PYTHON[name][0]), *PYTHON[name][1:])


@pytest.mark.parametrize("name", C)
def test_c_file(name: str, grade_text: Callable[..., dict | None]) -> None:
    _judged(grade_text(SEND_ALL, "c", C[name][0]), *C[name][1:])


def _judged(failure: dict | None, verdict: str, words: str) -> None:
    assert failure is not None, "passes"
    said = failure["diagnosis"]["places"][:1]
    sentence = "".join(f"{place['file']}:{place['line']}: " for place in said) + failure["diagnosis"]["sentence"]
    sentence += failure["diagnosis"]["messages"]
    assert failure["verdict"] != "error", sentence
    assert failure["verdict"] == (verdict or failure["verdict"]), sentence
    assert words in sentence, sentence
    assert "/grader/" not in sentence, "a frame of the kit's own"


#: The hostile one in the middle: some checks are run before it, and some after.
BESIDE = ("tcp_client", "send_all", "recv_exactly", "tcp_server")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", python("if os.fork():\n    os._exit(0)\nos.setsid()\nwhile True: time.sleep(1)")),
        ("python", python("os.kill(os.getppid(), 9)\nwhile True: time.sleep(1)")),
        ("python", python("while True:\n    os.fork()")),
        ("python", python("", head="while True: pass")),
        ("c", c("for (;;) fork();")),
        ("c", c("for (;;) ;")),
    ],
)
def test_the_rest_of_the_run_is_unharmed(
    language: str, text: str, submission: Path, grade: Callable[..., Graded]
) -> None:
    solutions_in(submission)
    (submission / SEND_ALL.stub(language).relative_to(PROJECT)).write_text(text)
    graded = grade(submission, *BESIDE)

    verdicts = {key: unit["verdict"] for key, unit in graded.units.items()}
    assert verdicts.pop((SEND_ALL.key, language)) not in ("pass", "error")
    assert set(verdicts.values()) == {"pass"}, graded.text
    assert _left_behind() == []


def _left_behind() -> list[str]:
    """Processes that a run has left: this process adopts them (prctl(2))."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return []
    return [Path(f"/proc/{pid}/cmdline").read_text() for pid in _children()]


def _children() -> list[str]:
    own = str(os.getpid())
    entries = [entry for entry in os.listdir("/proc") if entry.isdigit()]
    return [e for e in entries if Path(f"/proc/{e}/stat").read_text().rpartition(")")[2].split()[1] == own]


@pytest.fixture(autouse=True, scope="module")
def adopt_orphans() -> None:
    """Become the parent of whatever a run leaves behind."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)
