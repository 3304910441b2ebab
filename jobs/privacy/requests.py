"""Several requests at once, by customer id: what a run of the DAG `erase_customers` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from jobs.config.settings import Settings
from jobs.config.wrong import CommandError
from jobs.errors import StepFailed
from jobs.lake.lake import Lake
from jobs.privacy import erasure, receipts, source_rows
from jobs.privacy.person import Who, resolved

BY = "Airflow"


def people(customers: Sequence[str], day: date, settings: Settings) -> list[str]:
    """One line for each person: how many lines of files are about them. Raises StepFailed for an id of nobody."""
    lake, told = Lake.of(settings), []
    for customer in customers:
        try:
            person = resolved(Who("customer", customer), settings)
        except CommandError as error:
            raise StepFailed(f"{customer}: {error}") from None
        lines = source_rows.of_person(lake, person, settings).lines.num_rows
        told.append(f"{customer}: {len(person.identifiers)} identifiers, {lines:,} lines of files")
    return told


def erase(
    customers: Sequence[str], because: str, without: Sequence[str], day: date, settings: Settings
) -> dict[str, Any]:
    """Erase one person after the other; counts, and the ids of the requests, for the log.

    Raises StepFailed at the end if one could not be erased; the others are.
    """
    failed, requests, outcomes = [], [], Counter[str]()
    for customer in customers:
        request = erasure.Request(Who("customer", customer), because, BY, tuple(without))
        try:
            done = receipts.newest(erasure.run(request, settings))
        except (CommandError, StepFailed) as error:
            failed.append(f"{customer}: {error}")
            continue
        requests.append(done[0].request)
        outcomes.update(receipt.outcome for receipt in done)
    if failed:
        raise StepFailed("; ".join(failed))
    return {"people": len(requests), "requests": requests, **outcomes}
