"""What a check can have the caller of the program arrange."""

from __future__ import annotations

from grader.stage.scene import Scene
from grader.verbs.folder import Directory
from grader.verdict.transcript import Step

#: Where a system has its programs.
_SYSTEM = "/usr/local/bin:/usr/bin:/bin"


class Caller:
    """Whoever calls the program's function: its settings are there before the
    call, and are judged after it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def has_settings_of_its_own(self) -> None:
        """It has handlers of its own (SIGTERM, SIGALRM, SIGUSR1, in C SIGPIPE too),
        ignores SIGHUP, has blocked SIGUSR2, has five files open, one of them under a
        number close to the limit, and the umask 027, and works in ``/``; in C, errno
        holds what an earlier call has left."""
        self._scene.arranged.has_caller = True
        self._scene.steps.append(Step("has a caller with handlers and a mask of its own", "learner"))

    def has_a_child(self) -> None:
        """It has a child of its own that has ended, for which it will wait itself."""
        self._scene.arranged.has_child = True
        self._scene.steps.append(Step("has a caller with a child of its own", "learner"))

    def works_in(self, folder: Directory) -> None:
        """Its working directory is that one."""
        self._scene.arranged.directory = str(folder)
        self._scene.steps.append(Step("is called in the directory", "learner"))

    def finds_programs_in(self, folder: Directory) -> None:
        """Its PATH leads to that directory first, and to the system's own."""
        self._scene.arranged.search = f"{folder}:{_SYSTEM}"
        self._scene.steps.append(Step("is called with the directory in its PATH", "learner"))

    def limits_files(self, size: int) -> None:
        """It lets no file grow beyond so many bytes (setrlimit(2), RLIMIT_FSIZE), and
        ignores SIGXFSZ: what is written beyond them fails with EFBIG."""
        self._scene.arranged.file_limit = size
        self._scene.steps.append(Step(f"has a caller that lets no file grow beyond {size} bytes", "learner"))

    @property
    def standard_error(self) -> bytes:
        """What its standard error is (proc(5))."""
        return b"/memfd:stderr (deleted)"

    def has_closed(self, *numbers: int) -> None:
        """It has closed these standard descriptors, and what is opened gets their
        numbers: a file that it lends has the first one, and a socket a higher one."""
        self._scene.arranged.closed = numbers
        closed = " and ".join(map(str, numbers))
        self._scene.steps.append(Step(f"has a caller that has closed {closed}", "learner"))
