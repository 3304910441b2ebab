"""Profiles made day by day are those of one rebuild, whatever arrives late, merges, splits, ends or is replaced."""

import datetime as dt
import os
import random

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.profiles import customers
from tests.killed import killed_after

pytestmark = pytest.mark.usefixtures("going_on")

FIRST = dt.date(2017, 3, 1)
IDENTITY = {
    "golden_record": {"first_name": {"order": ["most_frequent"]}, "email": {"order": ["longest_valid"]}},
    "purposes": {"news": {"channels": ["email", "sms"], "expires_after_days": 2}, "ads": {"channels": ["ads"]}},
    "channels": {"email": {"reached_by": ["email"]}, "sms": {"reached_by": ["phone"]}, "ads": {}},
}
MAILS = ("ann@x.nl", "BOB@x.nl", "bob@X.nl", "no mail")
PHONES = ("0201234567", "+31201234567", "12")


class Company:
    """Rows with the run they arrive in, and who is who at each run, all drawn from one number."""

    def __init__(self, seed):
        chance = self.chance = random.Random(seed)
        self.runs = sorted(chance.choice((0, 1, 2, 3, 366, 367)) for _ in range(chance.randint(2, 3)))
        self.rows = {"contacts": self.contacts(), "consents": self.consents(), "campaign_events": self.campaigns()}
        self.who = [self.customers() for _ in self.runs]
        for before, now in zip(self.who, self.who[1:], strict=False):
            now |= {one: customer for one, customer in before.items() if chance.random() < 0.8}

    def customers(self):
        contacts = [("contact", f"{source}:r{n}") for source in ("crm", "shop") for n in range(3)]
        identifiers = [*contacts, *[("email", mail.lower()) for mail in MAILS[:2]], ("login", "l0"), ("login", "l1")]
        return {one: f"c{self.chance.randint(1, 4)}" for one in identifiers}

    def some(self, *values):
        return self.chance.choice([None, *values])

    def row(self, **values):
        number = self.chance.randrange(len(self.runs))
        arrived = FIRST + dt.timedelta(days=self.runs[number] - self.chance.choice([0, 0, 0, 1]))
        return {
            "run": number,
            "arrived": arrived,
            "file_id": "f",
            "source": self.chance.choice(["crm", "shop"]),
            **values,
        }

    def moment(self, minutes=0):
        begin = dt.datetime(2017, 3, 1, 20, tzinfo=dt.UTC)
        return begin + dt.timedelta(days=self.chance.choice((-1, 0, 1, 2, 366)), minutes=minutes)

    def contacts(self):
        return [
            self.row(line=n, contact_id=f"r{self.chance.randrange(3)}", updated_at=self.moment(n),
                     first_name=self.some("Ann", "Bob"), last_name=self.some("Bos"), email=self.some(*MAILS),
                     phone=self.some(*PHONES), street=self.some("Weg 1", "Weg 2"), postcode=self.some("1000 AA"),
                     household_id=self.some("h1"), birth_date=self.some(dt.date(1990, 3, 2)), login_id=self.some("l0"))
            for n in range(self.chance.randint(1, 10))
        ]  # fmt: skip

    def consents(self):
        return [
            self.row(line=n, consent_id=f"a{n}", purpose=self.chance.choice(["news", "ads"]),
                     contact_id=self.some("r0", "r1"), email=self.some(*MAILS), changed_at=self.moment(),
                     channel=self.chance.choice(["email", "sms", "ads"]),
                     status=self.chance.choice(["granted", "granted", "withdrawn"]),
                     expires_at=self.some(self.moment()))
            for n in range(self.chance.randint(0, 10))
        ]  # fmt: skip

    def campaigns(self):
        return [
            self.row(line=n, event_id=f"m{n}", channel="email", occurred_at=self.moment(),
                     type=self.chance.choice(["delivered", "click", "unsubscribe", "complaint", "bounce"]),
                     login_id=self.some("l0", "l1"), email=self.some(*MAILS))
            for n in range(self.chance.randint(0, 10))
        ]  # fmt: skip

    def deliver(self, lake, runs):
        for name, rows in self.rows.items():
            new = [row for row in rows if row["run"] in runs]
            schema = catalogue.get(f"valid/{name}").arrow_schema()
            table = pa.Table.from_pylist([{field.name: row.get(field.name) for field in schema} for row in new], schema)
            lake.append(f"valid/{name}", table, lake.transaction("deliver", FIRST, config=[name, list(runs)]))

    def name_customers(self, lake, run, settings):
        """What identity does: every identifier that has arrived gets a customer, and is known from its first day on."""
        as_of, first = FIRST + dt.timedelta(days=self.runs[run]), {}
        for row in (row for rows in self.rows.values() for row in rows):
            if row["run"] <= run and row["arrived"] <= as_of:
                told = {"contact": row.get("contact_id") and f"{row['source']}:{row['contact_id']}"}
                told |= {"email": (row.get("email") or "").lower(), "login": row.get("login_id")}
                for one in told.items():
                    first[one] = min(row["arrived"], first.get(one, row["arrived"]))
        table = [
            {"identifier": identifier_hash(*one, settings), "kind": one[0], "first_seen": since, "sources": ["crm"],
             "customer_id": self.who[run][one]}
            for one, since in first.items() if one in self.who[run]
        ]  # fmt: skip
        aside = [{"identifier": identifier_hash("email", mail, settings), "kind": "email", "reason": "shared"}
                 for mail in MAILS[:2] if random.Random(f"{self.runs} {run} {mail}").random() < 0.5]  # fmt: skip
        schema = catalogue.get("identity/set_aside").arrow_schema()
        txn = lake.transaction("identity", as_of, config=run)
        lake.replace("identity/set_aside", pa.Table.from_pylist(aside, schema), txn)
        schema = catalogue.get("identity/map").arrow_schema()
        lake.replace(
            "identity/map", pa.Table.from_pylist(table, schema), lake.transaction("identity", as_of, config=run)
        )


