"""The campaign tool: real paper mailings and coupon redemptions, and invented e-mail and paid clicks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from examples.retail import clock
from examples.retail.chance import mix, share, stream
from examples.retail.columns import as_text, hex_text
from examples.retail.company import Company
from examples.retail.consents import Reader, unsubscribe
from examples.retail.faults import common_faults
from examples.retail.feeds import Columns, Fault, Feed
from examples.retail.people import People
from examples.retail.records import Record

TYPES = pa.array(["sent", "delivered", "open", "click", "bounce", "complaint", "unsubscribe", "redeem"])
SENT, DELIVERED, OPEN, CLICK, BOUNCE, COMPLAINT, UNSUBSCRIBE, REDEEM = range(8)
CHANNELS = pa.array(["mail", "email", "ad"])
MAIL, EMAIL, AD = range(3)
FIRST_NEWSLETTER = clock.seconds("2017-01-12T09:00:00")
NEWSLETTERS = 26


@dataclass(frozen=True)
class EmailEvents:
    """What happened to each e-mail: reader, campaign, type, moment in local seconds."""

    reader: np.ndarray
    campaign: np.ndarray
    type: np.ndarray
    at: np.ndarray


def campaign_names() -> list[str]:
    """Names by number: 1 to 27 are the real campaigns, then the newsletters, then paid search and social."""
    newsletters = [f"newsletter-2017-{number:02d}" for number in range(1, NEWSLETTERS + 1)]
    return [
        "none",
        *(f"campaign-{number:02d}" for number in range(1, 28)),
        *newsletters,
        "always-on-search",
        "spring-social",
    ]


def send_emails(company: Company, people: People, readers: list[Reader], seed: int) -> tuple[EmailEvents, list[Record]]:
    """E-mails to readers with consent at that moment and what they did; unsubscribing ends the consent."""
    random = stream(seed, "emails")
    reader, campaign, at = _sends(company, people, readers)
    luck, keen = random.random((4, len(reader))), share(np.array([r.person for r in readers]), 41)[reader]
    merger = np.array([people.persons[r.person].late_merger for r in readers])[reader] & (
        at > clock.seconds("2017-10-01")
    )
    bounced = (luck[0] < 0.008) & ~merger
    opened = ~bounced & ((luck[1] < 0.08 + 0.5 * keen) | merger)
    clicked = opened & ((luck[2] < 0.05 + 0.25 * keen) | merger)
    left = opened & (luck[3] < 0.003) & ~merger
    complained = opened & (luck[3] > 0.9996) & ~merger
    open_at = at + np.minimum(random.exponential(6 * 3600, len(at)), 3 * clock.DAY).astype(np.int64) + 60
    click_at = open_at + random.integers(5, 240, len(at))
    answers = []
    for row in np.flatnonzero(left & (click_at <= clock.LAST)):
        one = readers[reader[row]]
        if one.until > click_at[row]:
            answers.append(unsubscribe(one, int(click_at[row])))
    # Nothing is sent after the reader left, so the sends are drawn up again with the new ends.
    until = np.array([one.until for one in readers])[reader]
    allowed = at < until
    parts = [(allowed, SENT, at), (allowed & ~bounced, DELIVERED, at + 40), (allowed & bounced, BOUNCE, at + 45)]
    parts += [(allowed & opened, OPEN, open_at), (allowed & clicked, CLICK, click_at)]
    parts += [
        (allowed & left & (until == click_at), UNSUBSCRIBE, click_at),
        (allowed & complained, COMPLAINT, click_at),
    ]
    rows = np.concatenate([np.flatnonzero(mask) for mask, _, _ in parts])
    kinds = np.concatenate([np.full(int(mask.sum()), kind) for mask, kind, _ in parts])
    moments = np.concatenate([moment[mask] for mask, _, moment in parts])
    keep = moments <= clock.LAST
    return EmailEvents(reader[rows][keep], campaign[rows][keep], kinds[keep], moments[keep]), answers


def _sends(company: Company, people: People, readers: list[Reader]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Newsletters every second Thursday to all readers, and an e-mail with each real mailing to its household."""
    since, until = (np.array([getattr(reader, name) for reader in readers]) for name in ("since", "until"))
    number = np.repeat(np.arange(NEWSLETTERS), len(readers))
    reader = np.tile(np.arange(len(readers)), NEWSLETTERS)
    at = FIRST_NEWSLETTER + number * 14 * clock.DAY + (reader * 7) % 1800
    by_person = np.full(len(people.persons), -1)
    by_person[[one.person for one in readers]] = np.arange(len(readers))
    with_mailing = by_person[people.main_of[company.mailings.household.to_numpy()]]
    mailed = with_mailing >= 0
    reader = np.r_[reader, with_mailing[mailed]]
    campaign = np.r_[28 + number, company.mailings.campaign_id.to_numpy()[mailed]]
    at = np.r_[at, company.mailings["at"].to_numpy()[mailed] + clock.DAY + 7200]
    allowed = (since[reader] < at) & (at < until[reader]) & (at <= clock.LAST)
    return reader[allowed], campaign[allowed], at[allowed]


