"""Experiments: how large, who gets what, what is told and what is refused. Costs about 8 s."""

import datetime as dt
import re
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats
from typer.testing import CliRunner

from jobs.audiences import membership, rules
from jobs.audiences.draws import key
from jobs.cli.main import app
from jobs.config.actions.experiments import Experiment
from jobs.config.journey.kpis import Kpi
from jobs.config.wrong import ConfigError
from jobs.effects import design, experiments
from jobs.errors import StepFailed
from jobs.lake.lake import Lake
from tests.company import FOR_ACTION, ORDERS
from tests.shared_data import folder
from tests.table_rows import table_rows

START, DAY = dt.date(2017, 5, 1), dt.date(2017, 6, 30)
ACTION = {"title": "t", "goal": "g", "owner": "o", **FOR_ACTION, "stage": "loyalty", "where": "known", "holdout": 0,
          "purpose": "ads", "send_to": {}}  # fmt: skip
ASKED = {
    "experiment": "words", "hypothesis": "short texts are read", "owner": "crm", "begins": str(START), "baseline": 0.2,
    "minimum_effect": 0.05, "primary": "orders", "within_days": 14,
    "variants": {"long": {"action": "long", "share": 0.5}, "short": {"action": "short", "share": 0.5}},
}  # fmt: skip
KPIS = {"orders": {**ORDERS, "direction": "up"},
        "amount": {**ORDERS, "direction": "up", "title": "Amount per order", "numerator": "sum(amount)",
                   "denominator": "count(*)"},
        "people": {**ORDERS, "direction": "up", "table": "customers", "numerator": "known"}}  # fmt: skip
JOURNEY = {"stages": [{"stage": "awareness", "name": "seen", "when": "true"}], "kpis": KPIS}


def asked(**more):
    return Experiment.model_validate({**ASKED, **more})


def company(**more):
    """Files of a company with an experiment between two actions."""
    actions = {f"audiences/{name}.yaml": {**ACTION, "audience": name} for name in ("long", "short", "other")}
    return {**actions, "journey.yaml": JOURNEY, "experiments/words.yaml": {**ASKED, **more}}


def units(variants, values, denominators=None, sizes=None, before=None):
    count = len(values)
    return pa.table({
        "unit": [f"u{n}" for n in range(count)], "variant": list(variants), "mixed": [False] * count,
        "day": [START] * count, "size": sizes if sizes is not None else [1] * count,
        "numerator": np.asarray(values, float),
        "denominator": np.asarray(denominators if denominators is not None else np.ones(count), float),
        "before": np.asarray(before if before is not None else np.zeros(count), float),
    })  # fmt: skip


def told(one, found, kpi="orders", metric=None):
    kpi = Kpi.model_validate(KPIS[kpi])
    return list(experiments.results(one, metric or one.primary, kpi, found, DAY))


def test_its_size_is_that_of_the_textbook_and_more_if_one_may_look_every_day():
    one = asked(baseline=0.19, minimum_effect=0.01, stop="at_the_end")
    assert design.needed(one) == pytest.approx(2 * 24_160, rel=2e-3)
    assert 1.3 < design.needed(asked(baseline=0.19, minimum_effect=0.01)) / design.needed(one) < 2.5
    assert design.needed(asked(stop="at_the_end", spread=2, minimum_effect=0.1)) == pytest.approx(
        4 * 4 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 / 0.01, rel=1e-3
    )


def test_cookie_cats_is_as_published_and_told_in_words():
    found = pd.read_csv(folder("experiment_cookie_cats") / "cookie_cats.csv.gz")
    one = asked(stop="at_the_end", minimum_effect=0.01, baseline=0.19, variants={
        "gate_30": {"action": "a", "share": 0.5}, "gate_40": {"action": "b", "share": 0.5}})  # fmt: skip
    (seven,) = told(one, units(found["version"], found["retention_7"]))
    (day,) = told(one, units(found["version"], found["retention_1"]))
    assert (round(seven["p_value"], 4), round(day["p_value"], 3)) == (0.0016, 0.074)
    assert (seven["units"], seven["control_units"]) == (45_489, 44_700)
    assert (seven["verdict"], day["verdict"]) == ("worse", "no_matter")
    assert seven["said"].startswith("Keep gate_30: worse than gate_30 by -0.0082")


