"""A run that is killed between two of its commits to the lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobs.lake.lake import Lake


class Killed(BaseException):
    """Stands for the end of the process: no handler of the code under test catches it."""


@contextmanager
def killed_after(survived: int, write: str = "append") -> Iterator[None]:
    """What runs inside ends at its append (or other write) after `survived` others."""
    real, commits = getattr(Lake, write), []

    def killing(self, name, *rest):
        if len(commits) == survived:
            raise Killed
        commits.append(name)
        return real(self, name, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, write, killing)
        with pytest.raises(Killed):
            yield
