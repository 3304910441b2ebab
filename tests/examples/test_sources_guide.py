"""Every configuration that the guide shows for other tools is accepted and understood by the engine."""

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from jobs.config.sources.source import Source
from jobs.validate.mapping.columns import Mapping, mapped

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
SHOWN = [
    yaml.safe_load(block)
    for guide in ("add-a-source.md", "contacts-of-every-kind.md")
    for block in re.findall(r"```yml\n(.*?)```", (GUIDES / guide).read_text(), re.DOTALL)
]
RECORDS = {
    "zendesk_comments": {"author_id": 1111, "created_at": "2026-01-02T03:04:05Z", "author": {"name": "Ann"}},
    "newsletter": {"id": "e", "timestamp": "1767323045", "metric": "Opened Email"},
    "accounting": {"Factuurnummer": "1", "Factuurdatum": "02-01-2026", "Totaal": "€ 1.234,50", "Status": "Betaald"},
    "google_ads": {
        "campaign": {"id": "123", "name": "Spring", "advertisingChannelType": "SEARCH"},
        "segments": {"date": "2026-01-02"}, "customer": {"currencyCode": "EUR"},
        "metrics": {"impressions": "2000", "clicks": "30", "costMicros": "12345678", "conversions": 1.5},
    },
    "reviews": {"id": "r", "created": "2026-01-02", "changed": "2026-01-02", "stars": "4", "verified_buyer": "yes"},
    "calendly": {
        "uri": "i", "email": "ann@x.nl", "status": "active", "no_show": None, "created_at": "2026-01-01T09:00:00Z",
        "updated_at": "2026-01-02T09:00:00Z",
        "scheduled_event": {"uri": "e", "start_time": "2026-01-05T09:00:00Z", "name": "Kitchen advice"},
    },
    "mollie": {
        "id": "tr_1", "status": "open", "createdAt": "2026-01-02T03:04:05+00:00", "method": "ideal",
        "amount": {"value": "10.00", "currency": "EUR"}, "metadata": {"order_id": "7"},
    },
    "smart_meter": {"meter": "m", "began": "2026-01-02T03:00:00Z", "programme": "eco", "kwh": "1.25", "minutes": "90"},
    "research": {"Nr": "1", "Datum": "02-01-2026", "Soort": "onderzoek", "Gevoel": "slecht", "Contactpunt": "checkout"},
    "cms": {"id": "c", "type": "recipe", "path": "/recipes/soup", "micro_moment": "do", "journey_stage": "loyalty"},
    "app": {
        "id": "e", "ts": "1767323045000", "name": "page_view", "geo": {"lat": 52.1, "lon": 5.1, "store": "s1"},
        "vitals": {"LCP": "2500", "INP": "200", "CLS": "0.05"},
    },
}  # fmt: skip
EXPECTED = {
    "zendesk_comments": {"contact_id": "1111", "first_name": "Ann"},
    "newsletter": {"type": "open", "occurred_at": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)},
    "accounting": {"total": 1234.5, "status": "completed", "currency": "EUR"},
    "google_ads": {"campaign_id": "123", "channel": "search", "day": dt.date(2026, 1, 2), "impressions": 2000,
                   "clicks": 30, "conversions": 1.5, "cost": Decimal("12.35"), "currency": "EUR"},
    "reviews": {"review_id": "r", "rating": 4.0, "scale_max": 5.0, "verified": True},
    "calendly": {"appointment_id": "e", "status": "booked", "topic": "Kitchen advice", "email": "ann@x.nl",
                 "starts_at": dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)},
    "mollie": {"payment_id": "tr_1", "status": "due", "amount": Decimal("10.00"), "currency": "EUR", "order_id": "7",
               "due_at": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)},
    "smart_meter": {"usage_id": "m/2026-01-02T03:00:00Z", "quantity": 1.25, "unit": "kWh", "seconds": 5400},
    "research": {"kind": "market_research", "valence": "negative", "touchpoint": "checkout",
                 "noted_at": dt.datetime(2026, 1, 2, tzinfo=dt.UTC)},
    "cms": {"content_id": "c", "kind": "recipe", "moment": "do", "stage": "loyalty", "url": "/recipes/soup"},
    "app": {"store_id": "s1", "latitude": 52.1, "longitude": 5.1, "lcp": 2.5, "inp": 0.2, "cls": 0.05},
}  # fmt: skip


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
