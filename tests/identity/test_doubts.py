"""What is told about identifiers that may not be what they seem."""

import datetime as dt

import pyarrow as pa
import pytest

from jobs.identity import identity
from jobs.identity.doubts import KINDS, masked, of_many_people, without_zeros
from jobs.lake.lake import Lake
from tests.table_rows import table_rows

DAY, NEXT = dt.date(2024, 5, 1), dt.date(2024, 5, 2)
PEOPLE = [
    ("ann", "bos", dt.date(1980, 1, 1)),
    ("bea", "vos", dt.date(1981, 1, 1)),
    ("carl", "kok", dt.date(1982, 1, 1)),
    ("dirk", "mol", dt.date(1983, 1, 1)),
    ("eva", "pot", dt.date(1984, 1, 1)),
]


def seen(*rows):
    """Sightings of contacts: (kind, identifier, first name, last name, birth date, day)."""
    names = ["first_name", "last_name", "birth_date", "first_seen"]
    told = [
        dict.fromkeys(KINDS) | {kind: value, "described": True, "claim": False} | dict(zip(names, rest, strict=True))
        for kind, value, *rest in rows
    ]
    types = [(kind, pa.string()) for kind in KINDS]
    types += [("first_name", pa.string()), ("last_name", pa.string()), ("birth_date", pa.date32())]
    types += [("first_seen", pa.date32()), ("described", pa.bool_()), ("claim", pa.bool_())]
    return pa.Table.from_pylist(told, pa.schema(types))


def told(table, since=None):
    return [tuple(row) for row in of_many_people(table, since).itertuples(index=False)]


def test_a_mailbox_of_five_people_is_told_and_one_of_a_family_is_not():
    strangers = [("email", "e", *person, DAY) for person in PEOPLE]
    family = [("email", "f", first, "bos", born, DAY) for first, _, born in PEOPLE]
    assert told(seen(*strangers, *family)) == [("email", "e", 5)]
    assert told(seen(*strangers[:4])) == []


@pytest.mark.parametrize("kind", ["contact", "login", "loyalty"])
def test_an_id_of_two_people_with_other_names_and_birth_dates_is_told(kind):
    ann, bea = ((kind, "x", *person, DAY) for person in PEOPLE[:2])
    assert told(seen(ann, bea)) == [(kind, "x", 2)]
    married = (kind, "x", "ann", "vos", dt.date(1980, 1, 1), DAY)
    assert told(seen(ann, married)) == []
    renamed = (kind, "x", "anna", "vos", dt.date(1980, 1, 1), DAY)
    assert told(seen(ann, renamed)) == []


def test_an_id_of_two_people_of_unlike_names_is_told_where_nobody_has_a_birth_date():
    def pair(*names):
        return seen(*[("contact", "101", first, last, None, DAY) for first, last in names])

    assert told(pair(("ann", "bos"), ("piet", "visser"))) == [("contact", "101", 2)]
    assert told(pair(("jon", "smiht"), ("john", "smith"))) == []
    assert told(pair(("bos", "ann"), ("ann", "bos"))) == []
    assert told(pair(("ann", "bos"), ("ann", "visser"))) == []


def test_what_was_told_before_is_not_told_again_until_one_more_has_it():
    rows = [("login", "x", *person, DAY) for person in PEOPLE[:2]]
    assert told(seen(*rows), since=DAY) == []
    assert told(seen(*rows, ("login", "x", *PEOPLE[2], NEXT)), since=DAY) == [("login", "x", 3)]


def ids(*rows):
    return pa.table(
        {
            "name": [f"{source}:{id_}" for source, id_, _ in rows],
            "source": [source for source, _, _ in rows],
            "first_seen": pa.array([day for _, _, day in rows], pa.date32()),
        }
    )


def lost(table, since=None):
    return [tuple(row) for row in without_zeros(table, since).itertuples(index=False)]


def test_ids_with_and_without_their_zeros_are_told_per_source_with_their_length():
    table = ids(
        *[("crm", id_, DAY) for id_ in ("00123", "123", "00456", "456", "00789", "0", "a01", "1")],
        *[("shop", id_, DAY) for id_ in ("007", "7", "0012", "12")],
        *[("web", id_, DAY) for id_ in ("0123", "00124", "124x")],
    )
    assert lost(table) == [("crm", 2, 5), ("shop", 2, 0)]
    assert lost(table, since=DAY) == []
    assert lost(pa.concat_tables([table, ids(("web", "124", NEXT))]), since=DAY) == [("web", 1, 5)]


@pytest.mark.parametrize(
    ("value", "shown"), [("test@klant.nl", "t***(4)@k***(8)"), (" 00123 ", "0***(5)"), ("", "***(0)")]
)
def test_values_are_masked(value, shown):
    assert masked(value) == shown


def test_a_run_tells_it_once_without_the_value(settings, caplog):
    loaded = settings()
    lake = Lake.of(loaded)
    common = {"source": "crm", "updated_at": "2024-05-01", "arrived": DAY, "file_id": "f"}
    contacts = [
        {**common, "contact_id": f"{n}", "line": n, "email": "Verkoop@winkel.example", "first_name": first,
         "last_name": last, "birth_date": born}
        for n, (first, last, born) in enumerate(PEOPLE, 1)
    ]  # fmt: skip
    zeros = {**common, "contact_id": "005", "line": 9, "first_name": "eva"}
    lake.append("valid/contacts", table_rows("valid/contacts", *contacts, zeros), lake.transaction("arrive", DAY))
    identity.run(DAY, loaded)
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [text.split(":")[1][:25] for text in warned] == [" 1 values of email are of", " crm has 1 contact ids bo"]
    assert "up to 5 of one (v***(7)@w***(14))" in warned[0].lower()
    assert "verkoop" not in "".join(warned).lower()
    assert "lpad(ID, 3, '0')" in warned[1]
    caplog.clear()
    other = {**common, "contact_id": "9", "line": 1, "arrived": NEXT, "file_id": "g", "first_name": "piet"}
    lake.append("valid/contacts", table_rows("valid/contacts", other), lake.transaction("arrive", NEXT))
    identity.run(NEXT, loaded)
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []
