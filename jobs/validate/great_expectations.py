"""Judge a batch with Great Expectations: one pass of aggregates, counts only, no values of rows anywhere."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
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


def judge(
    batch: DataFrame,
    name: str,
    expectations: Iterable[Expectation],
    rows: int,
    counts: Mapping[str, tuple[int, int]],
    fewest: int | None = None,
) -> Judgement:
    """Run the expectations on a batch of `rows` rows; `counts` has rows looked at and bad rows for rules about rows.

    Of a batch of several arrival days that were judged each for itself, `fewest` is the rows of the smallest: the
    batch may have as large a share of bad rows as that one.

    Great Expectations is asked for its verdicts only: for counts it would query the batch once per expectation. Only
    what failed and has no counts yet is looked at again. An expectation that cannot be run counts as broken: not
    knowing is no reason to publish.
    """
    lenient = [fitted(one, fewest) if fewest and _rule_of(one) in counts else one for one in expectations]
    result = great_expectations(batch, name, lenient, rows, "BOOLEAN_ONLY")
    unknown = {_rule(one) for one in result.results if not (one.success or _rule(one) in counts or _raised(one))}
    details = _details(batch, name, [one for one in lenient if _rule_of(one) in unknown], rows)
    for one in result.results:
        found = counts.get(_rule(one))
        if found and not one.result:
            one.result = _shown(rows, *found)
        elif _rule(one) in details:
            one.result = details[_rule(one)]
    return Judgement([_verdict(one, rows) for one in result.results], result)


def _details(batch: DataFrame, name: str, expectations: list[Expectation], rows: int) -> dict[str, Any]:
    """Counts of expectations about the batch as a whole, without a value of any row."""
    if not expectations:
        return {}
    counts_only = {"result_format": "BASIC", "partial_unexpected_count": 0}
    result = great_expectations(batch, name, expectations, rows, counts_only)
    return {_rule(one): one.result for one in result.results}


def great_expectations(
    batch: DataFrame, name: str, expectations: Iterable[Expectation], rows: int, result_format: Any
) -> ExpectationSuiteValidationResult:
    """What Great Expectations itself says of the batch."""
    context = gx.get_context(mode="ephemeral", project_config=_in_memory())
    suite = gx.ExpectationSuite(name=name, expectations=[fitted(one, rows) for one in expectations])
    asset = context.data_sources.add_spark("engine").add_dataframe_asset(name)
    definition = gx.ValidationDefinition(
        name=name, data=asset.add_batch_definition_whole_dataframe("batch"), suite=context.suites.add(suite)
    )
    return context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": batch}, result_format=result_format
    )


def judge_rows(expectations: Iterable[Expectation], rows: int, counts: Mapping[str, tuple[int, int]]) -> list[Verdict]:
    """The verdicts on the rules about rows for `rows` rows of one arrival day, from their counts alone."""
    return [_counted(fitted(one, rows), *counts[_rule_of(one)]) for one in expectations if _rule_of(one) in counts]


def _counted(expectation: Expectation, looked_at: int, bad: int) -> Verdict:
    """As Great Expectations judges: by the share of good rows among those that the rule looks at."""
    good = not looked_at or (looked_at - bad) / looked_at >= float(getattr(expectation, "mostly", 1.0))
    severity, meta = expectation.severity, expectation.meta or {}
    allowed = f" (allowed: {1 - expectation.mostly:.1%})" if hasattr(expectation, "mostly") else ""
    detail = f"{bad:,} of {looked_at:,} rows"
    text = f"{detail}: {meta['reason']}{allowed}" if bad else detail
    return Verdict(str(meta["rule"]), str(getattr(severity, "value", severity)), good, looked_at, bad, text)


def _rule_of(expectation: Expectation) -> str:
    return str((expectation.meta or {})["rule"])


def _rule(one: Any) -> str:
    return str(one.expectation_config.meta["rule"])


def _shown(rows: int, looked_at: int, bad: int) -> dict[str, Any]:
    """Counts in the form in which Data Docs show them."""
    return {
        "element_count": rows,
        "missing_count": rows - looked_at,
        "unexpected_count": bad,
        "unexpected_percent": 100 * bad / looked_at if looked_at else 0.0,
        "partial_unexpected_list": [],
    }


def _in_memory() -> DataContextConfig:
    """A context that leaves nothing behind: no temporary folder, no progress bar, no statistics sent."""
    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )


def fitted(expectation: Expectation, rows: int) -> Expectation:
    """The expectation for a batch of that many rows: at least FEW bad rows are tolerated, unless it is strict."""
    mostly = getattr(expectation, "mostly", None)
    if not isinstance(mostly, float | int) or (expectation.meta or {}).get("strict"):
        return expectation.copy(update={"id": None})
    tolerant = max(0.0, 1 - FEW / rows) if rows else 0.0
    return expectation.copy(update={"mostly": min(float(mostly), tolerant), "id": None})


def _verdict(one: Any, rows: int) -> Verdict:
    settings, rule = one.expectation_config, _rule(one)
    severity = getattr(settings.severity, "value", settings.severity) or "critical"
    if _raised(one):
        log.error("%s could not be run: %s", rule, _message(one.exception_info))
        return Verdict(rule, "critical", False, rows, rows, "the expectation could not be run; see the log")
    counted = "unexpected_count" in one.result
    failed = one.result.get("unexpected_count", 0)
    looked_at = one.result.get("element_count", rows) - one.result.get("missing_count", 0)
    allowed = f" (allowed: {1 - settings.kwargs['mostly']:.1%})" if "mostly" in settings.kwargs else ""
    detail = f"{failed:,} of {looked_at:,} rows" if counted else "met" if one.success else "broken"
    text = f"{detail}: {settings.meta['reason']}{allowed}" if failed or not one.success else detail
    return Verdict(rule, severity, bool(one.success), looked_at, failed, text)


def _raised(one: Any) -> bool:
    """The expectation could not be run; what was raised is in the result itself, or by metric."""
    info = one.exception_info or {}
    nested = any(isinstance(value, dict) and value.get("raised_exception") for value in info.values())
    return bool(info.get("raised_exception", nested))


def _message(info: dict[str, Any]) -> str:
    return str(info.get("exception_message") or [v.get("exception_message") for v in info.values() if v])
