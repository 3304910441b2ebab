"""Whom rows of a source may join (`trust.identifies`): anyone, only whom they are alike, or nobody."""

import datetime as dt
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest

from jobs.config.actions.feedback import Feedback
from jobs.config.wrong import CommandError, ConfigError
from jobs.identity.contact_rows import contact_versions
from jobs.identity.customer_of import with_customer
from jobs.identity.evidence import EPOCH
from jobs.identity.explain import find
from jobs.identity.identifiers import identifier_hash, identifier_hashes
from jobs.identity.links import NEVER
from jobs.identity.resolved import resolve
from jobs.identity.sightings import CONTACTS, sightings
from jobs.lake.lake import Lake
from jobs.lake.tables.catalogue import get
from jobs.privacy.person import Who, resolved
from jobs.privacy.source_rows import whose
from tests.identity.identity_rows import DAY, RULES, customers, seen, together

JAN = {"contact": "crm 7", "email": "@", "name": "jan bakker", "day": 1}
CONTACT = {"contacts": {"files": "x", "columns": {"contact_id": "a", "updated_at": "b"}}}


def claimed(contact, name=" ", day=5, **told):
    """A contact of a source that joins only whom it is alike: what it has is its own, what it claims is not."""
    own = {"contact": contact, "source": "desk", "name": name, "day": day}
    return [own | {kind: f"desk {value}" for kind, value in told.items()}, own | told | {"claim": True}]


def identity(*rows, deleted=(), as_of=30):
    spans = pd.DataFrame(deleted, columns=["contact", "since", "until"])
    return resolve(seen(*rows), RULES, EPOCH + dt.timedelta(days=as_of), 200, deleted=spans)


@pytest.mark.parametrize(
    ("name", "joins"), [("", False), ("jan ", False), ("piet vos", False), ("j bakker", True), ("jan bakker", True)]
)
def test_a_contact_of_a_careful_source_joins_only_whom_its_name_fits(name, joins):
    found = identity(JAN, *claimed("desk 1", f"{name} " if " " not in name else name, email="@", phone="06"))
    assert together(found, "crm 7", "@")
    assert together(found, "desk 1", "desk @", "desk 06")
    assert together(found, "crm 7", "desk 1") is joins


def test_the_forged_row_joins_under_trust_and_nowhere_else():
    forged = {"contact": "desk 1", "source": "desk", "email": "@", "phone": "06", "day": 5}
    assert together(identity(JAN, forged), "crm 7", "desk 1", "06")
    assert customers(identity(JAN, *claimed("desk 1", email="@", phone="06"))) == {
        frozenset({"crm 7", "@"}),
        frozenset({"desk 1", "desk @", "desk 06"}),
    }


def test_a_birth_date_that_differs_is_no_agreement():
    born = JAN | {"born": "1990-01-01"}
    own, claim = claimed("desk 1", "jan bakker", email="@")
    assert not together(identity(born, own, claim | {"born": "1991-01-01"}), "crm 7", "desk 1")
    assert together(identity(born, own, claim | {"born": "1990-01-01"}), "crm 7", "desk 1")


def test_what_a_careful_source_claims_stays_whose_it_is():
    """However many claim it, whoever they are, and whether they were deleted before or after."""
    many = [row for number in range(30) for row in claimed(f"desk {number}", f"p{number} v{number}", email="@")]
    other = {"contact": "crm 8", "email": "@", "name": "j bakker", "day": 9}
    deleted = [("desk 1", 6, NEVER), ("desk 2", 4, NEVER)]
    for rows in ([*many, JAN | {"day": 8}, other], [JAN, *many, other]):
        found = identity(*rows, deleted=deleted)
        assert together(found, "crm 7", "crm 8", "@")
        assert sum("@" in one or "crm 7" in one for one in customers(found)) == 1
        aside = [row for row in found.set_aside.to_pylist() if row["identifier"] == "@"]
        ends = {(row["left"], row["right"]): row["until"] for row in found.links.to_pylist() if row["left"] == "crm 7"}
        assert (aside, set(ends.values())) == ([], {None})


def test_a_contact_that_joined_and_is_deleted_leaves_the_customer_as_it_is():
    joined = [JAN, *claimed("desk 1", "jan bakker", email="@")]
    found = identity(*joined, {"contact": "crm 9", "email": "@", "name": "jan bakker", "day": 9},
                     deleted=[("desk 1", 7, NEVER)])  # fmt: skip
    assert together(found, "crm 7", "crm 9", "@")
    assert [row["type"] for row in found.events.to_pylist() if row["customer_id"] == "ccrm 7"].count("split") == 0


def test_two_careful_sources_join_by_what_nobody_else_has():
    found = identity(*claimed("desk 1", "jan bakker", email="@"), *claimed("chat 1", "j bakker", email="@"))
    assert together(found, "desk 1", "chat 1")
    assert "@" not in set.union(*map(set, customers(found)))


