"""Submissions that attack: what each is after, it does not get, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import PROJECT, by_slug, kit_environment

ATTACKS = sorted((Path(__file__).parent / "redteam" / "attacks").iterdir())
SEND_ALL = by_slug("send_all")


def _head(path: Path, word: str) -> str:
    return re.search(rf"^(?:#| \*) {word}: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)[1]


CONTROLS = [path for path in ATTACKS if _head(path, "control") == "reached"]


@dataclass
class Target:
    """What there is to be reached, outside.

    Attributes:
        folder: with a neighbour's submission and other canaries.
        words: placeholder in an attack -> what stands for it.
    """

    folder: Path
    words: dict[str, str]

    def submission(self, attack: Path) -> Path:
        """A folder with the attack in front of the right solution."""
        language = "python" if attack.suffix == ".py" else "c"
        folder = self.folder / f"submission-{secrets.token_hex(4)}"
        folder.mkdir()
        (folder / "notes.txt").write_text("where the answers are\n")
        text = attack.read_text(encoding="utf-8") + SEND_ALL.solution(language).read_text(encoding="utf-8")
        words = self.words | {"@SUBMISSION@": str(folder), "@TOKEN@": secrets.token_hex(4)}
        for placeholder, word in words.items():
            text = text.replace(placeholder, word)
        (folder / f"send_all{attack.suffix}").write_text(text)
        return folder

    def graded(self, folder: Path, *options: str) -> tuple[int, dict, str]:
        """Exit code, report and words of grading a submission."""
        report = folder.with_suffix(".json")
        language = "python" if (folder / "send_all.py").exists() else "c"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "grader", "04", "--lang", language, "-k", "any_length or empty_message"),
                *("--submission", str(folder), "--report", f"json={report}", *options),
            ],
            cwd=PROJECT, env=kit_environment() | {"CANARY_TOKEN": self.words["@SECRET@"]},
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        return done.returncode, json.loads(report.read_text()) if report.exists() else {}, done.stdout + done.stderr


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "neighbour.py").write_text("answers = 'of somebody else'\n")
    name = f"canary-{secrets.token_hex(4)}"
    sleeper = subprocess.Popen(["sleep", "1000"])
    with socket.create_server(("127.0.0.1", 0)) as service, socket.socket(socket.AF_UNIX) as named:
        named.bind(f"\0{name}")
        named.listen()
        words = {
            "@PROJECT@": str(PROJECT),
            "@CANARY@": str(folder),
            "@CACHE@": str(_cache()),
            "@PORT@": str(service.getsockname()[1]),
            "@OUTSIDE@": "127.0.0.1",
            "@NAME@": name,
            "@PID@": str(sleeper.pid),
            "@SECRET@": secrets.token_hex(8),
        }
        yield Target(folder, words)
    sleeper.kill()
    sleeper.wait()


def _cache() -> Path:
    named = kit_environment().get("THIRTEEN_BYTES_CACHE")
    return Path(named) if named else Path(os.path.expanduser("~/.cache/thirteen-bytes"))


def _verdict(report: dict) -> str:
    return report["units"][0]["verdict"]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda path: path.name)
def test_an_attack_does_not_get_what_it_is_after(attack: Path, target: Target) -> None:
    code, report, words = target.graded(target.submission(attack))

    assert "REACHED" not in json.dumps(report) + words, f"{_head(attack, 'aim')}: {words}"
    assert target.words["@SECRET@"] not in json.dumps(report) + words
    verdict, expected = _verdict(report), _head(attack, "expect")
    assert verdict == expected or (expected == "any" and verdict != "error"), words
    assert code == (0 if verdict == "pass" else 1)


@pytest.mark.parametrize("attack", CONTROLS, ids=lambda path: path.name)
def test_the_same_attack_bites_where_nothing_confines_it(attack: Path, target: Target) -> None:
    _code, report, words = target.graded(target.submission(attack), "--sandbox", "none")

    assert "REACHED" in json.dumps(report) + words, f"{_head(attack, 'aim')}: {words}"


def test_attacks_leave_nothing_behind(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attack = next(path for path in ATTACKS if path.stem == "leaves_a_daemon")
    folder = target.submission(attack)
    token = re.search(r"canary-(\w{8})", (folder / "send_all.py").read_text())[0]
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    target.graded(folder)

    alive = [name for name in os.listdir("/proc") if name.isdigit() and token in _command_line(name)]
    assert alive == []
    assert list(tmp_path.iterdir()) == []
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


def _command_line(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
