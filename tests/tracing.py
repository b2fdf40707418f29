"""Small programs in both languages, run once under the trace, for the tests of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from grader.catalogue.unit import Unit
from grader.stage import aftermath
from grader.stage.broken import Broken
from grader.stage.scene import Scene
from grader.stage.stage import Stage
from grader.trace.layout import STATE_BIT
from grader.trace.reader import Call
from grader.verbs.clock import Clock
from grader.verbs.learner import Learner
from grader.verbs.peer import Peer
from grader.verbs.script import Script
from grader.verdict.spoken import Speaker
from tests.conftest import by_slug

SEND_ALL = by_slug("send_all")
LANGUAGES = ("python", "c")

_PYTHON = """
import array, contextlib, errno, fcntl, os, select, signal, socket, struct, time

HERE = {here!r}

def send_all(sock, data):
{body}
"""
_C = """#define _GNU_SOURCE
#include "send_all.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define HERE {here}

int send_all(int lent, const void *message, size_t length)
{{
    (void)lent; (void)message; (void)length;
{body}
    return 0;
}}
"""


@dataclass
class Run:
    """What one run of a program has left in the trace.

    Attributes:
        calls: with lines.
        said: what a transcript says of each.
    """

    calls: list[Call]
    said: list[str] = field(default_factory=list)

    def named(self, name: str) -> list[Call]:
        """The calls of a name or a group."""
        return [call for call in self.calls if call.any_of(name)]

    def one(self, name: str) -> Call:
        """The only one of them."""
        (call,) = self.named(name)
        return call

    def words(self, name: str) -> list[str]:
        """What a transcript says of them."""
        return [said for call, said in zip(self.calls, self.said, strict=True) if call.any_of(name)]


def states(call: Call) -> set[str]:
    """The states of a call, in words."""
    return {word for word, bit in STATE_BIT.items() if call.states & bit}


def run(
    folder: Path,
    program: tuple[str, str],
    language: str,
    *faults: dict,
    meddle: Callable[[Learner, Scene], None] | None = None,
    held: bool = False,
) -> Run:
    """Run a program, and read its trace.

    Args:
        folder: of the program; ``HERE`` names it there.
        program: the body of ``send_all``, in Python and in C.
        faults: words of `grader.trace.faults.Fault`.
        meddle: what the script does while the program runs.
        held: whether the script holds the clock.
    """
    python, c = program
    path = folder / SEND_ALL.file_name(language)
    if language == "python":
        body = "\n".join(f"    {line}" for line in python.strip("\n").splitlines())
        path.write_text(_PYTHON.format(here=str(folder), body=body))
    else:
        path.write_text(_C.format(here=f'"{folder}"', body=c.strip("\n")))
    unit = Unit(SEND_ALL, language, path)
    stage = Stage([unit])
    scene = Scene(stage, unit)
    scene.arranged.tells_states = True
    try:
        learner, peer = Learner(scene), Peer(scene)
        if held:
            Clock(scene)
        for fault in faults:
            Script(scene).fault(**fault)
        learner.runs("send_all", peer.connection, b"")
        if meddle is not None:
            meddle(learner, scene)
        with suppress(Broken):  # how it ends is not the point here
            learner.returns(None)
        evidence = aftermath.evidence(scene, lines=True)
        speaker = Speaker(evidence)
        lines = [speaker.spoken(call) for call in evidence.calls]
        said = [f"{line.text}({', '.join(line.arguments or ())}){line.result}" for line in lines]
        return Run(evidence.calls, said)
    finally:
        scene.close()
        stage.close()
