"""Offers: who is given a code, once, what becomes of it, and what it may cost. Costs about 3 s."""

import datetime as dt

import pytest

from jobs.activation import codes, offers, push
from jobs.activation.channel import Given, Operation, Recipient
from jobs.activation.channels.smtp.messages import Messages
from jobs.activation.codes import Place, give
from jobs.config.actions.offers import Offer, add_codes, notes, pool
from jobs.config.wrong import ConfigError
from jobs.lake.lake import Lake
from tests.activation.offering import OFFER, giving
from tests.activation.small_company import CONFIG, DAY

NEXT = DAY + dt.timedelta(days=1)


def reasons(company, day=DAY):
    rows = Lake.of(company.settings).arrow("decisions/choices", day=day).to_pylist()
    return {row["customer_id"]: row["reason"] for row in rows}


def test_each_customer_has_one_code_whatever_is_killed_or_pushed_again_and_nobody_gets_one_when_there_is_none_left(
    company, sink, monkeypatch, caplog
):
    often = {"send_to": {"email": {"template": "winback", "cooldown_days": 0}}}
    shop = company("winback", files=giving(["A1", "A2", "A3"], often))
    shop.customers(4)
    deliver = push.ledger.claim

    def killed(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(push.ledger, "claim", killed)
    with pytest.raises(KeyboardInterrupt):
        shop.push("winback", "email")
    given = {row["customer_id"]: row["code"] for row in shop.lake.arrow(codes.CODES).to_pylist()}
    assert (given, sink.received()) == ({"c0001": "A1", "c0002": "A2", "c0003": "A3"}, []), "given before it is sent"
    monkeypatch.setattr(push.ledger, "claim", deliver)
    counts = shop.push("winback", "email")
    assert (counts["delivered"], counts["suppressed"], reasons(shop)["c0004"]) == (3, 1, "no_codes")
    assert "no codes of the offer five are left: add some to offers/five.csv" in caplog.text
    assert len(sink.recipients()) == 3

    order = {"source": "pos", "updated_at": dt.datetime(2017, 6, 2, tzinfo=dt.UTC)}
    shop.replace(
        "valid/orders",
        {
            **order,
            "order_id": "o1",
            "status": "completed",
            "total": "20.00",
            "attributes": '{"discount_code": "x; a2"}',
        },
        {**order, "order_id": "o2", "status": "cancelled", "total": "9.00", "attributes": '{"discount_code": "A1"}'},
    )
    bought = {"source": "pos", "type": "order", "day": NEXT, "amount": "20.00"}
    shop.replace("journeys/touchpoints", {**bought, "touchpoint_id": "1", "customer_id": "c0009", "reference": "o1"},
                 {**bought, "touchpoint_id": "2", "customer_id": "c0001", "reference": "o2"})  # fmt: skip
    shop.members("c0001", "c0002", "c0003", day=NEXT)
    assert shop.push("winback", "email", NEXT)["delivered"] == 2, "who redeemed it is not sent it again"
    assert reasons(shop, NEXT) == {"c0001": None, "c0002": "offer_used", "c0003": None}
    assert {row["customer_id"]: row["code"] for row in shop.lake.arrow(codes.CODES).to_pylist()} == given
    (row,) = shop.lake.arrow("activation/offers", day=NEXT).to_pylist()
    told = ("given", "redeemed", "open", "orders", "by_others", "revenue", "cost", "reserved", "codes_left")
    assert [row[name] for name in told] == [3, 1, 2, 1, 1, 20.0, 5.0, 10.0, 0]
    assert row["said"] == (
        "3 given, 1 redeemed for 5.00 EUR; open codes can still cost 10.00 EUR; no codes of the offer five are left: "
        "add some to offers/five.csv"
    )


def test_two_pushes_that_give_at_the_same_moment_take_different_codes_and_give_no_customer_two(company, monkeypatch):
    shop = company("winback", files=giving(["A1", "A2", "A3", "A4", "A5"]))
    place, append, others = Place("five", "winback", "email", DAY), Lake.append, []

    def another_first(lake, name, data, txn):
        if name in (codes.TAKEN, codes.CODES) and name not in others:
            others.append(name)
            if name == codes.TAKEN:
                rows = [{**row, "batch_id": "other"} for row in data.to_pylist()]
            else:
                rows = [{**row, "code": "A9"} for row in data.to_pylist()[:1]]
            append(lake, name, type(data).from_pylist(rows, data.schema), lake.transaction("other", DAY, config=name))
        return append(lake, name, data, txn)

    monkeypatch.setattr(Lake, "append", another_first)
    given = give(shop.lake, place, ["c2", "c1"], shop.settings)
    assert {name: one.code for name, one in given.items()} == {"c1": "A9", "c2": "A4"}
    assert given["c1"].until == DAY + dt.timedelta(days=9)
    assert "A" not in repr(given["c2"]).replace("Given", ""), "a code is in no log"


def row(code="A1", customer="c1", day=DAY, until=NEXT, most=5.0):
    return {"offer": "five", "code": code, "customer_id": customer, "given_to": customer, "day": day,
            "audience": "winback", "valid_until": until, "most": most}  # fmt: skip


def order(code="a1", customer="c1", day=DAY, amount=20.0):
    return {"code": code, "customer_id": customer, "day": day, "amount": amount}


@pytest.mark.parametrize(
    ("orders", "day", "told"),
    [
        ([], DAY, ("open", 5.0, 0, 0.0)),
        ([], NEXT + dt.timedelta(days=1), ("expired", 0.0, 0, 0.0)),
        ([order()], NEXT, ("redeemed", 5.0, 1, 20.0)),
        ([order(), order(customer="c2", day=NEXT)], NEXT, ("redeemed", 10.0, 2, 40.0)),
        ([order(day=NEXT)], DAY, ("open", 5.0, 0, 0.0)),
        ([order(day=DAY - dt.timedelta(days=1))], DAY, ("open", 5.0, 0, 0.0)),
    ],
)
def test_a_code_is_open_redeemed_or_expired_and_costs_what_it_can_or_did(orders, day, told):
    (found,) = offers.judged([row()], orders, {"five": Offer(**OFFER)}, day)
    assert (found.state, found.costs, found.orders, found.revenue) == told


def test_a_percentage_costs_what_was_taken_off_and_never_more_than_its_most():
    tenth = Offer(**{**OFFER, "amount": None, "percent": 10, "at_most": 6})
    for amount, costs in ((36.0, 4.0), (360.0, 6.0), (-5.0, 0.0)):
        (found,) = offers.judged([row()], [order(amount=amount)], {"five": tenth}, NEXT)
        assert found.costs == costs


@pytest.mark.parametrize(
    ("budget", "free", "most", "reason"),
    [
        (None, 2, 2, "no_codes"),
        ({"count": 3}, 9, 1, "budget"),
        ({"count": 3, "days": 1}, 9, 2, "budget"),
        ({"amount": 24.9}, 9, 2, "budget"),
        ({"amount": 25, "count": 9}, 2, 2, "no_codes"),
        ({"amount": 1}, 9, 0, "budget"),
    ],
)
def test_an_offer_is_given_as_long_as_budget_and_codes_last_with_open_codes_at_their_most(budget, free, most, reason):
    offer = Offer(**OFFER, budget=budget)
    given = [
        row("A1", day=DAY - dt.timedelta(days=1)),
        row("A2", "c2", until=DAY),
        row("A3", "c3", day=dt.date(2016, 1, 1)),
    ]
    left = offers.left("five", offer, offers.judged(given, [], {"five": offer}, DAY), free, DAY)
    assert (left.most, left.said[1]) == (most, reason)


def test_a_code_that_a_shop_honours_after_its_last_day_is_counted_and_what_it_overdraws_is_told(settings):
    """Its place in the budget was given to another when it expired: nothing can be taken back, but it can be told."""
    offer, later = Offer(**OFFER, budget={"amount": 10}), NEXT + dt.timedelta(days=2)
    given = [
        row("A1"),
        row("A2", "c2"),
        row("A3", "c3", day=later, until=later),
        row("A4", "c4", day=later, until=later),
    ]
    on_time, late = order("a1"), order("a2", "c2", day=later)
    codes = offers.judged(given, [on_time], {"five": offer}, later)
    assert (sum(one.late for one in codes), offers.left("five", offer, codes, 9, later).overdrawn) == (0, 5.0)
    codes = offers.judged(given, [on_time, late], {"five": offer}, later)
    left = offers.left("five", offer, codes, 9, later)
    assert ([one.late for one in codes], left.most, left.overdrawn) == ([0, 1, 0, 0], 0, 10.0)
    said = offers._said("five", codes, 10.0, 10.0, left, settings())
    assert (
        "; 1 orders used a code after its last day: have the shop refuse these; the budget is overdrawn by 10.00 EUR; "
        in said
    )


def test_budgets_of_an_action_count_what_its_codes_cost_and_a_code_in_hand_costs_nothing_more(company, sink):
    action = {"budget": {"margin": 10, "days": 7}, "effect": {"cost": 0.5}, "send_to": {
        "email": {"template": "winback", "cooldown_days": 0}}}  # fmt: skip
    shop = company("winback", files=giving([f"A{n}" for n in range(9)], action))
    shop.customers(4)
    assert shop.push("winback", "email")["delivered"] == 2
    assert reasons(shop) == {"c0001": None, "c0002": None, "c0003": "budget", "c0004": "budget"}
    assert shop.push("winback", "email")["delivered"] == 2, "planned again, nobody else is given one"
    shop.members("c0001", "c0002", "c0003", day=NEXT)
    assert shop.push("winback", "email", NEXT)["delivered"] == 2, "a reminder of a code costs no margin"
    assert shop.lake.rows(codes.CODES) == 2


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"offer": {"amount": None}}, "say one of amount, percent and cost; there is none"),
        ({"offer": {"percent": 5}}, "say one of amount, percent and cost; there are amount and percent"),
        ({"offer": {"amount": None, "percent": 5}}, "at_most: a percentage needs it"),
        ({"offer": {"budget": {}}}, "budget: say count, amount or both"),
        ({"offer": {"first_day": "2017-02-01", "last_day": "2017-01-01"}}, "last_day: 2017-01-01 is before first_day"),
        ({"offer": {"codes": "../x.csv"}}, "'../x.csv' is outside of the configuration"),
        ({"codes": ["A1", "a1"]}, "five.csv:3: the same code as in line 2; each is given out once"),
        ({"codes": ["A 1"]}, "five.csv:2: a code has 1 to 64 characters without blank"),
        ({"action": {"offer": "fife"}}, "offer: unknown offer 'fife'; did you mean 'five'?"),
        ({"action": {"send_to": {"ads": {"list_id": "9"}}}}, "offer: ads is a list and tells nobody a code"),
        ({"action": {"offer": None, "budget": {"margin": 5}}}, "budget.margin: nothing is ever spent of it"),
        ({"file": {"sources/pos.yaml": {}}}, "no source of orders has an attribute 'discount_code'"),
    ],
)  # fmt: skip
def test_an_offer_that_cannot_be_is_refused_with_what_to_do(settings, changed, told):
    files = giving(changed.get("codes", ["A1"]), changed.get("action"), **changed.get("offer", {}))
    if "file" in changed:
        del files["sources/pos.yaml"]
    files["offers.yaml"]["offers"]["five"] = {
        k: v for k, v in files["offers.yaml"]["offers"]["five"].items() if v is not None
    }
    with pytest.raises(ConfigError) as error:
        settings({**CONFIG, **files})
    assert told in str(error.value)


