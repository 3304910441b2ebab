"""With which texts a push wrote, and who approved of them: activation/approved_content."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from jobs.activation.channels.types import type_of
from jobs.config.settings import Settings
from jobs.content import approval
from jobs.lake.lake import Lake, StaleWrite
from jobs.lake.tables import catalogue

TABLE = "activation/approved_content"


@retry(retry=retry_if_exception_type(StaleWrite), stop=stop_after_attempt(5), reraise=True)
def note(lake: Lake, audience: str, destination: str, day: date, settings: Settings) -> None:
    """Keep with which approved texts a push writes, and who approved of them; nothing where nobody asks for it."""
    declared = settings.audiences[audience]
    template = declared.send_to[destination].template
    if template is None or not approval.asked(declared, template, settings):
        return
    from jobs.content.templates import with_referenced  # loads Jinja

    named = approval.files_of(template, type_of(destination, settings).templates, settings.folder)
    texts = with_referenced(named, settings.folder)[0]
    about = {"day": day, "audience": audience, "destination": destination, "written_at": datetime.now(UTC)}
    rows = [
        # the channel has read its texts by now, and would read none but these: what a file says since is not sent
        about | {"template": name, "text": given.text, "approved_by": given.by, "approved_on": given.on}
        for name in texts
        if (given := settings.content.newest(name))
    ]
    known = sorted(f"{row['template']} {row['text']}" for row in rows)
    txn = lake.transaction(f"approved_{audience}_{destination}", day, config=known, code=__name__)
    if not txn.done(TABLE):
        lake.upsert(TABLE, pa.Table.from_pylist(rows, schema=catalogue.get(TABLE).arrow_schema()), txn)
