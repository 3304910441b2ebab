"""One decision per customer and day, in a company with a mail server and a list: what is sent, and why not all else.

What always holds is tried in 1,000 random companies in tests/decisions/test_choose.py. Costs about 12 s.
"""

import copy
import datetime as dt

import pytest

from jobs.activation import hours, moments
from jobs.config.wrong import ConfigError
from jobs.content import approval
from jobs.errors import ContentNotApproved
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from tests.activation.small_company import CONFIG, DAY

ACTIONS = ("news", "offer", "winback")


def noon_in_amsterdam(hour=12):
    return dt.datetime(2017, 6, 1, hour - 2, tzinfo=dt.UTC)


def reasons(company, action="winback"):
    told = Lake.of(company.settings).arrow("decisions/choices", day=DAY).to_pylist()
    return {row["customer_id"]: row["reason"] for row in told if row["audience"] == action}


@pytest.fixture
def shop(company, sink):
    """Three audiences that want to write to everybody, by e-mail."""
    files = {}
    for number, name in enumerate(("news", "offer", "winback")):
        audience = copy.deepcopy(CONFIG["audiences/winback.yaml"]) | {"audience": name, "priority": number}
        files[f"audiences/{name}.yaml"] = audience

    def build(more=None, **policy):
        shop = company("news", "offer", "winback", files=files | (more or {}) | {"contact_policy.yaml": policy})
        shop.customers(4)
        return shop

    return build


def test_three_audiences_send_one_person_one_message_and_say_who_lost_to_whom(shop, sink):
    busy = shop()
    for name in ("news", "offer", "winback"):
        counts = busy.push(name, "email")
        assert (counts["delivered"], counts["suppressed"]) == ((4, 0) if name == "winback" else (0, 4))
    assert len(sink.recipients()) == len(set(sink.recipients())) == 4
    told = Lake.of(busy.settings).arrow("decisions/choices", day=DAY).to_pylist()
    mine = sorted((row["turn"], row["audience"], row["chosen"]) for row in told if row["customer_id"] == "c0001")
    assert mine == [(1, "winback", True), (2, "offer", False), (3, "news", False)]
    assert {row["because"] for row in told if not row["chosen"]} == {"winback goes first"}
    assert {row["reason"] for row in told if not row["chosen"]} == {"other_action"}
    before = Lake.of(busy.settings).content_hash("decisions/choices")
    busy.push("winback", "email")
    assert Lake.of(busy.settings).content_hash("decisions/choices") == before, "planned again, it is told the same"


def test_who_lost_has_a_turn_on_a_later_day(shop, sink):
    busy = shop(caps=[{"at_most": 2, "days": 3}])
    for after, delivered in ((0, 4), (1, 4), (2, 0), (3, 4)):
        day = DAY + dt.timedelta(days=after)
        busy.members("c0001", "c0002", "c0003", "c0004", day=day)
        assert sum(busy.push(name, "email", day)["delivered"] for name in ("news", "offer", "winback")) == delivered


def test_a_cap_about_an_unknown_channel_is_refused_with_its_line(settings):
    with pytest.raises(ConfigError, match=r"contact_policy.yaml:2: caps.0.channels: unknown channel 'emial'"):
        settings({"contact_policy.yaml": "caps:\n  - {at_most: 1, days: 7, channels: [emial]}\n"})


def changed(name, **more):
    return {f"audiences/{name}.yaml": {**copy.deepcopy(CONFIG["audiences/winback.yaml"]), "audience": name, **more}}


def members_with(company, **columns):
    """Members of all actions, with these columns by customer."""
    rows = [
        {"day": DAY, "audience": action, "customer_id": f"c000{n}", "arm": "treatment",
         **{name: values.get(n) for name, values in columns.items()}}
        for action in company.settings.audiences for n in range(1, 5)
    ]  # fmt: skip
    company.replace("audiences/members", *rows, day=DAY)


