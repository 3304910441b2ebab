"""Segment pages and Snowplow events are loaded by YAML alone. About 30 seconds, with the engine started."""

import shutil
from collections import Counter

import yaml

from jobs.identity import identity
from jobs.identity.identifiers import identifier_hash
from jobs.journeys import journeys
from jobs.profiles import customers
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


def changed(tmp_path, monkeypatch, changes):
    """A company with the Snowplow configuration, of which files are others."""
    sources = tmp_path / "sources"
    shutil.copytree(source_company.SOURCES / "snowplow", sources / "snowplow")
    monkeypatch.setattr(source_company, "SOURCES", sources)
    for name, change in changes.items():
        path = sources / "snowplow" / name
        told = yaml.safe_load(path.read_text()) if path.exists() else {}
        change(told)
        path.write_text(yaml.safe_dump(told))
    return Company("snowplow", tmp_path, monkeypatch)


def test_visits_page_views_and_users_are_those_the_vendor_counts(tmp_path, monkeypatch):
    changes = {"sources/snowplow.yaml": lambda told: told["datasets"]["events"].update(AS_THE_VENDOR_COUNTS)}
    changes["journey.yaml"] = lambda told: told.update(longest_visit_minutes=4320, after_longest_visit="no_visit")
    company = changed(tmp_path, monkeypatch, changes)
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
    pages = {row["event_id"].split(" ")[-1] for row in events if _in_a_visit(row, visits, company)}
    views = table("web_snowplow_web", "expected__snowplow_web_page_views_expected.csv.gz")
    assert pages == {row["page_view_id"] for row in views}, "a page on several visits is one view"
    assert len(pages) == len(views) == 43
    users = {row["cookie_id"] for row in events} & {row["domain_userid"] for row in expected}
    assert len(users) == 11
    assert len(ended) == 12, "eleven users, and a visit of nobody known"


def _in_a_visit(event, visits, company):
    own = identifier_hash("cookie", event["cookie_id"], company.settings, "snowplow")
    known = {row["identifier"]: row["customer_id"] for row in company.lake.arrow("identity/map").to_pylist()}
    return any(
        visit["customer_id"] == known[own] and visit["started_at"] <= event["occurred_at"] <= visit["ended_at"]
        for visit in visits
    )


def test_a_second_load_makes_the_visits_and_page_views_the_vendor_counts(tmp_path, monkeypatch):
    def expected(name, *keys):
        return sorted(tuple(row[key] for key in keys) for row in table("web_snowplow_mini", name))

    tracked = {"tracker_session_id": "domain_sessionid"}
    changes = {"sources/snowplow.yaml": lambda told: told["datasets"]["events"]["columns"].update(tracked)}
    company = changed(tmp_path, monkeypatch, changes)
    names = {"sp_event.csv": "sp_web_page.csv", "sp_event_update.csv": "sp_web_page_update.csv"}
    for events, pages in names.items():
        company.land_all("web_snowplow_mini", events)
        company.run()
        identity.run(DAY, company.settings)
        counts = journeys.run(DAY, company.settings)
        of_event = {row["root_id"]: row["id"] for row in table("web_snowplow_mini", pages)}
        assert set(of_event) <= {row["event_id"] for row in company.rows("events")}
    visits = company.lake.arrow("journeys/sessions").to_pylist()
    wanted = expected("snowplow_sessions_expected.csv", "session_id", "marketing_campaign")
    assert counts["sessions"] == len(visits) == len(wanted) == 5
    wanted_pages = Counter(
        session for session, _ in expected("snowplow_page_views_expected.csv", "session_id", "page_view_id")
    )
    assert sorted(row["pages"] for row in visits) == sorted(wanted_pages.values())
    assert sum(row["pages"] for row in visits) == sum(wanted_pages.values()) == 7
    people = {row["user_snowplow_domain_id"] for row in table("web_snowplow_mini", "snowplow_sessions_expected.csv")}
    assert len({row["customer_id"] for row in visits}) == len(people) == 4


SCOPES = ("necessary", "preferences", "statistics", "marketing")


def answers(scope):
    """A source that says of each answer to the banner whether it allows this purpose."""
    listed = f"consent_scopes like '%\"{scope}\"%'"
    columns = {
        "consent_id": "root_id", "purpose": f"'{scope}'", "channel": "'web'", "changed_at": "root_tstamp",
        "status": f"if({listed}, 'granted', 'withdrawn')", "cookie_id": "event.domain_userid",
    }  # fmt: skip
    event = {"files": "{day}/*web_events.csv*", "on": {"event_id": "root_id"}}
    consents = {"files": "{day}/*consent_preferences.csv*", "lookups": {"event": event}, "columns": columns}
    consents["attributes"] = {"version": "consent_version"}
    return {"source": f"banner_{scope}", "group": "web", "timezone": "UTC", "datasets": {"consents": consents}}


def test_who_allowed_what_is_what_the_vendor_says(tmp_path, monkeypatch):
    changes = {
        f"sources/banner_{scope}.yaml": lambda told, scope=scope: told.update(answers(scope)) for scope in SCOPES
    }
    changes["sources/snowplow.yaml"] = lambda told: told["datasets"]["events"]["columns"].pop("login_id")
    purposes = {"marketing": {"channels": ["email", "web"]}, **{one: {"channels": ["web"]} for one in SCOPES[:3]}}
    changes["identity.yaml"] = lambda told: told.update(purposes=purposes)
    company = changed(tmp_path, monkeypatch, changes)
    for file in ("source__snowplow_web_events.csv.gz", "source__snowplow_web_consent_preferences.csv.gz"):
        company.land_all("web_snowplow_web", file)
    for scope in SCOPES:
        shutil.copytree(company.landing, company.landing.parent / f"banner_{scope}")
    (company.landing / str(DAY) / file).unlink()  # no answer is an event
    company.run()
    log = table("web_snowplow_web", "expected__snowplow_web_consent_log_expected.csv.gz")
    given = {row["event_id"] for row in log if row["event_name"] == "consent_preferences"}
    for scope in SCOPES:
        told = {row["consent_id"] for row in company.rows("consents") if row["purpose"] == scope}
        assert told == given, "an answer that was sent twice is one"
    assert len(given) == 32
    identity.run(DAY, company.settings)
    customers.run(DAY, company.settings)
    allowed = {}
    for row in company.lake.arrow("profiles/consent").to_pylist():
        if row["status"] == "granted":
            allowed.setdefault(row["customer_id"], set()).add(row["purpose"])
    known = {row["identifier"]: row["customer_id"] for row in company.lake.arrow("identity/map").to_pylist()}

    def allows(cookie):
        return allowed.get(known[identifier_hash("cookie", cookie, company.settings, "snowplow")], set())

    users = table("web_snowplow_web", "expected__snowplow_web_consent_users_expected.csv.gz")
    answered = [row for row in users if row["last_consent_event_type"]]
    assert (len(users), len(answered)) == (26, 25), "one saw the banner and did not answer"
    assert {row["domain_userid"]: allows(row["domain_userid"]) for row in answered} == {
        row["domain_userid"]: set(row["last_consent_scopes"].split(", ")) for row in answered
    }
    newest = [row["domain_userid"] for row in answered if row["is_latest_version"] == "true"]
    counted = Counter(scope for cookie in newest for scope in allows(cookie))
    expected = table("web_snowplow_web", "expected__snowplow_web_consent_scope_status_expected.csv.gz")
    assert counted == {row["scope"]: int(row["total_consent"]) for row in expected}
