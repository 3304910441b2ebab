"""Messages show each customer the items it is recommended, and nobody without any gets one. Costs about 4 s."""

import copy
import datetime as dt
from email import message_from_bytes
from email.policy import default

import pytest

from jobs.activation.channel import Operation, Recipient
from jobs.activation.channels.smtp.messages import Messages
from jobs.activation.shown_items import shown_items
from jobs.config.wrong import ConfigError
from tests.activation.small_company import CONFIG, DAY
from tests.company import FOR_PEOPLE

LISTS = {"kind": "recommend", **FOR_PEOPLE, "rows_of": "lines"}
LINES = {"title": "Lines", "over": "order_lines", "value": "count(*)", "type": "bigint"}
SHOWN = "{% for one in recommended %}{{ one.name }} ({{ one.reason }})\n{% endfor %}"


def showing(asked=None, text=SHOWN, model=LISTS):
    """Files of a company whose action winback shows items."""
    action = {**copy.deepcopy(CONFIG["audiences/winback.yaml"]), "recommended": {"model": "lists", **(asked or {})}}
    ends = ("en.txt", "en.html", "nl.txt", "nl.html")
    return {
        "audiences/winback.yaml": action,
        "models/lists.yaml": model,
        "traits.yaml": {"traits": {"lines": LINES}},
        **{f"templates/winback.{end}": CONFIG[f"templates/winback.{end}"] + text for end in ends},
    }


def item(customer, rank, name, day=DAY, model="lists"):
    return {"day": day, "model": model, "customer_id": customer, "rank": rank, "item": f"I-{name}", "name": name,
            "score": 1 / rank, "because": "similar", "reason": f"goes with {name}", "model_version": "1"}  # fmt: skip


def problems(shop):
    return Messages("winback", "email", shop.settings, sends=False).problems()


def test_each_customer_is_shown_its_own_items_of_the_newest_list_and_who_has_too_few_gets_nothing(company, sink):
    shop = company("winback", files=showing({"top": 2, "least": 2, "within_days": 3}))
    shop.customers(4)
    before, old = DAY - dt.timedelta(days=2), DAY - dt.timedelta(days=3)
    shop.replace(
        "models/recommendations",
        *[item("c0001", rank, name, before) for rank, name in ((1, "Tea <3"), (2, "Jam"), (3, "Oil"))],
        *[item("c0002", rank, name, before) for rank, name in ((1, "Rice"), (2, "Salt"))],
        item("c0003", 1, "Soap", before),
        *[item("c0004", rank, name, old) for rank, name in ((1, "Beer"), (2, "Wine"))],
        *[item("c0004", rank, name, before, "others") for rank, name in ((1, "Beer"), (2, "Wine"))],
    )
    counts = shop.push("winback", "email")
    assert (counts["delivered"], counts["suppressed"], len(sink.received())) == (2, 2, 2)
    txn = shop.lake.transaction("look", DAY, reads=["models/recommendations"])
    found = shown_items(txn, shop.settings.audiences["winback"].recommended, DAY)
    assert {who: [one.name for one in items] for who, items in found.items()} == {
        "c0001": ["Tea <3", "Jam"], "c0002": ["Rice", "Salt"], "c0003": ["Soap"],
    }  # fmt: skip
    sent = Operation("0" * 48, "c0001", "send", 1, "", Recipient(language="en"), recommended=found["c0001"])
    mail = Messages("winback", "email", shop.settings).bytes_of(sent, "a@shop.example", "")
    text, html = (part.get_content() for part in message_from_bytes(mail, policy=default).iter_parts())
    assert "Tea <3 (goes with Tea <3)\nJam (goes with Jam)" in text.replace("\r", "")
    assert "Tea &lt;3 (goes with Tea &lt;3)" in html, "a name from the shop is no markup"
    assert "Tea" not in repr(sent), "what somebody is shown is in no log"


@pytest.mark.parametrize(
    ("asked", "model", "told"),
    [
        ({"model": "list"}, LISTS, "no model of kind recommend is called 'list'; did you mean 'lists'?"),
        ({"top": 2, "least": 3}, LISTS, "least: 3 is more than top 2; nobody would ever get a message"),
    ],
)
def test_a_list_nobody_makes_or_that_never_fills_is_refused_with_its_place(company, asked, model, told):
    with pytest.raises(ConfigError) as wrong:
        company("winback", files=showing(asked, model=model))
    assert told in str(wrong.value)
    assert "audiences/winback.yaml" in str(wrong.value)


def test_a_text_that_shows_no_items_or_asks_for_some_that_nobody_chose_is_told_before_it_is_sent(company):
    mute = problems(company("winback", files=showing(text="")))
    assert len(mute) == 4
    assert all("the action recommends items, and the text shows none" in one for one in mute)
    files = showing()
    files["audiences/winback.yaml"].pop("recommended")
    (one, *_) = problems(company("winback", files=files))
    assert one.endswith("'recommended' is undefined; the action shows none: say `recommended` in its file")
