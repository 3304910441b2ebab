"""Attributes by which a tool says that it merged contacts make one customer of them. Takes under a second."""

import pytest

from jobs.config.sources.merges import merge_column
from jobs.config.sources.source import Source
from jobs.ingest.drift import Expected


def contacts(columns=None, **attributes):
    given = {"contact_id": "id", "updated_at": "at", **(columns or {})}
    dataset = {"files": "{day}/*.csv", "columns": given, "attributes": attributes}
    return Source.model_validate({"source": "crm", "group": "crm", "datasets": {"contacts": dataset}}).datasets[
        "contacts"
    ]


@pytest.mark.parametrize(
    ("read", "column"),
    [
        ("properties.hs_merged_object_ids", "previous_ids"),
        ("properties.hs_additional_emails", "other_emails"),
        ("MasterRecordId", "merged_into"),
        ("`Merged Into`", "merged_into"),
        ("other_emails", "other_emails"),
        ("merged_at", None),
        ("coalesce(merged_into, '')", None),
        ("is_merged", None),
        ("emails", None),
    ],
)
def test_what_a_vendor_calls_a_merge_is_known_by_its_name(read, column):
    assert merge_column(read) == column


def test_an_attribute_that_tells_of_a_merge_fills_the_column_too():
    found = contacts(merged="hs_merged_object_ids", mails={"from": "other_emails"}, city="city")
    assert {name: found.columns[name].expression for name in ("previous_ids", "other_emails")} == {
        "previous_ids": "hs_merged_object_ids",
        "other_emails": "other_emails",
    }
    assert set(found.attributes) == {"merged", "mails", "city"}
    assert found.merges_of_attributes == {"hs_merged_object_ids": "previous_ids", "other_emails": "other_emails"}


def test_what_is_mapped_stays_as_it_is_written():
    found = contacts({"previous_ids": "''"}, merged="hs_merged_object_ids")
    assert found.columns["previous_ids"].expression == "''"
    assert found.merges_of_attributes == {}


def test_a_file_from_before_the_first_merge_may_lack_such_a_column():
    expected = Expected.of("contacts", contacts(merged="hs_merged_object_ids"))
    assert (sorted(expected.must), "hs_merged_object_ids" in expected.mapped) == (["at", "id"], True)
    mapped = Expected.of("contacts", contacts({"previous_ids": "hs_merged_object_ids"}))
    assert sorted(mapped.must) == ["at", "hs_merged_object_ids", "id"]
