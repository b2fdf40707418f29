"""Whether what a program does over and over comes to anything."""

from __future__ import annotations

import socket
from dataclasses import replace

from grader.stage.turns import LastFruit, Strides, in_vain, last_fruit, spins
from grader.trace.reader import Call

MILLISECOND = 1_000_000
PLAIN = Call(
    index=0, name="", fd=-1, args=(0, 0, 0, 0), done=True, result=0, error=0, injected=0, where=7, pid=1, tid=1,
    entered=0, left=0, payload=b"",
)  # fmt: skip
LOOK = replace(PLAIN, name="poll", args=(1, 20, 0, 0), left=20 * MILLISECOND)
RECEIVES = replace(PLAIN, name="recv", fd=4, args=(4096, 0, 0, 0), result=20)
PEEKS = replace(RECEIVES, args=(4096, socket.MSG_PEEK, 0, 0))
TRIES = replace(RECEIVES, result=-1, error=11)
SENDS = replace(PLAIN, name="send", fd=4, args=(20, 0, 1, 0), result=20, payload=b"x" * 20)
CLOSES = replace(PLAIN, name="close")


def trace(*turn: Call, turns: int = 1) -> list[Call]:
    """So many turns of the same calls, numbered."""
    return [replace(call, index=index) for index, call in enumerate(turn * turns)]


def test_a_program_that_looks_up_now_and_then_does_not_spin() -> None:
    assert not spins(trace(LOOK, turns=3000))
    assert not spins(trace(TRIES, CLOSES, LOOK, turns=1000))


def test_the_same_calls_with_the_same_results_are_a_loop_without_end() -> None:
    at_once = replace(LOOK, args=(1, 0, 0, 0), left=1000)

    assert spins(trace(TRIES, turns=2000))
    assert spins(trace(PEEKS, turns=2000))
    assert spins(trace(SENDS, turns=2000))
    assert spins(trace(TRIES, at_once, turns=1000))
    assert not spins(trace(TRIES, turns=1999))


def test_bytes_that_move_are_no_loop_without_end() -> None:
    ahead = [replace(SENDS, args=(40_000 - 20 * n, 0, 1 + 20 * n, 0)) for n in range(2000)]

    assert not spins(ahead)
    assert not spins(trace(RECEIVES, turns=2000))
    assert not spins(trace(PEEKS, RECEIVES, turns=1000))


def test_a_repetition_is_no_news() -> None:
    calls = trace(LOOK, CLOSES, turns=5)

    assert last_fruit(calls) == 1
    assert in_vain(calls) == {1: 4}
    assert last_fruit([*calls, replace(RECEIVES, index=10)]) == 10
    assert last_fruit([*calls, replace(LOOK, index=10, done=False)]) == 1
    assert last_fruit(trace(LOOK, turns=1000)) == -1


def test_whoever_asks_again_is_told_the_same_as_whoever_asks_first() -> None:
    calls, fruits = trace(LOOK, CLOSES, turns=300), LastFruit()
    assert fruits.of(calls[:20]) == 1
    assert fruits.of(calls) == 1

    under_way = replace(RECEIVES, index=600, done=False, tid=2)
    calls += [under_way, *(replace(call, index=call.index + 601) for call in trace(LOOK, turns=100))]
    assert fruits.of(calls) == 1

    calls[600] = replace(under_way, done=True)
    assert fruits.of(calls) == last_fruit(calls) == 600


def test_time_makes_strides_when_nothing_comes_of_many_turns() -> None:
    strides, calls, now, turns = Strides(), [], 0, 0
    while not strides.are_in_vain(calls, now):
        at_least = strides.next(calls, now)
        assert turns < 200 or at_least <= now * 1.06
        now = max(now + MILLISECOND, at_least)
        calls.append(replace(LOOK, index=turns))
        turns += 1

    assert 600e9 < now < 700e9
    assert turns < 1000


def test_news_make_time_go_by_turns_again() -> None:
    strides, calls = Strides(), trace(LOOK, turns=400)
    for turn in range(400):
        strides.next(calls, turn * MILLISECOND)
    assert strides.next(calls, 400 * MILLISECOND) > 400 * MILLISECOND

    calls.append(replace(RECEIVES, index=400))

    assert strides.next(calls, 500 * MILLISECOND) == 500 * MILLISECOND
