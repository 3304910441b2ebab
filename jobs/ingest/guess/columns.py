"""Which field of a sample is which column of a dataset: by its heading, and by what its values look like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from jobs.ingest.guess.fields import Field
from jobs.ingest.guess.words import best_said, names_record, plain, vocabulary
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
TEXTS = ("text", "comment", "title", "topic", "name", "proof")
BY_PATTERN = {
    "url": ("url", 1.05, 0.0),
    "currency": ("currency", 1.05, 0.0),
    "language": ("language", 1.0, 0.0),
    "postcode": ("postcode", 1.05, 0.7),
    "user_agent": ("agent", 1.05, 0.0),
    "boolean": ("boolean", 1.0, 0.0),
}
"""Kinds that one pattern tells: the pattern, and how well values fit that are like it, and others."""
TURNS = ("turn number", "turn", "turn id", "turn index", "sequence", "sequence number", "volgnummer", "beurt")
"""Headings of the place of a message in its conversation."""
IN_TURNS = "no message has a time: turns are a second apart, from 1970; add the day of the conversation"
NOT_BY_RECORD = ("events", "campaign_events", "survey_responses", "products", "order_lines")
RECORD_OF = {str(CANONICAL[name].id): name for name in vocabulary() if name not in NOT_BY_RECORD}
"""Ids by the dataset whose records they name, wherever they stand; an answer is known by its question."""
BY_RECORD = 0.9
"""How well a heading says an id that is made of a word for the record."""
NAMES = ("first_name", "last_name", "full_name", "city", "street")


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


def column_kinds(dataset: str) -> dict[str, str]:
    """Each column of a dataset that may be guessed, by what its values are."""
    known = vocabulary()[dataset]["columns"]
    types = {column.name: column.type for column in CANONICAL[dataset].columns}
    types["full_name"] = "string"
    values = vocabulary()[dataset].get("values", {})
    return {name: _kind(name, types[name], values) for name in known if name in types}


def _kind(name: str, type_: str, values: dict[str, Any]) -> str:
    if type_ in ("timestamp", "date"):
        return "moment"
    if type_.startswith(("decimal", "double", "bigint")):
        return "number"
    if name in ("email", "phone", "country", "currency", "language", "postcode", "other_emails", "user_agent"):
        return name
    if name in ("url", "referrer"):
        return "url"
    if name in NAMES:
        return "name"
    if type_ == "boolean":
        return "boolean"
    if name.endswith(("_id", "_ids")) or name in ("credits", "merged_into"):
        return "id"
    return "word" if name in values else "text" if name in TEXTS else "free"


def fits(kind: str, one: Field) -> float:
    """How well values are what a column of this kind holds: above 1 they speak for it by themselves, 0 they cannot."""
    if not one.values:
        return 0.85
    if kind == "moment":
        return 0.0 if one.dates is None else 1.05
    if kind == "number":
        return 1.0 if one.numeric and (one.dates is None or (one.like("number") and len(one.values[0]) < 9)) else 0.0
    if kind == "email":
        return 1.15 if one.like("email") else 0.45 if one.like("hash") else _hidden(one)
    if kind == "other_emails":
        return 1.1 if one.like("emails") else 0.0
    if kind == "phone":
        return 1.05 if one.like("phone") and one.dates is None else 0.0
    if one.like("email") or (one.dates is not None and kind not in ("id", "free")):
        return 0.0
    if kind in BY_PATTERN:
        pattern, if_like, otherwise = BY_PATTERN[kind]
        return if_like if one.like(pattern) else otherwise
    if kind == "country":
        return 0.0 if one.numeric or one.like("url") else 1.0
    if kind == "name":
        return 0.0 if one.numeric or one.like("url") or one.like("boolean") else 1.0
    if kind == "id":
        return 0.0 if one.text or (one.like("boolean") and len(one.different) < 3 and len(one.values) > 3) else 1.0
    if kind == "word":
        return 0.0 if (one.text and len(one.different) > 12) or (one.like("boolean") and one.numeric) else 1.0
    if kind == "text":
        return 0.0 if one.like("boolean") and len(one.values) > 1 and not one.like("number") else 1.0
    return 1.0


def _hidden(one: Field) -> float:
    """Addresses made unreadable: one word of many signs each."""
    return 0.45 if all(len(value) >= 16 and " " not in value for value in one.values[:20]) else 0.0


def assigned(dataset: str, fields: Sequence[Field]) -> dict[str, Guess]:
    """The best field of each column, each field once; moments may serve twice."""
    kinds = column_kinds(dataset)
    phrases = vocabulary()[dataset]["columns"]
    target = CANONICAL[dataset]
    pairs = []
    for name, kind in kinds.items():
        for place, one in enumerate(fields):
            heading = best_said(one.path, phrases[name])
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
    if dataset == "contacts" and "contact_id" not in found and (card := found.get("loyalty_id")) and _one_each(card):
        why = "no column is the id of a contact, and this is another one in every row"
        found["contact_id"] = replace(card, column="contact_id", confidence=SURE - 0.1, why=why)
    found = _with_moments(dataset, found, pairs)
    return _in_turns(found, fields) if dataset == "messages" and "sent_at" not in found else found


def _speaks(dataset: str, name: str, kind: str, one: Field) -> float:
    """What speaks for a field beside its heading: it is the record's id, or its values are words that are known."""
    if name == CANONICAL[dataset].id and _plain_id(one) and len(one.different) * 2 > len(one.values):
        return 1.35
    if kind == "word" and one.values:
        known = vocabulary()[dataset]["values"][name]
        return 0.65 if meanings(known, one)[1] else 1.15
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
    return replace(moment, column=VERSION, confidence=confidence, why="nothing tells when a row was changed")


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
