"""What audiences did, from members and orders in a lake: planted effects are found, planted nulls are not.

Costs about 3 s.
"""

import datetime as dt

import numpy as np
import pytest

from jobs.config.retention import can_end
from jobs.effects import effects, units
from jobs.lake.lake import Lake
from tests.company import FOR_ACTION
from tests.table_rows import table_rows

START, DAY = dt.date(2017, 5, 1), dt.date(2017, 6, 30)
AUDIENCE = {"goal": "g", "owner": "o", **FOR_ACTION, "stage": "loyalty", "where": "known", "purpose": "marketing",
            "send_to": {}}  # fmt: skip
PEOPLE = 3000


def audience(name, **more):
    return {f"audiences/{name}.yaml": {"audience": name, "title": name, **AUDIENCE, **more}}


class Shop:
    """Who was drawn for which action, and touchpoints, of customers p0, p1, ..., of whom every fifth is held out."""

    def __init__(self, settings):
        self.settings, self.lake = settings, Lake.of(settings)
        self.drawn, self.orders, self.events = [], [], []
        self.known = {f"p{number}" for number in range(PEOPLE)}

    def member(self, name, person, arm, day=START, share=None):
        """Drawn with the share of the configuration, unless said otherwise."""
        asked = {one.name: one.holdout for one in effects.asked(self.settings)}
        row = {"audience": name, "customer_id": person, "since": day, "first_customer_id": person, "because": "drawn"}
        self.drawn.append({**row, "arm": arm, "share": asked[name] if share is None else share})

    def order(self, person, day, amount=10, kind="order"):
        number = len(self.orders)
        self.orders.append({"touchpoint_id": f"t{number}", "customer_id": person, "day": day, "type": kind, "nth": 1,
                            "amount": amount, "occurred_at": f"{day}T12:00:00Z"})  # fmt: skip

    def run(self, day=DAY):
        tables = {"decisions/arms": self.drawn, "journeys/touchpoints": self.orders,
                  "identity/events": self.events,
                  "identity/map": [{"identifier": one, "customer_id": one} for one in sorted(self.known)]}  # fmt: skip
        txn = self.lake.transaction("test", START)
        for name, records in tables.items():
            days = {row["since"] for row in records} if name == "decisions/arms" else {None}
            for one in days:
                found = [row for row in records if one is None or row["since"] == one]
                self.lake.replace(name, table_rows(name, *found), txn.part(f"{name}{one}{day}"), day=one)
        counts = effects.run(day, self.settings)
        told = self.lake.arrow(effects.TABLE, day=day).to_pylist()
        return counts, {(row["audience"], row["metric"]): row for row in told}


@pytest.fixture
def shop(settings):
    return lambda *files: Shop(settings({name: text for file in files for name, text in file.items()}))


def drawn(shop, name, lift, seed=1):
    """Everybody orders now and then; those who are reached order `lift` more of them."""
    chance = np.random.default_rng(seed)
    for number in range(PEOPLE):
        person, arm = f"p{number}", "holdout" if number % 5 == 0 else "treatment"
        shop.member(name, person, arm)
        if chance.random() < 0.2 + (lift if arm == "treatment" else 0):
            shop.order(person, START + dt.timedelta(days=int(chance.integers(1, 15))))


def test_a_planted_effect_is_found_and_paid_back_what_it_cost(shop):
    company = shop(audience("works", holdout=0.2, effect={"within_days": 14, "cost": 0.1, "margin": 0.5}))
    drawn(company, "works", 0.15)
    counts, told = company.run()
    assert counts == {"more": 1}
    found = told["works", "conversion"]
    assert (found["treated"], found["held_out"], found["mixed"]) == (2400, 600, 0)
    assert found["low"] < 0.15 < found["high"]
    assert found["incremental"] == pytest.approx(found["difference"] * 2400, abs=0.01)
    value = told["works", "value"]
    assert value["cost"] == 240
    assert value["return_low"] == pytest.approx(0.5 * value["incremental_low"] - 240, abs=0.02)


def test_a_planted_nothing_is_not_found(shop):
    company = shop(audience("idle", holdout=0.2))
    drawn(company, "idle", 0.0)
    counts, told = company.run()
    assert counts == {"unclear": 1}
    assert told["idle", "conversion"]["low"] < 0 < told["idle", "conversion"]["high"]


def test_it_is_said_why_nothing_can_be_said(shop):
    company = shop(audience("all", holdout=0), audience("small", holdout=0.5), audience("skewed", holdout=0.5))
    for number in range(200):
        company.member("all", f"p{number}", "treatment")
        company.member("skewed", f"p{number}", "holdout" if number < 40 else "treatment")
    for number in range(40):
        company.member("small", f"p{number}", "holdout" if number % 2 else "treatment")
    counts, told = company.run()
    assert counts == {"no_holdout": 1, "sample_ratio": 1, "too_few": 1}
    assert "set `holdout`" in told["all", "value"]["said"]
    assert told["small", "value"]["difference"] is None


