"""Identity finds who is who in the demo company, scored against the truth its simulator wrote."""

import datetime as dt

import pandas as pd
import pytest

from tests.examples.retail_company import CONFIG, make

pytestmark = pytest.mark.slow
LAST = dt.date(2017, 12, 31)
SOURCES = ("crm", "shop", "campaigns", "web")


@pytest.fixture(scope="module")
def resolved(tmp_path_factory):
    """(contact records, cookies): each with the person it truly is (person_id) and the customer it became."""
    from jobs.config.settings import load_settings
    from jobs.identity import identity
    from jobs.identity.identifiers import identifier_hash
    from jobs.ingest import load
    from jobs.lake.lake import Lake
    from jobs.validate import step

    retail = make(tmp_path_factory.mktemp("retail"), size=0.4, days=(dt.date(2017, 11, 1), LAST))
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLANTREIS_HOME", str(home))
        patch.setenv("KLANTREIS_LAKE", str(home / "lake"))
        patch.setenv("KLANTREIS_LANDING", str(retail.landing))
        patch.setenv("KLANTREIS_HASH_KEY", "test-key")
        settings = load_settings(CONFIG.parent)
        for source in SOURCES:
            load.run(source, LAST, settings)
            step.run(source, LAST, settings)
        identity.run(LAST, settings)
        known = Lake.of(settings).arrow("identity/map").to_pandas().set_index("identifier").customer_id
        contacts = retail.truth("records").query("dataset == 'contacts'")
        records = contacts.source + ":" + contacts.record_id
        found = [identifier_hash("contact", record, settings) for record in records]
        cookies = retail.truth("cookies")
        browsers = [identifier_hash("cookie", cookie, settings) for cookie in cookies.cookie]
        return (
            contacts.assign(customer_id=known.reindex(found).to_numpy()),
            cookies.assign(customer_id=known.reindex(browsers).to_numpy()),
        )


def pairs(groups: pd.core.groupby.GroupBy) -> int:
    """In how many pairs the rows of each group can be taken."""
    size = groups.size()
    return int((size * (size - 1) // 2).sum())


def test_every_contact_record_became_part_of_a_customer(resolved):
    contacts, _ = resolved
    assert len(contacts) > 1000
    assert contacts.customer_id.notna().all()


def test_records_that_were_joined_are_one_person(resolved):
    contacts, _ = resolved
    right = pairs(contacts.groupby(["customer_id", "person_id"]))
    assert right / pairs(contacts.groupby("customer_id")) >= 0.995


def test_most_records_of_one_person_were_joined(resolved):
    contacts, _ = resolved
    right = pairs(contacts.groupby(["customer_id", "person_id"]))
    assert right / pairs(contacts.groupby("person_id")) >= 0.95


def test_browsers_that_were_joined_to_a_person_are_that_person_s(resolved):
    contacts, cookies = resolved
    persons = contacts.groupby("customer_id").person_id.agg(lambda ids: ids.mode()[0])
    guessed = cookies.assign(guess=cookies.customer_id.map(persons)).dropna(subset="guess")
    assert len(guessed) > 500
    assert (guessed.guess == guessed.person_id).mean() >= 0.99
