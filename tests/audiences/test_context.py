"""What other systems are told of a customer: which row holds when, which variant and content, and whom nobody knows."""

import datetime as dt
import json

import pyarrow as pa
import pytest

from jobs.audiences import context, context_file, rules
from jobs.audiences.context_file import write
from jobs.config.actions.context import Context
from jobs.config.yaml_files import ConfigError
from jobs.lake.lake import Lake
from tests.company import FOR_PEOPLE, MINIMAL

DAY = dt.date(2017, 6, 1)
RULES = {
    "variants": [
        {"name": "finish_order", "when": "moment = 'buy'"},
        {"name": "help_first", "when": "stage = 'service' or orders_90d > 5"},
    ],
    "default": {"variant": "plain", "stage": "awareness"},
    "max_tags": 3,
}
ITEMS = [
    {"content_id": "a", "topic": "sizes", "need": "fit", "stage": "consideration", "moment": None, "language": "nl"},
    {"content_id": "b", "topic": "returns", "need": "trust", "stage": "purchase", "moment": "buy", "language": None},
    {"content_id": "c", "topic": "delivery", "need": "trust", "stage": None, "moment": None, "language": None},
    {"content_id": "d", "topic": "brand", "need": None, "stage": "awareness", "moment": None, "language": "en"},
]


@pytest.fixture
def told(settings, rows):
    """`told(table=[rows])`: the settings and the rows of decisions/context as of DAY."""

    def build(declared=RULES, files=None, **tables):
        loaded = settings({"context.yaml": declared, **(files or {})})
        lake = Lake.of(loaded)
        for name, records in tables.items():
            table = name.replace("_", "/", 1)
            schema = lake.contract(table).arrow_schema()
            data = pa.Table.from_pylist(records, schema) if table == "profiles/traits" else rows(table, *records)
            lake.replace(table, data, lake.transaction("test", DAY, config=name))
        context.run(DAY, loaded)
        found = lake.arrow("decisions/context").to_pylist()
        return loaded, sorted(found, key=lambda row: (row["customer_id"], row["valid_from"]))

    return build


PEOPLE = [
    {"customer_id": "ann", "customer_since": "2017-01-01", "known": True, "language": "nl"},
    {"customer_id": "bob", "customer_since": "2017-01-01", "known": False},
]
STAGES = [
    {"customer_id": "ann", "stage": "purchase", "valid_from": "2017-05-01"},
    {"customer_id": "bob", "stage": "service", "valid_from": "2017-05-01"},
]
CONTENT = [
    {**item, "source": "cms", "file_id": "f", "line": 1, "arrived": "2017-05-01", "updated_at": "2017-05-01"}
    for item in ITEMS
]


def moment(expires, **more):
    return {"moment_id": "m", "customer_id": "ann", "type": "buy", "started_at": "2017-06-01 10:00",
            "day": "2017-06-01", "expires_at": expires, "served": False, **more}  # fmt: skip


