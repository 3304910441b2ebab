"""Days of contacts and visits lived one by one on a lake, beside the same days all at once; without the engine."""

import datetime as dt
import itertools
from contextlib import contextmanager

import pandas as pd
import pyarrow as pa
import pytest

from jobs.identity import evidence, probable
from jobs.identity.contact_rows import prepared
from jobs.identity.day import change
from jobs.identity.evidence import EPOCH
from jobs.identity.kept import STANDING, WRITTEN, Kept
from jobs.identity.links import KINDS
from jobs.identity.matching import compared
from jobs.identity.name_agreement import plain
from jobs.identity.rebuild import rebuild
from jobs.identity.sightings import together
from jobs.lake.lake import Lake


@contextmanager
def trained_once():
    """Training on the same records gives the same model: inside it is done once for all rebuilds."""
    known, learn = {}, compared.learn

    def learned(records, matching):
        key = records.to_csv()
        if key not in known:
            known[key] = learn(records, matching)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probable, "learn", learned)
        yield


COLUMNS = ["sighting", *KINDS, "source", "first_seen", "rows", "ignored", "described", "claim"]
NAMES = ["first_name", "last_name", "birth_date"]
AUDITED = "identity/decisions"


def sightings(versions, *visits):
    """What versions of contacts (as `contact_people.versions` makes them) and visits tell of identifiers.

    A visit is a dict of kind to identifier, with `day`.
    """
    of_contacts = [
        {
            "contact": row["contact"],
            "email": row["email"] and f"mail {row['email']}",
            "phone": row["phone"] and f"phone {row['phone']}",
            "source": row["source"],
            "first_seen": row["first_seen"],
            "described": True,
            "first_name": plain(row["first_name"]),
            "last_name": plain(row["last_name"]),
            "birth_date": pd.to_datetime(row["birth_date"], errors="coerce"),
        }
        for row in versions.astype(object).where(versions.notna(), None).to_dict("records")
    ]
    of_visits = [{**visit, "source": "web", "first_seen": visit["day"], "described": False} for visit in visits]
    frame = (
        pd.DataFrame([*of_contacts, *of_visits])
        .reindex(columns=[*COLUMNS, *NAMES])
        .assign(rows=1, ignored=0, claim=False)
    )
    frame[[*KINDS]] = frame[[*KINDS]].astype(object).where(frame[[*KINDS]].notna(), None)
    frame[["first_name", "last_name"]] = frame[["first_name", "last_name"]].fillna("")
    frame["birth_date"] = pd.to_datetime(frame["birth_date"])
    told = frame[[*KINDS, "source", *NAMES]].astype(str)
    frame["sighting"] = ["|".join(values) for values in told.to_numpy()]
    empty = frame[:0].assign(sighting=[]) if frame.empty else frame[:0]
    return together(empty, frame.astype({"first_seen": "int32", "described": bool}))


class Lived:
    """Who is who on a lake, day by day. `decided` are decisions that stand: (left, same or different, right, day)."""

    numbers = itertools.count(1)

    def __init__(self, root, settings):
        self.lake, self.settings = Lake(str(root)), settings

    def day(self, day, versions, visits=(), decided=()):
        """Bring rows to the lake, as of a day number; whether only a rebuild could, which then is made from `all`."""
        told, kept, as_of = decisions_of(decided), self._kept(day), EPOCH + dt.timedelta(days=day)
        rows = kept.table(AUDITED, ["left", "right"])
        also = {name for side in ("left", "right") for name in rows[side].to_pylist()}
        seen = sightings(versions, *visits)
        changes, effects = change(kept, seen, prepared(versions), told, also, as_of, self.settings)
        for name, (before, after) in changes.items():
            kept.write(name, before, after)
        self._stand(kept, decided, effects, as_of)

    def rebuilt(self, day, versions, visits=(), decided=()):
        """The same from all rows there are."""
        kept, as_of = self._kept(day), EPOCH + dt.timedelta(days=day)
        first_seen = versions.groupby("row")["first_seen"].transform("min")
        once = versions.assign(first_seen=first_seen).drop_duplicates("row", ignore_index=True)
        seen, told = sightings(versions, *visits), prepared(once)
        made, effects = rebuild(seen, told, decisions_of(decided), as_of, self.settings)
        for name, table in made.items():
            self.lake.replace(name, table, kept.txn)
        self._stand(kept, decided, effects, as_of)
        return self

    def _kept(self, day):
        number = next(self.numbers)
        as_of = EPOCH + dt.timedelta(days=day)
        return Kept(self.lake, self.lake.transaction("identity", as_of, config=number, previous=[*WRITTEN, STANDING]))

    def _stand(self, kept, decided, effects, as_of):
        effect = dict(zip(effects["decision_id"], effects["effect"], strict=True))
        rows = [
            {"decision_id": f"{left} {right}", "left": left, "right": right, "effect": effect[f"{left} {right}"]}
            for left, _, right, _ in decided
        ]
        schema = evidence.get(AUDITED).arrow_schema()
        self.lake.replace(AUDITED, pa.Table.from_pylist(rows, schema), kept.txn)
        self.lake.replace(STANDING, kept.stands(as_of, [], self.settings), kept.txn)

    def tables(self):
        """The rows of every table of who is who, as sorted lists."""
        found = {}
        for name in WRITTEN:
            rows = self.lake.arrow(name).to_pylist()
            if name == "models/matching_pairs":  # which of two rows is on the left is not told
                ends = [sorted((row["left"], row["right"])) for row in rows]
                rows = [row | {"left": left, "right": right} for row, (left, right) in zip(rows, ends, strict=True)]
            found[name] = sorted(rows, key=str)
        return found


def decisions_of(decided):
    found = [(f"{left} {right}", left, right, verdict, day) for left, verdict, right, day in decided]
    frame = pd.DataFrame(found, columns=["decision_id", "left", "right", "decision", "on"])
    return frame.astype({"on": "int64"})
