"""When two contact records can be one person."""

import pandas as pd
import pytest

from jobs.identity import name_agreement


def pair(left, right):
    """Each side: 'First Last' and optionally a birth date."""

    def side(text, suffix):
        first, last, *born = text.split(" ")
        last = last.replace("_", " ")
        return {
            f"first_name_{suffix}": name_agreement.plain(first),
            f"last_name_{suffix}": name_agreement.plain(last),
            f"birth_date_{suffix}": pd.Timestamp(born[0]) if born else pd.NaT,
        }

    return pd.DataFrame([side(left, "left") | side(right, "right")])


SAME = [
    ("Jan Bakker", "JAN bakker"),
    ("J. Bakker", "Jan Bakker"),
    ("René Müller", "Rene Muller"),
    ("Jan Bakker", "Jan Baker"),
    ("Jan Bakker", "Jan Bakkre"),
    ("Jan Bakker", "Jan Bekker"),
    ("Els Bakker", "Els Vos-Bakker"),
    ("Bakker Jan", "Jan Bakker"),
    ("Marieke Vos 1980-05-01", "Mareike Vos 1980-05-01"),
    ("Jan Bakker 1980-05-01", "Jan Bakker"),
    ("Jan Bakker_jr.", "Jan Bakker"),
    ("Jan Bakker_Jr", "Jan Bakker_Junior"),
    ("Jan Bakker_jr 1980-05-01", "Jan Bakker_sr 1980-05-01"),
    ("Łukasz Wójcik", "Lukasz Wojcik"),
    ("Øyvind Bjørnsen", "Oyvind Bjornsen"),
    ("Иван Петров", "Ivan Petrov"),
    ("Νίκος Παππάς", "Nikos Pappas"),
]
NOT_THE_SAME = [
    ("Jan Bakker", "Piet Bakker"),
    ("Jan Bakker", "Jan Visser"),
    ("Jan Vos", "Jan Bos"),
    ("Jan Bakker", "Jan Brakman"),
    ("J. Bakker", "P. Bakker"),
    ("Bakker Jan", "Els Bakker"),
    ("Anna Bakker", "Anne Bakker"),
    ("Tim Bakker 1980-05-01", "Tom Bakker 1980-05-01"),
    ("- Bakker", "Jan Bakker"),
    ("Jan -", "Jan -"),
    ("Jan Bakker_jr", "Jan Bakker_sr"),
    ("Jan Bakker_II", "Jan Bakker_III"),
]
DIFFERENT = [
    ("Jan Bakker", "Els Bakker"),
    ("J. Bakker", "Els Vos 1980-05-01"),
    ("Kees Vos", "Cornelis Vos"),
    ("Bakker Jan", "Els Bakker"),
    ("Jan Bakker_Sr.", "Jan Bakker_Jr."),
    ("Emma Visser 2001-03-04", "Sophie Visser 2001-03-04"),
    ("Emma Visser 2001-03-04", "Eva Visser 2001-03-04"),
    ("Lotte Visser", "Lieke Visser"),
    ("Jan Bakker", "Joost Bakker"),
    ("Иван Петров", "Olga Petrova"),
    ("Мария Ким 1980-05-01", "Sergey Kim 1980-05-01"),
    ("Tim Bakker 1980-05-01", "Tom Bakker 1980-05-01"),
    ("Tim Bakker", "Tom Bakker"),
    ("Lars Bakker 2010-05-01", "Lara Bakker 2010-05-01"),
    ("Julia Bakker 2010-05-01", "Julian Bakker 2010-05-01"),
    ("Jan Bakker", "Janneke Bakker"),
    ("Sem Bakker 2010-05-01", "Sam Bakker 2010-05-01"),
    ("Karl Bakker", "Karla Bakker"),
    ("Tim Vos", "Timo Vos"),
    ("Daan Vos 1980-05-01", "Dana Vos 1980-05-01"),
    ("Nick Vos 1980-05-01", "Niels Vos 1980-05-01"),
]
NOT_DIFFERENT = [
    ("Jan Bakker", "Johannes Bakker"),
    ("Kees Vos 1980-05-01", "Cornelis Vos 1980-05-01"),
    ("Bakker Jan", "Jan Bakker"),
    ("- Bakker", "Jan Bakker"),
    ("Els Vos", "Els Bakker"),
    ("Bob Vos 1980-05-01", "Robert Vos 1980-05-01"),
    ("C. Vos 1980-05-01", "Kees Vos 1980-05-01"),
    ("Cristina Vos 1980-05-01", "Kristina Vos 1980-05-01"),
    ("Иван Vos 1980-05-01", "Ivan Vos 1980-05-01"),
    ("Юрий Ким", "Yuri Kim"),
    ("Anna Vos", "Anneke Vos"),
    ("Jan Vos 1980-05-01", "Jantje Vos 1980-05-01"),
    ("Eric Vos 1980-05-01", "Erik Vos 1980-05-01"),
    ("Lucas Vos", "Luca Vos"),
    ("Mart Vos", "Martijn Vos"),
    ("Thijs Vos 1980-05-01", "Matthijs Vos 1980-05-01"),
    ("Sofie Vos", "Sophie Vos"),
    ("Tim Vos 1980-05-01", "Tmi Vos 1980-05-01"),
    ("Michel Vos 1980-05-01", "Michiel Vos 1980-05-01"),
    ("Mohamed Aydin 1980-05-01", "Muhammad Aydin 1980-05-01"),
    ("Susan Vos 1980-05-01", "Susanne Vos 1980-05-01"),
    ("Jan Vos 1980-05-01", "Johan Vos 1980-05-01"),
    ("Jan Bakker_Sr", "Jan Bakker"),
    ("Jan Bakker_Sr 1980-05-01", "Jan Bakker_Jr 1980-05-01"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_names_that_fit(left, right):
    assert name_agreement.same(pair(left, right), "name").all()
    assert name_agreement.same(pair(right, left), "name").all()


@pytest.mark.parametrize(("left", "right"), NOT_THE_SAME)
def test_names_that_are_not_shown_to_fit(left, right):
    assert not name_agreement.same(pair(left, right), "name").any()
    assert not name_agreement.same(pair(right, left), "name").any()


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_names_that_contradict(left, right):
    assert name_agreement.different(pair(left, right), "name").all()
    assert name_agreement.different(pair(right, left), "name").all()


@pytest.mark.parametrize(("left", "right"), NOT_DIFFERENT)
def test_names_that_do_not_contradict(left, right):
    assert not name_agreement.different(pair(left, right), "name").any()
    assert not name_agreement.different(pair(right, left), "name").any()


@pytest.mark.parametrize(
    ("left", "right", "same", "different"),
    [
        ("Jan Vos 1980-05-01", "Jan Vos 1980-05-01", True, False),
        ("Jan Vos 1980-05-01", "Jan Vos 1950-05-01", False, True),
        ("Jan Vos 1980-05-01", "Jan Vos", False, False),
    ],
)
def test_a_birth_date_that_is_not_known_neither_proves_nor_contradicts(left, right, same, different):
    assert name_agreement.same(pair(left, right), "birth_date").all() == same
    assert name_agreement.different(pair(left, right), "birth_date").all() == different


@pytest.mark.parametrize(
    ("one", "other"), [("Abiel", "Alice"), ("Abijah", "Isaiah"), ("Adena", "Andre"), ("Piet", "Marie")]
)
def test_which_of_two_names_is_looked_at_first_does_not_matter(one, other):
    there, back = (
        pair(f"{one} Vos 1980-01-01", f"{other} Vos 1980-01-01"),
        pair(f"{other} Vos 1980-01-01", f"{one} Vos 1980-01-01"),
    )
    assert name_agreement.different(there, "name").tolist() == name_agreement.different(back, "name").tolist()
