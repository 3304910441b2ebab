"""The people behind the real households: one or two each, all invented, and the same at every size."""

from __future__ import annotations

import datetime as dt
import random
import unicodedata
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from examples.retail import clock, names
from examples.retail.chance import plain_stream, share, stream
from examples.retail.company import Company

AGE_BANDS = {
    "19-24": (19, 24),
    "25-34": (25, 34),
    "35-44": (35, 44),
    "45-54": (45, 54),
    "55-64": (55, 64),
    "65+": (65, 85),
}
SECOND_HAS_OWN_CARD = 0.6
LATE_JOINERS = 0.01
LATE_MERGERS = 0.006


@dataclass
class Person:
    """One invented person. `joins` and `account_from` are local seconds; `None` when they never do."""

    id: str
    row: int
    household: int
    second: bool
    random: random.Random
    gender: str
    first: str
    last: str
    birth: dt.date
    street: str
    postcode: str
    city: str
    email: str
    phone: str
    language: str
    loyalty: str | None
    login: str
    joins: int | None
    account_from: int | None
    late_joiner: bool = False
    late_merger: bool = False
    household_facts: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class People:
    """All people, and per person as arrays: home household, online share, satisfaction; per basket its buyer."""

    persons: list[Person]
    household: np.ndarray
    online: np.ndarray
    satisfaction: np.ndarray
    main_of: np.ndarray
    second_of: np.ndarray
    buyer: np.ndarray


def invent_people(company: Company) -> People:
    """One main person per household and, by its demographics, a second; and who of them bought each basket."""
    households = company.households
    first_basket = np.full(len(households), clock.LAST)
    np.minimum.at(first_basket, company.baskets.household.to_numpy(), company.baskets["at"].to_numpy())
    late = _first_by_share(households.household.to_numpy(), 11, LATE_JOINERS)
    merging = _first_by_share(households.household.to_numpy(), 12, LATE_MERGERS, avoid=late)
    persons: list[Person] = []
    main_of = np.zeros(len(households), np.int64)
    second_of = np.full(len(households), -1)
    for row, facts in enumerate(households.itertuples(index=False)):
        chance = plain_stream(company.seed, f"household {facts.household}")
        main = _main(chance, len(persons), row, facts, int(first_basket[row]))
        main.late_joiner, main.late_merger = bool(late[row]), bool(merging[row])
        _settle(main, chance)
        main_of[row] = len(persons)
        persons.append(main)
        if chance.random() < _second_share(facts):
            second_of[row] = len(persons)
            persons.append(_second(chance, len(persons), main))
    household = np.array([person.household for person in persons])
    return People(
        persons,
        household,
        _online_share(company, persons),
        _satisfaction(company, household),
        main_of,
        second_of,
        _buyers(company, main_of, second_of, persons),
    )


def ascii_text(text: str) -> str:
    """The text without accents, as many keyboards give it."""
    plain = text.replace("ı", "i").replace("ø", "o")
    return unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()


def mailbox(chance: random.Random, first: str, last: str, number: int) -> str:
    """An e-mail address in one of the usual shapes; the number keeps it unlike that of a namesake."""
    one, two = ascii_text(first).lower(), ascii_text(last).lower().replace(" ", "")
    shapes = (f"{one}.{two}{number}", f"{one[0]}.{two}{number}", f"{one}{number}", f"{two}.{one}.{number}")
    return f"{chance.choice(shapes)}@{chance.choice(names.MAIL_HOSTS)}"


def mobile_number(chance: random.Random) -> str:
    """A Dutch mobile number."""
    return f"06{chance.choice('1234')}{chance.randrange(10**7):07d}"


def _main(chance: random.Random, row: int, household: int, facts: Any, first_basket: int) -> Person:
    gender = chance.choice("MV")
    first = chance.choice(names.MEN if gender == "M" else names.WOMEN)
    last = chance.choice(names.FAMILIES)
    street, postcode, city = address(chance)
    number = facts.household
    low, high = AGE_BANDS.get(facts.age, (19, 80))
    birth = dt.date(2017 - chance.randint(low, high), 1, 1) + dt.timedelta(days=chance.randrange(365))
    known_before = first_basket < clock.FIRST + 20 * clock.DAY or chance.random() < 0.5
    joined = clock.FIRST - chance.randrange(30, 1500) * clock.DAY + chance.randrange(30_000)
    account = _account_start(chance)
    return Person(
        id=f"P{number:06d}-1", row=row, household=household, second=False, random=chance, gender=gender, first=first,
        last=last, birth=birth, street=street, postcode=postcode, city=city,
        email=mailbox(chance, first, last, number), phone=mobile_number(chance),
        language="en" if chance.random() < 0.12 else "nl", loyalty=_card(number, 1),
        login=f"{ascii_text(first).lower()}{number}",
        joins=joined if known_before else first_basket - chance.randrange(600, 3 * clock.DAY),
        account_from=account if chance.random() < 0.62 else None,
        household_facts={
            "income": _text(facts.income), "home": _text(facts.home_ownership), "size": _text(facts.household_size)
        },
    )  # fmt: skip


