"""Confinement: how a process is shut in, and how it is known that it is."""


class NotConfined(Exception):
    """Strangers' code cannot be confined here.

    Args:
        why: what is not to be had.
        remedy: the command that mends it; ``""`` where none is known.
    """

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(f"{why}: {remedy}" if remedy else why)
        self.why, self.remedy = why, remedy
