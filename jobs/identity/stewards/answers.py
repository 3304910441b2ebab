"""Decisions that stewards give in Airflow: kept in ops/decisions, read together with those in config/."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from jobs.config.decisions import Decision, Placed, contradictions, record_of
from jobs.config.settings import Settings
from jobs.errors import DecisionRefused
from jobs.lake.lake import Lake
from jobs.lake.tables.catalogue import get

TABLE, PLACE = "ops/decisions", "Airflow"


def answered(rows: pa.Table) -> list[Placed]:
    """The rows of ops/decisions as decisions, the oldest first."""
    ordered = rows.sort_by([("given", "ascending"), ("decision_id", "ascending")]).to_pylist()
    return [
        Placed(
            Decision(
                left=record_of(row["left"]),
                right=record_of(row["right"]),
                decision=row["decision"],
                by=row["by"],
                on=row["on"],
                because=row["because"],
            ),
            PLACE,
        )
        for row in ordered
    ]


def keep(answers: Sequence[Decision], given: date, settings: Settings) -> dict[str, int]:
    """Add answers to ops/decisions; one that is there already is not added again.

    Raises DecisionRefused, after keeping the others, if answers contradict decisions in config/ or earlier ones.
    """
    lake = Lake.of(settings)
    before = [*settings.decisions, *answered(lake.arrow(TABLE))]
    new = [Placed(answer, PLACE) for answer in answers]
    against = {id(one): text for one, text in contradictions([*before, *new]) if any(one is own for own in new)}
    good = [one.decision for one in new if id(one) not in against]
    rows = [
        {
            "decision_id": one.id,
            "left": str(one.left),
            "right": str(one.right),
            "decision": one.decision,
            "by": one.by,
            "on": one.on,
            "because": one.because,
            "given": given,
        }
        for one in {one.id: one for one in good}.values()
    ]
    table = pa.Table.from_pylist(rows, get(TABLE).arrow_schema())
    config = sorted(one.id for one in good)
    txn = lake.transaction("decisions", given, config=config, code=__name__).part(",".join(config))
    commit = lake.append(TABLE, table, txn)
    if against:
        raise DecisionRefused(
            f"{len(against)} of {len(answers)} answers were not kept: {'; '.join(sorted(against.values()))}"
        )
    return {"decisions": commit.rows if commit.applied else 0}
