"""`recommended` of an action and of config/context.yaml: whose list of items is shown, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, model_validator

from jobs.config.models.learned import Learned
from jobs.config.models.recommend import Recommend
from jobs.config.yaml_files import Strict, line_of, nearest


class Recommended(Strict):
    """Items of the list that a model recommends to each customer."""

    model: str = Field(description="a model of kind recommend")
    top: int = Field(5, ge=1, le=20, description="items, at most")


class RecommendedInMessages(Recommended):
    """Items that a message shows: of the newest list that is fresh enough, its first ones."""

    least: int = Field(1, ge=0, le=20, description="who has fewer items gets no message")
    within_days: int = Field(7, ge=1, le=90, description="how old a list may be, in days; stock and tastes change")

    @model_validator(mode="after")
    def _can_be_filled(self) -> RecommendedInMessages:
        if self.least > self.top:
            raise ValueError(f"least: {self.least} is more than top {self.top}; nobody would ever get a message")
        return self


def recommended_problems(
    folder: Path, shown: Mapping[str, Recommended | None], learned: Mapping[str, Learned]
) -> list[str]:
    """Files, by their place in the folder, that show a list no model makes."""
    known = [name for name, model in learned.items() if isinstance(model, Recommend)]
    found = []
    for file, asked in shown.items():
        if asked and asked.model not in known:
            place = f"{folder / file}:{line_of(folder / file, 'recommended', 'model')}: recommended.model"
            close = nearest(asked.model, known)
            found.append(f"{place}: no model of kind recommend is called {asked.model!r}{close}")
    return found
