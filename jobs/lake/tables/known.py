"""Rows of datasets as they are known today, of which KPIs are counted: one table for each dataset with such a KPI.

They have nothing that identifies a person but the customer, who is empty for somebody nobody knows: an advertisement
that was seen by strangers counts, too.
"""

from __future__ import annotations

from jobs.lake.tables.canonical import CANONICAL, LINEAGE_COLUMNS, PERSON_COLUMNS, VERSION_COLUMNS
from jobs.lake.tables.contract import Column, Dataset, columns

BEFORE = "known_"
"""Before the name of a dataset: its rows as known today."""
WITHOUT_MOMENT = ("campaign_stats",)
"""Datasets whose rows are of a day instead of a moment."""
WHEN = columns("""
customer_id string the customer; empty for somebody nobody knows
day date day in the configured time zone
hour int hour 0 to 23 in that time zone; empty for rows of a day
weekday int 1 (Monday) to 7
""")
SAID = columns("""
sentiment double how positively the text speaks, -1 to 1 (models/texts)
tone string positive, neutral or negative, by that text; empty without one
intent string what the writer wants, by that text
theme string what that text is about
asks boolean whether the text puts a question, in Dutch or English; empty without one
""")
REOPENED = columns("reopened bigint times it was opened again after it had been solved")
OUTCOME = columns("outcome string what became of the order: completed, open, returned, cancelled, free, credit or test")
BESIDE: dict[str, tuple[Column, ...]] = {
    "survey_responses": SAID,
    "reviews": SAID,
    "social_posts": SAID,
    "notes": SAID,
    "messages": SAID,
    "conversations": REOPENED,
    "tickets": REOPENED,
    "orders": OUTCOME,
    "order_lines": (
        *OUTCOME,
        *columns("""
        status string status of the order
        channel string where the order was placed
        store_id string the shop, for store orders
        currency string ISO 4217 code of what was paid; amounts are in the company's currency
        category string category of the product
        department string department of the product
        brand string brand of the product
        nth_order bigint the how manieth order of the customer it is part of, of those that were kept; else empty
        new_department boolean whether no earlier kept order of the customer has the department; empty as nth_order
        price_before double what the customer paid per unit the last time before for the category; empty for the first
        """),
    ),
    "events": columns("""
    content_id string the item of the dataset content with the address of the page
    content_kind string its kind: article, video, tool, ...
    content_topic string what it is about
    content_stage string the stage it is for
    content_moment string the micro-moment it serves
    """),
}
"""What is known of rows beside what the dataset says."""


def _known(dataset: Dataset) -> Dataset:
    left_out = {*PERSON_COLUMNS, *LINEAGE_COLUMNS, *VERSION_COLUMNS, *(c.name for c in dataset.columns if c.personal)}
    beside = (*WHEN, *BESIDE.get(dataset.short_name, ()))
    named = {column.name for column in beside}
    source = next(column for column in dataset.columns if column.name == "source")
    own = tuple(c for c in dataset.columns if c.name not in left_out | named)
    grain = f"one record of {dataset.short_name} as known today, of those that KPIs are counted over"
    key = ("source", *dataset.record)
    return Dataset(
        f"journeys/{BEFORE}{dataset.short_name}", grain, key, (source, *own, *beside), scope="state", day_column="day"
    )


KNOWN: dict[str, Dataset] = {
    table.short_name: _known(table)
    for table in CANONICAL.values()
    if table.moment or table.short_name in WITHOUT_MOMENT
}
"""Dataset to the table of its rows."""
CONTRACTS = Dataset(
    "journeys/contracts",
    "one stretch of time in which a customer had a subscription, whichever",
    ("owner", "valid_from"),
    columns("""
    owner string the customer, or the subscription where nobody knows whose it is
    customer_id string the customer; empty for somebody nobody knows
    plan string the plan of the last subscription in it
    source string the source of that subscription
    subscriptions bigint subscriptions in it
    valid_from date first day
    valid_to date last day, also one still to come; empty for an open end
    back_on date first day of the next one; empty while there is none
    back_until date last day of the next one
    """),
    scope="state",
)
TABLES: tuple[Dataset, ...] = (*KNOWN.values(), CONTRACTS)