def test_where_there_is_nothing_it_is_wrong_as_often_as_it_says_however_many_variants():
    chance = np.random.default_rng(4)
    shares = {"a": 0.5, "b": 0.25, "c": 0.25}
    variants = {name: {"action": name, "share": share} for name, share in shares.items()}
    one = asked(stop="at_the_end", minimum_effect=0.5, variants=variants)
    names = np.repeat(["a", "b", "c"], [200, 100, 100])
    wrong = 0
    for _ in range(400):
        verdicts = {row["verdict"] for row in told(one, units(names, chance.random(400) < 0.3))}
        wrong += bool(verdicts & {"better", "worse"})
    assert wrong <= stats.binom.ppf(0.999, 400, 0.05)
    assert wrong >= stats.binom.ppf(0.001, 400, 0.025), "corrected, but not asleep"


def test_chances_that_change_with_the_season_make_nothing_of_nothing_and_false_ones_are_noticed():
    one = asked(stop="at_the_end", minimum_effect=0.5, allocation={"method": "thompson", "floor": 0.1})
    chance, wrong, runs = np.random.default_rng(6), 0, 200
    short, season = np.repeat([0.2, 0.5, 0.8], 200), np.repeat([0.1, 0.3, 0.5], 200)
    for _ in range(runs):
        names = np.where(chance.random(600) < short, "short", "long")
        found = units(names, chance.random(600) < season)
        propensity = pa.array(np.where(names == "short", short, 1 - short))
        (row,) = told(one, found.append_column("propensity", propensity))
        wrong += row["verdict"] in ("better", "worse")
    assert stats.binom.ppf(0.001, runs, 0.05) <= wrong <= stats.binom.ppf(0.999, runs, 0.05), (
        "unweighted, short sold 38 %, long 22 %"
    )
    (row,) = told(one, found.append_column("propensity", pa.array(np.full(600, 0.3))))
    assert row["verdict"] == "sample_ratio"


def test_a_planted_difference_is_found_for_means_ratios_and_households():
    chance = np.random.default_rng(5)
    names = np.array(["long", "short"] * 4000)
    more = (names == "short") * 0.3
    (mean,) = told(asked(), units(names, chance.poisson(1 + more)))
    orders = chance.poisson(2, 8000)
    (ratio,) = told(asked(), units(names, orders * (5 + more) + chance.normal(0, 1, 8000), orders), "amount")
    sizes = chance.integers(1, 5, 8000)
    (household,) = told(asked(unit="household"), units(names, chance.poisson(sizes * (1 + more)), sizes=sizes))
    for row in (mean, ratio, household):
        assert (row["verdict"], row["low"] < 0.3 < row["high"]) == ("better", True)
        assert row["said"].startswith("Take short: better than long")
    assert household["control_mean"] == pytest.approx(1, abs=0.05), "per customer, not per household"