@dataclass(frozen=True)
class Clicks:
    """Clicks that began a visit: campaign, moment in UTC seconds, cookie, person, and the e-mail event or -1."""

    campaign: np.ndarray
    at: np.ndarray
    cookie: pa.Array
    person: np.ndarray
    email_event: np.ndarray


def campaign_feed(company: Company, people: People, readers: list[Reader], emails: EmailEvents, clicks: Clicks) -> Feed:
    """All events of all campaigns, in order of time."""
    mail, redeemed = company.mailings, company.redemptions
    ads = clicks.email_event < 0
    counts = [len(mail), len(redeemed), len(emails.at), int(ads.sum())]
    channel = np.repeat([MAIL, MAIL, EMAIL, AD], counts)
    kind = np.r_[np.full(counts[0], SENT), np.full(counts[1], REDEEM), emails.type, np.full(counts[3], CLICK)]
    campaign = np.r_[mail.campaign_id, redeemed.campaign_id, emails.campaign, clicks.campaign[ads]]
    local = [mail["at"].to_numpy(), redeemed["at"].to_numpy(), emails.at, clock.to_local(clicks.at[ads])]
    at = np.concatenate(local)
    reader_person = np.array([reader.person for reader in readers], np.int64)
    home = people.main_of[np.r_[mail.household, redeemed.household]]
    person = np.r_[home, reader_person[emails.reader], clicks.person[ads]]
    cookies = np.full(len(at), -1)
    email_start = counts[0] + counts[1]
    of_email = np.flatnonzero(~ads)
    cookies[email_start + clicks.email_event[of_email]] = of_email
    cookies[email_start + counts[2] :] = np.flatnonzero(ads)
    reader = np.full(len(at), -1)
    reader[email_start : email_start + counts[2]] = emails.reader
    redemption = np.full(len(at), -1)
    redemption[counts[0] : email_start] = np.arange(counts[1])
    order = np.lexsort((kind, person, at))
    ids = hex_text(mix(np.arange(len(at)), company.seed + 51), "v")
    cards = as_text([one.loyalty for one in people.persons])
    names, addresses = pa.array(campaign_names()), as_text([one.email for one in readers])
    products, coupons = as_text(redeemed.product_id.to_numpy()), as_text(redeemed.coupon_upc.to_numpy())

    def render(rows: np.ndarray) -> Columns:
        row = order[rows]
        return {
            "event_id": ids.take(pa.array(rows)),
            "campaign_id": names.take(pa.array(campaign[row])),
            "channel": CHANNELS.take(pa.array(channel[row])),
            "type": TYPES.take(pa.array(kind[row])),
            "occurred_at": clock.utc_text(clock.to_utc(at[row])),
            "product_id": products.take(_or_null(redemption[row])),
            "email": addresses.take(_or_null(reader[row])),
            "loyalty_card": cards.take(pa.array(person[row], mask=channel[row] != MAIL)),
            "cookie": clicks.cookie.take(_or_null(cookies[row])),
            "coupon_upc": coupons.take(_or_null(redemption[row])),
        }

    faults = (*common_faults("event_id", "occurred_at"), Fault("unknown_value", "type", "teleport"))
    return Feed(
        "campaigns", "campaign_events", "campaign_events.csv", at[order] // clock.DAY, render, faults=faults,
        group=person[order], person=person[order], record="event_id",
    )  # fmt: skip


def _or_null(index: np.ndarray) -> pa.Array:
    """Row numbers with null for -1."""
    return pa.array(index, mask=index < 0)
