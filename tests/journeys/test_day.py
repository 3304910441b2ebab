"""Journeys lived day by day are those of one rebuild, whatever arrives late, merges, splits or waits."""

import datetime as dt
import os
import random

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from jobs.identity.identifiers import identifier_hash
from jobs.journeys import journeys
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from tests.journey_rows import RULES
from tests.killed import killed_after

FIRST = dt.date(2017, 3, 1)
DAYS = 3
EVERY_RULE = RULES["journey.yaml"].replace("# new_campaign_begins", "new_campaign_begins")
TYPES = ("page_view", "product_view", "add_to_cart", "remove_from_cart", "purchase", "search")


def moment(minute):
    return dt.datetime(2017, 3, 1, 20, tzinfo=dt.UTC) + dt.timedelta(minutes=minute)


class Company:
    """Rows with the run they arrive in, and who is who at each run, all drawn from one number."""

    def __init__(self, seed):
        chance = self.chance = random.Random(seed)
        self.runs = sorted(chance.choice(range(DAYS)) for _ in range(chance.randint(2, 4)))
        self.rows = {"events": self.events(), "campaign_events": self.campaigns(), "orders": self.orders()}
        self.rows |= {"conversations": self.conversations(), "contacts": self.contacts(), "rates": self.rates()}
        self.who = [self.customers() for _ in self.runs]
        for before, now in zip(self.who, self.who[1:], strict=False):
            now |= {one: customer for one, customer in before.items() if chance.random() < 0.7}

    def customers(self):
        identifiers = [(kind, f"{kind}{n}") for kind in ("contact", "login", "cookie") for n in range(3)]
        return {one: f"c{self.chance.randint(1, 4)}" for one in identifiers if self.chance.random() < 0.95}

    def row(self, **values):
        number = self.chance.randrange(len(self.runs))
        arrived = FIRST + dt.timedelta(days=self.runs[number] - self.chance.choice([0, 0, 0, 1]))
        person = {"login_id": self.maybe("login", 0.2), "cookie_id": self.maybe("cookie", 0.8)}
        return {"run": number, "arrived": arrived, "file_id": "f", "line": 1, **person, **values}

    def maybe(self, kind, odds):
        return f"{kind}{self.chance.randrange(3)}" if self.chance.random() < odds else None

    def minute(self):
        return self.chance.choice(range(0, (DAYS - 1) * 1440, 480)) + self.chance.choice(range(0, 120, 10))

    def events(self):
        return [
            self.row(source="web", event_id=f"e{n}", type=self.chance.choice(TYPES), url=f"/{n}", order_id=f"o{n % 3}",
                     occurred_at=moment(self.minute()), value=n, device=self.chance.choice(["mobile", None]),
                     utm_campaign=self.chance.choice(["spring", "summer", None, None]))
            for n in range(self.chance.randint(5, 40))
        ]  # fmt: skip

    def campaigns(self):
        return [
            self.row(source="ads", event_id=f"m{n}", type=self.chance.choice(["delivered", "click"]), channel="email",
                     campaign_id="spring", occurred_at=moment(self.minute()))
            for n in range(self.chance.randint(0, 8))
        ]  # fmt: skip

    def orders(self):
        return [
            self.row(source="pos", order_id=f"o{n % 3}", status=self.chance.choice(["completed", "returned"]), total=n,
                     currency=self.chance.choice(["EUR", "USD", "JPY"]),
                     ordered_at=moment(self.minute()), updated_at=moment(n), channel="store")
            for n in range(self.chance.randint(0, 8))
        ]  # fmt: skip

    def rates(self):
        return [
            self.row(source="ecb", currency=self.chance.choice(["USD", "JPY"]), rate=n + 0.5,
                     day=FIRST + dt.timedelta(days=self.chance.randrange(DAYS)))
            for n in range(self.chance.randint(0, 4))
        ]  # fmt: skip

    def conversations(self):
        return [
            self.row(source="desk", conversation_id=f"t{n % 2}", opened_at=moment(60), closed_at=moment(self.minute()),
                     updated_at=moment(n), channel="chat", topic="complaint", csat=1.0)
            for n in range(self.chance.randint(0, 4))
        ]  # fmt: skip

    def contacts(self):
        return [
            self.row(source="crm", contact_id=f"contact{n % 3}", created_at=moment(n), updated_at=moment(n))
            for n in range(self.chance.randint(0, 6))
        ]  # fmt: skip

    def deliver(self, lake, runs):
        for name, rows in self.rows.items():
            new = [row for row in rows if row["run"] in runs]
            schema = catalogue.get(f"valid/{name}").arrow_schema()
            table = pa.Table.from_pylist([{field.name: row.get(field.name) for field in schema} for row in new], schema)
            lake.append(f"valid/{name}", table, lake.transaction("deliver", FIRST, config=[name, list(runs)]))

    def name_customers(self, lake, run, settings):
        """What identity does: every identifier that has arrived gets a customer."""
        as_of, first, kinds = FIRST + dt.timedelta(days=self.runs[run]), {}, ("contact", "login", "cookie")
        for row in (
            row for rows in self.rows.values() for row in rows if row["run"] <= run and row["arrived"] <= as_of
        ):
            for kind in kinds:
                if row.get(f"{kind}_id"):
                    one = (kind, row[f"{kind}_id"])
                    first[one] = min(row["arrived"], first.get(one, row["arrived"]))
        table = [
            {"identifier": identifier_hash(kind, value, settings, "crm"), "kind": kind, "first_seen": since,
             "customer_id": self.who[run][kind, value], "as_of": as_of}
            for (kind, value), since in first.items() if (kind, value) in self.who[run]
        ]  # fmt: skip
        schema = catalogue.get("identity/map").arrow_schema()
        txn = lake.transaction("identity", as_of, config=run)
        lake.replace("identity/map", pa.Table.from_pylist(table, schema), txn)


