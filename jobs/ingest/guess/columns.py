"""Which field of a sample is which column of a dataset: by its heading, and by what its values look like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from jobs.config.sql.writer import text_literal
from jobs.ingest.guess.fields import Field
from jobs.ingest.guess.kinds import column_kinds, fits
from jobs.ingest.guess.words import beside_utc, best_said, names_record, plain, says_moment, tokens, vocabulary
from jobs.lake.tables.canonical import CANONICAL

SURE = 0.7
"""From this confidence a guess is taken; below, it is shown and left to a person."""
LEAST = 0.42
"""Below this nothing is guessed."""
CLOSE = 0.97
"""Share of its points from which the next best field leaves the best one unsure."""
VERSION = "updated_at"
WITHOUT_CHANGES = ("survey_responses", "reviews", "campaign_stats")
"""Datasets of which a row without a date of change is as of its arrival: its own moment says nothing of that."""
IDENTIFIERS = ("email", "phone", "login_id", "cookie_id", "loyalty_id", "contact_id")
TURNS = ("turn number", "turn", "turn id", "turn index", "sequence", "sequence number", "volgnummer", "beurt")
"""Headings of the place of a message in its conversation."""
IN_TURNS = "no message has a time: turns are a second apart, from 1970; add the day of the conversation"
NOT_BY_RECORD = ("events", "campaign_events", "survey_responses", "products", "order_lines")
RECORD_OF = {str(CANONICAL[name].id): name for name in vocabulary() if name not in NOT_BY_RECORD}
"""Ids by the dataset whose records they name, wherever they stand; an answer is known by its question."""
DEVICE = (
    "case when {0} rlike 'iPad|Tablet' then 'tablet' when {0} rlike 'Mobi' then 'mobile' "
    "when {0} <> '' then 'desktop' end"
)
"""The kind of device, where nothing tells it but the name that a browser gives itself."""
MANY = 4
"""Records from which it says something that all of them have one value."""
MONEY = frozenset(("total", "amount"))
OVER = {"tickets": ("resolved_at", ("solved", "closed")), "conversations": ("closed_at", ("closed",))}
"""Datasets whose records end: the column of that moment, and the statuses of those that have."""
BY_RECORD = 0.9
"""How well a heading says an id that is made of a word for the record."""
UNCHANGED = "nothing tells when a row was changed"


@dataclass(frozen=True)
class Guess:
    """What one column is taken from: an expression over the fields, with how sure that is and examples."""

    column: str
    expression: str
    confidence: float
    field: Field | None = None
    values: tuple[tuple[str, str], ...] = ()
    why: str = ""

    @property
    def sure(self) -> bool:
        return self.confidence >= SURE


def assigned(dataset: str, fields: Sequence[Field]) -> dict[str, Guess]:
    """The best field of each column, each field once; moments may serve twice."""
    kinds = column_kinds(dataset)
    phrases = vocabulary()[dataset]["columns"]
    target = CANONICAL[dataset]
    paths = {one.path for one in fields}
    money = any(_cents(one) and best_said(one.path, phrases[name]) for name in MONEY & set(phrases) for one in fields)
    pairs = []
    for name, kind in kinds.items():
        for place, one in enumerate(fields):
            heading = best_said(one.path, phrases[name])
            if kind == "moment" and one.dates is not None and dataset != "consents":  # asked when, not written when
                if beside_utc(one.path, paths):
                    continue
                heading = max(heading, best_said(one.path, phrases[name], says_moment))
            if name in RECORD_OF and len(one.path) == 1 and names_record(one.path[0], RECORD_OF[name]):
                heading = max(heading, BY_RECORD)
            if heading < 0.3:
                continue
            factor = fits(kind, one)
            if name == target.id and any("[0]" in step for step in one.path):
                continue  # what stands in a list is an id of its items
            if name == target.id and one.values and not one.unique:
                factor *= 0.75 if target.versions else 0.6
            if name in IDENTIFIERS and name != target.id and _plain_id(one):
                factor = 0
            if name in MONEY and money and one.numeric and not _cents(one):
                factor *= 0.75  # a count beside sums that have cents
            raw = heading * factor * _speaks(dataset, name, kind, one)
            if raw >= LEAST:
                pairs.append((raw, -len(one.path), -place, name, one))
    pairs = _latest_change(pairs)
    pairs.sort(key=lambda pair: pair[:3], reverse=True)
    found: dict[str, Guess] = {}
    taken: set[str] = set()
    for confidence, _, _, name, one in sorted(pairs, key=lambda pair: pair[3] == target.id, reverse=True):
        if name in found or one.name in taken:
            continue
        found[name] = _guess(dataset, name, kinds[name], min(confidence, 0.99), one)
        other = next((pair for pair in pairs if pair[3] == name and pair[4] is not one), None)
        if other and other[0] >= CLOSE * confidence and other[4].name not in taken and other[4].values != one.values:
            doubt = f"{other[4].expression} could be it as well"
            found[name] = replace(found[name], confidence=min(found[name].confidence, SURE - 0.01), why=doubt)
        taken.add(one.name)
    if "full_name" in found and {"first_name", "last_name"} & set(found):
        del found["full_name"]
    if dataset == "contacts" and "contact_id" not in found:
        found |= _other_in_every_row(found, fields)
    key = found.get("contact_id") if dataset == "contacts" else None
    if key and key.field and "login_id" not in found and best_said(key.field.path, phrases["login_id"]) >= SURE:
        why = "events may name people by it"
        found["login_id"] = replace(key, column="login_id", confidence=min(key.confidence, SURE - 0.05), why=why)
    if dataset == "events" and "device" not in found and (agent := found.get("user_agent")):
        why = "by the browser's name of itself"
        found["device"] = replace(agent, column="device", expression=DEVICE.format(agent.expression), why=why)
    found = _when_over(dataset, _with_moments(dataset, found, pairs))
    return _in_turns(found, fields) if dataset == "messages" and "sent_at" not in found else found


def _cents(one: Field) -> bool:
    return one.numeric and any(re.search(r"[.,](\d{2}|\d{4})$", value) for value in one.values)


def _speaks(dataset: str, name: str, kind: str, one: Field) -> float:
    """What speaks for a field beside its heading: it is the record's id, or its values are words that are known."""
    if name == CANONICAL[dataset].id and _plain_id(one) and len(one.different) * 2 > len(one.values):
        return 1.35
    if kind == "word" and one.values:
        known = vocabulary()[dataset]["values"][name]
        return 0.65 if meanings(known, one)[1] else 1.15
    if name in ("email", "phone") and len(one.values) >= MANY and len(one.different) == 1:
        return 0.6  # the same in every record: of the company, not of its customers
    if kind in ("country", "currency") and one.values and all(re.fullmatch("[A-Z]{2,3}", v) for v in one.values):
        return 1.1
    return 1.0