def test_only_days_that_have_passed_after_the_first_one_count(shop):
    company = shop(audience("works", holdout=0.5, effect={"within_days": 5}))
    for number in range(100):
        company.member("works", f"p{number}", "holdout" if number % 2 else "treatment")
    company.member("works", "p200", "treatment", DAY - dt.timedelta(days=2))
    company.order("p0", START, 5)  # the day itself: before anything was sent
    company.order("p2", START + dt.timedelta(days=1), 7)
    company.order("p2", START + dt.timedelta(days=2), -3, "return")
    company.order("p4", START + dt.timedelta(days=6), 11)
    _, told = company.run()
    assert told["works", "value"]["treated"] == 50
    assert told["works", "value"]["treated_mean"] == pytest.approx(4 / 50)
    assert told["works", "orders"]["treated_mean"] == pytest.approx(1 / 50)


def test_who_became_one_is_one_person_of_the_arm_of_before_or_of_none(shop):
    company = shop(audience("works", holdout=0.5))
    for number in range(100):
        company.member("works", f"p{number}", "holdout" if number % 2 else "treatment")
    merged = {"day": START + dt.timedelta(days=9), "type": "merged", "reason": "email"}
    company.events = [
        {"event_id": "1", "customer_id": "p0", "other_customer_id": "p1", **merged},
        {"event_id": "2", "customer_id": "p2", "other_customer_id": "p4", **merged},
    ]
    company.known -= {"p1", "p4"}
    company.order("p2", START + dt.timedelta(days=1))
    _, told = company.run()
    found = told["works", "conversion"]
    assert (found["treated"], found["held_out"], found["mixed"]) == (48, 49, 1)
    assert found["treated_mean"] == pytest.approx(1 / 48, abs=1e-6)


def test_a_rerun_writes_nothing_and_a_company_without_anything_says_so(shop):
    company = shop(audience("works", holdout=0.2))
    counts, _ = company.run()
    assert counts == {"too_few": 1}
    version = company.lake.version(effects.TABLE)
    assert effects.run(DAY, company.settings) == counts
    assert company.lake.version(effects.TABLE) == version


def test_all_actions_together_are_compared_with_who_is_held_out_of_them_all(shop):
    company = shop(audience("works", holdout=0), audience("other", holdout=0),
                   {"contact_policy.yaml": {"holdout": {"share": 0.2, "within_days": 14}}})  # fmt: skip
    chance = np.random.default_rng(2)
    for number in range(PEOPLE):
        arm = "global_holdout" if number % 5 == 0 else "treatment"
        company.member("works" if number % 2 else "other", f"p{number}", arm)
        company.member("*", f"p{number}", "holdout" if number % 5 == 0 else arm)
        if chance.random() < 0.2 + 0.15 * (arm == "treatment"):
            company.order(f"p{number}", START + dt.timedelta(days=3))
    counts, told = company.run()
    assert counts == {"more": 1, "no_holdout": 2}
    found = told["*", "conversion"]
    assert (found["treated"], found["held_out"], found["mixed"]) == (2400, 600, 0)
    assert found["low"] < 0.15 < found["high"]
    assert told["works", "conversion"]["treated"] == 1200, "of one action, who is held out of all is in no arm"


def test_a_share_that_was_changed_is_compared_as_it_was_when_people_were_drawn(shop):
    """A tenth was held out, then half; orders doubled meanwhile, which is no effect. Before, nobody was held out."""
    company = shop(audience("works", holdout=0.5, effect={"within_days": 14}))
    for number in range(PEOPLE):
        share, later = (0.0, 0) if number < 500 else (0.1, 0) if number < 2000 else (0.5, 10)
        arm = "holdout" if share and number % round(1 / share) == 0 else "treatment"
        day = START + dt.timedelta(days=later)
        company.member("works", f"p{number}", arm, day, share)
        if number // 10 % (2 if share == 0.5 else 4) == 0:
            company.order(f"p{number}", day + dt.timedelta(days=2))
    counts, told = company.run()
    found = told["works", "conversion"]
    assert counts == {"unclear": 1}, "neither sample_ratio nor an effect of time"
    assert (found["treated"], found["held_out"]) == (1350 + 500, 150 + 500)
    assert found["difference"] == pytest.approx(0, abs=0.005), "all together it would be 0.1 less"
    assert found["treated_mean"] == pytest.approx((1500 * 0.25 + 1000 * 0.5) / 2500, abs=0.005)


def test_what_effects_are_made_of_never_goes_by_its_age():
    """Days of audiences/members may go: who was drawn into which arm, and since when, stays in decisions/arms."""
    assert "audiences/members" in can_end()
    assert not set(units.NEEDS) & set(can_end())