@pytest.fixture(scope="module")
def companies(tmp_path_factory):
    """A new company with an empty lake at each call."""

    def build(settings):
        folder = tmp_path_factory.mktemp("lake")
        general = {"company": "Test", "timezone": "Europe/Amsterdam", "landing": "in", "lake": str(folder)}
        found = settings({**RULES, "journey.yaml": EVERY_RULE, "settings.yaml": general})
        return found, Lake.of(found)

    return build


def live(company, settings, lake, runs):
    """What arrives in these runs, and the step after the last of them."""
    company.deliver(lake, runs)
    company.name_customers(lake, runs[-1], settings)
    journeys.run(FIRST + dt.timedelta(days=company.runs[runs[-1]]), settings)


def lived(company, settings, lake, runs_at_once):
    """The tables after these runs."""
    for runs in runs_at_once:
        live(company, settings, lake, runs)
    return tables(lake)


def tables(lake):
    return {name: rows_of(lake, name) for name in journeys.WRITES}


def rows_of(lake, name):
    return sorted(map(str, lake.arrow(name).to_pylist()))


@examples(
    max_examples=int(os.environ.get("KLANTREIS_EXAMPLES", "2")),
    deadline=None,
    derandomize="KLANTREIS_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 10**9))
def test_runs_one_by_one_give_the_tables_of_one_rebuild(settings, companies, seed):
    company = Company(seed)
    every = range(len(company.runs))
    one_by_one = lived(company, *companies(settings), [[run] for run in every])
    at_once = lived(company, *companies(settings), [list(every)])
    for name in journeys.WRITES:
        assert one_by_one[name] == at_once[name], name


def test_a_run_killed_between_two_tables_and_run_again_gives_the_same_tables(settings, companies):
    company = Company(3)
    found, lake = companies(settings)
    live(company, found, lake, [0])
    with killed_after(2, "revise"):
        live(company, found, lake, [1])
    at_once = lived(company, *companies(settings), [[0, 1]])
    live(company, found, lake, [1])
    assert tables(lake) == at_once


def test_a_day_goes_on_from_the_day_before(settings, companies, monkeypatch):
    company = Company(4)
    found, lake = companies(settings)
    live(company, found, lake, [0])
    sessions = lake.rows("journeys/sessions")
    monkeypatch.setattr(journeys, "_rebuild", None)
    live(company, found, lake, [1])
    assert lake.rows("journeys/sessions") > sessions