@pytest.fixture
def loaded(settings):
    """Settings in which a source `desk` joins only whom it is alike, and `list` nobody."""
    trust = {"crm": "anyone", "shop": "anyone", "desk": "alike", "list": "nobody"}
    return settings(
        {
            f"sources/{name}.yaml": {"source": name, "group": "g", "trust": {"identifies": whom}, "datasets": CONTACT}
            for name, whom in trust.items()
        }
    )


def test_rows_say_in_hashes_what_their_source_may(loaded, rows):
    """Which identifiers rows have, which are claims, which contacts are compared, and whose other rows are."""
    own = {identifier_hash("email", "jan@x.nl", loaded, name): name for name in loaded.sources}
    told = {"email": "jan@x.nl", "phone": "0612345679", "cookie_id": "k", "arrived": "2024-05-01"}
    contacts = rows("valid/contacts", *[told | {"source": name, "contact_id": "1"} for name in loaded.sources])
    found = sightings({CONTACTS: contacts}, loaded)
    assert {*identifier_hashes("email", "jan@x.nl", loaded)} == {*own}
    assert {(one.source, own[one.email], bool(one.claim), one.cookie is not None) for one in found.itertuples()} == {
        ("crm", "shop", False, True),
        ("shop", "shop", False, True),
        ("desk", "desk", False, True),
        ("desk", "shop", True, False),
        ("list", "list", False, True),
    }
    assert sorted(contact_versions(contacts, loaded)["name"]) == ["crm:1", "shop:1"]
    known = rows("identity/map", *[{"identifier": one, "customer_id": name} for one, name in own.items()])
    orders = rows("valid/orders", *[{"source": name, "email": "jan@x.nl"} for name in loaded.sources])
    whose_order = {row["source"]: row["customer_id"] for row in with_customer(orders, known, loaded).collect()}
    assert whose_order == {"crm": "shop", "shop": "shop", "desk": "desk", "list": "list"}


def test_an_answer_to_us_is_of_whoever_the_source_that_knows_the_person_calls_so(loaded, rows):
    """Rows of the source of config/feedback.yaml alone say whose ids they have, and only ids of a stranger differ."""
    hearing = replace(loaded, feedback=Feedback(source="crm"))
    own = {name: identifier_hash("email", "jan@x.nl", loaded, name) for name in ("crm", "desk")}
    known = rows("identity/map", *[{"identifier": one, "customer_id": name} for name, one in own.items()])
    told = [("crm", "desk"), ("crm", None), ("crm", "shop"), ("shop", "desk")]
    events = rows("valid/campaign_events", *[
        {"event_id": str(n), "source": source, "ids_of": of, "email": "jan@x.nl", "arrived": "2024-05-01"}
        for n, (source, of) in enumerate(told)
    ])  # fmt: skip
    owners = sorted((row["event_id"], row["customer_id"]) for row in with_customer(events, known, hearing).collect())
    assert owners == [("0", "desk"), ("1", "crm"), ("2", "crm"), ("3", "crm")]
    seen_as = {(one.source, one.email) for one in sightings({"valid/campaign_events": events}, hearing).itertuples()}
    assert ("desk", own["desk"]) in seen_as
    assert len(seen_as) == 3


def test_who_is_looked_up_by_what_several_customers_have_is_told_which(loaded):
    lake, schema = Lake.of(loaded), get("identity/map").arrow_schema()
    mail, own = (identifier_hash("email", "jan@x.nl", loaded, name) for name in ("crm", "desk"))

    def know(**customers):
        rows = [{"identifier": one, "kind": "email", "customer_id": who} for who, one in customers.items()]
        lake.replace(
            "identity/map", pa.Table.from_pylist(rows, schema), lake.transaction("identity", DAY, config=str(rows))
        )

    know(c1=mail, c2=own)
    for look in (lambda: find(loaded, "email", "jan@x.nl"), lambda: resolved(Who("email", "jan@x.nl"), loaded)):
        with pytest.raises((ConfigError, CommandError), match="on rows of 2 customers"):
            look()
    with pytest.raises(ConfigError, match="name one of them, c1 or c2"):
        find(loaded, "email", "jan@x.nl")
    assert find(loaded, "email", "jan@x.nl", "desk") == "c2"
    assert resolved(Who("email", "jan@x.nl", "desk"), loaded).identifiers == {own: "email"}
    know(c2=own)
    assert find(loaded, "email", "jan@x.nl") == "c2"
    assert resolved(Who("email", "jan@x.nl"), loaded).identifiers == {own: "email"}


def test_somebody_who_was_forgotten_does_not_come_back_as_a_stranger(loaded, rows):
    names = {("email", "jan@x.nl"): "theirs", ("contact", "desk:2"): "another"}
    sides = [{"identifier": identifier_hash(*one, loaded), "customer_id": side} for one, side in names.items()]
    told = [{"source": "desk", "contact_id": id_, "email": f"{who}@x.nl"}
            for id_, who in (("1", "jan"), ("2", "jan"), ("3", "ann"))]  # fmt: skip
    found = whose(rows("valid/contacts", *told), rows("identity/map", *sides), "desk", loaded)
    whom = {(row["contact_id"], row["customer_id"]) for row in found.where("customer_id is not null").collect()}
    assert whom == {("1", "theirs"), ("2", "another")}
