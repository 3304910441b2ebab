"""`klantreis effect`: what an audience did, against those held out, and the query that counts it again."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.cli.console import Config, console, day_of, load_settings, require_table, show
from jobs.config.wrong import CommandError, nearest

COLUMNS = ("metric", "treated", "held_out", "treated_mean", "held_out_mean", "difference", "low", "high", "incremental")
MONEY = ("cost", "return_low", "return_high")


def effect(
    audience: str,
    day: Annotated[str | None, typer.Option("--day", help="As it was known on this day; default: the newest.")] = None,
    config: Config = None,
) -> None:
    """Show what an audience did: people it was for against people held out, with an interval one may look at daily."""

    from jobs.effects import effects, units
    from jobs.lake.queries import connect

    settings = load_settings(config)
    declared = {one.name: one for one in effects.asked(settings)}
    if audience not in declared:
        raise CommandError([f"unknown audience {audience!r}{nearest(audience, declared)}"])
    require_table(settings, "decisions/effects")
    database = connect(settings)
    asked = day_of(day, "--day") if day else None
    rows = database.execute(
        f"select said, verdict, day, {', '.join((*COLUMNS, *MONEY))} from decisions.effects where audience = $audience "
        "and day = coalesce($day, (select max(day) from decisions.effects where audience = $audience)) "
        "order by list_position(['conversion', 'orders', 'value'], metric)",
        {"audience": audience, "day": asked},
    ).fetchall()
    if not rows:
        raise CommandError([f"nothing is known of {audience} on {day or 'any day'}: run the step effects for it"])
    for said in dict.fromkeys(row[0] for row in rows):
        console.print(said, markup=False, highlight=False, soft_wrap=True)
    found_on = rows[0][2]
    show(f"{audience} as of {found_on}", list(COLUMNS), [row[3 : 3 + len(COLUMNS)] for row in rows])
    if (money := rows[-1][3 + len(COLUMNS) :])[1] is not None:
        show("What it earned beyond its cost", ["cost", "at least", "at most"], [money])
    one = declared[audience]
    tables = {name: name.replace("/", ".") for name in units.NEEDS}
    asked_sql = units.query(audience, one.effect.within_days, found_on, tables, one.from_same_day)
    console.print("Counted again by (klantreis query):", highlight=False)
    console.print(
        f"select arm, share, count(*) as people, avg((orders > 0)::int) as conversion, avg(orders) as orders, "
        f"avg(value) as value\nfrom ({asked_sql})\nwhere not mixed group by arm, share",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
