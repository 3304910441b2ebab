"""Which dataset the records of a sample are: by what they are called, and by the columns that are found in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from jobs.ingest.guess.columns import IN_TURNS, SURE, VERSION, Guess, assigned
from jobs.ingest.guess.fields import Field, fields_of
from jobs.ingest.guess.parts import Part
from jobs.ingest.guess.samples import Sample
from jobs.ingest.guess.words import named, names_record, tokens, vocabulary
from jobs.lake.tables.canonical import CANONICAL

COMMON = frozenset(
    [
        "contact_id",
        "email",
        "phone",
        "login_id",
        "cookie_id",
        "loyalty_id",
        "updated_at",
        "created_at",
        "language",
        "currency",
        "channel",
    ]
)
"""Columns that many datasets have: they say little about which one it is."""
NEEDED = {
    "orders": ("total",),
    "order_lines": ("product_id",),
    "messages": ("text",),
    "consents": ("status",),
    "campaign_stats": ("cost", "impressions", "clicks"),
    "payments": ("amount",),
    "reviews": ("rating", "text"),
    "products": ("name",),
    "survey_responses": ("score", "comment", "survey_id"),
    "events": ("url", "type", "cookie_id"),
    "campaign_events": ("campaign_id",),
    "contacts": ("email", "phone", "first_name", "last_name", "full_name", "login_id", "postcode"),
    "subscriptions": ("status", "plan", "started_at"),
    "tickets": ("topic", "status", "priority"),
    "conversations": ("channel", "topic", "status"),
}
"""Columns of which a dataset needs at least one, beside its id and its moment: without any it is another one."""
CAMPAIGNS = frozenset(("campaign", "campagne", "kampagne", "campana", "mailing", "nieuwsbrief", "newsletter"))
"""Words for what a message beside an address was part of."""
CALLED = 0.5
"""Points for an id that is called after the records of a dataset, another one in each."""
ENOUGH = 2.0
"""Points below which nobody can tell what a file is."""


@dataclass
class Found:
    """One dataset of one sample, with the guess for each of its columns. `fields` are all of the sample."""

    dataset: str
    sample: Sample
    columns: dict[str, Guess]
    score: float
    fields: list[Field] = field(repr=False)
    where: str = ""
    confidence: float = 1.0
    lookups: dict[str, Lookup] = field(default_factory=dict)
    name: str = ""

    @property
    def sure(self) -> bool:
        return self.confidence >= SURE

    @property
    def attributes(self) -> list[Field]:
        """Fields that no column took, worth keeping: some value, not always the same."""
        used = {guess.field.name for guess in self.columns.values() if guess.field}
        return [one for one in self.fields if one.name not in used and one.values and not one.path[0].startswith("_")]


@dataclass(frozen=True)
class Lookup:
    """Another sample whose `key` equals `of`, an expression over the dataset's row."""

    sample: Sample
    key: str
    of: str


def required(dataset: str) -> list[str]:
    """Columns without which no row of the dataset is valid."""
    target = CANONICAL[dataset]
    moment = target.moment or ("changed_at" if dataset == "consents" else "")
    return list(
        dict.fromkeys([*(name for name in target.key if name not in ("source", VERSION)), *filter(None, [moment])])
    )


def candidates(part: Part, names: Iterable[str] = ()) -> list[Found]:
    """The datasets that the records may be, best first."""
    sample = part.sample
    fields = fields_of(sample)
    place = sample.each or sample.form.get("records", "").removesuffix("[]").split("[].")[-1]
    called = [name for name in (sample.stem, place.split(".")[-1], part.name, *names) if name]
    closest = [part.name] if part.name else [place.split(".")[-1]] if sample.each else []
    mailed = _of_messages(fields)
    found = []
    for dataset, known in vocabulary().items():
        columns = assigned(dataset, fields)
        headings = [known, vocabulary()["events"]] if mailed and dataset == "campaign_events" else [known]
        words = max(named(called, one["words"]) + 2 * named(closest, one["words"]) for one in headings)
        if mailed and dataset == "events":
            words = 0
        score = 1.5 * words + _evidence(dataset, columns) + CALLED * _has_its_id(dataset, columns)
        needed = NEEDED.get(dataset, ())
        if needed and not set(needed) & set(columns):
            score -= 3
        score -= 1.5 * sum(
            name not in columns
            for name in required(dataset)
            if name not in ("channel", "type", "question_id", "line_id")
        )
        found.append(Found(dataset, sample, columns, score, fields, part.where, name=part.name))
    found.sort(key=lambda one: one.score, reverse=True)
    return found


def _of_messages(fields: list[Field]) -> bool:
    """Whether events are of messages that were sent: they have a subject, bounce or campaign, and no browser."""
    said = {word for one in fields for word in tokens(one.path[-1])}
    browser = {"cookie", "anonymous", "visitor", "referrer", "referer", "browser", "device"}
    sent = {"subject", "betreff", "onderwerp", "objet", "asunto", "bounce"}
    if any(len(one.path) == 1 and one.like("email") for one in fields):
        sent |= CAMPAIGNS
    return bool(said & sent) and not said & browser


def _has_its_id(dataset: str, columns: dict[str, Guess]) -> bool:
    """Whether each record has another id, called after such records: convo_id."""
    key = columns.get(CANONICAL[dataset].id or "")
    one = key.field if key else None
    return one is not None and one.unique and len(one.path) == 1 and names_record(one.path[-1], dataset)


def _evidence(dataset: str, columns: dict[str, Guess]) -> float:
    """Points for columns: a heading that only this dataset has, as it is written in the vocabulary, says most."""
    points = 0.0
    for name, guess in columns.items():
        weight = 0.15 if name in COMMON or name.endswith("_at") else 0.6
        if guess.why == IN_TURNS:  # nothing but messages has turns
            weight = 1.2
        elif guess.confidence < SURE and name != VERSION:
            weight *= 0.3
        points += weight * guess.confidence
    return points
