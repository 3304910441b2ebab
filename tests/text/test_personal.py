"""Personal data in texts is found by kind and masked. Costs 4 CPU seconds."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.text_tagger import recall
from jobs.text import personal, tagger
from tests import shared_data


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Mail jan.berg@kpn.nl of bel 06-12345678", "Mail [email] of bel [phone]"),
        ("write to a.b+c (at) example.co.uk today", "write to [email] today"),
        ("nila at gmail dot com", "[email]"),
        ("+31 20 624 1111 is my number", "[phone] is my number"),
        ("terug op NL91 ABNA 0417 1643 00 graag", "terug op [iban] graag"),
        ("NL91ABNA0417164301 is wrong by a digit", "NL91ABNA0417164301 is wrong by a digit"),
        ("my card 4111 1111 1111 1111 was declined", "my card [card] was declined"),
        ("bsn 111222333", "bsn [bsn]"),
        ("klant 88123456789", "klant [number]"),
        ("order 12345 van 2026-11-29 kost € 1.250.000,00", "order 12345 van 2026-11-29 kost € 1.250.000,00"),
        ("op 29-11-2026 om 12:30", "op 29-11-2026 om 12:30"),
        ("ik woon op 1012 AB 12", "ik woon op [postcode] 12"),
        ("my password is kh 524 g", "my password is [secret]"),
        ("my password is not working", "my password is not working"),
        ("mijn wachtwoord is vergeten", "mijn wachtwoord is vergeten"),
        ("Mijn naam is Jan van der Berg, ik wacht nog", "Mijn naam is [name], ik wacht nog"),
        ("my name is ravi and i wait", "my name is [name] and i wait"),
        ("Beste mevrouw De Vries, dank", "Beste mevrouw [name], dank"),
        ("Groeten,\nPiet", "Groeten,\n[name]"),
        ("the best will mark it", "the best will mark it"),
        ("", ""),
        (None, ""),
        ("😀👍", "😀👍"),
    ],
)
def test_what_is_masked(text, masked):
    assert personal.masked(text) == masked


def test_rules_know_the_kind_and_the_tagger_adds_what_they_do_not_see():
    text = "sanne 06-12345678"
    assert personal.masked(text, more=[personal.Span(0, 17, "name")]) == "[name][phone]"
    assert personal.masked("bel 06-12345678.", more=[personal.Span(4, 16, "phone")]) == "bel [phone]."


@pytest.mark.parametrize(
    "text", ["Mijn e-mailadres is", "What is your email address?", "Ik ben bereikbaar op mijn mobiel"]
)
def test_words_about_an_address_or_number_are_none(text):
    assert tagger.shipped().spans([text]) == [[]]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=4))
def test_parts_never_overlap_and_masking_changes_nothing_else(text, spans):
    more = [personal.Span(min(s), max(s), "name") for s in spans if max(s) <= len(text)]
    found = personal.found(text, more=more)
    assert all(one.end <= other.start for one, other in pairwise(found))
    kept = "".join(text[a:b] for a, b in zip([0, *(s.end for s in found)], [*(s.start for s in found), len(text)],
                                             strict=True))  # fmt: skip
    masks = "".join(f"[{span.kind}]" for span in found)
    assert len(personal.masked(text, more=more)) == len(kept) + len(masks)


def test_megabytes_are_cut_and_take_no_time():
    long = "mail jan@kpn.nl " * 700_000
    assert len(personal.masked(long)) <= personal.LONGEST
    assert "jan" not in personal.masked(long)
    for hostile in ("a" * 3_000_000, "1 " * 1_000_000, "@" * 1_000_000, "<" * 1_000_000, "naam is " * 300_000):
        personal.masked(hostile)


@pytest.mark.parametrize(
    ("domain", "floors"),
    [
        ("airline", {"name": 0.84, "email_address": 0.93, "phone_number": 1.0}),
        ("software", {"name": 0.88, "password": 0.80, "account_number": 0.88}),
    ],
)
def test_of_labelled_chats_most_personal_words_are_masked_and_hardly_any_other(domain, floors):
    counted = recall(shared_data.folder("chat_multidogo"), domain, tagger.shipped())
    found = {slot: hit / of for slot, (hit, of) in counted.items()}
    assert {slot: found[slot] >= floor for slot, floor in floors.items()} == dict.fromkeys(floors, True), found
    assert found["O"] < 0.005


def test_a_tagger_is_read_back_as_it_was():
    learned = tagger.learn([["ik", "heet", "sanne"], ["de", "prijs"]] * 5,
                           [["nothing", "nothing", "name"], ["nothing", "nothing"]] * 5)  # fmt: skip
    again = tagger.Tagger.from_bytes(learned.to_bytes())
    assert again.classes == ["nothing", "name"]
    assert again.spans(["ik heet sanne"]) == learned.spans(["ik heet sanne"]) == [[personal.Span(8, 13, "name")]]
