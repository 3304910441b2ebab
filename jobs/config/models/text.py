"""`kind: text` of config/models/NAME.yaml: what is learned about texts from the company's own labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from jobs.config.models.learned import Keys, Learned
from jobs.config.models.shared import Models
from jobs.config.sql.functions import ROW
from jobs.config.sql.guard import problems
from jobs.config.texts import TEXTS
from jobs.config.traits import Trait
from jobs.config.yaml_files import Strict, nearest
from jobs.lake.tables import catalogue

SENTIMENT, INTENT, THEME = "sentiment", "intent", "theme"
TONES = ("negative", "neutral", "positive")


class Labelled(Strict):
    """Texts whose class the company knows: from the same row, or from a record beside it."""

    texts: str = Field(description="dataset with the texts, such as reviews")
    labels: str = Field("", description="dataset that tells the class; default: the dataset of the texts")
    by: str = Field("", description="column that a text and its label have in common; default: the record of the text")
    classes: dict[str, str] = Field(
        {}, description="condition on the row of the label for each class; the first that is true counts"
    )
    label: str = Field("", description="instead of `classes`: the column that holds the class, such as topic")

    @model_validator(mode="after")
    def _one_way_to_a_class(self) -> Labelled:
        if bool(self.classes) == bool(self.label):
            raise ValueError("say either `classes`, a condition for each, or `label`, the column with the class")
        return self

    @property
    def told_by(self) -> str:
        """The dataset with the labels."""
        return self.labels or self.texts


class Text(Learned):
    """A model of texts."""

    kind: Literal["text"]
    answers: Literal["sentiment", "intent", "theme"] = Field(
        description="sentiment (negative, neutral, positive), intent (classes of your own), or theme: what texts "
        "are about, found without labels"
    )
    learns_from: list[Labelled] = Field([], description="labelled texts; not for themes")
    themes: int = Field(10, ge=2, le=100, description="of themes, how many there are")
    tones: list[Literal["negative", "neutral", "positive"]] = Field(
        ["negative"],
        min_length=1,
        description="of themes, the tones of texts they are found in",
    )
    at_most: int = Field(50_000, ge=100, description="the newest texts that are learned from")
    in_texts: int = Field(
        3, ge=1, description="texts a word must be in to be learned, so that no model remembers what one person wrote"
    )
    minimum_accuracy: float = Field(0.6, ge=0, le=1, description="a first model below this is refused")
    minimum_improvement: float = 0.0

    @model_validator(mode="after")
    def _labels_where_they_are_needed(self) -> Text:
        if (self.answers == THEME) == bool(self.learns_from):
            told = (
                "themes are found without labels; leave it out" if self.learns_from else "say which texts have labels"
            )
            raise ValueError(f"learns_from: {told}")
        for labelled in self.learns_from:
            strange = sorted(set(labelled.classes) - set(TONES)) if self.answers == SENTIMENT else []
            if strange:
                raise ValueError(
                    f"learns_from: {strange[0]!r} is no class of sentiment; write one of {', '.join(TONES)}"
                )
            if self.answers == SENTIMENT and labelled.label:
                raise ValueError("learns_from: sentiment needs `classes`: a condition for each of " + ", ".join(TONES))
        return self

    def wrong(self, models: Models, traits: Mapping[str, Trait]) -> Iterator[tuple[Keys, str]]:
        for number, one in enumerate(self.learns_from):
            place: Keys = ("learns_from", number)
            if one.texts not in TEXTS:
                yield (*place, "texts"), f"there are no texts in {one.texts!r}{nearest(one.texts, TEXTS)}"
                continue
            name = f"valid/{one.told_by}"
            if name not in catalogue.DATASETS:
                known = [table.removeprefix("valid/") for table in catalogue.DATASETS if table.startswith("valid/")]
                yield (*place, "labels"), f"unknown dataset {one.told_by!r}{nearest(one.told_by, known)}"
                continue
            if one.labels and one.labels != one.texts and not one.by:
                yield (*place, "labels"), f"say in `by` which column the texts and {one.labels} have in common"
            for label, when in one.classes.items():
                for told in problems(when, catalogue.get(name).column_names, ROW):
                    yield (*place, "classes", label), told
            for key, column in (("by", one.by), ("label", one.label)):
                for table in {name, f"valid/{one.texts}"} if key == "by" else {name}:
                    columns = catalogue.get(table).column_names
                    if column and column not in columns:
                        yield (*place, key), f"{table} has no column {column!r}{nearest(column, columns)}"
