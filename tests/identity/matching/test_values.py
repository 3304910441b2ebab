"""How values are spelled before they are compared."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.identity.matching import dates, values
from jobs.identity.matching.kinds import guess_kinds, names_unused, parse_kinds
from jobs.identity.matching.records import prepare


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("1978-12-11", "19781211"),
        ("19781211", "19781211"),
        ("11121978", "19781211"),
        ("11/12/1978", "19781211"),
        ("12/31/1978", "19781231"),
        ("Mar 1 1970", "19700301"),
        ("24-May-11", "20110524"),
        ("3/1/70", "19700103"),
        ("1978", "19780000"),
        ("1978-12", "19781200"),
        ("1978-12-11 00:00:00", "19781211"),
        ("1978-1211", "19781211"),
        ("1978-121", None),
        ("1978-13-45", "19781345"),
        ("soon", None),
    ],
)
def test_a_date_is_eight_digits_however_it_is_written(written, digits):
    assert dates.date_digits(written, day_first=True) == digits


@given(st.text(alphabet="0123456789-/. tjanTfb:", max_size=14))
def test_whatever_is_written_a_date_has_eight_digits_or_none(written):
    digits = dates.date_digits(written)
    assert digits is None or (len(digits) == 8 and digits.isdigit())


def test_the_dates_of_a_column_tell_whether_the_day_comes_first():
    assert dates.date_order(["03/04/1980", "25/04/1980"])
    assert not dates.date_order(["03/04/1980", "04/25/1980"])


@pytest.mark.parametrize(
    ("name", "given", "family"),
    [
        ("Hughes, Howard", "howard", "hughes"),
        ("Jan van der Berg", "jan", "van der berg"),
        ("Dr. Ann Bos", "ann", "bos"),
        ("王杰", "jie", "wang"),
        ("ВАСИЛЬЕВ, Александр", "aleksandr", "vasilev"),
        ("Cher", "cher", ""),
    ],
)
def test_a_name_in_one_piece_is_taken_apart(name, given, family):
    assert values.full_name(name) == (given, family)


def test_nicknames_share_a_form_with_the_name():
    forms = {name: set(values.name_forms(name)) for name in ("bob", "robbie", "robert", "kees", "cornelis")}
    assert forms["bob"] & forms["robbie"] & forms["robert"] == {"robert"}
    assert "cornelis" in forms["kees"] & forms["cornelis"]
    assert values.name_forms("qwertz") is None


def test_father_and_son_are_told_by_generation():
    assert [values.generation(name) for name in ("Dobbins Jr", "Dobbins Senior", "Morris II", "Dobbins", "Jr")] == [
        "jr",
        "sr",
        "2",
        None,
        None,
    ]


def test_dots_and_tags_of_an_email_are_ignored_by_the_weak_spelling_only():
    assert values.email_address("Ann Bos <A.Bos+shop@googlemail.com>") == "a.bos+shop@googlemail.com"
    assert values.email_root("a.bos+shop@googlemail.com") == "abos@gmail.com"
    assert values.email_address("none") is None


def test_a_phone_is_compared_without_country_and_area_prefix():
    assert values.phone_digits("+31 6 1234 5678") == values.phone_digits("0612345678") == "612345678"
    assert values.phone_digits("0000000000") is None


def test_column_names_are_guessed_and_configuration_is_checked():
    columns = ["rec_id", "given_name", "surname", "DateOfBirth", "Email", "suburb", "soc_sec_id", "cluster", "remarks"]
    assert guess_kinds(columns) == {
        "given_name": "given_name",
        "surname": "family_name",
        "DateOfBirth": "birth_date",
        "Email": "email",
        "suburb": "city",
        "soc_sec_id": "national_id",
    }
    assert parse_kinds({"a": "national_id:passport", "b": "ignore"}) == {"a": ("national_id", "national_id_passport")}


def test_what_is_said_about_a_phone_an_address_or_a_document_is_not_one():
    columns = ["PHONE_TYPE", "ADDR_TYPE", "email_verified", "PASSPORT_COUNTRY", "DRIVERS_LICENSE_STATE", "ADDR_CITY"]
    assert guess_kinds(columns) == {"ADDR_CITY": "city"}
    assert guess_kinds(["passport_number", "ADDR_COUNTRY", "birth_city", "phone"]) == {
        "passport_number": "national_id",
        "ADDR_COUNTRY": "region",
        "birth_city": "city",
        "phone": "phone",
    }


def test_sources_that_name_columns_differently_meet_in_one_slot():
    import pandas as pd

    crm = pd.DataFrame({"Voornaam": ["Ann"], "Achternaam": ["Bos"], "straat": ["Kade 1"]})
    shop = pd.DataFrame({"naam": ["Bos, Ann"], "adres": ["Kade 1, Delft"]})
    tables = [("crm", crm, guess_kinds(crm)), ("shop", shop, guess_kinds(shop))]
    found = prepare(tables, None)
    assert found[["record", "source", "given", "family"]].values.tolist() == [
        ["crm0", "crm", "ann", "bos"],
        ["shop0", "shop", "ann", "bos"],
    ]
    assert found["address_words"].tolist() == [["1", "kade"], ["1", "delft", "kade"]]
    assert "street" not in found


@pytest.mark.parametrize(
    ("kind", "headings"),
    [
        (
            "given_name",
            "first_nm_2 first_name_1 fname_c1 voorletters voornaam Vorname prénom Nombre fname First gvn_nm förnamn",
        ),
        (
            "family_name",
            "last_nm lname_c2 surname2 achternaam Nachname nom apellido1 cognome lname tussenvoegsel LAST_NAME_2",
        ),
        ("birth_date", "byear birth_yr dob_d geboortejaar Geburtstag date_naissance fecha_nacimiento b_day bmonth"),
        ("full_name", "name customer_nm klantnaam nom_complet"),
        ("postcode", "PLZ code_postal zip_cd pc6 kod_pocztowy"),
        ("email", "e-mail courriel Email_Address"),
        ("phone", "tel_2 Handy mobiel téléphone"),
        ("city", "Wohnort ville woonplaats cidade"),
        ("house_number", "huisnr Hausnummer"),
    ],
)
def test_short_numbered_and_foreign_headings_are_understood(kind, headings):
    columns = headings.split(" ")
    assert guess_kinds(columns) == dict.fromkeys(columns, kind)


def test_headings_of_what_tells_nobody_are_not_taken_for_names():
    assert guess_kinds(["file_name", "campaign_name", "product_nm", "created_by", "by"]) == {}


def test_it_is_asked_which_column_holds_names_if_none_is_known_to():
    columns = ["whoami", "email", "zip", "row_id"]
    assert names_unused(columns, guess_kinds(columns).values()) == ["whoami"]
    assert names_unused([*columns, "nachname"], guess_kinds([*columns, "nachname"]).values()) == []


BORN = [("1980", "2", "13"), ("1975", "11", "30"), ("1991", "10", "1")]
ORDERS = [("y", "m", "d"), ("d", "m", "y"), ("m", "d", "y"), ("d", "y", "m"), ("y", "d", "m"), ("m", "y", "d")]


@pytest.mark.parametrize("order", ORDERS, ids="".join)
@pytest.mark.parametrize(
    "names",
    [
        {"y": "byear", "m": "bmonth", "d": "bday"},
        {"y": "geboortejaar", "m": "geboortemaand", "d": "geboortedag"},
        {"y": "dob_1", "m": "dob_2", "d": "dob_3"},
        {"y": "by", "m": "bm", "d": "bd"},
    ],
    ids=["short", "Dutch", "numbered", "shortest"],
)
def test_a_birth_date_in_three_columns_is_one_date_whatever_their_order(order, names):
    rows = pd.DataFrame([dict(zip("ymd", born, strict=True)) for born in BORN])[list(order)].rename(columns=names)
    told = prepare([("x", rows, guess_kinds(rows.columns))], None)
    assert told["birth_date"].tolist() == ["19800213", "19751130", "19911001"]


def test_days_of_which_none_is_after_the_twelfth_are_told_by_their_heading():
    rows = pd.DataFrame({"birth_day": ["3", "11"], "birth_month": ["12", "4"], "birth_year": ["80", "1975.0"]})
    assert prepare([("x", rows, guess_kinds(rows))], None)["birth_date"].tolist() == ["19801203", "19750411"]


def test_months_may_be_words_and_parts_may_miss():
    rows = pd.DataFrame(
        {
            "birth_month": ["mei", "Dec.", None, "mrt"],
            "byear": ["1980", "1975", "1991", None],
            "bday": ["3", None, "4", "5"],
        }
    )
    told = prepare([("x", rows, guess_kinds(rows))], None)["birth_date"]
    assert told.astype(object).where(told.notna(), None).tolist() == ["19800503", "19751200", "19910004", None]


def test_a_year_beside_a_whole_date_only_fills_in_for_it():
    rows = pd.DataFrame({"dob": ["1980-02-13", None], "birth_year": ["1980", "1975"]})
    assert prepare([("x", rows, guess_kinds(rows))], None)["birth_date"].tolist() == ["19800213", "19750000"]


def test_a_name_in_several_columns_is_one_name():
    rows = pd.DataFrame(
        [
            {"first_nm": "Ana", "first_nm_2": "Maria", "last_nm": "García", "last_nm_2": "López"},
            {"first_nm": None, "first_nm_2": "Ana", "last_nm": "García", "last_nm_2": "garcia"},
        ]
    )
    told = prepare([("x", rows, guess_kinds(rows))], None)[["given", "middle", "family"]]
    assert told.iloc[0].tolist() == ["ana", "maria", "garcia lopez"]
    assert (told.iloc[1]["given"], told.iloc[1]["family"]) == ("ana", "garcia")
    initials = pd.DataFrame([{"voorletters": "J.P.", "voornaam": "Jan", "achternaam": "Bos"}])
    told = prepare([("x", initials, guess_kinds(initials))], None)
    assert told[["given", "middle"]].iloc[0].tolist() == ["jan", "j p"]
    dutch = pd.DataFrame([{"voornaam": "Jan", "achternaam": "Berg", "tussenvoegsel": "van den"}])
    assert prepare([("x", dutch, guess_kinds(dutch))], None)["family"].tolist() == ["van den berg"]
