"""What the campaign tool adds up per day, and what the web shop says and hears: its content, its reviews."""

from __future__ import annotations

import numpy as np

from examples.retail import clock
from examples.retail.campaigns import CLICK, DELIVERED, Clicks, EmailEvents, campaign_names
from examples.retail.chance import plain_stream, share
from examples.retail.columns import as_text, cents_text
from examples.retail.company import Company
from examples.retail.faults import common_faults
from examples.retail.feeds import Fault, Feed, from_table
from examples.retail.orders import STORE, Orders
from examples.retail.pages import SITE, TOPICS
from examples.retail.people import People
from examples.retail.texts import mood_of, opinion

SHOWN_PER_CLICK = 60
CENTS_PER_CLICK = 38
ONLINE_SHARE, STORE_SHARE = 0.12, 0.004
"""Orders that are reviewed."""
RECIPES = ("pea-soup", "stamppot", "apple-pie", "vegetarian-lasagne", "kids-lunchbox", "gluten-free", "bbq-marinade")


def stats_feed(emails: EmailEvents, clicks: Clicks) -> Feed:
    """Per day, campaign and channel: e-mails delivered and clicked, ads shown and clicked, and what they cost."""
    ads = clicks.email_event < 0
    clicked_on = clock.to_local(clicks.at[ads]) // clock.DAY
    parts = [
        ("email", emails.at[emails.type == DELIVERED] // clock.DAY, emails.campaign[emails.type == DELIVERED], 1, 0),
        ("email", emails.at[emails.type == CLICK] // clock.DAY, emails.campaign[emails.type == CLICK], 0, 1),
        ("ad", clicked_on, clicks.campaign[ads], SHOWN_PER_CLICK, 1),
    ]
    counted: dict[tuple[int, int, str], list[int]] = {}
    for channel, days, campaigns, shown, clicked in parts:
        pairs, numbers = np.unique(np.stack([days, campaigns]), axis=1, return_counts=True)
        for (day, campaign), number in zip(pairs.T.tolist(), numbers.tolist(), strict=True):
            total = counted.setdefault((day, campaign, channel), [0, 0])
            total[0] += number * shown
            total[1] += number * clicked
    rows, names = sorted(counted), campaign_names()
    days = np.array([day for day, _, _ in rows], np.int64)
    seen, answered = (np.array([counted[row][n] for row in rows], np.int64) for n in (0, 1))
    paid = np.array([channel == "ad" for _, _, channel in rows])
    told = np.minimum((days + 1) * clock.DAY - 60, clock.LAST)
    table = {
        "campaign_id": [names[campaign] for _, campaign, _ in rows],
        "channel": [channel for _, _, channel in rows],
        "day": np.datetime_as_string(days.astype("datetime64[D]")),
        "told_at": clock.local_text(told),
        "impressions": seen,
        "clicks": answered,
        "cost": cents_text(np.where(paid, answered * CENTS_PER_CLICK, seen // 5)),
        "currency": np.full(len(rows), "EUR"),
    }
    faults = (Fault("missing_key", "campaign_id", ""), Fault("not_a_number", "clicks", "many"))
    return Feed("campaigns", "campaign_stats", "campaign_stats.csv", days, from_table(table), faults=faults)


def review_feed(company: Company, people: People, orders: Orders) -> Feed:
    """Reviews of some orders, some days after the goods were there."""
    ids, at = company.baskets.basket_id.to_numpy(), company.baskets["at"].to_numpy()
    written = []
    reviewed = share(ids, 131) < np.where(orders.channel == STORE, STORE_SHARE, ONLINE_SHARE)
    for basket in np.flatnonzero(reviewed):
        person = people.persons[people.buyer[basket]]
        chance = plain_stream(company.seed, f"review {ids[basket]}")
        when = int(at[basket]) + chance.randrange(2 * clock.DAY, 9 * clock.DAY)
        stars = max(1, min(5, round(3.9 + float(people.satisfaction[person.row]) + chance.gauss(0, 0.7))))
        if when <= clock.LAST:
            text = opinion(chance, str(person.language), mood_of(stars, 1, 5))
            written.append((when, f"V{ids[basket]}", str(ids[basket]), stars, text, person))
    written.sort(key=lambda row: row[:2])
    moments = np.array([row[0] for row in written], np.int64)
    table = {
        "review_id": [row[1] for row in written],
        "order_id": [row[2] for row in written],
        "stars": [row[3] for row in written],
        "review": [row[4] for row in written],
        "language": [str(row[5].language) for row in written],
        "email": [row[5].email for row in written],
        "posted_at": clock.local_text(moments),
    }
    faults = (*common_faults("review_id", "posted_at"), Fault("absurd_score", "stars", "42"))
    return Feed(
        "shop", "reviews", "reviews.csv", moments // clock.DAY, from_table(table), faults=faults,
        person=np.array([row[5].row for row in written], np.int64), record="review_id",
    )  # fmt: skip


def content_feed() -> Feed:
    """The catalogue of the pages that visitors read, on the first day."""
    items: list[tuple[str | None, ...]] = [
        (f"{'recipe' if topic in RECIPES else 'how-to'}-{topic}", "recipe" if topic in RECIPES else "article",
         topic, "do", "loyalty", "inspiration" if topic in RECIPES else "convenience",
         f"{SITE}/{'recipes' if topic in RECIPES else 'how-to'}/{topic}")
        for topic in TOPICS
    ]  # fmt: skip
    items += [
        ("deals", "offer", "deals", "buy", "consideration", "price", f"{SITE}/deals"),
        ("checkout-help", "article", "payment", "buy", "purchase", "trust", f"{SITE}/help/payment"),
        ("reviews", "review", "quality", "know", "consideration", "trust", f"{SITE}/reviews/"),
        ("compare", "tool", "comparison", "know", "consideration", "price", f"{SITE}/compare/"),
        ("stores", "tool", "stores", "go", None, "convenience", f"{SITE}/stores/"),
        ("returns", "article", "returns", None, "service", "trust", f"{SITE}/help/returns"),
        ("about", "article", "our-farmers", None, "awareness", "trust", f"{SITE}/about"),
    ]
    columns = ("content_id", "kind", "topic", "micro_moment", "stage", "need", "url")
    table = {name: as_text([item[n] for item in items]) for n, name in enumerate(columns)}
    since = np.full(len(items), clock.FIRST, np.int64)
    table["updated_at"] = clock.local_text(since)
    faults = common_faults("content_id", "updated_at")
    return Feed("shop", "content", "content.csv", since // clock.DAY, from_table(table), faults=faults, state=True)
