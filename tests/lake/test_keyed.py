"""The key of keyed hashes leaves this process in no plan, and what workers hash is what this process hashes."""

import base64
import hashlib

import pytest
from pyspark.sql import functions as F

from jobs.activation.eligibility import _fingerprint
from jobs.errors import EngineFailed
from jobs.identity.contact_rows import contact_versions
from jobs.identity.customer_of import with_customer
from jobs.identity.identifiers import identifier_of
from jobs.identity.sightings import sightings
from jobs.lake import engine
from jobs.lake.engine import told_plainly
from jobs.lake.keyed import keyed_hash
from jobs.profiles.households import households
from tests.activation.small_company import CONFIG

KEY = "a-long-key-of-a-company-0123456789abcdef"
ANN = {"source": "crm", "contact_id": "1", "email": "ann@mail.example", "phone": "0612345678", "arrived": "2026-03-01"}


@pytest.fixture
def hashed(settings, rows, monkeypatch):
    """What every step hashes under the key, of one contact, one customer and one address."""
    config = settings(CONFIG)
    monkeypatch.setenv("KLANTREIS_HASH_KEY", KEY)

    def compute():
        contacts = rows("valid/contacts", ANN)
        person = {"customer_id": "c1", "street": "Kerkstraat 1", "postcode": "1234 AB", "last_name": "Bos"}
        customers = rows("profiles/customers", {**person, "country": "NL", "city": "Ede"})
        nobody = rows("identity/map").select("identifier", "customer_id")
        points = rows("profiles/contact_points", {"customer_id": "c1", "kind": "email", "value": "ann@mail.example"})
        listed = points.withColumn("emails", F.array("value")).withColumn("phones", F.array())
        return (
            sightings({"valid/contacts": contacts}, config).values.tolist(),
            contact_versions(contacts, config).values.tolist(),
            with_customer(contacts, nobody, config).count(),
            [row["household"] for row in households(customers, config).collect()],
            points.select(identifier_of(F.col("kind"), F.col("value"), config)).collect(),
            listed.select(_fingerprint(config.audiences["loyal"], "ads", config)).collect(),
        )

    return compute


def forms(key):
    """The key as it may stand in bytes: plain, in hex, in UTF-16, and in base64 wherever in a text it begins."""
    data = key.encode()
    inside = [base64.b64encode(b"x" * shift + data)[4 if shift else 0 : -4] for shift in range(3)]
    return [data, data.hex().encode(), data.hex().upper().encode(), key.encode("utf-16-le"), *inside]


def test_no_plan_for_a_server_holds_the_key_in_any_form_and_all_hashes_stay_the_same(hashed, sent, monkeypatch):
    here = hashed()
    assert [form for form in forms(KEY) if any(form in plan for plan in sent)] == [KEY.encode()]
    sent.clear()
    monkeypatch.setattr(engine, "is_remote", lambda: True)
    assert hashed() == here
    assert len(sent) >= 6
    assert [form for form in forms(KEY) if any(form in plan for plan in sent)] == []


@pytest.mark.parametrize("there", ["", "another"])
def test_workers_without_the_key_hash_nothing_and_the_message_says_what_to_set(spark, monkeypatch, there):
    monkeypatch.setattr(engine, "is_remote", lambda: True)
    monkeypatch.setenv("KLANTREIS_HASH_KEY", there)
    with (
        pytest.raises(EngineFailed, match="KLANTREIS_HASH_KEY of their environment is missing") as told,
        told_plainly(),
    ):
        spark.range(1).select(keyed_hash(KEY, F.lit("ann"))).collect()
    assert KEY not in str(told.value)


def test_a_server_hashes_under_a_key_that_only_its_workers_have(on_engine, sent):
    from jobs.lake.engine import get_spark

    frame = get_spark().createDataFrame([("ann",), (None,)], "text string")
    found = [row[0] for row in frame.select(keyed_hash("test-key", F.col("text"))).collect()]
    assert found == [hashlib.sha256(b"test-keyann").hexdigest(), None]
    assert any(b"test-key" in plan for plan in sent) is (on_engine == "embedded")
