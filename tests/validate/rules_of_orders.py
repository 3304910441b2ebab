"""Rules of every kind over orders of any values."""

import datetime as dt
import json
import random

import pyarrow as pa

from jobs.config.sources.source import SourceDataset
from jobs.lake.engine import get_spark
from jobs.validate.rules.broken import flagged, row_rules
from jobs.validate.rules.cross_row import with_attributes, with_verdicts
from jobs.validate.rules.custom import attribute_types, own_expectations

COLUMNS = {
    "order_id": "id",
    "updated_at": "at",
    "ordered_at": "at",
    "status": "status",
    "channel": "channel",
    "store_id": "store",
    "currency": "currency",
    "total": "total",
    "discount": "discount",
    "loyalty_id": "card",
    "email": "email",
}

ATTRIBUTES = {"colour": "colour", "weight": {"from": "weight", "type": "number"}, "gift wrap": "wrap", "due": "due"}


KNOWN_CARDS = ["k1", "k2", "k2", "s1", None]


def known(name, column, any_source):
    assert (name, column) == ("contacts", "loyalty_id")
    return get_spark().createDataFrame([(card,) for card in KNOWN_CARDS], "known string")


TYPES = {"line": pa.int64(), "ordered_at": pa.timestamp("us", "UTC"), "total": pa.float64(), "discount": pa.float64()}


KINDS = [
    {"column": "email", "rule": "not_null"},
    {"column": "email", "rule": "not_null", "when": "channel = 'web'"},
    {"column": "attributes.colour", "rule": "not_null", "fate": "report"},
    {"column": "status", "rule": "in_set", "values": ["completed", "open"]},
    {"column": "discount", "rule": "in_set", "values": [0, 1.5]},
    {"column": "attributes.colour", "rule": "in_set", "values": ["red", "blue"], "when": "total > 5"},
    {"column": "total", "rule": "between", "min": 2, "max": 8.5},
    {"column": "ordered_at", "rule": "between", "min": "2024-01-03"},
    {"column": "attributes.weight", "rule": "between", "max": 5},
    {"column": "currency", "rule": "regex", "pattern": "^[A-Z]{3}$"},
    {"column": "attributes.gift wrap", "rule": "regex", "pattern": "e"},
    {"column": "email", "rule": "length", "min": 3},
    {"column": "email", "rule": "length", "max": 4, "when": "attributes.weight >= 2"},
    {"name": "discount_below_total", "rule": "condition", "condition": "discount <= total"},
    {
        "name": "red_is_light",
        "rule": "condition",
        "condition": "attributes.weight < 4",
        "when": "attributes.colour = 'red'",
    },
    {"column": "order_id", "rule": "unique"},
    {"column": "attributes.colour", "rule": "unique", "when": "total is not null"},
    {"name": "one_card_a_store", "rule": "unique", "columns": ["loyalty_id", "store_id"], "when": "status = 'open'"},
    {"column": "currency", "rule": "determined_by", "by": ["store_id"]},
    {"column": "attributes.colour", "rule": "determined_by", "by": ["channel", "attributes.gift wrap"]},
    {"column": "total", "rule": "determined_by", "by": ["status"], "when": "channel <> 'web'"},
    {"column": "loyalty_id", "rule": "references", "references": "contacts.loyalty_id"},
    {"column": "store_id", "rule": "references", "references": "contacts.loyalty_id", "when": "total > 5"},
]


def dataset(*rules):
    given = {"files": "orders.csv", "columns": COLUMNS, "attributes": ATTRIBUTES, "rules": list(rules)}
    return SourceDataset.model_validate(given)


def random_orders(seed, number=60):
    """Orders with few different values, so that every rule finds good rows, bad rows and empty values."""
    chance = random.Random(seed)
    some = lambda *values: chance.choice([*values, None])  # noqa: E731
    for line in range(number):
        attributes = {
            "colour": some("red", "red", "red", "blue", "green"),
            "weight": some(1, 2.5, 7, "heavy"),
            "gift wrap": some("yes", "no", ""),
        }
        yield {
            "file_id": f"f{line % 2}",
            "line": line,
            "order_id": f"o{chance.randrange(number)}",
            "ordered_at": dt.datetime(2024, 1, chance.randrange(1, 6), tzinfo=dt.UTC),
            "status": some("completed", "open", "odd"),
            "channel": some("web", "web", "store"),
            "store_id": some("s1", "s2", "s3"),
            "currency": some("EUR", "EUR", "EUR", "euro"),
            "total": some(1.0, 5.5, 5.5, 5.5, 9.0),
            "discount": some(0.0, 1.5, 4.0),
            "loyalty_id": some("k1", "k2", "k3"),
            "email": some("a@b", "", "jan@x.nl"),
            "attributes": json.dumps({name: value for name, value in attributes.items() if value is not None}),
        }


def judged(rows, *rules):
    """The flagged rows, their expectations and their row rules."""
    config = dataset(*rules)
    names = list(rows[0])
    table = pa.table({name: pa.array([row[name] for row in rows], TYPES.get(name, pa.string())) for name in names})
    expectations = own_expectations("orders", config, [], "rules", ["orders", "contacts"])
    batch = get_spark().createDataFrame(table)
    batch = batch.transform(with_attributes, attribute_types("orders", config))
    batch = batch.transform(with_verdicts, expectations, known)
    rules = row_rules(expectations)
    return batch.transform(flagged, rules), expectations, rules