def _latest_change(pairs: list[Any]) -> list[Any]:
    """Of several dates of change the latest counts: it covers every change that the others tell."""
    dates = [pair for pair in pairs if pair[3] == VERSION and pair[0] > 0.85 and pair[4].dates == []]
    if len(dates) < 2:
        return pairs
    last = max(dates, key=lambda pair: (sorted(pair[4].values), pair[0]))
    if last[4].values == max(dates, key=lambda pair: pair[0])[4].values:
        return pairs
    return [(pair[0] + 0.3 if pair is last else pair[0], *pair[1:]) for pair in pairs]


def _plain_id(one: Field) -> bool:
    return plain(one.path[-1]) == "id" and len(one.path) == 1


def _with_moments(dataset: str, found: dict[str, Guess], pairs: list[Any]) -> dict[str, Guess]:
    """A dataset without a moment of its own takes that of its version, and the other way round."""
    target = CANONICAL[dataset]
    moment = target.moment or ("changed_at" if dataset == "consents" else None)
    if moment and moment not in found:
        left = [(confidence, one) for confidence, _, _, name, one in pairs if name == moment]
        if left:
            found[moment] = _guess(dataset, moment, "moment", min(left[0][0], 1) * 0.95, left[0][1])
    if moment in found and VERSION in target.key and VERSION not in found and dataset not in WITHOUT_CHANGES:
        of = found[moment]
        found[VERSION] = unchanged(of)
    elif dataset == "contacts" and "created_at" in found and VERSION not in found:
        found[VERSION] = unchanged(found["created_at"])
    return found


def _one_each(guess: Guess) -> bool:
    return guess.field is not None and guess.field.unique and len(guess.field.values) == guess.field.count


