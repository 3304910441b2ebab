"""What the panels of the page answer: each from rows written down here. No engine is started."""

import datetime as dt
import re

import pytest

from jobs.lake.tables import catalogue
from jobs.report.page import document
from jobs.report.page.customer import journey_of
from jobs.report.page.panel import Answer
from jobs.report.page.words import LANGUAGES, book
from jobs.report.sections import SECTIONS, sections
from tests.dags.small_configuration import FILES

DAY = dt.date(2024, 3, 1)


def at(hour, day=DAY):
    return dt.datetime(day.year, day.month, day.day, hour, tzinfo=dt.UTC)


def person(customer_id, known=True):
    return {"customer_id": customer_id, "known": known, "contact_records": 1}


def contact(number, customer_id, what, hour=8, day=DAY, valence="neutral"):
    channel, type_ = what.split(" ")
    row = {"touchpoint_id": f"t{number}", "customer_id": customer_id, "channel": channel, "type": type_}
    return {**row, "occurred_at": at(hour, day), "day": day, "valence": valence}


def stay(customer_id, stage, since, until=None, state="active", kind="customer"):
    row = {"customer_id": customer_id, "kind": kind, "stage": stage, "state": state, "since": since}
    return {**row, "valid_from": since, "valid_to": until, "rule": f"is_in_{stage}", "evidence": '{"orders_all": 3}'}


def answered(name, lake):
    answer = document.answer(name, lake)
    assert answer.missing == []
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def test_every_panel_has_its_words_and_every_language_has_the_same():
    english, *others = [book(language) for language in LANGUAGES]
    assert set(document.PANELS) | {"customer"} == set(english["panels"])
    assert {panel.part for panel in document.PANELS.values()} | {"customer"} == set(english["parts"])
    for other in others:
        assert [(kind, list(words)) for kind, words in other.items()] == [
            (k, list(words)) for k, words in english.items()
        ]


def test_sentences_have_the_same_gaps_in_every_language():
    gaps = [[re.findall(r"{(\w+)}", text) for text in book(one)["sentences"].values()] for one in LANGUAGES]
    assert gaps[0] == gaps[1]


@pytest.mark.parametrize("name", sorted(document.PANELS))
def test_a_panel_asks_tables_without_rows_and_all_its_columns_have_a_word(name, lake_of):
    needs = [need.replace(".", "/") for need in document.PANELS[name].needs]
    assert set(needs) <= set(catalogue.DATASETS)
    answer = document.answer(name, lake_of({need: [] for need in needs}))
    assert (answer.missing, answer.day) == ([], None)
    chart = document.PANELS[name].chart
    used = {chart.x, *chart.y, chart.split, chart.low, chart.high, *chart.choose} - {""}
    assert used <= set(answer.columns)
    assert set(answer.columns) <= set(book("nl")["columns"])


def test_a_panel_without_its_tables_names_them_instead_of_showing_nothing_or_0(lake_of):
    answer = document.answer("stages_now", lake_of({"profiles/customers": [person("c1")]}))
    assert (answer.missing, answer.rows) == (["journeys.stages", "journeys.touchpoints"], [])


def test_audiences_and_figures_are_called_by_their_titles_and_two_with_one_title_are_told_apart(settings):
    asked = Answer(
        document.PANELS["deliveries"], ["delivery", "note"], [["win_back to newsletter", "win_back"]], None, []
    )
    named = document.names(settings(FILES))
    assert named["audience"] == {"look_alike": "Come back (look_alike)", "win_back": "Come back (win_back)"}
    assert asked.called(named).rows == [["Come back (win_back) → newsletter", "win_back"]]
    assert asked.called({"audience": {}}) == asked


