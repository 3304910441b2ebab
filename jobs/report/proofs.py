"""Promises of the platform as queries over the lake: whoever reads a report sees first whether they hold."""

from __future__ import annotations

from jobs.config.settings import Settings
from jobs.lake.queries import connect, views_of
from jobs.report import contacts
from jobs.report.section import Section
from jobs.report.sections import AFTER_REPLAYS

PROOFS = (
    Section(
        "rows of a file are neither accepted, nor quarantined, nor duplicates, nor left out",
        ("ops.counts",),
        """
        select source || '/' || dataset || ' file ' || file_id from ops.counts
        where rows_in <> accepted + quarantined + duplicates + coalesce(left_out, 0)""",
    ),
    Section(
        "rows of a file that were replayed are lost or there twice",
        ("ops.counts", "ops.files", "quarantine.rows", "quarantine.replays"),
        f"""
        select path from ({AFTER_REPLAYS})
        where rows_in <> accepted + waiting + dropped + duplicates + left_out or waiting <> open""",
    ),
    Section(
        "a loaded file was never validated",
        ("ops.files", "ops.counts"),
        """
        select path from ops.files where state = 'loaded' and file_id not in (select file_id from ops.counts)""",
    ),
    Section(
        "customers of a funnel neither came to its end, nor dropped out, nor still have time",
        ("journeys.funnels",),
        """
        select funnel || ', ' || period || ' of ' || begins from journeys.funnels group by funnel, period, begins
        having max_by(customers, -step) <> max_by(customers, step) + sum(dropped + waiting)""",
    ),
    Section(
        "paths do not add up to the transitions into their ends, or to the conversions that are attributed",
        ("journeys.paths", "journeys.transitions", "journeys.attribution"),
        """
        with ends as (
            select outcome, sum(paths) as paths from journeys.paths group by outcome
            union all by name
            select to_step[2:-2] as outcome, -sum(transitions) as paths from journeys.transitions
            where to_step in ('(conversion)', '(drop-off)', '(open)') group by to_step)
        select outcome from ends group by outcome having sum(paths) <> 0
        union all
        select model || ' to ' || dimension from journeys.attribution group by model, dimension
        having round(sum(orders), 3) <> any_value(conversions)
            or any_value(conversions) <> (select sum(conversions) from journeys.paths)""",
    ),
    Section(
        "members of an audience are not accounted for",
        ("activation.deliveries",),
        """
        select audience || ' to ' || destination || ' on ' || day from activation.deliveries
        where unknown > 0
           or members <> held_out + no_consent + no_address + suppressed + coalesce(moment_over, 0) + kept + delivered
                          + refused + unknown""",
    ),
)
"""What must never be found: each row of an answer is a place where it was."""


def broken(settings: Settings) -> dict[str, list[str]]:
    """Broken promises in the lake with the places where they are; places can name ids of single people.

    Empty when every row, contact and audience member is accounted for.
    """
    database = connect(settings)
    existing = views_of(database)
    asked = [proof for proof in (*PROOFS, *contacts.proofs(existing)) if existing.issuperset(proof.needs)]
    found = {proof.title: [place for (place,) in database.sql(proof.sql).fetchall()] for proof in asked}
    return {title: places for title, places in found.items() if places}


def problems(settings: Settings) -> list[str]:
    """The same, one line for each place."""
    return [f"{title}: {place}" for title, places in broken(settings).items() for place in places]
