"""What a check can demand of a function that it calls with one thing after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class AnswerVerbs:
    """The verbs of `Learner` that call a function and look at what it says at once."""

    runs: Callable[..., None]
    returns: Callable[..., None]
    raises: Callable[..., None]

    def fails_with(self, error: str, function: str, *arguments: Any, **options: Any) -> None:
        """Call a function that fails at once, with the errno that its contract names,
        or with a `"gaierror"`."""
        self.runs(function, *arguments, **options)
        self.raises(error, named=error.isupper())

    def refuses_each(
        self, function: str, *values: Any, instead: str = "", mistakes: Mapping[str, str] | None = None
    ) -> None:
        """Call a function with each of these in turn; it calls every one bad:
        ``ValueError``, ``EINVAL``.

        Args:
            instead, mistakes: see `raises`.
        """
        for value in values:
            self.runs(function, value)
            self.raises("ValueError", instead=instead, mistakes=mistakes)

    def returns_each(self, function: str, answers: Mapping[Any, Any], *, instead: str = "") -> None:
        """Call a function with each of these in turn; it returns each one's value.

        Args:
            instead: see `returns`.
        """
        for argument, answer in answers.items():
            self.runs(function, argument)
            self.returns(answer, instead=instead)
