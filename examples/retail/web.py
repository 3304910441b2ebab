"""Web and app events: the visits played out step by step, one nested JSON object per event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from examples.retail import clock
from examples.retail.campaigns import Clicks, EmailEvents, campaign_names
from examples.retail.chance import hex_text, mix, share, stream
from examples.retail.company import Company
from examples.retail.consents import Reader
from examples.retail.faults import common_faults
from examples.retail.feeds import WHOLE_LINE, Columns, Fault, Feed, Layout, as_text, cents_text
from examples.retail.orders import Orders
from examples.retail.people import People
from examples.retail.scripts import INTENTS, STEP_NAMES, STEPS, page_parts, write_out
from examples.retail.visits import (
    EMAIL,
    ENTRIES,
    PAID,
    Visits,
    apart,
    choose_variants,
    cookie_ids,
    cookie_keys,
    devices,
    plan_visits,
)

SITE = "https://www.completejourney.example"
GAP = 45 * 60
TOPICS = (
    "keep-herbs-fresh", "freeze-bread", "descale-kettle", "plan-week-menu", "cut-mango", "clean-oven", "pea-soup",
    "stamppot", "apple-pie", "vegetarian-lasagne", "kids-lunchbox", "less-waste", "gluten-free", "bbq-marinade",
)  # fmt: skip
REFERRERS = pa.array(
    [
        None,
        "https://www.google.com/",
        "https://www.google.com/",
        "https://www.facebook.com/",
        "https://www.kortingen.example/",
        None,
    ]
)
SOURCES = pa.array([None, None, "google", "facebook", None, "newsletter"])
MEDIA = pa.array([None, None, "cpc", "social", None, "email"])
DEVICE_TYPES = pa.array(["mobile", "desktop", "tablet", "mobile"])
SYSTEMS = pa.array(["Android", "Windows", "iPadOS", "iOS"])
PLATFORMS = pa.array(["web", "web", "web", "app"])


@dataclass(frozen=True)
class Web:
    """The visits that took place, and their events in order of time. Rows of `events` point at `visits`."""

    visits: Visits
    device: np.ndarray
    cookie: pa.Array
    first_event: np.ndarray
    count: np.ndarray
    begin: np.ndarray
    event_visit: np.ndarray
    event_step: np.ndarray
    event_line: np.ndarray
    event_at: np.ndarray
    event_first: np.ndarray
    event_logged_in: np.ndarray


def browse(company: Company, people: People, orders: Orders, emails: EmailEvents, readers: list[Reader]) -> Web:
    """Play all visits; where two of a household would run into each other, one does not take place."""
    seed = company.seed
    planned, _ = plan_visits(company, people, orders, emails, readers)
    variants = write_out(seed)
    variant = choose_variants(company, planned, variants, seed)
    length = variants.length[variant]
    first = np.cumsum(length) - length
    visit = np.repeat(np.arange(len(length)), length)
    position = np.arange(len(visit)) - first[visit]
    wait = 3 + np.minimum(stream(seed, "waits").lognormal(3.3, 0.9, len(visit)), 420).astype(np.int64)
    wait[first] = 0
    elapsed = np.cumsum(wait)
    elapsed -= elapsed[first][visit]
    duration = elapsed[first + length - 1]
    begin = planned.start - np.where(planned.basket >= 0, duration, 0)
    keep = np.sort(apart(planned, begin, begin + duration, GAP))
    kept = np.full(len(length), -1)
    kept[keep] = np.arange(len(keep))
    mine = kept[visit] >= 0
    visit, position, elapsed = kept[visit[mine]], position[mine], elapsed[mine]
    visits, variant, begin = planned.take(keep), variant[keep], begin[keep]
    flat = variants.start[variant][visit] + position
    at = begin[visit] + elapsed
    order = np.lexsort((visit, at))
    visit, position, flat, at = visit[order], position[order], flat[order], at[order]
    first_event = np.zeros(len(keep), np.int64)
    first_event[visit[position == 0]] = np.flatnonzero(position == 0)
    device = devices(people, visits, orders, seed)
    cookie = hex_text(cookie_ids(cookie_keys(people, visits, device, seed), seed), "k")
    step = variants.step[flat]
    login_at = STEP_NAMES.index("login")
    started = np.where(
        visits.login[visit] == 2, True, (visits.login[visit] == 1) & ((position > 1) | (step == login_at))
    )
    line = _lines(company, people, visits)[visit] + variants.product[flat]
    return Web(
        visits, device, pa.array(cookie).cast(pa.string()), first_event, length[keep], begin, visit, step,
        _inside_basket(company, people, visits, visit, line), at, position == 0, started,
    )  # fmt: skip


def _lines(company: Company, people: People, visits: Visits) -> np.ndarray:
    """The line of a real basket at which the interest of a visit starts: of the order, else of any basket at home."""
    return company.baskets.first_line.to_numpy()[_interest(company, people, visits)]


def _interest(company: Company, people: People, visits: Visits) -> np.ndarray:
    """The real basket whose products a visit looks at."""
    home = company.baskets.household.to_numpy()
    by_home = np.argsort(home, kind="stable")
    luck = share(np.arange(len(visits.person)), company.seed + 81)
    row = np.minimum(visits.person, len(people.persons) - 1)
    first = np.searchsorted(home[by_home], people.household[row])
    many = np.bincount(home, minlength=len(company.households))[people.household[row]]
    own = by_home[first + (luck * many).astype(np.int64)]
    anyones = (luck * len(home)).astype(np.int64)
    known = visits.person < len(people.persons)
    return np.where(visits.basket >= 0, visits.basket, np.where(known, own, anyones))


def _inside_basket(company: Company, people: People, visits: Visits, visit: np.ndarray, line: np.ndarray) -> np.ndarray:
    basket = _interest(company, people, visits)[visit]
    last = company.baskets.first_line.to_numpy()[basket] + company.baskets.lines.to_numpy()[basket] - 1
    return np.minimum(line, last).astype(np.int32)


def event_feed(company: Company, people: People, web: Web) -> Feed:
    """The events as the tracker sends them: campaign and referrer on the landing page only, login once logged in."""
    pages = _Pages(company)
    types = pa.array([type_ for type_, _ in STEPS.values()])
    logins = as_text([person.login for person in people.persons])
    campaigns = pa.array([None, *campaign_names()[1:]])
    visits, product_of = web.visits, company.lines["product"].to_numpy()
    products = as_text(company.products.product_id.to_numpy())
    orders, totals = as_text(company.baskets.basket_id.to_numpy()), company.baskets.total.to_numpy()
    prices = company.products.price.to_numpy()
    about_product = np.isin(np.array(STEP_NAMES), ["product", "cart", "uncart", "reviews"])
    search, purchase = STEP_NAMES.index("search"), STEP_NAMES.index("purchase")
    carts = np.isin(np.array(STEP_NAMES), ["cart", "uncart"])
    seed = company.seed

    def render(rows: np.ndarray) -> Columns:
        visit, step, product = web.event_visit[rows], web.event_step[rows], product_of[web.event_line[rows]]
        landing = web.event_first[rows]
        entry = pa.array(visits.entry[visit], mask=~landing)
        campaign = campaigns.take(pa.array(visits.campaign[visit], mask=~landing))
        device = pa.array(web.device[visit])
        bought = np.where(step == purchase, visits.basket[visit], -1)
        value = np.where(step == purchase, totals[bought], prices[product])
        milliseconds = np.where(step == purchase, 0, (mix(rows, seed + 91) % np.uint64(1000)).astype(np.int64))
        query = pages.queries.take(pa.array(product, mask=step != search))
        return {
            "event_id": event_ids(rows, seed),
            "timestamp": clock.utc_text(web.event_at[rows], milliseconds),
            "type": types.take(pa.array(step)),
            "user.cookie": web.cookie.take(pa.array(visit)),
            "user.login": logins.take(pa.array(visits.person[visit], mask=~web.event_logged_in[rows])),
            "context.page.url": pages.url(step, product, visit, query, campaign),
            "context.page.referrer": REFERRERS.take(entry),
            "context.campaign.source": SOURCES.take(entry),
            "context.campaign.medium": MEDIA.take(entry),
            "context.campaign.name": campaign,
            "context.device.type": DEVICE_TYPES.take(device),
            "context.device.os": SYSTEMS.take(device),
            "context.platform": PLATFORMS.take(device),
            "properties.query": query,
            "properties.product_id": products.take(pa.array(product, mask=~about_product[step])),
            "properties.order_id": orders.take(pa.array(bought, mask=bought < 0)),
            "properties.value": _only(cents_text(value), (step == purchase) | carts[step]),
        }

    faults = (
        *common_faults("event_id", "timestamp"),
        Fault("unknown_value", "type", "????"),
        Fault("negative_amount", "properties.value", "-9.99"),
        Fault("not_json", WHOLE_LINE, '{"event_id": "e00", "timestamp": '),
    )
    return Feed(
        "web", "events", "events.jsonl.gz", clock.to_local(web.event_at) // clock.DAY, render,
        layout=Layout("json", numbers=frozenset({"properties.value"})), faults=faults,
        group=visits.person[web.event_visit], person=visits.person[web.event_visit],
    )  # fmt: skip


def event_ids(rows: np.ndarray, seed: int) -> pa.Array:
    return pa.array(hex_text(mix(rows, seed + 92), "e")).cast(pa.string())


class _Pages:
    """Addresses of pages: a fixed start, and for some a part that depends on product, store or subject."""

    def __init__(self, company: Company) -> None:
        before, kinds, after = zip(*page_parts(), strict=True)
        self.before, self.after = pa.array([SITE + part for part in before]), pa.array(after)
        self.kinds = np.array(kinds)
        self.queries = as_text(company.products["query"].str.split().str.join(" ").tolist())
        slugs, self.slug_of = np.unique(company.products.slug.to_numpy(str), return_inverse=True)
        self.stores = np.unique(company.baskets.store_id.to_numpy())
        parts = [
            [""],
            company.products.product_id.astype(str).tolist(),
            slugs.tolist(),
            self.stores.astype(str).tolist(),
        ]
        self.parts = pa.array([text for part in [*parts, list(TOPICS)] for text in part])
        self.base = np.cumsum([0, *(len(part) for part in parts)])

    def url(
        self, step: np.ndarray, product: np.ndarray, visit: np.ndarray, query: pa.Array, campaign: pa.Array
    ) -> pa.Array:
        kind = self.kinds[step]
        _, products, slugs, stores, topics = self.base
        part = np.select(
            [kind == "product", kind == "slug", kind == "store", kind == "topic"],
            [
                products + product,
                slugs + self.slug_of[product],
                stores + (share(visit, 93) * len(self.stores)).astype(np.int64),
                topics + (share(visit, 94) * len(TOPICS)).astype(np.int64),
            ],
            0,
        )
        asked = pc.fill_null(pc.binary_join_element_wise("?q=", pc.replace_substring(query, " ", "+"), ""), "")
        landed = pc.fill_null(pc.binary_join_element_wise("?utm_campaign=", campaign, ""), "")
        steps = pa.array(step)
        path = [self.before.take(steps), self.parts.take(pa.array(part)), self.after.take(steps)]
        return pc.binary_join_element_wise(*path, pc.if_else(pc.equal(asked, ""), landed, asked), "")


def _only(values: pa.Array, where: np.ndarray) -> pa.Array:
    return pc.if_else(pa.array(where), values, pa.scalar(None, values.type))


def clicks(web: Web) -> Clicks:
    """Visits that began with a paid or e-mail click, for the campaign tool."""
    rows = np.flatnonzero((web.visits.entry == PAID) | (web.visits.entry == EMAIL))
    visits = web.visits
    cookie = web.cookie.take(pa.array(rows))
    return Clicks(visits.campaign[rows], web.begin[rows] - 2, cookie, visits.person[rows], visits.email_event[rows])


def session_table(web: Web, people_ids: np.ndarray, seed: int) -> pd.DataFrame:
    """Truth: one row per visit."""
    visits = web.visits
    return pd.DataFrame(
        {
            "first_event_id": event_ids(web.first_event, seed).to_pandas(),
            "person_id": people_ids[visits.person],
            "cookie": web.cookie.to_pandas(),
            "started_at": clock.utc_text(web.begin).to_pandas(),
            "events": web.count,
            "intent": np.array(INTENTS)[visits.intent],
            "converted": visits.basket >= 0,
            "entry": np.array(ENTRIES)[visits.entry],
            "day": clock.to_local(web.begin) // clock.DAY,
        }
    )
