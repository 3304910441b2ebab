"""Judge a batch with Great Expectations: one pass of aggregates, counts only, no values of rows anywhere."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import great_expectations as gx
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation import Expectation

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from pyspark.sql import DataFrame

log = logging.getLogger(__name__)
logging.getLogger("great_expectations").setLevel(logging.WARNING)  # imported after Airflow, it logs every metric

FEW = 10
"""So many bad rows never condemn a batch, whatever their share: a file of three rows with a bad one is no disaster."""
COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class Verdict:
    """One expectation on one batch."""

    rule: str
    severity: str
    success: bool
    rows: int
    failed: int
    detail: str

    @property
    def stops(self) -> bool:
        return self.severity == "critical" and not self.success


@dataclass(frozen=True)
class Judgement:
    """All verdicts on a batch, and the result of Great Expectations itself for its Data Docs."""

    verdicts: list[Verdict]
    result: ExpectationSuiteValidationResult

    @property
    def stopping(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.stops]


def judge(batch: DataFrame, name: str, expectations: Iterable[Expectation], rows: int) -> Judgement:
    """Run the expectations on a batch of `rows` rows.

    An expectation that cannot be run counts as broken: not knowing is no reason to publish.
    """
    context = gx.get_context(mode="ephemeral", project_config=_in_memory())
    suite = gx.ExpectationSuite(name=name, expectations=[fitted(one, rows) for one in expectations])
    asset = context.data_sources.add_spark("engine").add_dataframe_asset(name)
    definition = gx.ValidationDefinition(
        name=name, data=asset.add_batch_definition_whole_dataframe("batch"), suite=context.suites.add(suite)
    )
    result = context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": batch}, result_format=COUNTS_ONLY
    )
    return Judgement([_verdict(one, rows) for one in result.results], result)


def _in_memory() -> DataContextConfig:
    """A context that leaves nothing behind: no temporary folder, no progress bar, no statistics sent."""
    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )


def fitted(expectation: Expectation, rows: int) -> Expectation:
    """The expectation for a batch of that many rows: at least FEW bad rows are tolerated."""
    mostly = getattr(expectation, "mostly", None)
    if not isinstance(mostly, float | int):
        return expectation
    tolerant = max(0.0, 1 - FEW / rows) if rows else 0.0
    return expectation.copy(update={"mostly": min(float(mostly), tolerant), "id": None})


def _verdict(one: Any, rows: int) -> Verdict:
    settings = one.expectation_config
    rule = settings.meta["rule"]
    severity = getattr(settings.severity, "value", settings.severity) or "critical"
    if one.exception_info and one.exception_info.get("raised_exception", _nested_exception(one.exception_info)):
        log.error("%s could not be run: %s", rule, _message(one.exception_info))
        return Verdict(rule, "critical", False, rows, rows, "the expectation could not be run; see the log")
    failed = int(one.result.get("unexpected_count") or 0)
    looked_at = int(one.result.get("element_count", rows)) - int(one.result.get("missing_count") or 0)
    return Verdict(rule, severity, bool(one.success), looked_at, failed, _detail(settings, one, failed, looked_at))


def _detail(settings: Any, one: Any, failed: int, looked_at: int) -> str:
    if "unexpected_count" not in one.result:
        return f"observed {one.result.get('observed_value')}"
    allowed = 1 - float(settings.kwargs.get("mostly", 1))
    return f"{failed:,} of {looked_at:,} rows: {settings.meta['reason']} (allowed: {allowed:.1%})"


def _nested_exception(info: dict[str, Any]) -> bool:
    return any(isinstance(value, dict) and value.get("raised_exception") for value in info.values())


def _message(info: dict[str, Any]) -> str:
    return str(info.get("exception_message") or [v.get("exception_message") for v in info.values() if v])
