"""Rules written in YAML: for every kind the rows they condemn are those that Great Expectations counts by itself."""

from collections import Counter, defaultdict

import pytest
from pyspark.sql import functions as F

from jobs.cli import checks
from jobs.config.sources.row_rules import Rule
from jobs.config.yaml_files import ConfigError
from jobs.validate.rules.broken import BROKEN, REASON, tally
from jobs.validate.rules.checks import engine_problems, problems
from jobs.validate.rules.custom import own_expectations
from jobs.validate.rules.great_expectations import great_expectations
from tests.validate.rules_of_orders import KINDS, dataset, judged, random_orders


def counted(rows, *rules):
    """Per rule the rows looked at and the bad ones, over all files."""
    frame, _, found = judged(rows, *rules)
    totals = defaultdict(lambda: (0, 0))
    for one in tally(frame, found).values():
        for rule, (looked_at, bad) in one.by_rule.items():
            totals[rule] = (totals[rule][0] + looked_at, totals[rule][1] + bad)
    return dict(totals)


def test_row_level_counts_of_every_kind_of_rule_are_those_of_great_expectations(on_engine):
    rows = [row for seed in (1, 2, 3) for row in random_orders(seed)]
    frame, expectations, _ = judged(rows, *KINDS)
    ours = counted(rows, *KINDS)
    assert len(ours) == len(KINDS)
    result = great_expectations(frame, "orders", expectations, 10**9, "COMPLETE")
    theirs = {}
    for one in result.results:
        assert one.result, one.exception_info
        seen = one.result["element_count"] - one.result.get("missing_count", 0)
        theirs[one.expectation_config.meta["rule"]] = (seen, one.result["unexpected_count"])
    assert ours == theirs
    idle = {rule for rule, (looked_at, bad) in ours.items() if not 0 < bad < looked_at}
    assert idle <= {"attributes.colour:unique"}, "the rows must break and keep every rule, or nothing is compared"


@pytest.mark.parametrize("seed", [4, 5, 6, 7])
def test_rules_about_other_rows_find_what_a_plain_count_in_python_finds(seed):
    rows = list(random_orders(seed, 90))
    counts = counted(rows, *KINDS)

    groups = defaultdict(Counter)
    for row in rows:
        if row["currency"] is not None and row["store_id"] is not None:
            groups[row["store_id"]][row["currency"]] += 1
    clear = [group for group in groups.values() if group.total() > 1 and max(group.values()) * 2 > group.total()]
    assert counts["currency:determined_by"] == (
        sum(group.total() for group in clear),
        sum(group.total() - max(group.values()) for group in clear),
    )

    ids = Counter(row["order_id"] for row in rows)
    assert counts["order_id:unique"] == (90, sum(number for number in ids.values() if number > 1))

    cards = [row["loyalty_id"] for row in rows if row["loyalty_id"] is not None]
    assert counts["loyalty_id:references"] == (len(cards), cards.count("k3"))


def cells(*values):
    """Rows with a city per postcode: `(postcode, city)`."""
    empty = dict.fromkeys(next(random_orders(0)))
    return [
        {**empty, "file_id": "f", "line": line, "store_id": postcode, "currency": city, "attributes": "{}"}
        for line, (postcode, city) in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("rows", "bad", "looked_at"),
    [
        ([("p", "A"), ("p", "A"), ("p", "B")], [2], 3),
        ([("p", "A"), ("p", "B")], [], 0),  # a tie
        ([("p", "A"), ("p", "A"), ("p", "B"), ("p", "C")], [], 0),  # the most frequent, but not the clear majority
        ([("p", "A"), ("p", "A"), ("p", None), ("p", None), ("p", None)], [], 2),  # nothing is no vote
        ([("p", "A")], [], 0),  # alone
        ([(None, "A"), (None, "A"), (None, "B")], [], 0),
        ([("p", "A"), ("p", "A"), ("p", "B"), ("q", "B"), ("q", "B")], [2], 5),
    ],
)
def test_the_clear_majority_decides_and_where_there_is_none_nobody_is_blamed(rows, bad, looked_at):
    rule = {"column": "currency", "rule": "determined_by", "by": ["store_id"]}
    frame, _, found = judged(cells(*rows), rule)
    assert [row["line"] for row in frame.where(F.col(BROKEN).isNotNull()).orderBy("line").collect()] == bad
    assert tally(frame, found)["f"].by_rule == {"currency:determined_by": (looked_at, len(bad))}


def test_a_row_names_all_rules_it_broke_and_only_those_that_set_it_aside():
    row = {**next(random_orders(1)), "currency": "euro", "email": None, "loyalty_id": "nobody", "total": 1.0}
    rules = [
        {"column": "email", "rule": "not_null", "reason": "we cannot write to this customer"},
        {"column": "currency", "rule": "regex", "pattern": "^[A-Z]{3}$", "name": "iso_currency"},
        {"column": "loyalty_id", "rule": "references", "references": "contacts.loyalty_id"},
        {"column": "total", "rule": "between", "min": 2, "fate": "report"},
    ]
    (found,) = judged([row], *rules)[0].collect()
    assert found[BROKEN] == "email:not_null,iso_currency"
    assert found[REASON].startswith("we cannot write to this customer; currency does not match ^[A-Z]{3}$; correct it")


def test_a_condition_that_cannot_be_decided_says_nothing():
    row = {**next(random_orders(1)), "discount": None}
    assert counted([row], {"name": "n", "rule": "condition", "condition": "discount <= total"}) == {"n": (0, 0)}


