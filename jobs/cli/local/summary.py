"""What the demo did, in about ten lines that a person reads at 80 columns; the rest is in `klantreis report`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb

from jobs.config.settings import Settings
from jobs.lake.queries import connect
from jobs.report.section import in_order_of_stages


def lines(settings: Settings) -> list[tuple[str, str]]:
    """What happened, as pairs of a word and a sentence; a part whose tables are not there yet is left out."""
    database = connect(settings)
    found = []
    for name, part in PARTS.items():
        try:
            found += [(name, sentence) for sentence in part(database)]
        except duckdb.CatalogException:  # a step that was not run has no table
            continue
    return found


def _rows(database: duckdb.DuckDBPyConnection) -> Iterator[str]:
    files, aside = _one(database, "select count(*), count(*) filter (state = 'quarantined') from ops.files")
    rows, good, bad, twice = _one(
        database, "select sum(rows_in), sum(accepted), sum(quarantined), sum(duplicates) from ops.counts"
    )
    yield f"{rows:,} in {files:,} files, {aside:,} of which could not be read and were set aside"
    yield f"{good:,} accepted, {bad:,} quarantined with the reason, {twice:,} duplicates"


def _customers(database: duckdb.DuckDBPyConnection) -> Iterator[str]:
    customers, known, records = _one(
        database, "select count(*), count(*) filter (known), sum(contact_records) from profiles.customers"
    )
    yield f"{customers:,}, {known:,} of them known by {records:,} contact records, the others visitors"


def _stages(database: duckdb.DuckDBPyConnection) -> Iterator[str]:
    found = database.sql(
        f"""select stage, count(*) filter (kind = 'customer'), count(*) filter (kind = 'customer' and state = 'lapsed')
        from journeys.stages where valid_to is null group by stage
        order by {in_order_of_stages("stage")}"""
    ).fetchall()
    yield ", ".join(
        f"{stage} {count:,}" + (f" ({lapsed:,} lapsed)" if lapsed else "") for stage, count, lapsed in found
    )


def _moments(database: duckdb.DuckDBPyConnection) -> Iterator[str]:
    found = database.sql(
        "select type, count(*) from journeys.moments group by type order by count(*) desc, type"
    ).fetchall()
    yield ", ".join(f"{type_} {count:,}" for type_, count in found)


def _models(database: duckdb.DuckDBPyConnection) -> Iterator[str]:
    found = database.sql(
        """select model, max(model_version::int), arg_max(value, model_version::int) filter (metric = 'auc'),
                  arg_max(value, model_version::int) filter (metric = 'baseline_auc'),
                  arg_max(value, model_version::int) filter (metric = 'silhouette')
        from models.evaluations where decision = 'promoted' group by model order by model"""
    ).fetchall()
    for model, version, auc, baseline, silhouette in found:
        judged = f"AUC {auc:.3f}, a simple rule {baseline:.3f}" if auc is not None and baseline is not None else ""
        judged = judged or (f"silhouette {silhouette:.3f}" if silhouette is not None else "in use")
        yield f"{model} version {version}: {judged}"


def _audiences(database: duckdb.DuckDBPyConnection) -> Iterator[str]:
    audiences, members, held = _one(
        database,
        """select count(distinct audience), count(*), count(*) filter (arm <> 'treatment') from audiences.members
        where day = (select max(day) from audiences.members)""",
    )
    yield f"{audiences} with {members:,} members, {held:,} of them held out to measure the effect"


def _deliveries(database: duckdb.DuckDBPyConnection) -> Iterator[str]:
    found = database.sql(
        """select destination, sum(delivered), sum(removed), sum(refused), sum(no_consent), sum(suppressed)
        from activation.deliveries group by destination order by destination"""
    ).fetchall()
    for destination, delivered, removed, refused, no_consent, suppressed in found:
        yield (
            f"{destination}: {delivered:,} accepted, {refused:,} refused, {removed:,} removed, "
            f"{no_consent + suppressed:,} may not be"
        )


PARTS = {
    "Rows": _rows,
    "Customers": _customers,
    "Stages": _stages,
    "Moments": _moments,
    "Models": _models,
    "Audiences": _audiences,
    "Sent": _deliveries,
}


def _one(database: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """The only row of an answer, sums of nothing as 0."""
    (row,) = database.sql(sql).fetchall()
    return tuple(value or 0 for value in row)
