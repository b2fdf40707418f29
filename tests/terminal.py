"""A real pseudo-terminal for commands of the kit, of a size that the test chooses."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

from tests.conftest import kit_environment

#: So long nothing may come (seconds): a backstop.
_PATIENCE = 120.0


class Terminal:
    """``python -m grader ARGUMENTS`` as the foreground job of a terminal.

    Attributes:
        text: everything that it has shown so far.
    """

    def __init__(
        self, root: Path, *arguments: str, columns: int = 80, environment: dict[str, str] | None = None
    ) -> None:
        self.text = ""
        settings = {**kit_environment(root), "TERM": "xterm", **(environment or {})}
        for name in ("COLUMNS", "LINES"):
            settings.pop(name, None)
        self.pid, self._screen = pty.fork()
        if self.pid == 0:
            os.chdir(root)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execvpe(sys.executable, [sys.executable, "-m", "grader", *arguments], settings)

    def shows(self, pattern: str) -> re.Match[str]:
        """Wait until what has been shown matches."""
        while (match := re.search(pattern, self.text)) is None:
            assert self._reads(), f"it ended before it showed {pattern!r}:\n{self.text}"
        return match

    def types(self, text: str) -> None:
        """Type, as a person would: ``\\x03`` is Ctrl-C."""
        os.write(self._screen, text.encode())

    def ends(self) -> int:
        """Wait for its end; returns its exit code."""
        while self._reads():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self) -> None:
        """End it, if it has not ended."""
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # it has
        os.close(self._screen)

    def _reads(self) -> bool:
        """Take what is there, or will come; False at the end."""
        deadline = time.monotonic() + _PATIENCE
        assert select.select([self._screen], [], [], deadline - time.monotonic())[0], f"nothing comes:\n{self.text}"
        try:
            data = os.read(self._screen, 1 << 16)
        except OSError:  # of a terminal whose last program has ended
            return False
        self.text += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
