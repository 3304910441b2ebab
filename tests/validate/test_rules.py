"""Row rules come from the expectations: the bad rows they find are the ones Great Expectations counts."""

import datetime as dt

import pytest
from pyspark.sql import functions as F

from expectations import suite, vocabulary
from expectations.batch_columns import ARRIVAL_LIMIT, ARRIVAL_LIMIT_DAY, UNREADABLE
from jobs.config.sources.source import SourceDataset
from jobs.config.yaml_files import ConfigError
from jobs.validate.rules.broken import BROKEN, REASON, applicable, flagged, row_rules, tally
from jobs.validate.rules.great_expectations import FEW, fitted, great_expectations, judge
from jobs.validate.rules.patterns import wrong_patterns

COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


@pytest.fixture
def batch(rows):
    """A mapped batch: `batch("orders", {...}, ...)`; each row good but for what is given."""

    def build(name, *records):
        good = {
            "orders": {
                "order_id": "o1",
                "updated_at": "2024-05-01 10:00",
                "ordered_at": "2024-05-01 09:00",
                "status": "completed",
                "total": "10.00",
            },
            "order_lines": {
                "order_id": "o1",
                "line_id": "1",
                "product_id": "p",
                "ordered_at": "2024-05-01 09:00",
                "quantity": 1.0,
                "amount": "1.00",
            },
            "contacts": {"contact_id": "c", "updated_at": "2024-05-01 10:00"},
            "survey_responses": {
                "response_id": "r",
                "question_id": "q",
                "kind": "nps",
                "score": 7.0,
                "scale_max": 10.0,
                "answered_at": "2024-05-01 10:00",
            },
        }[name]
        common = {"source": "s", "file_id": "f", "arrived": dt.date(2024, 5, 1)}
        frame = rows(
            f"valid/{name}", *({**common, **good, "line": line, **record} for line, record in enumerate(records, 2))
        )
        return frame.withColumns(
            {
                ARRIVAL_LIMIT: F.expr("cast(arrived as timestamp) + interval 2 days"),
                ARRIVAL_LIMIT_DAY: F.date_add("arrived", 2),
                UNREADABLE: F.when(F.col("attributes") == "unreadable", F.lit("total,discount")),
            }
        )

    return build


def broken(frame, name, settings):
    rules = row_rules(suite(name, settings).expectations)
    return [row[BROKEN] for row in flagged(frame, rules).orderBy("line").select(BROKEN).collect()]


@pytest.mark.parametrize(
    ("name", "record", "rule"),
    [
        ("orders", {}, None),
        ("orders", {"order_id": None}, "order_id:not_null"),
        ("orders", {"status": "unknown_status"}, "status:in_set"),
        ("orders", {"channel": "fax"}, "channel:in_set"),
        ("orders", {"channel": None}, None),
        ("orders", {"discount": "-25.00"}, "discount:between"),
        ("orders", {"total": "99999999.99"}, "total:between"),
        ("orders", {"currency": "euro"}, "currency:regex"),
        ("orders", {"ordered_at": "2024-05-02 23:59:59"}, None),
        ("orders", {"ordered_at": "2024-05-03 00:00:01"}, "ordered_at:not_future"),
        ("orders", {"ordered_at": "1900-01-01"}, "ordered_at:not_ancient"),
        ("orders", {"attributes": "unreadable"}, "total:type,discount:type"),
        ("orders", {"email": "jan@shop.example"}, None),
        ("orders", {"email": "jan.example"}, "email:regex"),
        ("orders", {"email": "a@@b.example"}, "email:regex"),
        ("orders", {"email": "x y@z.example"}, "email:regex"),
        ("orders", {"email": "a@b"}, "email:regex"),
        ("order_lines", {"amount": "-1.00"}, "amount:not_negative"),
        ("order_lines", {"amount": "-1.00", "quantity": -1.0}, None),
        ("order_lines", {"quantity": 0.0}, None),
        ("contacts", {"birth_date": dt.date(2090, 1, 1)}, "birth_date:not_future"),
        ("contacts", {"birth_date": dt.date(1899, 1, 1)}, "birth_date:not_ancient"),
        ("contacts", {"birth_date": dt.date(1901, 1, 1)}, None),
        ("contacts", {"country": "Nederland", "gender": "?", "phone": "nope"}, None),  # reported, not set aside
        ("survey_responses", {"score": 42.0}, "score:at_most_scale_max"),
        ("survey_responses", {"scale_max": None}, "scale_max:not_null"),
        ("survey_responses", {"score": None, "scale_max": None, "kind": "text"}, None),
    ],
)
def test_what_becomes_of_a_row(batch, settings, name, record, rule):
    assert broken(batch(name, record), name, settings()) == [rule]


def test_a_row_says_all_that_is_wrong_with_it_and_none_of_its_values(batch, settings):
    frame = batch("orders", {"order_id": None, "email": "secret", "status": "odd"})
    (row,) = flagged(frame, row_rules(suite("orders", settings()).expectations)).collect()
    assert row[BROKEN] == "order_id:not_null,status:in_set,email:regex"
    assert "order_id is empty" in row[REASON]
    assert "replay" in row[REASON]
    assert "secret" not in row[REASON]


