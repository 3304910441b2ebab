"""Who visits web shop and app when, why, from where and on which device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examples.retail import clock
from examples.retail.campaigns import CLICK, EmailEvents, campaign_names
from examples.retail.chance import share, stream
from examples.retail.company import Company
from examples.retail.consents import Reader
from examples.retail.orders import STORE, Orders
from examples.retail.people import People
from examples.retail.scripts import INTENTS, MAX_CARTS, Variants

VISITING_SHARE = 0.8
ANONYMOUS_PER_PERSON = 12
INTENT_SHARES = (0.30, 0.12, 0.13, 0.27, 0.08, 0.10)
ANONYMOUS_INTENTS = (0.30, 0.14, 0.14, 0.14, 0.03, 0.25)
ENTRIES = ("direct", "organic", "paid", "social", "referral", "email")
ENTRY_SHARES = (0.34, 0.33, 0.15, 0.08, 0.10)
DIRECT, ORGANIC, PAID, SOCIAL, REFERRAL, EMAIL = range(6)
HOURS = np.array([2, 1, 1, 0, 0, 1, 3, 6, 7, 7, 7, 7, 8, 7, 6, 6, 7, 8, 9, 11, 12, 11, 8, 4], float)
ORDINARY, CLICKED, PLANNED, ORDERING = range(4)
"""Rank of a visit: where two of one household come too close, the higher stays."""


@dataclass
class Visits:
    """One row per visit. `start` is UTC seconds; for a visit with an order it is not known before its length is."""

    person: np.ndarray
    group: np.ndarray
    start: np.ndarray
    intent: np.ndarray
    entry: np.ndarray
    campaign: np.ndarray
    basket: np.ndarray
    email_event: np.ndarray
    rank: np.ndarray
    login: np.ndarray

    def take(self, rows: np.ndarray) -> Visits:
        return Visits(*(values[rows] for values in vars(self).values()))


def plan_visits(company: Company, people: People, orders: Orders, emails: EmailEvents, readers: list[Reader]) -> Visits:
    """All visits, not yet checked for being too close to each other."""
    can_login = _login_from(people)
    parts = [
        _ordinary(company, people),
        _anonymous(company, people),
        _ordering(company, people, orders),
        _clicked(company, emails, readers),
        _planned(people),
    ]
    fields = list(parts[0])
    whole = {field: np.concatenate([np.asarray(part[field]) for part in parts]) for field in fields}
    person, count = whole["person"], len(whole["person"])
    known = person < len(people.persons)
    home = people.household[np.minimum(person, len(people.persons) - 1)]
    group = np.where(known, home, len(company.households) + person)
    random = stream(company.seed, "logins")
    chance = np.where(whole["rank"] == ORDERING, 0.75, np.where(whole["intent"] == INTENTS.index("service"), 0.9, 0.2))
    possible = known & (can_login[np.minimum(person, len(people.persons) - 1)] <= whole["start"])
    login = possible & ((random.random(count) < chance) | (whole["rank"] == PLANNED))
    remembered = random.random(count) < 0.5
    whole["login"] = np.where(login, np.where(remembered & (whole["rank"] != PLANNED), 2, 1), 0)
    return Visits(group=group, **whole)


def _login_from(people: People) -> np.ndarray:
    never = clock.LAST + clock.DAY
    since = np.array([person.account_from if person.account_from is not None else never for person in people.persons])
    since[[person.row for person in people.persons if person.late_merger]] = clock.seconds("2017-12-29T08:00:00")
    return clock.to_utc(since)


def _times(random: np.random.Generator, day: np.ndarray) -> np.ndarray:
    """UTC seconds at a usual hour of each local day (days since 1970)."""
    hour = random.choice(24, len(day), p=HOURS / HOURS.sum())
    return clock.to_utc(day * clock.DAY + hour * 3600 + random.integers(0, 3600, len(day)))


def _visits(**given: object) -> dict[str, object]:
    person = given["person"]
    nothing = np.full(len(person), -1)  # type: ignore[arg-type]
    return {"basket": nothing, "email_event": nothing, "campaign": nothing + 1, **given}


def _ordinary(company: Company, people: People) -> dict[str, object]:
    """Visits of the people behind the households: half of them in the days before a basket of theirs."""
    random = stream(company.seed, "visits")
    baskets = company.baskets
    home = baskets.household.to_numpy()
    by_home = np.argsort(home, kind="stable")
    first, many = np.searchsorted(home[by_home], people.household), np.bincount(home, minlength=len(company.households))
    mine = many[people.household]
    visiting = share(np.array([int(p.id[1:7]) * 2 + p.second for p in people.persons]), 61) < VISITING_SHARE
    visiting |= np.array([person.late_joiner or person.late_merger for person in people.persons])
    rate = visiting * random.gamma(1.6, 1 / 1.6, len(mine)) * (18 + 0.66 * mine)
    count = random.poisson(rate)
    person = np.repeat(np.arange(len(count)), count)
    near = by_home[first[person] + (random.random(len(person)) * mine[person]).astype(np.int64)]
    before = np.minimum(random.exponential(2.0, len(person)), 12).astype(np.int64)
    day = np.where(
        random.random(len(person)) < 0.55,
        baskets["at"].to_numpy()[near] // clock.DAY - before,
        random.integers(clock.FIRST // clock.DAY, clock.LAST // clock.DAY + 1, len(person)),
    )
    entry = random.choice(5, len(person), p=ENTRY_SHARES)
    return _visits(
        person=person, start=_times(random, day), intent=random.choice(6, len(person), p=INTENT_SHARES), entry=entry,
        campaign=_paid_campaign(random, entry), rank=np.full(len(person), ORDINARY),
    )  # fmt: skip


def _anonymous(company: Company, people: People) -> dict[str, object]:
    """Visitors that never say who they are: one to a few visits each."""
    random = stream(company.seed, "anonymous")
    visitors = len(people.persons) * ANONYMOUS_PER_PERSON
    count = random.geometric(0.5, visitors)
    person = np.repeat(len(people.persons) + np.arange(visitors), count)
    begin = np.repeat(random.integers(clock.FIRST // clock.DAY, clock.LAST // clock.DAY + 1, visitors), count)
    day = begin + random.integers(0, 45, len(person)) * (np.diff(np.r_[-1, person]) == 0)
    entry = random.choice(5, len(person), p=(0.2, 0.42, 0.2, 0.1, 0.08))
    return _visits(
        person=person, start=_times(random, day), intent=random.choice(6, len(person), p=ANONYMOUS_INTENTS),
        entry=entry, campaign=_paid_campaign(random, entry), rank=np.full(len(person), ORDINARY),
    )  # fmt: skip


def _ordering(company: Company, people: People, orders: Orders) -> dict[str, object]:
    """One visit for each real basket that was ordered online; it ends with the order."""
    random = stream(company.seed, "ordering")
    basket = np.flatnonzero(orders.channel != STORE)
    entry = random.choice(5, len(basket), p=(0.5, 0.25, 0.1, 0.05, 0.1))
    return _visits(
        person=people.buyer[basket], start=clock.to_utc(company.baskets["at"].to_numpy()[basket]),
        intent=np.full(len(basket), INTENTS.index("buy")), entry=entry, campaign=_paid_campaign(random, entry),
        basket=basket, rank=np.full(len(basket), ORDERING),
    )  # fmt: skip


def _clicked(company: Company, emails: EmailEvents, readers: list[Reader]) -> dict[str, object]:
    """Visits that begin with a click in an e-mail."""
    random = stream(company.seed, "clicked")
    event = np.flatnonzero(emails.type == CLICK)
    person = np.array([reader.person for reader in readers], np.int64)[emails.reader[event]]
    return _visits(
        person=person, start=clock.to_utc(emails.at[event]) + 2,
        intent=random.choice(6, len(event), p=(0.25, 0.03, 0.1, 0.4, 0.02, 0.2)), entry=np.full(len(event), EMAIL),
        campaign=emails.campaign[event], email_event=event, rank=np.full(len(event), CLICKED),
    )  # fmt: skip


def _planned(people: People) -> dict[str, object]:
    """Visits on the last three days: first logins of new and merging people, and baskets left behind."""
    first_logins = [person for person in people.persons if person.late_joiner or person.late_merger]
    others = [p for p in people.persons if p.account_from is not None and p.account_from < clock.seconds("2017-12-01")]
    leaving = [person for person in others if not person.late_merger][: max(6, len(others) // 100)]
    start, intent = [], []
    for number, person in enumerate([*first_logins, *leaving]):
        day = clock.seconds("2017-12-29") + number % 3 * clock.DAY + 12 * 3600 + number * 97 % 30_000
        start.append((person.account_from or 0) + 90 if person.late_joiner else day)
        intent.append(INTENTS.index("service" if number < len(first_logins) else "buy"))
    people_rows = np.array([person.row for person in [*first_logins, *leaving]], np.int64)
    return _visits(
        person=people_rows, start=clock.to_utc(np.array(start, np.int64)), intent=np.array(intent, np.int64),
        entry=np.zeros(len(start), np.int64), rank=np.full(len(start), PLANNED),
    )  # fmt: skip


def _paid_campaign(random: np.random.Generator, entry: np.ndarray) -> np.ndarray:
    names = campaign_names()
    paid, social = names.index("always-on-search"), names.index("spring-social")
    advertised = random.random(len(entry)) < 0.4
    return np.where(entry == PAID, paid, np.where((entry == SOCIAL) & advertised, social, 0))


def apart(visits: Visits, begin: np.ndarray, end: np.ndarray, gap: int) -> np.ndarray:
    """Rows to keep so that visits of one household are at least `gap` seconds apart; the higher rank stays."""
    keep = np.flatnonzero((clock.to_local(begin) >= clock.FIRST) & (clock.to_local(end) <= clock.LAST))
    while True:
        keep = keep[np.lexsort((begin[keep], visits.group[keep]))]
        before, after = keep[:-1], keep[1:]
        close = (visits.group[before] == visits.group[after]) & (begin[after] - end[before] < gap)
        if not close.any():
            return keep
        drop_after = close & (visits.rank[after] <= visits.rank[before])
        drop = np.r_[close & ~drop_after, False] | np.r_[False, drop_after]
        keep = keep[~drop]


def choose_variants(company: Company, visits: Visits, variants: Variants, seed: int) -> np.ndarray:
    """A script for each visit: by intent, or by the number of products for a visit that orders."""
    luck = share(np.arange(len(visits.person)), seed + 77)
    chosen = np.zeros(len(luck), np.int64)
    carts = np.where(visits.basket >= 0, np.minimum(company.baskets.lines.to_numpy()[visits.basket], MAX_CARTS), 0)
    pools = [
        ((visits.intent == number) & (carts == 0), variants.of_intent[name]) for number, name in enumerate(INTENTS)
    ]
    pools += [(carts == many, rows) for many, rows in variants.of_carts.items()]
    for mask, rows in pools:
        chosen[mask] = rows[(luck[mask] * len(rows)).astype(np.int64)]
    return chosen * 2 + (visits.login == 1)
