"""A run that is killed between two of its commits to the lake."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.lake.lake import Lake


class Killed(BaseException):
    """Stands for the end of the process: no handler of the code under test catches it."""


@contextmanager
def killed_after(survived: int, *writes: str) -> Iterator[None]:
    """What runs inside ends at its append (or one of other writes) after `survived` others."""
    commits: list[str] = []

    def killing(real):
        def write(self, name, *rest, **named):
            if len(commits) == survived:
                raise Killed
            commits.append(name)
            return real(self, name, *rest, **named)

        return write

    with pytest.MonkeyPatch.context() as patch:
        for write in writes or ("append",):
            patch.setattr(Lake, write, killing(getattr(Lake, write)))
        with pytest.raises(Killed):
            yield


@contextmanager
def killed_before_each(folder: Path, *writes: str) -> Iterator[list[Path]]:
    """What runs inside goes on; the block gets copies of its lake as a kill before each of these writes leaves it."""
    left: list[Path] = []

    def copying(real):
        def write(self, name, *rest, **named):
            left.append(Path(shutil.copytree(self.root, folder / f"killed before {len(left)}")))
            return real(self, name, *rest, **named)

        return write

    with pytest.MonkeyPatch.context() as patch:
        for write in writes:
            patch.setattr(Lake, write, copying(getattr(Lake, write)))
        yield left
