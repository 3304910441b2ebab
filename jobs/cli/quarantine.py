"""`klantreis quarantine`: rows and files that were set aside, why, and what was done about them."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.console import Config, console, day_of, load_settings, require_table, show
from jobs.config.wrong import CommandError, nearest

if TYPE_CHECKING:
    from jobs.config.settings import Settings
    from jobs.config.sources.source import SourceDataset
    from jobs.validate.quarantine import Selection
    from jobs.validate.replay.replay import Report

EVENTS = ("repeated", "replaced", "late", "unfinished", "withdrawn", "returned", "changed_columns")
app = typer.Typer(no_args_is_help=True, help="Rows and files that were set aside, why, and what was done about them.")

Source = Annotated[str | None, typer.Option(help="Only this source.")]
Dataset = Annotated[str | None, typer.Option(help="Only this dataset.")]
FilePart = Annotated[str | None, typer.Option("--path", help="Only files whose path contains this.")]
Rule = Annotated[str | None, typer.Option(help="Only rows that broke this rule.")]
Day = Annotated[str | None, typer.Option("--day", help="Only files that arrived on this day, as 2017-12-29.")]
Rows = Annotated[list[str] | None, typer.Option("--row", help="Only this row, as FILE:LINE; may be repeated.")]
Because = Annotated[str | None, typer.Option("--because", help="Why; it is kept with the rows.")]
GROUPS = {
    "rule": "source, dataset, rule",
    "file": "source, dataset, path",
    "day": "source, dataset, arrived",
}


@app.command("list")
def list_(
    config: Config = None,
    by: Annotated[str, typer.Option("--by", help="rule, file or day")] = "rule",
    everything: Annotated[bool, typer.Option("--all", help="Also what was replayed or dropped, and when.")] = False,
    source: Source = None,
    dataset: Dataset = None,
    path: FilePart = None,
    rule: Rule = None,
    day: Day = None,
    row: Rows = None,
) -> None:
    """Count the rows that wait in quarantine, by rule, file or day; with --all also those that left it."""
    from jobs.lake.database import database_of

    if by not in GROUPS:
        raise CommandError([f"--by: unknown value {by!r}{nearest(by, GROUPS)}"])
    found = _selected(load_settings(config), _selection(source, dataset, path, rule, day, row), closed=everything)
    columns = ["rows", "files", "first arrived", "last arrived", "reason (one of them)"]
    # of a row with no other fault, if there is one
    told = "arg_min({'reason': coalesce(why, reason), 'broken': broken, 'rule': rule}, (len(broken), path, line))"
    counts = f"count(*) as n, count(distinct file_id), min(arrived), max(arrived), {told}"
    if everything:
        columns[1:] = ["waiting", "accepted", "duplicate", "dropped", "tries", "last replayed", "by"]
        counts = (
            "count(*) as n, count(*) filter (open), count(*) filter (outcome = 'accepted'), count(*) filter (outcome = "
            "'duplicate'), count(*) filter (outcome = 'dropped'), sum(attempts)::bigint, "
            "strftime(max(found.at), '%Y-%m-%d %H:%M'), arg_max(found.by, found.at)"
        )
    if not found.num_rows:
        console.print("Nothing was ever set aside." if everything else "Nothing waits in quarantine.")
        return
    with database_of(found=found) as tables:
        tables.execute("SET TimeZone = 'UTC'")
        rows = tables.execute(
            f"with rows as (select *, coalesce(rules, [rule]) as broken from found), "
            f"each as (select * exclude (rule), unnest({'broken' if by == 'rule' else '[rule]'}) as rule from rows) "
            f"select {GROUPS[by]}, {counts} from each as found where $rule is null or $by <> 'rule' or rule = $rule "
            f"group by all order by n desc, {GROUPS[by]}",
            {"rule": rule, "by": by},
        )
        title = "Set aside, and what became of it (UTC)" if everything else "Waiting in quarantine"
        lines = rows.fetchall()
    if not everything:
        lines = [(*line, _reason(by, **one)) for *line, one in lines]
    show(title, [*GROUPS[by].split(", "), *columns], lines)
    if by == "rule":
        console.print(f"{found.num_rows:,} rows; one that breaks several rules is in the line of each")


def _reason(by: str, rule: str, broken: list[str], reason: str) -> str:
    """What a line of the list says of one of its rows: of the rule that the line is about, if it is about one."""
    from jobs.validate.told.reasons import reason_of

    return reason_of(rule, broken, reason) if by == "rule" else reason


@app.command("show")
def show_rows(
    config: Config = None,
    source: Source = None,
    dataset: Dataset = None,
    path: FilePart = None,
    rule: Rule = None,
    day: Day = None,
    row: Rows = None,
    everything: Annotated[bool, typer.Option("--all", help="Also rows that were replayed or dropped.")] = False,
    records: Annotated[bool, typer.Option(help="Show the records too: they hold personal data.")] = False,
    limit: Annotated[int, typer.Option(min=1)] = 50,
) -> None:
    """Show single rows: file, line, rule, reason, and what became of them."""
    from jobs.lake.database import database_of

    found = _selected(load_settings(config), _selection(source, dataset, path, rule, day, row), closed=everything)
    if not found.num_rows:
        console.print("Nothing was ever set aside." if everything else "Nothing waits in quarantine.")
        return
    columns = ["source", "dataset", "path", "line", "rules", "reason", "outcome", "why"]
    columns += ["record"] if records else []
    with database_of(found=found) as tables:
        listed = "array_to_string(coalesce(rules, [rule]), ', ') as rules"
        taken = ", ".join(listed if column == "rules" else column for column in columns)
        rows = tables.sql(f"select {taken} from found limit {limit}").fetchall()
    show(None, columns, rows)
    if found.num_rows > limit:
        console.print(f"{found.num_rows - limit:,} more rows; see --limit")


@app.command()
def replay(
    config: Config = None,
    source: Source = None,
    dataset: Dataset = None,
    path: FilePart = None,
    rule: Rule = None,
    day: Day = None,
    row: Rows = None,
    corrected: Annotated[
        Path | None, typer.Option("--corrected", help="Take these records: a corrected file of quarantine export.")
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", help="Let a stopped batch pass in spite of this critical rule; needs --because."),
    ] = None,
    because: Because = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")] = False,
) -> None:
    """Try the selected rows again with the present configuration; exit 1 if one is refused again."""
    from jobs.validate.replay import replay as job
    from jobs.validate.replay.corrections import corrected as read_corrections
    from jobs.validate.replay.rows import Decision

    settings = load_settings(config)
    selection, by = _selection(source, dataset, path, rule, day, row), getpass.getuser()
    decision = Decision.of(accept, because, by) if accept else None
    selected = None if decision else _selected(settings, selection)  # a silent day is stopped without rows
    corrections = read_corrections(corrected, selected or _selected(settings, selection)) if corrected else None
    report = job.run(selection, settings, by, corrections, decision, dry_run)
    _show_report(report)
    report.refuse()


@app.command()
def export(
    to: Annotated[Path, typer.Option("--to", help="New file to write: NAME.csv or NAME.jsonl.")],
    config: Config = None,
    source: Source = None,
    dataset: Dataset = None,
    path: FilePart = None,
    rule: Rule = None,
    day: Day = None,
    row: Rows = None,
) -> None:
    """Write the selected rows to a file that can be corrected and replayed with --corrected."""
    from jobs.validate.replay import corrections

    settings = load_settings(config)
    selected = _selected(settings, _selection(source, dataset, path, rule, day, row))
    pairs = set(zip(selected["source"].to_pylist(), selected["dataset"].to_pylist(), strict=True))
    configured = [
        (dataset, settings.sources[source].datasets[dataset])
        for source, dataset in sorted(pairs)
        if source in settings.sources and dataset in settings.sources[source].datasets
    ]
    columns = [name for one in configured for name in _columns_of(*one)]
    written = corrections.export(selected, to, columns)
    console.print(f"{written:,} rows in {to}; it holds personal data, remove it when you are done", soft_wrap=True)
    if written < selected.num_rows:
        console.print(f"{selected.num_rows - written:,} files that were set aside as a whole are not in it")


def _columns_of(name: str, dataset: SourceDataset) -> list[str]:
    """The columns of its files that its values are made of."""
    from jobs.ingest.expressions import source_columns
    from jobs.ingest.inner_rows import file_columns

    inner = dataset.each or dataset.pairs
    return file_columns(name, dataset) if inner else source_columns(one.expression for one in dataset.columns.values())


@app.command()
def drop(
    because: Annotated[str, typer.Option("--because", help="Why these rows will never be good; it is kept with them.")],
    config: Config = None,
    source: Source = None,
    dataset: Dataset = None,
    path: FilePart = None,
    rule: Rule = None,
    day: Day = None,
    row: Rows = None,
) -> None:
    """Close rows that will never be good. They stay in quarantine/rows, and are not tried again."""
    from jobs.validate.replay import replay as job

    if not because.strip():
        raise CommandError(["--because: say why these rows are dropped"])
    settings, selection = load_settings(config), _selection(source, dataset, path, rule, day, row)
    if not selection.options():
        raise CommandError(
            ["say which rows: give at least one of --source, --dataset, --path, --rule, --day and --row"]
        )
    _selected(settings, selection)
    console.print(f"{job.drop(selection, because, getpass.getuser(), settings):,} rows dropped")


def _selection(
    source: str | None, dataset: str | None, path: str | None, rule: str | None, day: str | None, row: list[str] | None
) -> Selection:
    from jobs.validate.quarantine import Selection

    arrived = day_of(day, "--day") if day else None
    return Selection(source, dataset, path, rule, arrived, tuple(row or ()))


def _selected(settings: Settings, selection: Selection, closed: bool = False):  # type: ignore[no-untyped-def]
    """The rows; raises ConfigError if there never were any, naming what was mistyped."""
    from jobs.lake.lake import Lake
    from jobs.validate.quarantine import Selection, select

    require_table(settings, "ops/files")
    lake = Lake.of(settings)
    found = select(lake, selection, closed)
    if not lake.exists("quarantine/rows"):
        return found
    if found.num_rows or select(lake, selection, closed=True).num_rows:
        return found
    everything = select(lake, Selection(), closed=True)
    for name in ("source", "dataset", "rule"):
        value, known = getattr(selection, name), set(everything[name].to_pylist())
        if value is not None and value not in known:
            raise CommandError([f"--{name}: nothing was ever set aside for {value!r}{nearest(value, known)}"])
    raise CommandError([f"nothing was ever set aside for {selection.options()}; see klantreis quarantine list --all"])


def _show_report(report: Report) -> None:
    if not report.outcomes.num_rows:
        console.print("nothing to replay: none of these rows waits in quarantine")
        return
    title = "What a replay would do" if report.dry_run else "Replayed"
    show(title, ["source", "dataset", "rule", "tried", "accepted", "duplicate", "refused"], report.by_rule())
    if report.refusals():
        show("Refused", ["rows", "reason"], [(row["rows"], row["reason"]) for row in report.refusals()])
    for note in report.notes:
        console.print(note, markup=False, soft_wrap=True)


@app.command()
def files(
    config: Config = None,
    event: Annotated[str | None, typer.Option(help=f"Only this event: {', '.join(EVENTS)}.")] = None,
    path: Annotated[str | None, typer.Option(help="Only files whose path contains this.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
) -> None:
    """Show files that were replaced, repeated, late, unfinished, withdrawn or returned, the newest first."""
    from jobs.lake.lake import Lake
    from jobs.lake.queries import connect

    if event is not None and event not in EVENTS:
        raise CommandError([f"--event: unknown event {event!r}{nearest(event, EVENTS)}"])
    settings = load_settings(config)
    found = []
    if Lake.of(settings).exists("ops/file_events"):
        sql = (
            "select day, event, source, dataset, path, detail from ops.file_events "
            "where ($event is null or event = $event) and ($path is null or contains(path, $path)) "
            "order by day desc, source, dataset, path, event limit $limit"
        )
        found = connect(settings).execute(sql, {"event": event, "path": path, "limit": limit}).fetchall()
    if found:
        show("Landed files", ["day", "event", "source", "dataset", "path", "detail"], found)
    else:
        console.print("Nothing to tell: every landed file was complete, new and in time.")