def _settle(main: Person, chance: random.Random) -> None:
    """People of whom something happens in the last three days of the year."""
    evening = clock.seconds("2017-12-29") + chance.randrange(3) * clock.DAY + chance.randrange(9 * 3600, 20 * 3600)
    if main.late_joiner:
        main.joins = evening - 1200 if chance.random() < 0.5 else main.joins
        main.account_from = evening
    elif main.late_merger:
        main.joins = clock.FIRST - 100 * clock.DAY
        main.account_from = clock.seconds("2017-03-01") + chance.randrange(200 * clock.DAY)


def _second(chance: random.Random, row: int, main: Person) -> Person:
    gender = "MV"[main.gender == "M"] if chance.random() < 0.93 else main.gender
    first = chance.choice(names.MEN if gender == "M" else names.WOMEN)
    last = main.last if chance.random() < 0.6 else chance.choice(names.FAMILIES)
    number = int(main.id[1:7])
    known = chance.random() < 0.5
    return Person(
        id=f"P{number:06d}-2", row=row, household=main.household, second=True, random=chance, gender=gender,
        first=first, last=last, birth=main.birth + dt.timedelta(days=chance.randrange(-2500, 2500)), street=main.street,
        postcode=main.postcode, city=main.city,
        email=main.email if chance.random() < 0.06 else mailbox(chance, first, last, number + 500_000),
        phone=main.phone if chance.random() < 0.4 else mobile_number(chance), language=main.language,
        loyalty=_card(number, 2) if known and chance.random() < SECOND_HAS_OWN_CARD else None,
        login=f"{ascii_text(first).lower()}.{number}",
        joins=_moment(chance, -900, 360) if known else None,
        account_from=_account_start(chance) if chance.random() < 0.5 else None,
        household_facts=main.household_facts,
    )  # fmt: skip


def address(chance: random.Random) -> tuple[str, str, str]:
    """Street with number, postcode and city that go together."""
    city, low, high = chance.choice(names.CITIES)
    letters = "".join(chance.choice("ABCDEGHJKLMNPRSTVWXZ") for _ in range(2))
    return f"{chance.choice(names.STREETS)} {chance.randint(1, 180)}", f"{chance.randint(low, high)} {letters}", city


def _account_start(chance: random.Random) -> int:
    return _moment(chance, -1200, -20) if chance.random() < 0.6 else _moment(chance, 0, 360)


def _moment(chance: random.Random, first_day: int, last_day: int) -> int:
    """A moment of the waking day, that many days from the first of January."""
    return clock.FIRST + chance.randrange(first_day, last_day) * clock.DAY + chance.randrange(30_000, 80_000)


def _second_share(facts: Any) -> float:
    composition = _text(facts.household_comp)
    if composition is None:
        return 0.22
    return 0.55 if composition.startswith("2 Adults") else 0.0


def _card(number: int, member: int) -> str:
    """A loyalty card number of 13 digits with the check digit of an EAN."""
    digits = f"262{number:08d}{member}"
    odd_even = sum(int(digit) * (3 if position % 2 else 1) for position, digit in enumerate(digits))
    return f"{digits}{-odd_even % 10}"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _first_by_share(ids: np.ndarray, salt: int, part: float, avoid: np.ndarray | None = None) -> np.ndarray:
    """The `part` of ids with the lowest fixed chance, at least two."""
    chances = share(ids, salt) + (0 if avoid is None else avoid.astype(float))
    chosen = np.zeros(len(ids), bool)
    chosen[np.argsort(chances, kind="stable")[: max(2, round(part * len(ids)))]] = True
    return chosen


def _online_share(company: Company, persons: list[Person]) -> np.ndarray:
    """The share of baskets a person orders in web shop or app: none without an account, seldom most."""
    chances = stream(company.seed, "online").beta(1.1, 4.0, len(persons))
    able = [person.account_from is not None and not (person.late_joiner or person.late_merger) for person in persons]
    return np.where(able, chances, 0.0)


def _satisfaction(company: Company, household: np.ndarray) -> np.ndarray:
    """How content a person is, around 0: partly the real trend of the household's visits, mostly chance."""
    recent = company.baskets["at"].to_numpy() > clock.seconds("2017-09-01")
    rows = company.baskets.household.to_numpy()
    count = len(company.households)
    trend = np.log(
        (np.bincount(rows[recent], minlength=count) + 2) / (np.bincount(rows[~recent], minlength=count) / 2 + 2)
    )
    noise = stream(company.seed, "satisfaction").normal(0, 0.8, len(household))
    return 0.35 + 0.5 * np.tanh(trend[household]) + noise


def _buyers(company: Company, main_of: np.ndarray, second_of: np.ndarray, persons: list[Person]) -> np.ndarray:
    """A quarter of the baskets of a household whose second person has a card are the second person's."""
    home = company.baskets.household.to_numpy()
    has_card = np.array([person.loyalty is not None for person in persons])
    second = second_of[home]
    able = (second >= 0) & has_card[np.maximum(second, 0)]
    chosen = able & (share(company.baskets.basket_id.to_numpy(), 21) < 0.25)
    return np.where(chosen, second, main_of[home])
