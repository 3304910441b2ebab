"""The YAML files of a new company: its source as it was guessed, with comments, and the least around it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.config.sources.source import Format
from jobs.ingest.guess.columns import Guess
from jobs.ingest.guess.datasets import Found, required
from jobs.ingest.guess.words import plain, tokens
from jobs.lake.tables.canonical import CANONICAL

CONSTANTS: dict[str, dict[str, str]] = {
    "orders": {"status": "'completed'", "currency": "'{currency}'"},
    "subscriptions": {"status": "'active'"},
    "payments": {"status": "'paid'", "currency": "'{currency}'"},
    "consents": {"purpose": "'marketing'", "channel": "'email'"},
    "events": {"type": "'page_view'"},
    "campaign_events": {"channel": "'email'", "type": "'sent'"},
    "campaign_stats": {"channel": "'ad'", "currency": "'{currency}'"},
    "conversations": {"channel": "'chat'", "status": "'closed'"},
    "messages": {"author": "'customer'"},
    "tickets": {"status": "'open'"},
    "appointments": {"status": "'booked'"},
    "survey_responses": {"question_id": "'answer'", "kind": "'text'"},
}
"""What stands in for a column that every row needs and the file lacks."""
BY_ANYBODY = frozenset(
    ("conversations", "messages", "tickets", "reviews", "survey_responses", "social_posts", "events")
)
"""Datasets of what people write or send themselves, under whatever address they like."""
ATTRIBUTES = 30
"""Further fields that are kept at most."""
REST = {
    "identity.yaml": "# Who is who: docs/guides/who-is-who.md\n"
    "identifiers: {contact: {}, email: {}, phone: {}, login: {}, cookie: {}, loyalty: {}}\ngolden_record: {}\n"
    "purposes: {marketing: {channels: [email]}}     # what people can say yes or no to; no answer is no\n",
    "journey.yaml": "# Stages: docs/guides/stages-and-moments.md\n"
    'stages: [{stage: awareness, name: seen, when: "true"}]\n',
    "destinations.yaml": "# Where audiences are sent: docs/guides/add-an-audience.md\ndestinations: {}\n",
    "models.yaml": "# What models learn from: docs/guides/models.md\nfeatures: [recency_days, orders_90d]\n",
    "traits.yaml": "# Numbers per customer: docs/guides/add-a-trait.md\nrows:\n"
    "  placed: {over: touchpoints, where: \"type = 'order' and subject <> 'cancelled'\"}\ntraits:\n"
    "  recency_days: {title: Days since the last order, over: placed, value: min(days_ago), type: bigint}\n"
    "  orders_90d: {title: Orders in the last 90 days, over: placed, days: 90, value: count(*), type: bigint}\n",
}
"""The smallest company around a source."""


def settings_file(company: str, folder: str, general: Mapping[str, str]) -> str:
    return (
        f"company: {json.dumps(company, ensure_ascii=False)}\ntimezone: {general['timezone']}\n"
        f"currency: {general['currency']}\n"
        f"country: {general['country']}                # for phone numbers without a country code\n"
        f"landing: {json.dumps(folder + '/landing')}    # files land in SOURCE/DAY/ below it\n"
        f"lake: {json.dumps(folder + '/lake')}\n"
    )


def loadable(found: Found) -> list[str]:
    """Columns without which no row of the dataset can be loaded, and that nothing was found for."""
    constants = CONSTANTS.get(found.dataset, {})
    return [name for name in required(found.dataset) if name not in found.columns and name not in constants]


def by_source(name: str, found: Sequence[Found]) -> dict[str, list[Found]]:
    """Source to its datasets: a source has each dataset once, and a second table of one is a source of its own."""
    sources: dict[str, list[Found]] = {name: []}
    for one in found:
        own = name
        if any(other.dataset == one.dataset for other in sources[name]):
            own = f"{name}_" + ("_".join(tokens(one.sample.each or one.sample.stem)) or "more")
            while any(other.dataset == one.dataset for other in sources.get(own, [])):
                own += "_more"
        sources.setdefault(own, []).append(one)
    return sources


def source_file(source: str, folder: str, found: Sequence[Found], general: Mapping[str, str]) -> str:
    """The YAML of a source. What is unsure is marked; of it only what every row needs is not commented out."""
    lines = [
        "# Guessed by `klantreis init` from samples: read it, and correct what is wrong.",
        "# The recipe: docs/guides/add-a-source.md",
        f"source: {source}",
        "group: crm",
    ]
    lines += [f"folder: {folder}"] if folder != source else []
    lines += [f"timezone: {general['timezone']}", *trust_lines([one.dataset for one in found]), "datasets:"]
    for one in found:
        lines += dataset_lines(one, general)
    return "\n".join(lines) + "\n"


def trust_lines(datasets: Sequence[str]) -> list[str]:
    """How far the source is trusted: a yes counts from none that only holds what people send themselves."""
    about = "docs/guides/add-a-source.md#how-far-it-is-trusted"
    if BY_ANYBODY.issuperset(datasets):
        return [f"trust: {{grants: false}}  # anybody can write here under any address: {about}"]
    return [
        "# Do people type their own address here, unproven (forms, accounts without a check)? Then take the # off:",
        f"# trust: {{identifies: alike, contact_points: own, grants: false}}  # {about}",
    ]


def in_use(one: Found) -> bool:
    """Whether the dataset is loaded: it has all it needs, and a consent is never taken for given on a mere guess."""
    return not loadable(one) and (one.sure or one.dataset != "consents")


def dataset_lines(one: Found, general: Mapping[str, str]) -> list[str]:
    told = (
        f"{one.sample.path.name}, {one.confidence:.0%} sure"
        if one.sure
        else f"unsure: {one.sample.path.name}, {one.confidence:.0%}"
    )
    lines = [f"  {one.dataset}:  # {_comment(told)}", f"    files: {_text(one.sample.files)}"]
    if one.sample.form:
        form = Format.model_validate(one.sample.form).model_dump(exclude_unset=True)
        lines.append(f"    format: {_flow(form)}")
    if one.sample.each:
        lines.append(f"    each: {_text(one.sample.each)}")
    if one.where:
        lines.append(f"    where: {_text(one.where)}")
    if one.lookups:
        lines.append("    lookups:")
        for name, way in one.lookups.items():
            form = {"format": way.sample.form} if way.sample.form else {}
            lines.append(f"      {name}: {_flow({'files': way.sample.files, **form, 'on': {way.key: way.of}})}")
    lines.append("    columns:")
    for column, value in CONSTANTS.get(one.dataset, {}).items():
        if column not in one.columns:
            lines.append(f"      {column}: {_text(value.format(**general))}  # unsure: no column tells it")
    lines += [_column(one, guess) for guess in one.columns.values()]
    lines += _attributes(one)
    if in_use(one):
        return lines
    missing = ", ".join(loadable(one))
    why = f"nothing tells {missing}" if missing else "a yes must be sure"
    return [
        f"  # {one.dataset} is not loaded, {why}: complete it and take the # off",
        *(f"  #{line[1:]}" for line in lines),
    ]


def value_of(guess: Guess) -> str:
    """The value of a column in YAML."""
    one = guess.field
    made: dict[str, Any] = {"from": guess.expression}
    if one is not None and guess.values:
        made["values"] = dict(guess.values)
    if one is not None and guess.expression == one.expression:
        if one.dates:
            made["dates"] = one.dates
        elif one.decimal and one.dates is None and _amount(guess):
            made["decimal"] = one.decimal
    return _text(guess.expression) if len(made) == 1 else _flow(made)


def _amount(guess: Guess) -> bool:
    types = {column.name: column.type for dataset in CANONICAL.values() for column in dataset.columns}
    return types.get(guess.column, "string").startswith(("decimal", "double", "bigint"))


def _column(one: Found, guess: Guess) -> str:
    personal = guess.column == "full_name" or any(
        c.personal for c in CANONICAL[one.dataset].columns if c.name == guess.column
    )
    shown = "" if personal or guess.field is None else ", ".join(value[:20] for value in guess.field.examples)
    told = f"{guess.confidence:.0%}" + (f", {guess.why}" if guess.why else "") + (f": {shown}" if shown else "")
    line = f"      {guess.column}: {value_of(guess)}"
    if guess.sure:
        return f"{line}  # {_comment(told)}"
    needed = guess.column in required(one.dataset)
    return f"{line}  # unsure, {_comment(told)}" if needed else f"      # {line.strip()}  # unsure, {_comment(told)}"


def _attributes(one: Found) -> list[str]:
    kept: dict[str, str] = {}
    for field in one.attributes:
        name = "_".join(tokens(" ".join(field.path))) or plain(field.name)
        if re.match("[a-z]", name):
            kept.setdefault(name, field.expression)
    lines = [f"      {name}: {_text(expression)}" for name, expression in list(kept.items())[:ATTRIBUTES]]
    return ["    attributes:", *lines] if lines else []


def _text(value: str) -> str:
    return value if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", value) and value.lower() not in (
        "yes", "no", "on", "off", "true", "false", "null", "y", "n"
    ) else json.dumps(value, ensure_ascii=False)  # fmt: skip


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value) if not isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\u0085\u2028\u2029]", " ", text)
