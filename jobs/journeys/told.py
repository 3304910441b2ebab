"""What a run of the journeys tells of its tables: how many there are of everything, and what nobody named or priced."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import pyarrow.compute as pc

from jobs.activity.currency import without_rate
from jobs.config.settings import Settings
from jobs.journeys.stages import CUSTOMER
from jobs.lake.lake import Lake

log = logging.getLogger(__name__)


def counts(lake: Lake, settings: Settings) -> dict[str, Any]:
    """Rows and customers of each kind; what is wrong with them is told in the log."""
    now = lake.arrow("journeys/stages", columns=["kind", "stage", "valid_to"]).filter(pc.field("valid_to").is_null())
    known = now.filter(pc.field("kind") == CUSTOMER)
    visited = pc.sum(lake.arrow("journeys/sessions", columns=["events"])["events"]).as_py() or 0
    return {
        "sessions": lake.rows("journeys/sessions"),
        "events_without_visit": lake.rows("valid/events") - visited,  # of nobody known, of bots, of a day still to come
        "bot_events": _bots(lake),
        "carts": lake.rows("journeys/carts"),
        "touchpoints": lake.rows("journeys/touchpoints"),
        "moments": _per(lake.arrow("journeys/moments", columns=["type"])["type"]),
        "customers_per_stage": _per(known["stage"]),
        "visitors_per_stage": _per(now.filter(pc.field("kind") != CUSTOMER)["stage"]),
        "moves_not_allowed": _told_not_allowed(lake, settings),
        "kpis": lake.rows("journeys/kpis"),
        "touchpoints_without_name": _told_without_name(lake, settings),
        "amounts_without_rate": _told_without_rate(lake, settings),
    }


def _bots(lake: Lake) -> dict[str, int]:
    """Events of programs, by rule."""
    found = lake.arrow("journeys/bots", columns=["rule", "events"]).group_by("rule").aggregate([("events", "sum")])
    return dict(sorted((row["rule"], row["events_sum"]) for row in found.to_pylist()))


def _told_without_name(lake: Lake, settings: Settings) -> int:
    """Touchpoints that the catalogue does not name; if they are too many, told with what they are."""
    journey, place = settings.journey, settings.folder / "journey.yaml"
    every = lake.rows("journeys/touchpoints")
    if not journey.touchpoints or not every:
        return 0
    nameless = lake.dataset("journeys/touchpoints").to_table(
        ["type", "channel"], filter=pc.field("touchpoint").is_null()
    )
    if nameless.num_rows / every > journey.max_unnamed_share:
        kinds = nameless.group_by(["type", "channel"]).aggregate([([], "count_all")]).to_pylist()
        most = sorted(kinds, key=lambda kind: (-kind["count_all"], str(kind)))[:3]
        log.warning(
            "journeys: %d of %d touchpoints have no name, more than max_unnamed_share %s; name them under `touchpoints`"
            " of %s: %s",
            nameless.num_rows, every, journey.max_unnamed_share, place,
            "; ".join(f"type = '{k['type']}' and channel = '{k['channel']}' ({k['count_all']})" for k in most),
        )  # fmt: skip
    return nameless.num_rows


def _told_without_rate(lake: Lake, settings: Settings) -> dict[str, int]:
    """Contacts whose amount is in no sum, by currency; each is told."""
    found = without_rate(lake.dataset("journeys/touchpoints"))
    for currency, number in found.items():
        log.warning(
            "journeys: %d amounts in %s have no rate and are in no sum of %s; add `rates: {%s: ...}` to %s, or load the"
            " dataset rates",
            number, currency, settings.general.currency, currency, settings.folder / "settings.yaml",
        )  # fmt: skip
    return found


def _told_not_allowed(lake: Lake, settings: Settings) -> dict[str, int]:
    """How often customers moved as `moves` does not allow, or wanted to, by from and to; each is told."""
    if not settings.journey.moves:
        return {}
    stays = settings.journey.on_forbidden == "stay"
    table, before = ("journeys/stages", "stage") if stays else ("journeys/stage_moves", "from_stage")
    against = lake.arrow(table, columns=[before, "rule", "allowed"]).filter(~pc.field("allowed"))
    wanted = {rule.name: rule.stage for rule in settings.journey.stages}
    counted = Counter(f"{row[before]} to {wanted[row['rule']]}" for row in against.to_pylist())
    found, what = dict(sorted(counted.items())), "were not made" if stays else "were made"
    for move, number in found.items():
        log.warning("journeys: %d moves from %s %s, which `moves` of journey.yaml does not allow", number, move, what)
    return found


def _per(values: Any) -> dict[str, int]:
    """How often each value occurs."""
    found = [(entry["values"], entry["counts"]) for entry in pc.value_counts(values).to_pylist()]
    return dict(sorted(found))
