"""A withdrawal that cannot be read is one: nobody is reachable by an older yes while it waits in quarantine."""

import datetime as dt
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.identity import identity
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.profiles import customers
from jobs.validate import step
from jobs.validate.quarantine import Selection
from jobs.validate.replay import replay
from tests.company import loaded

pytestmark = pytest.mark.slow

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
EMAIL = ("marketing", "email")
CONTACTS = {
    "files": "{day}/contacts*.csv",
    "columns": {"contact_id": "id", "updated_at": "at", "email": "mail"},
}


@contextmanager
def company(home, *people, **columns):
    """Settings of a company whose people all said yes on 1 May; `status={...}` maps answers otherwise."""
    crm = {
        "contacts": CONTACTS,
        "consents": {"files": "{day}/consents*.csv", "columns": COLUMNS | columns},
        "campaign_events": {"files": "{day}/mail*.csv", "columns": MAIL},
    }
    purposes = {"marketing": {"channels": ["email", "mail"]}, "surveys": {"channels": ["email"]}}
    files = {
        "sources/crm.yaml": {"source": "crm", "group": "crm", "datasets": crm},
        "identity.yaml": {"golden_record": {}, "purposes": purposes},
    }
    with loaded(home / "config", files) as settings:
        said_yes(settings, people or ("ann", "bob"))
        yield settings


def said_yes(settings, people):
    lands(settings, "2024-05-01", "contacts.csv", "id,at,mail", *(f"{one},2024-05-01,{one}@x.nl" for one in people))
    arrives(
        settings,
        "2024-05-01",
        *(f"{n},{one},,marketing,email,yes,2024-05-01," for n, one in enumerate(people, start=1)),
    )


def lands(settings, day, name, *lines, source="crm"):
    folder = Path(settings.landing) / source / day
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(f"{line}\n" for line in lines))


def arrives(settings, day, *lines):
    """A file of consents with these lines lands on that day."""
    lands(settings, day, "consents.csv", HEADER.strip(), *lines)


def live(settings, *days):
    for day in map(dt.date.fromisoformat, days):
        for job in (load, step):
            job.run("crm", day, settings)
        profiles(settings, day.isoformat())


def profiles(settings, day):
    for job in (identity, customers):
        job.run(dt.date.fromisoformat(day), settings)


def people_of(settings):
    """Who a customer is."""
    rows = Lake.of(settings).arrow("profiles/customers").to_pylist()
    return {row["customer_id"]: row["records"][0][4:] for row in rows}


def standing(settings):
    """Status by person, purpose and channel."""
    people, rows = people_of(settings), Lake.of(settings).arrow("profiles/consent").to_pylist()
    return {(people[row["customer_id"]], row["purpose"], row["channel"]): row["status"] for row in rows}


def of(settings, person, table):
    """What a table says of a person."""
    people, rows = people_of(settings), Lake.of(settings).arrow(table).to_pylist()
    return [row for row in rows if people[row["customer_id"]] == person]


UNREAD = {
    "ann": ",marketing,email,no thanks,2024-04-01,",
    "cat": ",marketing,mail,?,2024-05-02,",
    "dan": ",newsletter,email,no,2024-05-02,",
    "eve": ",surveys,pigeon,no,2024-05-02,",
    "fay": ",,,no,2024-05-02,",
    "gus": "no address,marketing,email,yes,2024-05-02,",
    "hal": "no address,marketing,email,yes,2024-05-02,2024-05-02",
    "ivy": ",marketing,email,yes,2024-05-02,soon",
    "undefined": ",marketing,email,yes,2024-05-02,",
    "": "none@none.com,marketing,email,yes,2024-05-02,",
}
"""What nobody can read of people who had said yes, line 2 and on of a file of 2 May, and of two who are nobody."""
PEOPLE = ("bob", *list(UNREAD)[:-2])


@pytest.fixture(scope="module")
def unread(tmp_path_factory):
    """The company after 2 May."""
    with company(tmp_path_factory.mktemp("unread"), *PEOPLE) as found:
        arrives(found, "2024-05-02", *(f"{n},{who},{told}" for n, (who, told) in enumerate(UNREAD.items(), start=100)))
        live(found, "2024-05-02")
        yield found


def test_an_answer_nobody_has_mapped_withholds_the_yes_with_the_quarantined_row_as_proof(unread):
    answers = {key: status for key, status in standing(unread).items() if key[0] in ("ann", "bob")}
    assert answers == {("ann", *EMAIL): "withdrawn", ("bob", *EMAIL): "granted"}
    (withheld,) = of(unread, "ann", "profiles/consent")
    proof = (withheld["source"], withheld["proof"], withheld["changed_at"].date())
    assert proof == ("crm", "quarantine crm/2024-05-02/consents.csv:2", dt.date(2024, 5, 1))
    history = of(unread, "ann", "profiles/consent_history")
    days = {(row["status"], str(row["valid_from"]), str(row["valid_to"])) for row in history if row["proof"]}
    assert days == {("withdrawn", "2024-05-02", "None")}
    for who, purposes in (("ann", []), ("bob", ["marketing"])):
        (reached,) = of(unread, who, "profiles/channels")
        assert (reached["channel"], reached["purposes"]) == ("email", purposes)


