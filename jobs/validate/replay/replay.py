"""Replay: rows in quarantine are tried again, after the configuration, a rule or the rows themselves were corrected.

A row that had been a record is taken from its raw table, a line that was none and a file set aside as a whole from
where they landed. What keeps the rules now reaches its valid table under its own file, line and arrival day, once:
the append recognises keys that are there, and what became of a row is derived from the valid table itself. So a
replay that was killed anywhere, or runs twice at the same time, is completed by repeating it. Rows of a batch that
a critical expectation stopped are judged as that whole batch again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.settings import Settings
from jobs.config.sources.source import LOOKUP
from jobs.config.yaml_files import ConfigError, nearest
from jobs.errors import RowsRefused
from jobs.lake.database import database_of
from jobs.lake.lake import Lake
from jobs.validate import quarantine, reconciliation
from jobs.validate.quarantine import Selection
from jobs.validate.replay.corrections import CORRECTION
from jobs.validate.replay.files import reread_files
from jobs.validate.replay.outcomes import RESULT, Stamp, outcomes, settle
from jobs.validate.replay.preconditions import refused_at_once
from jobs.validate.replay.rows import Decision, Part, retry
from jobs.validate.stopped_batches import Stop, carried_on, stops

log = logging.getLogger(__name__)


REASONS = 3
"""So many reasons a message names; the report has all."""


@dataclass(frozen=True)
class Report:
    """What a replay did, or with `dry_run` would do: one row of `outcomes` per row that was tried."""

    outcomes: pa.Table
    notes: list[str] = field(default_factory=list)
    dry_run: bool = False

    def counts(self) -> dict[str, int]:
        """Rows tried, and by what became of them."""
        found = {one["values"]: one["counts"] for one in pc.value_counts(self.outcomes["outcome"]).to_pylist()}
        names = {"accepted": "accepted", "duplicates": "duplicate", "refused": "refused"}
        return {"tried": self.outcomes.num_rows} | {name: found.get(key, 0) for name, key in names.items()}

    def problem(self) -> str:
        """What was refused again, or set aside in a file that was read again, and why; empty if nothing."""
        counts = self.counts()
        if not counts["refused"] and not self.notes:
            return ""
        would = "would be refused" if self.dry_run else "were refused again"
        reasons = [f"{row['rows']:,} x {row['reason']}" for row in self.refusals()]
        said = "; ".join([*self.notes, *reasons[:REASONS], *(["and others"] if len(reasons) > REASONS else [])])
        return f"{counts['refused']:,} of {counts['tried']:,} rows {would}: {said}"

    def refuse(self) -> None:
        """Raise RowsRefused if there is a problem."""
        if problem := self.problem():
            raise RowsRefused(problem)

    def by_rule(self) -> list[tuple[Any, ...]]:
        """(source, dataset, rule, tried, accepted, duplicate, refused), most refused first."""
        return self._ask(
            "select source, dataset, rule, count(*) as tried, count(*) filter (outcome = 'accepted'), "
            "count(*) filter (outcome = 'duplicate'), count(*) filter (outcome = 'refused') as refused "
            "from found group by all order by refused desc, tried desc, source, dataset, rule"
        )

    def refusals(self) -> list[dict[str, Any]]:
        """Why rows were refused, and how many, most first."""
        found = self._ask(
            "select reason, count(*) as rows from found where outcome = 'refused' "
            "group by all order by rows desc, reason"
        )
        return [{"reason": reason, "rows": rows} for reason, rows in found]

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        with database_of(found=self.outcomes) as tables:
            return tables.sql(query).fetchall()


def run(
    selection: Selection,
    settings: Settings,
    by: str,
    corrections: pa.Table | None = None,
    decision: Decision | None = None,
    dry_run: bool = False,
) -> Report:
    """Try the selected open rows again; those that `corrections` (CORRECTION) has, as they are there.

    With corrections and no selection, the corrected rows are tried. `decision` says which critical rules a person
    overrules for stopped batches, and why. With `dry_run` nothing is written. Raises ConfigError if a correction is
    of no open row, StepFailed if at the end the rows of a touched file do not add up.
    """
    lake = Lake.of(settings)
    corrected = corrections if corrections is not None else CORRECTION.empty_table()
    selected = quarantine.select(lake, selection)
    selected = selected.filter(pc.invert(pc.match_substring(selected["dataset"], LOOKUP)))  # read by themselves
    _refuse_strangers(corrected, selected)
    if corrections is not None and selection == Selection():
        selected = _ask("select * from rows_ semi join corrections using (file_id, line)", selected, corrected)
    stamp = Stamp.of(by, settings)
    stopped = stops(lake)
    silent: list[Stop] = []
    if decision:
        silent = _without_rows(lake, selection, stopped)
        batches = _batches_of(lake, selected)
        _refuse_unknown_rules(decision, [*silent, *(stop for stop in stopped if stop.batch in batches)])
    reports = []
    for source, dataset in _datasets(selected):
        mine = pc.and_(pc.equal(selected["source"], source), pc.equal(selected["dataset"], dataset))
        rows = selected.filter(mine)
        part = Part(lake, settings, source, dataset, rows, corrected, stopped, decision, stamp, dry_run)
        reports.append(_replay(part))
    if decision and not dry_run and {stop.expectation for stop in silent} & set(decision.accept):
        table = carried_on(silent, decision.accept, decision.words(list(decision.accept)))
        txn = lake.transaction(f"replay_{stamp.id}/silent", stamp.day, code=__name__)
        lake.append("ops/validations", table, txn)
    if not dry_run:
        reconciliation.refuse_imbalance(lake, pc.unique(selected["file_id"]).to_pylist())
    nothing = outcomes(selected, RESULT.empty_table(), corrected)
    found = pa.concat_tables([nothing.slice(0, 0), *(report.outcomes for report in reports)])
    return Report(found, [note for report in reports for note in report.notes], dry_run)


def drop(selection: Selection, because: str, by: str, settings: Settings) -> int:
    """Close the selected open rows for good, and return how many: they stay in quarantine as dropped, with the reason.

    Raises StepFailed if at the end the rows of a touched file do not add up.
    """
    lake = Lake.of(settings)
    selected = quarantine.select(lake, selection)
    results = pa.table(
        {
            "file_id": selected["file_id"],
            "line": selected["line"],
            "outcome": pa.repeat("dropped", selected.num_rows),
            "reason": pa.repeat(because, selected.num_rows),
        }
    ).cast(RESULT)
    settle(lake, outcomes(selected, results, CORRECTION.empty_table()), Stamp.of(by, settings))
    reconciliation.refuse_imbalance(lake, pc.unique(selected["file_id"]).to_pylist())
    return int(selected.num_rows)


def run_day(options: dict[str, Any], day: date, settings: Settings, by: str) -> dict[str, Any]:
    """A replay of the rows that arrived on `day`, by the parameters of the DAG; its counts, and the `problem`.

    Raises ConfigError if a critical rule is to be accepted and nobody says why.
    """
    selection = Selection(options["source"], options["dataset"], options["path"], options["rule"], day)
    decision = None
    if options["accept"]:
        decision = Decision.of([options["accept"]], options["because"], by)
    report = run(selection, settings, by, decision=decision, dry_run=options["dry_run"])
    for source, dataset, rule, *counts in report.by_rule():
        log.info("%s.%s %s: %d tried, %d accepted, %d duplicate, %d refused", source, dataset, rule, *counts)
    return report.counts() | {"problem": report.problem()}


def refuse(found: dict[str, Any]) -> None:
    """Raise RowsRefused if what `run_day` found has a problem."""
    if found["problem"]:
        raise RowsRefused(found["problem"])


def _replay(part: Part) -> Report:
    """Try the rows of one dataset of one source, and settle what became of them."""
    results, notes = [refused_at_once(part)], list[str]()
    todo = part.ask("select * from rows_ anti join refused using (file_id, line)", refused=results[0])
    files, lines = todo.filter(pc.equal(todo["line"], 0)), todo.filter(pc.greater(todo["line"], 0))
    if files.num_rows:
        found, notes = reread_files(part.only(files))
        results.append(found)
    if lines.num_rows:
        results.append(retry(part.only(lines)))
    found = outcomes(part.rows, pa.concat_tables(results), part.corrections)
    if not part.dry_run:
        settle(part.lake, found, part.stamp)
    return Report(found, notes, part.dry_run)


def _refuse_unknown_rules(decision: Decision, stopped: list[Stop]) -> None:
    """Raise ConfigError if a rule to be accepted stops nothing of what is selected."""
    rules = {stop.expectation for stop in stopped}
    for rule in decision.accept:
        if rule not in rules:
            raise ConfigError([f"--accept: no selected batch is stopped by {rule!r}{nearest(rule, rules)}"])


def _without_rows(lake: Lake, selection: Selection, stopped: list[Stop]) -> list[Stop]:
    """Stops that set no row aside, such as a day without a delivery, of the selected source, dataset and day."""
    with_rows = _batches_of(lake, quarantine.select(lake, Selection()))
    wanted = {name: value for name in ("source", "dataset", "day") if (value := getattr(selection, name)) is not None}
    return [
        stop
        for stop in stopped
        if stop.batch not in with_rows and all(getattr(stop, name) == value for name, value in wanted.items())
    ]


def _batches_of(lake: Lake, rows: pa.Table) -> set[str]:
    counts = lake.arrow("ops/counts", columns=["file_id", "batch"])
    mine = pc.is_in(counts["file_id"], value_set=pc.unique(rows["file_id"]))
    return set(counts.filter(mine)["batch"].to_pylist())


def _datasets(rows: pa.Table) -> list[tuple[str, str]]:
    pairs = rows.group_by(["source", "dataset"]).aggregate([])
    return sorted(zip(pairs["source"].to_pylist(), pairs["dataset"].to_pylist(), strict=True))


def _refuse_strangers(corrections: pa.Table, selected: pa.Table) -> None:
    """Raise ConfigError if a correction is not of a selected row."""
    strangers = _ask("select * from corrections anti join rows_ using (file_id, line)", selected, corrections)
    if strangers.num_rows:
        first = strangers.slice(0, 1).to_pylist()[0]
        raise ConfigError(
            [
                f"--corrected: {strangers.num_rows:,} of its rows are not open in quarantine, or not selected, such as "
                f"line {first['line']} of file {first['file_id']}; take them out of the file"
            ]
        )


def _ask(query: str, rows: pa.Table, corrections: pa.Table) -> pa.Table:
    with database_of(rows_=rows, corrections=corrections) as tables:
        return tables.sql(query).to_arrow_table()
