"""What reads texts: the champions of the company's models, and else what comes with Klantreis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.models.text import INTENT, SENTIMENT, THEME, Text
from jobs.config.settings import Settings
from jobs.config.texts import LONGEST, TABLE
from jobs.config.yaml_files import ConfigError, line_of
from jobs.lake.tables import catalogue
from jobs.text import personal, sentiment, tagger
from jobs.text.language import languages_of, told_apart
from jobs.text.linear import Classifier
from jobs.text.topics import Topics

SURE = 0.5
"""How likely an intent must be: of `thank you` nobody can say what is wanted."""

TAGGED = "messages"
"""The dataset with turns of a chat, which is what the tagger knows."""


@dataclass(frozen=True)
class Readers:
    """What reads texts: the champions there are, and else what comes with Klantreis."""

    languages: list[str]
    country: str
    tone: Classifier | None = None
    wants: Classifier | None = None
    about: Topics | None = None
    names: str = "lexicon"
    """Models and versions of these."""

    @classmethod
    def of(cls, settings: Settings) -> Readers:
        """The champions of declared models of texts. Raises ModelRefused if files are not those registered."""
        general = settings.general
        _known_languages(settings)
        declared = {name: one for name, one in settings.learned.items() if isinstance(one, Text)}
        found: dict[str, Any] = {}
        told = []
        if declared:
            from jobs.models.registry import Registry
            from jobs.models.text import text

            registry = Registry(settings)
            for name, one in declared.items():
                champion = registry.champion(name)
                if champion:
                    found[one.answers] = text.load(registry, champion)
                    told.append(f"{name} {champion.number}")
        names = ", ".join(told if SENTIMENT in found else ["lexicon", *told])
        tone, wants, about = (found.get(answer) for answer in (SENTIMENT, INTENT, THEME))
        return cls(general.languages, general.country, tone, wants, about, names)

    def read(self, rows: pa.Table) -> pa.Table:
        """What is said of each text: rows of models/texts, of rows with all but what is said here, and the raw text."""
        typed = pc.utf8_slice_codeunits(pc.fill_null(rows["text"], ""), 0, LONGEST).to_pylist()
        languages = languages_of(typed, self.languages)
        masked = self._masked(typed, rows["dataset"].to_pylist())
        tones, scores = sentiment.by_model(masked, self.tone) if self.tone else sentiment.by_lexicon(masked, languages)
        says = [language is not None for language in languages]  # what has no words says nothing
        wants = _sure(*self.wants.predicted(masked)) if self.wants else [None] * len(masked)
        about = self.about.of(masked) if self.about else [None] * len(masked)
        answers = {
            "text": masked,
            "language": languages,
            "sentiment": [float(score) if told else None for score, told in zip(scores, says, strict=True)],
            "tone": [tone if told else None for tone, told in zip(tones, says, strict=True)],
            "intent": [one if told else None for one, told in zip(wants, says, strict=True)],
            "theme": about,
            "model_version": [self.names] * len(masked),
        }
        schema = catalogue.get(TABLE).arrow_schema()
        own = {name: rows[name] for name in schema.names if name not in answers}
        return pa.table({**own, **answers}).select(schema.names).cast(schema)

    def _masked(self, typed: list[str], datasets: list[str]) -> list[str]:
        turns = [n for n, dataset in enumerate(datasets) if dataset == TAGGED]
        tagged = dict(zip(turns, tagger.shipped().spans([typed[n] for n in turns]), strict=True))
        return [personal.masked(one, self.country, tagged.get(n, ())) for n, one in enumerate(typed)]


def _sure(classes: list[str], likely: np.ndarray) -> list[str | None]:
    """The classes that are likelier than all others together."""
    return [one if chance >= SURE else None for one, chance in zip(classes, likely, strict=True)]


def _known_languages(settings: Settings) -> None:
    path, known = settings.folder / "settings.yaml", told_apart()
    for number, language in enumerate(settings.general.languages):
        if language not in known:
            place = f"{path}:{line_of(path, 'languages', number)}: languages"
            raise ConfigError([f"{place}: nobody here can tell {language!r}; write some of {', '.join(known)}"])