def test_customers_and_visitors_are_told_apart_and_everybody_is_counted(lake_of):
    def days(count):
        return DAY - dt.timedelta(days=count)

    def move(customer_id, before, after, value, kind="customer", day=DAY):
        row = {"customer_id": customer_id, "kind": kind, "day": day, "from_stage": before, "to_stage": after}
        return {**row, "days_before": 6, "value": value}

    lake = lake_of(
        {
            "profiles/customers": [person("c1"), person("c9"), person("v1", known=False)],
            "journeys/stages": [
                stay("c1", "awareness", days(20), days(11)),
                stay("c1", "purchase", days(10)),
                stay("c2", "purchase", days(40), state="lapsed"),
                stay("c3", "loyalty", days(4)),
                stay("v1", "awareness", DAY, kind="visitor"),
            ],
            "journeys/touchpoints": [contact(1, "c1", "web visit")],
            "journeys/stage_moves": [
                move("c1", "awareness", "purchase", 10),
                move("c3", "awareness", "purchase", 20),
                move("c4", None, "awareness", 0),
                move("c5", "service", "purchase", 5, day=days(90)),
            ],
        }
    )
    shown = [tuple(row.values()) for row in answered("stages_now", lake)]
    assert shown == [
        ("customers", "purchase", "active", 1, 25.0, 10.0),
        ("customers", "purchase", "lapsed", 1, 25.0, 40.0),
        ("customers", "loyalty", "active", 1, 25.0, 4.0),
        ("customers", "no_stage", "no_stage", 1, 25.0, None),
        ("visitors", "awareness", "active", 1, 100.0, 0.0),
    ]
    assert [tuple(row.values()) for row in answered("stage_flow", lake)] == [
        ("customers", "awareness", "purchase", 2, 2, 6.0, 15.0)
    ]


def test_the_journey_map_says_how_contacts_felt_how_long_after_another_and_who_never_came_back(lake_of):
    old = DAY - dt.timedelta(days=60)
    lake = lake_of(
        {
            "profiles/customers": [person("c1"), person("c2")],
            "journeys/stages": [stay(one, "consideration", old - dt.timedelta(days=1)) for one in ("c1", "c2")],
            "journeys/touchpoints": [
                contact(1, "c1", "chat conversation", 8, old, "negative"),
                contact(2, "c1", "chat conversation", 20, old, "positive"),
                contact(3, "c2", "chat conversation", 8, old, "negative"),
                contact(4, "c1", "web visit", 8, DAY),
            ],
        }
    )
    chat, visit = answered("journey_map", lake)
    assert (chat["touchpoint"], chat["contacts"], chat["persons"]) == ("chat conversation", 3, 2)
    assert chat["emotion"] == -33.3
    assert (chat["emotion_low"], chat["emotion_high"]) == (-100.0, 97.3)
    assert chat["drop_off_percent"] == 66.7, "c2 never came back, c1 only after 60 days; the first was answered in time"
    assert chat["days_since_contact"] == 0.5
    assert (visit["drop_off_percent"], visit["days_since_contact"]) == (None, 59.5), "of today nobody can say yet"
    assert [visit[name] for name in ("emotion", "emotion_low", "emotion_high")] == [None] * 3, "nobody said how it was"


def test_a_moment_is_open_served_or_missed_as_seen_from_the_newest_visit(lake_of):
    def moment(number, type_, starts, ends, served=False):
        row = {"moment_id": f"m{number}", "customer_id": "c1", "type": type_, "day": DAY, "served": served}
        return {**row, "started_at": at(starts), "expires_at": at(ends)}

    visit = {"session_id": "s", "customer_id": "c1", "day": DAY, "started_at": at(11), "ended_at": at(12)}
    moments = [moment(1, "buy", 11, 15), moment(2, "buy", 9, 12), moment(3, "know", 10, 18, served=True)]
    lake = lake_of({"journeys/sessions": [visit], "journeys/moments": [*moments, moment(4, "buy", 11, 13)]})
    know, buy = answered("moments_now", lake)
    assert (know["open"], know["served"], know["missed"]) == (0, 1, 0)
    assert (buy["open"], buy["ends_within_the_hour"], buy["served"], buy["missed"]) == (2, 1, 0, 1)
    assert document.answer("moments_now", lake).day == "2024-03-01 12:00"


