"""What a deleted contact had is the other contact's that gets it later: from that day, with history kept."""

import datetime as dt
import random
import shutil
from pathlib import Path

import pandas as pd
import pytest

from jobs.identity import identity as step
from jobs.identity.deleted_contacts import REASON, RULE
from jobs.identity.deleted_spans import deleted_spans
from jobs.identity.evidence import EPOCH
from jobs.identity.identifiers import identifier_hash
from jobs.identity.links import NEVER
from jobs.identity.resolved import resolve
from jobs.lake.lake import Lake
from tests.identity.identity_rows import RULES, customers, seen
from tests.table_rows import table_rows

FIRST = dt.date(2024, 5, 1)


def identity(*rows, deleted=(), as_of=30):
    """Identity of sightings, with contacts deleted from a day up to another."""
    spans = pd.DataFrame(deleted, columns=["contact", "since", "until"])
    return resolve(seen(*rows), RULES, EPOCH + dt.timedelta(days=as_of), 200, deleted=spans)


def ended(resolved):
    links = resolved.links.to_pylist()
    return {
        (row["left"], row["right"]): (row["until"] - EPOCH).days for row in links if row["reason"] == REASON
    }  # fmt: skip


JAN = {"contact": "jan", "email": "@", "login": "l", "name": "jan bos", "day": 1}
PIET = {"contact": "piet", "email": "@", "name": "piet vos", "day": 9}


def test_an_address_that_is_given_out_again_is_the_new_contacts_from_the_day_it_has_it():
    found = identity(JAN, PIET, deleted=[("jan", 5, NEVER)])
    assert customers(found) == {frozenset({"jan", "l"}), frozenset({"piet", "@"})}
    assert ended(found) == {("jan", "@"): 9, ("l", "@"): 9}
    assert found.set_aside.num_rows == 0
    (split,) = [row for row in found.events.to_pylist() if row["type"] == "split"]
    assert ((split["day"] - EPOCH).days, split["reason"]) == (9, RULE)


def test_before_another_has_it_it_stays_evidence_of_who_had_it():
    assert customers(identity(JAN, deleted=[("jan", 5, NEVER)])) == {frozenset({"jan", "l", "@"})}


@pytest.mark.parametrize(
    ("deleted", "day"),
    [([], 9), ([("jan", 9, NEVER)], 9), ([("jan", 10, NEVER)], 9), ([("jan", 5, 7)], 9), ([("piet", 5, NEVER)], 9)],
)
def test_an_address_of_two_that_are_there_at_once_stays_what_it_is(deleted, day):
    found = identity(JAN, PIET | {"day": day}, deleted=deleted)
    assert ended(found) == {}
    assert customers(found) == {frozenset({"jan", "l"}), frozenset({"piet"}), frozenset({"@"})}


def test_what_the_new_contact_does_not_get_and_rows_of_others_stay_with_the_deleted_one():
    shop = {"login": "l", "cookie": "c", "day": 3}
    card = {"contact": "jan", "phone": "06", "name": "jan bos", "day": 2}
    found = identity(JAN, card, shop, PIET, deleted=[("jan", 5, NEVER)])
    assert customers(found) == {frozenset({"jan", "l", "06", "c"}), frozenset({"piet", "@"})}


def test_one_who_had_it_beside_the_deleted_contact_has_it_still():
    twice = {"contact": "jan2", "email": "@", "name": "jan bos", "day": 2}
    other = {"contact": "ann", "email": "@", "name": "ann bos", "day": 9}
    assert customers(identity(JAN, twice, deleted=[("jan", 5, NEVER)])) == {frozenset({"jan", "jan2", "l", "@"})}
    found = identity(JAN, twice, other, deleted=[("jan", 5, NEVER)])
    assert [row["reason"] for row in found.set_aside.to_pylist()] == ["disputed"]
    assert customers(found) >= {frozenset({"ann"})}


def test_an_address_may_go_from_one_to_the_next_several_times():
    third = {"contact": "bea", "email": "@", "name": "bea kok", "day": 20}
    found = identity(JAN, PIET, third, deleted=[("jan", 5, NEVER), ("piet", 15, NEVER)])
    assert customers(found) == {frozenset({"jan", "l"}), frozenset({"piet"}), frozenset({"bea", "@"})}
    assert set(ended(found).values()) == {9, 20}


def test_a_contact_is_deleted_from_the_day_that_is_known_until_it_is_written_again(rows, settings):
    loaded = settings()
    told = [("1", "05-01", 1, None), ("1", "05-03", 4, True), ("2", "05-01", 1, True), ("2", "05-02", 3, None),
            ("3", "05-05", 2, None), ("3", "05-01", 3, True), ("4", "05-01", 1, None)]  # fmt: skip
    contacts = rows(
        "valid/contacts",
        *[
            {"source": "crm", "contact_id": id_, "updated_at": f"2024-{at}", "arrived": f"2024-05-{day:02}",
             "file_id": "f", "line": n, "deleted": gone}
            for n, (id_, at, day, gone) in enumerate(told)
        ],
    )  # fmt: skip
    first = (dt.date(2024, 5, 1) - EPOCH).days
    found = [tuple(row) for row in deleted_spans(contacts, loaded).itertuples(index=False)]
    expected = [("1", first + 3, NEVER), ("2", first, first + 2)]
    hashed = [(identifier_hash("contact", id_, loaded, "crm"), since, until) for id_, since, until in expected]
    assert sorted(found) == sorted(hashed)


WRITES = step.WRITES


def test_days_one_by_one_give_the_tables_of_all_at_once_whatever_is_deleted_and_given_out_again(settings):
    loaded = settings()
    lake = Lake.of(loaded)
    people = [("jan", "bos", "1980-01-01"), ("piet", "vos", "1981-01-01"), ("bea", "kok", "1982-01-01")]
    told = {}
    for group in range(3):  # of people who share nothing with those of another
        chance = random.Random(group)
        for number in range(30):
            who = chance.randrange(3)
            first, last, born = people[who]
            emails, logins = [None, f"a{group}@x.nl", f"b{group}@x.nl"], [None, f"l{group}"]
            row = {"source": "crm", "contact_id": f"{group}-{who}", "first_name": first, "last_name": last,
                   "birth_date": born, "email": chance.choice(emails), "login_id": chance.choice(logins),
                   "updated_at": f"2024-04-{chance.randint(1, 28):02}", "deleted": chance.random() < 0.4 or None,
                   "line": 100 * group + number}  # fmt: skip
            told[row["contact_id"], row["updated_at"]] = row
    versions = list(told.values())
    for number in range(5):
        day = FIRST + dt.timedelta(days=number)
        some = [row | {"arrived": str(day), "file_id": str(day)} for row in versions[number::5]]
        lake.append("valid/contacts", table_rows("valid/contacts", *some), lake.transaction("arrive", day))
        step.run(day, loaded)
    one_by_one = {name: lake.content_hash(name) for name in WRITES}
    shutil.rmtree(Path(loaded.lake) / "identity")
    step.run(FIRST + dt.timedelta(days=4), loaded)
    assert {name: lake.content_hash(name) for name in WRITES} == one_by_one
