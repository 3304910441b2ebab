"""Contact records of the same people in CRM and web shop: versions over time, duplicates, typing errors, junk."""

from __future__ import annotations

import random

import numpy as np

from examples.retail import clock, names
from examples.retail.faults import common_faults
from examples.retail.feeds import Fault, Feed, from_table
from examples.retail.people import People, Person, address, ascii_text, mailbox, mobile_number

Record = dict[str, str | int | None]
CRM_DUPLICATES = 0.07
SHOP_DUPLICATES = 0.025
BAD_EMAILS = ("jan.example", "a@@b.example", "x y@z.example")

CRM_COLUMNS = [
    "contact_id", "updated_at", "created_at", "first_name", "last_name", "email", "phone", "birth_date", "gender",
    "street", "postcode", "city", "country", "language", "loyalty_card", "household_id", "income_band",
    "home_ownership", "household_size",
]  # fmt: skip
SHOP_COLUMNS = [
    "account_id", "login", "updated_at", "created_at", "first_name", "last_name", "email", "phone", "birth_date",
    "street", "postcode", "city", "country", "language", "loyalty_card", "newsletter",
]  # fmt: skip


def crm_records(people: People, homes: np.ndarray) -> list[Record]:
    """Versions of CRM contacts, in order of time. `person` and `at` (local seconds) are for the simulator only."""
    records: list[Record] = []
    for person in people.persons:
        if person.joins is None:
            continue
        number = int(person.id[1:7])
        first = _crm_record(person, f"C{number:06d}{person.id[-1]}0", f"H{homes[person.household]}", person.joins)
        versions = _versions(person, first)
        if person.random.random() < CRM_DUPLICATES and not person.late_merger:
            versions += _versions(person, _duplicate(person, first), moves=False)
        records += versions
    return sorted(records, key=lambda record: (record["at"], record["contact_id"]))


def shop_records(people: People) -> list[Record]:
    """Versions of web shop accounts, in order of time."""
    records: list[Record] = []
    for person in people.persons:
        if person.account_from is None:
            continue
        number = int(person.id[1:7])
        first = _shop_record(person, f"S{number:06d}{person.id[-1]}0", person.login, person.account_from)
        records += _versions(person, first)
        if person.random.random() < SHOP_DUPLICATES and not person.late_merger:
            later = min(person.account_from + person.random.randrange(20, 200) * clock.DAY, clock.LAST - 3600)
            if later > person.account_from:
                second = _shop_record(person, f"S{number:06d}{person.id[-1]}1", person.login + "b", later)
                records += [second]
    return sorted(records, key=lambda record: (record["at"], record["account_id"]))


def contact_feed(source: str, records: list[Record]) -> Feed:
    """The feed of `crm` contacts or `shop` accounts."""
    crm = source == "crm"
    key, columns = ("contact_id", CRM_COLUMNS) if crm else ("account_id", SHOP_COLUMNS)
    table: dict[str, object] = {column: [record.get(column) for record in records] for column in columns}
    for column, field in (("updated_at", "at"), ("created_at", "since")):
        moments = np.array([record[field] for record in records], np.int64)
        table[column] = clock.local_text(moments) if crm else clock.utc_text(clock.to_utc(moments))
    faults = [*common_faults(key, "updated_at"), *(Fault("invalid_email", "email", text) for text in BAD_EMAILS)]
    if crm:
        faults.append(Fault("future_birth_date", "birth_date", "2090-01-01"))
    return Feed(
        source=source,
        dataset="contacts",
        file="contacts.csv" if crm else "accounts.csv",
        day=np.array([record["at"] for record in records], np.int64) // clock.DAY,
        render=from_table({column: table[column] for column in columns}),  # type: ignore[dict-item]
        faults=faults,
        person=np.array([record["person"] for record in records], np.int64),
        record=key,
        state=True,
    )


def typo(chance: random.Random, text: str) -> str:
    """One slip of the fingers: a letter doubled, dropped, or swapped with its neighbour."""
    if len(text) < 4:
        return text
    at = chance.randrange(1, len(text) - 2)
    return chance.choice(
        (
            text[:at] + text[at] + text[at:],
            text[:at] + text[at + 1 :],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        )
    )


def written_phone(chance: random.Random, phone: str | None) -> str | None:
    """The same number in one of the ways people write it."""
    if phone is None or phone in names.JUNK_PHONES:
        return phone
    rest = phone[1:]
    shapes = (
        phone,
        f"06-{phone[2:]}",
        f"+31{rest}",
        f"0031{rest}",
        f"+31 6 {phone[2:]}",
        f"06 {phone[2:6]} {phone[6:]}",
    )
    return shapes[chance.choices(range(6), (50, 15, 15, 5, 10, 5))[0]]


