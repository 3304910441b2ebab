"""Audiences kept as lists at Google, against a real server that follows the Data Manager contract."""

import copy
import datetime as dt
import hashlib
from types import SimpleNamespace

import pytest

from jobs.activation import awaiting, plan, push
from jobs.activation.channel import Operation, Outcome, Recipient
from jobs.activation.channels.google_data_manager import identifiers
from jobs.errors import AnswersOutstanding, DeliveryIncomplete
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from tests.activation.small_company import CONFIG, DAY, email, phone, points
from tests.table_rows import table_rows

NEXT = DAY + dt.timedelta(days=1)


def ads_config(options=None, **destination):
    changed = copy.deepcopy(CONFIG["destinations.yaml"])
    changed["destinations"]["ads"] |= destination
    changed["destinations"]["ads"]["options"] |= options or {}
    return {"destinations.yaml": changed}


def hashes_of(*names):
    return {hashlib.sha256(value.encode()).hexdigest() for name in names for value in (email(name), phone(name))}


@pytest.fixture
def shop(company):
    """Five customers who agreed to ads, all members."""

    def build(count=5, **files):
        shop = company("loyal", files=files or None)
        shop.customers(count, purpose="ads", channel="ads")
        return shop

    return build


def test_members_are_added_and_those_who_leave_are_removed(shop, ads):
    loyal = shop()
    assert loyal.push("loyal", "ads")["delivered"] == 5
    assert ads.members() == hashes_of("c0001", "c0002", "c0003", "c0004", "c0005")

    loyal.members("c0001", "c0002", "c0003", day=NEXT)
    counts = loyal.push("loyal", "ads", NEXT)

    assert (counts["kept"], counts["delivered"], counts["removed"], counts["to_remove"]) == (3, 0, 2, 2)
    assert ads.members() == hashes_of("c0001", "c0002", "c0003")


def test_after_the_last_day_of_an_action_its_list_is_emptied_however_many_leave(shop, ads):
    last = {**CONFIG["audiences/loyal.yaml"], "expires": str(DAY)}
    loyal = shop(**{"audiences/loyal.yaml": last})
    loyal.customers(60, "ads", "ads")
    assert loyal.push("loyal", "ads")["delivered"] == 60
    tomorrow = DAY + dt.timedelta(days=1)
    nobody = catalogue.get("audiences/members").arrow_schema().empty_table()
    loyal.lake.replace("audiences/members", nobody, loyal.lake.transaction("audiences", tomorrow), day=tomorrow)
    counts = loyal.push("loyal", "ads", tomorrow)
    assert (counts["removed"], len(ads.members())) == (60, 0)
    assert loyal.push("loyal", "ads", tomorrow) == counts


def test_a_second_push_makes_no_call_and_reports_the_same(shop, ads):
    loyal = shop()
    first = loyal.push("loyal", "ads")
    calls = len(ads.calls())
    assert loyal.push("loyal", "ads") == first
    assert len(ads.calls()) == calls


def test_holdout_is_never_added_and_is_taken_off_when_it_grows(shop, ads):
    loyal = shop()
    loyal.members("c0001", "c0002", holdout=("c0002",))
    counts = loyal.push("loyal", "ads")
    assert (counts["held_out"], counts["delivered"]) == (1, 1)
    assert ads.members() == hashes_of("c0001")

    loyal.members("c0001", "c0002", day=NEXT, holdout=("c0001", "c0002"))
    counts = loyal.push("loyal", "ads", NEXT)
    assert (counts["held_out"], counts["removed"]) == (2, 1)
    assert ads.members() == set()


