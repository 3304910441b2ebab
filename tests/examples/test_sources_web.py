"""Segment pages and Snowplow events are loaded by YAML alone. About 10 seconds, with the engine started."""

import shutil
from collections import Counter

import yaml

from jobs.identity import identity
from jobs.journeys import journeys
from tests.examples import source_company
from tests.examples.source_company import DAY, Company, table


def test_a_segment_page_is_a_page_view(tmp_path, monkeypatch):
    company = Company("segment", tmp_path, monkeypatch)
    company.land_all("web_segment_pages")
    counts = company.run()["segment"]
    (given,) = table("web_segment_pages", "example_segment_pages.csv")
    (event,) = company.rows("events")
    assert counts["accepted"] == counts["rows_in"] == 1
    assert (event["event_id"], event["cookie_id"], event["login_id"]) == (
        given["id"],
        given["anonymous_id"],
        given["user_id"],
    )
    assert (event["type"], event["utm_source"], event["device"], event["query"]) == (
        "page_view",
        given["context_campaign_source"],
        "desktop",
        "ferret",
    )
    assert f"{event['occurred_at']:%Y-%m-%d %H:%M:%S}" == given["timestamp"]


def test_snowplow_events_are_loaded_once_however_often_they_were_sent(tmp_path, monkeypatch):
    company = Company("snowplow", tmp_path, monkeypatch)
    company.land_all("web_snowplow_web", "source__snowplow_web_events.csv.gz")
    counts = company.run()["snowplow"]
    given = table("web_snowplow_web", "source__snowplow_web_events.csv.gz")
    ids = {row["event_id"] for row in given}
    assert (len(given), len(ids)) == (160, 157)
    assert counts == {"files": 1, "rows_in": 160, "accepted": 157, "quarantined": 0, "duplicates": 3}
    events = company.rows("events")
    assert Counter(row["event_id"] for row in events) == Counter(ids)
    assert {row["cookie_id"] for row in events} - {None} <= {row["domain_userid"] for row in given}
    assert all("?" not in (row["url"] or "") for row in events)


def test_a_second_load_of_snowplow_events_adds_only_what_is_new(tmp_path, monkeypatch):
    company = Company("snowplow", tmp_path, monkeypatch)
    company.land_all("web_snowplow_mini", "sp_event.csv")
    company.run()
    company.land_all("web_snowplow_mini", "sp_event_update.csv")
    company.run()
    given = table("web_snowplow_mini", "sp_event.csv") + table("web_snowplow_mini", "sp_event_update.csv")
    events = company.rows("events")
    assert {row["event_id"] for row in events} == {row["event_id"] for row in given}
    assert "NULL" not in {value for row in events for value in row.values()}
    people = {row["event_id"]: None if row["user_id"] == "NULL" else row["user_id"] for row in given}
    assert {row["event_id"]: row["login_id"] for row in events} == people


PAGE = "get_json_object(contexts_com_snowplowanalytics_snowplow_web_page_1_0_0, '$[0].id')"
SENT_AFTER = "unix_seconds(to_timestamp(dvce_sent_tstamp)) - unix_seconds(to_timestamp(dvce_created_tstamp))"
AS_THE_VENDOR_COUNTS = {
    "where": f"event in ('page_view', 'page_ping') and {PAGE} is not null and {SENT_AFTER} <= 3 * 86400",
    "columns": {
        "event_id": f"concat_ws(' ', domain_sessionid, {PAGE})",
        "occurred_at": "derived_tstamp",
        "type": "'page_view'",
        "tracker_session_id": "domain_sessionid",
        "cookie_id": "coalesce(min(nullif(domain_userid, '')) over (partition by domain_sessionid), domain_sessionid)",
    },
}
"""A page view is a page of a session, however many pings tell of it; what was sent days later does not count."""


def test_visits_page_views_and_users_are_those_the_vendor_counts(tmp_path, monkeypatch):
    sources = tmp_path / "sources"
    shutil.copytree(source_company.SOURCES / "snowplow", sources / "snowplow")
    monkeypatch.setattr(source_company, "SOURCES", sources)
    changed = {"sources/snowplow.yaml": lambda told: told["datasets"]["events"].update(AS_THE_VENDOR_COUNTS)}
    changed["journey.yaml"] = lambda told: told.update(longest_visit_minutes=4320, after_longest_visit="no_visit")
    for name, change in changed.items():
        path = sources / "snowplow" / name
        told = yaml.safe_load(path.read_text())
        change(told)
        path.write_text(yaml.safe_dump(told))
    company = Company("snowplow", tmp_path, monkeypatch)
    company.land_all("web_snowplow_web", "source__snowplow_web_events.csv.gz")
    counts = company.run()["snowplow"]
    assert counts == {"files": 1, "rows_in": 160, "accepted": 49, "quarantined": 0, "duplicates": 7, "left_out": 104}
    identity.run(DAY, company.settings)
    counts = journeys.run(DAY, company.settings)
    expected = table("web_snowplow_web", "expected__snowplow_web_sessions_expected.csv.gz")
    visits = company.lake.arrow("journeys/sessions").to_pylist()
    assert counts["sessions"] == len(visits) == len(expected) == 18
    assert sorted(row["pages"] for row in visits) == sorted(int(row["page_views"]) for row in expected)
    events = company.rows("events")
    ended = {row["customer_id"]: row["ended_at"] for row in visits}
    assert counts["events_without_visit"] == len(events) - sum(row["pages"] for row in visits) == 3
    users = {row["cookie_id"] for row in events} & {row["domain_userid"] for row in expected}
    assert len(users) == 11
    assert len(ended) == 12, "eleven users, and a visit of nobody known"
