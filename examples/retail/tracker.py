"""The tracker of web shop and app: visits as events, one nested JSON object per line."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from examples.retail import clock, devices
from examples.retail.campaigns import campaign_names
from examples.retail.chance import mix
from examples.retail.columns import as_text, cents_text
from examples.retail.company import Company
from examples.retail.faults import common_faults
from examples.retail.feeds import WHOLE_LINE, Columns, Fault, Feed, Layout
from examples.retail.pages import Pages
from examples.retail.people import People
from examples.retail.scripts import STEP_NAMES, STEPS
from examples.retail.web import Web, event_ids

SEARCH_ENGINE, NETWORK, COUPON_SITE = (
    "https://www.google.com/",
    "https://www.facebook.com/",
    "https://www.kortingen.example/",
)
REFERRERS = pa.array([None, SEARCH_ENGINE, SEARCH_ENGINE, NETWORK, COUPON_SITE, None])
SOURCES = pa.array([None, None, "google", "facebook", None, "newsletter"])
MEDIA = pa.array([None, None, "cpc", "social", None, "email"])
"""By entry of the visit: direct, organic, paid, social, referral, email."""


def event_feed(company: Company, people: People, web: Web) -> Feed:
    """The events of all visits."""
    faults = (
        *common_faults("event_id", "timestamp"),
        Fault("unknown_value", "type", "????"),
        Fault("negative_amount", "properties.value", "-9.99"),
        Fault("not_json", WHOLE_LINE, '{"event_id": "e00", "timestamp": '),
    )
    person = web.visits.person[web.events.visit]
    return Feed(
        "web", "events", "events.jsonl.gz", clock.to_local(web.events.at) // clock.DAY,
        _Tracker(company, people, web).render, layout=Layout("json", numbers=frozenset({"properties.value"})),
        faults=faults, group=person, person=person,
    )  # fmt: skip


class _Tracker:
    """Campaign and referrer are sent on the landing page only, the login from the moment of logging in."""

    def __init__(self, company: Company, people: People, web: Web) -> None:
        self.web, self.visits, self.seed = web, web.visits, company.seed
        self.pages = Pages(company)
        self.types = pa.array([type_ for type_, _ in STEPS.values()])
        self.logins = as_text([person.login for person in people.persons])
        self.campaigns = pa.array([None, *campaign_names()[1:]])
        self.product_of_line = company.lines["product"].to_numpy()
        self.products = as_text(company.products.product_id.to_numpy())
        self.prices = company.products.price.to_numpy()
        self.orders = as_text(company.baskets.basket_id.to_numpy())
        self.totals = company.baskets.total.to_numpy()

    def render(self, rows: np.ndarray) -> Columns:
        events = self.web.events
        visit, step, product = events.visit[rows], events.step[rows], self.product_of_line[events.line[rows]]
        entry = pa.array(self.visits.entry[visit], mask=~events.landing[rows])
        campaign = self.campaigns.take(pa.array(self.visits.campaign[visit], mask=~events.landing[rows]))
        device, buying = pa.array(self.web.device[visit]), _is(step, "purchase")
        query = self.pages.searched(_is(step, "search"), product)
        about = _is(step, "product", "cart", "uncart", "reviews")
        return {
            "event_id": event_ids(rows, self.seed),
            "timestamp": clock.utc_text(events.at[rows], self._milliseconds(rows, buying)),
            "type": self.types.take(pa.array(step)),
            "user.cookie": self.web.cookie.take(pa.array(visit)),
            "user.login": self.logins.take(pa.array(self.visits.person[visit], mask=~events.logged_in[rows])),
            "context.page.url": self.pages.url(step, product, visit, query, campaign),
            "context.page.referrer": REFERRERS.take(entry),
            "context.campaign.source": SOURCES.take(entry),
            "context.campaign.medium": MEDIA.take(entry),
            "context.campaign.name": campaign,
            "context.device.type": devices.TYPES.take(device),
            "context.device.os": devices.SYSTEMS.take(device),
            "context.platform": devices.PLATFORMS.take(device),
            "properties.query": query,
            "properties.product_id": self.products.take(pa.array(product, mask=~about)),
            "properties.order_id": self.orders.take(pa.array(self.visits.basket[visit], mask=~buying)),
            "properties.value": self._value(visit, step, product),
        }

    def _milliseconds(self, rows: np.ndarray, buying: np.ndarray) -> np.ndarray:
        """A purchase is at the second of its order."""
        return np.where(buying, 0, (mix(rows, self.seed + 91) % np.uint64(1000)).astype(np.int64))

    def _value(self, visit: np.ndarray, step: np.ndarray, product: np.ndarray) -> pa.Array:
        """The total of an order, or the price of the product put in or taken out of the basket."""
        buying = _is(step, "purchase")
        cents = np.where(buying, self.totals[self.visits.basket[visit]], self.prices[product])
        has_value = pa.array(buying | _is(step, "cart", "uncart"))
        return pc.if_else(has_value, cents_text(cents), pa.scalar(None, pa.string()))


def _is(step: np.ndarray, *names: str) -> np.ndarray:
    return np.isin(step, [STEP_NAMES.index(name) for name in names])