def _when_over(dataset: str, found: dict[str, Guess]) -> dict[str, Guess]:
    """Records that end and have no moment for it: their last change, where their status says that they are over."""
    column, ends = OVER.get(dataset, ("", ()))
    status, changed = found.get("status"), found.get(VERSION)
    if not column or column in found or not (status and status.field and changed) or changed.why == UNCHANGED:
        return found
    meant = dict(status.values)
    words = sorted(word for word in status.field.different if meant.get(word, word) in ends)
    if not words:
        return found
    made = f"case when {status.expression} in ({', '.join(map(text_literal, words))}) then {changed.expression} end"
    why = "its last change, where its status says that it is over"
    return {**found, column: replace(changed, column=column, expression=made, confidence=SURE - 0.2, why=why)}


def _other_in_every_row(found: dict[str, Guess], fields: Sequence[Field]) -> dict[str, Guess]:
    """In the place of the id of a contact: an id by its heading, a card, a login, an address, that no two share."""
    used = {guess.field.name for guess in found.values() if guess.field}
    ids = [Guess("", one.expression, 0.0, one) for one in fields if one.name not in used and _called_id(one)]
    for one in (*ids, *(found[name] for name in ("loyalty_id", "login_id", "email") if name in found)):
        if _one_each(one):
            why = "no column is the id of a contact, and this is another one in every row"
            return {"contact_id": replace(one, column="contact_id", confidence=SURE - 0.1, why=why)}
    return {}


def _called_id(one: Field) -> bool:
    """Whether a heading is one word that ends with id, as the abbreviations of a tool do: LEID."""
    return len(one.path) == 1 and len(tokens(one.path[0])) == 1 and plain(one.path[0]).endswith("id")


def _in_turns(found: dict[str, Guess], fields: Sequence[Field]) -> dict[str, Guess]:
    """Messages without a time, whose turns are numbered: a second apart, so that they keep their order. Unsure."""
    if not {"conversation_id", "text"} <= set(found):
        return found
    said = [(best_said(one.path, TURNS), one) for one in fields if one.numeric]
    heading, one = max(said, key=lambda pair: pair[0], default=(0.0, None))
    if one is None or heading < SURE:
        return found
    made = f"timestamp_seconds(cast({one.expression} as bigint))"
    return {**found, "sent_at": Guess("sent_at", made, SURE - 0.2, one, why=IN_TURNS)}


def unchanged(moment: Guess) -> Guess:
    """The moment of a row in the place of that of its last change: unsure, for no field tells the latter."""
    confidence = min(moment.confidence, SURE - 0.05)
    return replace(moment, column=VERSION, confidence=confidence, why=UNCHANGED)


def _guess(dataset: str, name: str, kind: str, confidence: float, one: Field) -> Guess:
    values = vocabulary()[dataset].get("values", {}).get(name, {})
    expression, why = one.expression, ""
    if kind == "id" and one.values and all(re.fullmatch(r"\w+://\S+/[^/\s]+", value) for value in one.values):
        expression, why = f"regexp_extract({one.expression}, '[^/]+$', 0)", "the last part of an address"
    if kind == "id" and one.values and all(re.fullmatch(r"\d+\.0", value) for value in one.values):
        expression, why = f"regexp_replace({one.expression}, '[.]0$', '')", "a number written with a decimal"
    if name == "url" and any("?" in value or "#" in value for value in one.values):
        expression = f"regexp_replace({one.expression}, '[?#].*$', '')"
    if kind == "moment" and one.ambiguous:
        confidence, why = min(confidence, SURE - 0.1), "day and month may be the other way round"
    if not one.values:
        confidence, why = min(confidence, SURE - 0.05), "empty in the sample"
    if name == VERSION and one.path[0] == "_parent":
        confidence, why = min(confidence, SURE - 0.05), "the last change of what it is part of"
    mapped, unknown = meanings(values, one)
    if unknown:
        confidence, why = min(confidence, SURE - 0.02), f"what {', '.join(unknown[:3])} mean is not known"
    return Guess(name, expression, confidence, one, mapped, why)


def meanings(known: dict[str, list[str]], one: Field) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """What the words of a field mean among the known ones, where they are not those already; and those nobody knows."""
    if not known:
        return (), []
    mapped, unknown = [], []
    for value in sorted(one.different)[:60]:
        meaning = next((word for word, many in known.items() if plain(value) in {plain(word), *map(plain, many)}), None)
        if meaning is None:
            unknown.append(value)
        elif meaning != value:
            mapped.append((value, meaning))
    return tuple(mapped), unknown
