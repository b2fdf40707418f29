"""The wiring to pytest: collects checks, runs them, keeps their results."""
