"""Where the rows of each dataset of contacts went: every one is a touchpoint, or there is a reason why not.

A record counts with its newest version. The checks look at rows and touchpoints from outside, without the code that
made them: a touchpoint of no row, a row with two, or one of somebody known without any, is found.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Dataset
from jobs.report.section import Section

IDENTIFIERS = ("contact_id", "email", "phone", "login_id", "cookie_id", "loyalty_id")
NEEDS = ("journeys.touchpoints", "identity.standing")


@dataclass(frozen=True)
class _Contact:
    """How rows of one dataset are touchpoints: those of `types` that each has, and the `reference` it has there."""

    dataset: str
    types: str
    reference: str
    no_contact: str = "false"
    """Records that are no contact of a customer, such as test orders."""
    at: str | None = None
    """When a record becomes a contact; default: its moment."""

    @property
    def table(self) -> Dataset:
        return catalogue.get(f"valid/{self.dataset}")

    @property
    def view(self) -> str:
        return f"valid.{self.dataset}"

    @property
    def identifiers(self) -> list[str]:
        return [name for name in IDENTIFIERS if name in self.table.column_names]

    @property
    def moment(self) -> str:
        return self.at or str(self.table.moment)


_OF_PAYMENT = "over (partition by source, payment_id)"
_EVER_FAILED = f"coalesce(bool_or(lower(status) = 'failed') {_OF_PAYMENT}, false)"
_CALLED_OFF = f"min(updated_at) filter (where lower(status) = 'cancelled') {_OF_PAYMENT}"

CONTACTS = (
    _Contact("orders", "'order', 'return'", "order_id", "lower(status) = 'test'"),
    _Contact("campaign_events", "type", "event_id"),
    _Contact("conversations", "'conversation'", "conversation_id"),
    _Contact("tickets", "'conversation'", "ticket_id"),
    _Contact("survey_responses", "kind", "response_id || ':' || question_id"),
    _Contact("contacts", "'registration'", "contact_id", at="coalesce(created_at, updated_at)"),
    _Contact("social_posts", "'post'", "post_id"),
    _Contact("reviews", "'review'", "review_id"),
    _Contact("appointments", "'appointment'", "appointment_id"),
    _Contact("usage", "'use'", "usage_id"),
    _Contact(
        "payments",
        "'payment', 'payment_failed', 'payment_due'",
        "payment_id",
        f"lower(status) = 'cancelled' and not ({_EVER_FAILED}) and coalesce(due_at >= {_CALLED_OFF}, true)",
        "case when lower(status) in ('paid', 'refunded') then coalesce(paid_at, updated_at) else due_at end",
    ),
    _Contact("notes", "'interview'", "note_id", "lower(kind) not in ('interview', 'panel')"),
)
"""A payment has up to three touchpoints: none before it is due, and none if it was called off before."""


def _records(one: _Contact) -> str:
    """Every row of the dataset with what became of it: older, ended, no_contact, later, contact or nobody."""
    record = ", ".join(("source", *one.table.record))
    last = ("updated_at", "arrived", "file_id", "line")
    order = ", ".join(("stands desc", *(f"{name} desc nulls last" for name in last)))
    newest = f"row_number() over (partition by {record} order by {order}) = 1" if one.table.versions else "true"
    given = " || ".join(f"({name} is not null)::int::varchar" for name in one.identifiers)
    return f"""
        with known as (select * from {one.view} where arrived <= (select max(as_of) from identity.standing)),
        delivered as (select *, {_stands(one)} as stands from known),
        rows as (
            select source, {", ".join(one.identifiers)}, {given} as given, {newest} as newest,
                   {"coalesce(deleted, false) or not stands" if one.table.versions else "false"} as ended, as_of,
                   coalesce({one.no_contact}, false) as no_contact, {one.moment} as moment,
                   {one.reference} as reference, [{one.types}] as types
            from delivered, (select max(as_of) as as_of from identity.standing)),
        met as (
            select rows.*, newest and exists (
                select 1 from journeys.touchpoints t
                where t.source = rows.source and t.reference = rows.reference and list_contains(rows.types, t.type)
            ) as is_there from rows)
        select *, case when not newest then 'older' when ended then 'ended' when no_contact then 'no_contact'
                       when is_there then 'contact'
                       when moment is null or moment >= as_of + interval 10 hour then 'later'  -- in some time zone
                       else 'nobody' end as became
        from met"""


def _stands(one: _Contact) -> str:
    """Whether a row is in the newest delivery of what it is delivered together with, if that comes as a whole."""
    if not one.table.whole:
        return "true"
    newest = f"max(delivery) over (partition by source, {one.table.whole})"
    return f"coalesce(coalesce(delivery, updated_at, arrived::timestamp::timestamptz) >= {newest}, true)"


def by_dataset(existing: Collection[str]) -> list[Section]:
    """Rows of each dataset that is loaded and what became of them, as one table; none without journeys."""
    there = [one for one in CONTACTS if one.view in existing]
    if not there or not set(NEEDS) <= set(existing):
        return []
    kinds = ("older", "ended", "no_contact", "later", "nobody", "contact")
    named = ("older versions", "ended", "no contact", "later", "of nobody known", "touchpoints")
    counts = ", ".join(
        f"count(*) filter (became = '{kind}') as \"{name}\"" for kind, name in zip(kinds, named, strict=True)
    )
    parts = [
        f"select '{one.dataset}' as dataset, source, count(*) as rows, {counts} from ({_records(one)}) group by source"
        for one in there
    ]
    return [Section("Contacts of each dataset", NEEDS, " union all ".join(parts) + " order by dataset, source")]


def proofs(existing: Collection[str]) -> list[Section]:
    """What must never be found of the datasets that are loaded."""
    there = [one for one in CONTACTS if one.view in existing]
    return [*map(_lost, there), *map(_of_no_row, there)]


def _lost(one: _Contact) -> Section:
    """Somebody is known if another row that has nothing but the same identifier has a touchpoint."""
    alone = {name: "".join(str(int(other == name)) for other in one.identifiers) for name in one.identifiers}
    known = " union all ".join(
        f"select source, '{name}' as kind, {name} as value from became where is_there and given = '{only}'"
        for name, only in alone.items()
    )
    nobody = " union all ".join(
        f"select source, '{name}' as kind, {name} as value, reference from became where became = 'nobody'"
        for name in one.identifiers
    )
    return Section(
        f"rows of {one.dataset} are of somebody known and no touchpoint, or ended and still one",
        (one.view, *NEEDS),
        f"""
        with became as ({_records(one)})
        select source || ' ' || reference from became where is_there and became in ('ended', 'no_contact')
        union all
        select nobody.source || ' ' || nobody.reference from ({nobody}) nobody
        where (nobody.source, nobody.kind, nobody.value) in (select source, kind, value from ({known}))""",
    )


def _of_no_row(one: _Contact) -> Section:
    """Touchpoints of a source that delivers this dataset, of its types, without a row."""
    others = [other for other in CONTACTS if other.types == one.types and other is not one]
    elsewhere = " or ".join(["false", *(f"source in (select source from {other.view})" for other in others)])
    types = f"select distinct {one.types} from {one.view}" if "'" not in one.types else one.types
    return Section(
        f"touchpoints stand for no row of {one.dataset}",
        (one.view, "journeys.touchpoints", *(other.view for other in others)),
        f"""
        select touchpoint_id from journeys.touchpoints
        where type in ({types}) and source in (select source from {one.view}) and not ({elsewhere})
          and (source, reference) not in (select source, {one.reference} from {one.view})""",
    )
