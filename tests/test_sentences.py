"""The first sentence of a diagnosis, for mistakes that stand in no list of gaps.

Each is one edit of a solution: what the kit says must be true of that program,
in the words of its language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.conftest import by_slug


@dataclass(frozen=True)
class Mistake:
    """A solution with one edit, and what is said of it.

    Attributes:
        find, put: the edit.
        says: the end of the first sentence.
        check: the part of a check's name that is to find it.
        gap: the gap it is one of, if it is.
    """

    slug: str
    language: str
    find: str
    put: str
    says: str
    check: str
    gap: str = ""


RESULTS = {
    "bytes that differ": Mistake(
        "endpoints", "python", 'struct.pack("!BH", family, number)', 'struct.pack("!HB", family, number & 255)',
        "returned 7 bytes, but bytes 1 and 2 are 00 04; expected 04 0d", "packs_ipv4",
    ),
    "a bad argument accepted in C": Mistake(
        "endpoints", "c", "port > UINT16_MAX", "0",
        "pack_endpoint(\"192.0.2.1:65536\") returned 7 bytes; expected -1 with EINVAL",
        "out_of_range", "unchecked-port",
    ),
    "a bad argument accepted in Python": Mistake(
        "endpoints", "python", "or int(text) > 65535", "or False",
        "pack_endpoint('192.0.2.1:65536') raised error: 'H' format requires 0 <= number <= 65535; expected ValueError",
        "out_of_range", "unchecked-port",
    ),
    "an address of a list": Mistake(
        "resolve", "python", "for *_, address in candidates]", "for *_, address in candidates[::-1]]",
        " returned '203.0.113.4:3490' as item 1 of 3; expected '198.51.100.13:3490': the right items in another "
        "order", "every_address",
    ),
    "the line before, once more": Mistake(
        "lines", "python", 'last, self._received = self._received, b""', "last = self._received",
        "returned the same as the call before, once more; expected None, the end", "last_line",
    ),
    "another exception": Mistake(
        "recv_exactly", "python", "raise EOFError(", "raise ConnectionAbortedError(103, ",
        "raised ConnectionAbortedError; expected EOFError", "ends_early",
    ),
    "another errno": Mistake(
        "resolve", "c", "errno = EMSGSIZE;", "errno = ENOSPC;",
        "returned EAI_SYSTEM with ENOSPC; expected EAI_SYSTEM with EMSGSIZE", "does_not_fit",
    ),
}  # fmt: skip

MEMORY = {
    "freed, though never set": Mistake(
        "resolve", "c", "error != 0)\n        return error;", "error != 0)\n        return freeaddrinfo(list), error;",
        "SIGSEGV: freeaddrinfo() used a pointer that was never set", "unknown_name",
    ),
    "text without an end": Mistake(
        "send_all", "c", "size_t left = len;", "size_t strlen(const char *), left = strlen(data);",
        "past the end of a buffer of 44 bytes, which has no terminating zero", "any_length",
    ),
}  # fmt: skip

HANGS = {
    "a line that is not answered": Mistake(
        "thread_server", "python", 'data.count(b"\\n")', 'data.count(b"\\r\\n")',
        "bob has sent a whole line (17 bytes) and waits for 2 bytes; serve() sleeps in recv() at thread_server.py:42",
        "numbers",
    ),
    "an empty line that is skipped": Mistake(
        "lines", "python", 'return checked(line.removesuffix(b"\\r"))',
        'return checked(line.removesuffix(b"\\r")) or self.read_line()',
        "recv() waits for more, although an empty line has come whole and has not been returned", "for_content",
    ),
    "room that is not asked for": Mistake(
        "event_loop", "python", "EVENT_READ | EVENT_WRITE if client.queue", "EVENT_READ | EVENT_WRITE if client.line",
        " can take more (EVENT_WRITE)", "waits_for_nobody",  # slow; or bob, whom the kernel is late to empty
    ),
    "a client that is never accepted": Mistake(
        "echo_server", "python", "connection.close()\n",
        "connection.close()\n            __import__('signal').pause()\n",
        "and stands in the backlog: no accept() has taken it; serve() sleeps in pause() at echo_server.py:54",
        "one_client_after",
    ),
}  # fmt: skip

OTHER_CLOTHES = {
    "EISCONN after an interrupted connect": Mistake(
        "tcp_client", "c", "result == -1 && errno == EISCONN ? 0 : result", "result",
        "failed with EISCONN: the connection is there, and tcp_client.c:16 closes it", "interrupt", "interrupted-call",
    ),
    "a second short count": Mistake(
        "send_all", "python", "        remaining = remaining[sent:]\n",
        "        remaining = remaining[sent:]\n        sock.send(remaining)\n        break\n",
        "took 7 of 8185 bytes, as one before it had, and the other 8178 were never sent", "send_is_short", "short-send",
    ),
    "sent again from the middle": Mistake(
        "send_all", "c", "next += n;\n", "next = (const char *)data + n;\n",
        "sends bytes 8 to 14 again; the first 14 of 8192 bytes had been sent already", "send_is_short", "resent-start",
    ),
    "a time limit that is tried again": Mistake(
        "recv_exactly", "c", "n < 0 && errno == EINTR", "n < 0 && (errno == EINTR || errno == EAGAIN)",
        "recv() failed with EAGAIN, the end of the caller's time limit, and was called again", "time_limit",
    ),
    "a length that is allowed": Mistake(
        "messages", "python", "if length > LIMIT", "if length >= LIMIT",
        "the length 00 01 00 00 has come, which is 65536, and recv_message() raised ValueError", "large_messages",
    ),
    "bytes of what is refused": Mistake(
        "messages", "python", "    if len(payload) >", "    sock.sendall(bytes(4))\n    if len(payload) >",
        "sendall() sent 4 bytes of a message of 65537; send_message() then refused the whole", "send_too_much",
    ),
    "a CR that came before its LF": Mistake(
        "lines", "python", 'self._received[end + 1 :]\n        return checked(line.removesuffix(b"\\r"))',
        'self._received[end + 1 :]\n        return checked(line if searched == end else line.removesuffix(b"\\r"))',
        "brought an LF whose CR had come before it, and the CR was left in the line", "for_content",
        "newest-chunk-only",
    ),
    "a time limit of the program's own": Mistake(
        "tcp_client", "python", "return read_reply(sock)",
        "sock.settimeout(10)\n        return read_reply(sock)",
        "; the contract has no such limit", "until_the_server",
    ),
    "a close() that throws away": Mistake(
        "tcp_server", "python", "        listener.close()",
        "        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, "
        "b'\\1' * 4 + bytes(4))\n        listener.close()",
        "resets the connection, and throws away what has not arrived", "greets",
    ),
}  # fmt: skip
MISTAKES = {**RESULTS, **MEMORY, **HANGS, **OTHER_CLOTHES}


def hears(mistake: Mistake, grade_text: Callable[..., dict | None]) -> None:
    """Grade a solution with that edit: it fails, and its author is told that."""
    exercise = by_slug(mistake.slug)
    text = exercise.solution(mistake.language).read_text()
    assert mistake.find in text

    edited = text.replace(mistake.find, mistake.put)
    failure = grade_text(exercise, mistake.language, edited, "-k", mistake.check)

    assert failure is not None, "passes"
    assert failure["diagnosis"]["sentence"].endswith(mistake.says), failure["diagnosis"]["sentence"]
    assert failure["diagnosis"]["gap"] == mistake.gap


@pytest.mark.parametrize("name", MISTAKES)
def test_the_first_sentence_says(name: str, grade_text: Callable[..., dict | None]) -> None:
    hears(MISTAKES[name], grade_text)
