"""The contract of one dataset of one source: how its records become canonical rows, and the rules that they keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import reduce

from great_expectations.expectations.expectation import Expectation
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations import suite
from expectations.batch_columns import ARRIVAL_LIMIT, ARRIVAL_LIMIT_DAY
from jobs.config.settings import Settings
from jobs.ingest.lookups import lookup_name
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake
from jobs.lake.tables.canonical import CANONICAL
from jobs.validate.mapping.columns import Mapping, mapped
from jobs.validate.mapping.inner_rows import expanded, in_order_of_pairs, told_of_items
from jobs.validate.mapping.lookups import Lookups
from jobs.validate.mapping.new_values import with_new_values
from jobs.validate.mapping.unread import unread
from jobs.validate.rules.broken import RowRule, applicable, flagged, row_rules
from jobs.validate.rules.cross_row import Known, with_attributes, with_verdicts
from jobs.validate.rules.custom import attribute_types, own_expectations
from jobs.validate.rules.overrides import with_changes
from jobs.validate.told import empty_lines
from jobs.validate.versions.credit_notes import below_zero

KEY = ["file_id", "line"]


@dataclass(frozen=True)
class Unreadable:
    """Rows (file and line) whose values of `labels` cannot be computed."""

    labels: frozenset[str]
    rows: list[tuple[str, int]]

    def keys(self) -> DataFrame:
        return get_spark().createDataFrame(self.rows, "file_id string, line bigint")


@dataclass(frozen=True)
class Contract:
    """`expectations` are all rules of the dataset that its source can be held to, `rules` those about single rows.

    `attributes` are those that rules name, with their types; `known` gives the values that a rule refers to,
    `published` the rows of the source that are in the valid table.
    """

    mapping: Mapping
    expectations: list[Expectation]
    rules: list[RowRule]
    known: Known
    published: Callable[[], DataFrame]
    lookups: Lookups
    attributes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str, dataset: str, settings: Settings) -> Contract:
        """The suite of the dataset, and the rules that the source's configuration adds.

        Raises ConfigError if an expression does not parse, a column needed in every row is not mapped, or a rule is
        about a column or dataset that is not there.
        """
        get_spark()  # columns can only be built once there is a session
        configured = settings.sources[source]
        here = f"{settings.folder}/sources/{source}.yaml: datasets.{dataset}"
        place = f"{here}.columns"
        zone = configured.timezone or settings.general.timezone
        mapping = Mapping(dataset, configured.datasets[dataset], zone, place)
        every = suite(dataset, settings).expectations
        expectations = applicable(every, mapping.dataset, place)
        expectations = with_new_values(expectations, mapping.dataset.changes.new_value)
        expectations = with_changes(dataset, mapping.dataset, every, expectations, f"{here}.built_in")
        expectations += own_expectations(dataset, mapping.dataset, expectations, f"{here}.rules", configured.datasets)
        attributes = attribute_types(dataset, mapping.dataset)
        rules = row_rules(expectations, unread(mapping), CANONICAL[dataset].key if mapping.dataset.pairs else None)
        lookups = Lookups(mapping.dataset, _raw_rows(source, dataset, settings))
        published = _published(source, dataset, settings)
        return cls(mapping, expectations, rules, _known(source, settings), published, lookups, attributes)

    def only(self, rule: RowRule) -> Contract:
        """The same contract with one of its rules."""
        mine = [one for one in self.expectations if (one.meta or {})["rule"] == rule.name]
        return replace(self, expectations=mine, rules=[rule])

    def flag(self, raw: DataFrame, unreadable: Iterable[Unreadable] = ()) -> DataFrame:
        """Raw rows as canonical rows with `broken_rules` and `reason`, both NULL for a good row.

        Without the record itself, which is in the raw table: these rows are written down for the steps that follow.
        """
        limit = F.expr("cast(arrived as timestamp) + interval 2 days")
        limits = {ARRIVAL_LIMIT: limit, ARRIVAL_LIMIT_DAY: F.date_add("arrived", 2)}
        raw = self.lookups.joined(expanded(raw, self.mapping.dataset))
        apart, rest = [], raw
        for some in unreadable:
            apart.append(mapped(raw.join(some.keys(), on=KEY, how="left_semi"), self.mapping.without(some.labels)))
            rest = rest.join(some.keys(), on=KEY, how="left_anti")
        rows = reduce(DataFrame.unionByName, apart, mapped(rest, self.mapping))
        if self.mapping.dataset.each and self.mapping.dataset.all_rows_of:
            rows = empty_lines.ended(rows, CANONICAL[self.mapping.name], self.published)
        rows = below_zero(rows) if "credits" in self.mapping.dataset.columns else rows
        rows = in_order_of_pairs(rows) if self.mapping.dataset.pairs else rows
        batch = rows.withColumns(limits).transform(with_attributes, self.attributes)
        judged = batch.transform(with_verdicts, self.expectations, self.known).transform(flagged, self.rules)
        judged = told_of_items(judged, self.mapping.dataset) if self.mapping.dataset.each else judged
        return judged.drop("record", *limits)


def _raw_rows(source: str, dataset: str, settings: Settings) -> Callable[[str], DataFrame | None]:
    """What has arrived of each lookup."""

    def rows(lookup: str) -> DataFrame | None:
        lake, table = Lake.of(settings), f"raw/{source}_{lookup_name(dataset, lookup)}"
        return lake.read(table) if lake.exists(table) else None

    return rows


def _published(source: str, dataset: str, settings: Settings) -> Callable[[], DataFrame]:
    return lambda: Lake.of(settings).read(f"valid/{dataset}").where(F.col("source") == source)


def _known(source: str, settings: Settings) -> Known:
    """What the valid tables hold now: a rule that refers to another dataset sees what was published before."""

    def values(dataset: str, column: str, any_source: bool) -> DataFrame:
        rows = Lake.of(settings).read(f"valid/{dataset}")
        kept = rows if any_source else rows.where(F.col("source") == source)
        return kept.select(F.col(column).alias("known"))

    return values
