"""`gate:` of config/models/NAME.yaml: what a model must show before it is used."""

from __future__ import annotations

from pydantic import Field

from jobs.config.yaml_files import Strict


class Limits(Strict):
    """What a classifier must show besides being better: a model over one of these limits is refused with the reason."""

    maximum_calibration_error: float = Field(
        0.05, gt=0, description="mean distance of promised and seen share, beyond what chance shows in so few customers"
    )
    minimum_stability: float = Field(
        0.6, ge=0, le=1, description="rank correlation of scores learned from one half of customers and from the other"
    )
    suspicious_auc: float = Field(
        0.97, gt=0.5, le=1, description="a feature that alone reaches this knows the answer: the label leaked into it"
    )
    minimum_coverage: float = Field(
        0.0, ge=0, le=1, description="share of customers that the model itself judges, rather than a rule beside it"
    )
    fairness: list[str] = Field(
        [], description="features, such as age or gender, whose groups must be found alike; not learned from"
    )
    minimum_fairness: float = Field(
        0.8, gt=0, le=1,
        description="share found of those with the outcome, in the group found least against the one found most",
    )  # fmt: skip


class Costs(Strict):
    """What it costs to act on a score and what it brings: draws the cost curve and the best threshold."""

    contact: float = Field(gt=0, description="cost of approaching one customer, in the currency of the company")
    margin: float = Field(gt=0, description="worth of one customer with the outcome who is won or kept")
    success: float = Field(1.0, gt=0, le=1, description="share of approached customers with the outcome who are")
