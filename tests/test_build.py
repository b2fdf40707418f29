"""The build room: what is compiled when, and what is refused."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from grader.build.cache import KEPT, Cache
from grader.build.module import BuildError, Module, Workshop
from grader.build.toolchain import Toolchain, find
from tests.conftest import by_slug

SEND_ALL = by_slug("send_all")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def toolchain(cache: Cache) -> Toolchain:
    return find(cache)


class Counted:
    """A toolchain that counts its runs."""

    def __init__(self, real: Toolchain) -> None:
        self._real = real
        self.runs: list[list[str]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def run(self, arguments: list[str], cwd: Path | None = None) -> object:
        self.runs.append(arguments)
        return self._real.run(arguments, cwd)


def build(workshop: Workshop, source: Path, allowed: tuple[str, ...] = ()) -> Module:
    return workshop.build(source, SEND_ALL.header, ["send_all"], list(allowed))


def test_this_machine_has_what_the_kit_can_use(toolchain: Toolchain) -> None:
    assert "-ftrivial-auto-var-init=pattern" in toolchain.flags
    assert "-fsanitize=address,undefined" in toolchain.flags
    assert os.path.exists(toolchain.sanitizer)
    assert toolchain.fixed_addresses


def test_a_save_compiles_and_links_one_file(toolchain: Toolchain, cache: Cache, tmp_path: Path) -> None:
    source = tmp_path / "send_all.c"
    source.write_text(SEND_ALL.solution("c").read_text())
    build(Workshop(toolchain, cache), source)
    source.write_text(source.read_text() + "\n")
    counted = Counted(toolchain)

    build(Workshop(counted, cache), source)

    assert len(counted.runs) == 2
    assert "-c" in counted.runs[0]
    assert "-shared" in counted.runs[1]


def test_an_unchanged_file_is_not_built_again(toolchain: Toolchain, cache: Cache, tmp_path: Path) -> None:
    source = tmp_path / "send_all.c"
    source.write_text("int unused_;\n" + SEND_ALL.solution("c").read_text())
    first = build(Workshop(toolchain, cache), source)
    counted = Counted(toolchain)

    assert build(Workshop(counted, cache), source) == first
    assert counted.runs == []


def test_a_changed_contract_makes_new_glue(toolchain: Toolchain, cache: Cache, tmp_path: Path) -> None:
    header = tmp_path / "send_all.h"
    header.write_text(SEND_ALL.header.read_text() + "int more(void);\n")
    source = tmp_path / "send_all.c"
    source.write_text(SEND_ALL.solution("c").read_text() + "int more(void) { return 0; }\n")

    module = Workshop(toolchain, cache).build(source, header, ["send_all", "more"], [])

    assert module.path.exists()


def test_many_builders_share_a_cache(toolchain: Toolchain, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "shared")
    source = tmp_path / "send_all.c"
    source.write_text(SEND_ALL.solution("c").read_text())
    built: list[Module] = []
    threads = [
        threading.Thread(target=lambda: built.append(build(Workshop(toolchain, cache), source))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(built) == 6
    assert len({module.path for module in built}) == 1
    assert not list((tmp_path / "shared").glob(".making-*"))


def test_a_failed_build_leaves_no_entry(toolchain: Toolchain, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    source = tmp_path / "send_all.c"
    source.write_text("int send_all(\n")

    with pytest.raises(BuildError):
        build(Workshop(toolchain, cache), source)

    assert not list((tmp_path / "cache").glob("send_all-*"))
    assert not list((tmp_path / "cache").glob(".making-*"))


@pytest.mark.parametrize("name", ["exit", "_exit", "_Exit"])
def test_calls_are_refused_by_name_and_line(name: str, toolchain: Toolchain, cache: Cache, tmp_path: Path) -> None:
    source = tmp_path / "send_all.c"
    source.write_text(
        "#include <stdlib.h>\n#include <unistd.h>\nint send_all(int fd, const void *d, size_t n)\n"
        f"{{\n    {name}(3);\n    return 0;\n}}\n"
    )

    with pytest.raises(BuildError, match=rf"send_all\.c:5 calls {name}\(\)"):
        build(Workshop(toolchain, cache), source)


def test_a_contract_can_allow_a_call(toolchain: Toolchain, cache: Cache, tmp_path: Path) -> None:
    source = tmp_path / "send_all.c"
    source.write_text("#include <unistd.h>\nint send_all(int fd, const void *d, size_t n)\n{\n    _exit(0);\n}\n")

    assert build(Workshop(toolchain, cache), source, allowed=("_exit",)).path.exists()


def test_a_child_may_end_its_process(toolchain: Toolchain, cache: Cache, tmp_path: Path) -> None:
    source = tmp_path / "send_all.c"
    source.write_text(
        "#include <unistd.h>\nint send_all(int fd, const void *d, size_t n)\n"
        "{\n    if (fork() == 0)\n        _exit(0);\n    return 0;\n}\n"
    )

    assert build(Workshop(toolchain, cache), source).path.exists()


def test_the_cache_forgets_what_was_not_used(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for number in range(KEPT + 5):
        entry = cache.entry("thing", [str(number)], lambda directory: None)
        os.utime(entry, (number, number))

    cache.prune()

    assert len(list(tmp_path.iterdir())) == KEPT
    assert cache.entry("thing", ["3"], lambda directory: (directory / "new").touch()).joinpath("new").exists()
