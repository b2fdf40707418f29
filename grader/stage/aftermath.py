"""What a check comes to: the program at rest, and all that is known of it then."""

from __future__ import annotations

from dataclasses import replace

from grader.stage import death, holdings, quiet
from grader.stage.broken import Broken
from grader.stage.moments import Moments
from grader.stage.outcomes import line_of, outcome_words, stopped
from grader.stage.party import Party
from grader.stage.scene import Scene
from grader.verdict.evidence import Evidence, Failure
from grader.verdict.model import Verdict
from grader.verdict.talk import Talk

#: Of so many of those who have connected evidence has the talks.
_TALKS = 8


def settle(scene: Scene, failure: Failure) -> Failure:
    """Let the program come to rest, so that evidence is whole.

    What it does from here on is no longer judged; it may return or wait for
    ever.  If it dies, that is why the peer saw what it saw.

    Returns:
        The failure, or the death behind it.
    """
    for run in scene.runs:
        run.judged = True  # there is a failure already
    if scene.process is None or failure.verdict is not Verdict.FAIL:
        return failure
    if scene.concluded:
        return _in_the_end(scene, failure)
    scene.release()
    if not scene.process.has_ended and (died := death.of_child(scene)) is not None:
        return replace(died, difference=failure.difference)
    try:
        rest = quiet.Rest(scene)
        # on a held clock waits come to an end; on the real one nobody waits a minute for it
        may_rest = not scene.time.is_held
        scene.wait(lambda: scene.run is None or ((may_rest or scene.run.endless) and rest()), "it is over")
    except Broken as later:
        if later.failure.verdict is Verdict.CRASH:
            return replace(later.failure, difference=failure.difference)
    return _in_the_end(scene, failure)


def _in_the_end(scene: Scene, failure: Failure) -> Failure:
    """What a peer saw, in the words of what the program came to.

    Only now is that sure: a peer may see the end of a connection before the
    judge hears that the function is over, or after.
    """
    run = scene.runs[-1] if scene.runs else None
    if failure.kind not in ("bytes", "refused", "stopped") or run is None or run.outcome is None:
        return failure
    if run.endless:
        if failure.kind == "bytes":
            del scene.steps[scene.awaited_since :]
        while scene.steps and scene.steps[-1].is_one_sided:
            scene.untold.append(scene.steps.pop())  # done just before the end, or after it: that is chance
        return stopped(run, scene.unit, scene.disturbed)
    if failure.kind != "bytes":
        return failure
    if "returned" in run.outcome:
        return failure
    return replace(failure, sentence=f"{outcome_words(run, scene.unit)}; {failure.sentence}", line=line_of(run))


def evidence(scene: Scene, *, lines: bool) -> Evidence:
    """All that is known.

    Args:
        lines: whether to look up the lines of C calls, which costs a process.
    """
    moments, calls = Moments(scene), []
    if scene.process is not None:
        scene.process.trace.update()
        calls = scene.process.trace.calls
        if lines:
            scene.look_up(calls)
            for run in scene.runs:
                run.decided = moments.of_run(run)
    resolver = scene.arranged.resolver
    return Evidence(
        source=scene.source,
        calls=calls,
        runs=scene.runs,
        lent=_lent_numbers(scene),
        before=scene.world.before,
        after=scene.world.after,
        message=scene.message,
        addresses=len(resolver.addresses) if resolver else 0,
        families=resolver.families if resolver else frozenset(),
        lacks=resolver.lacks if resolver else "",
        port=scene.arranged.port,
        time_wait=scene.arranged.time_wait,
        given=set(scene.world.given),
        time_limit=scene.time.limit,
        has_no_time=scene.time.is_none_left,
        is_clock_held=scene.time.is_held,
        bulk=scene.arranged.bulk,
        has_choices=scene.arranged.has_choices,
        deserted=scene.world.deserted,
        signalled=scene.arranged.signalled,
        lost=scene.process.trace.lost if scene.process else 0,
        queued=holdings.queued(scene) if lines else [],
        unread=holdings.unread(scene) if lines and scene.process else [],
        talks=[_talk(scene, party) for party in _speakers(scene)] if lines else [],
        moments=moments.of_call,
        standing=scene.arranged.folder.standing if scene.arranged.folder else {},
    )


def _lent_numbers(scene: Scene) -> list[int]:
    """The numbers of what was lent: as the caller has found them before the last call
    that has ended, or as they are."""
    found = next((run.outcome["found"] for run in reversed(scene.runs) if "found" in (run.outcome or {})), None)
    if found is not None:
        return list(found["lent"])
    return scene.world.lent_numbers() or list(range(3, 3 + len(scene.world.lent)))


def _speakers(scene: Scene) -> list[Party]:
    """Those who have connected: whom the program owes something comes first,
    who has said nothing last."""
    return sorted(scene.company.connected, key=lambda party: (party is not scene.company.creditor, not party.said))[
        :_TALKS
    ]


def _talk(scene: Scene, party: Party) -> Talk:
    calls = tuple(holdings.calls_on(scene, party.link))
    return Talk(party.name, bytes(party.said), bytes(party.heard), party.owed, party.came, calls)