def test_a_budget_goes_to_the_most_valuable_and_is_never_overdrawn_in_its_days(company, sink):
    cost = {"cost": 0.5, "margin": 1}
    often = {"email": {"template": "winback", "cooldown_days": 0}}
    budget = {"amount": 1.0, "days": 2}
    shop = company("winback", files=changed("winback", budget=budget, effect=cost, value="1.0", send_to=often))
    shop.customers(4)
    members_with(shop, gain={1: 1.0, 2: 9.0, 3: 2.0, 4: 2.0})
    assert shop.push("winback", "email")["delivered"] == 2
    assert reasons(shop) == {"c0001": "budget", "c0002": None, "c0003": None, "c0004": "budget"}
    assert shop.push("winback", "email")["delivered"] == 2, "planned again, nobody else is sent to"
    for after, delivered in ((1, 0), (2, 2)):
        day = DAY + dt.timedelta(days=after)
        shop.members("c0001", "c0002", "c0003", "c0004", day=day)
        assert shop.push("winback", "email", day)["delivered"] == delivered
    assert len(sink.received()) == 4


def test_who_is_kept_away_forbidden_or_not_approved_of_is_not_written_to(company, sink):
    files = changed("winback", approval="person")
    signed = {"by": "ann", "on": str(DAY), "because": "asked on the phone"}
    shop = company("winback", files=files)
    shop.customers(4)
    members_with(shop, kept_away={1: "open_complaint"})
    assert shop.push("winback", "email")["delivered"] == 0
    assert reasons(shop)["c0002"] == "awaiting_approval"
    customer = {"source": "crm", "record": "77"}
    told = {"approvals": [{"action": "winback", **signed}],
            "customers": [{"customer": customer, "decision": "forbid", **signed}]}  # fmt: skip
    again = company("winback", files=files | {"interventions.yaml": told})
    record = identifier_hash("contact", "77", again.settings, "crm")
    again.replace("identity/map", {"identifier": record, "kind": "contact", "customer_id": "c0003"})
    assert again.push("winback", "email")["delivered"] == 2
    expected = {"c0001": "open_complaint", "c0002": None, "c0003": "forbidden", "c0004": None}
    assert reasons(again) == expected


def test_nobody_is_written_to_in_quiet_hours_of_where_they_are_and_a_later_push_does(shop, sink, monkeypatch):
    quiet = shop(quiet_hours=[{"begin": "21:00", "end": "08:00"}])
    members_with(quiet, zone={1: "Asia/Tokyo", 2: "no/zone", 3: "../etc/passwd"})
    monkeypatch.setattr(moments, "now", lambda: noon_in_amsterdam(15))
    counts = quiet.push("winback", "email")
    assert (counts["delivered"], counts["suppressed"]) == (3, 1)
    assert "c0001@mail.example" not in sink.recipients()
    monkeypatch.setattr(moments, "now", lambda: noon_in_amsterdam(12))
    counts = quiet.push("winback", "email")
    assert (counts["delivered"], counts["suppressed"]) == (4, 0)
    assert len(sink.recipients()) == 4


def test_a_time_of_day_is_fine_inside_what_the_action_says_and_outside_quiet_hours(settings):
    loaded = settings({**CONFIG, "contact_policy.yaml": {"quiet_hours": [{"begin": "12:00", "end": "13:00"}]}})
    when = loaded.audiences["winback"].when.model_copy(update={"earliest": "09:00", "latest": "18:00"})
    fine = [
        hour for hour in range(2, 24)
        if hours.may_write(noon_in_amsterdam(hour), "Europe/Amsterdam", "email", when, loaded)
    ]  # fmt: skip
    assert fine == [9, 10, 11, 13, 14, 15, 16, 17, 18]
    at = [noon_in_amsterdam(hour) for hour in (9, 10)]
    assert [hours.may_write(one, "Europe/Amsterdam", "email", when, loaded, {10}) for one in at] == [True, False]
    assert hours.may_write(at[1], "Europe/Lisbon", "email", when, loaded, {10}), "it is 9 there"


