"""What the lake holds that somebody should know before reading on: files set aside as a whole, pushes under way.

Nothing fails because of either, and still not everything that came is in, or everybody reached.
"""

from __future__ import annotations

from typing import Any

from jobs.config.settings import Settings
from jobs.lake.queries import connect, views_of

ROWS, FILES, REPLAYS = "quarantine.rows", "ops.files", "quarantine.replays"
SETTLED = {
    FILES: "select 1 from ops.files f where f.path = q.path and f.source = q.source and f.state = 'loaded'",
    REPLAYS: "select 1 from quarantine.replays r where r.file_id = q.file_id and r.line = 0 and r.outcome <> 'refused'",
}
"""By table, what says that a file needs nobody any more: it came again in its place, was replayed, or dropped."""
DAYS, SHOWN = 14, 20


def files_set_aside(settings: Settings) -> list[dict[str, Any]]:
    """Path, source, day and reason of each such file of the newest 14 days with files, that nothing settled."""
    database = connect(settings, only=(ROWS, *SETTLED))
    there = views_of(database)
    if ROWS not in there:
        return []
    settled = " ".join(f"and not exists ({query})" for table, query in SETTLED.items() if table in there)
    found = database.sql(
        f"""
        select path as file, source || ' ' || dataset as of, arrived::varchar as day, reason as why from {ROWS} q
        where line = 0 and arrived > (select max(arrived) from {ROWS}) - {DAYS} {settled}
        order by arrived desc, path limit {SHOWN}"""
    )
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


PLANS, DELIVERIES = "activation.plans", "activation.deliveries"


def under_way(settings: Settings) -> dict[str, Any] | None:
    """The newest day that is planned and the number of its deliveries that have not ended; None if all have."""
    database = connect(settings, only=(PLANS, DELIVERIES))
    there = views_of(database)
    if PLANS not in there:
        return None
    ended = f"(day, audience, destination) not in (select (day, audience, destination) from {DELIVERIES})"
    ((day, number),) = database.sql(
        f"""
        select max(day)::varchar, count(distinct (audience, destination)) from {PLANS}
        where day = (select max(day) from {PLANS}) {"and " + ended if DELIVERIES in there else ""}"""
    ).fetchall()
    return {"day": day, "number": number} if number else None
