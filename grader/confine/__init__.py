"""Confinement: how a process is shut in, and how it is known that it is."""


class NotConfined(Exception):
    """Strangers' code cannot be confined here; says why, and the command that mends it."""
