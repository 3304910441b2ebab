"""A company of a few people whose files come in every way a person can be told in, with Eva to be forgotten."""

import datetime as dt
import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from jobs import pipeline
from jobs.config.settings import load_settings
from tests.company import MINIMAL

FIRST, NEXT, LATER = dt.date(2017, 3, 1), dt.date(2017, 3, 2), dt.date(2017, 3, 3)
SOURCES = {
    "crm": {
        "contacts": {
            "files": "{day}/contacts*.csv",
            "where": "coalesce(kind, '') <> 'lead'",
            "columns": {"contact_id": "id", "updated_at": "updated", "email": "email", "phone": "phone",
                        "first_name": "first", "last_name": "last", "birth_date": "born", "loyalty_id": "card"},
        },
        "consents": {
            "files": "{day}/consents.jsonl",
            "format": {"type": "jsonl"},
            "columns": {"consent_id": "id", "contact_id": "who", "purpose": "'marketing'", "channel": "'email'",
                        "status": "status", "changed_at": "at"},
        },
    },
    "shop": {
        "orders": {
            "files": "{day}/orders.csv.gz",
            "columns": {"order_id": "id", "ordered_at": "at", "updated_at": "at", "status": "'completed'",
                        "total": "total", "currency": "'EUR'", "channel": "'web'", "email": "email"},
        },
        "order_lines": {
            "files": "{day}/lines.jsonl",
            "format": {"type": "jsonl"},
            "columns": {"line_id": "id", "order_id": "order", "product_id": "product", "quantity": "1",
                        "amount": "price", "updated_at": "at", "ordered_at": "at"},
        },
        "events": {
            "files": "{day}/events.parquet",
            "format": {"type": "parquet"},
            "columns": {"event_id": "id", "occurred_at": "at", "type": "'page_view'", "url": "url",
                        "cookie_id": "cookie", "email": "email"},
        },
        "conversations": {
            "files": "{day}/talks.json",
            "format": {"type": "json"},
            "columns": {"conversation_id": "id", "updated_at": "at", "opened_at": "at", "email": "mail",
                        "channel": "'chat'", "status": "'open'"},
        },
    },
}  # fmt: skip
EVA = ("eva.smit@mail.example", "Eva.Smit@Mail.example", "0612345678", "+31612345678", "Smit", "cookie-of-eva-1",
       "LOYAL-0007", "evasmit@work.example")  # fmt: skip
"""Every form in which Eva is told."""


def contacts(eva):
    rows = ["id,updated,email,phone,first,last,born,card,kind"]
    rows += ["1,2017-02-01 10:00:00,ann@mail.example,0201111111,Ann,Bos,1980-01-01,LOYAL-0001,"]
    rows += ["2,2017-02-01 10:00:00,bob@mail.example,0202222222,Bob,Vos,1981-01-01,,"]
    rows += [eva * "3,2017-02-01 10:00:00,Eva.Smit@Mail.example,0612345678,Eva,Smit,1990-05-05,LOYAL-0007,"]
    rows += ['4,2017-02-01 10:00:00,cor@mail.example,,Cor,"Mol\nder Oude",1970-01-01,,']
    rows += [eva * "5,not a moment,evasmit@work.example,0612345678,Eva,Smit,1990-05-05,LOYAL-0007,"]
    rows += [eva * "6,2017-02-02 10:00:00,eva.smit@mail.example,,Eva,Smit,1990-05-05,,lead"]
    return "\n".join(rows) + "\n"


def consents(eva):
    rows = [{"id": "a", "who": "1", "status": "granted", "at": "2017-02-02T10:00:00Z"}]
    rows += [eva and {"id": "b", "who": "3", "status": "granted", "at": "2017-02-02T10:00:00Z"}]
    rows += [{"id": "c", "who": "4", "status": "withdrawn", "at": "2017-02-02T10:00:00Z"}]
    return "".join(json.dumps(row) + "\n" if row else "\n" for row in rows)


def orders(eva):
    rows = ["id,at,total,email", "o1,2017-02-20 09:00:00,20.00,ann@mail.example"]
    rows += [eva * "o2,2017-02-21 09:00:00,35.00,eva.smit@mail.example"]
    rows += ["o3,2017-02-22 09:00:00,15.00,bob@mail.example"]
    return gzip.compress(("\n".join(rows) + "\n").encode())


def lines(eva):
    rows = [{"id": "l1", "order": "o1", "product": "p1", "price": "20.00", "at": "2017-02-20T09:00:00Z"}]
    rows += [eva and {"id": "l2", "order": "o2", "product": "p-only-eva-bought", "price": "35.00",
                      "at": "2017-02-21T09:00:00Z"}]  # fmt: skip
    return "".join(json.dumps(row) + "\n" if row else "\n" for row in rows)


def events(eva):
    rows = [("e1", "c-ann", "ann@mail.example"), ("e2", "c-nobody", None)]
    rows += [("e3", "cookie-of-eva-1", None), ("e4", "cookie-of-eva-1", "eva.smit@mail.example")] if eva else []
    table = pa.table({
        "id": [row[0] for row in rows], "cookie": [row[1] for row in rows], "email": [row[2] for row in rows],
        "url": [f"/{row[0]}" for row in rows], "at": ["2017-02-23T10:00:00Z"] * len(rows),
    })  # fmt: skip
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def talks(eva):
    rows = [{"id": "t1", "mail": "bob@mail.example", "at": "2017-02-24T10:00:00Z"}]
    rows += [{"id": "t2", "mail": "eva.smit@mail.example", "at": "2017-02-24T11:00:00Z"}] if eva else []
    return json.dumps(rows, indent=1)


class Company:
    """The company in its own folder. `eva`: whether Eva is in its files."""

    def __init__(self, home: Path, eva: bool = True, files: dict | None = None):
        self.home = home
        for name, content in {**MINIMAL, **_sources(), **(files or {})}.items():
            path = home / "config" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
        for source in SOURCES:
            (home / "var" / "landing" / source).mkdir(parents=True)
        self.settings = load_settings(home / "config")
        self.land("crm", FIRST, "contacts.csv", contacts(eva))
        self.land("crm", FIRST, "consents.jsonl", consents(eva))
        self.land("shop", FIRST, "orders.csv.gz", orders(eva))
        self.land("shop", FIRST, "lines.jsonl", lines(eva))
        self.land("shop", FIRST, "events.parquet", events(eva))
        self.land("shop", FIRST, "talks.json", talks(eva))

    def land(self, source, day, name, content):
        path = Path(self.settings.landing) / source / str(day) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def live(self, day=FIRST):
        outcomes = list(pipeline.run_day(day, self.settings, until="traits"))
        if failed := [f"{outcome.step}: {outcome.error}" for outcome in outcomes if outcome.error]:
            raise AssertionError(failed)
        return {outcome.step: outcome.counts for outcome in outcomes}


def _sources():
    return {
        f"sources/{name}.yaml": {"source": name, "group": name, "timezone": "UTC", "datasets": datasets}
        for name, datasets in SOURCES.items()
    } | {"sources/crm.yaml": {"source": "crm", "group": "crm", "timezone": "UTC", "datasets": SOURCES["crm"]}}


def where_it_is(folder: Path, *values: str) -> list[str]:
    """Files below a folder that hold one of the values, packed ones unpacked and table files read."""
    return sorted(
        f"{path.relative_to(folder)}: {value}"
        for path in folder.rglob("*")
        if path.is_file()
        for text in [_text(path)]
        for value in values
        if value in text
    )


def _text(path: Path) -> str:
    if path.suffix == ".parquet":
        return str(pq.read_table(path).to_pylist())
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", "replace")
