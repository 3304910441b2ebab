"""A company of which everything is drawn from one number: what arrives in which run, and who is who at each."""

import datetime as dt
import random

import pyarrow as pa

from jobs.identity.identifiers import identifier_hash
from jobs.lake.tables import catalogue

FIRST = dt.date(2017, 3, 1)
DAYS = 3
_DECLARED = {
    "visits_2d": {"over": "sessions", "days": 2, "value": "count(*)", "type": "bigint"},
    "seen_1d": {"over": "touchpoints", "where": "type = 'visit'", "days": 1, "value": "count(*)", "type": "bigint"},
    "seen_before": {"over": "touchpoints", "days": 1, "ending_days_ago": 1, "value": "count(*)", "type": "bigint"},
    "basket_left": {"over": "carts", "where": "status <> 'ordered'", "value": "min(days_ago)", "type": "bigint"},
    "days_since_visit": {"over": "touchpoints", "where": "type = 'visit'", "value": "min(days_ago)", "type": "bigint"},
    "days_since_order": {"over": "orders", "value": "min(days_ago)", "type": "bigint", "default": 1},
    "days_known": {"over": "events", "value": "max(days_ago)", "type": "bigint", "default": 0},
    "active_days_2d": {"over": "events", "days": 2, "value": "count(distinct day)", "type": "bigint"},
    "device": {"over": "events", "days": 2, "value": "latest(device)", "type": "string"},
    "completed": {"over": "orders", "where": "status = 'completed'", "value": "count(*)", "type": "bigint"},
    "department": {"over": "order_lines", "days": 2, "value": "most_frequent(department)", "type": "string"},
    "total": {"over": "orders", "value": "sum(total)", "type": "decimal(18,2)"},
    "amount_2d": {"over": "order_lines", "days": 2, "value": "sum(amount)", "type": "decimal(18,2)"},
    "lines": {"over": "order_lines", "value": "count(*)", "type": "bigint"},
    "answers_2d": {"over": "survey_responses", "days": 2, "value": "count(*)", "type": "bigint"},
    "score": {"over": "survey_responses", "value": "max(score)", "type": "double"},
    "messages": {"over": "messages", "value": "count(*)", "type": "bigint"},
    "since_both": {"value": "days_since_visit + days_known", "type": "bigint"},
}
TRAITS = {name: {"title": name, **told} for name, told in _DECLARED.items()}
"""Traits of every kind of window, aggregate and rows, of which some windows end within the days of the company."""
TYPES = ("page_view", "product_view", "add_to_cart", "remove_from_cart", "purchase", "search")


def moment(minute):
    return dt.datetime(2017, 3, 1, 20, tzinfo=dt.UTC) + dt.timedelta(minutes=minute)


