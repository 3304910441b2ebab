"""The key of all keyed hashes is that of the lake: under another one nobody is known again.

Who is who, suppressions, the ledger and who asked to be forgotten are all kept by keyed hashes. With a key that was
lost or changed they would be as if they had never been, and people who said no would be written to.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from jobs.config.settings import Settings
from jobs.config.wrong import ConfigError
from jobs.lake.lake import Lake
from jobs.lake.secret_keys import mark_of
from jobs.lake.tables import catalogue

TABLE = "ops/hash_key"
ANOTHER = (
    "KLANTREIS_HASH_KEY (or var/hash.key) is another one than that with which this lake was made: nobody would be "
    "known again, and who said no or was forgotten would be written to; set the key it was, see "
    "docs/guides/forget-a-person.md"
)


def keep(day: date, settings: Settings) -> None:
    """Note the key of a new lake. Raises ConfigError if it was made with another one."""
    lake = Lake.of(settings)
    refuse_another(lake, settings)
    if not lake.exists(TABLE):
        schema = catalogue.get(TABLE).arrow_schema()
        row = pa.table({"fingerprint": [fingerprint(settings)]}, schema=schema)
        lake.append(TABLE, row, lake.transaction("hash_key", day, code=__name__))


def refuse_another(lake: Lake, settings: Settings) -> None:
    """Raise ConfigError if the lake was made with another key."""
    if not lake.exists(TABLE):
        return
    if fingerprint(settings) not in lake.arrow(TABLE)["fingerprint"].to_pylist():
        raise ConfigError([ANOTHER])


def fingerprint(settings: Settings) -> str:
    """Tells keys apart, and does not tell the key."""
    return mark_of(settings.hash_key())
