"""A day looks only at what it touches, and leaves exactly what a rebuild from all rows would."""

import shutil

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from jobs.identity.weighed_records import LearnsAnew
from tests import company
from tests.identity.contact_people import ANN, population, versions
from tests.identity.lived_days import Lived, trained_once

BASE = population([1])
FIRST = BASE[BASE["first_seen"] == 1].reset_index(drop=True)
VISITS = [{"login": "ann", "cookie": "k1", "day": 1}, {"cookie": "k2", "day": 1}]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Settings, loaded once."""
    with company.loaded(tmp_path_factory.mktemp("config")) as settings:
        yield settings


@pytest.fixture(scope="module", autouse=True)
def one_training():
    with trained_once():
        yield


@pytest.fixture(scope="module")
def first_day(loaded, tmp_path_factory):
    """A lake on which the first day was lived."""
    root = tmp_path_factory.mktemp("first")
    Lived(root, loaded).rebuilt(1, FIRST, VISITS)
    return root


@pytest.fixture(scope="module")
def live(first_day, loaded, tmp_path_factory):
    """Live days, each (number, versions, visits, decisions that stand), one by one and all at once: both lakes."""

    def both(*days):
        place = tmp_path_factory.mktemp("days")
        shutil.copytree(first_day, place / "lived")
        lived = Lived(place / "lived", loaded)
        seen, visited = [FIRST], list(VISITS)
        for number, told, visits, decided in days:
            lived.day(number, told, visits, decided)
            seen.append(told)
            visited += visits
        every = pd.concat(seen, ignore_index=True)
        at_once = Lived(place / "at_once", loaded).rebuilt(days[-1][0], every, visited, days[-1][3])
        return lived.tables(), at_once.tables()

    return both


def known(place, **changes):
    """A record that arrived on the first day, with changes."""
    row = FIRST.iloc[place].to_dict()
    return {name: row[name] for name in row if name not in ("row", "name", "first_seen")} | changes


NOBODY = versions({"contact": "crm:none", "day": 1})[:0]


def test_a_day_without_news_changes_nothing(live):
    lived, at_once = live((2, NOBODY, [], []))
    assert lived == at_once


def test_a_new_record_of_a_known_person_and_one_of_a_stranger(live):
    told = versions({**known(3), "contact": "shop:new", "day": 2}, {**ANN, "contact": "crm:ann", "day": 2})
    lived, at_once = live((2, told, [], []))
    assert lived == at_once


def test_another_version_of_a_record(live):
    told = versions(known(5, postcode="9999 ZZ", day=2), known(5, street="Nieuwe Gracht 2", email="x9@y.nl", day=3))
    lived, at_once = live((2, told[:1], [], []), (3, told[1:], [], []))
    assert lived == at_once


def test_a_mailbox_that_becomes_that_of_too_many_people(live):
    told = versions(
        *[
            {"contact": f"crm:x{n}", "first_name": name, "last_name": f"Q{name}", "email": "office@x.nl", "day": n // 2}
            for n, name in enumerate(["Aaa", "Bbb", "Ccc", "Ddd", "Eee", "Fff", "Ggg"], start=4)
        ]
    )
    days = [(day, told[told["first_seen"] == day], [], []) for day in (2, 3, 4, 5)]
    lived, at_once = live(*days)
    assert lived == at_once


def test_a_second_run_on_one_day_and_a_file_that_came_late(live):
    told = [
        versions({**known(7), "contact": "shop:7", "day": 4}),
        versions({**known(8), "contact": "shop:8", "day": 4}),
        versions({**known(9), "contact": "shop:9", "day": 2}, {**known(7), "contact": "shop:7", "day": 3}),
    ]
    lived, at_once = live(*[(4, some, [], []) for some in told])
    assert lived == at_once


def test_visits_join_and_part_customers(live):
    first, second = "mail " + FIRST["email"].dropna().unique()[:2]
    visits = [{"email": first, "cookie": "k2", "day": 2}, {"login": "bob", "cookie": "k1", "day": 3}]
    later = [{"email": second, "cookie": "k2", "day": 3}]
    lived, at_once = live((2, NOBODY, visits[:1], []), (3, NOBODY, [*visits[1:], *later], []))
    assert lived == at_once
    assert "split" in {row["type"] for row in lived["identity/events"]}


def test_decisions_that_come_wait_and_are_withdrawn(live):
    one, other, third = FIRST["contact"][:3]
    same, apart = (one, "same", other, 2), (one, "different", third, 3)
    for decided in ([same], [same, apart], [apart], []):
        lived, at_once = live((2, NOBODY, [], [same]), (3, NOBODY, [], decided))
        assert lived == at_once


def test_a_file_of_before_the_model_learned_has_to_be_learned_from(live):
    with pytest.raises(LearnsAnew):
        live((2, versions({**ANN, "contact": "crm:late", "day": 1}), [], []))


def test_twice_the_records_have_to_be_learned_from(live):
    many = FIRST.assign(
        contact=lambda v: v["contact"] + "b", name=lambda v: v["name"] + "b", row=lambda v: v["row"] + "b", first_seen=2
    )
    with pytest.raises(LearnsAnew):
        live((2, pd.concat([many, versions({**ANN, "contact": "crm:ann", "day": 2})], ignore_index=True), [], []))


RECORDS = st.builds(
    lambda place, source, name, changes, day: versions({**known(place, **changes), "contact": name, "day": day}),
    st.integers(0, 12),
    st.just("crm"),
    st.sampled_from([f"crm:{n}" for n in range(8)] + [f"shop:n{n}" for n in range(6)]),
    st.dictionaries(
        st.sampled_from(["email", "phone", "postcode", "first_name"]),
        st.sampled_from([None, "office@x.nl", "0201234567", "2611 AB", "Jan", "Petra"]),
        max_size=2,
    ),
    st.integers(2, 5),
)
WEB = st.fixed_dictionaries(
    {"cookie": st.sampled_from(["k1", "k2", "k3"]), "day": st.integers(2, 5)},
    optional={"login": st.sampled_from(["ann", "bob"]), "email": st.sampled_from(["mail office@x.nl", "mail a@b.nl"])},
)
DAYS = st.lists(
    st.tuples(st.lists(RECORDS, max_size=3), st.lists(WEB, max_size=2), st.booleans()), min_size=1, max_size=3
)


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(days=DAYS)
def test_days_one_by_one_in_any_order_are_all_days_at_once(live, days):
    contacts = FIRST["contact"]
    decided = [(contacts[1], "same", contacts[2], 2), (contacts[0], "different", contacts[3], 2)]
    told = [
        (5, pd.concat([NOBODY, *records]).drop_duplicates("row", ignore_index=True), visits, decided if stands else [])
        for records, visits, stands in days
    ]
    lived, at_once = live(*told)
    assert lived == at_once