def test_the_speed_of_pages_is_told_by_touchpoint_and_moment_of_their_visit_and_not_by_pages_of_long_ago(lake_of):
    def page(n, session, moment, lcp, day=dt.date(2024, 3, 1)):
        return {
            "source": "web",
            "event_id": f"e{n}",
            "session_id": session,
            "day": day,
            "moment": moment,
            "lcp": lcp,
            "inp": 0.1,
        }

    lake = lake_of(
        {
            "journeys/touchpoints": [
                {"touchpoint_id": "t", "type": "visit", "reference": "s1", "touchpoint": "visit_by_ad"}
            ],
            "journeys/vitals": [
                *(page(n, "s1", "buy", float(n)) for n in range(1, 6)),
                page(6, "s2", None, 2.0),
                page(7, "s2", None, 99.0, dt.date(2023, 3, 1)),
            ],
        }
    )
    told = [(r["touchpoint"], r["moment"], r["pages"], r["lcp_half"], r["lcp"]) for r in answered("vitals", lake)]
    assert told == [("visit_by_ad", "buy", 5, 3.0, 4.0), ("visit", "none", 1, 2.0, 2.0)]


def test_visits_of_more_points_stand_beside_how_often_they_ended_in_an_order_and_so_does_each_sign(lake_of):
    def visits(points, band, signs, ordered):
        return [
            {"session_id": f"{band}{n}", "customer_id": "c1", "day": DAY, "orders": order, "intent": points,
             "intent_band": band, "intent_signs": signs}
            for n, order in enumerate(ordered)
        ]  # fmt: skip

    keen = visits(60, "high", ["filled a basket: +40", "stayed: +20"], [1, 1, 1, 0])
    other = visits(20, "medium", ["stayed: +20"], [1, 0, 0, 0]) + visits(0, "low", [], [0, 0])
    early = {"session_id": "old", "day": DAY, "orders": 1, "intent": None}
    lake = lake_of({"journeys/sessions": [*keen, *other, early]})
    bands = answered("purchase_intent", lake)
    told = [tuple(r[k] for k in ("intent", "points_from", "visits", "orders", "percent_ordered", "auc")) for r in bands]
    # Of 4 x 6 pairs of a visit with an order and one without, 17 are told right and 6 are even: 20 of 24.
    assert told == [("high", 60, 4, 3, 75.0, 0.833), ("medium", 20, 4, 1, 25.0, 0.833), ("low", 0, 2, 0, 0.0, 0.833)]
    assert (bands[0]["low"], bands[0]["high"]) == (30.06, 95.44)
    signs = answered("intent_signs", lake)
    assert [tuple(sign.values()) for sign in signs] == [
        ("filled a basket", 40, 4, 75.0, 16.67),
        ("stayed", 20, 8, 50.0, 0.0),
    ]


def test_the_journey_of_a_customer_is_told_newest_first_with_reasons(lake_of):
    lake = lake_of(
        {
            "profiles/customers": [{**person("c1"), "first_name": "Saskia", "sources": ["crm", "web"]}],
            "journeys/stages": [stay("c1", "purchase", DAY)],
            "journeys/touchpoints": [
                contact(1, "c1", "chat conversation", 9, valence="negative"),
                contact(2, "c2", "web visit"),
            ],
            "activation/plans": [
                {"day": DAY, "audience": "win_back", "destination": "email", "customer_id": "c1", "action": "skip",
                 "reason": "no_consent"}
            ],
        }
    )  # fmt: skip
    found = journey_of("c1", lake)
    assert [row[1:] for row in found["rows"]] == [
        ["contact", "chat conversation", None, "negative"],
        ["decision", "win_back to email", "skip", "no_consent"],
        ["stage", "purchase", "is_in_purchase", "orders_all 3"],
    ]
    assert found["facts"]["stage"] == "purchase"
    assert "Saskia" not in str(found)
    lake = lake_of({"journeys/touchpoints": [{**contact(3, "c1", "chat conversation"), "subject": "{urgent} where"}]})
    assert ["contact", "chat conversation", "{urgent} where", None] in [
        row[1:] for row in journey_of("c1", lake)["rows"]
    ]
    assert journey_of("c9", lake) is None
    assert journey_of("' or true --", lake) is None


