"""The suites: complete, consistent, and right about what an e-mail address is."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from pyspark.sql import functions as F

from expectations import suite
from expectations.batch_columns import ARRIVAL_LIMIT, ARRIVAL_LIMIT_DAY, UNREADABLE
from expectations.vocabulary import EMAIL
from jobs.activation.channels.smtp.addresses import wire_address
from jobs.activation.spelling import addresses
from jobs.config.sources.source import SourceDataset
from jobs.config.wrong import ConfigError
from jobs.identity.spelling import email_text
from jobs.lake.tables.canonical import CANONICAL
from jobs.validate.mapping.email_addresses import no_address
from jobs.validate.rules.broken import applicable, row_rules

DATED_BY_ARRIVAL = ("order_lines", "survey_responses")
"""Datasets of which a source need not map when a version was written: it is as of the day it arrived."""


@pytest.mark.parametrize("name", sorted(CANONICAL))
def test_every_suite_asks_for_its_key_and_speaks_of_columns_that_exist(spark, name, settings):
    expectations = suite(name, settings()).expectations
    rules = [expectation.meta["rule"] for expectation in expectations]
    assert len(rules) == len(set(rules)), "two expectations with one name"
    key = set(CANONICAL[name].key) - {"source"} - ({"updated_at"} if name in DATED_BY_ARRIVAL else set())
    assert {f"{column}:not_null" for column in key} <= set(rules)
    columns = {*CANONICAL[name].column_names, ARRIVAL_LIMIT, ARRIVAL_LIMIT_DAY, UNREADABLE}
    for expectation in expectations:
        named = [getattr(expectation, field, None) for field in ("column", "column_A", "column_B")]
        derived = {expectation.meta.get("holds")}
        assert {column for column in named if column} <= columns | derived, expectation.meta["rule"]
        assert expectation.meta["reason"]
        if expectation.meta["fate"] == "quarantine":
            assert [rule.name for rule in row_rules([expectation])] == [expectation.meta["rule"]]


@pytest.mark.parametrize("name", sorted(CANONICAL))
def test_what_a_suite_needs_in_every_row_a_source_must_map(name, settings):
    mapping = SourceDataset(files="x", columns={"attributes": "x"})
    with pytest.raises(ConfigError) as missing:
        applicable(suite(name, settings()).expectations, mapping, "here")
    asked = {re.search("'(.*)'", problem)[1] for problem in missing.value.problems}
    key = set(CANONICAL[name].key) - {"source"}
    assert asked - key == set(CANONICAL[name].needed) - key


@pytest.mark.parametrize("address", ["jan@shop.example", "J.de-Vries+nl@mail.shop.example", "zoë@münchen.example"])
def test_an_email_address_is_one(address):
    assert re.match(EMAIL, address)


@pytest.mark.parametrize(
    "text",
    ["jan.example", "a@@b.example", "x y@z.example", "a@b", "@b.example", "a@.example", "a@b..example", "a@b.", ""],
)
def test_what_only_looks_like_an_email_address_is_none(text):
    assert not re.match(EMAIL, text)


LOCALS = [
    "ann",
    "a.b",
    "a..b",
    ".a",
    "a.",
    "a+b",
    "a'b",
    "a b",
    "jörg.m",
    "a_b",
    "-a",
    "a/b",
    "名",
    "a!b",
    "a,b",
    "(a)",
]
DOMAINS = [
    "x.nl",
    "x..nl",
    ".x.nl",
    "x.nl.",
    "-x.nl",
    "x-.nl",
    "x_y.nl",
    "x.-nl",
    "bücher.example",
    "пример.рф",
    "例え.jp",
]
DOMAINS += ["x\u3002nl", "x\uff0enl", "xn--bcher-kva.example", "xn--.nl", "ab--c.nl", "a-b.nl", "a-b-c-d.nl", "ab-c.nl"]
DOMAINS += [
    f"{'a' * 63}.nl",
    f"{'a' * 64}.nl",
    "\U0001f600.nl",
    "x.co.uk",
    "x'y.nl",
    "x+y.nl",
    "x.nl/",
    "½.nl",
    "straße.de",
]
DOMAINS += ["localhost", "a1.nl", "1a.nl", "x.xn--p1ai", "mail.x_y.com"]
WRITTEN = [
    "mailto:ann@x.nl",
    "<ann@x.nl>",
    "Ann <ann@x.nl>",
    "'ann@x.nl'",
    "ann@@x.nl",
    "ann@x@y.nl",
    "ann@x.nl;",
    "@x.nl",
]
ADDRESSES = [*[f"{one}@x.nl" for one in LOCALS], *[f"ann@{domain}" for domain in DOMAINS], *WRITTEN]


def test_an_address_of_use_is_accepted_if_and_only_if_it_has_a_normal_form():
    accepted = [address for address in ADDRESSES if re.search(EMAIL, address)]
    assert accepted == [address for address in ADDRESSES if email_text(address)]
    assert 0 < len(accepted) < len(ADDRESSES)


LABEL = st.one_of(
    st.text(st.sampled_from("abz09-"), min_size=1, max_size=64),
    st.text(min_size=1, max_size=6),
    st.sampled_from(
        ["xn--bcher-kva", "xn--a", "XN--P1AI", "münchen", "straße", "א1", "ＡＢ", "İstanbul", "日本", "co"]
    ),
)
BEFORE = st.one_of(
    st.text(st.sampled_from("abz019_+-.'!#$%&*/=?^`{|}~"), min_size=1, max_size=66), st.text(min_size=1, max_size=8)
)
WRITTEN_ANYHOW = st.tuples(BEFORE, st.lists(LABEL, min_size=1, max_size=4).map(".".join)).map("@".join)


def test_of_addresses_written_anyhow_those_that_are_accepted_have_a_normal_form_that_every_channel_can_use(spark):
    found = []
    generated = given(WRITTEN_ANYHOW)(lambda address: found.append(address))
    settings_of_hypothesis(max_examples=300, deadline=None, database=None)(generated)()
    told = pa.table({"email": pa.array([*found, *ADDRESSES], pa.string())})
    broken = no_address(F.col("email"), EMAIL).alias("broken")
    rows = spark.createDataFrame(told).select("email", broken).collect()
    accepted = [row["email"] for row in rows if not row["broken"]]
    assert 20 < len(accepted) < len(found)
    for address in accepted:
        form = email_text(address)
        assert form, address
        assert email_text(form) == form
        assert addresses([form]) == [form]
        assert wire_address(f"ann@{form.rpartition('@')[2]}"), "its domain is on the internet, in whatever script"


def test_engines_accept_the_same_addresses(spark):
    rows = spark.createDataFrame([(address,) for address in ADDRESSES], "address string")
    found = {row["address"] for row in rows.where(F.col("address").rlike(EMAIL)).collect()}
    assert found == {address for address in ADDRESSES if re.search(EMAIL, address)}