def test_great_expectations_counts_the_rows_that_the_row_rules_find(batch, settings):
    bad = [{"order_id": None}] * 3 + [{"status": "odd"}] * 2 + [{"total": "-1.00"}] + [{"email": "x"}] * 4
    bad += [{"phone": "none"}, {"ordered_at": "2099-01-01"}, {"attributes": "unreadable"}, {"channel": "fax"}]
    frame = batch("orders", *bad, *[{}] * 9)
    expectations = suite("orders", settings()).expectations
    rules = row_rules(expectations)
    counts = tally(frame.transform(flagged, rules), rules)["f"].by_rule
    result = great_expectations(frame, "orders", expectations, 23, COUNTS_ONLY).results
    theirs = {one.expectation_config.meta["rule"]: one.result for one in result}
    assert {name: bad for name, (_, bad) in counts.items()} == {n: theirs[n]["unexpected_count"] for n in counts}
    for name, (looked_at, _) in counts.items():
        assert looked_at == theirs[name]["element_count"] - theirs[name].get("missing_count", 0), name
    assert counts["order_id:not_null"] == (23, 3)
    assert counts["email:regex"] == (4, 4)


def test_rules_with_a_condition_look_at_the_rows_that_great_expectations_looks_at(batch, settings):
    lines = [{"quantity": -1.0, "amount": "-5.00"}, {"quantity": 2.0, "amount": "-5.00"}, {"quantity": None}, {}]
    frame = batch("order_lines", *lines)
    expectations = suite("order_lines", settings()).expectations
    rules = row_rules(expectations)
    counts = tally(frame.transform(flagged, rules), rules)["f"].by_rule
    result = great_expectations(frame, "order_lines", expectations, 4, COUNTS_ONLY).results
    theirs = {one.expectation_config.meta["rule"]: one.result for one in result}["amount:not_negative"]
    assert counts["amount:not_negative"] == (theirs["element_count"], theirs["unexpected_count"]) == (2, 1)


def verdicts(frame, name, expectations, rows):
    rules = row_rules(expectations)
    return judge(frame, name, expectations, rows, tally(frame.transform(flagged, rules), rules)["f"].by_rule)


@pytest.mark.parametrize("bad", [0, 9, 10, 11, 60])
def test_verdicts_from_counts_are_those_of_great_expectations(batch, settings, bad):
    rows = [{"order_id": None, "email": "x", "status": "odd", "total": "-1.00"}] * bad
    frame = batch("orders", *rows, *[{"email": "a@example.org"}] * (100 - bad))
    expectations = suite("orders", settings()).expectations
    ours = {v.rule: (v.success, v.severity) for v in verdicts(frame, "orders", expectations, 100).verdicts}
    theirs = great_expectations(frame, "orders", expectations, 100, "BOOLEAN_ONLY").results
    assert ours == {
        one.expectation_config.meta["rule"]: (one.success, one.expectation_config.severity.value) for one in theirs
    }
    assert ours["order_id:not_null"][0] is (bad <= 10)


@pytest.mark.parametrize("bad", [5, 30])
def test_a_share_of_bad_rows_above_the_limit_is_critical(batch, settings, bad):
    frame = batch("orders", *({"order_id": None if n < bad else f"o{n}"} for n in range(200)))
    judgement = verdicts(frame, "orders", suite("orders", settings()).expectations, 200)
    assert [verdict.rule for verdict in judgement.stopping] == (["order_id:not_null"] if bad == 30 else [])
    verdict = next(verdict for verdict in judgement.verdicts if verdict.rule == "order_id:not_null")
    assert (verdict.rows, verdict.failed) == (200, bad)


def test_a_few_bad_rows_of_few_are_no_disaster(batch, settings):
    frame = batch("orders", *[{"order_id": None}] * 3)
    assert verdicts(frame, "orders", suite("orders", settings()).expectations, 3).stopping == []
    assert fitted(vocabulary.filled("x"), 10 * FEW).mostly == 0.9
    assert fitted(vocabulary.filled("x"), 1000 * FEW).mostly == 0.95


def test_an_expectation_that_cannot_be_run_counts_as_critical(batch):
    impossible = vocabulary.filled("no_such_column", severity=vocabulary.INFO)
    judgement = judge(batch("orders", {}), "orders", [impossible], 1, {})
    assert [(verdict.severity, verdict.success) for verdict in judgement.verdicts] == [("critical", False)]


def test_rules_about_columns_a_source_does_not_have_are_left_out_but_needed_ones_are_asked_for(settings):
    expectations = suite("orders", settings()).expectations
    columns = {"order_id": "a", "updated_at": "b", "ordered_at": "c", "status": "d", "total": "e"}
    kept = applicable(expectations, SourceDataset(files="x", columns=columns), "crm.yaml")
    assert "channel:in_set" not in {e.meta["rule"] for e in kept}
    assert "batch:unique_key" in {e.meta["rule"] for e in kept}
    del columns["status"]
    with pytest.raises(ConfigError, match=r"crm.yaml: column 'status' is needed"):
        applicable(expectations, SourceDataset(files="x", columns=columns), "crm.yaml")


def test_a_pattern_that_never_ends_is_refused_without_asking_the_engine():
    ((key, told),) = wrong_patterns({"rules.0.pattern": "^([a-z]+-?)+$", "rules.1.pattern": "^[a-z]+(-[a-z]+)*$"})
    assert key == "rules.0.pattern"
    assert told.startswith("'^([a-z]+-?)+$' never ends on some texts: in a repetition that is repeated")
    assert told.endswith("let each part end at a sign that it cannot hold itself, such as ([a-z]+-)*")
