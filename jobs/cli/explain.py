"""`klantreis explain`: why a customer is one, what was kept out, and where its values come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.cli.console import Config, console, load_settings, require_table, show
from jobs.config.wrong import CommandError

if TYPE_CHECKING:
    from jobs.config.settings import Settings

Row = dict[str, Any]
MOST = 50
"""Rows shown of one table; --json has them all."""


def explain(
    customer: Annotated[str | None, typer.Argument(help="The customer, as customer_id in profiles/customers.")] = None,
    source: Annotated[str | None, typer.Option(help="Find the customer by a record of this source ...")] = None,
    record: Annotated[str | None, typer.Option(help="... and its id there.")] = None,
    email: Annotated[str | None, typer.Option(help="Find the customer by an e-mail address.")] = None,
    phone: Annotated[str | None, typer.Option(help="Find the customer by a phone number.")] = None,
    show_values: Annotated[bool, typer.Option("--show-values", help="Print names, addresses and ids too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: Config = None,
) -> None:
    """Show which records a customer is made of, by which links and since when, and where its values come from."""
    from jobs.identity import explain as job

    settings = load_settings(config)
    require_table(settings, "identity/links")
    asked = _asked(settings, customer, source, record, email, phone)
    current, steps = job.successor(settings, asked)
    found = job.explain(settings, current, show_values)
    if json:
        merged = {"asked": asked, "merged": [{**step} for step in steps]} if steps else {}
        typer.echo(job.to_json(merged | found))
        return
    for step in steps:
        became = f"{step['other_customer_id']} became part of {step['customer_id']} on {step['day']}"
        console.print(f"{became}, by {step['reason']}.", markup=False, highlight=False, soft_wrap=True)
    _print(found, show_values)


def named_by(
    what: str, customer: str | None, source: str | None, record: str | None, email: str | None, phone: str | None
) -> tuple[str, str, str | None]:
    """The one way in which a command names somebody: customer, contact, email or phone, the value, and a source.

    Raises CommandError if there is none, or more than one.
    """
    by_record = source is not None or record is not None
    if [customer is not None, by_record, email is not None, phone is not None].count(True) != 1:
        raise CommandError([f"name one {what}: by CUSTOMER, by --source and --record, by --email or by --phone"])
    if by_record and (source is None or record is None):
        raise CommandError(["--source and --record belong together: an id only means something within its source"])
    ways = {"customer": customer, "email": email, "phone": phone, "contact": record}
    return next((kind, value, source) for kind, value in ways.items() if value is not None)


def _asked(
    settings: Settings,
    customer: str | None,
    source: str | None,
    record: str | None,
    email: str | None,
    phone: str | None,
) -> str:
    from jobs.identity.explain import find

    kind, value, of_source = named_by("customer", customer, source, record, email, phone)
    return value if kind == "customer" else find(settings, kind, value, of_source)


def _print(found: Row, show_values: bool) -> None:
    console.print(f"[bold]Customer {found['customer']}[/] as of {found['as_of']}", highlight=False)
    _show("Records", ["record", "first seen"], found["records"], "record", "first_seen")
    names = ("kind", "identifier", "first_seen", "sources")
    _show("Identifiers", ["kind", "identifier", "first seen", "sources"], found["identifiers"], *names)
    ends = ("left", "right", "rule", "probability", "weight", "first_seen")
    _show(
        "Joined by", ["record or identifier", "with", "rule", "probability", "weight", "since"], found["links"], *ends
    )
    _show(
        "No longer joined by",
        ["record or identifier", "with", "rule", "weight", "since", "until", "why"],
        found["kept_out"],
        *("left", "right", "rule", "weight", "first_seen", "until", "reason"),
    )
    _show(
        "Identifiers that join nobody",
        ["kind", "identifier", "why", "since"],
        found["set_aside"],
        *("kind", "identifier", "reason", "since"),
    )
    _show(
        "Records that may be the same person",
        ["record", "and", "probability", "weight", "how they agree", "status"],
        found["review"],
        *("left", "right", "probability", "weight", "agrees", "status"),
    )
    _show(
        "Decisions",
        ["record", "and", "are", "by", "on", "because", "where", "effect"],
        found["decisions"],
        *("left", "right", "decision", "by", "on", "because", "place", "effect"),
    )
    columns = ("day", "type", "customer_id", "other_customer_id", "reason")
    _show("What happened", ["day", "what", "customer", "other", "by"], found["events"], *columns)
    value = ("value",) if show_values else ()
    origin = ("source", "record", "date", "rule")
    _show("Golden record", ["attribute", *value, *origin], found["golden"], "attribute", *value, *origin)
    kept = ("purpose", "channel", "status", "changed_at", "expires_at", "source")
    _show("Consent", ["purpose", "channel", "status", "answered", "until", "source"], found["consent"], *kept)


def _show(title: str, heads: Sequence[str], rows: Sequence[Row], *names: str) -> None:
    """A table, unless there is nothing in it."""
    if not rows:
        return
    show(title, heads, [[_plain(row.get(name)) for name in names] for row in rows[:MOST]])
    if len(rows) > MOST:
        console.print(f"{len(rows) - MOST:,} more; see --json")


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "hour") else value
