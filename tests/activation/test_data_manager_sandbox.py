"""The Data Manager sandbox refuses what the published contract refuses."""

import base64
import hashlib
import json
import time
import urllib.error
import urllib.request

import pytest

from examples.sandboxes.data_manager import DataManagerSandbox, list_members

HASH = hashlib.sha256(b"a@b.nl").hexdigest()
GRANTED = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}


@pytest.fixture
def server(tmp_path):
    running = DataManagerSandbox(tmp_path, processing_seconds=0.1, per_minute=20).start()
    yield running
    running.stop()


def ask(server, path, body=None):
    """(status, answer) of a call."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/v1/{path}", data)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def member(*identifiers, **more):
    return {"userData": {"userIdentifiers": list(identifiers)}, **more}


def request(*members, **changes):
    account = {"accountType": "GOOGLE_ADS", "accountId": "123"}
    return {
        "destinations": [{"operatingAccount": account, "productDestinationId": "9"}],
        "audienceMembers": list(members) or [member({"emailAddress": HASH})],
        "consent": GRANTED,
        "encoding": "HEX",
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
        **changes,
    }


def final_status(server, request_id):
    for _ in range(10_000):
        status, answer = ask(server, f"requestStatus:retrieve?requestId={request_id}")
        assert status == 200
        found = answer["requestStatusPerDestination"][0]
        if found["requestStatus"] != "PROCESSING":
            return found
        time.sleep(0.02)
    raise AssertionError("still processing")


def test_members_are_added_and_removed_and_the_status_follows_later(server, tmp_path):
    status, answer = ask(server, "audienceMembers:ingest", request())
    assert status == 200
    first = ask(server, f"requestStatus:retrieve?requestId={answer['requestId']}")[1]
    assert first["requestStatusPerDestination"][0]["requestStatus"] == "PROCESSING"
    assert final_status(server, answer["requestId"])["requestStatus"] == "SUCCESS"
    assert list_members(tmp_path) == {"123/9": {HASH}}

    removal = {k: v for k, v in request().items() if k not in ("consent", "termsOfService")}
    assert ask(server, "audienceMembers:remove", removal)[0] == 200
    assert list_members(tmp_path) == {"123/9": set()}


def test_enums_may_be_names_or_numbers_and_hashes_hex_or_base64(server, tmp_path):
    encoded = base64.b64encode(bytes.fromhex(HASH)).decode()
    numbers = request(member({"phoneNumber": encoded}), encoding=2)
    numbers["consent"] = {"adUserData": 1, "adPersonalization": 1}
    assert ask(server, "audienceMembers:ingest", numbers)[0] == 200
    assert list_members(tmp_path) == {"123/9": {HASH}}


EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (request(member({"emailAddress": "a@b.nl"})), "INVALID_SHA256_FORMAT"),
        (request(member({"emailAddress": EMPTY})), "INVALID_SHA256_FORMAT"),
        (request(member()), "REQUIRED_FIELD_MISSING"),
        (request(member(*[{"emailAddress": HASH}] * 11)), "TOO_MANY_USER_IDENTIFIERS"),
        (request(*[member({"emailAddress": HASH})] * 10_001), "TOO_MANY_AUDIENCE_MEMBERS"),
        (request(member({"emailAddress": HASH}), {"userIdData": {"userId": "x"}}), "MULTIPLE_DATA_TYPES_NOT_ALLOWED"),
        (request(audienceMembers=[]), "REQUIRED_FIELD_MISSING"),
        (request(destinations=[]), "REQUIRED_FIELD_MISSING"),
        (request(encoding=0), "REQUIRED_FIELD_MISSING"),
        (request(termsOfService={}), "TERMS_AND_CONDITIONS_NOT_SIGNED"),
        (request(member({"emailAddress": HASH}, destinationReferences=["x"])), "INVALID_DESTINATION"),
        (request(unknownField=1), "INVALID_ARGUMENT"),
        (request(encoding="HEXX"), "INVALID_ARGUMENT"),
    ],
)
def test_a_request_against_the_contract_is_refused_as_a_whole_with_its_reason(server, tmp_path, body, reason):
    status, answer = ask(server, "audienceMembers:ingest", body)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert answer["error"]["details"][0]["reason"] == reason
    assert list_members(tmp_path) == {}


def test_a_refused_member_is_named_by_its_place(server):
    body = request(member({"emailAddress": HASH}), member({"phoneNumber": "nonsense"}))
    details = ask(server, "audienceMembers:ingest", body)[1]["error"]["details"]
    violations = next(d["fieldViolations"] for d in details if d["@type"].endswith("BadRequest"))
    assert violations[0]["field"].startswith("audience_members[1].user_data")


def test_members_without_both_consents_are_refused_while_processing(server, tmp_path):
    denied = {"adUserData": "CONSENT_DENIED", "adPersonalization": "CONSENT_GRANTED"}
    other = hashlib.sha256(b"other").hexdigest()
    body = request(member({"emailAddress": HASH}, consent=denied), member({"emailAddress": other}))
    status = final_status(server, ask(server, "audienceMembers:ingest", body)[1]["requestId"])
    assert status["requestStatus"] == "PARTIAL_SUCCESS"
    assert status["errorInfo"]["errorCounts"] == [
        {"reason": "PROCESSING_ERROR_REASON_DENIED_CONSENT", "recordCount": "1"}
    ]
    assert list_members(tmp_path) == {"123/9": {other}}

    silent = request()
    del silent["consent"]
    status = final_status(server, ask(server, "audienceMembers:ingest", silent)[1]["requestId"])
    assert status["requestStatus"] == "FAILED"


def test_validate_only_changes_nothing_and_has_no_status(server, tmp_path):
    status, answer = ask(server, "audienceMembers:ingest", request(validateOnly=True))
    assert status == 200
    assert list_members(tmp_path) == {}
    status, answer = ask(server, f"requestStatus:retrieve?requestId={answer['requestId']}")
    assert (status, answer["error"]["details"][0]["reason"]) == (400, "INVALID_REQUEST_ID")


def test_the_quota_per_minute_is_kept(server):
    codes = [ask(server, "audienceMembers:ingest", request())[0] for _ in range(21)]
    assert codes == [200] * 20 + [429]
    answer = ask(server, "audienceMembers:ingest", request())[1]["error"]
    assert answer["status"] == "RESOURCE_EXHAUSTED"
    assert answer["details"][0]["metadata"]["quota_limit"] == "IngestionMutateRequestsPerMinutePerProject"


def test_the_lists_survive_a_restart(server, tmp_path):
    ask(server, "audienceMembers:ingest", request())
    again = DataManagerSandbox(tmp_path).start()
    assert list_members(tmp_path) == {"123/9": {HASH}}
    again.stop()
