"""What visitors do in a visit, written as little scripts per intent."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from examples.retail.chance import stream

STEPS: dict[str, tuple[str, str]] = {
    "home": ("page_view", "/"),
    "category": ("page_view", "/c/{slug}"),
    "deals": ("page_view", "/deals"),
    "search": ("search", "/search"),
    "product": ("product_view", "/p/{product}"),
    "cart": ("add_to_cart", "/p/{product}"),
    "uncart": ("remove_from_cart", "/cart"),
    "basket": ("page_view", "/cart"),
    "checkout": ("checkout", "/checkout"),
    "purchase": ("purchase", "/checkout/done"),
    "login": ("login", "/login"),
    "stores": ("store_locator", "/stores"),
    "hours": ("page_view", "/stores/{store}/opening-hours"),
    "directions": ("page_view", "/stores/{store}/directions"),
    "stock": ("page_view", "/stores/{store}/stock"),
    "howto": ("page_view", "/how-to/{topic}"),
    "recipe": ("page_view", "/recipes/{topic}"),
    "blog": ("page_view", "/blog/{topic}"),
    "compare": ("page_view", "/compare/{slug}"),
    "reviews": ("page_view", "/reviews/{product}"),
    "account_orders": ("page_view", "/account/orders"),
    "account_returns": ("page_view", "/account/returns"),
    "account_points": ("page_view", "/account/points"),
    "account_details": ("page_view", "/account/details"),
    "service": ("page_view", "/service"),
    "qr": ("qr_scan", "/qr/shelf-{store}"),
    "install": ("app_install", "/app"),
}
"""Step to event type and page."""

STEP_NAMES = list(STEPS)
INTENTS = ("know", "go", "do", "buy", "service", "none")
"""The micro-moments, and visits for service or too short to tell."""

SCRIPTS: dict[str, tuple[str, ...]] = {
    "know": (
        "search product reviews product*3",
        "home blog*2 category product*2",
        "category compare product*3 reviews",
        "search*2 compare product reviews product",
        "blog*3 category",
        "home search product*4 compare",
    ),
    "go": (
        "home stores hours",
        "stores hours directions",
        "search product stores stock",
        "stores directions",
        "qr product stores",
        "home stores*2 hours directions",
    ),
    "do": (
        "howto*2",
        "recipe*2 product*2",
        "search howto*2 service",
        "qr howto recipe",
        "home recipe*3 category",
        "install home recipe",
        "blog howto*3",
    ),
    "buy": (
        "home search product cart basket",
        "category product*2 cart product cart basket checkout",
        "deals product cart product cart uncart basket",
        "search product cart basket checkout",
        "home deals product*2 cart basket",
        "search product*3 cart search product cart checkout",
    ),
    "service": (
        "home account_orders service",
        "account_points deals",
        "service account_returns",
        "account_details",
        "home account_orders account_returns service",
    ),
    "none": ("home", "product", "category", "deals", "blog", "home category"),
}
"""Visits without an order; `*3` repeats a step one to three times. Carts in a `buy` script are abandoned."""

PURCHASES = ("home search product cart", "category product cart", "deals product*2 cart", "account_orders product cart")
MAX_CARTS = 5
TAKES = 8
"""How often a script is written out with other repeats."""


@dataclass(frozen=True)
class Variants:
    """Scripts written out. Row 2n is variant n, row 2n+1 the same with a login after the first step.

    `step` and `product` are flat: variant v has `length[v]` steps from `start[v]`. `product` counts the products
    looked at so far, from 0.
    """

    start: np.ndarray
    length: np.ndarray
    step: np.ndarray
    product: np.ndarray
    of_intent: dict[str, np.ndarray]
    of_carts: dict[int, np.ndarray]


def write_out(seed: int) -> Variants:
    """All scripts with their repeats drawn several times."""
    random = stream(seed, "scripts")
    rows: list[list[str]] = []
    of_intent, of_carts = {}, {}
    for intent, scripts in SCRIPTS.items():
        first = len(rows)
        rows += [_draw(random, script) for script in scripts for _ in range(TAKES)]
        of_intent[intent] = np.arange(first, len(rows))
    for carts in range(1, MAX_CARTS + 1):
        first = len(rows)
        rows += [_purchase(random, script, carts) for script in PURCHASES for _ in range(TAKES)]
        of_carts[carts] = np.arange(first, len(rows))
    both = [form for row in rows for form in (row, [row[0], "login", *row[1:]])]
    lengths = np.array([len(row) for row in both])
    return Variants(
        start=np.cumsum(lengths) - lengths,
        length=lengths,
        step=np.array([STEP_NAMES.index(step) for row in both for step in row], np.int8),
        product=np.concatenate([_products_so_far(row) for row in both]).astype(np.int8),
        of_intent=of_intent,
        of_carts=of_carts,
    )


def _draw(random: np.random.Generator, script: str) -> list[str]:
    steps: list[str] = []
    for word in script.split():
        name, _, most = word.partition("*")
        steps += [name] * int(random.integers(1, int(most or 1) + 1))
    return steps


def _purchase(random: np.random.Generator, script: str, carts: int) -> list[str]:
    again = [
        step for _ in range(carts - 1) for step in _draw(random, random.choice(("search product cart", "product cart")))
    ]
    return [*_draw(random, script), *again, "basket", "checkout", "purchase"]


def _products_so_far(steps: list[str]) -> np.ndarray:
    """Which product each step is about: a cart takes the product last looked at."""
    seen = np.cumsum([step == "product" for step in steps]) - 1
    return np.maximum(seen, 0)


def page_parts() -> list[tuple[str, str, str]]:
    """Per step the page before the part that varies, the name of that part or '', and the page after it."""
    found = [re.fullmatch(r"([^{]*)(?:\{(\w+)\})?(.*)", page) for _, page in STEPS.values()]
    return [(match[1], match[2] or "", match[3]) for match in found if match]
