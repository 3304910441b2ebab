"""The truth beside the data: who is who, what visits were for, and what must become of every file and row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from examples.retail.company import Company
from examples.retail.faults import Rows
from examples.retail.feeds import Feed
from examples.retail.landing import Account
from examples.retail.people import People
from examples.retail.web import Web, session_table


def person_table(people: People, company: Company, ids: np.ndarray) -> pd.DataFrame:
    """One row per person: main or second person of a household, or a visitor who never says who they are."""
    homes, known = company.households.household.to_numpy(), len(people.persons)
    members = ["second" if person.second else "main" for person in people.persons]
    households = [f"H{homes[person.household]}" for person in people.persons]
    visitors = len(ids) - known
    return pd.DataFrame(
        {
            "person_id": ids,
            "household_id": [*households, *[""] * visitors],
            "member": [*members, *["visitor"] * visitors],
        }
    )


def person_ids(people: People, web: Web) -> np.ndarray:
    """Ids of the people, then of the visitors that never say who they are."""
    anonymous = int(web.visits.person.max()) + 1 - len(people.persons)
    return np.array([*(p.id for p in people.persons), *(f"A{number:07d}" for number in range(anonymous))])


def record_table(feed: Feed, rows: Rows, ids: np.ndarray) -> pd.DataFrame:
    """Which person each record of a feed is about, once per record id that was delivered."""
    present = _delivered(feed, rows)
    if feed.record is None or feed.person is None or not len(present):
        return pd.DataFrame(columns=["source", "dataset", "record_id", "person_id"])
    record = feed.render(present)[feed.record].to_pandas()
    table = pd.DataFrame({"record_id": record, "person_id": ids[feed.person[present]]})
    table = table.drop_duplicates("record_id")
    table.insert(0, "dataset", feed.dataset)
    table.insert(0, "source", feed.source)
    return table


def visit_tables(web: Web, ids: np.ndarray, seed: int, first: int, last: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Visits that begin within the days, and whose cookies they used."""
    sessions = session_table(web, ids, seed)
    sessions = sessions[(sessions.day >= first) & (sessions.day <= last)].drop(columns="day")
    cookies = sessions[["cookie", "person_id"]].drop_duplicates().sort_values(["cookie", "person_id"])
    return sessions, cookies


def expected_count(feed: Feed, rows: Rows, account: Account) -> dict[str, str | int]:
    """What ingest and validation must count for one dataset of one source.

    `rows` = `good_keys` + `bad` + `duplicates`, over the files that can be read and are no copy of another.
    """
    mine = [file for file in account.files if (file.source, file.dataset) == (feed.source, feed.dataset)]
    loaded = [file for file in mine if file.state == "loaded"]
    total, bad = sum(file.rows for file in loaded), sum(file.bad for file in loaded)
    good = len(_delivered(feed, rows))
    return {
        "source": feed.source,
        "dataset": feed.dataset,
        "files": len(mine),
        "files_quarantined": sum(file.state == "quarantined" for file in mine),
        "files_duplicate": sum(file.state == "duplicate" for file in mine),
        "rows": total,
        "good_keys": good,
        "bad": bad,
        "duplicates": total - bad - good,
        "rows_in_copies": sum(file.rows for file in mine if file.state == "duplicate"),
    }


def _delivered(feed: Feed, rows: Rows) -> np.ndarray:
    """The rows of the feed that come at least once without a fault."""
    good = np.zeros(len(feed.day), bool)
    good[rows.row[rows.fault <= 0]] = True
    return np.flatnonzero(good)


def write(table: pd.DataFrame, path: Path) -> None:
    """A CSV file, the same bytes on every system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, lineterminator="\n")
