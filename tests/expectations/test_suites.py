"""The suites: complete, consistent, and right about what an e-mail address is."""

import re

import pytest

from expectations import suite
from expectations.batch_columns import ARRIVAL_LIMIT, ARRIVAL_LIMIT_DAY, UNREADABLE
from expectations.vocabulary import EMAIL
from jobs.lake.tables.canonical import CANONICAL
from jobs.validate.rules import row_rules


@pytest.mark.parametrize("name", sorted(CANONICAL))
def test_every_suite_asks_for_its_key_and_speaks_of_columns_that_exist(spark, name, settings):
    expectations = suite(name, settings()).expectations
    rules = [expectation.meta["rule"] for expectation in expectations]
    assert len(rules) == len(set(rules)), "two expectations with one name"
    key = set(CANONICAL[name].key) - {"source"}
    assert {f"{column}:not_null" for column in key} <= set(rules)
    columns = {*CANONICAL[name].column_names, ARRIVAL_LIMIT, ARRIVAL_LIMIT_DAY, UNREADABLE}
    for expectation in expectations:
        named = [getattr(expectation, field, None) for field in ("column", "column_A", "column_B")]
        derived = {expectation.meta.get("holds")}
        assert {column for column in named if column} <= columns | derived, expectation.meta["rule"]
        assert expectation.meta["reason"]
        if expectation.meta["fate"] == "quarantine":
            assert [rule.name for rule in row_rules([expectation])] == [expectation.meta["rule"]]


@pytest.mark.parametrize("address", ["jan@shop.example", "J.de-Vries+nl@mail.shop.example", "zoë@münchen.example"])
def test_an_email_address_is_one(address):
    assert re.match(EMAIL, address)


@pytest.mark.parametrize(
    "text",
    ["jan.example", "a@@b.example", "x y@z.example", "a@b", "@b.example", "a@.example", "a@b..example", "a@b.", ""],
)
def test_what_only_looks_like_an_email_address_is_none(text):
    assert not re.match(EMAIL, text)