def shown(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


def at(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_an_open_moment_decides_until_it_expires_and_what_is_without_it_after_that(told):
    _, rows = told(profiles_people=PEOPLE, journeys_stages=STAGES, journeys_moments=[moment("2017-06-01 13:00")])
    begin, end = at("2017-05-31 22:00"), at("2017-06-02 22:00")
    assert shown(rows, "customer_id", "stage", "moment", "variant", "valid_from", "valid_until") == [
        ("*", "awareness", None, "plain", begin, end),
        ("ann", "purchase", "buy", "finish_order", begin, at("2017-06-01 13:00")),
        ("ann", "purchase", None, "plain", at("2017-06-01 13:00"), end),
        ("bob", "service", None, "help_first", begin, end),
    ]
    assert rows[1]["moment_expires_at"] == at("2017-06-01 13:00")


@pytest.mark.parametrize(
    "one",
    [
        moment("2017-05-31 21:59"),
        moment("2017-06-01 13:00", served=True, served_at="2017-06-01 11:00"),
        moment("2017-06-02 13:00", started_at="2017-06-02 10:00"),
    ],
    ids=["expired before the day", "served", "of a later day"],
)
def test_a_moment_that_is_over_or_served_or_not_yet_is_none(told, one):
    _, rows = told(profiles_people=PEOPLE, journeys_stages=STAGES, journeys_moments=[one])
    assert shown(rows[1:], "customer_id", "moment") == [("ann", None), ("bob", None)]


def test_content_is_told_by_stage_moment_and_language_the_most_fitting_first(told):
    _, rows = told(
        profiles_people=PEOPLE,
        journeys_stages=STAGES,
        journeys_moments=[moment("2017-06-01 13:00")],
        valid_content=CONTENT,
    )
    assert shown(rows, "customer_id", "moment", "content_tags", "content") == [
        ("*", None, ["brand", "delivery", "trust"], ["d", "c"]),
        ("ann", "buy", ["returns", "trust", "delivery"], ["b", "c"]),
        ("ann", None, ["returns", "trust", "delivery"], ["b", "c"]),
        ("bob", None, ["delivery", "trust"], ["c"]),
    ]


def test_whom_there_is_no_content_for_is_told(told, caplog):
    told(profiles_people=PEOPLE, journeys_stages=STAGES, valid_content=[CONTENT[0]])
    assert "no content fits 2 rows (stage / moment / segment)" in caplog.text
    assert "purchase / no moment / no segment (1)" in caplog.text


def test_the_segment_and_traits_of_the_day_are_asked(told):
    scores = [{"day": "2017-05-30", "model": "segmentation", "customer_id": "ann", "label": "bargain hunters"}]
    traits = [{"customer_id": "ann", "as_of": DAY, "orders_90d": 6}]
    _, rows = told(profiles_people=PEOPLE, journeys_stages=STAGES, models_scores=scores, profiles_traits=traits)
    assert shown(rows[1:], "customer_id", "segment", "variant") == [
        ("ann", "bargain hunters", "help_first"),
        ("bob", None, "help_first"),
    ]


def test_a_company_without_context_yaml_gives_everybody_the_standard_variant(settings):
    assert settings().context == Context()


def test_the_file_holds_what_still_holds_and_only_ids_and_is_replaced_at_once(told, tmp_path):
    settings, _ = told(profiles_people=PEOPLE, journeys_stages=STAGES, journeys_moments=[moment("2017-06-01 13:00")])
    target = tmp_path / "out" / "context.jsonl"
    assert write(settings, target, at("2017-06-01 12:59")) == 4
    assert write(settings, target, at("2017-06-01 13:00")) == 3
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert shown(lines, "customer_id", "variant") == [("*", "plain"), ("ann", "plain"), ("bob", "help_first")]
    assert set(lines[0]) == {"day", "customer_id", "valid_from", "valid_until", "stage", "moment", "moment_expires_at",
                             "segment", "variant", "content_tags", "content", "recommended"}  # fmt: skip
    assert [path.name for path in target.parent.iterdir()] == ["context.jsonl"]
    assert write(settings, target, at("2018-01-01 00:00")) == 1
    assert json.loads(target.read_text())["customer_id"] == "*", "visitors nobody knows always have a row"


def test_the_step_writes_table_and_file_and_a_rerun_of_an_older_day_takes_nothing_back(told):
    declared = RULES | {"file": "out/context.jsonl", "valid_hours": 24 * 365 * 100}
    standing = [{"as_of": "2017-06-01"}]
    settings, _ = told(declared, profiles_people=PEOPLE, journeys_stages=STAGES, identity_standing=standing)
    lake, file = Lake.of(settings), settings.home / "out" / "context.jsonl"
    counts = context_file.run(DAY, settings)
    assert (counts["customers"], counts["rows_in_file"]) == (2, 3)
    assert [json.loads(line)["customer_id"] for line in file.read_text().splitlines()] == ["*", "ann", "bob"]
    written, text = lake.version("decisions/context"), file.read_text()
    file.unlink()
    assert context_file.run(DAY - dt.timedelta(days=9), settings) == counts
    assert (lake.version("decisions/context"), file.read_text()) == (written, text)


def test_a_company_that_tells_nobody_has_no_table_of_it(settings):
    found = settings()
    assert context_file.run(DAY, found) == {}
    assert not Lake.of(found).exists("decisions/context")


def test_a_file_that_cannot_be_written_whole_leaves_the_one_of_before(told, tmp_path, monkeypatch):
    settings, _ = told(profiles_people=PEOPLE, journeys_stages=STAGES)
    target = tmp_path / "context.jsonl"
    target.write_text("before\n")

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write(settings, target, at("2017-06-01 12:00"))
    assert target.read_text() == "before\n"
    assert [path.name for path in tmp_path.glob(".*part")] == []


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("momnt = 'buy'", "variants.0.when: unknown column 'momnt'; did you mean 'moment'?"),
        ("days_known + 1", "variants.0.when: gives"),
    ],
)
def test_a_wrong_variant_is_named_with_its_line(settings, when, said):
    loaded = settings({"context.yaml": {"variants": [{"name": "one", "when": when}]}})
    with pytest.raises(ConfigError) as error:
        rules.refuse_wrong_rules(loaded)
    (problem,) = error.value.problems
    assert "context.yaml:" in problem
    assert said in problem


