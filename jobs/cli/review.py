"""`klantreis review`: pairs of records a person should look at, and what is decided about them."""

from __future__ import annotations

import csv
import getpass
import io
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.cli.console import Config, console, day_of, load_settings, require_table, show
from jobs.config.wrong import CommandError, nearest

if TYPE_CHECKING:
    from jobs.config.decisions import Decision
    from jobs.lake.lake import Lake

app = typer.Typer(no_args_is_help=True, help="Pairs of records a person should look at, and what is decided.")

COMPARED = ("first_name", "last_name", "birth_date", "gender", "street", "postcode", "city", "email", "phone")


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="How many pairs.")] = 20,
    show_values: Annotated[bool, typer.Option("--show-values", help="Print the records too.")] = False,
    config: Config = None,
) -> None:
    """List pairs that may be one person and are not decided yet, the likeliest first, and how they agree."""
    from jobs.identity.stewards.review import undecided
    from jobs.lake.lake import Lake

    settings = load_settings(config)
    require_table(settings, "identity/review")
    found = undecided(settings)
    if not found:
        console.print("Nothing to review.")
        return
    columns = ("left", "right", "probability", "weight", "agrees", "first_seen")
    heads = ["record", "and", "probability", "weight", "how they agree", "since"]
    show(f"To review: {len(found):,} pairs", heads, [[row[name] for name in columns] for row in found[:limit]])
    if show_values:
        _show_records(Lake.of(settings), found[:limit])
    if len(found) > limit:
        console.print(f"{len(found) - limit:,} more pairs; see --limit")


@app.command()
def decide(
    left: Annotated[str, typer.Argument(help="One record, as source:id.")],
    right: Annotated[str, typer.Argument(help="The other record, as source:id.")],
    decision: Annotated[str, typer.Argument(help="same or different")],
    because: Annotated[str, typer.Option("--because", help="Why; it is kept with the decision.")],
    by: Annotated[str | None, typer.Option("--by", help="Who decided; default: you.")] = None,
    on: Annotated[
        str | None, typer.Option("--on", help="From which day, as 2017-12-31; default: the newest day of identity.")
    ] = None,
    config: Config = None,
) -> None:
    """Decide that two records are the same person, or are not; it is added to config/decisions/review.csv.

    It counts at the next run, from its day on, and wins over every rule and probability.
    """
    from jobs.config.decisions import BY_COMMAND, Placed, problems
    from jobs.identity.stewards.decided_records import unknown_records
    from jobs.identity.stewards.review import newest

    settings = load_settings(config)
    if decision not in ("same", "different"):
        raise CommandError([f"unknown decision {decision!r}{nearest(decision, ('same', 'different'))}"])
    made = _decision(
        left, right, decision, because, by or getpass.getuser(), day_of(on, "--on") if on else newest(settings)
    )
    path = settings.folder / BY_COMMAND
    placed = Placed(made, "this decision")
    wrong = problems([*settings.decisions, placed], settings.sources) or [*unknown_records([placed], settings)]
    if wrong:
        raise CommandError(wrong)
    if any(one.decision.id == made.id for one in settings.decisions):
        console.print("This is decided already; nothing was added.")
        return
    _append(path, made)
    console.print(f"Added to {path}; it counts from {made.on} at the next `klantreis run`.", soft_wrap=True)


def _decision(left: str, right: str, decision: str, because: str, by: str, on: date) -> Decision:
    from pydantic import ValidationError

    from jobs.config.decisions import Decision, record_of

    told: dict[str, Any] = {"decision": decision, "by": by, "on": on, "because": because}
    try:
        sides = {side: record_of(text) for side, text in (("left", left), ("right", right))}
        return Decision.model_validate(sides | told)
    except ValidationError as error:
        keys = ", ".join(sorted({str(problem["loc"][0]) for problem in error.errors()}))
        hint = "a record is written as source:id, such as crm:123, and --because and --by say something"
        raise CommandError([f"{keys}: {hint}"]) from None


def _append(path: Path, made: Decision) -> None:
    """One line more, with the header if the file is new."""
    from jobs.config.decisions import CSV_COLUMNS, csv_row

    path.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    if not text:
        writer.writerow(CSV_COLUMNS)
    writer.writerow(csv_row(made))
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(("\n" if text and not text.endswith("\n") else "") + lines.getvalue())


def _show_records(lake: Lake, pairs: list[dict[str, Any]]) -> None:
    """The newest version of the records of each pair, side by side."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = {row[side] for row in pairs for side in ("left", "right")}
    ids = pa.array(sorted({name.partition(":")[2] for name in names}), pa.string())
    rows = lake.dataset("valid/contacts").to_table(filter=pc.field("contact_id").isin(ids)).to_pylist()
    newest_last = sorted(rows, key=lambda row: (str(row["updated_at"]), row["arrived"], row["line"]))
    by_name = {f"{row['source']}:{row['contact_id']}": row for row in newest_last}
    for pair in pairs:
        left, right = (by_name.get(pair[side], {}) for side in ("left", "right"))
        told = [name for name in COMPARED if left.get(name) is not None or right.get(name) is not None]
        values = [[name, *(None if s.get(name) is None else str(s[name]) for s in (left, right))] for name in told]
        show(None, ["", pair["left"], pair["right"]], values)
