"""One performance of a check: the script is played, a verdict comes out."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from pathlib import Path

from grader.build.module import BuildError
from grader.build.toolchain import NoCompiler
from grader.stage import aftermath
from grader.stage.broken import Broken, NotHere
from grader.stage.left_behind import judge_end, printed
from grader.stage.scene import Scene
from grader.stage.stand_ins import renamed
from grader.verbs.cast import Cast
from grader.verdict.diagnosis import diagnose, violations
from grader.verdict.evidence import Failure
from grader.verdict.model import Diagnosis, Place, Told, Verdict
from grader.verdict.transcript import Step, tell_all

#: So many bytes of an argument are shown in full.
_LONGEST = 100


def perform(script: Callable[[], None], cast: Cast) -> tuple[Verdict, Diagnosis | None]:
    """Play a check's script and judge what came of it.

    Args:
        script: the check, with its parts.
        cast: those parts.
    """
    try:
        failure = play(script, cast)
        return (Verdict.PASS, None) if failure is None else (failure.verdict, explain(failure, cast.scene))
    except NoCompiler as missing:
        return Verdict.SKIP, Diagnosis(str(missing))
    except NotHere as missing:
        return Verdict.SKIP, Diagnosis(str(missing), is_alone=True)
    except BuildError as error:
        return Verdict.BUILD, _build_diagnosis(error)
    except Exception as exception:
        return fault(exception, cast.scene)


def play(script: Callable[[], None], cast: Cast) -> Failure | None:
    """Play a check's script; the first expectation that was not met.

    Raises:
        NoCompiler, BuildError: there is no program to play it with.
        NotHere: it cannot be played on this machine.
    """
    scene = cast.scene
    try:
        script()
        judge_end(scene)
    except Broken as broken:
        return aftermath.settle(scene, broken.failure)
    return violation(scene) or printed(scene)


def violation(scene: Scene) -> Failure | None:
    """A rule broken that no peer could see."""
    if violations(aftermath.evidence(scene, lines=False)):
        return Failure("violation", "a rule of the contract is broken")
    return None


def fault(exception: Exception, scene: Scene) -> tuple[Verdict, Diagnosis]:
    """What becomes of a program that the grader cannot follow.

    One that is trusted has met a fault of the kit. A stranger's may have brought it
    about, by what it has written where its calls are written down: that is no way to
    be graded once more.
    """
    if scene.stage.job is None:
        return Verdict.ERROR, kit_failure(exception, scene)
    words = "what came from the program is nothing that a program of this contract sends"
    return Verdict.FAIL, Diagnosis(words, messages=f"{type(exception).__name__}: {exception}"[:_LONGEST])


def explain(failure: Failure, scene: Scene) -> Diagnosis:
    """Name the gap behind a failure, from all that is known."""
    steps = [*scene.steps, *_given(scene)]
    diagnosis = diagnose(scene.exercise, aftermath.evidence(scene, lines=True), failure, steps)
    names = _stand_ins(scene)
    return renamed(diagnosis, names) if names else diagnosis


def story(scene: Scene) -> tuple[Told, ...]:
    """All that was said in a check that is over; nothing where no function was called."""
    if not scene.runs:
        return ()
    steps = [*scene.steps, *reversed(scene.untold), *_given(scene)]
    told = tell_all(aftermath.evidence(scene, lines=True), steps)
    return renamed(tuple(told), _stand_ins(scene))


def _stand_ins(scene: Scene) -> dict[str, str]:
    return scene.arranged.stand_ins | (scene.arranged.folder.stand_ins if scene.arranged.folder else {})


def _given(scene: Scene) -> list[Step]:
    """The bytes that the last function was given, in full, where there is nothing else to go by."""
    data = scene.runs[-1].message if scene.exercise.pure and scene.runs else None
    if not data or len(data) > _LONGEST or data.hex(" ") in scene.runs[-1].shown:
        return []
    return [Step(f"was given {data.hex(' ', -2)}", "learner")]


def kit_failure(exception: Exception, scene: Scene) -> Diagnosis:
    """What went wrong in the kit, or in the check that it plays."""
    last = traceback.extract_tb(exception.__traceback__)[-1]
    check = Path(last.filename)
    if check != scene.exercise.checks:
        return Diagnosis("the kit itself failed", messages="".join(traceback.format_exception(exception)))
    words = f"{type(exception).__name__}: {exception}"
    if isinstance(exception, AttributeError) and exception.name:
        from difflib import get_close_matches  # in no run but such a one

        alike = get_close_matches(exception.name, dir(exception.obj), 1)
        words = f"there is no verb `{exception.name}`" + (f"; do you mean `{alike[0]}`?" if alike else "")
        words += "  docs/verbs.md has them all"
    return Diagnosis(
        "the check cannot be played", messages=f"grader/checks/{check.name}:{last.lineno}  {last.line}\n{words}"
    )


def _build_diagnosis(error: BuildError) -> Diagnosis:
    found = re.search(r"([^\s:]+\.[ch]):(\d+):(?:\d+:)? (?:fatal )?error", error.messages)
    place = (Place(found.group(1), int(found.group(2))),) if found else ()
    return Diagnosis(error.sentence, places=place, messages=error.messages.strip())
