"""Stages: the rules, the windows, and a history without gaps."""

import datetime as dt
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.activity.timeline import timeline
from jobs.config.journey.journey import Journey, StageRule
from jobs.config.traits import Trait
from jobs.config.yaml_files import ConfigError, load
from jobs.journeys.stages import stages

AS_OF = dt.date(2017, 3, 31)


def trait(where, days=None, value="count(*)", type_="bigint", **more):
    return Trait(title="t", over="touchpoints", where=where, days=days, value=value, type=type_, default=0, **more)


TRAITS = {
    "orders_7d": trait("type = 'order'", 7),
    "orders_all": trait("type = 'order'"),
    "spent_20d": trait("type = 'order'", 20, "sum(amount)", "decimal(18,2)"),
    "negative_5d": trait("valence = 'negative'", 5),
}
RULES = [
    StageRule(stage="service", name="unhappy", when="negative_5d > 0"),
    StageRule(stage="loyalty", name="big_spender", when="spent_20d >= 50"),
    StageRule(stage="purchase", name="bought", when="orders_7d > 0"),
    StageRule(stage="service", name="bought_before", when="orders_all > 0"),
    StageRule(stage="awareness", name="seen", when="true"),
]


def touch(day, type_="visit", customer="c", **more):
    return {"customer_id": customer, "day": f"2017-{day}", "type": type_, "valence": "neutral", **more}


def history(rows, *touches, traits=TRAITS, rules=RULES, as_of=AS_OF, known=(), **more):
    journey = Journey(stages=rules, **more)
    lines = timeline({"touchpoints": rows("journeys/touchpoints", *touches)}, traits, as_of)
    return stages(lines, journey, traits, rows("identity/map", *({"customer_id": one} for one in known)))


def test_the_first_rule_that_is_true_decides_and_a_stay_ends_when_its_window_does(rows, expect):
    found = history(rows, touch("03-01"), touch("03-05", "order", amount="10.00"))
    expect(
        found,
        "stage valid_from valid_to previous_stage rule",
        ("awareness", "2017-03-01", "2017-03-04", None, "seen"),
        ("purchase", "2017-03-05", "2017-03-11", "awareness", "bought"),
        ("service", "2017-03-12", None, "purchase", "bought_before"),
    )


def test_a_customer_goes_back_when_something_goes_wrong_and_returns_when_it_is_over(rows, expect):
    found = history(
        rows,
        touch("03-01", "order", amount="60.00"),
        touch("03-03", "nps", valence="negative"),
        as_of=dt.date(2017, 3, 10),
    )
    expect(
        found,
        "stage valid_from valid_to",
        ("loyalty", "2017-03-01", "2017-03-02"),
        ("service", "2017-03-03", "2017-03-07"),
        ("loyalty", "2017-03-08", None),
    )


def test_each_row_shows_the_rule_that_holds_and_the_time_in_a_stage_goes_on_over_them(rows, expect):
    rules = [
        StageRule(stage="service", name="unhappy", when="negative_5d > 0"),
        StageRule(stage="service", name="bought", when="orders_all > 0"),
        StageRule(stage="awareness", name="seen", when="true"),
    ]
    found = history(rows, touch("03-01", "order"), touch("03-03", "nps", valence="negative"), rules=rules)
    expect(
        found,
        "stage valid_from valid_to rule since previous_stage",
        ("service", "2017-03-01", "2017-03-02", "bought", "2017-03-01", None),
        ("service", "2017-03-03", "2017-03-07", "unhappy", "2017-03-01", None),
        ("service", "2017-03-08", None, "bought", "2017-03-01", None),
    )


def test_evidence_is_what_the_rule_saw_on_the_first_day_and_on_the_last_or_today(rows, expect):
    touches = [
        touch("03-05", "order", amount="10.00"),
        touch("03-05", "order", amount="2.50"),
        touch("03-06", "order", amount="1.00"),
    ]
    expect(
        history(rows, *touches),
        "rule evidence evidence_last",
        (
            "bought",
            '{"orders_7d": 2, "orders_all": 2, "spent_20d": 12.50, "negative_5d": 0}',
            '{"orders_7d": 1, "orders_all": 3, "spent_20d": 13.50, "negative_5d": 0}',
        ),
        (
            "bought_before",
            '{"orders_7d": 0, "orders_all": 3, "spent_20d": 13.50, "negative_5d": 0}',
            '{"orders_7d": 0, "orders_all": 3, "spent_20d": 0, "negative_5d": 0}',
        ),
    )


def test_a_rule_says_how_a_customer_stands_in_its_stage(rows, expect):
    rules = [
        *RULES[:3],
        StageRule(stage="purchase", state="lapsed", name="bought_before", when="orders_all > 0"),
        RULES[-1],
    ]
    expect(
        history(rows, touch("03-01", "order", amount="1.00"), rules=rules),
        "stage state valid_from valid_to since",
        ("purchase", "active", "2017-03-01", "2017-03-07", "2017-03-01"),
        ("purchase", "lapsed", "2017-03-08", None, "2017-03-01"),
    )