@pytest.mark.parametrize(
    ("person", "withheld"),
    [
        ("cat", {("marketing", "mail")}),
        ("dan", {("marketing", "email"), ("surveys", "email")}),
        ("eve", {("surveys", "email"), ("surveys", "mail")}),
        ("fay", {(purpose, channel) for purpose in ("marketing", "surveys") for channel in ("email", "mail")}),
    ],
)
def test_a_purpose_or_channel_that_cannot_be_read_means_all_of_them(unread, person, withheld):
    told = {key[1:] for key, status in standing(unread).items() if key[0] == person and status == "withdrawn"}
    assert told == withheld


@pytest.mark.parametrize(("person", "status"), [("gus", "granted"), ("hal", "withdrawn"), ("ivy", "withdrawn")])
def test_a_plain_yes_takes_nothing_away_unless_it_ends(unread, person, status):
    assert standing(unread)[person, *EMAIL] == status


def test_an_answer_of_a_placeholder_is_refused_and_makes_no_customer(unread):
    lake = Lake.of(unread)
    rules = {row["line"]: row["rule"] for row in lake.arrow("quarantine/rows").to_pylist()}
    assert len(rules) == len(UNREAD)
    assert rules[10] == rules[11] == "contact_id:not_null"
    assert lake.rows("valid/consents") == lake.rows("profiles/customers") == len(PEOPLE)


@pytest.fixture(scope="module")
def by_day(tmp_path_factory):
    """Answers of each day, and the tables of days one by one and of all at once, of which some cannot be read."""
    with company(tmp_path_factory.mktemp("days"), "ann", "bob", "cat") as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobs.identity.fresh.FEW", 0)  # as in going_on
        said = ["90,ann,,marketing,email,no thanks,2024-05-02,", "91,cat,,marketing,email,no thanks,2024-05-01,"]
        arrives(found, "2024-05-02", *said)
        said = ["92,ann,,marketing,email,yes,2024-05-03,", "93,bob,,marketing,email,never,2024-05-03,"]
        arrives(found, "2024-05-03", *said)
        lake, answers = Lake.of(found), {}
        for day in ("2024-05-01", "2024-05-02", "2024-05-03"):
            live(found, day)
            answers[day] = standing(found)
        one_by_one = {name: lake.content_hash(name) for name in TABLES}
        shutil.rmtree(Path(found.lake))
        live(found, "2024-05-03")
        yield answers, one_by_one, {name: lake.content_hash(name) for name in TABLES}


def test_it_is_the_same_whether_days_come_one_by_one_or_at_once(by_day):
    answers, one_by_one, at_once = by_day
    assert answers["2024-05-02"]["bob", *EMAIL] == "granted"
    assert answers["2024-05-03"]["bob", *EMAIL] == "withdrawn"
    assert at_once == one_by_one


def test_what_had_not_arrived_on_a_day_withholds_nothing_on_it(by_day):
    answers = by_day[0]
    assert answers["2024-05-01"]["cat", *EMAIL] == "granted"
    assert answers["2024-05-02"]["cat", *EMAIL] == "withdrawn"


def test_a_yes_given_later_does_not_lift_it(by_day):
    answers = by_day[0]
    assert answers["2024-05-02"]["ann", *EMAIL] == answers["2024-05-03"]["ann", *EMAIL] == "withdrawn"


