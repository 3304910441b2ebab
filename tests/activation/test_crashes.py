"""Pushes that die half-way or run twice at once, against real servers and with real kills."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.activation import plan, push
from jobs.errors import DeliveryIncomplete
from jobs.lake.lake import Lake
from tests.activation.small_company import DAY, email

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("push_in_another_process.py")


@pytest.fixture
def start(company):
    """Start a push of planned audience in another process; killed at the end if it still runs."""
    started = []

    def run(shop, audience: str, destination: str) -> subprocess.Popen:
        command = [sys.executable, str(SCRIPT), str(shop.settings.folder), audience, destination]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def wait_until(condition, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def slow(sink, *names: str) -> None:
    """Make the server take its time for these recipients: it answers the first tries with a temporary refusal."""
    sink.plan(replies={email(name): ["451 4.7.1 Later", "451 4.7.1 Later", "250"] for name in names})


@pytest.mark.slow
def test_a_push_killed_after_sending_and_before_recording_never_sends_a_message_twice(company, sink, start):
    shop = company("winback")
    names = shop.customers(8)
    plan.run(DAY, shop.settings)
    slow(sink, *names[6:])  # the first six are out and not recorded while the last two wait for another try
    config = shop.settings.folder / "destinations.yaml"
    config.write_text(config.read_text().replace("wait_seconds: 0.05", "wait_seconds: 600"))

    process = start(shop, "winback", "email")
    wait_until(lambda: len(sink.received()) == 6)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert shop.states() == {"claimed": 8}
    for _ in range(2):
        with pytest.raises(DeliveryIncomplete, match="8 may or may not have arrived"):
            push.run("winback", "email", DAY, shop.settings)
    assert len(sink.received()) == 6


@pytest.mark.slow
def test_a_push_to_a_list_killed_before_recording_is_completed_by_the_next_one(company, ads, start):
    shop = company("loyal")
    shop.customers(4, purpose="ads", channel="ads")
    plan.run(DAY, shop.settings)
    ads.fail({"on": "status", "do": "status", "code": 503})
    process = start(shop, "loyal", "ads")
    wait_until(lambda: ads.calls("status"))
    process.send_signal(signal.SIGKILL)
    process.wait()
    (ads.folder / "faults.json").unlink()

    assert push.run("loyal", "ads", DAY, shop.settings)["delivered"] == 4
    assert len(ads.members()) == 8


@pytest.mark.slow
def test_of_two_copies_of_one_push_only_one_sends_each_message(company, sink, start):
    shop = company("winback")
    shop.customers(40)
    config = shop.settings.folder / "destinations.yaml"
    config.write_text(config.read_text().replace("type: smtp\n", "type: smtp\n    batch_size: 10\n"))
    plan.run(DAY, shop.settings)
    copies = [start(shop, "winback", "email") for _ in range(2)]
    told = [copy.communicate(timeout=1800)[1] for copy in copies]

    # Each copy wins some batches; what the other one claimed it reports instead of sending it.
    for copy, said in zip(copies, told, strict=True):
        assert copy.returncode == 0 or "may or may not have arrived" in said
    received = [entry["message_id"] for entry in sink.received()]
    assert len(received) == len(set(received)) == 40
    assert shop.states() == {"claimed": 40, "accepted": 40}
    assert push.run("winback", "email", DAY, shop.settings)["delivered"] == 40
    assert len(sink.received()) == 40


def test_a_push_that_closes_at_the_moment_another_one_does_is_not_lost(company, sink, monkeypatch):
    shop = company("winback")
    shop.customers(3)
    plan.run(DAY, shop.settings)
    upsert, others = Lake.upsert, []

    def another_first(lake, name, data, txn):
        if name == push.DELIVERIES and not others:
            others.append(lake.transaction("push_winback_email", DAY, config="the other run"))
            upsert(lake, name, data.set_column(3, "members", pa.array([0], pa.int64())), others[0])
        return upsert(lake, name, data, txn)

    monkeypatch.setattr(Lake, "upsert", another_first)
    assert push.run("winback", "email", DAY, shop.settings)["delivered"] == 3
    (row,) = shop.lake.arrow(push.DELIVERIES).to_pylist()
    assert (len(others), row["members"], row["delivered"]) == (1, 3, 3)


def test_no_name_or_address_is_in_ledger_logs_messages_or_requests(company, sink, ads, tmp_path, caplog):
    caplog.set_level("DEBUG")
    shop = company()
    names = shop.customers(4)
    granted = [
        {"customer_id": name, "purpose": purpose, "channel": channel, "status": "granted"}
        for name in names
        for purpose, channel in (("marketing", "email"), ("ads", "ads"))
    ]
    shop.replace("profiles/consent", *granted)
    sink.plan(replies={email("c0001"): [f"550 5.1.1 <{email('c0001')}> unknown"]})
    told = []
    for audience, destination in (("winback", "email"), ("loyal", "ads")):
        try:
            told.append(json.dumps(shop.push(audience, destination)))
        except DeliveryIncomplete as error:
            told.append(str(error))

    secrets = ["mail.example", "Voornaam", "+316", "316000"]
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]  # that is the test's server
    texts = {"messages": "\n".join(told), "log": "\n".join(ours)}
    files = [*tmp_path.joinpath("var/lake/activation").rglob("*"), *ads.folder.rglob("*")]
    assert any(file.suffix == ".parquet" for file in files)
    texts |= {str(file): file.read_bytes().decode("latin-1") for file in files if file.is_file()}
    for table in ("plans", "ledger", "deliveries", "suppressions"):
        texts[table] = str(shop.lake.arrow(f"activation/{table}").to_pylist())
    found = [(place, secret) for place, text in texts.items() for secret in secrets if secret in text]
    assert found == []
