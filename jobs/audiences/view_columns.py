"""What a rule can ask about a customer: the columns of the customer view, with types and meanings."""

from __future__ import annotations

from collections.abc import Iterable

from jobs.config.settings import Settings
from jobs.config.traits import Trait, trait_columns
from jobs.lake.tables.contract import Column, Dataset, columns, extended

VIEW = Dataset(
    "audiences/view",
    "one customer at the end of a day",
    ("customer_id",),
    (
        *columns("""
            customer_id string id of the customer
            today date the day itself, for how long it is until a date: date_diff(contract_ends_on, today)
            known boolean whether there is more than a cookie
            language string language, ISO 639-1
            country string country, ISO 3166-1 alpha-2
            city string city
            gender string gender
            age int age in years
            days_known int days since the customer was first seen
            stage string awareness, consideration, purchase, service or loyalty
            state string how it stands there: active, new, lapsed, ... as the rules of journey.yaml say
            previous_stage string the stage before
            days_in_stage int days since the customer came into the stage
            know_until timestamp when the last know moment that nothing served expires, if any lasts into the day
            go_until timestamp the same of go moments
            do_until timestamp the same of do moments
            buy_until timestamp the same of buy moments
        """),
    ),
)
"""Every company's columns; a company's models and traits come on top."""
VIEW_COLUMNS: tuple[str, ...] = tuple(VIEW.column_names)


def view_with(traits: dict[str, Trait], models: Iterable[str]) -> Dataset:
    """The view of a company that has these traits and models."""
    return extended(VIEW, (*score_columns(models), *trait_columns(traits)))


def view_of(settings: Settings) -> Dataset:
    """The view of the company."""
    return view_with(settings.traits, settings.learned)


def score_columns(models: Iterable[str]) -> tuple[Column, ...]:
    """What the newest score of each model says of a customer."""
    return tuple(
        column
        for model in models
        for column in columns(f"""
            score_{model} double newest score by the model {model}
            label_{model} string its label, such as a risk band or a segment
        """)
    )
