"""Judge a batch by its Great Expectations suite: counts only, no values of rows anywhere.

Rules about single rows are counted for every row in the pass that flags them; their verdicts follow from those counts
as Great Expectations would give them, and Great Expectations itself is asked for what is said of the batch as a whole.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import great_expectations as gx
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.data_context import EphemeralDataContext, set_context
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation import Expectation

from jobs.validate.rules.verdict import Verdict

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from pyspark.sql import DataFrame

log = logging.getLogger(__name__)
logging.getLogger("great_expectations").setLevel(logging.WARNING)  # imported after Airflow, it logs every metric

COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""Counts without a value of any row."""
FEW = 10
"""So many bad rows never condemn a batch, whatever their share: a file of three rows with a bad one is no disaster."""


@dataclass(frozen=True)
class Judgement:
    """All verdicts on a batch, and the results of its expectations, in their order, for its Data Docs."""

    verdicts: list[Verdict]
    results: list[ExpectationValidationResult]

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
    """The verdicts on a batch of `rows` rows; `counts` has rows looked at and bad rows for rules about rows.

    Of a batch of several arrival days that were judged each for itself, `fewest` is the rows of the smallest: the
    batch may have as large a share of bad rows as that one.

    Great Expectations is asked for its verdicts on the rules without counts, and only about those that failed it is
    asked again, for their counts: it would query the batch once per expectation. An expectation that cannot be run
    counts as broken: not knowing is no reason to publish.
    """
    lenient = [fitted(one, fewest) if fewest and _rule_of(one) in counts else one for one in expectations]
    asked = [one for one in lenient if _rule_of(one) not in counts]
    found = {_rule(one): one for one in _results(batch, name, asked, rows, "BOOLEAN_ONLY")}
    failed = {rule for rule, one in found.items() if not (one.success or _raised(one))}
    for one in _results(batch, name, [one for one in asked if _rule_of(one) in failed], rows, COUNTS):
        found[_rule(one)].result = one.result
    results = [found.get(_rule_of(one)) or _result(one, rows, *counts[_rule_of(one)]) for one in lenient]
    return Judgement([_verdict(one, rows) for one in results], results)


def great_expectations(
    batch: DataFrame, name: str, expectations: Iterable[Expectation], rows: int, result_format: Any
) -> ExpectationSuiteValidationResult:
    """What Great Expectations itself says of the batch."""
    suite = gx.ExpectationSuite(name=name, expectations=[fitted(one, rows) for one in expectations])
    context = _Unsaved(_in_memory())
    set_context(context)
    asset = context.data_sources.add_spark("engine").add_dataframe_asset(name)
    definition = asset.add_batch_definition_whole_dataframe("batch")
    return definition.get_batch({"dataframe": batch}).validate(suite, result_format=result_format)


def _results(
    batch: DataFrame, name: str, expectations: list[Expectation], rows: int, result_format: Any
) -> list[ExpectationValidationResult]:
    """The results of Great Expectations, which is not asked for nothing."""
    return great_expectations(batch, name, expectations, rows, result_format).results if expectations else []


def judge_rows(expectations: Iterable[Expectation], rows: int, counts: Mapping[str, tuple[int, int]]) -> list[Verdict]:
    """The verdicts on the rules about rows for `rows` rows of one arrival day, from their counts alone."""
    return [_counted(fitted(one, rows), *counts[_rule_of(one)]) for one in expectations if _rule_of(one) in counts]


def _counted(expectation: Expectation, looked_at: int, bad: int) -> Verdict:
    good = _holds(expectation, looked_at, bad)
    severity, meta = expectation.severity, expectation.meta or {}
    allowed = f" (allowed: {1 - expectation.mostly:.1%})" if hasattr(expectation, "mostly") else ""
    detail = f"{bad:,} of {looked_at:,} rows"
    text = f"{detail}: {meta['reason']}{allowed}" if bad else detail
    return Verdict(str(meta["rule"]), str(getattr(severity, "value", severity)), good, looked_at, bad, text)


def _holds(expectation: Expectation, looked_at: int, bad: int) -> bool:
    """As Great Expectations judges: by the share of good rows among those that the rule looks at."""
    return not looked_at or (looked_at - bad) / looked_at >= float(getattr(expectation, "mostly", 1.0))


def _result(expectation: Expectation, rows: int, looked_at: int, bad: int) -> ExpectationValidationResult:
    """The result of a rule about rows from its counts."""
    one = fitted(expectation, rows)
    return ExpectationValidationResult(
        success=_holds(one, looked_at, bad),
        expectation_config=one.configuration,
        result=_shown(rows, looked_at, bad),
    )


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


class _Unsaved(EphemeralDataContext):
    """A context that is not written down: as YAML, three times a batch, that took as long as the verdicts."""

    def _save_project_config(self) -> None:
        """Nothing."""


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
