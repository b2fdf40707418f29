"""A page in the terminal: lines, and paragraphs beside a margin."""

from __future__ import annotations

from rich.text import Text

from grader.report.console import WIDTH, console_in

#: Columns before a paragraph.
INDENT = 7
MARGIN = " " * INDENT


class Page:
    """Writes to standard output.

    Args:
        color: see `console_in`.
    """

    def __init__(self, color: str = "auto") -> None:
        self.console = console_in(color)
        self.width = max(60, min(self.console.width, 100)) if self.console.is_terminal else WIDTH

    def paragraph(self, text: str, style: str = "", *, first: str = MARGIN, margin: str = MARGIN) -> None:
        """Write a text beside the margin.

        Args:
            first: what stands before its first line.
            margin: what stands before the others.
        """
        for line in Text(printable(text)).wrap(self.console, self.width - len(margin) - 1):
            self.say(f"{first}{line.plain.rstrip()}", style)
            first = margin

    def say(self, text: str = "", style: str = "") -> None:
        """Write one line."""
        self.print(Text(text), style)

    def print(self, text: Text, style: str = "") -> None:
        """Write text that has styles of its own."""
        if style:
            text.stylize(style)
        text.rstrip()
        self.console.print(text, soft_wrap=True)


def indented(lines: list[str]) -> str:
    """Lines beside the margin."""
    return "\n".join(f"{MARGIN}{printable(line)}" for line in lines)


def printable(text: str) -> str:
    """Without control characters: a program's output does not steer the terminal."""
    return "".join(c if c.isprintable() else "?" if c != "\t" else "    " for c in text)
