"""What rows of a source may change of people (`trust`): where they are reached, and whether they said yes."""

import datetime as dt
from dataclasses import replace

import pytest

from jobs.config.actions.feedback import Feedback
from jobs.identity.identifiers import identifier_hash
from jobs.profiles.consent import consent, every_answer, with_people
from jobs.profiles.contact_points import addresses, contact_points
from jobs.profiles.golden import best_values, current_contacts

TODAY = dt.date(2017, 6, 1)
CONTACTS = {"contacts": {"files": "x", "columns": {"contact_id": "a", "updated_at": "b"}}}


@pytest.fixture
def trusting(settings):
    """Settings with a source `crm` and others, each trusted as said."""

    def build(**sources):
        told = {name: {"trust": trust} for name, trust in ({"crm": {}} | sources).items()}
        whole = {name: {"source": name, "group": "g", "datasets": CONTACTS} | one for name, one in told.items()}
        return settings({f"sources/{name}.yaml": one for name, one in whole.items()})

    return build


def test_a_source_that_may_not_sets_no_address_but_of_whom_only_it_knows(trusting, rows):
    loaded = trusting(shop={"contact_points": "customers"}, desk={"contact_points": "own"})
    told = [
        ("ann", {"source": "crm", "email": "ann@x.nl"}),
        ("ann", {"source": "desk", "email": "evil@x.nl", "phone": "0612345679", "street": "Dam 1", "city": "Gent",
                 "first_name": "Ann"}),
        ("bob", {"source": "desk", "phone": "0612345677", "street": "Kade 2", "city": "Gent"}),
        ("cas", {"source": "crm", "email": "cas@x.nl"}),
        ("cas", {"source": "shop", "email": "own@x.nl", "phone": "0612345670", "street": "Laan 3", "city": "Gent"}),
    ]  # fmt: skip
    contacts = [
        row | {"contact_id": str(n), "updated_at": f"2017-01-0{n}", "arrived": "2017-01-09"}
        for n, (_, row) in enumerate(told, 1)
    ]
    known = [
        {"identifier": identifier_hash("contact", str(n), loaded, row["source"]), "customer_id": who}
        for n, (who, row) in enumerate(told, 1)
    ]
    current = current_contacts(rows("valid/contacts", *contacts), rows("identity/map", *known), loaded).cache()
    points = contact_points(current, loaded).where("preference = 1").collect()
    places = addresses(current, loaded).where("preference = 1").collect()
    best = best_values(current, loaded).collect()
    assert {(row["customer_id"], row["value"]) for row in points} == {
        *{("ann", "ann@x.nl"), ("bob", "+31612345677")},
        *{("cas", "own@x.nl"), ("cas", "+31612345670")},
    }
    assert {(row["customer_id"], row["street"]) for row in places} == {("bob", "Kade 2"), ("cas", "Laan 3")}
    assert {(row["customer_id"], row["first_name"], row["city"]) for row in best} == {
        ("ann", "Ann", None),
        ("bob", None, "Gent"),
        ("cas", None, "Gent"),
    }


YES = {"ann": "granted", "bob": "withdrawn", "eve": "withdrawn", "joe": "granted"}
"""What a trusted source brings about: nobody asked ann, it says no for bob, for eve crm does, joe's mail arrived."""


def test_a_yes_counts_from_whom_it_may_and_a_no_from_anyone(trusting, rows):
    loaded = trusting(shop={}, desk={"grants": False}, list={"identifies": "nobody"})
    given, mails, people = [], [], []
    for source in ("shop", "desk", "list"):
        mail = {who: f"{who}@{source}.nl" for who in YES}
        people += mail.values()
        given += [
            {"source": source, "email": mail["ann"]},
            {"source": "crm", "email": mail["bob"]},
            {"source": source, "email": mail["bob"], "status": "Withdrawn", "contact_id": "1"},
            {"source": "crm", "email": mail["eve"], "status": "withdrawn"},
            {"source": source, "email": mail["eve"], "changed_at": "2017-04-01"},
            {"source": "crm", "email": mail["joe"]},
        ]
        said = (("bounce", "crm", "2017-03-01"), ("delivered", source, "2017-03-02"))
        mails += [{"source": by, "email": mail["joe"], "type": kind, "occurred_at": at} for kind, by, at in said]
    usual = {"purpose": "marketing", "status": "granted", "changed_at": "2017-02-01"}
    lineage = {"channel": "email", "arrived": "2017-05-01"}
    answers = [{"consent_id": str(n), "line": n} | usual | lineage | row for n, row in enumerate(given)]
    events = [{"event_id": str(n)} | lineage | row for n, row in enumerate(mails)]
    known = [{"identifier": identifier_hash("email", one, loaded), "customer_id": one} for one in people]
    points = [{"customer_id": one, "kind": "email", "value": one, "preference": 1} for one in people]
    every = every_answer(rows("valid/consents", *answers), rows("valid/campaign_events", *events), loaded)
    owned = with_people(every, rows("identity/map", *known), rows("profiles/contact_points", *points), loaded)
    found = {row["customer_id"]: row["status"] for row in consent(owned, TODAY, loaded).collect()}
    refused = {"bob": "withdrawn", "eve": "withdrawn", "joe": "withdrawn"}
    assert found == {
        f"{who}@{source}.nl": status
        for source, answered in (("shop", YES), ("desk", refused), ("list", refused))
        for who, status in answered.items()
    }


def test_what_somebody_answers_us_counts_for_the_customer_their_source_knows_and_a_no_for_both(trusting, rows):
    loaded = trusting(desk={"identifies": "nobody"}, heard={})
    loaded = replace(loaded, feedback=Feedback(source="heard"))
    known, answers = [], []
    for who, status in (("ann", "granted"), ("bob", "withdrawn")):
        mail = f"{who}@x.nl"
        for owner, source in ((f"{who} of crm", "crm"), (f"{who} of desk", "desk")):
            known.append({"identifier": identifier_hash("email", mail, loaded, source), "customer_id": owner})
        answers.append({"consent_id": who, "source": "heard", "email": mail, "ids_of": "desk", "status": status})
    usual = {"purpose": "marketing", "channel": "email", "changed_at": "2017-02-01", "arrived": "2017-05-01", "line": 1}
    every = every_answer(
        rows("valid/consents", *[usual | one for one in answers]), rows("valid/campaign_events"), loaded
    )
    owned = with_people(every, rows("identity/map", *known), rows("profiles/contact_points"), loaded)
    found = {(row["customer_id"], row["status"]) for row in consent(owned, TODAY, loaded).collect()}
    assert found == {("ann of desk", "granted"), ("bob of crm", "withdrawn"), ("bob of desk", "withdrawn")}
