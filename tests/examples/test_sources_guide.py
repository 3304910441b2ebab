"""Every configuration that the guide shows for other tools is accepted and understood by the engine."""

import datetime as dt
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from jobs.config.sources import Source
from jobs.validate.mapping import Mapping, mapped

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "add-a-source.md"
SHOWN = [yaml.safe_load(block) for block in re.findall(r"```yml\n(.*?)```", GUIDE.read_text(), re.DOTALL)]
RECORDS = {
    "zendesk_comments": {"author_id": 1111, "created_at": "2026-01-02T03:04:05Z", "author": {"name": "Ann"}},
    "newsletter": {"id": "e", "timestamp": "1767323045", "metric": "Opened Email"},
    "accounting": {"Factuurnummer": "1", "Factuurdatum": "02-01-2026", "Totaal": "€ 1.234,50", "Status": "Betaald"},
}
EXPECTED = {
    "zendesk_comments": {"contact_id": "1111", "first_name": "Ann"},
    "newsletter": {"type": "open", "occurred_at": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)},
    "accounting": {"total": 1234.5, "status": "completed", "currency": "EUR"},
}


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown["source"])
def test_a_shown_source_maps_a_record_of_its_tool(spark, shown):
    source = Source.model_validate(shown)
    ((name, dataset),) = source.datasets.items()
    columns = {"file_id": ["f"], "line": [1], "arrived": [dt.date(2026, 1, 3)], "source": [source.source]}
    raw = spark.createDataFrame(pa.table(columns | {"record": [json.dumps(RECORDS[source.source])]}))
    (row,) = mapped(raw, Mapping(name, dataset, "UTC")).toArrow().to_pylist()
    assert row["unreadable_columns"] is None
    assert {column: row[column] for column in EXPECTED[source.source]} == EXPECTED[source.source]


def test_every_tool_of_the_guide_has_a_record_here():
    assert [shown["source"] for shown in SHOWN] == list(RECORDS)
