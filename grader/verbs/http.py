"""What a check can have a peer see of answers of HTTP (RFC 9110, RFC 9112).

What a server says beside the fields that its contract asks for, and how it calls a
status, is its own affair: an answer is read, and its status, the bytes behind its
header and those fields are judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from grader.stage import holdings, quiet
from grader.stage.broken import Broken
from grader.trace.reader import Call
from grader.verbs.acting import Actor
from grader.verbs.clock import Clock
from grader.verdict.evidence import Failure
from grader.verdict.model import Difference, Verdict
from grader.verdict.words import counted

HOST = b"Host: files.test\r\n"
_END = b"\r\n\r\n"
#: The longest header that an answer may have here (bytes).
_LONGEST = 1 << 16
_STATUS = re.compile(rb"HTTP/1\.[0-9] ([1-5][0-9][0-9])(?: [^\r\n]*)?")
#: As RFC 9110, section 5.6.7, has it: ``Sun, 06 Nov 1994 08:49:37 GMT``.
_DATE = re.compile(rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
#: How late a connection that is idle may be closed (seconds).
LATE = 1.5

#: A mistake -> the slug of the gap that it gives away: a wrong status, wrong bytes, or
#: one of these words: ``"silence"``, ``"reset"``, ``"length"``, ``"body"``.
Mistakes = Mapping[int | bytes | str, str]
#: The fields of an answer: name in lower case -> values.
Fields = Mapping[bytes, Collection[bytes]]


class HttpVerbs(Actor):
    """The verbs of `Peer` for answers of HTTP."""

    sends: Callable[[bytes], None]

    def is_answered(
        self, *statuses: int, body: bytes | None = None, head: bool = False, mistakes: Mistakes | None = None
    ) -> None:
        """An answer arrives, whole: with one of these statuses, a Date, a
        Content-Length and as many bytes.  One with 405 says what is allowed.

        Args:
            body: which bytes; None for any.
            head: whether it answers HEAD: without the bytes, and nothing behind it.
            mistakes: what gives a gap away, each with the gap's slug: another status,
                other bytes; ``"silence"`` where no answer comes, ``"reset"`` where the
                connection ends with one, ``"length"`` where Content-Length is missing
                or another number, ``"body"`` where HEAD is answered with one.

        Raises:
            Broken: another one arrives, or none, or less than one.
        """
        known = mistakes or {}
        self._scene.arranged.has_choices = True  # the date, for one
        start = self._read(-1, "an answer", known)
        status, fields = self._head(start, known)
        size = self._size(fields, known)
        data = b"" if head or not size else self._read(size, f"a body of {counted(size)}", known)
        self._note(f"receives an answer: {status}, {counted(len(data))}", start + data, receives=len(start) + len(data))
        if status not in statuses:
            self._differs(f"is answered {status}", f"expected {' or '.join(map(str, statuses))}", known.get(status, ""))
        if not any(map(_DATE.fullmatch, fields.get(b"date", []))):
            self._differs("is answered without a Date, or with one in another form", "", "", "RFC 9110, section 6.6.1")
        if status == 405 and not {b"GET", b"HEAD"} <= set(re.split(rb"[ \t,]+", b",".join(fields.get(b"allow", [])))):
            self._differs("is answered 405 without Allow: GET, HEAD", "", "", "RFC 9110, section 15.5.6")
        if body is not None and status == 200 and size != len(body):
            words = f"is answered with Content-Length: {size}", f"expected {len(body)}"
            self._differs(*words, known.get(data) or known.get("length", ""), difference=None if head else (body, data))
        if body is not None and not head and data != body:
            words = f"is answered with {counted(len(data))}", "expected others"
            self._differs(*words, known.get(data, ""), difference=(body, data))
        if head:
            self._gets_no_body(known)
        self._party.gets(start + data)

    def is_served(self, request: bytes, body: bytes, *, head: bool = False, mistakes: Mistakes | None = None) -> None:
        """Send a request, and get an answer with 200 and this body; see `is_answered`."""
        self.sends(request)
        self.is_answered(200, body=body, head=head, mistakes=mistakes)

    def is_told(self, request: bytes, *statuses: int, head: bool = False, mistakes: Mistakes | None = None) -> None:
        """Send a request, and get an answer with one of these statuses; see `is_answered`."""
        self.sends(request)
        self.is_answered(*statuses, head=head, mistakes=mistakes)

    def sees_the_end(self, *, mistakes: Mistakes | None = None) -> None:
        """Nothing more arrives, and the stream ends, without a reset.

        Args:
            mistakes: see `is_answered`.

        Raises:
            Broken: more arrives, or the connection stays, or is reset.
        """
        known = mistakes or {}
        if more := self._read(0, "the end of the connection", known):
            self._differs(f"gets {counted(len(more))} more", "expected end-of-file", "")
        self._note("sees end-of-file")

    def is_timed_out(self, *early: int, mistakes: Mistakes | None = None) -> None:
        """The time of this client is up about now: it is let go within `LATE`, without
        an answer, or with 408.

        Args:
            early: statuses that its request may have been answered with before.
            mistakes: see `is_answered`.

        Raises:
            Broken: the connection stays, or another answer arrives.
        """
        known = mistakes or {}
        self._lets_time_pass()
        if not self._do("unread", name=self._name)["end"]:
            words = f"{self._party.name} is still connected, although its time was up {LATE:g} s ago"
            line = self._line(self._serving())
            raise Broken(Failure("kept", words, line=line, gap=known.get("silence", ""), read="poll(2)"))
        answer = self._wait("receive", "the connection ends", after_return=True, name=self._name, count=-1)
        self._note(
            f"receives {counted(len(answer['data']))}, then {answer['end']}",
            answer["data"],
            receives=len(answer["data"]),
        )
        status = re.match(rb"HTTP/1\.[0-9] ([0-9]{3})", answer["data"])
        if answer["data"] and not (status and int(status[1]) in (408, *early)):
            self._differs(f"gets {counted(len(answer['data']))}", "expected no answer, or 408", "")

    def is_let_go(self) -> None:
        """The time of this client, who has been refused, is up about now: its connection
        is closed within `LATE`, whatever it has sent since.

        Raises:
            Broken: it stays.
        """
        self._lets_time_pass()
        if self._party.link.is_held():
            words = f"the connection of {self._party.name} is still open, although its time was up {LATE:g} s ago"
            raise Broken(Failure("kept", words, line=self._line(self._serving()), read="poll(2)"))
        self._note("is let go", ends=1)

    # --- the parts ------------------------------------------------------------

    def _read(self, count: int, awaited: str, known: Mistakes) -> bytes:
        """So many bytes; a header for -1, and for 0 what comes until the end."""
        wanted = {-1: {"count": _LONGEST, "until": _END}, 0: {"count": -1}}.get(count, {"count": count})
        party = self._party
        try:
            answer = self._wait("receive", f"{awaited} arrives", after_return=True, name=self._name, **wanted)
        except Broken as broken:
            failure = broken.failure
            if failure.verdict is Verdict.HANG and self._player.action == "receive":
                party.came = self._player.break_off()["data"]
            raise Broken(replace(failure, gap=failure.gap or known.get("silence", ""))) from None
        data, end = answer["data"], answer["end"]
        if end == "reset":
            self._note("sees a reset")
            words = f"the connection ends with a reset where {awaited} was to come"
            calls = holdings.calls_on(self._scene, party.link)
            raise Broken(Failure("reset", words, line=self._line(calls), gap=known.get("reset", ""), read="tcp(7)"))
        if count and end:
            self._note(f"receives {counted(len(data))}, then end-of-file", data, receives=len(data))
            part = "a part" if self._scene.arranged.bulk else counted(len(data))  # else it is the kernel's
            how = f"after {part} of it" if data else "and no answer"
            self._scene.company.creditor, party.came = party, data
            self._differs(f"gets end-of-file where {awaited} was to come, {how}", "", known.get("silence", ""))
        return data

    def _gets_no_body(self, known: Mistakes) -> None:
        rest = quiet.Rest(self._scene)
        self._scene.wait(lambda: self._scene.run is None or rest(), "the program rests", after_return=True)
        if self._do("unread", name=self._name)["count"]:
            self._differs("gets a body in answer to HEAD", "", known.get("body", ""), "RFC 9110, section 9.3.2")

    def _differs(
        self, what: str, instead: str, gap: str, read: str = "", difference: tuple[bytes, bytes] | None = None
    ) -> NoReturn:
        """Let the program come to rest, and say what has arrived instead."""
        rest = quiet.Rest(self._scene)
        scene, party = self._scene, self._party
        with suppress(Broken):  # so that every run tells the same
            scene.wait(lambda: scene.run is None or rest(), "the program rests", after_return=True)
        calls = holdings.calls_on(scene, party.link)
        line = self._line([c for c in calls if c.any_of("send")] or calls)
        sentence = f"{party.name} {what}{'; ' if instead else ''}{instead}"
        told = Difference(*difference) if difference else None
        raise Broken(Failure("bytes", sentence, line=line, difference=told, gap=gap, read=read))

    def _lets_time_pass(self) -> None:
        """Let `LATE` pass and the program come to rest, and not a moment more: a wait for
        rest would else end its next wait, too."""
        scene, rest = self._scene, quiet.Rest(self._scene)
        Clock(scene).goes_on(LATE)
        scene.time.is_moved = True
        try:
            scene.wait(lambda: scene.run is None or rest(), "the program rests", after_return=True)
        finally:
            scene.time.is_moved = False

    def _serving(self) -> list[Call]:
        """What the program has done on the connection, and what the thread waits in
        that has served it last."""
        calls = holdings.calls_on(self._scene, self._party.link)
        waits = [c for c in self._scene.process.trace.unfinished if calls and c.tid == calls[-1].tid]
        return calls + waits[:1]

    def _line(self, calls: list[Call]) -> int | None:
        """Where the last of these calls stands in the program."""
        self._scene.look_up(calls[-1:])
        return calls[-1].line if calls else None

    def _head(self, head: bytes, known: Mistakes) -> tuple[int, Fields]:
        """Status and fields of an answer's header.

        Raises:
            Broken: it is none.
        """
        line, *lines = head.removesuffix(_END).split(b"\r\n")
        status = _STATUS.fullmatch(line)
        if status is None:
            what = "gets what is no status line of HTTP/1.1 where an answer was to begin"
            self._differs(what, "", known.get("body", ""), "RFC 9112, section 4")
        fields: dict[bytes, list[bytes]] = {}
        for text in lines:
            name, colon, value = text.partition(b":")
            if not colon or not name or name != name.strip():
                self._differs(f"gets an answer with {text[:40]!r}, which is no field", "", "", "RFC 9112, section 5")
            fields.setdefault(name.lower(), []).append(value.strip(b" \t"))
        return int(status[1]), fields

    def _size(self, fields: Fields, known: Mistakes) -> int:
        """The Content-Length of an answer.

        Raises:
            Broken: there is none.
        """
        sizes = set(fields.get(b"content-length", []))
        if len(sizes) != 1 or not (size := sizes.pop()).isdigit():
            what = "no number as Content-Length" if sizes else "no Content-Length"
            self._differs(f"gets an answer with {what}", "", known.get("length", ""), "RFC 9110, section 8.6")
        return int(size)


def ask(target: bytes, fields: bytes = b"", *, method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> bytes:
    """A request with a Host, and other fields."""
    return b"%s %s %s\r\n%s%s\r\n" % (method, target, version, HOST, fields)


def body_of(reply: bytes) -> bytes:
    """What stands behind the header of an answer."""
    return reply.partition(_END)[2]