def test_each_customer_is_written_to_by_one_channel_the_own_best_first(company, sink):
    second = copy.deepcopy(CONFIG["destinations.yaml"])
    second["destinations"]["post"] = {**second["destinations"]["email"], "channel": "mail"}
    purposes = {"marketing": {"channels": ["email", "mail"]}, "ads": {"channels": ["ads"]}}
    to = {"email": {"template": "winback"}, "post": {"template": "winback"}}
    who = {"identifiers": {"contact": {}, "email": {}}, "golden_record": {"first_name": {"sources": ["crm"]}}}
    shop = company("winback", files=changed("winback", send_to=to) | {
        "destinations.yaml": second, "identity.yaml": {**who, "purposes": purposes}})  # fmt: skip
    names = shop.customers(3)
    granted = [{"customer_id": name, "purpose": "marketing", "channel": channel, "status": "granted"}
               for name in names for channel in ("email", "mail") if (name, channel) != ("c0003", "email")]  # fmt: skip
    shop.replace("profiles/consent", *granted)
    shop.replace("profiles/channels", {"customer_id": "c0002", "channel": "mail", "preference": 1},
                 {"customer_id": "c0002", "channel": "email", "preference": 2})  # fmt: skip
    shop.push("winback", "email")
    told = Lake.of(shop.settings).arrow("decisions/choices", day=DAY).to_pylist()
    assert {(row["customer_id"], row["destination"]): row["reason"] for row in told} == {
        ("c0001", "email"): None, ("c0001", "post"): "other_channel",
        ("c0002", "email"): "other_channel", ("c0002", "post"): None,
        ("c0003", "email"): "no_consent", ("c0003", "post"): None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ({"audience": {"budget": {"amount": 5}}}, "budget.amount: nothing is ever spent of it: say effect.cost"),
        ({"audience": {"budget": {}}}, "budget: say count, amount, margin or several of them"),
        ({"audience": {"after": {"action": "wellcome", "outcome": "opened"}}}, "unknown action 'wellcome'"),
        ({"audience": {"after": {"action": "winback", "outcome": "opened"}}}, "winback waits for winback: nobody"),
        ({"audience": {"when": {"earliest": "18:00", "latest": "09:00"}}}, "when.latest: '09:00' is before earliest"),
        ({"audience": {"when": {"earliest": "9"}}}, "'9' is not a time of day in quotes, such as '09:30'"),
        ({"policy": {"quiet_hours": [{"begin": "08:00", "end": "08:00"}]}}, "quiet_hours.0.end: both are '08:00'"),
        ({"policy": {"caps": [{"at_most": 1, "days": 1, "objectives": ["x"]}]}}, "unknown objective 'x'"),
        ({"policy": {"keep_away": [{"reason": "a", "when": "true", "purposes": ["x"]}]}}, "unknown purpose 'x'"),
        ({"told": {"approvals": [{"action": "x", "by": "a", "on": "2017-01-01", "because": "b"}]}},
         "unknown action 'x'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(settings, file, told):
    files = {**CONFIG, **changed("winback", **file.get("audience", {}))}
    files |= {"contact_policy.yaml": file["policy"]} if "policy" in file else {}
    files |= {"interventions.yaml": file["told"]} if "told" in file else {}
    with pytest.raises(ConfigError) as error:
        settings(files)
    assert told in str(error.value)
    assert str(error.value).split(": ")[0].rpartition(":")[2].isdigit(), "with its line"


def test_a_text_that_nobody_approved_of_stops_plan_and_push_until_somebody_does(company, sink):
    asked = {"content.yaml": {"approval": "person"}}
    shop = company("winback", files=asked)
    shop.customers(2)
    with pytest.raises(ContentNotApproved, match=r"2 messages wait for approval of their text: .*en\.html: nobody"):
        shop.push("winback", "email")
    assert reasons(shop) == {"c0001": "content_not_approved", "c0002": "content_not_approved"}
    told = shop.push("winback", "email", dry_run=True)["problems"]
    assert [line.split(": ")[1] for line in told] == ["nobody approved of it"] * 4
    assert (sink.received(), shop.lake.rows("activation/approved_content")) == ([], 0)

    texts = approval.chosen(["winback"], shop.settings)
    list(approval.approve(texts, "ann", None, DAY, shop.settings))
    again = company("winback", files=asked)
    assert again.push("winback", "email")["delivered"] == 2
    kept = again.lake.arrow("activation/approved_content").to_pylist()
    assert [(row["template"], row["approved_by"], row["approved_on"]) for row in kept] == [
        (f"winback.{end}", "ann", DAY) for end in ("en.html", "en.txt", "nl.html", "nl.txt")
    ]

    (again.settings.folder / "templates" / "winback.nl.txt").write_text("Subject: x\n\nother\n")
    assert again.push("winback", "email")["delivered"] == 2, "what was sent stays sent"
    later = DAY + dt.timedelta(days=30)
    again.members("c0001", "c0002", day=later)
    with pytest.raises(ContentNotApproved, match=r"nl\.txt: was changed since ann approved of it"):
        again.push("winback", "email", later)
    assert len(sink.received()) == 2
