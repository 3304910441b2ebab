"""Records of survey and chat tools are pulled page by page from a real HTTP server, exactly and never half."""

import datetime as dt
import gzip
import json
import logging
import socket
from pathlib import Path

import pytest
import zstandard

from jobs.config.connections import Connection, PoliteWait
from jobs.errors import StepFailed
from jobs.ingest import load
from jobs.ingest.pull import http_api
from jobs.ingest.pull.http_api import base_url
from jobs.lake.lake import Lake
from tests.ingest.api_server import LOGIN, PASSWORD, TOKEN, api_server

DAY = dt.date(2024, 5, 3)
SURVEY = {
    "path": "/v3/surveys/1/responses/bulk",
    "parameters": {"start_modified_at": "{since}", "end_modified_at": "{until}"},
    "records": "data[]",
    "paging": {"type": "next_url", "next": "links.next", "size": 2, "size_parameter": "per_page"},
}
CHAT = {
    "path": "conversations",
    "records": "conversations[]",
    "paging": {
        "type": "cursor",
        "next": "pages.next.starting_after",
        "parameter": "starting_after",
        "size": 2,
        "size_parameter": "per_page",
    },
}
HELPDESK = {
    "path": "/api/v2/incremental/tickets.json",
    "parameters": {"start_time": "{since}"},
    "moment": "seconds",
    "records": "tickets[]",
    "paging": {"type": "next_url", "next": "next_page", "done": "end_of_stream"},
}
PAGES = {"path": "/items", "paging": {"type": "page", "parameter": "page"}}
OFFSET = {"path": "/items", "paging": {"type": "offset", "parameter": "offset"}}
LINKS = {"path": "/items", "paging": {"type": "link_header"}}


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setattr(http_api, "WAIT", PoliteWait(0.001, 0.002))
    with api_server() as script:
        script.records = [f'{{"id": "r{number}"}}' for number in range(5)]
        yield script


@pytest.fixture
def company(settings, api, monkeypatch):
    """A source of one request, and the connection its server wants."""

    def build(request, **connection):
        login = {"password": TOKEN}
        if request["path"] == "/items":
            login["extra"] = {"token_header": "X-API-TOKEN"}
        if request["path"].startswith("/api/v2"):
            login = {"login": LOGIN, "password": PASSWORD}
        values = {"conn_type": "http", "host": api.url, **login, **connection}
        monkeypatch.setenv("AIRFLOW_CONN_TOOL", json.dumps(values))
        columns = {"response_id": "id", "question_id": "q", "answered_at": "at", "kind": "'text'"}
        answers = {"request": request, "columns": columns}
        source = {"source": "tool", "group": "survey", "connection": "tool", "datasets": {"survey_responses": answers}}
        return settings({"sources/crm.yaml": {**source, "source": "crm"}})

    return build


def pulled(settings):
    load.run("crm", DAY, settings)
    return [row["record"] for row in Lake.of(settings).arrow("raw/crm_survey_responses").to_pylist()]


@pytest.mark.parametrize("request_", [SURVEY, CHAT, HELPDESK, PAGES, OFFSET, LINKS])
@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 7])
def test_every_record_of_every_page_is_landed_once(company, api, request_, count):
    api.records = [f'{{"id": "r{number}"}}' for number in range(count)]
    assert sorted(pulled(company(request_))) == api.records


def test_records_are_landed_as_the_server_writes_them(company, api):
    api.records = [
        '{"id": 12345678901234567890123, "n": 1.10, "e": 1E+2,\n "t": "\\u00e9 €", "no": null, "in": [1.0, {}]}',
    ]
    assert pulled(company(SURVEY)) == [api.records[0].replace("\n", " ")]


def test_a_pull_asks_from_the_end_of_the_one_before_less_the_overlap(company, api, monkeypatch):
    settings = company({**HELPDESK, "overlap_minutes": 5})
    load.run("crm", DAY, settings)
    (pull,) = Lake.of(settings).arrow("ops/pulls").to_pylist()
    api.asked.clear()
    load.run("crm", DAY, settings)
    since = int(dt.datetime.fromisoformat(pull["until"]).timestamp()) - 300
    assert api.asked[0] == f"/api/v2/incremental/tickets.json?start_time={since}"


def test_moments_are_sent_as_the_api_wants_them(company, api):
    load.run("crm", DAY, company(SURVEY))
    assert "start_modified_at=1970-01-01T00%3A00%3A00Z" in api.asked[0]
    assert f"end_modified_at={dt.datetime.now(dt.UTC):%Y-}" in api.asked[0]


def test_a_rerun_with_nothing_new_lands_nothing(company, api):
    settings = company(CHAT)
    assert load.run("crm", DAY, settings)["pulled"] == 5
    api.records.reverse()
    assert load.run("crm", DAY, settings)["pulled"] == 0
    api.records.append('{"id": "new"}')
    assert load.run("crm", DAY, settings)["pulled"] == 6
    files = sorted(Path(settings.landing).rglob("*.gz"))
    assert sorted(gzip.decompress(path.read_bytes()).count(b"\n") for path in files) == [5, 6]


@pytest.mark.parametrize("faults", [[429], [500, 503, 429], ["reset"], ["cut"], [None, "cut", 502, None]])
def test_what_passes_is_tried_again(company, api, faults):
    api.faults = list(faults)
    assert sorted(pulled(company(SURVEY))) == api.records
    assert len(api.asked) == 3 + len([fault for fault in faults if fault])


def test_the_server_says_how_long_to_wait(company, api, monkeypatch):
    monkeypatch.setattr(http_api, "WAIT", PoliteWait(0.001, 5))
    api.faults = [(429, "{}", {"Retry-After": "1"})]
    begun = dt.datetime.now()
    pulled(company(SURVEY))
    assert dt.timedelta(seconds=1) <= dt.datetime.now() - begun < dt.timedelta(seconds=3)


def refusal(settings, *hidden):
    with pytest.raises(StepFailed) as error:
        load.run("crm", DAY, settings)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("crm: survey_responses: connection 'tool', ")
    assert not [text for text in (TOKEN, PASSWORD, "jane@x.example", *hidden) if text in message]
    assert not list(Path(settings.landing).rglob("*.gz"))
    assert Lake.of(settings).rows("ops/pulls") == 0
    return message


@pytest.mark.parametrize(
    ("faults", "part"),
    [
        ([500] * 20, "page 1: the server keeps answering 500"),
        ([None, *[429] * 20], "page 2: the server keeps answering 429"),
        ([None, *["cut"] * 20], "page 2: the connection to 127.0.0.1 failed or broke off (RemoteProtocolError)"),
        ([404], "answered 404"),
        ([401], "refuses the login (401); renew"),
        ([(302, "", {"Location": "http://127.0.0.1:1/"})], "sends elsewhere (302)"),
        ([(200, "<html>jane@x.example</html>")], "page 1 is not JSON near character 0"),
        ([None, (200, '{"data": [{"id": "jane@x.example"')], "page 2 is not JSON"),
        ([(200, '{"data": [NaN], "links": {}}')], "page 1 is not JSON"),
        ([(200, '{"data": []} {}')], "page 1 is not JSON"),
        ([(200, "[" * 100_000)], "page 1 is not JSON"),
        (
            [(200, zstandard.compress(b" " * 9_000_000), {"Content-Encoding": "zstd"})] * 20,
            "page 1: the connection to 127.0.0.1 failed or broke off (DecodingError)",
        ),
        ([(200, gzip.compress(b" " * (65 << 20), 1), {"Content-Encoding": "gzip"})], "is larger than 64 MB"),
        ([(200, '{"Data": []}')], "page 1: 'data[]': there is no 'data'"),
        ([(200, '{"data": {"id": 1}}')], "what should be a list is none"),
        ([(200, '{"data": ["jane@x.example"]}')], "a record is no JSON object"),
    ],
)
def test_a_page_that_is_no_page_is_one_clear_message_and_nothing_is_landed(company, api, faults, part):
    api.faults = list(faults)
    assert part in refusal(company(SURVEY))


def test_a_token_that_expires_between_pages_leaves_nothing_landed(company, api):
    api.faults = [None, (401, '{"error": "expired"}')]
    assert "renew the connection's token" in refusal(company(SURVEY))
    assert len(api.asked) == 2


@pytest.mark.parametrize(
    "host", ["http://localhost:1", "https://127.0.0.1", "http://evil.example", "file:///etc", "//evil"]
)
def test_the_next_page_may_not_be_at_another_server(company, api, host):
    api.next_host = host
    assert "not at the server of the connection; it was not called" in refusal(company(SURVEY))
    assert len(api.asked) == 1


def test_the_login_in_an_address_is_not_followed(company, api):
    api.next_host = api.url.replace("://", "://user:pass@")
    assert "holds a login" in refusal(company(SURVEY))


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (CHAT, '{"conversations": [{"id": 1}], "pages": {"next": {"starting_after": "same"}}}'),
        (SURVEY, '{"data": [{"id": 1}], "links": {"next": "/v3/surveys/1/responses/bulk?page=1"}}'),
        (PAGES, '[{"id": 1}]'),
        ({**OFFSET}, '[{"id": 1}]'),
    ],
)
def test_pages_that_go_in_circles_are_refused(company, api, request_, answer):
    api.faults = [(200, answer)] * 50
    assert "one that was read before" in refusal(company(request_))
    assert len(api.asked) <= 3


def test_a_server_that_is_not_there_is_one_clear_message(company, api):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = company(SURVEY, host=f"http://127.0.0.1:{probe.getsockname()[1]}")
        assert "(ConnectError)" in refusal(settings)


def test_a_pull_ends_within_its_time(company, api, monkeypatch):
    clock = iter(range(0, 10_000, 40))
    monkeypatch.setattr(http_api.time, "monotonic", lambda: next(clock))
    assert "not done after 1 minutes" in refusal(company({**SURVEY, "timeout_minutes": 1}))


def test_addresses_and_tokens_are_not_logged(company, api, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    pulled(company(SURVEY))
    assert "start_modified_at" not in caplog.text.replace("httpcore", "")
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("host", "schema", "port", "url"),
    [
        ("api.intercom.io", "", None, "https://api.intercom.io"),
        ("api.intercom.io", "http", None, "http://api.intercom.io"),
        ("http://10.0.0.1", "", 8080, "http://10.0.0.1:8080"),
        ("https://x.example/api/v2", "", None, "https://x.example/api/v2"),
    ],
)
def test_a_connection_is_by_https_unless_it_says_otherwise(host, schema, port, url):
    assert str(base_url(Connection(host=host, schema=schema, port=port), "tool")) == url