def test_who_left_and_withdrew_is_taken_off_although_removals_are_paused(shop, ads):
    names = [f"c{number:04d}" for number in range(1, 31)]
    loyal = shop(30)
    loyal.push("loyal", "ads")
    loyal.members("c0001", day=NEXT)
    plan.run(NEXT, loyal.settings)
    loyal.consent(*names, purpose="ads", channel="ads", withdrawn=("c0030",))  # after the plan paused its removal
    with pytest.raises(DeliveryIncomplete, match="28 would leave at once"):
        push.run("loyal", "ads", NEXT, loyal.settings)
    assert ads.members() == hashes_of(*names[:29])
    loyal.consent(*names, purpose="ads", channel="ads", withdrawn=("c0029", "c0030"))
    with pytest.raises(DeliveryIncomplete, match="27 would leave at once"):
        loyal.push("loyal", "ads", NEXT)
    assert ads.members() == hashes_of(*names[:28])


def test_withdrawn_consent_takes_people_off_the_list_even_while_additions_are_paused(shop, ads):
    names = [f"c{number:04d}" for number in range(1, 31)]
    loyal = shop(30)
    loyal.push("loyal", "ads")
    loyal.consent(*names, purpose="ads", channel="ads", withdrawn=("c0001",))
    loyal.members("c0001", "c0002", day=NEXT)

    with pytest.raises(DeliveryIncomplete, match=r"28 would leave at once.*raise max_remove_share"):
        loyal.push("loyal", "ads", NEXT)

    (row,) = loyal.lake.arrow("activation/deliveries", day=NEXT).to_pylist()
    assert (row["paused"], row["missing"]) == (28, 0)
    assert ads.members() == hashes_of(*names[1:])


def test_consent_withdrawn_between_plan_and_push_removes_instead_of_keeping(shop, ads):
    loyal = shop()
    loyal.push("loyal", "ads")
    names = ("c0001", "c0002", "c0003", "c0004", "c0005")
    loyal.members(*names, day=NEXT)
    plan.run(NEXT, loyal.settings)
    loyal.consent(*names, purpose="ads", channel="ads", withdrawn=("c0003",))

    counts = push.run("loyal", "ads", NEXT, loyal.settings)

    assert (counts["kept"], counts["no_consent"], counts["removed"]) == (4, 1, 1)
    assert ads.members() == hashes_of("c0001", "c0002", "c0004", "c0005")


def test_only_members_we_added_are_removed(shop, ads):
    loyal = shop(2)
    stranger = '{"list": "1234567890/900", "call": "ingest", "hashes": ["%s"]}\n' % ("ab" * 32)
    (ads.folder / "members.jsonl").write_text(stranger)
    loyal.push("loyal", "ads")
    loyal.members("c0001", day=NEXT)
    loyal.push("loyal", "ads", NEXT)
    assert ads.members() == hashes_of("c0001") | {"ab" * 32}


def test_an_address_shared_by_two_customers_is_neither_added_nor_removed(shop, ads):
    loyal = shop(2)
    shared = {"kind": "phone", "value": "+31201234567", "preference": 2}
    loyal.replace(
        "profiles/contact_points",
        *points("c0001"), *points("c0002"),
        {**shared, "customer_id": "c0001"}, {**shared, "customer_id": "c0002"},
    )  # fmt: skip
    loyal.push("loyal", "ads")
    assert ads.members() == hashes_of("c0001", "c0002")


def test_an_address_that_may_not_be_used_any_more_is_still_taken_off(shop, ads):
    """It was added when it was one person's alone; since then another has it too, and one was unsubscribed."""
    loyal = shop(3)
    loyal.push("loyal", "ads")
    shared = {"customer_id": "c0003", "kind": "email", "value": email("c0001"), "preference": 2}
    loyal.replace("profiles/contact_points", *points("c0001"), *points("c0002"), *points("c0003"), shared)
    stopped = identifier_hash("email", email("c0002"), loyal.settings)
    loyal.replace("activation/suppressions",
                  {"channel": "ads", "identifier": stopped, "reason": "unsubscribed", "since": DAY})  # fmt: skip
    loyal.members("c0003", day=NEXT)
    loyal.consent("c0001", "c0002", "c0003", purpose="ads", channel="ads", withdrawn=("c0001", "c0002"))
    loyal.push("loyal", "ads", NEXT)
    assert ads.members() == hashes_of("c0003")


