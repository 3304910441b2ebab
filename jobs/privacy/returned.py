"""The step of the flow that keeps out who asked to be forgotten: what came of them again is erased before it is used.

Source systems go on exporting people, and old files are loaded again. Each file that was loaded since is searched for
the identifiers in privacy/kept_out, before identity looks at it. Nothing is read while nobody was ever forgotten.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from jobs.config.settings import Settings
from jobs.config.wrong import ConfigError
from jobs.identity import key_of_lake
from jobs.lake.lake import Lake
from jobs.lake.tables.privacy import KEPT_OUT

log = logging.getLogger(__name__)
BECAUSE = "came again in a file after the request"


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Erase what files loaded up to `day` brought of people who are kept out; counts for the log of the day.

    Raises ConfigError under another hash key than theirs, by which none of them would be known again.
    """
    lake = Lake.of(settings)
    if not lake.exists(KEPT_OUT) or not lake.rows(KEPT_OUT):
        key_of_lake.keep(day, settings)
        return {"kept_out": 0}
    from jobs.privacy import erasure, receipts  # reads files where they landed: loads every way to reach them

    requests = sorted(set(lake.arrow(KEPT_OUT, columns=["request"])["request"].to_pylist()))
    if not receipts.sealed_with_this_key(lake, requests, settings):
        raise ConfigError([key_of_lake.ANOTHER])  # a lake from before keys were noted
    key_of_lake.keep(day, settings)
    # Files first: of a file that is in this list, whoever is forgotten after the next line looks for themselves.
    loaded = lake.arrow("ops/files", columns=["file_id", "state"]).to_pylist()
    searched = set(lake.arrow(erasure.LOOKED_AT, columns=["file_id"])["file_id"].to_pylist())
    people = erasure.forgotten(lake)
    new = {row["file_id"] for row in loaded if row["state"] == "loaded"} - searched
    if not new:
        return {"kept_out": len(people), "files": 0, "lines": 0}
    erased = erasure.of_files(lake, people, new, BECAUSE, settings)
    if erased:
        log.warning(
            "%d lines of people who asked to be forgotten came again and were erased; have them erased in the source "
            "systems too (klantreis query \"select * from privacy.receipts where because like 'came again%%'\")",
            erased,
        )
    return {"kept_out": len(people), "files": len(new), "lines": erased}
