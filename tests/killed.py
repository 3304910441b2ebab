"""A run that is killed between two of its commits to the lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobs.lake import Lake


class Killed(BaseException):
    """Stands for the end of the process: no handler of the code under test catches it."""


@contextmanager
def killed_after(survived: int) -> Iterator[None]:
    """What runs inside ends at its append after `survived` others."""
    real, commits = Lake.append, []

    def append(self, name, data, txn):
        if len(commits) == survived:
            raise Killed
        commits.append(name)
        return real(self, name, data, txn)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "append", append)
        with pytest.raises(Killed):
            yield