NUMBERS = {"c0001": "+31612983047", "c0002": "+31687214390", "c0003": "+31623705918"}
"""Numbers that are in use, so that contact records that tell them are believed."""


def told(*names):
    """The contact points of these customers."""
    values = {"email": email, "phone": NUMBERS.get}
    return [
        {"customer_id": name, "kind": kind, "value": of(name), "preference": 1}
        for name in names
        for kind, of in values.items()
    ]


def told_hashes(*names):
    return {hashlib.sha256(point["value"].encode()).hexdigest() for point in told(*names)}


def contact(name, **other):
    """A version of the contact record of that customer."""
    told = {"email": email(name), "phone": NUMBERS[name], "updated_at": "2017-06-01T08:00"}
    return {"source": "crm", "contact_id": name, **told, **other}


@pytest.fixture
def listed(shop, ads):
    """Customers of whom contacts told the addresses, on the list; nothing is tried twice."""
    loyal, names = shop(3, **ads_config({"tries": 1})), list(NUMBERS)
    ids = {name: identifier_hash("contact", name, loyal.settings, "crm") for name in names}
    loyal.replace("identity/map", *[{"identifier": one, "customer_id": name} for name, one in ids.items()])
    loyal.replace("profiles/contact_points", *told(*names))
    loyal.push("loyal", "ads")
    assert ads.members() == told_hashes(*names)
    return loyal


def test_who_has_no_address_any_more_is_taken_off_by_those_their_contact_had(listed, ads):
    """The first one's contact was deleted; the second one told another address and then left."""
    moved = {"email": "new@mail.example", "phone": None, "updated_at": "2017-06-02T08:00"}
    listed.replace("valid/contacts", contact("c0001", deleted=True), contact("c0002"), contact("c0002", **moved))
    new = {"customer_id": "c0002", "kind": "email", "value": "new@mail.example", "preference": 1}
    listed.replace("profiles/contact_points", new, *told("c0003"))
    listed.members("c0003", day=NEXT)
    listed.push("loyal", "ads", NEXT)
    assert ads.members() == told_hashes("c0003")


def test_an_address_that_somebody_had_and_another_one_has_now_stays_for_that_one(listed, ads):
    listed.replace("valid/contacts", contact("c0001", deleted=True), contact("c0002"), contact("c0003"))
    given = {"customer_id": "c0002", "kind": "phone", "value": NUMBERS["c0001"], "preference": 2}
    listed.replace("profiles/contact_points", *told("c0002", "c0003"), given)
    listed.members("c0002", "c0003", day=NEXT)
    listed.push("loyal", "ads", NEXT)
    assert ads.members() == told_hashes("c0002", "c0003") | {hashlib.sha256(NUMBERS["c0001"].encode()).hexdigest()}


def moves(listed, *names):
    """These told another address today, and stay members."""
    moved = {"email": "new@mail.example", "updated_at": "2017-06-02T08:00"}
    listed.replace("valid/contacts", *map(contact, NUMBERS), *(contact(name, **moved) for name in names))
    points = [point for point in told(*NUMBERS) if point["customer_id"] not in names or point["kind"] == "phone"]
    new = [
        {"customer_id": name, "kind": "email", "value": f"new_{name}@mail.example", "preference": 1} for name in names
    ]
    listed.replace("profiles/contact_points", *points, *new)
    listed.members(*NUMBERS, day=NEXT)
    return {hashlib.sha256(one["value"].encode()).hexdigest() for one in [*points, *new]}


def test_who_stays_under_another_address_is_taken_off_under_the_old_one(listed, ads):
    wanted = moves(listed, "c0002")
    counts = listed.push("loyal", "ads", NEXT)
    assert (counts["kept"], counts["delivered"], counts["removed"]) == (2, 1, 0)
    assert ads.members() == wanted
    calls = len(ads.calls())
    assert listed.push("loyal", "ads", NEXT) == counts
    assert len(ads.calls()) == calls


