"""Arms belong to the person: merges, splits and the holdout of all actions. Costs about 6 s."""

import datetime as dt
import hashlib

import pytest

from jobs.audiences import arms, membership
from jobs.lake.lake import Lake
from tests.company import FOR_ACTION
from tests.table_rows import table_rows

DAY = dt.date(2017, 6, 1)
ACTION = {"audience": "a", "title": "t", "goal": "g", "owner": "o", **FOR_ACTION, "stage": "loyalty", "where": "known",
          "purpose": "ads", "send_to": {}, "holdout": 0.5}  # fmt: skip


def drawn(customer, action="a", share=0.5):
    bucket = hashlib.sha256(f"{action}|{customer}".encode()).hexdigest()[:8]
    return "holdout" if bucket < f"{round(share * 16**8):08x}" else "treatment"


def named(arm, number):
    """The number-th id of a customer who is drawn into an arm; ids are named after identifiers of 16 characters."""
    ids = (f"c{n:016d}" for n in range(1000))
    return [one for one in ids if drawn(one) == arm][number]


HELD, REACHED, OTHER = named("holdout", 0), named("treatment", 0), named("treatment", 1)


class People:
    """Who is known on each day, and what becomes of them."""

    def __init__(self, settings):
        self.settings, self.lake = settings, Lake.of(settings)
        self.homes, self.events = {}, []

    def live(self, number, *known):
        day = DAY + dt.timedelta(days=number)
        self.homes |= {one: one for one in known if one not in self.homes}
        tables = {
            "profiles/people": [{"customer_id": one, "known": True, "customer_since": "2017-01-01"} for one in known],
            "identity/map": [{"identifier": f"{part[1:]}rest", "kind": "contact", "customer_id": home}
                             for part, home in self.homes.items()],
            "identity/events": self.events,
        }  # fmt: skip
        for name, records in tables.items():
            self.lake.replace(name, table_rows(name, *records), self.lake.transaction("test", day, config=name))
        membership.run(day, self.settings)
        found = self.lake.arrow("audiences/members", day=day).to_pylist()
        return {row["customer_id"]: row["arm"] for row in found}

    def change(self, number, kind, host, part):
        self.homes[part] = host if kind == "merged" else part
        day = DAY + dt.timedelta(days=number)
        self.events.append({"event_id": f"{len(self.events)}", "day": day, "type": kind, "customer_id": host,
                            "other_customer_id": part})  # fmt: skip

    def told(self):
        rows = self.lake.arrow(arms.TABLE).to_pylist()
        return sorted((str(row["since"]), row["customer_id"], row["first_customer_id"], row["because"]) for row in rows)


@pytest.fixture
def people(settings):
    return lambda **policy: People(settings({"audiences/a.yaml": ACTION, "contact_policy.yaml": policy}))


def test_who_is_merged_keeps_the_older_arm_and_who_is_split_off_takes_it_along(people):
    town = people()
    assert town.live(0, HELD) == {HELD: "holdout"}
    assert town.live(1, HELD, REACHED) == {HELD: "holdout", REACHED: "treatment"}
    town.change(2, "merged", REACHED, HELD)
    assert town.live(2, REACHED) == {REACHED: "holdout"}, "the arm of before, whatever the person is called now"
    town.change(4, "split", REACHED, OTHER)
    assert town.live(4, REACHED, OTHER) == {REACHED: "holdout", OTHER: "holdout"}
    town.change(5, "split", REACHED, HELD)
    assert town.live(5, REACHED, OTHER, HELD) == {REACHED: "treatment", OTHER: "holdout", HELD: "holdout"}
    days = [str(DAY + dt.timedelta(days=n)) for n in range(6)]
    assert town.told() == [
        (days[0], HELD, HELD, "drawn"), (days[1], REACHED, REACHED, "drawn"), (days[2], REACHED, HELD, "merged"),
        (days[4], OTHER, HELD, "split"), (days[5], REACHED, REACHED, "drawn"),
    ]  # fmt: skip


def test_running_a_day_again_or_the_next_one_writes_no_arms_anew(people):
    town = people()
    town.live(0, HELD, REACHED)
    before = town.told()
    version = town.lake.version(arms.TABLE)
    membership.run(DAY, town.settings)
    assert town.lake.version(arms.TABLE) == version
    town.live(1, HELD, REACHED)
    assert town.told() == before


def test_who_is_held_out_of_all_is_held_out_of_each_and_stays_so(people):
    share = 0.3
    apart = next(one for one in (f"c{n:016d}" for n in range(1000)) if drawn(one, "*", share) == "holdout")
    fine = next(one for one in (f"c{n:016d}" for n in range(1000))
                if drawn(one, "*", share) != "holdout" and drawn(one) == "treatment")  # fmt: skip
    town = people(holdout={"share": share})
    assert town.live(0, apart) == {apart: "global_holdout"}
    assert town.live(1, apart, fine) == {apart: "global_holdout", fine: "treatment"}
    kept = {(row["audience"], row["customer_id"]): (row["arm"], row["share"])
            for row in town.lake.arrow(arms.TABLE).to_pylist()}  # fmt: skip
    assert kept == {("a", apart): ("global_holdout", 0.5), ("*", apart): ("holdout", share),
                    ("a", fine): ("treatment", 0.5), ("*", fine): ("treatment", share)}  # fmt: skip
    town.change(2, "merged", fine, apart)
    assert town.live(2, fine) == {fine: "global_holdout"}
