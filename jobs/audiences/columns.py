"""The columns audience rules may use. One row is one customer at the end of the day; nothing later is known."""

from __future__ import annotations

from jobs.config.traits import Trait, trait_columns
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Column, Dataset, extended

_OWN = """
customer_id string id of the customer
known boolean whether there is more than a cookie
language string language, ISO 639-1
country string country, ISO 3166-1 alpha-2
city string city
gender string gender
age int age in years
days_known int days since the customer was first seen
stage string awareness, consideration, purchase, service or loyalty
previous_stage string the stage before
days_in_stage int days since the customer came into the stage
churn_score double probability that the customer will not come back, newest score
churn_band string risk band of that score, a name of config/models.yaml
segment string name of the customer's segment
days_since_order int days since the last order in any channel
days_since_return int days since the last return
days_since_visit int days since the last visit to web shop or app
days_since_conversation int days since the last conversation
days_since_nps int days since the last NPS answer
days_since_csat int days since the last CSAT answer
days_since_click int days since the last campaign click
basket_items int products put in the basket that was not ordered, empty if anything was ordered since
basket_age_days int days since that basket was last touched
last_moment string newest micro-moment: know, go, do or buy
days_since_moment int days since that moment
moment_served boolean whether the customer reached the goal of that moment
"""


def _view() -> Dataset:
    features = [c for c in catalogue.get("models/features").columns if c.name not in ("day", "customer_id")]
    lines = (line.split(maxsplit=2) for line in _OWN.strip().splitlines())
    own = [Column(name, type_, meaning) for name, type_, meaning in lines]
    return Dataset("audiences/view", "one customer at the end of a day", ("customer_id",), (*own, *features))


VIEW = _view()
VIEW_COLUMNS: tuple[str, ...] = tuple(VIEW.column_names)


def view_with(traits: dict[str, Trait]) -> Dataset:
    """The view of a company that has these traits."""
    return extended(VIEW, trait_columns(traits))


FEATURES: tuple[str, ...] = tuple(
    c.name for c in catalogue.get("models/features").columns if c.name not in ("day", "customer_id")
)
TOUCHPOINTS = {
    "days_since_order": "order",
    "days_since_return": "return",
    "days_since_visit": "visit",
    "days_since_conversation": "conversation",
    "days_since_nps": "nps",
    "days_since_csat": "csat",
    "days_since_click": "click",
}
"""Column of the view to the type of touchpoint whose last day it counts from."""