def test_an_old_address_that_could_not_be_taken_off_is_tried_again_with_the_new_one(listed, ads):
    wanted = moves(listed, "c0001", "c0002")
    ads.fail({"on": "remove", "times": 1, "do": "status", "code": 503})
    with pytest.raises(DeliveryIncomplete):
        listed.push("loyal", "ads", NEXT)
    assert listed.push("loyal", "ads", NEXT)["delivered"] == 2
    assert ads.members() == wanted


def test_a_new_address_is_added_the_next_day(shop, ads):
    loyal = shop(1)
    loyal.push("loyal", "ads")
    more = {"customer_id": "c0001", "kind": "email", "value": "second@mail.example", "preference": 2}
    loyal.replace("profiles/contact_points", *points("c0001"), more)
    loyal.members("c0001", day=NEXT)
    assert loyal.push("loyal", "ads", NEXT)["delivered"] == 1
    assert ads.members() == hashes_of("c0001") | {hashlib.sha256(b"second@mail.example").hexdigest()}


def test_the_customer_that_remains_after_a_merge_carries_the_membership(shop, ads):
    loyal = shop(2)
    loyal.push("loyal", "ads")
    merge = {"event_id": "e1", "day": NEXT, "type": "merged", "customer_id": "c0001", "other_customer_id": "c0002"}
    loyal.replace("identity/events", merge)
    loyal.replace("identity/map", {"identifier": "0002", "customer_id": "c0001"})
    moved = [{**point, "customer_id": "c0001"} for point in points("c0002")]
    loyal.replace("profiles/contact_points", *points("c0001"), *moved)
    loyal.members("c0001", day=NEXT)
    assert loyal.push("loyal", "ads", NEXT)["to_remove"] == 0
    later = NEXT + dt.timedelta(days=1)
    loyal.members(day=later)
    loyal.replace(
        "audiences/members", {"day": later, "audience": "other", "customer_id": "x", "arm": "treatment"}, day=later
    )
    assert loyal.push("loyal", "ads", later)["removed"] == 1
    assert ads.members() == set()


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_busy_server_is_tried_again(shop, ads, code):
    loyal = shop()
    ads.fail({"on": "ingest", "times": 2, "do": "status", "code": code})
    assert loyal.push("loyal", "ads")["delivered"] == 5
    assert [call["status"] for call in ads.calls("ingest")] == [code, code, 200]


def test_retry_after_is_obeyed(shop, ads):
    loyal = shop()
    ads.fail({"on": "ingest", "times": 1, "do": "status", "code": 429, "retry_after": 0.6})
    loyal.push("loyal", "ads")
    first, second = (dt.datetime.fromisoformat(call["at"]) for call in ads.calls("ingest"))
    assert (second - first).total_seconds() >= 0.59


@pytest.mark.parametrize("fault", ["reset", "drop_answer"])
def test_a_lost_connection_is_tried_again_because_adding_twice_is_harmless(shop, ads, fault):
    loyal = shop()
    ads.fail({"on": "ingest", "times": 2, "do": fault})
    assert loyal.push("loyal", "ads")["delivered"] == 5
    assert ads.members() == hashes_of("c0001", "c0002", "c0003", "c0004", "c0005")


def test_a_server_that_stays_busy_fails_the_push_and_the_next_one_completes_it(shop, ads):
    loyal = shop(**ads_config({"tries": 2}))
    ads.fail({"on": "ingest", "times": 2, "do": "status", "code": 503})
    with pytest.raises(DeliveryIncomplete, match=r"5 may or may not have arrived.*503"):
        loyal.push("loyal", "ads")
    assert loyal.push("loyal", "ads")["delivered"] == 5


def test_who_may_be_on_the_list_since_a_server_failed_is_taken_off_when_they_withdraw(shop, ads):
    loyal = shop(2, **ads_config({"tries": 1}))
    ads.fail({"on": "ingest", "times": 1, "do": "status", "code": 503})
    with pytest.raises(DeliveryIncomplete):
        loyal.push("loyal", "ads")
    loyal.consent("c0001", "c0002", purpose="ads", channel="ads", withdrawn=("c0001", "c0002"))
    loyal.members("c0001", "c0002", day=NEXT)
    assert loyal.push("loyal", "ads", NEXT)["to_remove"] == 2


