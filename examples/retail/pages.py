"""Addresses of the pages that visitors see."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from examples.retail.chance import share
from examples.retail.columns import as_text
from examples.retail.company import Company
from examples.retail.scripts import page_parts

SITE = "https://www.completejourney.example"
TOPICS = (
    "keep-herbs-fresh", "freeze-bread", "descale-kettle", "plan-week-menu", "cut-mango", "clean-oven", "pea-soup",
    "stamppot", "apple-pie", "vegetarian-lasagne", "kids-lunchbox", "less-waste", "gluten-free", "bbq-marinade",
)  # fmt: skip


class Pages:
    """A page is fixed text, for some steps with a part that depends on product, category, store or subject."""

    def __init__(self, company: Company) -> None:
        before, kinds, after = zip(*page_parts(), strict=True)
        self.before, self.after = pa.array([SITE + part for part in before]), pa.array(after)
        self.kinds = np.array(kinds)
        products = company.products
        self.queries = as_text(products["query"].str.split().str.join(" ").tolist())
        slugs, self.slug_of = np.unique(products.slug.to_numpy(str), return_inverse=True)
        stores = np.unique(company.baskets.store_id.to_numpy())
        parts = ([""], products.product_id.astype(str).tolist(), slugs.tolist(), stores.astype(str).tolist(), [*TOPICS])
        self.parts = pa.array([text for part in parts for text in part])
        self.sizes = [len(part) for part in parts]

    def searched(self, step_is_search: np.ndarray, product: np.ndarray) -> pa.Array:
        """What was typed in the search box: the category of the product found."""
        return self.queries.take(pa.array(product, mask=~step_is_search))

    def url(
        self, step: np.ndarray, product: np.ndarray, visit: np.ndarray, query: pa.Array, campaign: pa.Array
    ) -> pa.Array:
        """Full addresses; the query string holds the search, or on a landing page the campaign."""
        kind = self.kinds[step]
        products, slugs, stores, topics = np.cumsum(self.sizes)[:4]
        part = np.select(
            [kind == "product", kind == "slug", kind == "store", kind == "topic"],
            [
                products + product,
                slugs + self.slug_of[product],
                stores + (share(visit, 93) * self.sizes[3]).astype(np.int64),
                topics + (share(visit, 94) * self.sizes[4]).astype(np.int64),
            ],
            0,
        )
        asked = pc.fill_null(pc.binary_join_element_wise("?q=", pc.replace_substring(query, " ", "+"), ""), "")
        landed = pc.fill_null(pc.binary_join_element_wise("?utm_campaign=", campaign, ""), "")
        steps = pa.array(step)
        path = [self.before.take(steps), self.parts.take(pa.array(part)), self.after.take(steps)]
        return pc.binary_join_element_wise(*path, pc.if_else(pc.equal(asked, ""), landed, asked), "")
