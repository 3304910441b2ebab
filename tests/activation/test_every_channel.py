"""What every channel must do, each against a server that follows the contract of its vendor and can fail.

What the server holds is compared with what the channel, and the ledger, say. Costs about 6 s.
"""

import json
import logging
import random
import threading

import pytest

from jobs.activation import stopping
from jobs.activation.channel import ChannelDown
from jobs.activation.channels.types import open_channel
from jobs.config.yaml_files import ConfigError
from tests.activation.small_company import DAY, email, phone
from tests.servers.base import AWAY, BUSY, BUSY_UNTIL, GARBLED, LOST, RESET, SLOW, SLOWEST
from tests.servers.bench import PEOPLE, SERVERS, begin_with, done, keys, operation, operations, states

LISTS = [name for name in SERVERS if SERVERS[name].KIND == "members"]
MESSAGES = [name for name in SERVERS if SERVERS[name].KIND == "messages"]
every_channel = pytest.mark.parametrize("name", sorted(SERVERS))
every_list = pytest.mark.parametrize("name", sorted(LISTS))
every_fault = pytest.mark.parametrize(
    ("name", "fault"), [(name, fault) for name in sorted(SERVERS) for fault in SERVERS[name].AFTER]
)


@every_channel
def test_what_is_accepted_is_there_and_nothing_else(start, name):
    server, channel = start(name)
    assert states(done(channel, operations(server, PEOPLE))) == ["accepted"] * 5
    assert server.held() == keys(server, PEOPLE)


@every_channel
def test_people_are_spelled_as_the_vendor_publishes_it(start, name):
    server, channel = start(name)
    batch = [operation(f"c{n}", begin_with(server), *given[:2]) for n, given in enumerate(server.SPELLED)]
    assert states(done(channel, batch)) == ["accepted"] * len(server.SPELLED)
    assert server.held() == set().union(*(held for _, _, held in server.SPELLED))


@every_channel
def test_of_whom_nothing_can_be_used_nothing_is_told(start, name):
    """No country, nothing left after spelling, a hash already: never a guess, never the hash of nothing."""
    server, channel = start(name)
    batch = [operation(f"c{n}", begin_with(server), *given) for n, given in enumerate(server.NOBODY)]
    assert states(done(channel, batch)) == ["rejected"] * len(server.NOBODY)
    assert server.held() == set()


@every_channel
def test_a_rehearsal_finds_nothing_wrong_and_changes_nothing(start, name):
    server, channel = start(name)
    assert channel.rehearse(operations(server, PEOPLE)) == []
    assert server.held() == set()


@pytest.mark.parametrize("name", sorted(name for name in LISTS if name != "google_data_manager"))
def test_a_rehearsal_finds_that_the_list_is_not_there(start, name):
    server, channel = start(name)
    server.lose()
    (problem,) = channel.rehearse(operations(server, PEOPLE))
    assert " answers " in problem


@every_list
def test_who_is_removed_is_there_no_more_and_the_others_are(start, name):
    server, channel = start(name)
    done(channel, operations(server, PEOPLE))
    assert states(done(channel, operations(server, PEOPLE[:2], "remove"))) == ["accepted"] * 2
    assert server.held() == keys(server, PEOPLE[2:])


@pytest.mark.parametrize("call", ["deliver", "erase"])
@pytest.mark.parametrize(
    ("name", "fault"), [(name, fault) for name in LISTS for fault in (GARBLED, LOST) if fault in SERVERS[name].AFTER]
)
def test_nobody_counts_as_removed_who_may_be_there(start, name, fault, call):
    server, channel = start(name)
    done(channel, operations(server, PEOPLE[:2]))
    server.fail(fault, times=5)
    (outcome,) = done(channel, operations(server, PEOPLE[:1], "remove"), call)
    assert outcome.state == "unknown" or server.held() == keys(server, PEOPLE[1:2])


