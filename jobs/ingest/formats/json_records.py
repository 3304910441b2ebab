"""JSON records found one by one: taken, or refused for what they are."""

from __future__ import annotations

import json
import re

import pyarrow as pa

from jobs.config.sources.formats import Limits
from jobs.ingest.formats.content import MB
from jobs.ingest.formats.json_documents import depth, longest_text
from jobs.ingest.formats.records import Chunk, Reject, shortened

HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape of half a character: emojis are written as two of them."""
TODO = "correct it and send it in a new file"


class Found:
    """Records found one by one, until they are enough for a chunk."""

    def __init__(self, limits: Limits) -> None:
        self.size = self.count = 0
        self._limits = limits
        self._lines: list[int] = []
        self._records: list[str] = []
        self._rejects: list[Reject] = []

    def add(self, number: int, record: str, problem: str | None) -> None:
        """Take a record, or refuse it if there is a problem or it is over a limit."""
        refusal = ("record:json", f"{problem}; {TODO}") if problem else over(record, self._limits)
        if refusal:
            self.refuse(number, *refusal, record)
        else:
            self.size, self.count = self.size + len(record), self.count + 1
            self._lines.append(number)
            self._records.append(record)

    def refuse(self, number: int, rule: str, reason: str, record: str) -> None:
        self.size, self.count = self.size + len(record), self.count + 1
        self._rejects.append(Reject(number, rule, reason, shortened(record)))

    def chunk(self) -> Chunk:
        lines, records = pa.array(self._lines, pa.int64()), pa.array(self._records, pa.string())
        return Chunk(lines, text=records, rejects=self._rejects)


def over(record: str, limits: Limits) -> tuple[str, str] | None:
    """Rule and reason of a JSON object that is too large or too deep, or of JSON that is no object."""
    if not record.startswith("{"):
        return "record:json", f"a JSON object is wanted here; {TODO}"
    if len(record) > limits.record_mb * MB or (
        len(record) > limits.field_mb * MB and longest_text(record) > limits.field_mb * MB
    ):
        caps = f"{limits.field_mb} MB a field, {limits.record_mb} MB a record"
        return "record:size", f"larger than {caps}; send it shorter, or raise general.limits"
    if "\\u" in record and HALF.search(record) and _has_half_a_character(record):
        return "record:json", f"a text holds half of an emoji, as one that was cut in two; {TODO}"
    if brackets(record) > limits.nesting and depth(record) > limits.nesting:
        return "record:json", f"nested deeper than {limits.nesting} levels; flatten it or raise general.limits.nesting"
    return None


def brackets(record: str) -> int:
    return record.count("{") + record.count("[")


def _has_half_a_character(record: str) -> bool:
    try:
        json.dumps(json.loads(record), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False
