"""A company whose records of one person come from two sources, with pairs that wait for an answer."""

import datetime as dt

import pyarrow as pa
import pytest

from jobs.identity import identity
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables.catalogue import get
from jobs.profiles import customers
from tests.table_rows import table_rows

SOURCE = {
    "group": "crm",
    "datasets": {"contacts": {"files": "{day}/c*.csv", "columns": {"contact_id": "id", "updated_at": "at"}}},
}

FILES = {"sources/shop.yaml": {"source": "shop", **SOURCE}}

ARRIVALS = {
    "2017-01-01": {
        "valid/contacts": [
            {"contact_id": "1", "source": "crm", "first_name": "Ann", "last_name": "Bos", "email": "ann@x.nl"},
            {"contact_id": "2", "source": "crm", "first_name": "Bea", "last_name": "Vos", "phone": "0201234567"},
            {"contact_id": "3", "source": "crm", "first_name": "Cor", "last_name": "Mol", "phone": "0201234567"},
        ],
    },
    "2017-01-03": {
        "valid/contacts": [{"contact_id": "9", "source": "shop", "login_id": "ann", "email": "Ann@X.nl"}],
        "valid/consents": [
            {"consent_id": "a", "source": "crm", "contact_id": "1", "purpose": "marketing", "channel": "email"}
            | {"status": "granted", "changed_at": "2017-01-02"}
        ],
    },
}

LAST = dt.date(2017, 1, 3)


def arrive(settings):
    """Bring the rows of all days to the lake of a company, of which nothing was there."""
    lake = Lake.of(settings)
    for day, tables in ARRIVALS.items():
        for name, records in tables.items():
            given = {"arrived": day, "file_id": day} | ({"updated_at": day} if name == "valid/contacts" else {})
            data = table_rows(name, *[given | row | {"line": n} for n, row in enumerate(records)])
            lake.append(name, data, lake.transaction("arrive", dt.date.fromisoformat(day)).part(day + name))
    return settings


@pytest.fixture
def company(settings):
    return arrive(settings(FILES))


def live(settings, day=LAST):
    identity.run(day, settings)
    customers.run(day, settings)
    return settings


def customer_of(settings, kind, value):
    known = {row["identifier"]: row["customer_id"] for row in Lake.of(settings).arrow("identity/map").to_pylist()}
    return known[identifier_hash(kind, value, settings)]


def waiting_pairs(settings, *pairs):
    """Put pairs (left, right, probability) into identity/review, as matching does when it is not sure."""
    lake = Lake.of(settings)
    told = {
        "weight": 0.6,
        "agrees": "family: near, given: other",
        "status": "review",
        "first_seen": LAST,
        "as_of": LAST,
    }
    rows = [{"left": left, "right": right, "probability": p, **told} for left, right, p in pairs]
    table = pa.Table.from_pylist(rows, get("identity/review").arrow_schema())
    lake.replace("identity/review", table, lake.transaction("test", LAST))
