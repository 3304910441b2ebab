"""`klantreis profiles`: where attributes come from, and what was known about customers on a past day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.console import Config, console, day_of, load_settings, require_table, show
from jobs.config.wrong import CommandError

if TYPE_CHECKING:
    import pyarrow as pa

    from jobs.lake.lake import Lake

app = typer.Typer(no_args_is_help=True, help="Where attributes come from, and profiles on a past day.")


@app.command()
def coverage(config: Config = None) -> None:
    """Show for every attribute which source fills it how far, wins, conflicts, and which delivers nothing."""
    from jobs.lake.lake import Lake

    settings = load_settings(config)
    require_table(settings, "profiles/coverage")
    rows = Lake.of(settings).arrow("profiles/coverage").sort_by([("attribute", "ascending"), ("source", "ascending")])
    show(
        "Attributes of the golden record",
        ["attribute", "source", "records", "filled", "%", "wins", "conflicts", "last updated", ""],
        [
            [
                *(row["attribute"], row["source"], row["records"], row["filled"]),
                None if row["filled_share"] is None else 100 * row["filled_share"],
                *(row["wins"], row["conflicts"], row["last_updated"] and f"{row['last_updated']:%Y-%m-%d}"),
                "delivers nothing" if row["mapped"] and not row["filled"] else "",
            ]
            for row in rows.to_pylist()
        ],
    )


@app.command()
def on(
    day: Annotated[str, typer.Argument(help="The day, as 2017-06-30.")],
    customer: Annotated[
        str | None, typer.Option(help="Print what was known about this customer, by today's id.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Keep the tables of that day here, as Parquet files.")] = None,
    config: Config = None,
) -> None:
    """Rebuild identity and profiles as they were on a past day, and print or keep them; today's tables stay."""
    from jobs.journeys.as_of import profiles_on
    from jobs.lake.lake import Lake

    settings = load_settings(config)
    chosen = day_of(day, "DAY")
    require_table(settings, "identity/map")
    with profiles_on(chosen, settings) as past:
        if save:
            _save(past, save)
        if customer:
            _print_customer(customer, chosen, Lake.of(settings), past)
        else:
            show(f"Profiles on {chosen}", ["table", "rows"], [[name, past.rows(name)] for name in _tables(past)])


def _tables(lake: Lake) -> list[str]:
    from jobs.journeys.as_of import TABLES

    return [name for name in TABLES if lake.exists(name)]


def _save(lake: Lake, folder: Path) -> None:
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    for name in _tables(lake):
        pq.write_table(lake.arrow(name), folder / f"{name.replace('/', '_')}.parquet")
    console.print(f"{len(_tables(lake))} tables in {folder}; they hold personal data")


def _print_customer(customer: str, day: date, today: Lake, past: Lake) -> None:
    from jobs.journeys.as_of import known_as

    ids = known_as(customer, today, past)
    if not ids:
        raise CommandError([f"customer {customer} was not known on {day}; `klantreis query` lists profiles.people"])
    for known in ids:
        if known != customer:
            console.print(f"On {day} known as {known}.")
        for name in _tables(past):
            if name.startswith("profiles/") and "customer_id" in past.contract(name).column_names:
                _print_rows(name, past.arrow(name), known)


def _print_rows(name: str, table: pa.Table, customer: str) -> None:
    import pyarrow.compute as pc

    rows = table.filter(pc.equal(table["customer_id"], customer)).to_pylist()
    for number, row in enumerate(rows, start=1):
        values = [
            [column, str(value)] for column, value in row.items() if column != "customer_id" and value is not None
        ]
        show(f"{name} {number}" if len(rows) > 1 else name, ["column", "value"], values)