def test_every_table_of_the_report_can_be_asked_of_a_lake_without_rows(lake_of):
    needs = {need.replace(".", "/") for section in SECTIONS for need in section.needs}
    lake = lake_of({name: [] for name in needs})
    assert {section.title for section, _, _ in sections(lake)} >= {section.title for section in SECTIONS}


def test_contact_pressure_counts_customers_by_how_many_messages_a_week_brought_them(lake_of):
    monday = dt.date(2024, 2, 26)
    sent = [
        contact(n, customer, "email sent", 8 + n, day)
        for n, (customer, day) in enumerate([("c1", DAY), ("c1", monday), ("c2", DAY), ("c3", dt.date(2024, 2, 25))])
    ]
    shown = answered("contact_pressure", lake_of({"journeys/touchpoints": [*sent, contact(9, "c1", "web visit")]}))
    assert [(row["week"], row["messages"], row["customers"]) for row in shown] == [
        ("2024-02-19", "1", 1), ("2024-02-26", "1", 1), ("2024-02-26", "2", 1),
    ]  # fmt: skip


def test_what_an_action_earned_stands_beside_what_was_sent_reached_and_held_out(lake_of):
    def step(operation, state, audience="news"):
        return {"operation_id": operation, "attempt": 1, "destination": "email", "audience": audience, "action": "send",
                "customer_id": operation, "state": state}  # fmt: skip

    effect = {"day": DAY, "audience": "news", "metric": "value", "held_out": 40, "incremental": 120.0,
              "incremental_low": -10.0, "incremental_high": 250.0, "cost": 5.0, "return_low": -8.5, "return_high": 82.5,
              "verdict": "unclear"}  # fmt: skip
    steps = [step("a", "claimed"), step("a", "accepted"), step("b", "claimed"), step("b", "unknown"),
             step("c", "claimed"), step("c", "rejected"), step("d", "claimed")]  # fmt: skip
    (row,) = answered("action_returns", lake_of({"decisions/effects": [effect, {**effect, "metric": "orders"}],
                                                 "activation/ledger": steps}))  # fmt: skip
    assert list(row.values()) == ["news", 2, 1, 40, 120.0, -10.0, 250.0, 5.0, -8.5, 82.5, "unclear"]


def test_who_still_buys_and_what_is_recommended_are_told_of_the_newest_day(lake_of):
    old = DAY - dt.timedelta(days=7)
    worth = [("c1", DAY, 1.0, 40), ("c2", DAY, 0.81, 20), ("c3", DAY, 0.05, 1), ("c1", old, 0.5, 99)]
    shown = [("c1", 1, "a", "again"), ("c2", 1, "a", "popular"), ("c1", 2, "b", "similar")]
    lake = lake_of(
        {
            "models/value": [
                {"day": day, "model": "value", "customer_id": id_, "alive": alive, "value_365d": value}
                for id_, day, alive, value in worth
            ],
            "models/recommendations": [
                {"day": DAY, "model": "next", "customer_id": id_, "rank": rank, "item": item, "because": why,
                 "name": {"a": "Apple"}.get(item)}
                for id_, rank, item, why in shown
            ],
        }
    )  # fmt: skip
    often, lapsed = answered("worth", lake)
    assert (often["still_buys"], often["customers"], float(often["value_expected"])) == ("80 - 100 %", 2, 60.0)
    assert (lapsed["still_buys"], lapsed["customers"], lapsed["mean_probability"]) == ("0 - 20 %", 1, 0.05)
    apple, other = answered("recommended", lake)
    assert list(apple.values()) == ["next", "Apple", 2, 100.0, 2, 1, 0, 1]
    assert list(other.values()) == ["next", "b", 1, 50.0, 0, 0, 1, 0]
