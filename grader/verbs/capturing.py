"""What a check can see in the capture files that the program writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from grader.stage.broken import Broken
from grader.stage.captured import Frame, flaw, frames_compared, frames_in, packets_compared, times_flaw
from grader.stage.scene import Scene
from grader.verdict.evidence import Failure
from grader.verdict.transcript import Step
from grader.verdict.words import counted

#: The snap length of a file that is written: no frame has more bytes.
_MOST = 262144


class CaptureVerbs:
    """The verbs of a directory that a capture is written to."""

    _scene: Scene
    path: Callable[..., str]

    def shows_frames(self, name: str, frames: Iterable[Sequence], *, mistakes: Mapping[int, str] | None = None) -> None:
        """A file there is pcap with microseconds, of version 2.4 and link type 1, and
        holds exactly these frames.

        Args:
            frames: pairs of nanoseconds, in whole microseconds, and bytes.
            mistakes: wrong times that give a gap away, each with the gap's slug.

        Raises:
            Broken: there is no such file, or it holds something else.
        """
        path, expected = self.path(name), [list(frame) for frame in frames]
        found, wrong = self._read(path)
        if found != expected[: len(found)] or (not wrong and len(found) < len(expected)):
            times = [time for time, _frame in found]
            gap = next((slug for time, slug in (mistakes or {}).items() if time in times), "")
            raise Broken(replace(self._failure(f"{path} holds {frames_compared(expected, found)}"), gap=gap))
        if wrong:
            raise Broken(self._failure(f"{path} {wrong}"))
        self._scene.steps.append(Step(f"the file {path} holds {counted(len(found), 'frame')}"))

    def shows_packets(
        self,
        name: str,
        *frames: bytes,
        mistakes: Mapping[bytes, str] | None = None,
        twice: str = "",
        fewer: str = "",
        cut: str = "",
    ) -> None:
        """A file there is pcap, as above, and holds exactly these frames, in this order,
        each with a time of these days.

        Args:
            mistakes: frames that give a gap away, each with the gap's slug.
            twice, fewer, cut: slugs of the gaps that one which is there twice gives
                away, one that is missing, and one of which a part is missing.

        Raises:
            Broken: there is no such file, or it holds something else.
        """
        path = self.path(name)
        read, wrong = self._read(path)
        found = [frame for _time, frame in read]
        if found != [*frames] and not (wrong and found == [*frames[: len(found)]]):
            sentence, gap = packets_compared(frames, found, mistakes or {}, twice=twice, fewer=fewer, cut=cut)
            raise Broken(replace(self._failure(f"{path} {sentence}"), gap=gap))
        if wrong := wrong or times_flaw(read):
            raise Broken(self._failure(f"{path} {wrong}"))
        self._scene.steps.append(Step(f"the file {path} holds {counted(len(found), 'frame')}"))

    def _read(self, path: str) -> tuple[list[Frame], str]:
        """The frames of a file, and what is wrong with the next one, if anything is.

        Raises:
            Broken: there is no file, or it is none of frames.
        """
        if not os.path.isfile(path):
            raise Broken(self._failure(f"there is no file at {path}"))
        with open(path, "rb") as file:
            data = file.read()
        if wrong := flaw(data, _MOST):
            raise Broken(self._failure(f"{path} {wrong}"))
        return frames_in(data)

    def _failure(self, sentence: str) -> Failure:
        function = self._scene.runs[-1].function
        return Failure("capture", f"{sentence}, when {function}() has returned", read="the README, The format")
