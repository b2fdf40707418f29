"""What is said of servers that treat bytes as something else, or make one client wait for another.

Each is one edit of a solution, as in `test_sentences`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.test_sentences import Mistake, hears

ECHOES = {
    "a string in C": Mistake(
        "echo_server", "c", "send_all(fd, data, (size_t)n)",
        "(data[n < 4096 ? n : 4095] = 0, send_all(fd, data, __builtin_strlen(data)))",
        "recv() brought 1024 bytes, of which none was sent: byte 1 is a zero, which strlen() takes for the end",
        "end_of_file",
    ),
    "whole lines alone": Mistake(
        "echo_server", "python", "        connection.sendall(data)",
        "        *lines, kept = (globals().get('kept', b'') + data).split(b'\\n')\n"
        "        globals()['kept'] = kept\n"
        "        connection.sendall(b''.join(line + b'\\n' for line in lines))",
        "recv() has brought 245 bytes after the last LF, which are held back: an echo server returns bytes, not lines",
        "end_of_file",
    ),
    "text in Python": Mistake(
        "echo_server", "python", "connection.sendall(data)", "connection.sendall(data.decode().encode())",
        "what a client had sent was taken for text, and serve() ended with UnicodeDecodeError: bytes need not be text, "
        "and a character may be cut anywhere",
        "end_of_file", "dies-of-client",
    ),
}  # fmt: skip

ANSWERS = {
    "a chunk for a line": Mistake(
        "thread_server", "python", 'range(data.count(b"\\n"))', 'range(data.endswith(b"\\n"))',
        "recv() brought 2 lines at once, and 1 answer was sent: a chunk is not a line", "of_everyone",
    ),
    "a part of a line for a line": Mistake(
        "thread_server", "python", 'range(data.count(b"\\n"))', 'range(data.count(b"\\n") or 1)',
        "recv() brought 4096 bytes without an LF, and 1 answer was sent: a chunk is not a line", "of_everyone",
    ),
    "an empty line for nothing": Mistake(
        "thread_server", "python", 'range(data.count(b"\\n"))', 'filter(None, data.split(b"\\n")[:-1])',
        "recv() brought 2 lines, number 1 empty, and 1 answer was sent: an empty line is a line", "of_everyone",
    ),
    "a lock that is held while send() waits": Mistake(
        "thread_server", "python", "lines\n    connection", "lines\n        connection",
        "sendall() to ann does not return, and bob, whose bytes have come at thread_server.py:42, gets no answer: "
        "a lock is held while sendall() waits", "every_number_once",
    ),
}  # fmt: skip

LINES = {
    "a CR that is taken away": Mistake(
        "event_loop", "python", "other.tell(lines)", 'other.tell(lines.replace(b"\\r\\n", b"\\n"))',
        "passes on a line of 5 bytes changed: the CR before its LF is gone", "passes_lines_on",
    ),
    "bytes that become text": Mistake(
        "event_loop", "python", "other.tell(lines)", 'other.tell(lines.decode(errors="replace").encode())',
        "passes on a line of 5 bytes changed: bytes that are no UTF-8 have become ef bf bd, U+FFFD", "passes_lines_on",
    ),
    "a new line before an old one's rest": Mistake(
        "event_loop", "python", "        self.queue += lines\n        self.flush()",
        "        try:\n            lines = lines[self.sock.send(lines) if lines else 0 :]\n"
        "        except OSError:\n            pass\n        self.queue += lines",
        "had not taken", "waits_first", "lost-tail",
    ),
    "a new line before one that is kept back": Mistake(
        "event_loop", "python", "        self.queue += lines\n        self.flush()",
        "        try:\n            lines = lines[self.sock.send(lines[:1000]) if lines else 0 :]\n"
        "        except OSError:\n            pass\n        self.queue += lines",
        "which the program still keeps", "passes_lines_on", "",
    ),
}  # fmt: skip
ENDS = {
    "exit() in a child": Mistake(
        "fork_server", "c", "_exit(0)", "extern void exit(int); exit(0)",
        "exit() in a child runs what the caller has registered with atexit(), and writes once more what lies in its "
        "buffers; a child ends with _exit()", "with_its_child",
    ),
}  # fmt: skip
MISTAKES = {**ECHOES, **ANSWERS, **LINES, **ENDS}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_first_sentence_names_the_cause(name: str, grade_text: Callable[..., dict | None]) -> None:
    hears(MISTAKES[name], grade_text)
