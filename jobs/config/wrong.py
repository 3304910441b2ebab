"""That a configuration or command is wrong, and what may have been meant. Nothing is loaded to say it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ConfigError(Exception):
    """The configuration is wrong. The message has one line per problem: place, problem, what to do."""

    def __init__(self, problems: Iterable[str]):
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class CommandError(ConfigError):
    """What a command was asked is wrong, such as an option or a query: the configuration may be right."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or the valid names when none is near, if there are any."""
    valid = sorted(valid)
    if not valid:
        return "; there is none"
    near = get_close_matches(name, valid, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; valid: {', '.join(valid)}"
