"""A small company with an e-mail and an ads destination, as rows and configuration."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.company import FOR_ACTION
from tests.table_rows import table_rows

DAY = dt.date(2017, 6, 1)
LIST = "1234567890/900"
TEMPLATE = "Subject: News for {{ first_name or 'you' }}\n\nHello {{ first_name }}.\n{{ unsubscribe_url }}\n"
AUDIENCE = {"goal": "g", "owner": "o", **FOR_ACTION, "stage": "loyalty", "where": "known", "holdout": 0}
CONFIG: dict[str, Any] = {
    "audiences/winback.yaml": {
        "audience": "winback",
        "title": "Win back",
        **AUDIENCE,
        "purpose": "marketing",
        "send_to": {"email": {"template": "winback", "cooldown_days": 30}},
    },
    "audiences/loyal.yaml": {
        "audience": "loyal",
        "title": "Loyal",
        **AUDIENCE,
        "purpose": "ads",
        "send_to": {"ads": {"list_id": "900"}},
    },
    "destinations.yaml": {
        "destinations": {
            "email": {
                "type": "smtp",
                "channel": "email",
                "connection": "test_smtp",
                "max_reject_share": 0,
                "options": {
                    "sender": "Shop <hello@shop.example>",
                    "unsubscribe_url": "https://shop.example/u",
                    "wait_seconds": 0.05,
                },
            },
            "ads": {
                "type": "google_data_manager",
                "channel": "ads",
                "connection": "test_ads",
                "max_reject_share": 0,
                "options": {
                    "account_id": "1234567890",
                    "wait_seconds": 0.01,
                    "longest_wait_seconds": 1,
                    "status_wait_seconds": 0.05,
                    "status_timeout_seconds": 600,
                },
            },
        }
    },
    "templates/winback.en.txt": TEMPLATE,
    "templates/winback.en.html": "<p>Hello {{ first_name }}. <a href='{{ unsubscribe_url }}'>Stop</a></p>",
    "templates/winback.nl.txt": TEMPLATE.replace("News", "Nieuws"),
    "templates/winback.nl.html": "<p>Hallo {{ first_name }}. <a href='{{ unsubscribe_url }}'>Stop</a></p>",
}


class Company:
    """Customers c1, c2, ... of a lake, as rows; every method replaces what it names."""

    def __init__(self, settings: Any) -> None:
        from jobs.lake.lake import Lake

        self.settings = settings
        self.lake = Lake.of(settings)
        self._edits = 0

    def replace(self, table: str, *records: dict[str, Any], day: dt.date | None = None) -> None:
        self._edits += 1
        txn = self.lake.transaction("test", DAY, config=self._edits)
        self.lake.replace(table, table_rows(table, *records), txn, day=day)

    def customers(self, count: int, purpose: str = "marketing", channel: str = "email") -> list[str]:
        """`count` customers with an address, a phone and consent, all members of the audiences on DAY."""
        names = [f"c{number:04d}" for number in range(1, count + 1)]
        self.replace("profiles/customers", *[profile(name) for name in names])
        self.replace("profiles/contact_points", *[point for name in names for point in points(name)])
        self.consent(*names, purpose=purpose, channel=channel)
        self.members(*names)
        return names

    def consent(self, *names: str, purpose: str = "marketing", channel: str = "email", withdrawn: tuple = ()) -> None:
        def row(name: str, status: str) -> dict[str, Any]:
            return {"customer_id": name, "purpose": purpose, "channel": channel, "status": status}

        granted = [row(name, "granted") for name in names if name not in withdrawn]
        self.replace("profiles/consent", *granted, *(row(name, "withdrawn") for name in withdrawn))

    def members(self, *names: str, day: dt.date = DAY, holdout: tuple = ()) -> None:
        rows = [
            {
                "day": day,
                "audience": audience,
                "customer_id": name,
                "arm": "holdout" if name in holdout else "treatment",
            }
            for audience in self.settings.audiences
            for name in names
        ]
        self.replace("audiences/members", *rows, day=day)

    def ledger(self) -> list[dict[str, Any]]:
        return self.lake.arrow("activation/ledger").to_pylist()

    def states(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for row in self.ledger():
            found[row["state"]] = found.get(row["state"], 0) + 1
        return found

    def push(self, audience: str, destination: str, day: dt.date = DAY, **options: Any) -> dict[str, Any]:
        from jobs.activation import plan, push

        plan.run(day, self.settings)
        return push.run(audience, destination, day, self.settings, **options)


def email(name: str) -> str:
    return f"{name}@mail.example"


def phone(name: str) -> str:
    return f"+316{int(name[1:]):08d}"


def profile(name: str) -> dict[str, Any]:
    return {"customer_id": name, "known": True, "first_name": f"Voornaam{name}", "language": "nl"}


def points(name: str) -> list[dict[str, Any]]:
    return [
        {"customer_id": name, "kind": "email", "value": email(name), "preference": 1},
        {"customer_id": name, "kind": "phone", "value": phone(name), "preference": 1},
    ]
