"""When two contact records can be one person."""

import pandas as pd
import pytest

from jobs.profiles import names


def one_person(left, right, on=("name", "birth_date")):
    """Each side: 'First Last' and optionally a birth date."""

    def side(text, suffix):
        first, last, *born = text.split(" ")
        return {
            f"first_name_{suffix}": names.plain(first),
            f"last_name_{suffix}": names.plain(last),
            f"birth_date_{suffix}": pd.Timestamp(born[0]) if born else pd.NaT,
        }

    return bool(names.agree(pd.DataFrame([side(left, "left") | side(right, "right")]), list(on))[0])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Jan Bakker", "JAN bakker"),
        ("J. Bakker", "Jan Bakker"),
        ("René Müller", "Rene Muller"),
        ("Jan Bakker", "Jan Baker"),
        ("Jan Bakker", "Jan Bakkre"),
        ("Jan Bakker", "Jan Bekker"),
        ("Marieke Vos 1980-05-01", "Mareike Vos 1980-05-01"),
        ("Jan Bakker 1980-05-01", "Jan Bakker"),
    ],
)
def test_one_person_written_in_two_ways(left, right):
    assert one_person(left, right)
    assert one_person(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Jan Bakker", "Piet Bakker"),
        ("Jan Bakker", "Jan Visser"),
        ("Jan Vos", "Jan Bos"),
        ("Jan Bakker", "Jan Brakman"),
        ("J. Bakker", "P. Bakker"),
        ("Anna Bakker", "Anne Bakker"),
        ("Jan Bakker 1950-01-01", "Jan Bakker 1980-05-01"),
        ("- Bakker", "Jan Bakker"),
        ("Jan -", "Jan -"),
    ],
)
def test_two_people_of_one_household_or_nobody_can_say(left, right):
    assert not one_person(left, right)
    assert not one_person(right, left)


def test_only_what_the_rule_asks_for_is_compared():
    assert one_person("Jan Bakker 1950-01-01", "Jan Bakker 1980-05-01", on=["name"])
    assert one_person("Jan Bakker 1980-05-01", "Piet Visser", on=["birth_date"])