def test_who_is_known_by_more_than_cookies_is_a_customer_and_anybody_else_a_visitor(rows, expect):
    found = history(rows, touch("03-01"), touch("03-01", customer="d"), known=["c"])
    expect(found, "customer_id kind", ("c", "customer"), ("d", "visitor"))


BACK_TO_LOYAL = [touch("03-01", "order", amount="60.00"), touch("03-03", "nps", valence="negative")]
NOT_TO_SERVICE = {"loyalty": ["purchase"], "service": ["purchase"]}


def test_a_move_that_is_not_allowed_is_marked_for_as_long_as_the_customer_is_in_the_stage(rows, expect):
    found = history(rows, *BACK_TO_LOYAL, as_of=dt.date(2017, 3, 10), moves=NOT_TO_SERVICE)
    expect(
        found,
        "stage valid_from allowed",
        ("loyalty", "2017-03-01", "true"),
        ("service", "2017-03-03", "false"),
        ("loyalty", "2017-03-08", "false"),
    )


def test_with_stay_the_customer_stays_where_it_was_until_a_rule_names_a_stage_it_may_go_to(rows, expect):
    found = history(
        rows, *BACK_TO_LOYAL, touch("03-22", "order", amount="1.00"), moves=NOT_TO_SERVICE, on_forbidden="stay"
    )
    expect(
        found,
        "stage state valid_from valid_to since rule allowed",
        ("loyalty", "active", "2017-03-01", "2017-03-02", "2017-03-01", "big_spender", "true"),
        ("loyalty", "active", "2017-03-03", "2017-03-07", "2017-03-01", "unhappy", "false"),
        ("loyalty", "active", "2017-03-08", "2017-03-20", "2017-03-01", "big_spender", "true"),
        ("loyalty", "active", "2017-03-21", "2017-03-21", "2017-03-01", "bought_before", "false"),
        ("purchase", "active", "2017-03-22", "2017-03-28", "2017-03-22", "bought", "true"),
        ("service", "active", "2017-03-29", None, "2017-03-29", "bought_before", "true"),
    )


def test_a_stage_that_moves_does_not_name_can_be_left_for_any_other(rows, expect):
    found = history(
        rows, touch("03-01"), touch("03-05", "order", amount="1.00"), moves=NOT_TO_SERVICE, on_forbidden="stay"
    )
    expect(found.where("valid_to is null"), "stage allowed", ("service", "true"))


def test_a_move_to_a_stage_that_is_not_there_is_refused_with_its_line(tmp_path):
    path = tmp_path / "journey.yaml"
    path.write_text(
        'stages: [{stage: awareness, name: seen, when: "true"}]\nmoves:\n  awareness: [purchase, servise]\n'
    )
    with pytest.raises(
        ConfigError, match=r"journey\.yaml:3: moves\.awareness\.1: unknown value 'servise'; did you mean 'service'"
    ):
        load(path, Journey)


def test_nothing_after_the_day_looked_from_is_in_the_history(rows, expect):
    found = history(rows, touch("03-01"), touch("03-05", "order"), as_of=dt.date(2017, 3, 4))
    expect(found, "stage valid_from valid_to", ("awareness", "2017-03-01", None))


def test_a_rule_that_is_null_is_not_met(rows, expect):
    rules = [StageRule(stage="loyalty", name="odd", when="orders_all / nullif(orders_7d, 0) > 1"), RULES[-1]]
    expect(history(rows, touch("03-01"), rules=rules), "stage", ("awareness",))


def test_without_traits_everybody_has_the_stage_of_the_last_rule(rows, expect):
    found = history(rows, touch("03-01"), touch("03-02"), traits={}, rules=RULES[-1:])
    expect(found, "stage valid_from valid_to evidence", ("awareness", "2017-03-01", None, "{}"))


def test_numbers_over_sessions_and_of_a_window_that_ended_are_those_of_each_day(rows, expect):
    traits = {
        "bought_before": trait("type = 'order'", 3, ending_days_ago=2),
        "carts": Trait(title="t", over="sessions", value="sum(carts)", type="bigint", days=2, default=0),
    }
    tables = {
        "touchpoints": rows("journeys/touchpoints", touch("03-01", "order"), touch("03-02")),
        "sessions": rows("journeys/sessions", {"customer_id": "c", "day": "2017-03-02", "carts": 4}),
    }
    expect(
        timeline(tables, traits, AS_OF),
        "valid_from valid_to bought_before carts",
        ("2017-03-01", "2017-03-01", 0, 0),
        ("2017-03-02", "2017-03-02", 0, 4),
        ("2017-03-03", "2017-03-03", 1, 4),
        ("2017-03-04", "2017-03-05", 1, 0),
        ("2017-03-06", None, 0, 0),
    )


