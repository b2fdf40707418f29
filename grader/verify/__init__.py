"""Proves that an exercise is lawful, before a learner sees it."""
