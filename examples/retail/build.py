"""Build the demo company: all feeds, their files below `landing`, and the truth beside them."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from examples.retail import (
    campaigns,
    chats,
    clock,
    consents,
    marketing,
    orders,
    people,
    records,
    surveys,
    tracker,
    truth,
    web,
)
from examples.retail.company import Company, load_company
from examples.retail.faults import deliver
from examples.retail.feeds import Feed
from examples.retail.landing import Account, land
from examples.retail.people import People
from examples.retail.web import Web

VERSION = 2
"""Raise when the same size and seed give other files, so that old data is built again."""
MANIFEST = "retail.json"
Report = Callable[[str], None]


class Occupied(Exception):
    """The folder holds something that is not ours to replace."""


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    size: float
    seed: int
    first: dt.date
    last: dt.date

    def text(self) -> str:
        asked = {"version": VERSION, "size": float(self.size), "seed": self.seed}
        return json.dumps(asked | {"from": self.first.isoformat(), "to": self.last.isoformat()}, indent=2) + "\n"


@dataclass(frozen=True)
class Built:
    """What was written, or found: `fresh` is false if the folder already held it."""

    fresh: bool
    counts: pd.DataFrame


def build(plan: Plan, folder: Path, report: Report = lambda _: None) -> Built:
    """Write DIR/landing and DIR/truth, unless they hold the same already.

    Raises Occupied if the folder holds a landing that this program did not write, OSError if it cannot write.
    """
    manifest = folder / MANIFEST
    if manifest.exists() and manifest.read_text() == plan.text():
        return Built(False, pd.read_csv(folder / "truth" / "expected_counts.csv"))
    if (folder / "landing").exists() and not manifest.exists() and any((folder / "landing").iterdir()):
        raise Occupied(f"{folder / 'landing'} holds files that are not of the demo company; give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    # Without its manifest a folder that is half written is never taken for a whole one.
    manifest.write_text("{}\n")
    for part in ("landing", "truth"):
        shutil.rmtree(folder / part, ignore_errors=True)
    (folder / "landing").mkdir()
    counts = _write(plan, folder, report)
    manifest.write_text(plan.text())
    return Built(True, counts)


@dataclass(frozen=True)
class World:
    """Everything simulated; the feeds render their rows only when they are written."""

    company: Company
    people: People
    web: Web
    feeds: list[Feed]


def simulate(size: float, seed: int, report: Report = lambda _: None) -> World:
    """The company, its people, and what they did in 2017."""
    report("reading real households and baskets")
    company = load_company(size, seed)
    report("inventing people")
    crowd = people.invent_people(company)
    planned = orders.plan_orders(company, crowd)
    contacts = records.crm_records(crowd, company.households.household.to_numpy())
    given, readers = consents.answers(crowd, contacts, seed)
    report("sending campaigns")
    emails, unsubscribed = campaigns.send_emails(company, crowd, readers, seed)
    report("visiting web shop and app")
    visits = web.browse(company, crowd, planned, emails, readers)
    report("asking, chatting and answering")
    feeds = [
        orders.product_feed(company),
        orders.order_feed(company, crowd, planned),
        orders.line_feed(company, crowd),
        records.contact_feed("crm", contacts),
        records.contact_feed("shop", records.shop_records(crowd)),
        consents.consent_feed(given + unsubscribed),
        campaigns.campaign_feed(company, crowd, readers, emails, web.clicks(visits)),
        marketing.stats_feed(emails, web.clicks(visits)),
        marketing.review_feed(company, crowd, planned),
        marketing.content_feed(),
        surveys.survey_feed(company, crowd, planned),
        *chats.chat_feeds(company, crowd, planned),
        tracker.event_feed(company, crowd, visits),
    ]
    return World(company, crowd, visits, feeds)


def _write(plan: Plan, folder: Path, report: Report) -> pd.DataFrame:
    first, last = clock.day_number(plan.first), clock.day_number(plan.last)
    world = simulate(plan.size, plan.seed, report)
    ids = truth.person_ids(world.people, world.web)
    account, whose, counts = Account(), [], []
    for feed in world.feeds:
        report(f"writing {feed.source}/{feed.file}")
        rows = deliver(feed, plan.seed, first, last)
        land(feed, rows, folder / "landing", account)
        whose.append(truth.record_table(feed, rows, ids))
        counts.append(truth.expected_count(feed, rows, account))
    report("writing the truth")
    sessions, cookies = truth.visit_tables(world.web, ids, plan.seed, first, last)
    expected = pd.DataFrame(counts).sort_values(["source", "dataset"], ignore_index=True)
    for name, table in {
        "people": truth.person_table(world.people, world.company, ids),
        "records": pd.concat(whose, ignore_index=True),
        "cookies": cookies,
        "sessions": sessions,
        "faults": pd.DataFrame([vars(fault) for fault in account.faults]),
        "files": pd.DataFrame([vars(file) for file in account.files]).sort_values("path"),
        "expected_counts": expected,
    }.items():
        truth.write(table, folder / "truth" / f"{name}.csv")
    return expected
