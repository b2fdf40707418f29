"""A second process of the program: it does what the first one does, while that still waits."""

from __future__ import annotations

import select
from typing import Any

from grader.learner.process import LearnerProcess
from grader.peers.process import PeerProcess
from grader.stage.arranged import Arranged
from grader.stage.hangs import IDLE_SECONDS
from grader.stage.on_stage import OnStage
from grader.stage.watch import GLANCE, Watch


class Twin:
    """The process; nothing is judged of it but what becomes of its call.

    Args:
        scene: whose program it loads.

    Attributes:
        outcome: what its function has answered; None while it goes on.
    """

    def __init__(self, scene: OnStage) -> None:
        request = scene.stage.request(scene.unit) | Arranged().of_host()
        self._process = LearnerProcess(scene.stage.server(scene.unit.language), request)
        self.outcome: dict | None = None
        self._await(IDLE_SECONDS)  # until it is loaded, as the first one was
        self.outcome = None

    def calls(self, function: str, arguments: tuple[Any, ...]) -> None:
        """Call a function of the contract."""
        self._process.call(function, list(arguments), {}, ())

    def asks(self, player: PeerProcess) -> dict | None:
        """The answer of a peer's action that the call is to bring about; None if the
        call is over, or nothing comes of it, before."""
        watch = Watch()
        while (answer := player.answer()) is None and self.outcome is None and watch.idle(()) < IDLE_SECONDS:
            ready, _, _ = select.select([player.channel, self._process.channel], [], [], GLANCE)
            if player.channel in ready:
                player.channel.pump()
            if self._process.channel in ready:
                self._await(0)
        return answer

    def _await(self, seconds: float) -> None:
        """Take what the process has to say, within that time."""
        channel, watch = self._process.channel, Watch()
        while (message := channel.take()) is None and not channel.closed:
            is_there = bool(select.select([channel], [], [], min(seconds, GLANCE))[0])
            if (is_there and not channel.pump()) or (not is_there and watch.idle(()) >= seconds):
                break
        if isinstance(message, dict):
            self.outcome = message

    def leaves(self) -> None:
        """It has been answered: let it tidy up, and return."""
        if self.outcome is None:
            self._await(IDLE_SECONDS)

    def close(self) -> None:
        """End it, wherever it is."""
        self._process.end()
        self._process.close()