def test_with_a_purpose_only_who_said_yes_to_it_and_no_nowhere_is_told_of(told):
    def answer(customer, status, channel="site", purpose="marketing", expires=None):
        row = {"customer_id": customer, "purpose": purpose, "channel": channel, "status": status}
        return {**row, "expires_at": expires}

    people = [{"customer_id": f"c{n}", "known": True, "customer_since": "2017-01-01"} for n in range(6)]
    _, rows = told(
        {**RULES, "purpose": "marketing"},
        profiles_people=people,
        profiles_consent=[
            answer("c1", "granted"),
            answer("c2", "withdrawn"),
            answer("c3", "granted"),
            answer("c3", "withdrawn", "email"),
            answer("c4", "granted", purpose="ads"),
            answer("c5", "granted", expires="2017-06-01T12:00:00"),
        ],
    )
    assert {row["customer_id"] for row in rows} == {"c1", "*"}


def test_a_purpose_nobody_is_asked_for_is_named_with_the_nearest(settings):
    with pytest.raises(ConfigError, match=r"context.yaml:1: unknown purpose 'marketin'.*marketing"):
        settings({"context.yaml": {"purpose": "marketin"}})


LINES = {"title": "Lines", "over": "order_lines", "value": "count(*)", "type": "bigint"}
RECOMMENDS = {
    "traits.yaml": {"traits": {**MINIMAL["traits.yaml"]["traits"], "lines": LINES}},
    "models/next.yaml": {"kind": "recommend", **FOR_PEOPLE, "rows_of": "lines"},
}


def item(customer, rank, name, day="2017-06-01", model="next"):
    return {"day": day, "model": model, "customer_id": customer, "rank": rank, "item": name}


def test_the_first_items_of_the_newest_list_are_told_best_first_and_nothing_of_who_has_none(told):
    listed = [
        *(item("ann", rank, name) for rank, name in ((2, "milk"), (1, "tea"), (3, "soap"))),
        item("ann", 1, "old", day="2017-05-31"),
        item("ann", 1, "late", day="2017-06-02"),
        item("ann", 1, "other", model="more"),
        item("bob", 1, "gone", day="2017-05-31"),
    ]
    shown_two = {**RULES, "recommended": {"model": "next", "top": 2}}
    _, rows = told(shown_two, RECOMMENDS, profiles_people=PEOPLE, models_recommendations=listed)
    assert shown(rows, "customer_id", "recommended") == [("*", None), ("ann", ["tea", "milk"]), ("bob", None)]


def test_without_being_asked_for_no_items_are_told(told):
    _, rows = told(RULES, RECOMMENDS, profiles_people=PEOPLE, models_recommendations=[item("ann", 1, "tea")])
    assert shown(rows, "customer_id", "recommended") == [("*", None), ("ann", None), ("bob", None)]


def test_items_are_those_of_a_model_that_recommends(told):
    with pytest.raises(ConfigError, match="no model of kind recommend is called 'nxt'; did you mean 'next'"):
        told({**RULES, "recommended": {"model": "nxt"}}, RECOMMENDS)
    with pytest.raises(ConfigError, match=r"recommended\.model: no model of kind recommend is called 'churn'"):
        told({**RULES, "recommended": {"model": "churn"}}, RECOMMENDS)
