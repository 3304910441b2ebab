"""The journey map: numbers beside words, the bottleneck first, solutions by what they changed, contradictions told."""

import datetime as dt
from pathlib import Path

import duckdb
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jobs.config.journey.journey import Journey
from jobs.config.journey.journey_map import Conflict, JourneyMap, problems
from jobs.config.journey.paths import Funnel
from jobs.journeys.journey_map import contradictions
from jobs.journeys.journey_map import tables as journey_map
from jobs.journeys.journey_map.numbers import change, mean, share
from jobs.journeys.journey_map.suggestion import suggested
from jobs.journeys.journey_map.tables import MapQueries

FIRST, AS_OF = dt.date(2017, 3, 1), dt.date(2017, 3, 31)
NAMES = {
    "ad": {"title": "Advertisement", "when": "true", "owner": "marketing", "stage": "awareness"},
    "basket": {"title": "Basket", "when": "true", "owner": "shop", "stage": "purchase", "valence": "positive"},
    "chat": {"title": "Chat", "when": "true", "owner": "service", "stage": "service", "valence": "positive"},
}
JOURNEY = Journey.model_validate(
    {
        "stages": [{"stage": "awareness", "name": "seen", "when": "true"}],
        "touchpoints": NAMES,
        "kpis": {
            name: {
                "stage": "service", "title": name, "unit": "share", "table": "touchpoints",
                "numerator": "count(*)", "denominator": "count(*)", "direction": direction,
            }
            for name, direction in (("satisfaction", "up"), ("wait", "down"))
        },
    }
)  # fmt: skip
PEOPLE = {"source": "interviews of March", "who": "customers", "said": "They never answer", "heard": "2017-03-10"}


def of_data(query, **more):
    return {"title": "Counted", "touchpoint": "chat", "says": "negative", "data": {"query": query, **more}}


def of_people(says="negative", touchpoint="chat", **more):
    return {"title": "Said", "touchpoint": touchpoint, "says": says, "people": {**PEOPLE, **more}}


@pytest.fixture
def asked():
    """`asked(touchpoints=[...], transitions=[...])`: the tables that the map asks, with these rows."""

    def ask(**tables):
        database = duckdb.connect()
        database.execute("create schema journeys")
        shapes = {
            "touchpoints": "touchpoint text, channel text, customer_id text, valence text, day date, type text, "
            "tone text, theme text",
            "transitions": "from_step text, to_step text, transitions bigint",
            "funnels": "funnel text, period text, step int, name text, customers bigint, dropped bigint",
            "kpis": "kpi text, period text, dimension text, day date, numerator float, denominator float, reason text",
        }
        for name, shape in shapes.items():
            database.execute(f"create table journeys.{name} ({shape})")
            for row in tables.get(name, []):
                filled = [*row, *[None] * (shape.count(",") + 1 - len(row))]
                database.execute(f"insert into journeys.{name} values ({', '.join('?' * len(filled))})", filled)
        return MapQueries(database, {f"journeys.{name}" for name in shapes}, (FIRST, AS_OF))

    return ask


def contacts(touchpoint, channel, positive=0, negative=0, neutral=0):
    each = (("positive", positive), ("negative", negative), ("neutral", neutral))
    return [(touchpoint, channel, f"c{n}", valence, AS_OF, "visit") for valence, number in each for n in range(number)]


def mapped(**parts):
    return JourneyMap.model_validate(parts)


def test_each_touchpoint_has_its_contacts_and_whether_most_of_them_surely_went_well(asked):
    rows = [*contacts("ad", "ad", neutral=3), *contacts("basket", "web", 9, 1), *contacts("chat", "chat", 3, 2)]
    found = {row["touchpoint"]: row for row in journey_map.touchpoint_rows(asked(touchpoints=rows), JOURNEY, mapped())}
    assert list(found) == ["ad", "basket", "chat"], "in the order of the catalogue"
    assert [found[name]["experience"] for name in found] == ["neutral", "positive", "neutral"]
    assert (found["basket"]["contacts"], found["basket"]["customers"], found["basket"]["negative"]) == (10, 9, 1)


def test_an_insight_from_data_has_its_number_interval_day_and_query(asked):
    query = "select 45 as part, 100 as whole from journeys.kpis where day <= {as_of} having count(*) = 0"
    found = mapped(insights={"slow": of_data(query, above=0.3)})
    (row,) = insights(asked(), found)
    assert (row["value"], row["low"], row["high"], row["observations"]) == (0.45, 0.356145, 0.547554, 100)
    assert (row["state"], row["told_on"]) == ("holds", AS_OF)
    assert row["query"].endswith("where day <= date '2017-03-31' having count(*) = 0")


