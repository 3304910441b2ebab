"""Typed tables whose customer is known, expected rows as text, and the configuration that is shipped."""

from pathlib import Path

import pytest
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual

from jobs.activity.every_day import why_not
from jobs.config.journey.journey import Journey
from jobs.config.journey.kpis import over_tables
from jobs.config.traits import Trait, Traits
from jobs.config.yaml_files import load

SHIPPED = Path(__file__).resolve().parents[1] / "config" / "journey.yaml"
RULES = {name: SHIPPED.with_name(name).read_text() for name in ("journey.yaml", "traits.yaml", "models.yaml")}
"""The shipped rules of the journey, and the traits they use."""


def of_each_kind(kpis):
    """Of the KPIs of a journey one for each table and way of counting its rows: planning all takes most of a test."""
    kinds = {}
    for name, kpi in kpis.items():
        kind = (kpi["table"], "denominator" in kpi, *(key for key in ("first", "days_before") if key in kpi))
        if kind not in kinds or len(kpi.get("dimensions", ())) > len(kpis[kinds[kind]].get("dimensions", ())):
            kinds[kind] = name
    return {name: kpi for name, kpi in kpis.items() if name in kinds.values()}


DEFAULTS = {
    "valid/events": {"source": "web", "type": "page_view", "cookie_id": "k1"},
    "valid/orders": {"source": "pos", "file_id": "f", "line": 1, "status": "completed", "channel": "store"},
    "valid/campaign_events": {"source": "campaigns", "channel": "email", "campaign_id": "spring"},
    "valid/conversations": {"source": "desk", "file_id": "f", "line": 1, "channel": "chat"},
    "valid/tickets": {"source": "desk", "file_id": "f", "line": 1},
    "valid/survey_responses": {"source": "survey", "question_id": "q", "survey_id": "s"},
    "valid/contacts": {"source": "crm", "contact_id": "1"},
    "valid/reviews": {"source": "shop", "file_id": "f", "line": 1, "review_id": "r1"},
    "valid/appointments": {"source": "desk", "file_id": "f", "line": 1, "appointment_id": "a1"},
    "valid/payments": {"source": "bank", "file_id": "f", "line": 1, "payment_id": "p1"},
    "valid/usage": {"source": "meter", "usage_id": "u1"},
    "valid/notes": {"source": "research", "file_id": "f", "line": 1, "note_id": "n1"},
}


@pytest.fixture
def known(rows):
    """`known("valid/events", {...})`: rows of a typed table with their customer, `c` unless contact_id says another."""

    def build(name, *records):
        full = [{**DEFAULTS[name], **record} for record in records]
        return rows(name, *full).withColumn("customer_id", F.coalesce("contact_id", F.lit("c")))

    return build


@pytest.fixture
def expect():
    """`expect(df, "a b", (1, 2), ...)`: these columns hold exactly these rows, dates and decimals as text."""

    def check(df, columns, *expected):
        names = columns.split()
        shown = df.select(*[F.col(name).cast("string").alias(name) for name in names])
        texts = [tuple(None if value is None else str(value) for value in row) for row in expected]
        schema = ", ".join(f"{name} string" for name in names)
        assertDataFrameEqual(shown, df.sparkSession.createDataFrame(texts, schema))

    return check


@pytest.fixture(scope="session")
def shipped() -> Journey:
    """config/journey.yaml of the project, its KPIs over tables."""
    journey, rows = load(SHIPPED, Journey), load(SHIPPED.with_name("traits.yaml"), Traits).rows
    return journey.model_copy(update={"kpis": over_tables(journey.kpis, rows, SHIPPED)})


@pytest.fixture(scope="session")
def shipped_traits() -> dict[str, Trait]:
    """Those of config/traits.yaml that can be asked on every day."""
    traits = load(SHIPPED.with_name("traits.yaml"), Traits).over_tables()
    return {name: trait for name, trait in traits.items() if not why_not(trait)}
