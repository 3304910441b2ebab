"""Segment pages and Snowplow events are loaded by YAML alone."""

from collections import Counter

from tests.examples.source_company import Company, table


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
