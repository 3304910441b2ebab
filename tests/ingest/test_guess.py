"""What files hold is guessed from a sample. Without the engine; about 20 seconds."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.guess import Score, held_out, judge, layouts
from jobs.ingest.guess.company_files import trust_lines
from jobs.ingest.guess.fields import KINDS
from jobs.ingest.guess.guesses import Guesses, guess
from jobs.ingest.guess.samples import STEM
from jobs.ingest.guess.words import names_record, said, says_moment

DUTCH = {
    "klanten.csv": "Klantnummer;Voornaam;Achternaam;E-mailadres;Mobiel;Postcode;Woonplaats;Geboortedatum;Gewijzigd op\n"
    "K1;Anna;de Wit;anna@example.nl;06 12345678;3511 AB;Utrecht;31-12-1980;01-02-2026 10:00\n"
    "K2;Ben;Smit;ben@example.nl;0612345679;2311 CD;Leiden;15-03-1975;20-06-2025 11:30\n",
    "bestellingen_2026-01.csv": "Bestelnummer;Klantnummer;Besteldatum;Status;Totaalbedrag\n"
    "B1;K1;31-01-2026;Betaald;1.234,50\nB2;K2;15-02-2026;Geannuleerd;20,00\n",
}
GERMAN = {
    "Bestellungen.tsv": "Bestellnr\tKundennummer\tBestelldatum\tBestellstatus\tGesamtbetrag\tRabatt\tWährung\n"
    "1001\tC7\t31.01.2026\tVersandt\t49,90\t5,00\tEUR\n1002\tC8\t01.02.2026\tStorniert\t1.009,00\t0,00\tEUR\n",
    "Positionen.tsv": "Bestellnr\tPosition\tArtikelnummer\tMenge\tBetrag\tBestelldatum\n"
    "1001\t1\tA-1\t2\t49,90\t31.01.2026\n1002\t1\tA-2\t1\t1.009,00\t01.02.2026\n1001\t2\tA-3\t1\t9,00\t31.01.2026\n",
}
NESTED = {
    "tickets.jsonl": "".join(
        json.dumps(
            {
                "id": number,
                "created_at": f"2026-01-0{number}T10:00:00Z",
                "updated_at": f"2026-01-0{number}T12:00:00Z",
                "status": "open",
                "subject": "Where is my order?",
                "priority": "high",
                "customer": {"id": f"K{number}", "email": f"a{number}@example.org"},
            }
        )
        + "\n"
        for number in (1, 2, 3)
    )
}
SPREADSHEET = {
    "afspraken.csv": "sep=;\r\nAfspraken januari;;;;\r\nAfspraaknummer;Geboekt op;Afspraakdatum;Status;Klantnummer\r\n"
    "1;01-01-2026 09:00;20-01-2026 10:00;Gepland;K1\r\n2;02-01-2026 09:00;21-01-2026 10:00;Niet verschenen;K2\r\n"
}
OWN = {
    "dutch": (DUTCH, {
        "contacts": {"contact_id": "Klantnummer", "first_name": "Voornaam", "last_name": "Achternaam",
                     "email": "`E-mailadres`", "phone": "Mobiel", "postcode": "Postcode", "city": "Woonplaats",
                     "birth_date": "Geboortedatum",
                     "updated_at": "`Gewijzigd op`"},
        "orders": {"order_id": "Bestelnummer", "contact_id": "Klantnummer", "ordered_at": "Besteldatum",
                   "status": "Status", "total": "Totaalbedrag", "updated_at": "Besteldatum"}}),
    "german": (GERMAN, {
        "orders": {"order_id": "Bestellnr", "contact_id": "Kundennummer", "ordered_at": "Bestelldatum",
                   "status": "Bestellstatus", "total": "Gesamtbetrag", "discount": "Rabatt", "currency": "Währung",
                   "updated_at": "Bestelldatum"},
        "order_lines": {"order_id": "Bestellnr", "line_id": "Position", "product_id": "Artikelnummer",
                        "quantity": "Menge", "amount": "Betrag", "ordered_at": "Bestelldatum",
                        "updated_at": "Bestelldatum"}}),
    "nested": (NESTED, {
        "tickets": {"ticket_id": "id", "opened_at": "created_at", "updated_at": "updated_at", "status": "status",
                    "topic": "subject", "priority": "priority", "contact_id": "customer.id",
                    "email": "customer.email"}}),
    "spreadsheet": (SPREADSHEET, {
        "appointments": {"appointment_id": "Afspraaknummer", "booked_at": "`Geboekt op`", "starts_at": "Afspraakdatum",
                         "status": "Status", "contact_id": "Klantnummer", "updated_at": "`Geboekt op`"}}),
}  # fmt: skip
"""Layouts of no vendor, and what each column should be taken from."""


def guessed(folder: Path, files: dict[str, str | bytes]) -> Guesses:
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return guess([folder / name for name in files])


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    return [judge(*layout) for layout in layouts()]


@pytest.mark.parametrize("name", OWN)
def test_every_column_of_a_layout_of_no_vendor_is_guessed(name: str, tmp_path: Path):
    files, truth = OWN[name]
    found = {one.dataset: {c: g.expression for c, g in one.columns.items()} for one in guessed(tmp_path, files).found}
    assert found == truth


def test_dates_decimals_and_the_words_of_a_status_are_told_too(tmp_path: Path):
    orders = {one.dataset: one for one in guessed(tmp_path, DUTCH).found}["orders"].columns
    assert orders["ordered_at"].field.dates == ["dd-MM-yyyy"]
    assert orders["total"].field.decimal == ","
    assert orders["status"].values == (("Betaald", "completed"), ("Geannuleerd", "cancelled"))


def test_a_day_that_could_be_a_month_is_unsure(tmp_path: Path):
    rows = "Bestelnummer;Besteldatum;Totaal;Status\nB1;01-02-2026;5,00;Betaald\nB2;03-04-2026;6,00;Betaald\n"
    (orders,) = guessed(tmp_path, {"bestellingen.csv": rows}).found
    assert not orders.columns["ordered_at"].sure
    assert orders.columns["order_id"].sure


def test_a_word_that_nobody_knows_makes_its_column_unsure(tmp_path: Path):
    rows = "order_id,order_date,total,status\n1,2026-01-01,5.00,frobnicated\n2,2026-01-02,6.00,paid\n"
    (orders,) = guessed(tmp_path, {"orders.csv": rows}).found
    assert not orders.columns["status"].sure


MAILED = (
    "id,subject,campaign_id,event,datetime,email,url\n1,June,C1,open,2026-01-01T08:00:00Z,a@example.org,\n"
    "2,June,C1,click,2026-01-02T08:00:00Z,b@example.org,https://shop.example/lamp\n"
)


def test_events_of_messages_are_told_from_those_of_a_web_site(tmp_path: Path):
    web = MAILED.replace("subject", "cookie_id")
    assert [one.dataset for one in guessed(tmp_path, {"events.csv": MAILED}).found] == ["campaign_events"]
    assert [one.dataset for one in guessed(tmp_path, {"events.csv": web}).found] == ["events"]


def test_the_day_of_an_order_in_the_place_of_its_last_change_is_unsure(tmp_path: Path):
    orders = {one.dataset: one for one in guessed(tmp_path, DUTCH).found}["orders"].columns
    assert orders["ordered_at"].sure
    assert not orders["updated_at"].sure


def test_records_that_are_whole_are_not_taken_for_their_details(tmp_path: Path):
    row = {"id": "S1", "status": "active", "start_date": "2026-01-01", "customer": "K1", "currency": "EUR"}
    lines = [{"id": "I1", "price": {"id": "P1", "nickname": "Gold", "unit_amount": 5, "currency": "EUR"}}]
    rows = "".join(json.dumps({**row, "id": f"S{n}", "lines": lines}) + "\n" for n in (1, 2, 3))
    (found,) = guessed(tmp_path, {"subscriptions.jsonl": rows}).found
    assert (found.dataset, found.sample.each) == ("subscriptions", "")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("blank.csv", b"  \n \n", "nothing but blanks"),
        ("data.bin", bytes(range(256)) * 40, "binary data"),
        ("one.csv", "a line of text. and more!\nanother one? yes\n", "one column of text"),
        ("book.csv", b"PK\x03\x04" + b"[Content_Types].xml" + b" " * 100, "an Excel workbook"),
        ("broken.json", '{"a": [1, 2', "begins like JSON and is none"),
        ("odd.csv", "foo,bar\n1,2\n3,4\n", "nobody can tell what its rows are"),
        ("header.csv", "order_id,total\n", "a header and no rows"),
        ("broken.csv.gz", b"no gzip at all", "gzip"),
    ],
)
def test_a_file_that_nobody_can_tell_is_told_in_one_line(name: str, content: str | bytes, told: str, tmp_path: Path):
    found = guessed(tmp_path, {name: content})
    (why,) = found.unreadable.values()
    assert found.found == []
    assert told in why
    assert "\n" not in why


def test_two_files_called_alike_that_disagree_are_told_and_the_first_counts(tmp_path: Path):
    other = "sku,name,brand,price\nA,Lamp,X,1\nB,Desk,Y,2\n"
    first = "order_id,order_date,total,status\n1,2026-01-01,5.00,paid\n2,2026-01-02,6.00,paid\n"
    found = guessed(tmp_path, {"export_1.csv": first, "export_2.csv": other})
    assert [one.dataset for one in found.found] == ["orders"]
    assert "is called like export_1.csv and has other columns" in found.unreadable[str(tmp_path / "export_2.csv")]


def test_only_the_start_of_a_large_file_is_read_and_a_record_is_never_cut(tmp_path: Path):
    row = '{0},2026-01-01,5.00,paid,"a note\nover lines"\n'
    (tmp_path / "orders.csv").write_text(
        "order_id,order_date,total,status,note\n" + "".join(map(row.format, range(60_000)))
    )
    document = {
        "orders": [{"id": str(n), "created_at": "2026-01-01T00:00:00Z", "total": "5.00"} for n in range(40_000)]
    }
    (tmp_path / "sales.json").write_text(json.dumps(document))
    found = guess([tmp_path / "orders.csv", tmp_path / "sales.json"])
    assert [one.dataset for one in found.found] == ["orders", "orders"]
    assert [one.sample.whole for one in found.found] == [False, False]
    assert {len(one.sample.records) for one in found.found} == {1000}


def test_typed_files_are_read_by_their_own_columns(tmp_path: Path):
    rows = pa.table(
        {"customer_id": ["a", "b"], "email": ["a@example.org", "b@example.org"], "first_name": ["Ann", "Bob"]}
    )
    pq.write_table(rows, tmp_path / "customers.parquet")
    (contacts,) = guess([tmp_path / "customers.parquet"]).found
    assert (contacts.dataset, contacts.sample.form) == ("contacts", {"type": "parquet"})


def test_shipped_layouts_are_guessed_and_wrong_guesses_are_marked(scores: list[Score]):
    columns, right = sum(one.columns for one in scores), sum(one.right for one in scores)
    silent, made = [what for one in scores for what in one.silent], sum(one.guessed for one in scores)
    assert right >= 0.9 * columns, [one.missing for one in scores]
    assert len(silent) <= 0.03 * made, silent


def test_layouts_that_nothing_was_written_for_are_guessed_too():
    scores = [judge(*layout) for layout in held_out() if layout[0] in ("helpscout", "matomo", "pipedrive")]
    assert sum(one.right for one in scores) >= 0.9 * sum(one.columns for one in scores), scores
    assert [what for one in scores for what in one.silent] == []


@pytest.mark.parametrize(
    ("path", "phrase", "says"),
    [(("update_time",), "updated at", True), (("LAST_CHANGED",), "updated at", True),
     (("date_created",), "created at", True), (("_parent", "date_created"), "created at", True),
     (("last_visit",), "updated at", False), (("time",), "created at", False)],
)  # fmt: skip
def test_a_moment_is_told_by_what_happened_whatever_word_says_that_it_is_one(path, phrase, says):
    assert (says_moment(path, phrase) > 0.6) is says


def test_a_list_that_holds_a_value_is_called_as_what_it_is_in():
    assert said(("phone[0]", "value"), "phone") > 0.9
    assert said(("totalDiscountsSet", "shopMoney", "amount"), "total discounts") > 0.7
    assert said(("Subtotal",), "total") == 0


def test_a_moment_in_utc_goes_before_the_same_in_the_time_of_a_place(tmp_path: Path):
    rows = "order_id,date_created,date_created_gmt,total\n1,2026-01-01T10:00:00,2026-01-01T09:00:00,5.00\n"
    (orders,) = guessed(tmp_path, {"orders.csv": rows + rows.split("\n")[1].replace("1,", "2,", 1)}).found
    assert orders.columns["ordered_at"].expression == "date_created_gmt"


def test_what_is_over_by_its_status_was_over_at_its_last_change_and_that_is_unsure(tmp_path: Path):
    rows = "ticket_id,created_at,updated_at,status,subject\n" + "".join(
        f"{n},2026-01-0{n}T10:00:00Z,2026-01-0{n}T12:00:00Z,{status},Where is it?\n"
        for n, status in ((1, "open"), (2, "solved"))
    )
    (tickets,) = guessed(tmp_path, {"tickets.csv": rows}).found
    assert tickets.columns["resolved_at"].expression == "case when status in ('solved') then updated_at end"
    assert not tickets.columns["resolved_at"].sure


@pytest.mark.parametrize(
    ("heading", "dataset"),
    [("Lidnr", "contacts"), ("Klant-ID", "contacts"), ("No client", "contacts"),
     ("N° client", "contacts"), ("Factuurnummer", "orders"),
     ("Rechnungsnr.", "orders"), ("BookingRef", "appointments"), ("case_key", "tickets")],
)  # fmt: skip
def test_a_heading_made_of_a_word_for_the_record_is_its_id(heading: str, dataset: str):
    assert names_record(heading, dataset)
    assert not names_record(heading, "products")


def test_one_who_is_known_by_a_card_only_is_a_contact_of_that_number_and_unsure(tmp_path: Path):
    rows = "Klantkaart;Voornaam;Achternaam;E-mailadres\n700123;Els;Dam;els@mail.nl\n700124;Jan;Bos;jan@mail.nl\n"
    (contacts,) = guessed(tmp_path, {"klanten.csv": rows}).found
    assert (contacts.columns["contact_id"].expression, contacts.columns["contact_id"].sure) == ("Klantkaart", False)


def test_messages_without_a_time_keep_the_order_of_their_turns_and_are_unsure(tmp_path: Path):
    rows = "utteranceId,conversationId,turnNumber,utterance\na-1,a,1,Hello there you\na-2,a,2,Where is my parcel?\n"
    found = {one.dataset: one.columns for one in guessed(tmp_path, {"chat_2026-01.csv": rows}).found}
    assert found["messages"]["sent_at"].expression == "timestamp_seconds(cast(turnNumber as bigint))"
    assert not found["messages"]["sent_at"].sure


def test_events_with_a_campaign_and_an_address_are_of_messages_in_any_language(tmp_path: Path):
    rows = (
        "ID évènement;Campagne;Type;Date;Adresse e-mail\nE1;Soldes;ouverture;15/02/2026 10:00;anne@mail.fr\n"
        "E2;Soldes;désinscription;16/02/2026 09:00;luc@mail.fr\n"
    )
    (found,) = guessed(tmp_path, {"evenements.csv": rows}).found
    assert found.dataset == "campaign_events"
    assert found.columns["event_id"].expression == "`ID évènement`"
    assert found.columns["type"].values == (("désinscription", "unsubscribe"), ("ouverture", "open"))


def test_a_ticket_and_the_messages_inside_it_are_both_kept(tmp_path: Path):
    said = [{"id": "M1", "Absender": "Kunde", "Text": "Wo ist mein Paket?", "Gesendet am": "2026-01-02T10:00:00"}]
    told = {"Betreff": "Lieferung", "Status": "Offen", "Erstellt am": "2026-01-02T10:00:00", "Nachrichten": said}
    rows = "".join(
        json.dumps({"Vorgangsnummer": f"T{n}", "Kundennummer": f"K{n}", "Geändert am": "2026-01-03T10:00:00", **told})
        + "\n"
        for n in (1, 2, 3)
    )
    assert {one.dataset for one in guessed(tmp_path, {"vorgaenge.jsonl": rows}).found} == {"tickets", "messages"}


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("orders_2024-01-02", "orders"),
        ("orders-20240102_1", "orders"),
        ("orders_deadbeef00", "orders"),
        ("orders_12abcdef00", "orders"),
        ("orders_2024_w5", "orders_2024_w"),
        ("q3", "q"),
        ("1" * 250 + "x", "1" * 250 + "x"),
        ("a1" * 125 + "x", "a1" * 125 + "x"),
        ("orders_" + "2024-01-02." * 20 + "!", "orders_" + "2024-01-02." * 20 + "!"),
    ],
)
def test_what_differs_from_one_export_to_the_next_is_found_at_once_whatever_the_name(name, stem):
    assert STEM.sub("", name) == stem


def test_a_long_cell_is_told_to_be_a_number_or_not_at_once():
    for kind in ("comma", "point"):
        assert not KINDS[kind].fullmatch(" " * 100_000 + "x")
        assert KINDS[kind].fullmatch("- € 12")
        assert KINDS[kind].fullmatch(" € 12 €")


def test_a_source_of_what_anybody_can_write_is_trusted_with_no_consent_and_others_are_asked_about():
    (written,) = trust_lines(["conversations", "messages"])
    assert written.startswith("trust: {grants: false}  # anybody can write here")
    asked = trust_lines(["contacts", "tickets"])
    assert [line[:1] for line in asked] == ["#", "#"]
    assert "trust: {identifies: alike, contact_points: own, grants: false}" in asked[1]
