"""The step `context`: decisions/context, and the file in which other systems read it."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jobs.audiences import context
from jobs.config.settings import Settings
from jobs.identity.customer_of import newest_day
from jobs.lake.lake import Lake


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Write the table as of the newest day that is known, `day` or later, and the `file` of config/context.yaml.

    A company without config/context.yaml tells nobody: then there is nothing to do. Returns counts, with the rows of
    the file. A rerun makes the file anew, of what still holds by the clock, and leaves the table as it is.
    """
    if not (settings.folder / "context.yaml").exists():
        return {}
    counts = context.run(newest_day(Lake.of(settings), "identity/standing", day), settings)
    if settings.context_file is None:
        return counts
    return counts | {"rows_in_file": write(settings, settings.context_file, datetime.now(UTC))}


def write(settings: Settings, to: Path, now: datetime) -> int:
    """Write the rows of decisions/context that hold at `now` or later, and the default; returns how many.

    Whoever reads finds the file of before or this one, never a part.
    """
    rows = Lake.of(settings).arrow(context.TABLE).to_pylist()
    holding = [row for row in rows if row["valid_until"] > now or row["customer_id"] == context.EVERYBODY_ELSE]
    in_order = sorted(holding, key=lambda row: (row["customer_id"], row["valid_from"]))
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, default=_text, ensure_ascii=False) + "\n" for row in in_order)
            file.flush()
            os.fsync(file.fileno())
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return len(in_order)


def _text(moment: date) -> str:
    return moment.isoformat()
