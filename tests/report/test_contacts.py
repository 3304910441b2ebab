"""Every row of a contact is a touchpoint, or there is a reason why not; what is neither is found."""

import datetime as dt

import duckdb
import pyarrow as pa
import pytest
import yaml

from jobs.journeys import journeys
from jobs.lake.lake import Lake
from jobs.report.proofs import problems
from jobs.report.sections import sections
from tests.journey_rows import RULES
from tests.lived_company import FIRST, Company

DAY = FIRST + dt.timedelta(days=2)
UNCOUNTED = {**RULES, "journey.yaml": {**yaml.safe_load(RULES["journey.yaml"]), "kpis": {}}}
"""The shipped journey without its KPIs, which take most of the time and have no part in this."""


@pytest.fixture
def lived(settings):
    """`lived(seed)`: a company whose journeys are made up to its last day, its lake, and its rows."""

    def build(seed, **rows):
        company, found = Company(seed), settings(UNCOUNTED)
        company.runs = [2] * len(company.runs)
        company.rows |= {name: [{**company.row(), "run": 0, **row} for row in some] for name, some in rows.items()}
        lake = Lake.of(found)
        company.deliver(lake, range(len(company.runs)))
        company.name_customers(lake, 0, found)
        schema = pa.schema([("as_of", pa.date32()), *((name, pa.string()) for name in ("settings", "inputs", "steps"))])
        standing = pa.Table.from_pylist([{"as_of": DAY}], schema)
        lake.replace("identity/standing", standing, lake.transaction("stand", DAY))
        journeys.run(DAY, found)
        return found, lake

    return build


def counted(settings):
    (found,) = [
        (columns, rows) for section, columns, rows in sections(settings) if section.title.startswith("Contacts")
    ]
    return {row[0]: dict(zip(found[0][2:], row[2:], strict=True)) for row in found[1]}


@pytest.mark.parametrize("seed", [4, 11])
def test_rows_of_every_dataset_are_contacts_or_have_a_reason(lived, seed):
    settings, lake = lived(seed)
    assert [told for told in problems(settings) if "touchpoint" in told] == []
    told = counted(settings)
    assert {"orders", "conversations", "contacts", "reviews", "appointments"} & set(told)
    for dataset, counts in told.items():
        assert counts.pop("rows") == sum(counts.values()) == lake.rows(f"valid/{dataset}"), dataset


def test_why_a_row_is_no_contact_is_told(lived):
    at = dt.datetime(2017, 3, 1, 12, tzinfo=dt.UTC)
    order = {"source": "pos", "ordered_at": at, "updated_at": at, "status": "completed", "total": 5, "arrived": FIRST}
    known, nobody = {"login_id": "login0", "cookie_id": None}, {"login_id": None, "cookie_id": "never seen"}
    settings, _ = lived(
        4,
        orders=[
            {**order, "order_id": "1", **known},
            {**order, "order_id": "1", "updated_at": at.replace(hour=13), **known},
            {**order, "order_id": "2", "status": "test", **known},
            {**order, "order_id": "3", **nobody},
            {**order, "order_id": "4", "ordered_at": at.replace(day=9), **known},
        ],
    )
    told = counted(settings)["orders"]
    assert told == {"rows": 5, "older versions": 1, "ended": 0, "no contact": 1, "later": 1, "of nobody known": 1,
                    "touchpoints": 1}  # fmt: skip


def test_a_payment_is_a_contact_once_it_is_due_made_or_failed_and_none_if_called_off_before(lived):
    def at(day, hour=12):
        return dt.datetime(2017, 3, day, hour, tzinfo=dt.UTC)

    def told(id_, status, written=1, **more):
        row = {"source": "bank", "payment_id": id_, "status": status, "updated_at": at(written), "due_at": at(9)}
        return row | {"amount": 5, "arrived": FIRST, "login_id": "login0", "cookie_id": None} | more

    settings, lake = lived(
        4,
        payments=[
            told("in time", "due"),
            told("paid", "due"),
            told("paid", "paid", 2, paid_at=at(2)),
            told("due", "due", due_at=at(2)),
            told("failed", "failed", 2),
            told("failed", "cancelled", 3, line=2),
            told("called off", "cancelled", 2),
            told("called off late", "cancelled", 3, due_at=at(2)),
            told("of nobody", "paid", login_id=None, cookie_id="never seen"),
        ],
    )
    assert counted(settings)["payments"] == {
        "rows": 9, "older versions": 2, "ended": 0, "no contact": 1, "later": 1, "of nobody known": 1, "touchpoints": 4,
    }  # fmt: skip
    assert [one for one in problems(settings) if "touchpoint" in one] == []
    gone = lake.arrow("journeys/touchpoints").filter(pa.compute.field("type") == "payment_due")
    keys = gone.select(["touchpoint_id"])
    lake.delete("journeys/touchpoints", keys, lake.transaction("loss", DAY))
    lost = [one for one in problems(settings) if "payments" in one]
    assert len(lost) == gone.num_rows > 0


def test_an_answer_that_a_corrected_survey_no_longer_has_ended_and_breaks_no_promise(lived):
    at = dt.datetime(2017, 3, 1, 12, tzinfo=dt.UTC)
    later = at.replace(hour=14)
    answer = {"source": "survey", "response_id": "r1", "kind": "nps", "score": 9.0, "scale_max": 10.0,
              "answered_at": at, "updated_at": at, "delivery": at, "arrived": FIRST, "login_id": "login0",
              "cookie_id": None}  # fmt: skip
    settings, lake = lived(
        4,
        survey_responses=[
            {**answer, "question_id": "kept"},
            {**answer, "question_id": "kept", "updated_at": later, "delivery": later},
            {**answer, "question_id": "gone"},
            {**answer, "question_id": "without delivery", "delivery": None},
            {**answer, "response_id": "r2", "question_id": "alone"},
        ],
    )
    given = {row["reference"] for row in lake.arrow("journeys/touchpoints").to_pylist() if row["source"] == "survey"}
    assert given == {"r1:kept", "r2:alone"}
    assert [told for told in problems(settings) if "survey_responses" in told] == []
    told = counted(settings)["survey_responses"]
    assert told == {"rows": 5, "older versions": 1, "ended": 2, "no contact": 0, "later": 0, "of nobody known": 0,
                    "touchpoints": 2}  # fmt: skip


def test_a_touchpoint_that_is_lost_or_made_of_nothing_is_found(lived):
    at = dt.datetime(2017, 3, 1, 12, tzinfo=dt.UTC)
    review = {"source": "shop", "reviewed_at": at, "updated_at": at, "arrived": FIRST, "login_id": "login0",
              "cookie_id": None}  # fmt: skip
    settings, lake = lived(4, reviews=[{**review, "review_id": "1"}, {**review, "review_id": "2"}])
    assert [told for told in problems(settings) if "touchpoint" in told] == []
    made = lake.arrow("journeys/touchpoints")
    wrong = duckdb.sql(
        "select * replace (case reference when '2' then 'none' else reference end as reference) from made"
    ).to_arrow_table()
    lake.replace("journeys/touchpoints", wrong.cast(made.schema), lake.transaction("map_journeys", DAY, config="wrong"))
    told = [told for told in problems(settings) if "touchpoint" in told]
    assert told == [
        "rows of reviews are of somebody known and no touchpoint, or ended and still one: shop 2",
        "touchpoints stand for no row of reviews: review:shop:2",
    ]
