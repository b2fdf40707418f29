"""The fixtures a check can name: ``learner``, ``peer``, ``fault`` and others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from grader.peers.process import free_port
from grader.verbs.learner import Learner
from grader.verbs.peer import Peer
from grader.verbs.scene import Scene
from grader.verbs.script import Script
from grader.verbs.stage import Stage, Unit


@pytest.fixture
def scene(stage: Stage, unit: Unit) -> Iterator[Scene]:
    """The check's processes; ended when it is over."""
    scene = Scene(stage, unit)
    yield scene
    scene.close()


@pytest.fixture
def learner(scene: Scene) -> Learner:
    """The program under judgement."""
    return Learner(scene)


@pytest.fixture
def peer(scene: Scene) -> Iterator[Peer]:
    """The process at the other end."""
    peer = Peer(scene)
    yield peer
    peer.close()


@pytest.fixture
def other_peer(scene: Scene) -> Iterator[Peer]:
    """A second one."""
    peer = Peer(scene)
    yield peer
    peer.close()


@pytest.fixture
def fault(scene: Scene) -> Callable[..., None]:
    """Tampers with a call: ``fault("send", limit=7)``."""
    return Script(scene).fault


@pytest.fixture
def resolves(scene: Scene) -> Callable[..., None]:
    """Scripts getaddrinfo(): ``resolves("greeter.test", "127.0.0.2", "127.0.0.1")``."""
    return Script(scene).resolves


@pytest.fixture
def port(scene: Scene) -> Iterator[str]:
    """A TCP port that nothing uses, as text; a new one for each check."""
    reserved: dict[int, int] = {}
    scene.port = free_port(reserved)
    yield str(scene.port)
    for fd in reserved.values():
        os.close(fd)