class Company:
    """Rows with the run they arrive in, and who is who at each run, all drawn from one number."""

    def __init__(self, seed):
        chance, self.later = random.Random(seed), random.Random(seed + 1)
        self.chance = chance
        self.runs = sorted(chance.choice(range(DAYS)) for _ in range(chance.randint(2, 4)))
        self.rows = {"events": self.events(), "campaign_events": self.campaigns(), "orders": self.orders()}
        self.rows |= {"conversations": self.conversations(), "contacts": self.contacts(), "rates": self.rates()}
        self.rows |= {"order_lines": self.lines(), "products": self.products(), "messages": self.messages()}
        self.who = [self.customers() for _ in self.runs]
        for before, now in zip(self.who, self.who[1:], strict=False):
            now |= {one: customer for one, customer in before.items() if chance.random() < 0.7}
        self.rows |= {"survey_responses": self.answers(), **self.dealings()}
        self.sends = self.sent()

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
                     utm_campaign=self.chance.choice(["spring", "summer", None, None]),
                     tracker_session_id=self.chance.choice([None, None, "s1", "s2"]),
                     user_agent="Googlebot/2.1" if n % 7 == 3 else "Mozilla/5.0", lcp=n / 10 if n % 3 == 0 else None,
                     latitude=52.0 if n % 3 == 1 else None, longitude=5.0 if n % 3 == 1 else None)
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

    def lines(self):
        return [
            self.row(source="pos", order_id=f"o{n % 3}", line_id=str(self.later.randrange(3)), product_id=f"p{n % 2}",
                     quantity=1.0, amount=n, updated_at=moment(n), deleted=self.later.choice([True, None, None]),
                     delivery=moment(n // 2) if n % 3 == 2 else None)
            for n in range(self.chance.randint(0, 9))
        ]  # fmt: skip

    def answers(self):
        return [
            self.row(source="survey", response_id=f"r{n % 3}", question_id="q", kind="nps", score=float(n % 11),
                     scale_max=10.0, answered_at=moment(self.minute()), updated_at=moment(n),
                     deleted=self.later.choice([True, None, None]))
            for n in range(self.later.randint(0, 6))
        ]  # fmt: skip

    def dealings(self):
        """Reviews, appointments, payments, use and interviews, in versions that change or end them."""
        new = random.Random(self.later.random())
        some = lambda most: range(new.randint(0, most))  # noqa: E731
        gone = lambda: new.choice([True, None, None, None])  # noqa: E731
        when = lambda: moment(new.choice(range(0, DAYS * 1440, 240)))  # noqa: E731
        return {
            "reviews": [
                self.row(source="shop", review_id=f"v{n % 2}", reviewed_at=when(), updated_at=moment(n), deleted=gone(),
                         rating=float(n % 6), scale_max=5.0)
                for n in some(5)
            ],
            "appointments": [
                self.row(source="desk", appointment_id=f"a{n % 2}", booked_at=moment(0), updated_at=moment(n * 300),
                         starts_at=when(), status=new.choice(["booked", "moved", "kept", "no_show", "cancelled"]),
                         deleted=gone())
                for n in some(8)
            ],
            "payments": [
                self.row(source="bank", payment_id=f"p{n % 2}", due_at=when(), updated_at=moment(n * 200), amount=n,
                         status=new.choice(["due", "paid", "failed", "cancelled"]), currency=new.choice(["EUR", "USD"]),
                         paid_at=new.choice([when(), None]), deleted=gone())
                for n in some(6)
            ],
            "usage": [self.row(source="meter", usage_id=f"u{n}", used_at=when(), seconds=n) for n in some(4)],
            "notes": [
                self.row(source="research", note_id=f"n{n % 3}", kind=new.choice(["interview", "market_research"]),
                         noted_at=when(), updated_at=moment(n), topic=new.choice("ab"))
                for n in some(4)
            ],
        }  # fmt: skip

    def sent(self):
        """Rows of the ledger with the run that writes them, after its journeys: some are told again in a later one."""
        new = random.Random(self.later.random())
        states = ("claimed", "accepted", "rejected", "unknown")
        found = {}
        for n in range(new.randint(0, 8)):
            run = new.randrange(len(self.runs))
            day = FIRST + dt.timedelta(days=self.runs[run] - new.choice([0, 0, 1]))
            one = {
                "operation_id": f"op{n % 5}",
                "attempt": n // 5 + 1,
                "destination": "email",
                "audience": "spring",
                "customer_id": f"c{1 + n % 5 % 4}",
                "day": day,
                "action": "send",
                "state": new.choice(states),
                "reason": new.choice(["550 no", "temporary 421", ""]),
                "updated_at": moment(new.randrange(0, 4000)),
            }
            found[one["customer_id"], one["attempt"], one["state"]] = one | {"run": run}
        return list(found.values())

    def send(self, lake, run):
        """What is sent after the journeys of a run."""
        rows = [row for row in self.sends if row["run"] == run]
        schema = catalogue.get("activation/ledger").arrow_schema()
        table = pa.Table.from_pylist([{field.name: row.get(field.name) for field in schema} for row in rows], schema)
        lake.append("activation/ledger", table, lake.transaction("send", FIRST, config=run))

    def products(self):
        return [
            self.row(source="pos", product_id=f"p{n % 2}", updated_at=moment(n), department=self.chance.choice("ab"))
            for n in range(self.chance.randint(0, 4))
        ]

    def messages(self):
        return [
            self.row(source="desk", message_id=f"w{n}", conversation_id=f"t{n % 2}", sent_at=moment(self.minute()))
            | ({"login_id": None, "cookie_id": None} if n % 2 else {})
            for n in range(self.chance.randint(0, 4))
        ]

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
        schema, said = catalogue.get("profiles/consent_history").arrow_schema(), self.said(as_of)
        rows = [{field.name: row.get(field.name) for field in schema} for row in said]
        txn = lake.transaction("profiles", as_of, config=run)
        lake.replace("profiles/consent_history", pa.Table.from_pylist(rows, schema), txn)

    def said(self, as_of):
        """What profiles knows by the end of a day of who may be located: one answer a day at most, from some day on."""
        found = []
        for number in range(1, 5):
            chance = random.Random(f"{len(self.rows['events'])} {number}")
            days = [FIRST + dt.timedelta(days=n) for n in range(DAYS) if chance.random() < 0.6]
            answers = [(day, chance.choice(["granted", "granted", "withdrawn"])) for day in days]
            known = [(day, status) for day, status in answers if day <= as_of]
            for place, (day, status) in enumerate(known):
                ends = known[place + 1][0] - dt.timedelta(days=1) if place + 1 < len(known) else None
                found.append({"customer_id": f"c{number}", "purpose": "location", "channel": "app", "status": status,
                              "valid_from": day, "valid_to": ends})  # fmt: skip
        return found
