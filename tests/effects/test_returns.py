"""What actions bring for what they cost: the arithmetic, and a company whose costs and orders are known to the cent.

Costs about 3 s.
"""

import datetime as dt
import json
import sys
from math import sqrt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from jobs.cli.main import main
from jobs.config.settings import load_settings
from jobs.config.wrong import ConfigError
from jobs.effects import effects, estimates, return_report, returns
from jobs.effects.returns import Part, Range
from jobs.lake.lake import Lake
from jobs.lake.queries import connect
from jobs.lake.tables import catalogue
from tests.company import FOR_ACTION

START, DAY = dt.date(2024, 5, 1), dt.date(2024, 5, 31)
SURE = Part("sure", people=1000, value=2.0, value_error=0.25, variable=0.5, width=2.0)


def close(found, low, high):
    return (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_with_a_cost_that_is_known_the_ends_are_divided_by_it():
    assert close(returns.value([SURE]), 1500, 2500)
    assert close(returns.net([SURE]), 1000, 2000)
    assert close(returns.on_cost([SURE]), 3, 5)


def test_with_a_cost_that_is_not_it_is_the_interval_of_fieller():
    part = Part("unsure", 1, value=2.0, value_error=0.4, variable=0.5, cost_error=0.1, covariance=0.02, width=1.96)
    z2 = 1.96**2
    a, b, c = 0.5**2 - z2 * 0.01, 2 * 0.5 - z2 * 0.02, 2.0**2 - z2 * 0.16
    low, high = ((b + sign * sqrt(b * b - a * c)) / a for sign in (-1, 1))
    assert close(returns.on_cost([part]), low, high)


def test_the_interval_of_a_ratio_has_the_truth_in_it_as_often_as_it_says():
    chance, hits, many = np.random.default_rng(1), 0, 600
    for _ in range(many):
        value, cost = chance.multivariate_normal([2.0, 0.5], [[0.16, 0.02], [0.02, 0.01]])
        found = returns.on_cost([Part("one", 1, value, 0.4, max(cost, 1e-6), cost_error=0.1, covariance=0.02)])
        hits += found is None or found.low <= 4.0 <= found.high
    assert 0.93 <= hits / many <= 0.97


def test_a_cost_that_may_as_well_be_nothing_gives_no_ratio():
    assert returns.on_cost([Part("few", 3, 2.0, 0.1, 0.5, cost_error=0.3)]) is None
    assert returns.on_cost([Part("free", 3, 2.0, 0.1, 0.0)]) is None
    assert returns.on_cost([]) is None


numbers = st.floats(-50, 50)
sizes = st.floats(0.01, 5)
parts_of = st.builds(
    Part, st.just("one"), st.integers(30, 10**5), numbers, sizes, sizes, fixed=st.floats(0, 5),
    cost_error=st.floats(0, 0.001), covariance=st.just(0.0), width=st.floats(2, 4),
)  # fmt: skip


@tries(max_examples=60)
@given(st.lists(parts_of, min_size=1, max_size=6), st.integers(0, 6))
def test_parts_add_up_to_the_whole_however_they_are_grouped(parts, cut):
    first, second = parts[:cut], parts[cut:]
    assert returns.cost(first) + returns.cost(second) == pytest.approx(returns.cost(parts))
    for told in (returns.value, returns.net):
        whole, both = told(parts), told(first) + told(second)
        assert (both.low, both.high) == (pytest.approx(whole.low), pytest.approx(whole.high))


@tries(max_examples=60)
@given(st.lists(parts_of, min_size=1, max_size=4))
def test_a_return_above_one_is_money_left_and_below_one_is_money_lost(parts):
    ratio, left = returns.on_cost(parts), returns.net(parts)
    assert ratio.low <= ratio.high
    if abs(left.low) > 1e-3:
        assert (left.low > 0) == (ratio.low > 1)
    if abs(left.high) > 1e-3:
        assert (left.high > 0) == (ratio.high > 1)


def test_all_intervals_of_a_report_hold_together():
    assert returns.width(2000, 1) == pytest.approx(estimates.always_valid(1.0, 2000))
    assert returns.width(2000, 8) > returns.width(2000, 1)
    assert returns.error_of(-1, 3, 2000) * returns.width(2000, 1) == pytest.approx(2)


def test_half_the_reach_brings_half_and_costs_half_but_for_the_hours():
    part = Part("one", 1000, 2.0, 0.25, 0.5, fixed=0.1, width=2.0)
    half = returns.with_reach(part, 0.5)
    assert close(half.value, 750, 1250)
    assert close(half.cost, 350, 350)
    assert close(half.net, 400, 900)


def test_of_people_beyond_those_tested_the_range_goes_from_nothing_to_the_best():
    twice = returns.with_reach(SURE, 2)
    assert close(twice.value, 1500, 5000)
    assert close(twice.net, 500, 4000)
    assert close(twice.on_cost, 1.5, 5)
    harm = Part("harm", 1000, 0.0, 0.25, 0.5, width=2.0)
    assert close(returns.with_reach(harm, 2).value, -1000, 1000)


def test_a_budget_pays_the_hours_first():
    part = Part("one", 1000, 2.0, 0.25, 0.4, fixed=0.1, width=2.0)
    assert returns.with_budget(part, 2).reach == 2.25
    assert close(returns.with_budget(part, 2).cost, 1000, 1000)
    with pytest.raises(ValueError, match="not more than its hours"):
        returns.with_budget(part, 0.2)
    with pytest.raises(ValueError, match="nothing that it costs grows with the people"):
        returns.with_budget(Part("one", 10, 2.0, 0.1, 0.0, fixed=1.0), 2)


AUDIENCE = {"title": "t", "goal": "g", "owner": "o", **FOR_ACTION, "where": "known", "purpose": "marketing"}
BY_MAIL = {"send_to": {"email": {"template": "hello"}}}
CAMPAIGNS = {"files": "{day}/stats*.csv", "columns": {name: name for name in ("campaign_id", "channel", "day", "cost")}}
COSTS = """\
contacts:
  email: 0.1
offers:
  works: {where: "subject = 'gift'", cost: {amount: 2, currency: USD}}
media:
  shown: "campaign_id = 'spring'"
hours:
  rate: 50
  actions:
    works: {once: 2}
  of_all: {once: 1}
"""


def action(name, stage="purchase", **more):
    return {f"audiences/{name}.yaml": {"audience": name, "stage": stage, "send_to": {}, **AUDIENCE, **more}}


@pytest.fixture
def company(settings):
    """Files of a company with costs; `company(COSTS)` for other costs, None for none."""

    def load(costs=COSTS, own_cost=0):
        crm = {"contacts": {"files": "c.csv", "columns": {"contact_id": "id", "updated_at": "u", "email": "email"}}}
        return settings({
            "settings.yaml": {"company": "T", "landing": "var/landing", "lake": "var/lake", "rates": {"USD": 0.5}},
            "sources/crm.yaml": {"source": "crm", "group": "crm", "datasets": crm | {"campaign_stats": CAMPAIGNS}},
            "contact_policy.yaml": {"holdout": {"share": 0.16, "within_days": 10}},
            **action("works", holdout=0.2, effect={"within_days": 10, "margin": 0.5, "cost": own_cost}, **BY_MAIL),
            **action("shown", "awareness", holdout=0.5, effect={"within_days": 10, "margin": 0.5}),
            **action("blind", holdout=0, **BY_MAIL),
            **({"costs.yaml": costs} if costs else {}),
        })  # fmt: skip

    return load


def write(lake, name, records):
    schema = catalogue.get(name).arrow_schema()
    full = [{column: row.get(column) for column in schema.names} for row in records]
    lake.append(name, pa.Table.from_pylist(full, schema), lake.transaction("test", START, config=[name, str(records)]))


def live(loaded):
    """500 customers: 400 of them get a message of `works` and half of them order for 10, of 100 held out a quarter.

    Every tenth of those 400 redeems a gift. 100 see what was `shown`, 100 do not, and it moves nobody. One message is
    sent later than counts. 100 more are held out of everything, and order nothing.
    """
    lake, after = Lake.of(loaded), START + dt.timedelta(days=2)
    people = [(f"p{n}", "holdout" if n % 5 == 0 else "treatment") for n in range(500)]
    drawn = [("works", one, arm, 0.2) for one, arm in people]
    drawn += [("shown", one, "treatment" if n % 2 else "holdout", 0.5) for n, (one, _) in enumerate(people[:200])]
    drawn += [("*", f"p{n}", "treatment" if n < 500 else "holdout", 0.16) for n in range(600)]
    write(lake, "decisions/arms", [
        {"audience": name, "customer_id": one, "since": START, "first_customer_id": one, "because": "drawn",
         "arm": arm, "share": share}
        for name, one, arm, share in drawn
    ])  # fmt: skip
    reached = [one for one, arm in people if arm == "treatment"]
    write(lake, "activation/ledger", [
        {"operation_id": f"{one}{day}{state}", "attempt": 1 + (day != after), "destination": "email",
         "audience": "works", "customer_id": one, "day": day, "action": "send", "state": state}
        for one, day in [*((one, after) for one in reached), (reached[0], DAY)] for state in ("claimed", "accepted")
    ])  # fmt: skip
    kept = [one for one, arm in people if arm == "holdout"]
    orders = [("order", one, "done", 10.0) for one in reached[::2] + kept[::4]]
    gifts = [("redeem", one, "gift", None) for one in reached[::10]]
    write(lake, "journeys/touchpoints", [
        {"touchpoint_id": f"{kind}{one}", "customer_id": one, "day": after, "type": kind, "nth": 1, "channel": "web",
         "subject": subject, "amount": amount and round(amount)}
        for kind, one, subject, amount in orders + gifts
    ])  # fmt: skip
    write(
        lake,
        "identity/map",
        [{"identifier": one, "customer_id": one} for one, _ in [*people, *((f"p{n}", "") for n in range(500, 600))]],
    )
    told = [("spring", 1, 1, 999), ("spring", 1, 2, 30), ("spring", -9, 1, 7), ("x", 1, 1, 5)]
    write(lake, "valid/campaign_stats", [
        {"source": "ads", "campaign_id": name, "channel": "ad", "day": START + dt.timedelta(days=shift),
         "updated_at": dt.datetime(2024, 6, 1, version, tzinfo=dt.UTC), "cost": cost, "currency": "EUR",
         "arrived": DAY, "file_id": "f", "line": 1}
        for name, shift, version, cost in told
    ])  # fmt: skip
    effects.run(DAY, loaded)
    return connect(loaded, unwritten=True, only=return_report.NEEDS)


def test_a_company_is_told_what_each_action_brings_for_what_it_cost_and_of_which_nobody_knows(company):
    loaded = company()
    found = return_report.report(DAY, loaded, live(loaded))
    works, shown, blind = (
        next(one for one in found.actions if one.name == name) for name in ("works", "shown", "blind")
    )
    assert works.part.people == 400
    assert works.part.variable == pytest.approx((400 * 0.1 + 40 * 2 * 0.5) / 400), (
        "the message of a later day is not of it"
    )
    assert works.spent == pytest.approx(401 * 0.1 + 40 + 2 * 50)
    assert works.part.fixed == pytest.approx(100 / 400)
    assert works.part.value == pytest.approx(0.5 * (5 - 2.5), abs=0.01)
    assert works.part.cost_error == pytest.approx(np.std([1.0] * 40 + [0.0] * 360, ddof=1) / 20)
    assert shown.part.variable == pytest.approx(30 / 100), "the newest numbers, of days on which people were drawn"
    assert shown.spent == 37
    assert (blind.part, blind.why_not) == (None, "Nobody is held out, so nobody can say what it does: set `holdout`")
    assert (found.together, found.of_no_action) == (3, 55)
    assert [(one.name, one.actions, one.measured) for one in found.lines("stage")] == [
        ("purchase", 2, 1), ("awareness", 1, 1),
    ]  # fmt: skip
    lines, total = found.lines("channel"), found.total
    assert sum(one.cost for one in lines) == pytest.approx(total.cost)
    assert sum(one.value.low for one in lines if one.value) == pytest.approx(total.value.low)
    assert total.cost == pytest.approx(400 * 0.45 + 100 * 0.3)
    assert next(one for one in lines if one.name == "none").says.startswith("Not clear yet whether it pays: ")
    assert found.lines("name")[-1].says.startswith("Not clear yet whether it pays: ")
    together = found.all_at_once.part
    assert (together.people, together.value) == (500, pytest.approx(0.5 * 4.5, abs=0.01))
    assert together.variable == pytest.approx((400 * 0.1 + 40 + 30) / 500)
    assert together.fixed == pytest.approx(150 / 500)


def test_the_command_gives_ranges_and_says_of_what_nobody_can_say_anything(company, monkeypatch, capsys):
    loaded = company()
    live(loaded)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["klantreis", "return", *arguments, "--config", str(loaded.folder)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    code, out, _ = run("--reach", "2", "--format", "json")
    told = json.loads(out)
    assert (code, told["as_of"], told["currency"]) == (0, "2024-05-31", "EUR")
    assert [one["evidence"] for one in told["actions"]] == [False, True, True]
    assert told["actions"][0]["value"] is None
    (never,) = (one for one in told["what_if"] if one["action"] == "blind")
    assert never == {"action": "blind", "why_not": "Nobody is held out, so nobody can say what it does: set `holdout`"}
    (twice,) = (one for one in told["what_if"] if one["action"] == "works")
    (once,) = (one for one in told["actions"] if one["name"] == "works")
    assert twice["value"]["high"] == pytest.approx(2 * once["value"]["high"])
    assert run("works", "--reach", "0")[2] == "--reach: 0 times is not possible; give a number above 0, such as 1.5\n"
    assert "did you mean 'works'?" in run("work")[2]
    code, out, _ = run("blind")
    assert (code, "no evidence" in out, "Nobody is held out" in " ".join(out.split())) == (0, True, True)


def test_what_an_action_of_earlier_cost_is_in_what_was_spent_and_its_old_destination_in_what_a_person_cost(company):
    loaded = company()
    live(loaded)
    write(Lake.of(loaded), "activation/ledger", [
        {"operation_id": "g", "attempt": 1, "destination": "letters", "audience": name, "customer_id": f"p{n}",
         "day": START + dt.timedelta(days=3), "action": "send", "state": "accepted"}
        for n, name in ((1, "gone"), (2, "works"), (3, "works"))
    ])  # fmt: skip
    for path in loaded.folder.glob("audiences/*.yaml"):
        path.write_text(path.read_text().replace("cost: 0", "cost: 4"))
    again = load_settings(loaded.folder)
    database = connect(again, unwritten=True, only=return_report.NEEDS)
    found = {one.name: one for one in return_report.report(DAY, again, database).actions}
    assert (found["gone"].stage, found["gone"].channel, found["gone"].why_not) == (
        "none", "letters", "It is in config/audiences/ no more"
    )  # fmt: skip
    assert found["works"].part.variable == pytest.approx((400 * 0.1 + 40 + 2 * 4) / 400)


def test_without_its_price_there_is_no_return_and_two_actions_do_not_share_media(company):
    loaded = company(costs=None)
    database = live(loaded)
    (works,) = (one for one in return_report.report(DAY, loaded, database).actions if one.name == "works")
    assert works.why_not.startswith("What its contacts by email cost is not declared: say contacts.email in costs.yaml")
    priced = return_report.report(DAY, company(costs=None, own_cost=0.2), database)
    assert [one.part.variable for one in priced.actions if one.name == "works"] == [pytest.approx(0.2)]
    doubled = company('media:\n  shown: "cost > 1"\n  works: "cost > 2"\n')
    with pytest.raises(ConfigError, match=r"costs\.yaml:[23]: media\.\w+: .*each cost is of one action"):
        return_report.report(DAY, doubled, database)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contacts: {emial: 1}", "costs.yaml:1: contacts.emial: unknown channel 'emial'; did you mean 'email'?"),
        ("contacts: {email: -1}", "costs.yaml:1: "),
        ("media: {work: cost > 1}", "costs.yaml:1: media.work: unknown action 'work'; did you mean 'works'?"),
        ("media: {works: costs > 1}", "costs.yaml:1: media.works: unknown column 'costs'; did you mean 'cost'?"),
        ("hours: {rate: {amount: 5, currency: JPY}}", "costs.yaml:1: hours.rate: JPY has no rate to EUR: add it to"),
    ],
)
def test_wrong_costs_are_refused_with_file_line_and_key(company, text, said):
    with pytest.raises(ConfigError) as refused:
        company(text)
    assert said in str(refused.value)


def test_ranges_add_up():
    assert Range(1, 2) + Range(-3, 5) == Range(-2, 7)