@pytest.fixture(scope="module")
def companies(tmp_path_factory):
    """A new company with an empty lake at each call."""

    def build(settings, **identity):
        folder = tmp_path_factory.mktemp("lake")
        general = {"company": "Test", "timezone": "Europe/Amsterdam", "landing": "in", "lake": str(folder)}
        found = settings({"identity.yaml": {**IDENTITY, **identity}, "settings.yaml": general})
        return found, Lake.of(found)

    return build


def live(company, settings, lake, runs):
    """What arrives in these runs, and the step after the last of them."""
    company.deliver(lake, runs)
    company.name_customers(lake, runs[-1], settings)
    customers.run(FIRST + dt.timedelta(days=company.runs[runs[-1]]), settings)


def lived(company, settings, lake, runs_at_once):
    """The tables after these runs."""
    for runs in runs_at_once:
        live(company, settings, lake, runs)
    return tables(lake)


def tables(lake):
    return {name: sorted(map(str, lake.arrow(name).to_pylist())) for name in customers.WRITES}


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
    for name in customers.WRITES:
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


def test_a_day_goes_on_from_the_day_before_and_writes_nothing_for_those_it_does_not_touch(
    settings, companies, monkeypatch
):
    company = Company(3)
    found, lake = companies(settings)
    live(company, found, lake, [0, 1])
    before = {name: lake.dataset(name).files for name in customers.WRITES}
    monkeypatch.setattr(customers, "_rebuild", None)
    customers.run(FIRST + dt.timedelta(days=company.runs[1] + 1), found)
    assert {name for name in customers.WRITES if lake.dataset(name).files != before[name]} <= {
        "profiles/coverage",
        "profiles/consent",
        "profiles/consent_history",
        "profiles/channels",
        "profiles/people",
    }