TALKS = st.lists(st.tuples(st.integers(1, 20), st.none() | st.integers(-1, 9)), min_size=1, max_size=6)
"""Conversations by the day of March on which they were opened, and the days until they were solved."""


@hypothesis_settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(talks=TALKS)
def test_a_number_of_what_is_open_is_on_each_day_that_of_looking_at_every_conversation(rows, talks):
    windows = {"ever": (None, 0), "days_5": (5, 0), "days_5_ago": (5, 3)}
    traits = {
        name: trait("type = 'conversation'", days, while_open=True, ending_days_ago=ago)
        for name, (days, ago) in windows.items()
    }
    touches = [
        {
            "touchpoint_id": str(n),
            **touch(f"03-{on:02d}", "conversation"),
            **({} if lasts is None else {"open_days": lasts}),
        }
        for n, (on, lasts) in enumerate(talks)
    ]
    table = rows("journeys/touchpoints", *touches)
    lines = timeline({"touchpoints": table}, {**traits, "contacts": trait("true")}, AS_OF).collect()

    def counted(day, days, ago):
        past = [((day - dt.date(2017, 3, on)).days, lasts) for on, lasts in talks]
        return sum(
            passed >= ago and (days is None or passed < ago + days) and (lasts is None or passed < lasts)
            for passed, lasts in past
        )

    for day in (dt.date(2017, 3, min(on for on, _ in talks)) + dt.timedelta(days=n) for n in range(11)):
        (line,) = [row for row in lines if row["valid_from"] <= day <= (row["valid_to"] or AS_OF)]
        assert {name: line[name] for name in windows} == {
            name: counted(day, *window) for name, window in windows.items()
        }


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([], "the last rule must be"),
        ([{"stage": "awareness", "name": "seen", "when": "orders_all = 0"}], "the last rule must be"),
        ([{"stage": stage, "name": "a", "when": "true"} for stage in ("loyalty", "awareness")], "two rules are named"),
    ],
)
def test_rules_that_leave_somebody_without_a_stage_or_cannot_be_told_apart_are_refused(rules, message):
    with pytest.raises(ValueError, match=message):
        Journey.model_validate({"stages": rules})


def stage_on(day, touches):
    """The stage by going through the touchpoints one by one, as a reader of the rules would."""

    def within(days, condition):
        first = day - dt.timedelta(days=days - 1)
        return [t for t in touches if first <= dt.date.fromisoformat(t["day"]) <= day and condition(t)]

    orders = lambda t: t["type"] == "order"  # noqa: E731
    if within(5, lambda t: t["valence"] == "negative"):
        return "service"
    if sum(Decimal(t["amount"]) for t in within(20, orders)) >= 50:
        return "loyalty"
    if within(7, orders):
        return "purchase"
    return "service" if within(9999, orders) else "awareness"


DAYS = st.dates(dt.date(2017, 2, 1), AS_OF + dt.timedelta(days=3)).map(lambda day: f"{day:%m-%d}")
TOUCHES = st.lists(
    st.builds(
        lambda day, type_, customer, valence, cents: touch(
            day, type_, customer, valence=valence, amount=f"{Decimal(cents) / 100:.2f}"
        ),
        DAYS,
        st.sampled_from(["visit", "order"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["neutral", "neutral", "negative"]),
        st.integers(0, 4000),
    ),
    min_size=1,
    max_size=12,
)


@hypothesis_settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(touches=TOUCHES)
def test_on_every_day_since_the_first_contact_everybody_has_exactly_the_stage_the_rules_give(rows, touches):
    stays = {}
    for row in history(rows, *touches).collect():
        stays.setdefault(row["customer_id"], []).append((row["valid_from"], row["valid_to"], row["stage"], row["rule"]))
    mine = {}
    for contact in touches:
        if dt.date.fromisoformat(contact["day"]) <= AS_OF:
            mine.setdefault(contact["customer_id"], []).append(contact)
    assert stays.keys() == mine.keys()
    for customer, contacts in mine.items():
        first = min(dt.date.fromisoformat(contact["day"]) for contact in contacts)
        expected = {
            day: stage_on(day, contacts)
            for day in (first + dt.timedelta(days=n) for n in range((AS_OF - first).days + 1))
        }
        found = {}
        for start, end, stage, _ in stays[customer]:
            for n in range(((end or AS_OF) - start).days + 1):
                day = start + dt.timedelta(days=n)
                assert day not in found, f"two stays on {day}"
                found[day] = stage
        assert found == expected
        in_order = sorted(stays[customer])
        assert all(left[3] != right[3] for left, right in pairwise(in_order))
        assert [stay[1] is None for stay in in_order] == [False] * (len(in_order) - 1) + [True]
