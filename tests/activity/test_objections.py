"""Who objects: anybody who ever answered, and whose answer is not a yes that lasts."""

import datetime as dt

import pytest

from jobs.activity import objections
from jobs.config.yaml_files import ConfigError
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

DAY = dt.date(2026, 3, 1)
IDENTITY = {
    "golden_record": {},
    "purposes": {"marketing": {"channels": ["email"]}},
    "objections": {"profiling": "profiling", "restriction": "processing"},
}


def answer(customer, purpose, status, expires=None):
    return {"customer_id": customer, "purpose": purpose, "channel": "any", "status": status, "expires_at": expires}


ANSWERS = [
    answer("no", "profiling", "withdrawn"),
    answer("yes", "profiling", "granted"),
    answer("yes, until the next midnight in Amsterdam", "profiling", "granted", "2026-03-01T23:00:00"),
    answer("yes, until an hour before", "profiling", "granted", "2026-03-01T22:00:00"),
    answer("yes that is over", "profiling", "expired"),
    answer("no letters", "marketing", "withdrawn"),
    answer("restricted", "processing", "withdrawn"),
    answer("restricted and no", "processing", "withdrawn"),
    answer("restricted and no", "profiling", "withdrawn"),
]
OBJECT = {"no": False, "yes, until an hour before": False, "yes that is over": False, "restricted": True,
          "restricted and no": True}  # fmt: skip


def test_any_answer_but_a_yes_that_lasts_is_an_objection_with_and_without_the_engine(settings, rows):
    loaded, consent = settings({"identity.yaml": IDENTITY}), rows("profiles/consent", *ANSWERS)
    found = {row["customer_id"]: row["restricted"] for row in objections.objecting(consent, DAY, loaded).collect()}
    assert found == OBJECT
    assert objections.noes_in(consent.toArrow(), DAY, loaded) == OBJECT.keys()


def test_who_declares_no_objections_reads_nothing_more(settings, lake):
    loaded = settings()
    txn = lake.transaction("train", DAY, reads=["models/features"])
    assert objections.tables(loaded) == []
    assert objections.respecting(txn, DAY, loaded) is txn


@pytest.mark.parametrize(
    ("objected", "words"),
    [
        ({"profiling": "marketing"}, "'marketing' is a purpose people are asked for; give the objection its own"),
        ({"profiling": "no", "restriction": "no"}, "profiling and restriction are one purpose; give each its own"),
        ({"profiling": "Profiling"}, "is compared in lower case; write 'profiling'"),
        ({"profile": "profiling"}, "profile"),
    ],
)
def test_an_objection_that_cannot_be_told_from_a_refusal_is_refused(settings, objected, words):
    with pytest.raises(ConfigError, match=r"identity\.yaml") as told:
        settings({"identity.yaml": IDENTITY | {"objections": objected}})
    assert words in str(told.value)


def test_every_table_with_customers_is_read_without_those_who_object(settings, rows):
    loaded = settings({"identity.yaml": IDENTITY})
    lake = Lake.of(loaded)
    known = [{"identifier": f"i{n}", "kind": "email", "customer_id": one} for n, one in enumerate(["yes", *OBJECT])]
    lake.replace("identity/map", rows("identity/map", *known), lake.transaction("test", DAY, config="map"))
    lake.replace("profiles/consent", rows("profiles/consent", *ANSWERS), lake.transaction("test", DAY, config="said"))
    begun = lake.transaction("train", DAY, reads=["identity/map", "profiles/consent"])
    txn = objections.respecting(begun, DAY, loaded)
    assert [row["customer_id"] for row in txn.read("identity/map").collect()] == ["yes"]
    assert txn.arrow("identity/map", ["identifier"]).to_pylist() == [{"identifier": "i0"}]
    assert (txn.app, txn.version, txn.pins) == (begun.app, begun.version, begun.pins)
    assert txn.arrow("profiles/consent").num_rows == len(ANSWERS)
    assert "customer_id" in catalogue.get("models/features").column_names
