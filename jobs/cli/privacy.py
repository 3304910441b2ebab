"""`klantreis erase`, `klantreis privacy` and `klantreis export person`: what people ask about their own data."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.console import Config, console, load_settings, show
from jobs.cli.explain import named_by
from jobs.config.wrong import CommandError

if TYPE_CHECKING:
    from jobs.config.settings import Settings
    from jobs.privacy.person import Who
    from jobs.privacy.receipts import Receipt

app = typer.Typer(no_args_is_help=True, help="Receipts of erasure, and people who may come back.")
Customer = Annotated[str | None, typer.Argument(help="The customer, as customer_id in profiles/customers.")]
Source = Annotated[str | None, typer.Option(help="Find the person by a record of this source ...")]
Record = Annotated[str | None, typer.Option(help="... and its id there.")]
Email = Annotated[str | None, typer.Option(help="Find the person by an e-mail address.")]
Phone = Annotated[str | None, typer.Option(help="Find the person by a phone number.")]


def erase(
    because: Annotated[str, typer.Option("--because", help="Why, such as the number of the request; it is kept.")],
    customer: Customer = None,
    source: Source = None,
    record: Record = None,
    email: Email = None,
    phone: Phone = None,
    only_record: Annotated[
        bool, typer.Option("--only-this-record", help="Of a customer that is two people, only the one of --record.")
    ] = False,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="A destination that is not asked; may be repeated.")
    ] = None,
    receipt: Annotated[Path | None, typer.Option("--receipt", help="Write a page for the person to this file.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    config: Config = None,
) -> None:
    """Erase a person everywhere: files, tables, their earlier versions and every list at a destination."""
    from jobs.privacy import erasure, receipts

    settings = load_settings(config)
    who = _who(settings, customer, source, record, email, phone, only_record)
    if unknown := set(without or ()) - set(settings.destinations):
        raise CommandError([f"--without: there is no destination {', '.join(sorted(unknown))}"])
    if not yes:
        typer.confirm("This cannot be undone. Erase this person everywhere?", abort=True)
    request = erasure.Request(who, because, getpass.getuser(), tuple(without or ()))
    done = receipts.newest(erasure.run(request, settings))
    _tell(done)
    if receipt:
        receipt.write_text(receipts.as_html(done, settings), encoding="utf-8")
        console.print(f"Written: {receipt}", highlight=False)


@app.command("receipts")
def receipts_(
    request: Annotated[str, typer.Argument(help="The request, as in privacy/receipts.")], config: Config = None
) -> None:
    """Show what a request did in each place, and whether its receipts are as they were sealed."""
    from jobs.lake.lake import Lake
    from jobs.privacy import receipts

    settings = load_settings(config)
    found = receipts.of_request(Lake.of(settings), request, settings)
    if not found:
        raise CommandError([f"there is no request {request}; see klantreis query 'from privacy.receipts'"])
    _tell(receipts.newest(receipt for receipt, _ in found))
    if broken := [receipt.place for receipt, sealed in found if not sealed]:
        raise CommandError([f"changed since they were given: the receipts of {', '.join(sorted(set(broken)))}"])


@app.command()
def readmit(
    customer: Customer = None,
    source: Source = None,
    record: Record = None,
    email: Email = None,
    phone: Phone = None,
    config: Config = None,
) -> None:
    """Let somebody who was erased come back with the next delivery, because they asked to."""
    from jobs.lake.lake import Lake
    from jobs.privacy import person

    settings = load_settings(config)
    found = person.resolved(_who(settings, customer, source, record, email, phone), settings)
    free = person.readmit(found, Lake.of(settings), settings)
    console.print(f"{free} identifiers are no longer kept out", highlight=False)


def export_person(
    to: Annotated[Path, typer.Option("--to", help="The file: .json for programs, .html for the person.")],
    customer: Customer = None,
    source: Source = None,
    record: Record = None,
    email: Email = None,
    phone: Phone = None,
    config: Config = None,
) -> None:
    """Write everything that is known of one person, as received and as made of it, for that person."""
    from jobs.privacy import access

    settings = load_settings(config)
    if to.suffix not in (".json", ".html"):
        raise CommandError([f"--to {to}: end it in .json or .html"])
    told = access.data_of(_who(settings, customer, source, record, email, phone), settings)
    text = access.as_json(told) if to.suffix == ".json" else access.as_html(told, settings)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.touch(mode=0o600)
    to.write_text(text, encoding="utf-8")
    console.print(f"Written: {to}, {sum(map(len, told.values())):,} rows of {len(told)} tables", highlight=False)


def _tell(receipts: list[Receipt]) -> None:
    from rich.markup import escape

    from jobs.privacy.receipts import MEANS, OPEN

    rows = [[one.place, MEANS[one.outcome], f"{one.number:,}", one.detail] for one in receipts]
    show(f"Request {receipts[0].request}" if receipts else None, ["place", "result", "number", "what"], rows)
    if left := [one.place for one in receipts if one.outcome in OPEN]:
        console.print(f"[bold]Still to do:[/] {escape(', '.join(left))}", highlight=False, soft_wrap=True)


def _who(
    settings: Settings,
    customer: str | None,
    source: str | None,
    record: str | None,
    email: str | None,
    phone: str | None,
    only_record: bool = False,
) -> Who:
    from jobs.privacy.person import Who

    kind, value, of_source = named_by("person", customer, source, record, email, phone)
    if of_source is not None and of_source not in settings.sources:
        raise CommandError([f"--source: there is no source {of_source}"])
    return Who(kind, value, of_source, only_record)
