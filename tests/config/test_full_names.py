"""A name in one piece fills the given and the family name of a contact, on both engines. Takes about 3 seconds."""

import re

import pytest
from pyspark.sql import functions as F

from jobs.config.sources.full_names import PATTERNS, first_name, last_name
from jobs.config.sources.source import Source
from jobs.identity.matching.kinds import guess_kinds
from jobs.ingest.expressions import parse
from jobs.lake.engine import get_spark

NAMES = {
    "Ann Visser": ("Ann", "Visser"),
    "Jan van der Berg": ("Jan", "van der Berg"),
    "  Dhr. J.P.  de   Vries ": ("J.P.", "de Vries"),
    "Mevr. A. Jansen - de Boer": ("A.", "Jansen-de Boer"),
    "Visser, Ann Maria": ("Ann Maria", "Visser"),
    "Prof. Dr. Hans Müller": ("Hans", "Müller"),
    "Herr Otto von Bülow": ("Otto", "von Bülow"),
    "Mme Anne-Marie Le Goff": ("Anne-Marie", "Le Goff"),
    "John Michael Doe Jr.": ("John Michael", "Doe Jr."),
    "Gerrit van 't Hof": ("Gerrit", "van 't Hof"),
    "Cher": ("Cher", None),
    "王小明": ("小明", "王"),
    "": (None, None),
    " ": (None, None),
    "van Dijk": ("van", "Dijk"),
}


def contacts(**columns):
    dataset = {"files": "{day}/*.csv", "columns": {"contact_id": "id", "updated_at": "at", **columns}}
    source = Source.model_validate({"source": "crm", "group": "crm", "datasets": {"contacts": dataset}})
    return {name: value.expression for name, value in source.datasets["contacts"].columns.items()}


def test_names_are_split_alike_on_both_engines(on_engine):
    told = get_spark().createDataFrame([*enumerate(NAMES)], "place int, Naam string")
    first, last = (F.nullif(F.expr(parse(make("Naam")).sql), F.lit("")) for make in (first_name, last_name))
    found = told.orderBy("place").select("Naam", first.alias("first"), last.alias("last")).collect()
    assert {row["Naam"]: (row["first"], row["last"]) for row in found} == NAMES


def test_a_full_name_is_mapped_in_the_place_of_two_columns():
    found = contacts(full_name="Naam")
    assert "full_name" not in found
    assert (found["first_name"], found["last_name"]) == (first_name("Naam"), last_name("Naam"))
    assert contacts(full_name={"from": "Naam"}, last_name="Achternaam")["last_name"] == "Achternaam"


def test_a_full_name_with_more_than_an_expression_is_refused():
    with pytest.raises(ValueError, match="full_name: give it a column or an expression"):
        contacts(full_name={"from": "Naam", "values": {"x": "y"}})


@pytest.mark.parametrize(
    ("kind", "headings"),
    [
        ("full_name", ["Naam", "Volledige naam", "Voor- en achternaam", "Voornaam en achternaam", "Contactpersoon"]),
        ("full_name", ["Name", "Vor- und Nachname", "Vollständiger Name", "Name, Vorname", "Kundenname"]),
        ("full_name", ["Nom complet", "Nom et prénom", "Prénom et nom", "Nom du client", "Nom Prénom"]),
        ("full_name", ["Full name", "First and last name", "Last name, First name", "customer_name"]),
        ("given_name", ["Voornaam", "Vorname", "Prénom", "first_name", "name_first", "first_nm_2"]),
        ("family_name", ["Achternaam", "Nachname", "Nom", "Nom de famille", "last_name", "name_last"]),
    ],
)
def test_what_a_heading_calls_a_name_is_known_in_four_languages(kind, headings):
    assert guess_kinds(headings) == dict.fromkeys(headings, kind)


def test_a_name_of_nothing_but_titles_or_particles_is_looked_through_in_time():
    """Of an endless pattern the first of these takes longer than anybody waits."""
    words = {word for pattern in PATTERNS for word in re.findall(r"[a-z']+", pattern)}
    found = {word: [re.search(pattern, f"{word} " * 60 + "!") for pattern in PATTERNS] for word in words}
    assert all(len(one) == len(PATTERNS) for one in found.values())
