"""The contract of one dataset of one source: how its records become canonical rows, and the rules that they keep."""

from __future__ import annotations

from dataclasses import dataclass

from great_expectations.expectations.expectation import Expectation
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations import suite
from expectations.batch_columns import ARRIVAL_LIMIT
from jobs.engine import get_spark
from jobs.settings import Settings
from jobs.validate.mapping import Mapping, mapped
from jobs.validate.rules import RowRule, applicable, flagged, row_rules


@dataclass(frozen=True)
class Contract:
    """`expectations` are all rules of the dataset that its source can be held to, `rules` those about single rows."""

    mapping: Mapping
    expectations: list[Expectation]
    rules: list[RowRule]

    @classmethod
    def of(cls, source: str, dataset: str, settings: Settings) -> Contract:
        """Raises ConfigError if an expression does not parse or a column needed in every row is not mapped."""
        get_spark()  # columns can only be built once there is a session
        configured = settings.sources[source]
        place = f"{settings.folder}/sources/{source}.yaml: datasets.{dataset}.columns"
        zone = configured.timezone or settings.general.timezone
        mapping = Mapping(dataset, configured.datasets[dataset], zone, place)
        expectations = applicable(suite(dataset, settings).expectations, mapping.dataset, place)
        return cls(mapping, expectations, row_rules(expectations))

    def flag(self, raw: DataFrame) -> DataFrame:
        """Raw rows as canonical rows with `broken_rules` and `reason`, both NULL for a good row."""
        limit = F.expr("cast(arrived as timestamp) + interval 2 days")
        return mapped(raw, self.mapping).withColumn(ARRIVAL_LIMIT, limit).transform(flagged, self.rules)
