"""`klantreis offers`: what became of offers, and new codes for them."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from jobs.cli.console import Config, Format, answer, console, load_settings, require_table
from jobs.config.wrong import CommandError, nearest

app = typer.Typer(no_args_is_help=True, help="Offers: codes given, redeemed and left, and what they cost.")
COLUMNS = (
    *("offer", "day", "given", "redeemed", "open", "expired", "revenue", "cost", "reserved"),
    *("codes_left", "budget_left", "late", "overdrawn", "said"),
)
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without those that are taken for another one."""


@app.command("list")
def list_(
    form: Annotated[Format, typer.Option("--format", help="table, json or csv.")] = Format.TABLE, config: Config = None
) -> None:
    """Show what became of each offer, as it was known when the newest day was planned."""
    from jobs.lake.queries import connect

    settings = load_settings(config)
    require_table(settings, "activation/offers")
    asked = connect(settings).execute(
        f"select {', '.join(COLUMNS)} from activation.offers where day = (select max(day) from activation.offers) "
        "order by offer"
    )
    answer(list(COLUMNS), asked.fetchall(), form, "Offers")


@app.command()
def codes(
    offer: str,
    count: Annotated[int, typer.Option("--count", min=1, max=1_000_000, help="How many codes to make.")],
    prefix: Annotated[str, typer.Option("--prefix", help="What they begin with, such as WB5-.")] = "",
    config: Config = None,
) -> None:
    """Make codes that nobody can guess and add them to the file of an offer. The shop has to know them too."""
    from jobs.config.actions.offers import add_codes

    settings = load_settings(config)
    known = settings.offers.offers
    if offer not in known:
        raise CommandError([f"unknown offer {offer!r}{nearest(offer, known)}"])
    new = (prefix + "".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in iter(int, 1))
    path = add_codes(settings.folder, known[offer], new, count)
    console.print(f"{count:,} codes added to {path}: load the file into the shop too", highlight=False, soft_wrap=True)