def test_missing_permission_stops_after_one_call(shop, ads):
    loyal = shop(**ads_config(batch_size=1))
    ads.fail({"on": "ingest", "do": "status", "code": 403})
    with pytest.raises(DeliveryIncomplete, match="check credentials"):
        loyal.push("loyal", "ads")
    assert len(ads.calls()) == 1


def test_refused_members_are_found_by_halving_and_only_they_are_refused(shop, ads):
    loyal = shop(9)
    bad = sorted(hashes_of("c0004"))
    ads.fail({"on": "ingest", "do": "refuse", "hashes": bad})
    with pytest.raises(DeliveryIncomplete, match=r"1 of 9 refused.*INVALID_FORMAT"):
        loyal.push("loyal", "ads")
    assert ads.members() == hashes_of(*(f"c{number:04d}" for number in range(1, 10) if number != 4))
    refused = {row["customer_id"] for row in loyal.ledger() if row["state"] == "rejected"}
    assert refused == {"c0004"}


def test_when_refused_members_cannot_be_told_apart_their_number_is_still_reported(shop, ads):
    loyal = shop(8, **ads_config({"isolation_requests": 0}, max_reject_share=0.2))
    ads.fail({"on": "ingest", "times": 1, "do": "refuse", "hashes": sorted(hashes_of("c0004"))})
    counts = loyal.push("loyal", "ads")
    assert (counts["delivered"], counts["refused"], counts["unknown"]) == (7, 1, 0)
    assert {row["reason"] for row in loyal.ledger() if row["state"] == "partial"} == {"1 of 8 refused: INVALID_FORMAT"}
    # Nobody of them counts as certainly there, but all are removed when they leave.
    loyal.members("c0001", day=NEXT)
    assert loyal.push("loyal", "ads", NEXT)["to_remove"] == 7
    assert ads.members() == hashes_of("c0001")


def test_an_outcome_that_takes_too_long_is_fetched_by_the_next_push_without_sending_again(shop, ads):
    impatient = shop(**ads_config({"status_timeout_seconds": 0, "tries": 1}))
    ads.fail({"on": "status", "times": 1, "do": "status", "code": 503})
    with pytest.raises(DeliveryIncomplete, match="5 may or may not have arrived"):
        impatient.push("loyal", "ads")
    assert impatient.states() == {"claimed": 5, "submitted": 5}

    assert impatient.push("loyal", "ads")["delivered"] == 5

    assert len(ads.calls("ingest")) == 1
    assert impatient.states() == {"claimed": 5, "submitted": 5, "accepted": 5}


def test_a_push_that_holds_no_place_is_called_again_until_the_answer_is_there_or_too_late(shop, ads, monkeypatch):
    monkeypatch.setattr(awaiting, "SHORT_SECONDS", 0.0)
    loyal = shop(**ads_config({"status_timeout_seconds": 600, "tries": 1}))
    ads.fail({"on": "status", "times": 2, "do": "status", "code": 503})
    with pytest.raises(AnswersOutstanding, match="5 were taken, their answers are outstanding") as waiting:
        loyal.push("loyal", "ads", hold=False)
    assert waiting.value.again_in == 30

    monkeypatch.setattr(awaiting, "datetime", SimpleNamespace(now=lambda tz: dt.datetime.now(tz) + later))
    later = dt.timedelta(seconds=601)
    with pytest.raises(DeliveryIncomplete, match="5 may or may not have arrived"):
        push.run("loyal", "ads", DAY, loyal.settings, hold=False)

    assert push.run("loyal", "ads", DAY, loyal.settings, hold=False)["delivered"] == 5
    assert len(ads.calls("ingest")) == 1


