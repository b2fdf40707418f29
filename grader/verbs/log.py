"""What a check can see of the log that a relay writes: who has said what."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from itertools import pairwise

from grader.stage import quiet
from grader.stage.broken import Broken
from grader.stage.scene import Scene
from grader.verbs.folder import Directory
from grader.verdict.evidence import Failure
from grader.verdict.model import Difference
from grader.verdict.transcript import Step
from grader.verdict.words import counted, differing

#: A line: the client's number, whose side it is, and what one receive has returned.
_LINE = re.compile(rb"([1-9]\d*) ([<>]) (?:([1-9]\d*) ([0-9a-f]+)|(eof|reset))")
_SHAPE = "`N > COUNT HEX`, `N > eof` or `N > reset`"
#: Of a file that holds in hexadecimal what a peer has sent in bulk (bytes).
_LARGEST = 64 << 20
#: So much of a line is shown.
_SHOWN = 60


class Log:
    """The log of a relay, in the temporary directory of this run.

    How the bytes of a side are cut into lines is the program's own affair: what
    counts is all that its lines tell together.
    """

    def __init__(self, scene: Scene, folder: Directory) -> None:
        self._scene = scene
        self._before = b""
        self._was_there = False
        self._size, self._found = -1, list[re.Match[bytes]]()
        self.path: str = folder.path("log")
        scene.arranged.folder.is_written(self.path)
        scene.arranged.file_limit = _LARGEST

    def holds(self, data: bytes) -> None:
        """It is there already, with that in it."""
        self._put(data)
        self._note(f"holds {counted(len(data))} already")

    def takes_nothing(self) -> None:
        """Nothing can be written to it: there is no space left (full(4))."""
        os.symlink("/dev/full", self.path)
        self._scene.arranged.folder.knows(self.path)
        self._note("can be opened, and not be written to (ENOSPC)")

    def tells(self, number: int, side: str, data: bytes, *ends: str, missing: str = "") -> None:
        """By the time that the program rests it tells that this side of a client has
        said exactly this so far.

        Args:
            number: of the client.
            side: ``">"`` for the client, ``"<"`` for the target.
            ends: how the side has ended, ``"eof"`` or ``"reset"``, or that it has not,
                ``""``; of several, one.  Without any, it has not.
            missing: slug of the gap that the absence of the end gives away.

        Raises:
            Broken: it tells something else, or its lines are not lines.
        """
        scene, rest = self._scene, quiet.Rest(self._scene)
        may_go_on = not ends or "" in ends  # what it tells now may not be all

        def is_told() -> bool:
            return rest() or (not may_go_on and self._differs(number, side, data, ends, "") is None)

        scene.wait(is_told, "the log is written")
        failure = self._differs(number, side, data, ends, missing)
        if failure is not None:
            raise Broken(failure)
        self._note_that(number, side, data, ends)

    def tells_already(self, number: int, side: str, data: bytes, *, late: str = "") -> None:
        """The same of what has gone on to the other side: at once, whatever the program
        is about to do.

        Args:
            late: slug of the gap that fewer bytes give away.
        """
        failure = self._differs(number, side, data, (), "")
        if failure is not None:
            raise Broken(replace(failure, gap=late if failure.difference else ""))
        self._note_that(number, side, data, ())

    def tells_nothing_of(self, number: int) -> None:
        """No line has that client's number."""
        lines = [line for line in self._lines() if int(line[1]) == number]
        if lines:
            raise Broken(Failure("log", f"the log has `{_shown(lines[0][0])}`; expected no line of client {number}"))
        self._note(f"tells nothing of client {number}")

    def _note_that(self, number: int, side: str, data: bytes, ends: tuple[str, ...]) -> None:
        end = f" and {ends[0]}" if ends and ends[0] else ""
        size = "all bytes" if self._scene.arranged.bulk else counted(len(data))
        self._note(f"tells {size}{end} of `{number} {side}`")

    def _differs(self, number: int, side: str, data: bytes, ends: tuple[str, ...], missing: str) -> Failure | None:
        """What is wrong with what it tells of a side, if anything is."""
        try:
            lines = self._lines()
        except Broken as broken:
            return broken.failure
        own = [line for line in lines if (int(line[1]), line[2].decode()) == (number, side)]
        for line, later in pairwise(own):
            if line[5]:
                return Failure("log", f"the log has `{_shown(later[0])}` after `{_shown(line[0])}`, which was the last")
        told = b"".join(bytes.fromhex(line[4].decode()) for line in own if line[4])
        end = own[-1][5].decode() if own and own[-1][5] else ""
        whose = f"`{number} {side}`"
        if told != data:
            sentence = f"the log tells {counted(len(told))} of {whose}, and it has said {len(data)}"
            if len(told) == len(data) or self._scene.arranged.bulk:
                sentence = f"of the bytes that the log tells of {whose} not all are those that it has said"
            if len(told) == len(data):
                sentence = f"of the {counted(len(told))} that the log tells of {whose}, {differing(data, told)}"
            return Failure("log", sentence, difference=Difference(data, told))
        if end not in (ends or ("",)):
            has = f"`{number} {side} {end}`" if end else f"no line for the end of {whose}"
            expected = " or ".join(f"`{number} {side} {one}`" if one else "none" for one in ends or ("",))
            return Failure("log", f"the log has {has}; expected {expected}", gap="" if end else missing)
        return None

    def _lines(self) -> list[re.Match[bytes]]:
        """The whole lines that the program has written so far.

        Raises:
            Broken: there is no file any more, what was in it is gone, or a line is none.
        """
        text = self._text()
        if len(text) == self._size:  # it only grows
            return self._found
        if not text.startswith(self._before):
            raise Broken(Failure("log", "what was in the log before is not at its beginning any more", read="open(2)"))
        found = []
        for line in text[len(self._before) :].split(b"\n")[:-1]:
            match = _LINE.fullmatch(line)
            if match is None or (match[3] and int(match[3]) * 2 != len(match[4])):
                why = f"it counts {int(match[3])} bytes, and shows {len(match[4]) / 2:g}" if match else ""
                raise Broken(Failure("log", f"the log has `{_shown(line)}`; {why or f'a line is {_SHAPE}'}"))
            found.append(match)
        self._size, self._found = len(text), found
        return found

    def _text(self) -> bytes:
        try:
            with open(self.path, "rb") as file:
                self._was_there = True
                return file.read()
        except FileNotFoundError:
            if self._was_there or self._before:
                raise Broken(Failure("log", "the log is not there any more", read="unlink(2)")) from None
            return b""

    def _put(self, data: bytes) -> None:
        with open(self.path, "wb") as file:
            file.write(data)
        self._before = data
        self._scene.arranged.folder.knows(self.path)

    def _note(self, text: str) -> None:
        self._scene.steps.append(Step(f"the log {text}"))


def _shown(line: bytes) -> str:
    text = line.decode("ascii", "backslashreplace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