def insights(queries, found):
    return journey_map.insight_rows(queries, found, journey_map.touchpoint_rows(queries, JOURNEY, found))


@pytest.mark.parametrize(
    ("bounds", "state"),
    [
        ({"above": 0.3}, "holds"),
        ({"above": 0.4}, "unclear"),
        ({"above": 0.6}, "does not hold"),
        ({"below": 0.6}, "holds"),
        ({"below": 0.3}, "does not hold"),
        ({"above": 0.3, "below": 0.6}, "holds"),
        ({}, "measured"),
    ],
)
def test_an_insight_holds_where_its_whole_interval_is_on_the_side_it_says(asked, bounds, state):
    found = mapped(insights={"slow": of_data("select 45 as part, 100 as whole", **bounds)})
    assert insights(asked(), found)[0]["state"] == state


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select 1 as part, 0 as whole", "too few"),
        ("select null as part, 3 as whole", "nothing to count"),
        ("select 1 as number", "gives number; it has to give part and whole"),
        ("select 1 as part, 2 as whole union all select 1, 3", "several rows"),
        ("select 1 as part, 2 as whole where false", "no row"),
        ("select * from journeys.nothing", "does not run"),
    ],
)
def test_a_query_that_gives_no_number_says_why(asked, query, reason):
    (row,) = insights(asked(), mapped(insights={"slow": of_data(query)}))
    assert row["state"] == "no data"
    assert reason in row["reason"]


def test_what_people_say_stands_beside_the_contacts_of_the_touchpoint_or_is_flagged(asked):
    found = mapped(insights={"said": of_people(), "also": of_people(touchpoint="basket")})
    rows = {row["insight"]: row for row in insights(asked(touchpoints=contacts("chat", "chat", 4)), found)}
    assert (rows["said"]["contacts"], rows["said"]["reason"], rows["said"]["source"]) == (
        4,
        None,
        "interviews of March",
    )
    assert rows["also"]["reason"].startswith("no contacts in the window")


def test_a_planted_bottleneck_ranks_first_by_those_lost_for_each_week_of_work(asked):
    steps = [("web", "window", 2, "basket", 1000, 700), ("web", "window", 1, "product", 5000, 400)]
    moves = [("chat", "(drop-off)", 90), ("chat", "basket", 10)]
    ranked = mapped(
        insights={"known": of_people()},
        opportunities={
            name: {"title": name, "touchpoint": "chat", "insights": ["known"], "effort_weeks": weeks, **more}
            for name, weeks, more in (
                ("other_step", 4, {"funnel": "web", "step": "product"}),
                ("chat_ends", 1, {}),
                ("bottleneck", 2, {"funnel": "web", "step": "basket"}),
                ("bad_chats", 1, {"loss": "negative"}),
            )
        },
    )
    queries = asked(funnels=steps, transitions=moves)
    rows = journey_map.opportunity_rows(queries, ranked, journey_map.touchpoint_rows(queries, JOURNEY, ranked))
    assert [(row["opportunity"], row.get("place"), row.get("score")) for row in rows] == [
        ("bottleneck", 1, 350), ("other_step", 2, 100), ("chat_ends", 3, 90), ("bad_chats", None, None),
    ]  # fmt: skip
    assert rows[0]["loss_low"] < 0.7 < rows[0]["loss_high"]


def days(kpi, first, values, whole=100):
    return [(kpi, "day", "all", first + dt.timedelta(days=n), value, whole, None) for n, value in enumerate(values)]


def solved(asked, kpi, before, after, live_from=dt.date(2017, 3, 15), status="closed"):
    solution = {"title": "More people", "opportunity": "o", "process": "roster", "status": status, "kpi": kpi}
    one = mapped(solutions={"more": {**solution, "live_from": live_from, "days": 14}})
    rows = days(kpi, live_from - dt.timedelta(days=14), before) + days(kpi, live_from, after)
    return journey_map.solution_rows(asked(kpis=rows), one, JOURNEY)[0]


def test_a_solution_is_tracked_to_the_change_of_its_kpi(asked):
    better = solved(asked, "satisfaction", [50, 52] * 7, [60, 62] * 7)
    assert (better["before"], better["after"], better["change"]) == (0.51, 0.61, 0.1)
    assert 0 < better["low"] < 0.1 < better["high"]
    assert better["verdict"] == "better"
    assert solved(asked, "wait", [50, 52] * 7, [60, 62] * 7)["verdict"] == "worse", "of a wait, less is better"
    assert solved(asked, "satisfaction", [40, 60] * 7, [41, 61] * 7)["verdict"] == "no change shown"


