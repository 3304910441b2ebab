"""`kind: recommend` of config/models/NAME.yaml: which items each customer is shown next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from jobs.config.models.learned import Keys, Learned
from jobs.config.models.shared import Models
from jobs.config.traits import Trait
from jobs.config.yaml_files import Strict, nearest

LINES = "order_lines"


class Products(Strict):
    """Products by what the product list says of them: any of these is enough."""

    product_id: list[str] = []
    category: list[str] = []
    department: list[str] = []
    brand: list[str] = []


class Recommend(Learned):
    """The items each customer is most likely to buy next, of those that may be shown."""

    kind: Literal["recommend"]
    rows_of: str = Field(description="a trait over order_lines: its rows are what customers bought")
    item: Literal["product_id", "category", "department", "brand"] = Field(
        "product_id", description="the column that says what was bought; the same value in two sources is one item"
    )
    top: int = Field(10, ge=1, le=100, description="items per customer")
    half_life_days: float = Field(
        90, gt=0, description="what was bought so long ago says half as much of what one likes"
    )
    popular_days: int = Field(60, gt=0, description="window of the popularity that new customers are shown")
    judge_days: int = Field(28, gt=0, description="the model is judged on what customers buy in so many days")
    ridge: list[float] = Field([100, 300, 1000], description="lambda of EASE: the best on a split in time is taken")
    popularity: list[float] = Field([0.05, 0.2], description="weights of recent popularity that are tried")
    repeats: list[float] = Field([0, 0.3, 0.6], description="weights of own repeats that are tried; [0] for none")
    minimum_customers: int = Field(50, ge=10, description="customers with purchases to learn from and to judge on")
    minimum_improvement: float = 0.0
    again: bool = Field(True, description="whether what a customer bought before may be recommended at all")
    never_again: Products = Field(Products(), description="products that make no sense to buy twice")
    hardly_ever: float = Field(
        0.02, ge=0, le=1, description="an item that surely fewer of its buyers bought again is not shown to its buyers"
    )
    do_not_recommend: Products = Field(Products(), description="products that nobody is shown")
    stock: str | None = Field(
        None,
        description="the attribute of products that says how many there are; of which there are none are not shown",
    )
    purpose: str | None = Field(None, description="only customers who said yes to it are recommended anything")

    def wrong(self, models: Models, traits: Mapping[str, Trait]) -> Iterator[tuple[Keys, str]]:
        counted = traits.get(self.rows_of)
        if counted is None:
            yield ("rows_of",), f"unknown trait {self.rows_of!r}{nearest(self.rows_of, traits)}"
        elif counted.over != LINES:
            yield (
                ("rows_of",),
                f"trait {self.rows_of!r} is over {counted.over}; items are in {LINES}: name one over them",
            )
        for key in ("ridge", "popularity", "repeats"):
            if not getattr(self, key) or min(getattr(self, key)) < 0 or (key == "ridge" and min(self.ridge) <= 0):
                yield (key,), "name the weights to try, none below 0, and of ridge above 0"

    def purposes(self) -> Iterator[tuple[Keys, str]]:
        if self.purpose is not None:
            yield ("purpose",), self.purpose
