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

from jobs import pipeline
from jobs.activation import plan, push, reconciliation, settling, stopping
from jobs.errors import DeliveryIncomplete, Stopped
from jobs.lake.lake import Lake
from tests.activation.small_company import CONFIG, DAY, email

ROOT = Path(__file__).parents[2]
PIPES = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
SCRIPT = Path(__file__).with_name("push_in_another_process.py")


@pytest.fixture
def start(company):
    """Start a push of planned audience in another process; killed at the end if it still runs."""
    started = []

    def run(shop, audience: str, destination: str) -> subprocess.Popen:
        command = [sys.executable, str(SCRIPT), str(shop.settings.folder), audience, destination]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **PIPES)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
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
def test_a_push_told_to_end_frees_what_it_did_not_do_and_a_killed_one_never_sends_a_message_twice(company, sink, start):
    shop = company("winback")
    names = shop.customers(10)
    plan.run(DAY, shop.settings)
    slow(sink, *names[6:8])  # the first six are out and not recorded while these two wait for another try
    config = shop.settings.folder / "destinations.yaml"
    text = config.read_text().replace("wait_seconds: 0.05", "wait_seconds: 600")
    config.write_text(text.replace("type: smtp\n", "type: smtp\n    batch_size: 8\n"))

    process = start(shop, "winback", "email")
    wait_until(lambda: len(sink.received()) == 6)
    process.send_signal(signal.SIGTERM)
    said = process.stderr.readline()
    assert "winback to email on 2017-06-01: told to end by SIGTERM." in said
    assert "delivered 6 of 10, removed 0 of 0, refused 2; 2 were not begun and are free." in said
    assert shop.states() == {"claimed": 8, "accepted": 6, "rejected": 2}

    process.stdin.write("again\n")
    process.stdin.flush()
    wait_until(lambda: len(sink.received()) == 8)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert shop.states() == {"claimed": 12, "accepted": 6, "rejected": 2}
    for _ in range(2):
        with pytest.raises(DeliveryIncomplete, match=r"4 may or may not have arrived .*`klantreis ledger settle --all"):
            push.run("winback", "email", DAY, shop.settings)
    settling.settle_delivery("winback", "email", "accepted", "in the queue of the server", "ann", DAY, shop.settings)
    assert push.run("winback", "email", DAY, shop.settings)["delivered"] == 10
    received = [entry["message_id"] for entry in sink.received()]
    assert len(received) == len(set(received)) == 8


def test_a_push_told_to_end_in_the_middle_of_a_message_finishes_it_and_the_next_one_sends_the_rest(company, sink):
    config = {**CONFIG["destinations.yaml"]["destinations"]["email"]}
    config["options"] = {**config["options"], "connections": 1}
    shop = company("winback", files={"destinations.yaml": {"destinations": {"email": config}}})
    shop.customers(4)
    plan.run(DAY, shop.settings)
    before = signal.getsignal(signal.SIGTERM)

    def told_to_end(message: int) -> None:
        if message == 2:
            os.kill(os.getpid(), signal.SIGTERM)
            wait_until(stopping.ASKED.is_set)

    sink.on_message(told_to_end)
    with pytest.raises(
        Stopped, match=r"delivered 2 of 4, removed 0 of 0, refused 0; 2 were not begun and are free\. Push"
    ):
        push.run("winback", "email", DAY, shop.settings)
    assert shop.states() == {"claimed": 4, "accepted": 2, "rejected": 2}
    assert signal.getsignal(signal.SIGTERM) is before
    assert push.run("winback", "email", DAY, shop.settings)["delivered"] == 4
    received = [entry["message_id"] for entry in sink.received()]
    assert len(received) == len(set(received)) == 4


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


def test_a_day_whose_push_is_told_to_end_begins_no_other_delivery(company, monkeypatch):
    begun = []

    def told_to_end(audience, destination, day, settings):
        begun.append(audience)
        raise Stopped("told to end by SIGTERM")

    monkeypatch.setattr(push, "run", told_to_end)
    monkeypatch.setattr(pipeline, "STEPS", [pipeline.step("push")])
    (outcome,) = pipeline.run_day(DAY, company().settings)
    assert (begun, str(outcome.error)) == (["loyal"], "told to end by SIGTERM")


def test_a_push_that_closes_at_the_moment_another_one_does_is_not_lost(company, sink, monkeypatch):
    shop = company("winback")
    shop.customers(3)
    plan.run(DAY, shop.settings)
    upsert, others = Lake.upsert, []

    def another_first(lake, name, data, txn):
        if name == reconciliation.DELIVERIES and not others:
            others.append(lake.transaction("push_winback_email", DAY, config="the other run"))
            upsert(lake, name, data.set_column(3, "members", pa.array([0], pa.int64())), others[0])
        return upsert(lake, name, data, txn)

    monkeypatch.setattr(Lake, "upsert", another_first)
    assert push.run("winback", "email", DAY, shop.settings)["delivered"] == 3
    (row,) = shop.lake.arrow(reconciliation.DELIVERIES).to_pylist()
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
