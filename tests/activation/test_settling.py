"""A push that died leaves tries nobody knows the outcome of; a person says what happened, and the day turns green.

Costs about 3 s.
"""

import re

import pytest
from typer.testing import CliRunner

from jobs.activation import ledger, settling
from jobs.activation.channel import Operation, Recipient
from jobs.cli.main import app
from jobs.config.wrong import CommandError
from jobs.errors import DeliveryIncomplete
from tests.activation.small_company import DAY


@pytest.fixture
def shop(company, sink):
    """Four customers, of whom the first two were claimed by a push that was killed."""
    shop = company("winback")
    shop.customers(4)
    claimed = [Operation(f"op{n}", f"c000{n}", "send", 1, f"print{n}", Recipient()) for n in (1, 2)]
    ledger.claim(shop.lake, claimed, "winback", "email", DAY)
    return shop


def test_the_day_is_red_and_the_tries_are_listed(shop):
    with pytest.raises(DeliveryIncomplete, match=r"2 may or may not have arrived .*`klantreis ledger list"):
        shop.push("winback", "email")
    assert [row["operation_id"] for row in settling.open_tries(shop.settings)] == ["op1", "op2"]
    assert settling.open_tries(shop.settings, audience="other") == []


def test_what_arrived_is_settled_and_the_day_turns_green_without_sending_again(shop, sink):
    with pytest.raises(DeliveryIncomplete) as told:
        shop.push("winback", "email")
    command = re.search("`klantreis (ledger settle .*?) --because ...`", str(told.value))[1]
    because = ["--because", "in the log of the mail server", "--config", str(shop.settings.folder)]
    done = CliRunner(env={"LOGNAME": "ann"}).invoke(app, [*command.split(), *because])
    assert done.output == "2 tries are accepted now\n"
    assert shop.push("winback", "email")["delivered"] == 4
    assert sink.recipients() == ["c0003@mail.example", "c0004@mail.example"] or len(sink.recipients()) == 2
    assert settling.open_tries(shop.settings) == []
    [row] = [row for row in shop.ledger() if row["operation_id"] == "op1" and row["state"] == "accepted"]
    assert row["reason"] == "settled by ann: in the log of the mail server"


def test_what_did_not_arrive_is_sent_by_the_next_push(shop, sink):
    settling.settle_delivery("winback", "email", "rejected", "queue was emptied", "ann", DAY, shop.settings)
    assert shop.push("winback", "email")["delivered"] == 4
    assert len(sink.recipients()) == 4


def test_only_an_open_try_can_be_settled_and_only_with_a_reason(shop):
    with pytest.raises(CommandError, match="no open try"):
        settling.settle(shop.settings, ["op9"], "accepted", "because", "ann")
    with pytest.raises(CommandError, match="say how you know"):
        settling.settle(shop.settings, ["op1"], "accepted", " ", "ann")
    with pytest.raises(CommandError, match="or rejected"):
        settling.settle(shop.settings, ["op1"], "lost", "because", "ann")
    settling.settle(shop.settings, ["op1"], "accepted", "because", "ann")
    with pytest.raises(CommandError, match="no open try"):
        settling.settle(shop.settings, ["op1"], "rejected", "because", "ann")
