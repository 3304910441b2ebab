"""A withdrawal that cannot be read is one: nobody is reachable by an older yes while it waits in quarantine."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from jobs.identity import identity
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.profiles import customers
from jobs.validate import publish
from jobs.validate.quarantine import Selection
from jobs.validate.replay import replay

pytestmark = pytest.mark.slow(minutes=1.5)

HEADER = "id,person,mail,purpose,channel,answer,at,until\n"
COLUMNS = {
    "consent_id": "id",
    "contact_id": "person",
    "email": "mail",
    "purpose": "purpose",
    "channel": "channel",
    "status": {"from": "answer", "values": {"yes": "granted", "no": "withdrawn"}},
    "changed_at": "at",
    "expires_at": "until",
}
MAIL = {
    "event_id": "id",
    "email": "mail",
    "type": "type",
    "occurred_at": "at",
    "campaign_id": "id",
    "channel": "'email'",
}
TABLES = ("profiles/consent", "profiles/consent_history", "profiles/channels")
EMAIL = ("ann", "marketing", "email")
GRANTED = f"{HEADER}1,ann,,marketing,email,yes,2024-05-01,\n2,bob,,marketing,email,yes,2024-05-01,\n"


@pytest.fixture
def company(settings, tmp_path):
    """Settings of a company; Ann and Bob said yes on 1 May. `company(status={...})` maps the answers otherwise."""

    def build(**columns):
        source = {
            "source": "crm",
            "group": "crm",
            "datasets": {
                "contacts": {
                    "files": "{day}/contacts*.csv",
                    "columns": {"contact_id": "id", "updated_at": "at", "email": "mail"},
                },
                "consents": {"files": "{day}/consents*.csv", "columns": COLUMNS | columns},
                "campaign_events": {"files": "{day}/mail*.csv", "columns": MAIL},
            },
        }
        purposes = {"marketing": {"channels": ["email", "mail"]}, "surveys": {"channels": ["email"]}}
        return settings({"sources/crm.yaml": source, "identity.yaml": {"golden_record": {}, "purposes": purposes}})

    land = tmp_path / "var" / "landing" / "crm" / "2024-05-01"
    land.mkdir(parents=True)
    (land / "contacts.csv").write_text("id,at,mail\nann,2024-05-01,ann@x.nl\nbob,2024-05-01,bob@x.nl\n")
    (land / "consents.csv").write_text(GRANTED)
    return build


@pytest.fixture
def arrives(tmp_path):
    """`arrives("2024-05-02", "3,ann,...")`: lines of a file of consents that lands on that day."""

    def write(day, *lines):
        folder = tmp_path / "var" / "landing" / "crm" / day
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "consents.csv").write_text(HEADER + "".join(f"{line}\n" for line in lines))

    return write


def live(settings, *days):
    for day in map(dt.date.fromisoformat, days):
        for step in (load, publish):
            step.run("crm", day, settings)
        profiles(settings, day.isoformat())


def profiles(settings, day):
    for step in (identity, customers):
        step.run(dt.date.fromisoformat(day), settings)


def standing(settings):
    """Status by person, purpose and channel."""
    lake = Lake.of(settings)
    people = {row["customer_id"]: row["records"][0][4:] for row in lake.arrow("profiles/customers").to_pylist()}
    rows = lake.arrow("profiles/consent").to_pylist()
    return {(people[row["customer_id"]], row["purpose"], row["channel"]): row["status"] for row in rows}


def proof(settings, table="profiles/consent"):
    rows = [row for row in Lake.of(settings).arrow(table).to_pylist() if row["status"] == "withdrawn"]
    return [(row["source"], row["proof"], row["changed_at"].date()) for row in rows]


def test_an_answer_nobody_has_mapped_withholds_the_yes_with_the_quarantined_row_as_proof(company, arrives):
    found = company()
    arrives("2024-05-02", "3,ann,,marketing,email,no thanks,2024-04-01,")
    live(found, "2024-05-02")
    assert standing(found) == {EMAIL: "withdrawn", ("bob", "marketing", "email"): "granted"}
    assert proof(found) == [("crm", "quarantine crm/2024-05-02/consents.csv:2", dt.date(2024, 5, 1))]
    history = Lake.of(found).arrow("profiles/consent_history").to_pylist()
    days = {(row["status"], str(row["valid_from"]), str(row["valid_to"])) for row in history if row["proof"]}
    assert days == {("withdrawn", "2024-05-02", "None")}
    reached = Lake.of(found).arrow("profiles/channels").to_pylist()
    assert {(row["channel"], tuple(row["purposes"])) for row in reached} == {("email", ()), ("email", ("marketing",))}


@pytest.mark.usefixtures("going_on")
def test_it_is_the_same_whether_days_come_one_by_one_or_at_once(company, arrives):
    found = company()
    lake = Lake.of(found)
    arrives("2024-05-02", "3,ann,,marketing,email,no thanks,2024-05-02,")
    arrives("2024-05-03", "4,ann,,marketing,email,yes,2024-05-03,", "5,bob,,marketing,email,never,2024-05-03,")
    live(found, "2024-05-01", "2024-05-02", "2024-05-03")
    day_by_day = {name: lake.content_hash(name) for name in TABLES}
    shutil.rmtree(Path(found.lake))
    live(found, "2024-05-03")
    assert {name: lake.content_hash(name) for name in TABLES} == day_by_day


@pytest.mark.parametrize("days", [["2024-05-02"], ["2024-05-02", "2024-05-03"]])
def test_an_unsubscribe_with_the_id_of_another_event_is_one(company, tmp_path, days):
    """Tools give one id to all that happens to one message."""
    found = company()
    told = ["m1,ann@x.nl,open,2024-05-02", "m1,ann@x.nl,unsubscribe,2024-05-02"]
    for number, line in enumerate(told):
        folder = tmp_path / "var" / "landing" / "crm" / days[number % len(days)]
        folder.mkdir(exist_ok=True)
        (folder / f"mail{number}.csv").write_text(f"id,mail,type,at\n{line}\n")
    live(found, *days)
    answers = standing(found)
    assert (answers[EMAIL], answers["bob", "marketing", "email"]) == ("withdrawn", "granted")


def test_what_had_not_arrived_on_a_day_withholds_nothing_on_it(company, arrives):
    found = company()
    arrives("2024-05-02", "3,ann,,marketing,email,no thanks,2024-05-01,")
    live(found, "2024-05-01")
    assert standing(found)[EMAIL] == "granted"


@pytest.mark.parametrize(
    ("line", "withheld"),
    [
        ("marketing,mail,?", {("marketing", "mail")}),
        ("newsletter,email,no", {("marketing", "email"), ("surveys", "email")}),
        ("surveys,pigeon,no", {("surveys", "email"), ("surveys", "mail")}),
        (",,no", {(purpose, channel) for purpose in ("marketing", "surveys") for channel in ("email", "mail")}),
    ],
)
def test_a_purpose_or_channel_that_cannot_be_read_means_all_of_them(company, arrives, line, withheld):
    found = company()
    arrives("2024-05-02", f"3,ann,,{line},2024-05-02,")
    live(found, "2024-05-02")
    told = {key for key, status in standing(found).items() if status == "withdrawn"}
    assert told == {("ann", *one) for one in withheld}


def test_a_yes_given_later_does_not_lift_it(company, arrives):
    found = company()
    arrives("2024-05-02", "3,ann,,marketing,email,no thanks,2024-05-02,")
    arrives("2024-05-03", "4,ann,,marketing,email,yes,2024-05-03,")
    live(found, "2024-05-01", "2024-05-03")
    assert standing(found)[EMAIL] == "withdrawn"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("ann,no address,marketing,email,yes,2024-05-02,", "granted"),
        ("ann,no address,marketing,email,yes,2024-05-02,2024-05-02", "withdrawn"),
        ("ann,,marketing,email,yes,2024-05-02,soon", "withdrawn"),
    ],
)
def test_a_plain_yes_takes_nothing_away_unless_it_ends(company, arrives, line, status):
    found = company()
    arrives("2024-05-02", f"3,{line}")
    live(found, "2024-05-02")
    assert standing(found)[EMAIL] == status


@pytest.mark.parametrize(("meaning", "status"), [("withdrawn", "withdrawn"), ("granted", "granted")])
def test_a_replay_confirms_or_lifts_it(company, arrives, meaning, status):
    found = company()
    arrives("2024-05-02", "3,ann,,marketing,email,of course,2024-05-02,")
    live(found, "2024-05-02")
    assert standing(found)[EMAIL] == "withdrawn"
    mended = company(status={"from": "answer", "values": {"yes": "granted", "of course": meaning}})
    assert replay.run(Selection(), mended, "ann").counts()["accepted"] == 1
    profiles(mended, "2024-05-02")
    assert standing(mended)[EMAIL] == status
    assert not any(row["proof"] for row in Lake.of(mended).arrow("profiles/consent_history").to_pylist())


def test_a_row_that_was_dropped_withholds_nothing(company, arrives):
    found = company()
    arrives("2024-05-02", "3,ann,,marketing,email,test,2024-05-02,")
    live(found, "2024-05-02")
    replay.drop(Selection(), "a test of the till", "ann", found)
    profiles(found, "2024-05-02")
    assert standing(found)[EMAIL] == "granted"


def test_a_row_at_which_an_expression_stops_withholds_what_can_be_read_of_it(company, arrives):
    found = company(consent_id="case when id > 0 then id end")
    arrives("2024-05-02", "three,ann,,marketing,email,no,2024-05-02,", "4,bob,,surveys,email,no,2024-05-02,")
    live(found, "2024-05-02")
    assert standing(found)[EMAIL] == "withdrawn"
    assert standing(found)["bob", "marketing", "email"] == "granted"


def test_an_answer_of_a_placeholder_is_refused_and_makes_no_customer(company, arrives):
    found = company()
    arrives(
        "2024-05-02", "3,undefined,,marketing,email,yes,2024-05-02,", "4,,none@none.com,marketing,email,yes,2024-05-02,"
    )
    live(found, "2024-05-02")
    lake = Lake.of(found)
    assert set(lake.arrow("quarantine/rows")["rule"].to_pylist()) == {"contact_id:not_null"}
    assert lake.rows("valid/consents") == lake.rows("profiles/customers") == 2


def test_a_row_about_nobody_is_told_and_withholds_nothing(company, arrives, caplog):
    found = company()
    arrives("2024-05-02", ",,,marketing,email,no thanks,2024-05-02,", "a,line,that,is,no,record,at,all,really")
    live(found, "2024-05-02")
    assert set(standing(found).values()) == {"granted"}
    assert "2 rows wait in quarantine of which nobody can tell whom they are about" in caplog.text


@pytest.fixture
def mailer(settings, tmp_path):
    """`mailer("e1,c1,email,Opened,2024-05-01,ann@x.nl", ...)`: status of Ann, who said yes, after these events."""

    def tell(*lines):
        folder = tmp_path / "var" / "landing" / "mailer" / "2024-05-02"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "events.csv").write_text(
            "id,campaign,channel,metric,at,mail\n" + "".join(f"{one}\n" for one in lines)
        )
        crm = {
            "contacts": {
                "files": "{day}/contacts*.csv",
                "columns": {"contact_id": "id", "updated_at": "at", "email": "mail"},
            },
            "consents": {"files": "{day}/consents*.csv", "columns": COLUMNS},
        }
        columns = {"event_id": "id", "campaign_id": "campaign", "channel": "channel", "type": "metric"}
        events = {"files": "{day}/events*.csv", "columns": {**columns, "occurred_at": "at", "email": "mail"}}
        found = settings(
            {
                "sources/crm.yaml": {"source": "crm", "group": "crm", "datasets": crm},
                "sources/mailer.yaml": {"source": "mailer", "group": "crm", "datasets": {"campaign_events": events}},
                "identity.yaml": {"golden_record": {}, "purposes": {"marketing": {"channels": ["email", "sms"]}}},
            }
        )
        for source, day in (("crm", "2024-05-01"), ("mailer", "2024-05-02")):
            for step in (load, publish):
                step.run(source, dt.date.fromisoformat(day), found)
        profiles(found, "2024-05-02")
        return {who: status for (who, _, channel), status in standing(found).items() if channel == "email"}

    return tell


def test_what_a_campaign_tool_tells_and_nobody_can_read_withholds_the_yes_of_whom_it_may_be_about(company, mailer):
    company()
    unread = ("e1,c1,email,List exit,2024-05-01,ann@x.nl", "e2,,,unsubscribe,some day,Bob <bob@x.nl>")
    assert mailer(*unread) == {"ann": "withdrawn", "bob": "withdrawn"}


def test_what_is_plainly_something_else_withholds_nothing_while_it_waits(company, mailer):
    company()
    waiting = ("e1,c1,email,Received Email,2024-05-01,ann@x.nl", "e2,c1,email,click,some day,ann@x.nl")
    assert mailer(*waiting) == {"ann": "granted", "bob": "granted"}