def test_it_is_said_why_nothing_can_be_said_and_what_a_guardrail_means():
    few = told(asked(), units(["long", "short"] * 20, [1, 0] * 20))[0]
    assert (few["verdict"], "difference" in few) == ("too_few", False)
    skewed = told(asked(), units(["long"] * 300 + ["short"] * 500, [1, 0] * 400))[0]
    assert (skewed["verdict"], "low" in skewed) == ("sample_ratio", False)
    early = told(asked(stop="at_the_end"), units(["long", "short"] * 100, [1, 0] * 100))[0]
    assert early["verdict"] == "too_early"
    assert "200 of" in early["said"]
    one = asked(guardrails=["amount"])
    harm = told(one, units(["long", "short"] * 400, [5, 1, 6, 0] * 200), metric="amount")[0]
    assert (harm["role"], harm["verdict"]) == ("guardrail", "worse")
    assert harm["said"].startswith("Stop short: it does harm")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"closed": "2017-06-01"}, "learning: it is closed: write what was learned"),
        ({"primary": "ordres"}, "primary: unknown KPI 'ordres'; did you mean 'orders'?"),
        ({"primary": "people"}, "people is over customers, not of single customers"),
        ({"baseline": 3}, "spread: say the standard deviation"),
        ({"primary": "amount", "allocation": {"method": "thompson"}}, "thompson learns from a KPI without denominator"),
        ({"allocation": {"method": "linucb", "floor": 0.2}}, "context: linucb decides by it"),
        ({"variants": {"a": {"action": "long", "share": 0.5}, "b": {"action": "short", "share": 0.4}}}, "0.9 together"),
        ({"variants": {"a": {"action": "long", "share": 0.5}, "b": {"action": "shrt", "share": 0.5}}}, "'short'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused_on_load(settings, change, message):
    with pytest.raises(ConfigError) as error:
        settings(company(**change))
    assert message in str(error.value)


def test_what_is_kept_of_a_draw_is_a_number_or_a_condition_over_what_rules_see(settings):
    wrong = {"orders": "ordres_90d", "fine": "state = 'lapsed'"}
    (problem,) = rules.check(settings(company(allocation={"context": wrong})))
    assert re.search(
        r"words.yaml:\d+: allocation.context.orders: unknown column 'ordres_90d'; did you mean 'orders", problem
    )
    (problem,) = rules.analyse(settings(company(allocation={"context": {"stage": "stage", "old": "age > 60"}})))
    assert problem.endswith("allocation.context.stage: gives string, neither a number nor true or false")


def test_experiments_that_collide_are_refused_on_load(settings):
    second = {**ASKED, "experiment": "hours", "salt": "words",
              "variants": {"x": {"action": "other", "share": 0.5}, "y": {"action": "short", "share": 0.5}}}  # fmt: skip
    files = {**company(layer={"name": "mail", "end": 0.6}),
             "experiments/hours.yaml": {**second, "layer": {"name": "mail", "begin": 0.5}}}  # fmt: skip
    files["audiences/other.yaml"] = {**files["audiences/other.yaml"], "where": "true"}
    with pytest.raises(ConfigError) as error:
        settings(files)
    told = str(error.value)
    assert "the salt 'words' is that of hours: both would draw the same people" in told
    assert "short is in hours, too; close that one first" in told
    assert "shares customers of mail with hours" in told
    assert "short and other differ in where" in told


class Shop:
    """People who are known, in a company with an experiment."""

    def __init__(self, settings, **more):
        self.settings = settings(company(**more))
        self.lake = Lake.of(self.settings)
        people = [{"customer_id": f"c{n:016d}", "known": True, "customer_since": "2017-01-01"} for n in range(400)]
        self.put("profiles/people", *people)

    def put(self, table, *records):
        self.lake.replace(
            table, table_rows(table, *records), self.lake.transaction("test", START, config=[table, *records])
        )

    def members(self, day):
        membership.run(day, self.settings)
        found = self.lake.arrow("audiences/members", day=day).to_pylist()
        return {row["customer_id"]: row["audience"] for row in found if row["audience"] != "other"}


def test_everybody_gets_one_variant_the_same_every_day_and_its_result_is_told(settings):
    context = {"old": "days_known > 30", "orders": "orders_90d"}
    shop = Shop(settings, layer={"name": "mail", "end": 0.8}, guardrails=["amount"], allocation={"context": context})
    first = shop.members(START)
    assert shop.members(START + dt.timedelta(days=1)) == first
    assert len(first) == 400
    assert 110 < list(first.values()).count("short") < 210, "half of the four fifths that the experiment has"
    sends = [
        {"operation_id": f"{action}{customer}", "attempt": 1, "destination": "email", "audience": action, "day": START,
         "customer_id": customer, "action": "send", "state": state}
        for n, (customer, action) in enumerate(sorted(first.items()))
        for state in (["claimed", "accepted"] if n % 50 else ["claimed", "rejected"])
    ]  # fmt: skip
    short = [customer for customer, action in first.items() if action == "short"]
    orders = [{"touchpoint_id": customer, "customer_id": customer, "type": "order", "day": START + dt.timedelta(days=3),
               "nth": 1, "amount": 5} for n, customer in enumerate(short) if n % 5]  # fmt: skip
    shop.put("activation/ledger", *sends)
    shop.put("journeys/touchpoints", *orders)
    shop.put("identity/map", *({"identifier": name, "customer_id": name} for name in first))
    assert experiments.run(DAY, shop.settings) == {"better": 1}
    guardrail, row = sorted(shop.lake.arrow(experiments.TABLE).to_pylist(), key=lambda row: row["metric"])
    assert (guardrail["metric"], guardrail["verdict"]) == ("amount", "unclear")
    assert guardrail["said"].startswith("Go on: short or long has nothing yet that Amount per order is counted from")
    sent = {one["customer_id"] for one in sends if one["state"] == "accepted"}
    assert row["units"] == len([one for one in sent if first[one] == "short"])
    assert 110 < row["control_units"] < 210, "who is outside of the layer is in no variant"
    assert (0.7 < row["mean"] < 0.9, row["control_mean"]) == (True, 0)
    shown = CliRunner().invoke(app, ["experiment", "words", "--config", str(shop.settings.folder)])
    assert shown.exit_code == 0, shown.output
    assert "units to see 0.05 of orders" in shown.output
    assert "orders: Take short: better than long" in shown.output
    drawn = shop.lake.arrow("decisions/arms").to_pylist()
    kept = Counter((row["arm"], row["propensity"], row["context"]) for row in drawn if row["audience"] == key("words"))
    seen = '{"old": 1.0000, "orders": null}'
    assert set(kept) == {("long", 0.5, seen), ("short", 0.5, seen), (None, None, seen)}
    assert kept["short", 0.5, seen] == len(short)
    assert 50 < kept[None, None, seen] < 110, "who is outside of the layer is in no variant"
    evaluate = ["evaluate", "words", "case when old = 1 then 'short' else 'long' end", "--config"]
    shown = CliRunner().invoke(app, [*evaluate, str(shop.settings.folder), "--day", str(DAY)])
    assert shown.exit_code == 0, shown.output
    assert re.search(r"came to 0\.3941 in 307 draws; they tell as much of the policy as 1\d\d draws", shown.output)
    assert re.search(r"doubly robust \W+ 0\.(79|8)\d* ", shown.output)
    assert "It does better: +0.4" in shown.output
    early = CliRunner().invoke(app, [*evaluate, str(shop.settings.folder)])
    assert "words: only 0 draws whose days have passed; 30 are the fewest" in str(early.exception)
    version = shop.lake.version(experiments.TABLE)
    experiments.run(DAY, shop.settings)
    assert shop.lake.version(experiments.TABLE) == version


def test_an_adaptive_experiment_draws_by_what_is_known_the_evening_before_and_tells_without_bias(settings):
    shop = Shop(settings, allocation={"method": "thompson", "floor": 0.1})
    people = [f"c{n:016d}" for n in range(600)]

    def know(names, **homes):
        found = [{"customer_id": name, "known": True, "customer_since": "2017-01-01"} for name in names]
        shop.put("profiles/people", *found)
        shop.put("identity/map", *({"identifier": f"{name[1:]}rest", "customer_id": homes.get(name, name)}
                                   for name in people))  # fmt: skip

    def order(first, day):
        """Three of five who got the short text, one of twenty who got the long one."""
        buys = [name for n, (name, action) in enumerate(sorted(first.items()))
                if (n % 5 < 3 if action == "short" else n % 20 == 0)]  # fmt: skip
        return [{"touchpoint_id": f"{name}{day}", "customer_id": name, "type": "order", "day": day, "nth": 1}
                for name in buys]  # fmt: skip

    know(people[:200])
    first = shop.members(START)
    assert 70 < list(first.values()).count("short") < 130, "by the shares, as long as nothing is known"
    orders = order(first, START + dt.timedelta(days=3))
    shop.put("journeys/touchpoints", *orders)
    assert shop.members(START) == first, "run again with what came later: nobody changes"
    later = START + dt.timedelta(days=15)
    part, host = next(name for name in people if first[name] == "long"), people[200]
    shop.put("identity/events", {"event_id": "1", "day": later, "type": "merged", "customer_id": host,
                                 "other_customer_id": part})  # fmt: skip
    know([name for name in people if name != part], **{part: host})
    second = shop.members(later)
    assert {name: second[host if name == part else name] for name in first} == first, "who was merged keeps the arm"
    new = [second[name] for name in people[201:]]
    told = {row["variant"]: row for row in shop.lake.arrow("decisions/allocations", day=later).to_pylist()}
    assert (told["short"]["chance"], told["long"]["chance"]) == (0.9, 0.1)
    assert [told[name]["learned_from"] for name in ("long", "short")] == [
        list(first.values()).count(name) for name in ("long", "short")
    ]
    assert told["short"]["drawn"] == new.count("short")
    assert 335 < new.count("short") < 380, "nine of ten, as its propensity says"
    drawn = shop.lake.arrow("decisions/arms").to_pylist()
    kept = {row["customer_id"]: (row["arm"], row["propensity"]) for row in drawn if row["audience"] == key("words")}
    assert {kept[name] for name in [*first, host]} == {("short", 0.5), ("long", 0.5)}
    assert {kept[name] for name in people[201:]} == {("short", 0.9), ("long", 0.1)}
    orders += order({name: second[name] for name in people[201:]}, later + dt.timedelta(days=2))
    shop.put("journeys/touchpoints", *orders)
    assert experiments.run(DAY, shop.settings) == {"better": 1}
    (row,) = shop.lake.arrow(experiments.TABLE).to_pylist()
    assert (row["units"], row["control_units"]) == tuple(list(second.values()).count(one) for one in ("short", "long"))
    assert row["low"] < 0.55 < row["high"]
    config = ["--config", str(shop.settings.folder)]
    shown = CliRunner().invoke(app, ["experiment", "words", *config])
    assert f"Drawn on {later}: long 10%, short 90%, by what came of 200 draws." in shown.output, shown.output
    shown = CliRunner().invoke(app, ["evaluate", "words", "thompson", *config, "--day", str(DAY)])
    assert "in 599 draws" in shown.output, shown.exception


def test_who_shares_a_household_gets_the_same_variant(settings):
    shop = Shop(settings, unit="household")
    people = [{"customer_id": f"c{n:016d}", "known": True, "customer_since": "2017-01-01", "household": f"h{n // 4}"}
              for n in range(400)]  # fmt: skip
    shop.put("profiles/people", *people)
    found = shop.members(START)
    homes = {home: {found[one["customer_id"]] for one in people if one["household"] == home} for home in ("h1", "h7")}
    assert [len(variants) for variants in homes.values()] == [1, 1]
    assert set(found.values()) == {"long", "short"}


def test_an_experiment_that_changes_while_it_runs_and_a_salt_of_before_are_refused(settings):
    shop = Shop(settings)
    shop.members(START)
    other = {"long": {"action": "long", "share": 0.6}, "short": {"action": "short", "share": 0.4}}
    shop.settings = settings(company(variants=other))
    with pytest.raises(StepFailed, match=r"not what they were when it began on 2017-05-01.*or close it"):
        membership.run(START + dt.timedelta(days=1), shop.settings)
    again = {**company(), "experiments/words.yaml": None}
    shop.settings = settings({**again, "experiments/second.yaml": {**ASKED, "experiment": "second", "salt": "words"}})
    with pytest.raises(StepFailed, match="the salt 'words' was that of words"):
        membership.run(START + dt.timedelta(days=1), shop.settings)
