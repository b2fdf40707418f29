"""Where reports are written: standard output, with or without colour."""

from __future__ import annotations

from rich.console import Console

#: Columns of a report that does not go to a terminal.
WIDTH = 80


def console_in(color: str) -> Console:
    """Standard output.

    Args:
        color: ``"auto"``, ``"always"`` or ``"never"``; auto is colour on a
            terminal, unless NO_COLOR is set.
    """
    return Console(
        force_terminal={"always": True, "never": False}.get(color),
        no_color=True if color == "never" else None,
        highlight=False,
        soft_wrap=True,
    )
