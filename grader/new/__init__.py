"""Writes a new exercise that is lawful from its first minute."""
