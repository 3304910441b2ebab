"""Business rules as expectations of their own: what Great Expectations has no words for, or no name that says why.

Those about other rows look at a helper column of the batch, which says per row whether the rule holds: true, false,
or NULL where nothing can be said. So a rule costs the same aggregate as any other, and the row it condemns is the row
that is counted.
"""

from __future__ import annotations

from typing import Any, ClassVar

import great_expectations.expectations as gxe
from great_expectations.compatibility.pyspark import functions as F
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import (
    BatchExpectation,
    ColumnMapExpectation,
    render_suite_parameter_string,
)
from great_expectations.expectations.metrics import ColumnMapMetricProvider, column_condition_partial
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.render import LegacyRendererType, RenderedStringTemplateContent
from great_expectations.render.renderer.renderer import renderer


class ColumnValuesHold(ColumnMapMetricProvider):  # type: ignore[misc]
    """A helper column is true."""

    condition_metric_name = "column_values.hold"

    @column_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column: Any, **kwargs: Any) -> Any:  # noqa: N805  the decorator makes it a class method
        return column == F.lit(True)


class TableDistinctKeys(TableMetricProvider):  # type: ignore[misc]
    """How many different keys the rows have, told apart by a 64-bit hash: one error in 10^5 for ten million rows."""

    metric_name = "table.distinct_keys"
    value_keys = ("column_list",)

    @metric_partial(
        engine=SparkDFExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _spark(cls, metric_domain_kwargs: Any, metric_value_kwargs: Any, **kwargs: Any) -> Any:  # noqa: N805
        return F.count_distinct(F.xxhash64(*metric_value_kwargs["column_list"])), metric_domain_kwargs, {}


class ExpectFewRowsToRepeatAKey(BatchExpectation):  # type: ignore[misc]
    """Few rows have the key of another one. One aggregate with all other rules, where a window would sort the batch."""

    column_list: list[str]
    mostly: float = 1.0

    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.distinct_keys", "table.row_count")
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "mostly")
    args_keys: ClassVar[tuple[str, ...]] = ("column_list", "mostly")
    library_metadata: ClassVar[dict[str, Any]] = {"maturity": "PRODUCTION", "tags": ["klantreis"]}

    class Config:
        title = "Expect few rows to repeat a key"

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        rows, keys = metrics["table.row_count"], metrics["table.distinct_keys"]
        repeats = {"element_count": rows, "missing_count": 0, "unexpected_count": rows - keys}
        return {"success": not rows or keys / rows >= self.mostly, "result": repeats}

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    @render_suite_parameter_string
    def _prescriptive_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None, **kwargs: Any
    ) -> list[RenderedStringTemplateContent]:
        return _sentence("rows must have a $column_list of their own", configuration, runtime_configuration)


class _RuleHolds(ColumnMapExpectation):  # type: ignore[misc]
    """`column` is the helper column, `subject` what the rule is about, for people, `when` the rows it looks at."""

    subject: str = ""
    when: str = ""

    map_metric: ClassVar[str] = "column_values.hold"
    args_keys: ClassVar[tuple[str, ...]] = ("column", "subject")
    library_metadata: ClassVar[dict[str, Any]] = {"maturity": "PRODUCTION", "tags": ["klantreis"]}
    sentence: ClassVar[str] = ""
    """What a good row is; `$name` is a field of the expectation."""

    @classmethod
    def is_abstract(cls) -> bool:
        return not cls.sentence

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    @render_suite_parameter_string
    def _prescriptive_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None, **kwargs: Any
    ) -> list[RenderedStringTemplateContent]:
        return _sentence(cls.sentence, configuration, runtime_configuration)


def _sentence(template: str, configuration: Any, runtime_configuration: Any) -> list[RenderedStringTemplateContent]:
    """A rule in words, for Data Docs; `$name` in the template is a field of the expectation."""
    given = configuration.kwargs if configuration else {}
    params: dict[str, Any] = {name: ", ".join(one) if isinstance(one, list) else one for name, one in given.items()}
    mostly = params.get("mostly") or 1
    if mostly < 1:
        template += ", at least $mostly_pct % of the time"
        params["mostly_pct"] = f"{100 * mostly:.5g}"
    content = {
        "template": template + ".",
        "params": params,
        "styling": (runtime_configuration or {}).get("styling"),
    }
    return [RenderedStringTemplateContent(content_block_type="string_template", string_template=content)]


class ExpectColumnValueToBeDeterminedBy(_RuleHolds):
    """The value is the one that most rows with the same values in the columns `by` have."""

    value: str = ""
    by: list[str] = []

    sentence = "values of $subject must be those of the clear majority of the rows with the same $by"

    class Config:
        title = "Expect column value to be determined by other columns"


class ExpectColumnValueToBeKnown(_RuleHolds):
    """The value is in a column of a table of the lake."""

    value: str = ""
    references: str = ""
    any_source: bool = False

    sentence = "values of $subject must be known in $references"

    class Config:
        title = "Expect column value to be known in another dataset"


class ExpectOrderCustomerToBeKnown(ExpectColumnValueToBeKnown):
    """The customer of an order is in the customer records."""

    sentence = "the customer of an order ($subject) must be known in $references"

    class Config:
        title = "Expect order customer to be known"


class ExpectRowToMeetCondition(_RuleHolds):
    """A condition over the columns of the row is true."""

    condition: str = ""

    sentence = "rows must meet $condition"

    class Config:
        title = "Expect row to meet condition"


class ExpectValuesToBeReadable(gxe.ExpectColumnValuesToBeNull):
    """No value of the row failed to become the type of its column."""

    class Config:
        title = "Expect values to be readable"


class ExpectEmailAddress(gxe.ExpectColumnValuesToMatchRegex):
    """The text is an e-mail address: it is shaped like one, and has the spelling that people are known by."""

    class Config:
        title = "Expect e-mail address"


class ExpectPlausibleAmount(gxe.ExpectColumnValuesToBeBetween):
    """Money that is not negative, and no typing error or placeholder."""

    class Config:
        title = "Expect plausible amount"


class ExpectMomentNotAfterArrival(gxe.ExpectColumnPairValuesAToBeGreaterThanB):
    """The moment is not later than the day after the file arrived."""

    class Config:
        title = "Expect moment not after arrival"


class ExpectScoreWithinScale(gxe.ExpectColumnPairValuesAToBeGreaterThanB):
    """A score is at most the end of its scale."""

    class Config:
        title = "Expect score within scale"


class ExpectSomebodyToBeNamed(_RuleHolds):
    """The row says whom it is about. `junk` and `not_junk` are those of config/identity.yaml."""

    junk: dict[str, list[str]] = {}
    not_junk: dict[str, list[str]] = {}

    sentence = "rows must name somebody, and no placeholder such as undefined"

    class Config:
        title = "Expect somebody to be named"


class ExpectIdToBeWhole(gxe.ExpectColumnValuesToNotMatchRegex):
    """No spreadsheet has rounded the id."""

    class Config:
        title = "Expect id to be whole"
