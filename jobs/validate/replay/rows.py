"""Rows of one dataset tried again: single rows by the rules about rows, a stopped batch by its whole suite."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError
from jobs.lake.database import database_of
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables.catalogue import get, table_of
from jobs.validate import anomalies
from jobs.validate.arrival_days import by_rule, judged_days
from jobs.validate.batch import Batch
from jobs.validate.contract import KEY, Contract
from jobs.validate.mapping.failing_rows import flagged_rows
from jobs.validate.quarantine import Selection, select
from jobs.validate.replay.landed import Files
from jobs.validate.replay.outcomes import RESULT, Stamp
from jobs.validate.rules.broken import BROKEN, REASON, tally
from jobs.validate.rules.great_expectations import judge
from jobs.validate.rules.verdict import TABLE, Verdict, rows_of
from jobs.validate.stopped_batches import Stop
from jobs.validate.told.rounded_amounts import rounded
from jobs.validate.versions.arriving import as_versions
from jobs.validate.versions.partial import fill

log = logging.getLogger(__name__)
RECORD = [*KEY, "arrived", "source", "record"]


@dataclass(frozen=True)
class Decision:
    """Critical rules that a person overrules for a stopped batch, who and why."""

    accept: tuple[str, ...]
    because: str
    by: str

    @classmethod
    def of(cls, accept: Iterable[str], because: str | None, by: str) -> Decision:
        """Raises ConfigError if it is not said why."""
        if not (because or "").strip():
            raise ConfigError(["--accept: say why with --because; it is kept with the batch"])
        return cls(tuple(accept), str(because), by)

    def words(self, rules: list[str]) -> str:
        return f"accepted in spite of {', '.join(rules)} by {self.by}: {self.because}"


@dataclass(frozen=True)
class Part:
    """Open rows of one dataset of one source that are to be tried, records corrected by hand, and what is stopped."""

    lake: Lake
    settings: Settings
    source: str
    dataset: str
    rows: pa.Table
    corrections: pa.Table
    stopped: list[Stop]
    decision: Decision | None
    stamp: Stamp
    dry_run: bool

    @property
    def raw(self) -> str:
        return f"raw/{self.source}_{self.dataset}"

    @property
    def valid(self) -> str:
        return f"valid/{self.dataset}"

    @cached_property
    def txn(self) -> Txn:
        """One per replay: what was written before is recognised by its keys, not by the id of a step."""
        return self.lake.transaction(f"replay_{self.stamp.id}", self.stamp.day, reads=[self.raw], code=__name__)

    @cached_property
    def counted(self) -> pa.Table:
        """The files of this dataset that were validated: file_id, arrived and batch."""
        counts = self.lake.arrow("ops/counts", columns=["file_id", "arrived", "batch", "source", "dataset"])
        mine = pc.and_(pc.equal(counts["source"], self.source), pc.equal(counts["dataset"], self.dataset))
        return counts.filter(mine).select(["file_id", "arrived", "batch"])

    @cached_property
    def paths(self) -> dict[str, str]:
        """The path of each file of this source."""
        return {file_id: entry.path for file_id, entry in Files(self.lake, self.source, self.settings).entries.items()}

    @cached_property
    def others(self) -> pa.Table:
        """Open lines of this dataset that are not to be tried."""
        everything = select(self.lake, Selection(self.source, self.dataset)).select([*KEY, "rule"])
        return self.ask("select * from open_ anti join rows_ using (file_id, line) where line > 0", open_=everything)

    def stop(self, batch: str) -> Stop:
        """Why that batch is stopped, or one of the reasons."""
        return next(stop for stop in self.stopped if stop.batch == batch)

    def only(self, rows: pa.Table) -> Part:
        return dataclasses.replace(self, rows=rows)

    def ask(self, query: str, **tables: pa.Table) -> pa.Table:
        """A query over `rows`, `counted`, `corrections`, `stopped` (batches) and other tables."""
        batches = pa.table({"batch": pa.array(sorted({stop.batch for stop in self.stopped}), pa.string())})
        named = {"rows_": self.rows, "counted": self.counted, "corrections": self.corrections, "stopped": batches}
        with database_of(**named, **tables) as found:
            return found.sql(query).to_arrow_table()


def retry(part: Part) -> pa.Table:
    """What became of rows that are lines of files (RESULT); their good ones are in the valid table now."""
    lines = part.ask(
        "select * from rows_ anti join corrections using (file_id, line) where starts_with(rule, 'record:')"
    )
    fresh, refused = Files(part.lake, part.source, part.settings).lines(lines)
    if fresh.num_rows and not part.dry_run:
        part.lake.append(part.raw, fresh, part.txn)
    corrected = part.ask(
        "select file_id, line, r.arrived, r.source, c.record from rows_ r join corrections c using (file_id, line)"
    )
    given = pa.concat_tables([fresh.select(RECORD), corrected.cast(fresh.select(RECORD).schema)])
    todo = part.ask(
        "select r.*, c.batch from rows_ r join counted c using (file_id) anti join refused using (file_id, line)",
        refused=refused,
    )
    contract = Contract.of(part.source, part.dataset, part.settings)
    results = [refused]
    stopped = {stop.batch for stop in part.stopped}
    for batch in pc.unique(todo["batch"]).to_pylist():
        if batch in stopped:
            mine = todo.filter(pc.equal(todo["batch"], batch))
            results.append(_whole_batch(part.only(mine), contract, batch, given))
    free = todo.filter(pc.invert(pc.is_in(todo["batch"], value_set=pa.array(sorted(stopped), pa.string()))))
    if free.num_rows:
        results.append(_single_rows(part.only(free), contract, given))
    if (contract.mapping.dataset.where or contract.mapping.inner) and todo.num_rows:
        results.append(_left_out(part, todo, given, pa.concat_tables(results)))
    return pa.concat_tables(results)


def _left_out(part: Part, todo: pa.Table, given: pa.Table, results: pa.Table) -> pa.Table:
    """Rows that were tried and that the dataset does not take, by its `where` (RESULT)."""
    there = _records(part, todo.select(["file_id", "arrived", "line"]), given).select(*KEY).toArrow()
    return part.ask(
        "select file_id, line, 'left_out' as outcome, 'the dataset takes no row of it' as reason "
        "from todo semi join there using (file_id, line) anti join results using (file_id, line)",
        todo=todo,
        there=there,
        results=results,
    ).cast(RESULT)


def _single_rows(part: Part, contract: Contract, given: pa.Table) -> pa.Table:
    """Rows on their own; where a rule looks at other rows too, it looks at those of the batch the row was in."""
    if any("holds" in (one.meta or {}) for one in contract.expectations):
        files = part.ask(
            "select file_id, arrived from counted semi join (select distinct batch from rows_) using (batch)"
        )
        records = _records(part, files, given)
    else:
        records = _records(part, part.rows.select(["file_id", "arrived", "line"]), given)
    with flagged_rows(part.lake, contract, records, part.paths, lambda rows: _only(rows, part.rows)) as rows:
        return _land(part, contract, rows)


def _whole_batch(part: Part, contract: Contract, batch: str, given: pa.Table) -> pa.Table:
    """All rows of a stopped batch: judged again, and landed if no critical rule is broken that a person did not accept.

    The verdicts are the batch's next attempt. They are written after its rows are in the valid table, so that a
    replay killed in between leaves it stopped.
    """
    files = part.ask(f"select file_id, arrived from counted where batch = '{batch}'")
    accept = part.decision.accept if part.decision else ()
    with flagged_rows(part.lake, contract, _records(part, files, given), part.paths) as rows:
        found = _judged(part, contract, batch, files, rows)
        broken = [verdict.rule for verdict in found if verdict.stops]
        stopping = [verdict for verdict in found if verdict.stops and verdict.rule not in accept]
        if stopping:
            reason = f"the batch is stopped by {stopping[0].rule}: {stopping[0].detail}"
            results = part.ask(f"select file_id, line, 'refused' as outcome, '{_quoted(reason)}' as reason from rows_")
        else:
            results = _land(part, contract, _only(rows, part.rows), _decided(part.decision, broken))
    if not part.dry_run:
        judged_again(part, batch, found)
    return results.cast(RESULT)


def _judged(part: Part, contract: Contract, batch: str, files: pa.Table, rows: DataFrame) -> list[Verdict]:
    """The verdicts on a batch of one arrival day: by its suite, and against the history of its dataset."""
    entries = Files(part.lake, part.source, part.settings).entries
    mine = [dataclasses.asdict(entries[file_id]) for file_id in files["file_id"].to_pylist()]
    config = part.settings.sources[part.source].datasets[part.dataset]
    measures = anomalies.measures(part.dataset, config, contract.expectations)
    tallies = tally(rows, contract.rules, {measure.name: measure.aggregate for measure in measures})
    refused = {
        file["file_id"]: file["rows_in"] - tallies[file["file_id"]].rows for file in mine if file["file_id"] in tallies
    }
    again = Batch(part.source, part.dataset, part.stop(batch).day, mine, refused)
    metrics = anomalies.metrics(part.source, part.dataset, again.loaded, tallies)
    days = judged_days(
        part.lake, again, contract.expectations, tallies, metrics, config.history, part.settings.general.country, {}
    )
    counts = by_rule(tallies)
    judgement = judge(rows, part.dataset, contract.expectations, again.rows, counts)
    return judgement.verdicts + [verdict for day in days.values() for verdict in day.by_history]


def judged_again(part: Part, batch: str, found: list[Verdict]) -> None:
    """Keep the verdicts as the next attempt of the stopped batch; a broken rule that was accepted is a warning now."""
    stop = part.stop(batch)
    rows = rows_of(found, stop.day, part.source, part.dataset, batch, stop.attempt + 1)
    for row in rows:
        if part.decision and row["expectation"] in part.decision.accept and not row["success"]:
            decided = _decided(part.decision, [row["expectation"]])
            row |= {"severity": "warning", "detail": f"{row['detail']}; {decided}"}
    part.lake.append(TABLE, table_of(TABLE, rows), part.txn.part(batch))


def _decided(decision: Decision | None, rules: list[str]) -> str | None:
    return decision.words(rules) if decision and rules else None


def _records(part: Part, wanted: pa.Table, given: pa.Table) -> DataFrame:
    """The raw rows of `wanted` (files, or single lines), and in their place those of `given`."""
    spark = get_spark()
    raw = part.lake.read(part.raw).select(*RECORD)
    days = pc.unique(wanted["arrived"]).to_pylist()
    on = [name for name in wanted.column_names if name != "source"]
    found = raw.where(F.col("arrived").isin(days)).join(spark.createDataFrame(wanted), on=on, how="left_semi")
    mine = part.ask("select * from given semi join wanted using (file_id)", given=given, wanted=wanted)
    if not mine.num_rows:
        return found
    instead = spark.createDataFrame(mine.cast(given.schema))
    return found.join(instead.select(*KEY), on=KEY, how="left_anti").unionByName(instead)


def _only(rows: DataFrame, wanted: pa.Table) -> DataFrame:
    return rows.join(get_spark().createDataFrame(wanted.select(KEY)), on=KEY, how="left_semi")


def _land(part: Part, contract: Contract, rows: DataFrame, reason: str | None = None) -> pa.Table:
    """Put the good ones of flagged rows into the valid table; what became of each."""
    first = F.substring_index(BROKEN, ",", 1)
    bad = rows.where(f"{BROKEN} is not null").select(*KEY, F.concat(first, F.lit(": "), REASON).alias("reason"))
    config = part.settings.sources[part.source].datasets[part.dataset]
    good = rows.where(f"{BROKEN} is null")
    _tell_rounded(part, contract, good)
    good = as_versions(part.lake, part.valid, part.source, config, good, contract.mapping.zone, part.paths, True)
    if part.dry_run:
        landed = _would_land(part, good)
    else:
        part.lake.append(part.valid, good, part.txn)
        if contract.mapping.presence:
            fill(part.lake, part.valid, part.source, good, part.txn.part("fill"))
        landed = _landed(part)
    said = "null" if reason is None else f"'{_quoted(reason)}'"
    return part.ask(
        f"""
        with lines as (select distinct file_id, line from good anti join bad using (file_id, line))
        select file_id, line, 'accepted' as outcome, {said} as reason from lines semi join landed using (file_id, line)
        union all by name
        select file_id, line, 'duplicate' as outcome, 'its key was accepted before' as reason
        from lines anti join landed using (file_id, line)
        union all by name
        select file_id, line, 'refused' as outcome, min(reason) as reason from bad group by file_id, line""",
        good=good.select(*KEY).toArrow(),
        bad=bad.toArrow(),
        landed=landed,
    ).cast(RESULT)


def _tell_rounded(part: Part, contract: Contract, good: DataFrame) -> None:
    """Warn of amounts with more decimals than their column holds."""
    if told := rounded(good, part.paths, contract.mapping.sources()):
        log.warning("%s.%s: %s", part.source, part.dataset, told.detail)


def _landed(part: Part) -> pa.Table:
    """Which lines of these files are in the valid table."""
    days = pc.field("arrived").isin(pc.unique(part.rows["arrived"]))
    files = pc.field("file_id").isin(pc.unique(part.rows["file_id"]))
    return part.lake.dataset(part.valid).to_table(columns=KEY, filter=days & files)


def _would_land(part: Part, good: DataFrame) -> pa.Table:
    """Which rows would be accepted: the first of those that share a key, if no other row has it already."""
    key = list(get(part.valid).key)
    first = F.row_number().over(Window.partitionBy(*key).orderBy("arrived", *KEY))
    there = part.lake.read(part.valid).select(*key, F.col("file_id").alias("file_"), F.col("line").alias("line_"))
    same = (F.col("file_") == F.col("file_id")) & (F.col("line_") == F.col("line"))
    rows = good.select(*dict.fromkeys([*key, "arrived", *KEY])).withColumn("first_", first)
    new = rows.join(there, on=key, how="left").where((F.col("first_") == 1) & (F.col("file_").isNull() | same))
    return new.select(*KEY).toArrow()


def _quoted(text: str) -> str:
    return text.replace("'", "''")
