"""Rows that cannot be tried now, found out before anything is read."""

from __future__ import annotations

import pyarrow as pa

from jobs.validate.replay.outcomes import RESULT
from jobs.validate.replay.rows import Part


def refused_at_once(part: Part) -> pa.Table:
    """Rows of a dataset that is not configured, of a file that was not validated, or of half a stopped batch (RESULT).

    A stopped batch is judged as a whole, so all its open records must be selected together.
    """
    configured = part.settings.sources.get(part.source)
    if configured is None or part.dataset not in configured.datasets:
        return _all(part, f"config/sources has no dataset {part.dataset} of source {part.source}; configure it again")
    day = "strftime(r.arrived, '%Y-%m-%d')"
    again = f"'klantreis quarantine replay --source {part.source} --dataset {part.dataset} --day ' || {day}"
    found = part.ask(
        f"""
        with rest as (  -- open records of stopped batches that are not selected
            select distinct c.batch from others o join counted c using (file_id) join stopped using (batch)
            where not starts_with(o.rule, 'record:')
        )
        select r.file_id, r.line, 'refused' as outcome,
               case when c.file_id is null then 'its file was not validated yet; run klantreis run first'
                    when r.line = 0 and k.file_id is not null
                    then 'a file as a whole cannot be corrected by a row; land the corrected file and drop this one'
                    else 'its batch is stopped and judged as a whole; replay all of it: ' || {again} end as reason
        from rows_ r left join counted c using (file_id) left join corrections k on k.file_id = r.file_id
             and k.line = r.line
        where c.file_id is null or (r.line = 0 and k.file_id is not null)
              or (r.line > 0 and c.batch in (select batch from rest))""",
        others=part.others,
    )
    return found.cast(RESULT)


def _all(part: Part, reason: str) -> pa.Table:
    rows = part.rows.num_rows
    return pa.table(
        {
            "file_id": part.rows["file_id"],
            "line": part.rows["line"],
            "outcome": pa.repeat("refused", rows),
            "reason": pa.repeat(reason, rows),
        }
    ).cast(RESULT)