def test_when_to_look_again_grows_with_the_time_that_has_passed(settings):
    lake = Lake.of(settings(CONFIG))
    known = {"operation_id": "o1", "destination": "ads", "audience": "loyal", "customer_id": "c1", "attempt": 1}
    at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=200)
    told = [{**known, "state": "claimed", "updated_at": at}, {**known, "state": "submitted", "updated_at": at}]
    lake.append("activation/ledger", table_rows("activation/ledger", *told), lake.transaction("t", DAY))
    assert awaiting.again_in(lake, ["o1"], 900) == pytest.approx(100, abs=5)
    assert awaiting.again_in(lake, ["o1"], 190) is None
    assert awaiting.again_in(lake, ["o2"], 900) is None


def test_what_is_sent_again_in_halves_is_waited_for_by_who_sent_it():
    batch = [Operation(name, name, "add", 1, "", Recipient()) for name in ("a", "b")]
    answers = {
        "whole": [[Outcome("a", "submitted", "", "half"), Outcome("b", "rejected")]],
        "half": [None, [Outcome("a", "accepted")]],
    }
    options = SimpleNamespace(status_timeout_seconds=60, status_wait_seconds=0.001)
    look = lambda request, _: answers[request].pop(0)  # noqa: E731
    found = awaiting.awaited(["whole"], {"whole": batch}, look, options, 0)
    assert {one.operation_id: one.state for one in found} == {"a": "accepted", "b": "rejected"}
    silent = awaiting.awaited(["r"], {"r": batch}, lambda *_: None, options, 0)
    assert [(one.state, one.request_id) for one in silent] == [("submitted", "r")] * 2


def test_a_dry_run_asks_the_server_to_validate_and_changes_nothing(shop, ads):
    loyal = shop()
    counts = loyal.push("loyal", "ads", dry_run=True)
    assert (counts["to_add"], counts["problems"]) == (5, [])
    assert [(call["call"], call["members"]) for call in ads.calls()] == [("validate", 5)]
    assert ads.members() == set()
    assert not loyal.lake.exists("activation/ledger")


def test_a_dry_run_reports_what_the_server_would_refuse(shop, ads):
    audience = {**CONFIG["audiences/loyal.yaml"], "send_to": {"ads": {"list_id": "not-a-number"}}}
    loyal = shop(**{"audiences/loyal.yaml": audience})
    assert loyal.push("loyal", "ads", dry_run=True)["problems"] == ["add of 5: 400 INVALID_USER_LIST_ID"]


def test_requests_hold_at_most_the_batch_size(shop, ads):
    loyal = shop(7, **ads_config(batch_size=3))
    loyal.push("loyal", "ads")
    assert [call["members"] for call in ads.calls("ingest")] == [3, 3, 1]


@pytest.mark.parametrize(
    "address",
    ["A.b+Tag@GMAIL.com", "a.b@googlemail.com", " Jan.Jansen+x@Example.COM ", "o'neil@corp.nl", "jan@bücher.de"],
)
def test_e_mail_hashes_equal_those_of_googles_own_formatter(address):
    from google.ads.datamanager_util import Encoding, Formatter

    assert identifiers.email_hash(address) == Formatter().process_email_address(address, Encoding.HEX)


@pytest.mark.parametrize("number", ["+31612983047", "+18005550100"])
def test_phone_hashes_equal_those_of_googles_own_formatter(number):
    from google.ads.datamanager_util import Encoding, Formatter

    assert identifiers.phone_hash(number) == Formatter().process_phone_number(number, Encoding.HEX)


@pytest.mark.parametrize("nothing", ["", " ", "@", "@gmail.com", "+@gmail.com", "a b@x.nl", "a@b@c.nl"])
def test_an_empty_or_impossible_address_has_no_hash(nothing):
    assert identifiers.email_hash(nothing) is None


@pytest.mark.parametrize("nothing", ["", "+", "0612345678", "31612345678", "+0612345678"])
def test_a_phone_number_without_country_has_no_hash(nothing):
    assert identifiers.phone_hash(nothing) is None