@every_list
def test_who_left_and_comes_back_is_there_again(start, name):
    server, channel = start(name)
    for attempt, action in enumerate(["add", "remove", "add"], start=1):
        assert states(done(channel, operations(server, PEOPLE[:1], action, attempt))) == ["accepted"]
    assert server.held() == keys(server, PEOPLE[:1])


@every_list
def test_removing_who_is_not_there_is_done(start, name):
    server, channel = start(name)
    done(channel, operations(server, PEOPLE[1:]))
    assert states(done(channel, operations(server, PEOPLE[:1], "remove"))) == ["accepted"]
    assert server.held() == keys(server, PEOPLE[1:])


@every_list
def test_who_asks_to_be_forgotten_is_there_no_more(start, name):
    server, channel = start(name)
    done(channel, operations(server, PEOPLE))
    batch = operations(server, PEOPLE[:1], "remove")
    assert states(done(channel, batch, "erase")) == ["accepted"]
    assert server.held() == keys(server, PEOPLE[1:])
    assert states(done(channel, batch, "erase")) == ["accepted"], "asking twice is harmless"


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_message_is_never_called_back(start, name):
    server, channel = start(name)
    done(channel, operations(server, PEOPLE))
    (outcome,) = channel.erase(operations(server, PEOPLE[:1]))
    assert (outcome.state, outcome.reason.partition(":")[0]) == ("rejected", "out of reach")


@every_list
def test_requests_hold_no_more_people_than_the_vendor_takes(start, name):
    server, channel = start(name)
    count = 2 * server.MOST + 1
    names = [f"c{number:05d}" for number in range(count)]
    assert set(states(done(channel, operations(server, names)))) == {"accepted"}
    sizes = [told for _, told in server.requests() if told]
    assert max(sizes) == server.MOST
    assert len(server.held()) == count * len(server.key(email("c0001"), phone("c0001")))


@every_fault
def test_after_a_fault_the_outcome_is_what_the_retry_table_says(start, name, fault):
    slow = {"timeout_seconds": SLOWEST} if fault == SLOW else {}
    server, channel = start(name, **slow)
    server.fail(fault, times=1 if slow else 2)
    expected = server.AFTER[fault]
    batch = operations(server, PEOPLE[:1])
    assert states(done(channel, batch)) == [expected]
    if expected == "accepted":
        assert server.held() == keys(server, PEOPLE[:1])
    elif fault == GARBLED:
        assert server.held() == set()
    if server.KIND == "messages":
        assert all(server.times(key) <= 1 for key in keys(server, PEOPLE[:1])), "never twice"


@every_list
def test_a_server_that_stays_away_leaves_it_open_and_the_next_try_does_it(start, name):
    server, channel = start(name)
    server.fail(AWAY, times=4)
    assert set(states(done(channel, operations(server, PEOPLE)))) <= {"unknown", "rejected"}
    assert states(done(channel, operations(server, PEOPLE, attempt=2))) == ["accepted"] * 5
    assert server.held() == keys(server, PEOPLE)


@pytest.mark.parametrize("name", sorted(set(SERVERS) - {"file_drop"}))  # which is one file, written or not
def test_told_to_end_it_begins_nothing_and_says_of_nobody_that_it_was_done(start, monkeypatch, name):
    server, channel = start(name)
    monkeypatch.setattr(stopping, "ASKED", asked := threading.Event())
    asked.set()
    assert channel.deliver(operations(server, PEOPLE)) == []
    assert server.held() == set()


@pytest.mark.parametrize("name", sorted(name for name in SERVERS if SERVERS[name].REFUSES))
def test_one_person_who_is_refused_is_refused_alone(start, name):
    server, channel = start(name)
    server.refuse(email("c0003"), phone("c0003"))
    outcomes = done(channel, operations(server, PEOPLE))
    assert states(outcomes) == ["accepted", "accepted", "rejected", "accepted", "accepted"]
    assert server.held() == keys(server, [one for one in PEOPLE if one != "c0003"])


