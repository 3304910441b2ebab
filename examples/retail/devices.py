"""The devices people visit with, and the cookies those hold."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from examples.retail import clock
from examples.retail.chance import mix, share
from examples.retail.columns import hex_text
from examples.retail.orders import APP, Orders
from examples.retail.people import People
from examples.retail.visits import Visits

PHONE, LAPTOP, TABLET, APP_DEVICE = range(4)
TYPES = pa.array(["mobile", "desktop", "tablet", "mobile"])
SYSTEMS = pa.array(["Android", "Windows", "iPadOS", "iOS"])
PLATFORMS = pa.array(["web", "web", "web", "app"])
SHARED_TABLETS = 0.1


def devices(people: People, visits: Visits, orders: Orders, seed: int) -> np.ndarray:
    """The kind of device of each visit: by habit of the person, the app for app orders."""
    luck = share(np.arange(len(visits.person)), seed + 71)
    habit = share(visits.person, seed + 72)
    device = np.where(luck < 0.25 + 0.6 * habit, PHONE, np.where(luck < 0.9, LAPTOP, TABLET))
    known = visits.person < len(people.persons)
    settled = np.array([person.late_joiner or person.late_merger for person in people.persons])
    settled = known & settled[np.minimum(visits.person, len(people.persons) - 1)]
    device = np.where(known & (habit > 0.7) & (luck < 0.25), APP_DEVICE, device)
    device = np.where(settled | (~known & (habit < 0.9)), np.where(habit < 0.6, PHONE, LAPTOP), device)
    in_app = (visits.basket >= 0) & (orders.channel[visits.basket] == APP)
    in_browser = (visits.basket >= 0) & ~in_app
    return np.where(in_app, APP_DEVICE, np.where(in_browser & (device == APP_DEVICE), PHONE, device))


def cookies(people: People, visits: Visits, device: np.ndarray, seed: int) -> pa.Array:
    """The cookie of each visit: one for a person and device, until the browser forgets it and gets another.

    The app never forgets; some households share one tablet, and its cookie.
    """
    count = len(people.persons)
    row = np.minimum(visits.person, count - 1)
    known = visits.person < count
    shares_tablet = (people.second_of[people.household] >= 0) & (share(people.household, seed + 73) < SHARED_TABLETS)
    owner = np.where(
        known & shares_tablet[row] & (device == TABLET), people.main_of[people.household][row], visits.person
    )
    key = owner * 4 + device
    life = (60 + share(key, seed + 74) * 300) * clock.DAY
    period = ((visits.start - clock.FIRST + share(key, seed + 75) * life) // life).astype(np.int64)
    settled = np.array([person.late_joiner or person.late_merger for person in people.persons])[row] & known
    keys = key * 64 + np.where((device == APP_DEVICE) | settled, 0, period)
    return hex_text(mix(keys, seed + 76), "k")
