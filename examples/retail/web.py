"""Visits to web shop and app, played out step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from examples.retail import clock
from examples.retail.campaigns import Clicks, EmailEvents
from examples.retail.chance import mix, share, stream
from examples.retail.columns import hex_text
from examples.retail.company import Company
from examples.retail.consents import Reader
from examples.retail.devices import cookies, devices
from examples.retail.orders import Orders
from examples.retail.people import People
from examples.retail.scripts import INTENTS, STEP_NAMES, Variants, write_out
from examples.retail.visits import EMAIL, ENTRIES, PAID, Visits, apart, choose_variants, plan_visits

GAP = 45 * 60
"""Seconds between two visits of one household, more than any sensible session gap."""
FORGOTTEN, NOW, REMEMBERED = range(3)
"""How a visit is logged in: not, by a login step, or from before."""


@dataclass(frozen=True)
class Web:
    """The visits that took place, by row: device, cookie, first event, number of events, begin in UTC seconds."""

    visits: Visits
    device: np.ndarray
    cookie: pa.Array
    first_event: np.ndarray
    count: np.ndarray
    begin: np.ndarray
    events: Events


@dataclass(frozen=True)
class Events:
    """All events in order of time: row of the visit, step, row of the order line looked at, UTC seconds."""

    visit: np.ndarray
    step: np.ndarray
    line: np.ndarray
    at: np.ndarray
    landing: np.ndarray
    logged_in: np.ndarray


def browse(company: Company, people: People, orders: Orders, emails: EmailEvents, readers: list[Reader]) -> Web:
    """Play all visits; where two of a household would run into each other, one does not take place."""
    seed = company.seed
    planned = plan_visits(company, people, orders, emails, readers)
    variants = write_out(seed)
    variant = choose_variants(company, planned, variants, seed)
    length = variants.length[variant]
    visit, position, elapsed = _steps(length, seed)
    duration = elapsed[np.cumsum(length) - 1]
    begin = planned.start - np.where(planned.basket >= 0, duration, 0)
    keep = np.sort(apart(planned, begin, begin + duration, GAP))
    row = np.full(len(length), -1)
    row[keep] = np.arange(len(keep))
    mine = row[visit] >= 0
    visits, begin = planned.take(keep), begin[keep]
    visit, position, elapsed = row[visit[mine]], position[mine], elapsed[mine]
    order = np.lexsort((visit, begin[visit] + elapsed))
    visit, position = visit[order], position[order]
    events = _events(company, people, visits, variants, variant[keep], visit, position, begin[visit] + elapsed[order])
    first_event = np.zeros(len(keep), np.int64)
    first_event[visit[position == 0]] = np.flatnonzero(position == 0)
    device = devices(people, visits, orders, seed)
    return Web(visits, device, cookies(people, visits, device, seed), first_event, length[keep], begin, events)


def _steps(length: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each step of each visit: the visit, the place in it from 0, and seconds since its begin."""
    first = np.cumsum(length) - length
    visit = np.repeat(np.arange(len(length)), length)
    wait = 3 + np.minimum(stream(seed, "waits").lognormal(3.3, 0.9, len(visit)), 420).astype(np.int64)
    wait[first] = 0
    elapsed = np.cumsum(wait)
    return visit, np.arange(len(visit)) - first[visit], elapsed - elapsed[first][visit]


def _events(
    company: Company,
    people: People,
    visits: Visits,
    variants: Variants,
    variant: np.ndarray,
    visit: np.ndarray,
    position: np.ndarray,
    at: np.ndarray,
) -> Events:
    """What happens at each step: products are those of a real basket, one line further for each product seen."""
    place = variants.start[variant][visit] + position
    step = variants.step[place]
    basket = _interest(company, people, visits)
    first, many = company.baskets.first_line.to_numpy()[basket], company.baskets.lines.to_numpy()[basket]
    line = np.minimum(first[visit] + variants.product[place], (first + many - 1)[visit])
    how = visits.login[visit]
    now = (how == NOW) & ((position > 1) | (step == STEP_NAMES.index("login")))
    return Events(visit, step, line.astype(np.int32), at, position == 0, (how == REMEMBERED) | now)


def _interest(company: Company, people: People, visits: Visits) -> np.ndarray:
    """The real basket whose products a visit looks at: the one ordered, else any of the household, else anyone's."""
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


def event_ids(rows: np.ndarray, seed: int) -> pa.Array:
    """The id of each event, by its place in time."""
    return hex_text(mix(rows, seed + 92), "e")


def clicks(web: Web) -> Clicks:
    """Visits that began with a paid or e-mail click, for the campaign tool."""
    visits = web.visits
    rows = np.flatnonzero((visits.entry == PAID) | (visits.entry == EMAIL))
    cookie = web.cookie.take(pa.array(rows))
    return Clicks(visits.campaign[rows], web.begin[rows] - 2, cookie, visits.person[rows], visits.email_event[rows])


def session_table(web: Web, person_ids: np.ndarray, seed: int) -> pd.DataFrame:
    """Truth: one row per visit."""
    visits = web.visits
    return pd.DataFrame(
        {
            "first_event_id": event_ids(web.first_event, seed).to_pandas(),
            "person_id": person_ids[visits.person],
            "cookie": web.cookie.to_pandas(),
            "started_at": clock.utc_text(web.begin).to_pandas(),
            "events": web.count,
            "intent": np.array(INTENTS)[visits.intent],
            "converted": visits.basket >= 0,
            "entry": np.array(ENTRIES)[visits.entry],
            "day": clock.to_local(web.begin) // clock.DAY,
        }
    )
