"""Who was who on past days. Under a second."""

import datetime as dt

import pyarrow as pa

from jobs.identity.over_time.past_people import past_people
from jobs.lake.tables import catalogue

FIRST, EARLY, LATE = dt.date(2017, 1, 1), dt.date(2017, 3, 1), dt.date(2017, 5, 1)
A, B, C = "a" * 16, "b" * 16, "c" * 16


def table(name, rows):
    schema = catalogue.get(name).arrow_schema()
    return pa.Table.from_pylist([{field.name: row.get(field.name) for field in schema} for row in rows], schema)


def people(customers, links, *days):
    """Per day the person and who that is today, for each identifier whose customer was another one on some day.

    `customers` has each identifier with that of which its customer has the name, and its first day.
    """
    known = [
        {"identifier": one, "customer_id": f"c{of}", "first_seen": first} for one, (of, first) in customers.items()
    ]
    names = ("left", "right", "first_seen", "until", "state")
    linked = [{"rule": "login", **dict(zip(names, link, strict=True))} for link in links]
    found, then = past_people(table("identity/map", known), table("identity/links", linked), list(days))
    looked_up = dict(zip(found["customer_id"], found["identifier"], strict=True))
    return {(row.snapshot, looked_up[row.customer_id]): (row.person, row.today) for row in then.itertuples()}


def test_people_who_were_joined_later_were_two_before():
    found = people({A: (A, FIRST), B: (A, EARLY)}, [(A, B, LATE, None, "used")], EARLY, LATE)
    assert found == {
        (EARLY, A): (f"c{A}", f"c{A}"),
        (EARLY, B): (f"c{B}", f"c{A}"),
        (LATE, A): (f"c{A}", f"c{A}"),
        (LATE, B): (f"c{A}", f"c{A}"),
    }


def test_people_who_were_parted_later_were_one_before():
    found = people({A: (A, FIRST), B: (B, FIRST)}, [(A, B, FIRST, LATE, "ended")], EARLY, LATE)
    assert found == {(EARLY, B): (f"c{A}", f"c{A}"), (LATE, B): (f"c{B}", f"c{B}")}


def test_nobody_is_told_of_whom_nothing_changed_and_links_that_were_cut_never_counted():
    linked = [(A, B, FIRST, None, "used"), (A, C, EARLY, None, "cut")]
    assert people({A: (A, FIRST), B: (A, FIRST), C: (C, FIRST)}, linked, EARLY, LATE) == {}


def test_before_the_first_day_of_all_people_are_those_of_that_day():
    before = FIRST - dt.timedelta(days=100)
    assert people({A: (A, FIRST), B: (A, FIRST)}, [(A, B, FIRST, None, "used")], before) == {}