def test_a_change_is_told_after_a_week_and_not_from_days_that_are_not_known(asked):
    early = solved(asked, "satisfaction", [50, 52] * 7, [60] * 6)
    assert (early["verdict"], early["days_after"], early.get("change")) == ("too early", 6, None)
    assert solved(asked, "satisfaction", [], [60, 62] * 7)["verdict"] == "no data"
    future = solved(asked, "satisfaction", [50, 52] * 7, [60, 62] * 7, live_from=dt.date(2017, 3, 25))
    assert future["days_after"] == 7, "up to the newest day"


def told(rows):
    return {(row["kind"], row["touchpoint"], row["one"], row["other"]) for row in rows}


def test_people_who_say_the_opposite_of_the_contacts_are_a_contradiction(asked):
    found, queries = (
        mapped(insights={"said": of_people("negative")}),
        asked(touchpoints=contacts("chat", "chat", 20, 2)),
    )
    at = journey_map.touchpoint_rows(queries, JOURNEY, found)
    rows = contradictions.of_insights(journey_map.insight_rows(queries, found, at), at)
    assert told(rows) == {("people and data", "chat", "said", "its contacts")}


def test_a_number_that_refutes_a_claim_and_insights_that_say_the_opposite_are_contradictions(asked):
    found = mapped(
        insights={
            "wrong": of_data("select 1 as part, 100 as whole", above=0.5),
            "right": of_data("select 90 as part, 100 as whole", above=0.5),
            "liked": of_people("positive"),
            "disliked": of_people("negative", source="panel"),
            "elsewhere": of_people("positive", touchpoint="ad"),
        }
    )
    at = journey_map.touchpoint_rows(asked(), JOURNEY, found)
    assert told(contradictions.of_insights(insights(asked(), found), at)) == {
        ("claim", "chat", "wrong", "its number"),
        ("people and data", "chat", "right", "liked"),
        ("people", "chat", "disliked", "liked"),
    }


def test_a_touchpoint_that_is_surely_worse_in_one_channel_is_told_with_both(asked):
    rows = [*contacts("chat", "app", 38, 2), *contacts("chat", "phone", 5, 35), *contacts("chat", "web", 20, 20)]
    few = [*contacts("basket", "app", 2, 1), *contacts("basket", "web", 1, 2)]
    assert told(contradictions.of_channels(asked(touchpoints=[*rows, *few]))) == {("channels", "chat", "app", "phone")}


def test_two_messages_that_do_not_go_together_are_told_with_the_customers_who_got_both(on_engine, rows):
    def message(customer, day, channel, subject):
        return {
            "touchpoint_id": f"{customer}{day}{subject}", "customer_id": customer, "channel": channel,
            "subject": subject, "type": "delivered", "occurred_at": f"2017-03-{day:02d} 09:00",
        }  # fmt: skip

    touchpoints = rows(
        "journeys/touchpoints",
        message("a", 10, "email", "discount"), message("a", 12, "phone", "no discount"),
        message("b", 10, "email", "discount"), message("b", 20, "phone", "no discount"),
        message("c", 10, "email", "discount"), message("c", 11, "email", "no discount"),
        message("d", 13, "email", "discount"), message("d", 12, "phone", "no discount"),
    )  # fmt: skip
    conflict = Conflict(
        title="Discount or not", one="subject = 'discount'", other="subject = 'no discount'", within_days=3
    )
    (row,) = contradictions.of_messages(touchpoints, {"discount": conflict})
    assert (row["touchpoint"], row["one"], row["other"], row["customers"]) == (
        "discount",
        "one in email",
        "other in phone",
        2,
    )


def test_the_interval_of_a_share_is_that_of_wilson():
    """Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662, 0 of 20 is 0 to 0.1611."""
    found = [share(81, 263), share(0, 20)]
    assert [(round(one.low, 4), round(one.high, 4)) for one in found] == [(0.2553, 0.3662), (0, 0.1611)]


def test_the_interval_of_a_mean_is_two_standard_errors_wide_on_each_side():
    found = mean(10, 5, 100)
    assert (found.low, found.high) == pytest.approx((9.02, 10.98), abs=1e-3)
    assert mean(10, 0, 1) is None


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0.1, 1e4)), min_size=7, max_size=30))
def test_the_same_days_before_and_after_are_no_change(days_):
    found = change(days_, days_)
    assert found.change == 0
    assert found.low <= 0 <= found.high