def test_an_unsubscribe_with_the_id_of_another_event_is_one(tmp_path):
    """Tools give one id to all that happens to one message: in two files of one day, and of two."""
    with company(tmp_path, "ann", "bob", "cat") as found:
        header = "id,mail,type,at"
        opened = ["m1,ann@x.nl,open,2024-05-02", "m2,cat@x.nl,open,2024-05-02"]
        lands(found, "2024-05-02", "mail0.csv", header, *opened)
        lands(found, "2024-05-02", "mail1.csv", header, "m1,ann@x.nl,unsubscribe,2024-05-02")
        lands(found, "2024-05-03", "mail1.csv", header, "m2,cat@x.nl,unsubscribe,2024-05-02")
        live(found, "2024-05-02", "2024-05-03")
        answers = standing(found)
        assert [answers[who, *EMAIL] for who in ("ann", "cat", "bob")] == ["withdrawn", "withdrawn", "granted"]


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """Answers before and after a row of cat was dropped and those of ann and bob replayed, and the company then."""
    home = tmp_path_factory.mktemp("settled")
    values = {"yes": "granted", "of course": "withdrawn", "by all means": "granted"}
    with company(home, "ann", "bob", "cat") as found:
        said = {"ann": "of course", "bob": "by all means", "cat": "test"}
        arrives(
            found, "2024-05-02", *(f"{who},{who},,marketing,email,{word},2024-05-02," for who, word in said.items())
        )
        live(found, "2024-05-02")
        before = standing(found)
        assert replay.drop(Selection(rows=("consents.csv:4",)), "a test of the till", "ann", found) == 1
    with company(home, "ann", "bob", "cat", status={"from": "answer", "values": values}) as mended:
        assert replay.run(Selection(), mended, "ann").counts()["accepted"] == 2
        profiles(mended, "2024-05-02")
        yield before, standing(mended), mended


@pytest.mark.parametrize(("person", "status"), [("ann", "withdrawn"), ("bob", "granted")])
def test_a_replay_confirms_or_lifts_it(settled, person, status):
    before, after, mended = settled
    assert before[person, *EMAIL] == "withdrawn"
    assert after[person, *EMAIL] == status
    assert not any(row["proof"] for row in Lake.of(mended).arrow("profiles/consent_history").to_pylist())


def test_a_row_that_was_dropped_withholds_nothing(settled):
    before, after, _ = settled
    assert (before["cat", *EMAIL], after["cat", *EMAIL]) == ("withdrawn", "granted")


def test_a_row_at_which_an_expression_stops_withholds_what_can_be_read_of_it(tmp_path):
    with company(tmp_path, consent_id="case when id > 0 then id end") as found:
        arrives(found, "2024-05-02", "x,ann,,marketing,email,no,2024-05-02,", "4,bob,,surveys,email,no,2024-05-02,")
        live(found, "2024-05-02")
        assert standing(found)["ann", *EMAIL] == "withdrawn"
        assert standing(found)["bob", *EMAIL] == "granted"


def test_a_row_about_nobody_is_told_and_withholds_nothing(tmp_path, caplog):
    with company(tmp_path) as found:
        arrives(
            found, "2024-05-02", ",,,marketing,email,no thanks,2024-05-02,", "a,line,that,is,no,record,at,all,really"
        )
        live(found, "2024-05-02")
        assert set(standing(found).values()) == {"granted"}
        assert "2 rows wait in quarantine of which nobody can tell whom they are about" in caplog.text


@pytest.fixture(scope="module")
def mailed(tmp_path_factory):
    """Status of people who said yes, after events of a campaign tool that nobody can read."""
    columns = {"event_id": "id", "campaign_id": "campaign", "channel": "channel", "type": "metric"}
    events = {"files": "{day}/events*.csv", "columns": {**columns, "occurred_at": "at", "email": "mail"}}
    crm = {"contacts": CONTACTS, "consents": {"files": "{day}/consents*.csv", "columns": COLUMNS}}
    files = {
        "sources/crm.yaml": {"source": "crm", "group": "crm", "datasets": crm},
        "sources/mailer.yaml": {"source": "mailer", "group": "crm", "datasets": {"campaign_events": events}},
        "identity.yaml": {"golden_record": {}, "purposes": {"marketing": {"channels": ["email", "sms"]}}},
    }
    with loaded(tmp_path_factory.mktemp("mailed") / "config", files) as found:
        said_yes(found, ("ann", "bob", "cat", "dan"))
        lines = [
            "e1,c1,email,List exit,2024-05-01,ann@x.nl",
            "e2,,,unsubscribe,some day,Bob <bob@x.nl>",
            "e3,c1,email,Received Email,2024-05-01,cat@x.nl",
            "e4,c1,email,click,some day,dan@x.nl",
        ]
        lands(found, "2024-05-02", "events.csv", "id,campaign,channel,metric,at,mail", *lines, source="mailer")
        for source, day in (("crm", "2024-05-01"), ("mailer", "2024-05-02")):
            for job in (load, step):
                job.run(source, dt.date.fromisoformat(day), found)
        profiles(found, "2024-05-02")
        assert Lake.of(found).rows("quarantine/rows") == 4
        yield {who: status for (who, _, channel), status in standing(found).items() if channel == "email"}


def test_what_a_campaign_tool_tells_and_nobody_can_read_withholds_the_yes_of_whom_it_may_be_about(mailed):
    assert (mailed["ann"], mailed["bob"]) == ("withdrawn", "withdrawn")


def test_what_is_plainly_something_else_withholds_nothing_while_it_waits(mailed):
    assert (mailed["cat"], mailed["dan"]) == ("granted", "granted")