def test_rules_of_ones_own_never_take_the_name_of_another_rule(settings):
    from expectations import suite

    own = dataset(
        {"column": "email", "rule": "regex", "pattern": "@"}, {"column": "email", "rule": "regex", "pattern": "x"}
    )
    found = own_expectations("orders", own, suite("orders", settings()).expectations, "rules", ["orders"])
    assert [one.meta["rule"] for one in found] == ["email:regex_2", "email:regex_3"]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"column": "emial", "rule": "not_null"}, "column: unknown column 'emial'; did you mean 'email'?"),
        ({"column": "attributes.color", "rule": "not_null"}, "did you mean 'attributes.colour'?"),
        ({"column": "phone", "rule": "not_null"}, "column 'phone' is not filled by this source; map it in `columns`"),
        ({"column": "total", "rule": "determined_by", "by": ["stor_id"]}, "by: unknown column 'stor_id'; did you mean"),
        ({"name": "n", "rule": "unique", "columns": ["order_id", "sku"]}, "columns: unknown column 'sku'"),
        ({"name": "n", "rule": "condition", "condition": "totl > 0"}, "condition: unknown column 'totl'; did you mean"),
        ({"column": "email", "rule": "not_null", "when": "chanel = 'web'"}, "when: unknown column 'chanel'"),
        (
            {"name": "n", "rule": "condition", "condition": "nofunction(total)"},
            "condition: 'nofunction(total)': unknown function",
        ),
        ({"name": "n", "rule": "condition", "condition": "total > > 1"}, "condition: 'total > > 1': not valid SQL"),
        ({"column": "email", "rule": "not_null", "when": "total +"}, "when: 'total +': not valid SQL"),
        (
            {"column": "email", "rule": "not_null", "when": "exists (select * from csv.`/etc/passwd`)"},
            "a query is not allowed",
        ),
        (
            {"column": "loyalty_id", "rule": "references", "references": "contact.loyalty_id"},
            "did you mean 'contacts'?",
        ),
        (
            {"column": "loyalty_id", "rule": "references", "references": "contacts.card"},
            "references: unknown column 'card'",
        ),
        ({"column": "loyalty_id", "rule": "references", "references": "tickets.ticket_id"}, "set `any_source: true`"),
        ({"column": "total", "rule": "between", "min": "much"}, "min: must be a number"),
        ({"column": "ordered_at", "rule": "between", "min": "soon"}, "min: not a timestamp in ISO 8601"),
        ({"column": "email", "rule": "length", "max": 2.5}, "max: must be a whole number"),
    ],
)
def test_a_rule_about_what_is_not_there_is_refused_with_the_nearest_name(rule, problem):
    found = [f"{key}: {what}" for _, key, what in problems("orders", dataset(rule), ["orders", "contacts"])]
    assert len(found) == 1
    assert problem in found[0]
    with pytest.raises(ConfigError, match=r"^crm.yaml: rules.0.\w+: "):
        own_expectations("orders", dataset(rule), [], "crm.yaml: rules", ["orders", "contacts"])


@pytest.mark.parametrize(
    ("rule", "key", "problem"),
    [
        ({"column": "email", "rule": "regex", "pattern": "["}, "pattern", "not a regular expression"),
        ({"name": "n", "rule": "condition", "condition": "upper() = 'X'"}, "condition", "not a condition the engine"),
        ({"name": "n", "rule": "condition", "condition": "total + 1"}, "condition", "not true or false"),
        ({"column": "email", "rule": "not_null", "when": "concat_ws() = ''"}, "when", "not a condition the engine"),
    ],
)
def test_what_the_engine_does_not_understand_is_refused(on_engine, rule, key, problem):
    ((number, found_key, what),) = engine_problems("orders", dataset(rule))
    assert (number, found_key) == (0, key)
    assert problem in what


def test_good_rules_have_no_problems(on_engine):
    assert list(problems("orders", dataset(*KINDS), ["orders", "contacts"])) == []
    assert list(engine_problems("orders", dataset(*KINDS))) == []


def test_a_reference_is_only_reported_unless_asked_otherwise():
    rule = Rule(column="loyalty_id", rule="references", references="contacts.loyalty_id")
    config = dataset(rule.model_dump(exclude_none=True), {**rule.model_dump(exclude_none=True), "fate": "quarantine"})
    found = own_expectations("orders", config, [], "rules", ["contacts"])
    assert [(one.expectation_type, one.meta["fate"]) for one in found] == [
        ("expect_order_customer_to_be_known", "report"),
        ("expect_order_customer_to_be_known", "quarantine"),
    ]


def test_check_names_file_line_and_key_of_a_wrong_rule(settings):
    source = """\
source: crm
group: crm
datasets:
  contacts:
    files: contacts.csv
    columns:
      contact_id: id
      updated_at: updated_at
      email: email
    rules:
      - column: email
        rule: not_null
      - column: emial
        rule: length
        max: 10
"""
    found = checks.problems(settings({"sources/crm.yaml": source}))
    (problem,) = [one for one in found if "rules" in one]
    assert problem.endswith(
        "sources/crm.yaml:13: datasets.contacts.rules.1.column: unknown column 'emial'; did you mean 'email'?"
    )
    found = checks.problems(
        settings(
            {
                "sources/crm.yaml": source.replace("emial", "email")
                .replace("length", "regex")
                .replace("max: 10", "pattern: '(x'")
            }
        )
    )
    (problem,) = [one for one in found if "rules" in one]
    assert "sources/crm.yaml:15: datasets.contacts.rules.1.pattern: not a regular expression" in problem
