"""Business rules as expectations of their own: what Great Expectations has no words for, or no name that says why.

Those about other rows look at a helper column of the batch, which says per row whether the rule holds: true, false,
or NULL where nothing can be said. So a rule costs the same aggregate as any other, and the row it condemns is the row
that is counted.
"""

from __future__ import annotations

from typing import Any, ClassVar

import great_expectations.expectations as gxe
from great_expectations.compatibility.pyspark import functions as F
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation, render_suite_parameter_string
from great_expectations.expectations.metrics import ColumnMapMetricProvider, column_condition_partial
from great_expectations.render import LegacyRendererType, RenderedStringTemplateContent
from great_expectations.render.renderer.renderer import renderer


class ColumnValuesHold(ColumnMapMetricProvider):  # type: ignore[misc]
    """A helper column is true."""

    condition_metric_name = "column_values.hold"

    @column_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column: Any, **kwargs: Any) -> Any:  # noqa: N805  the decorator makes it a class method
        return column == F.lit(True)


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
        given = configuration.kwargs if configuration else {}
        params: dict[str, Any] = {
            name: ", ".join(value) if isinstance(value, list) else value for name, value in given.items()
        }
        template, mostly = cls.sentence, params.get("mostly") or 1
        if mostly < 1:
            template += ", at least $mostly_pct % of the time"
            params["mostly_pct"] = f"{100 * mostly:.5g}"
        styling = (runtime_configuration or {}).get("styling")
        content = {"template": template + ".", "params": params, "styling": styling}
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
    """The text is shaped like an e-mail address."""

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


class ExpectSomebodyToBeNamed(gxe.ExpectColumnValuesToNotBeNull):
    """The row says whom it is about."""

    class Config:
        title = "Expect somebody to be named"