@every_channel
def test_a_credential_that_has_expired_stops_everything(start, name):
    server, channel = start(name)
    server.expire()
    with pytest.raises(ChannelDown) as stopped:
        done(channel, operations(server, PEOPLE))
    assert {outcome.state for outcome in stopped.value.outcomes} <= {"rejected"}
    assert server.held() == set()


@every_channel
def test_a_destination_without_a_connection_says_which_one_is_missing(every_destination, monkeypatch, name):
    monkeypatch.delenv(f"AIRFLOW_CONN_TO_{name.upper()}", raising=False)
    with pytest.raises(ConfigError, match=f"to_{name}"):
        open_channel(f"for_{name}", name, every_destination).close()


@pytest.mark.parametrize("name", sorted(name for name in SERVERS if SERVERS[name].SECRET))
def test_a_connection_without_credentials_says_what_it_needs(start, every_destination, monkeypatch, name):
    server, _ = start(name)
    bare = {key: value for key, value in server.connection().items() if key not in ("password", "login")}
    monkeypatch.setenv(f"AIRFLOW_CONN_TO_{name.upper()}", json.dumps(bare))
    with pytest.raises(ConfigError, match=f"'to_{name}' has no "):
        open_channel(f"for_{name}", name, every_destination)


@every_channel
def test_nobody_is_named_in_addresses_logs_or_reasons(start, name, caplog):
    server, channel = start(name)
    caplog.set_level(logging.DEBUG)
    server.refuse(email("c0003"), phone("c0003"))
    batch = operations(server, PEOPLE)
    outcomes = done(channel, batch)
    if server.KIND == "members":
        outcomes += done(channel, operations(server, PEOPLE, "remove"))
    problems = channel.rehearse(batch)
    server.expire()
    with pytest.raises(ChannelDown) as stopped:
        channel.deliver(operations(server, PEOPLE, attempt=2))
    logged = [one.getMessage() for one in caplog.records if one.name != "mail.log"]  # the log of the server itself
    told = [*(one.reason for one in outcomes), *problems, str(stopped.value), repr(batch), *logged]
    told += [address for address, _ in (server.requests() if server.KIND == "members" else ())]
    secret = str(server.connection().get("password", "no password"))
    for text in told:
        assert not any(word in text for one in PEOPLE for word in (email(one), phone(one), phone(one)[1:], secret))


@every_channel
def test_the_ledger_says_what_the_server_holds_after_any_faults(start, every_destination, tmp_path, name):
    """Batches with faults drawn by a seed; what is open or refused is tried again, as the next push does."""
    from jobs.activation.push import _Push
    from jobs.activation.reconciliation import Account
    from jobs.lake.lake import Lake

    server, channel = start(name)
    chance, lake = random.Random(name), Lake(str(tmp_path / "lake"))
    faults = [fault for fault in (BUSY, AWAY, RESET, LOST, BUSY_UNTIL, GARBLED) if fault in server.AFTER]
    for attempt, names in enumerate([PEOPLE[:3], PEOPLE[3:], PEOPLE], start=1):
        server.fail(chance.choice(faults), times=chance.randint(1, 5))
        never_again = in_state(lake, "accepted", *(["unknown"] if server.KIND == "messages" else []))
        todo = operations(server, [one for one in names if one not in never_again], attempt=attempt)
        account = Account(f"for_{name}", name, DAY, members=len(todo))
        _Push(f"for_{name}", name, DAY, every_destination, lake, account).carry_out(channel, todo)
    sure, maybe, refused = (in_state(lake, state) for state in ("accepted", "unknown", "rejected"))
    assert keys(server, sure) <= server.held() <= keys(server, sure | maybe)
    assert sure | maybe | refused == set(PEOPLE)
    if server.KIND == "messages":
        assert all(server.times(key) <= 1 for key in keys(server, PEOPLE)), "never twice"


def in_state(lake, *wanted):
    rows = lake.arrow("activation/ledger").to_pylist() if lake.exists("activation/ledger") else []
    return {row["customer_id"] for row in rows if row["state"] in wanted}
