"""Directories that programs list, and links that they follow, in the trace of both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.stage.scene import Scene
from grader.verbs.learner import Learner
from tests.tracing import LANGUAGES, run

each_language = pytest.mark.parametrize("language", LANGUAGES)

#: Lists a directory by its path and by a descriptor, and asks where a link leads.
LISTED = (
    """
os.symlink("nowhere", HERE + "/link")
os.listdir(HERE)
try:
    os.readlink(HERE + "/link")
    folder = os.open(HERE, os.O_RDONLY)
    os.listdir(folder)
    os.readlink("link", dir_fd=folder)
    os.close(folder)
finally:
    os.unlink(HERE + "/link")
""",
    """
    char target[20];
    DIR *folder;
    int fd;

    symlink("nowhere", HERE "/link");
    folder = opendir(HERE);
    if (folder)
        closedir(folder);
    readlink(HERE "/link", target, sizeof target);
    fd = open(HERE, O_RDONLY);
    folder = fdopendir(fd);
    readlinkat(fd, "link", target, sizeof target);
    if (folder)
        closedir(folder);
    else
        close(fd);
    unlink(HERE "/link");
""",
)


@each_language
def test_both_languages_tell_of_directories_and_links(tmp_path: Path, language: str) -> None:
    made = run(tmp_path, LISTED, language)

    names = ["symlink", "opendir", "readlink", "open", "opendir", "readlink"]
    assert [call.name for call in made.calls[:6]] == names
    assert all(call.done and not call.failed for call in made.calls)
    by_path, by_number = made.named("opendir")
    assert by_path.paths == [str(tmp_path)]
    assert by_number.fd == made.one("open").result
    assert [call.result for call in made.named("readlink")] == [len("nowhere")] * 2
    assert [call.paths for call in made.named("readlink")] == [[str(tmp_path / "link")], ["link"]]


@each_language
@pytest.mark.parametrize(("call", "error"), [("opendir", "EACCES"), ("readlink", "ENOENT")])
def test_a_fault_reaches_them(tmp_path: Path, language: str, call: str, error: str) -> None:
    made = run(tmp_path, LISTED, language, {"call": call, "when": "1", "error": error})

    assert (made.named(call)[0].errno, bool(made.named(call)[0].injected)) == (error, True)


@each_language
@pytest.mark.parametrize("call", ["opendir", "readlink"])
def test_their_return_is_held(tmp_path: Path, language: str, call: str) -> None:
    seen = []

    def look(learner: Learner, scene: Scene) -> None:
        learner.is_held()
        seen.extend(c.name for c in scene.process.trace.unfinished)
        learner.goes_on()

    run(tmp_path, LISTED, language, {"call": call, "when": "1", "hold": True}, meddle=look)

    assert seen == [call]