def test_the_suggested_map_is_valid_and_its_greatest_opportunity_is_the_planted_bottleneck(asked):
    steps = [("web", "window", n, name, *counts) for n, (name, counts) in enumerate(FUNNEL_STEPS.items(), 1)]
    rows = [*contacts("chat", "chat", 5, 40), *contacts("ad", "ad", neutral=90)]
    queries = asked(touchpoints=rows, funnels=steps, transitions=[("ad", "(drop-off)", 80), ("ad", "chat", 10)])
    found = JourneyMap.model_validate(yaml.safe_load(suggested(queries, WITH_FUNNEL)))
    assert problems(Path("journey_map.yaml"), found, WITH_FUNNEL) == []
    assert {row["state"] for row in insights(queries, found)} == {"holds"}
    at = journey_map.touchpoint_rows(queries, JOURNEY, found)
    ranked = journey_map.opportunity_rows(queries, found, at)
    assert [(row["opportunity"], row["lost"]) for row in ranked[:3]] == [
        ("web_step_2_lost_less", 800), ("web_step_1_lost_less", 100), ("ad_is_the_end_less", 80),
    ]  # fmt: skip
    assert "chat_goes_badly_less" in {row["opportunity"] for row in ranked}


def test_what_customers_complain_about_at_a_touchpoint_is_suggested_with_its_query(asked):
    def said(touchpoint, tone, theme, times):
        return [(touchpoint, "chat", f"c{n}", "neutral", AS_OF, "visit", tone, theme) for n in range(times)]

    late, money = "late, parcel, courier", "refund, money, '{as_of}'"
    rows = [*said("chat", "negative", late, 30), *said("chat", "negative", money, 8),
            *said("chat", "positive", late, 5),
            *said("chat", "negative", None, 7), *said("chat", None, None, 99),
            *said("unknown", "negative", late, 99), *said("basket", "positive", money, 9)]  # fmt: skip
    queries = asked(touchpoints=rows)
    found = JourneyMap.model_validate(yaml.safe_load(suggested(queries, JOURNEY)))
    assert problems(Path("journey_map.yaml"), found, JOURNEY) == []
    told = {name: (one.title, one.touchpoint) for name, one in found.insights.items() if name.startswith("complaint")}
    assert told == {
        "complaint_1": (f"Complaints at 'Chat': {late}", "chat"),
        "complaint_2": (f"Complaints at 'Chat': {money}", "chat"),
    }
    numbers = {row["insight"]: (row["value"], row["observations"], row["state"]) for row in insights(queries, found)}
    assert numbers == {"complaint_1": (0.6, 50, "holds"), "complaint_2": (0.16, 50, "holds")}


FUNNEL_STEPS = {"saw a product": (1000, 100), "the customer's {as_of} basket": (900, 800), "ordered": (100, 0)}
WITH_FUNNEL = JOURNEY.model_copy(
    update={
        "funnels": {
            "web": Funnel.model_validate(
                {"title": "Web", "over": "events", "steps": [{"name": name, "when": "true"} for name in FUNNEL_STEPS]}
            )
        }
    }
)


@pytest.mark.parametrize(("when", "at"), [("channel = 'app'", "ad"), ("channel rlike 'app'", "chat")])
def test_a_suggestion_about_a_funnel_of_contacts_is_at_the_touchpoint_of_its_step_where_that_can_be_told(
    asked, when, at
):
    """Else at that with most contacts: the tables are asked in another dialect of SQL than that of conditions."""
    steps = [{"name": "a", "when": when}, {"name": "b", "when": "true"}]
    mix = Funnel.model_validate({"title": "Mix", "steps": steps})
    journey = JOURNEY.model_copy(update={"funnels": {"mix": mix}})
    rows = [*contacts("chat", "chat", neutral=9), *contacts("ad", "app", neutral=3)]
    queries = asked(touchpoints=rows, funnels=[("mix", "window", 1, "a", 9, 5), ("mix", "window", 2, "b", 4, 0)])
    found = JourneyMap.model_validate(yaml.safe_load(suggested(queries, journey)))
    assert found.opportunities["mix_step_1_lost_less"].touchpoint == at


def test_a_solution_that_is_planned_has_no_verdict_yet(asked):
    planned = mapped(solutions={"p": {"title": "P", "opportunity": "o", "process": "x", "status": "planned"}})
    assert "verdict" not in journey_map.solution_rows(asked(), planned, JOURNEY)[0]


def test_a_company_without_numbers_gets_an_empty_map(asked):
    found = JourneyMap.model_validate(yaml.safe_load(suggested(asked(), JOURNEY)))
    assert (found.days, found.insights, found.opportunities) == (31, {}, {})