def test_codes_are_added_to_the_file_of_an_offer_and_a_text_without_the_code_is_told(settings):
    loaded = settings({**CONFIG, **giving([]), "templates/winback.en.html": "<p>{{ unsubscribe_url }}</p>"})
    (offer,) = loaded.offers.offers.values()
    (note,) = notes(loaded.folder, loaded.offers, DAY)
    assert "has no codes, so nobody gets one; `klantreis offers codes five` makes some" in note
    add_codes(loaded.folder, offer, iter(["B1", "b1", "B2"]), 2)
    assert pool(loaded.folder, offer) == ["B1", "B2"]
    (wrong,) = Messages("winback", "email", loaded, sends=False).problems()
    assert wrong.endswith("winback.en.html: the action gives an offer, and the text does not show {{ offer.code }}")
    whole = Messages("winback", "email", settings({**CONFIG, **giving([])}))
    operation = Operation("0" * 32, "c1", "send", 1, "", Recipient(), offer=Given("B1", "5 euros off", NEXT))
    assert whole.problems() == []
    assert b"B1 until 2017-06-02" in whole.bytes_of(operation, "a@b.example", "")
    none = settings({**CONFIG, **giving([], {"offer": None})})
    told = Messages("winback", "email", none, sends=False).problems()
    assert all(line.endswith("the action gives none: say `offer` in its file") for line in told)
    assert len(told) == 2
