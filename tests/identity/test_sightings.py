"""What rows tell about who is who."""

from jobs.identity.identifiers import identifier_hash
from jobs.identity.sightings import also_known_as, sightings


def test_what_a_source_merged_is_told_by_a_row_for_each_other_id_and_address(rows):
    contacts = rows(
        "valid/contacts",
        {"source": "crm", "contact_id": "1", "email": "ann@work.nl", "previous_ids": "2; 3", "arrived": "2024-05-02"},
        {"source": "crm", "contact_id": "4", "other_emails": '["d@a.nl", "d@b.nl"]', "arrived": "2024-05-02"},
        {"source": "crm", "contact_id": "5", "email": "e@a.nl", "merged_into": "6", "arrived": "2024-05-02"},
        {"source": "crm", "contact_id": "7", "email": "g@a.nl", "arrived": "2024-05-02"},
    )
    found = {(row["contact_id"], row["email"]) for row in also_known_as(contacts).collect()}
    merged = {("2", "ann@work.nl"), ("3", "ann@work.nl"), ("6", "e@a.nl")}
    assert found == merged | {("4", "d@a.nl"), ("4", "d@b.nl")}


def test_a_browser_is_not_seen_with_an_id_that_was_merged_where_anything_else_tells_who_it_is(rows):
    told = {"source": "web", "previous_ids": "old", "cookie_id": "c", "arrived": "2024-05-02"}
    contacts = rows(
        "valid/contacts",
        {**told, "contact_id": "1", "email": "ann@work.nl"},
        {**told, "contact_id": "2", "login_id": "ann"},
        {**told, "contact_id": "3"},
    )
    found = {(row["email"], row["login_id"], row["cookie_id"]) for row in also_known_as(contacts).collect()}
    assert found == {("ann@work.nl", None, None), (None, "ann", None), (None, None, "c")}


def test_a_phone_number_without_a_country_tells_who_a_contact_is_and_of_no_other_row(rows, settings):
    loaded = settings()
    told = {"source": "shop", "phone": "0475 12 34 56", "arrived": "2024-05-02"}
    seen = sightings(
        {
            "valid/contacts": rows("valid/contacts", {**told, "contact_id": "1"}),
            "valid/orders": rows(
                "valid/orders",
                {**told, "order_id": "1"},
                {**told, "order_id": "2", "attributes": '{"country": "BE"}'},
            ),
        },
        loaded,
    )
    found = [(row["described"], row["phone"]) for row in seen.to_dict("records")]
    hashes = [identifier_hash("phone", number, loaded) for number in ("+31475123456", "+32475123456")]
    assert sorted(found, key=str) == sorted([(True, hashes[0]), (False, None), (False, hashes[1])], key=str)
    assert seen["ignored"].sum() == 1