def _crm_record(person: Person, contact_id: str, household: str, at: int) -> Record:
    chance = person.random
    luck = chance.random()
    email: str | None = person.email
    if luck < 0.07 and not person.late_merger:
        email = names.JUNK_EMAIL if luck < 0.012 else None
    phone_luck = chance.random()
    phone = None if phone_luck < 0.1 else names.JUNK_PHONES[phone_luck < 0.105] if phone_luck < 0.112 else person.phone
    last = typo(chance, person.last) if chance.random() < 0.03 else person.last
    if person.gender == "V" and not person.second and chance.random() < 0.04:
        last = f"{chance.choice(names.FAMILIES)}-{person.last}"
    return {
        "person": person.row, "at": at, "since": at, "contact_id": contact_id, "first_name": person.first,
        "last_name": last, "email": email, "phone": written_phone(chance, phone),
        "birth_date": person.birth.isoformat() if chance.random() < 0.7 else None, "gender": person.gender,
        "street": person.street, "postcode": person.postcode, "city": person.city, "country": "NL",
        "language": person.language, "loyalty_card": person.loyalty, "household_id": household,
        "income_band": person.household_facts["income"], "home_ownership": person.household_facts["home"],
        "household_size": person.household_facts["size"],
    }  # fmt: skip


def _shop_record(person: Person, account_id: str, login: str, at: int) -> Record:
    chance = person.random
    first, last = _own_spelling(chance, person)
    number = int(person.id[1:7])
    other = person.late_merger or chance.random() < 0.2
    email = mailbox(chance, person.first, person.last, number + 700_000) if other else person.email
    luck = chance.random()
    phone = None if luck < 0.35 or person.late_merger else mobile_number(chance) if luck < 0.42 else person.phone
    moved = chance.random() < 0.05
    street, postcode, city = address(chance) if moved else (person.street, person.postcode, person.city)
    return {
        "person": person.row, "at": at, "since": at, "account_id": account_id, "login": login, "first_name": first,
        "last_name": last, "email": email.upper() if chance.random() < 0.03 else email,
        "phone": written_phone(chance, phone),
        "birth_date": person.birth.isoformat() if chance.random() < 0.3 else None, "street": street,
        "postcode": postcode.replace(" ", "") if chance.random() < 0.4 else postcode, "city": city, "country": "NL",
        "language": person.language,
        "loyalty_card": person.loyalty if chance.random() < 0.4 and not person.late_merger else None,
        "newsletter": chance.choice(("yes", "no")),
    }  # fmt: skip


def _own_spelling(chance: random.Random, person: Person) -> tuple[str, str]:
    """A name as its owner types it: in full, nickname, initial, small letters, slip, or in the wrong boxes."""
    luck = chance.random()
    if luck < 0.15 and person.first in names.NICKNAMES:
        return chance.choice(names.NICKNAMES[person.first]), person.last
    if luck < 0.22:
        return f"{person.first[0]}.", person.last
    if luck < 0.30:
        return person.first.lower(), person.last.lower()
    if luck < 0.36:
        return person.first, typo(chance, person.last)
    if luck < 0.38:
        return person.last, person.first
    if luck < 0.44:
        return ascii_text(person.first), ascii_text(person.last)
    return person.first, person.last


def _duplicate(person: Person, first: Record) -> Record:
    """The same person registered again at the till, a while later and a little different."""
    chance = person.random
    at = max(int(first["at"] or 0), clock.FIRST) + chance.randrange(5, 300) * clock.DAY + chance.randrange(20_000)
    name, last = _own_spelling(chance, person)
    same_address = chance.random() < 0.6
    return {
        **first,
        "contact_id": f"{str(first['contact_id'])[:-1]}1",
        "at": at,
        "since": at,
        "first_name": name,
        "last_name": last,
        "email": first["email"] if same_address else mailbox(chance, person.first, person.last, 900_000 + person.row),
        "phone": written_phone(chance, person.phone) if chance.random() < 0.7 or not same_address else None,
        "loyalty_card": person.loyalty if chance.random() < 0.3 else None,
    }


def _versions(person: Person, first: Record, moves: bool = True) -> list[Record]:
    """The record and its later versions: a new address, phone or e-mail, each at its own moment of 2017."""
    if int(first["at"] or 0) > clock.LAST:
        return []
    chance = person.random
    versions = [first]
    changes = [what for what, part in (("home", 0.06), ("phone", 0.04), ("email", 0.03)) if chance.random() < part]
    moments = sorted(
        clock.FIRST + chance.randrange(1, 364) * clock.DAY + chance.randrange(30_000, 75_000) for _ in changes
    )
    for what, at in zip(changes if moves else [], moments, strict=False):
        if at <= int(versions[-1]["at"] or 0):
            continue
        version = {**versions[-1], "at": at}
        if what == "home":
            version["street"], version["postcode"], version["city"] = address(chance)
        elif what == "phone":
            version["phone"] = written_phone(chance, mobile_number(chance))
        elif not person.late_merger:
            version["email"] = mailbox(chance, person.first, person.last, 300_000 + person.row)
        else:
            continue
        versions.append(version)
    return versions
