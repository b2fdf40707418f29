"""One performance of a check: the script is played, a verdict comes out."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable

from grader.build.module import BuildError
from grader.build.toolchain import NoCompiler
from grader.verbs.broken import Broken
from grader.verbs.cast import Cast
from grader.verbs.scene import Scene
from grader.verbs.state import judge_end
from grader.verdict.diagnosis import diagnose, violations
from grader.verdict.evidence import Failure
from grader.verdict.model import Diagnosis, Place, Verdict


def perform(script: Callable[[], None], cast: Cast) -> tuple[Verdict, Diagnosis | None]:
    """Play a check's script and judge what came of it.

    Args:
        script: the check, with its parts.
        cast: those parts.
    """
    try:
        failure = play(script, cast)
    except NoCompiler as missing:
        return Verdict.SKIP, Diagnosis(str(missing))
    except BuildError as error:
        return Verdict.BUILD, _build_diagnosis(error)
    except Exception:
        return Verdict.ERROR, Diagnosis("the kit itself failed", messages=traceback.format_exc())
    return (Verdict.PASS, None) if failure is None else (failure.verdict, explain(failure, cast.scene))


def play(script: Callable[[], None], cast: Cast) -> Failure | None:
    """Play a check's script; the first expectation that was not met.

    Raises:
        NoCompiler, BuildError: there is no program to play it with.
    """
    scene = cast.scene
    try:
        script()
        judge_end(scene)
    except Broken as broken:
        return scene.settle(broken.failure)
    return violation(scene)


def violation(scene: Scene) -> Failure | None:
    """A rule broken that no peer could see."""
    if violations(scene.evidence(lines=False)):
        return Failure("violation", "a rule of the contract is broken")
    return None


def explain(failure: Failure, scene: Scene) -> Diagnosis:
    """Name the gap behind a failure, from all that is known."""
    return diagnose(scene.exercise, scene.evidence(lines=True), failure, scene.steps)


def _build_diagnosis(error: BuildError) -> Diagnosis:
    found = re.search(r"([^\s:]+\.[ch]):(\d+):(?:\d+:)? (?:fatal )?error", error.messages)
    place = (Place(found.group(1), int(found.group(2))),) if found else ()
    return Diagnosis(error.sentence, places=place, messages=error.messages.strip())
