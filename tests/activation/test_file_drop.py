"""Lists as files in a folder: whole or not there, and without who asked to be forgotten. Costs 3 s."""

import csv
import json

import asyncssh
import pytest

from jobs.activation.channel import ChannelDown, Operation, Recipient
from jobs.activation.channels.types import open_channel, problems
from jobs.config.yaml_files import ConfigError
from tests.activation.small_company import AUDIENCE, email, phone
from tests.s3_server import BUCKET, KEY, SECRET
from tests.servers.base import sha256
from tests.sftp_server import SftpServer


@pytest.fixture
def drop(settings, tmp_path):
    """`drop(format="jsonl")` is a channel that writes to the folder `out`."""
    (tmp_path / "out").mkdir()

    def begin(list_id="vips", connection="none", **options):
        told = {
            "type": "file_drop",
            "channel": "ads",
            "connection": connection,
            "options": {"to": str(tmp_path / "out")} | options,
        }
        audience = {
            "audience": "vips",
            "title": "T",
            **AUDIENCE,
            "purpose": "ads",
            "send_to": {"files": {"list_id": list_id}},
        }
        loaded = settings({"destinations.yaml": {"destinations": {"files": told}}, "audiences/vips.yaml": audience})
        return loaded, open_channel("vips", "files", loaded)

    return begin


def change(action, *names):
    return [Operation(f"{action}{n}", n, action, 1, "", Recipient((email(n),), (phone(n),))) for n in names]


def files(tmp_path):
    return {path.name.partition("-")[0]: path for path in (tmp_path / "out" / "vips").iterdir()}


def test_a_change_is_one_csv_file_with_a_row_for_each_address_and_number(drop, tmp_path):
    _, channel = drop()
    channel.deliver(change("add", "c0001"))
    with files(tmp_path)["add"].open() as file:
        assert list(csv.reader(file)) == [
            ["customer_id", "kind", "value"],
            ["c0001", "email", sha256(email("c0001"))],
            ["c0001", "phone", sha256(phone("c0001"))],
        ]


def test_addresses_as_they_are_can_be_had_as_json_lines(drop, tmp_path):
    _, channel = drop(format="jsonl", spelling="plain")
    channel.deliver(change("remove", "c0001"))
    first = files(tmp_path)["remove"].read_text().splitlines()[0]
    assert json.loads(first) == {"customer_id": "c0001", "kind": "email", "value": email("c0001")}


def test_who_asks_to_be_forgotten_is_cut_out_of_the_files_that_still_lie_there(drop, tmp_path):
    _, channel = drop()
    channel.deliver(change("add", "c0001", "c0002"))
    channel.deliver(change("remove", "c0001"))
    channel.erase(change("remove", "c0001"))
    found = files(tmp_path)
    assert sorted(found) == ["add", "erase"], "the file about nobody else is gone"
    assert {row["customer_id"] for row in csv.DictReader(found["add"].open())} == {"c0002"}
    assert {row["customer_id"] for row in csv.DictReader(found["erase"].open())} == {"c0001"}


def test_a_file_that_could_not_be_finished_is_not_there(drop, tmp_path, monkeypatch):
    _, channel = drop()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Exception, match="the place of the files answers OSError"):
        channel.deliver(change("add", "c0001"))
    assert not list((tmp_path / "out" / "vips").glob("[!.]*"))


def test_files_reach_a_real_s3_server_and_a_wrong_secret_reaches_nothing(drop, s3_environment, monkeypatch):
    extra = {"endpoint_url": s3_environment["AWS_ENDPOINT_URL"], "region_name": "us-east-1"}
    keys = {"login": KEY, "password": SECRET, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_DROPS", json.dumps(keys))
    _, channel = drop(to=f"s3://{BUCKET}/drops", connection="drops")
    assert [one.state for one in channel.deliver(change("add", "c0001", "c0002"))] == ["accepted"] * 2
    assert [one.state for one in channel.erase(change("remove", "c0001"))] == ["accepted"]
    names = list(channel._place.names("vips"))
    (added,) = (name for name in names if name.startswith("vips/add-"))
    assert sha256(email("c0001")) not in channel._place.get(added).decode()
    assert sha256(email("c0002")) in channel._place.get(added).decode()

    monkeypatch.setenv("AIRFLOW_CONN_DROPS", json.dumps({**keys, "password": "wrong"}))
    _, thief = drop(to=f"s3://{BUCKET}/drops", connection="drops")
    with pytest.raises(ChannelDown, match="the place of the files answers 403 SignatureDoesNotMatch"):
        thief.deliver(change("add", "c0003"))


def test_of_two_files_of_a_list_the_name_says_which_came_later_and_a_repeated_one_keeps_its_own(drop, tmp_path):
    _, channel = drop()
    ahead = tmp_path / "out" / "vips" / f"add-29990101T000000000000Z-{'a' * 32}.csv"  # a clock that was wrong
    ahead.parent.mkdir()
    ahead.write_text("customer_id,kind,value\n")
    for action, name in (("add", "c0001"), ("remove", "c0001"), ("add", "c0002"), ("add", "c0001")):
        channel.deliver(change(action, name))
    taken = sorted((path.name.split("-")[1], path.name.split("-")[0]) for path in ahead.parent.iterdir())
    assert taken == [(f"29990101T00000000000{n}Z", action) for n, action in enumerate(("add", "add", "remove", "add"))]


@pytest.fixture
def sftp(tmp_path):
    (tmp_path / "there" / "in").mkdir(parents=True)
    server = SftpServer(tmp_path / "there").start()
    yield server
    server.stop()


def test_files_reach_a_real_sftp_server_whole_also_after_the_line_was_cut(drop, sftp, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_DROPS", json.dumps(sftp.connection()))
    _, channel = drop(to="sftp://in", connection="drops", tries=3)
    assert channel.rehearse(change("add", "c0001")) == []
    assert [one.state for one in channel.deliver(change("add", "c0001", "c0002"))] == ["accepted"] * 2
    sftp.cut()
    assert [one.state for one in channel.erase(change("remove", "c0001"))] == ["accepted"]
    found = {path.name.partition("-")[0]: path.read_text() for path in (sftp.folder / "in" / "vips").iterdir()}
    assert sorted(found) == ["add", "erase"], "nothing half-written is left"
    assert (sha256(email("c0001")) in found["add"], sha256(email("c0002")) in found["add"]) == (False, True)
    assert sha256(email("c0001")) in found["erase"]
    channel.close()


def test_a_server_that_is_another_or_lets_nobody_in_gets_nothing(drop, sftp, monkeypatch):
    def told(to="sftp://in", **other):
        monkeypatch.setenv("AIRFLOW_CONN_DROPS", json.dumps(sftp.connection(**other)))
        _, channel = drop(to=to, connection="drops", tries=2, timeout_seconds=20)
        with pytest.raises(ChannelDown) as error:
            channel.deliver(change("add", "c0001"))
        channel.close()
        return str(error.value).partition(";")[0].partition("answers ")[2]

    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    assert told(extra={"host_key": stranger}) == "HostKeyNotVerifiable"
    assert sftp.tried == [], "it was not even shown the password"
    assert told(password="wrong") == "PermissionDenied"
    assert told(to="sftp:///nowhere") == "SFTPNoSuchFile"
    assert list((sftp.folder / "in").iterdir()) == []
    for extra, words in (({}, "needs host_key in `extra`"), ({"host_key": "ssh-ed25519 x"}, "is no key")):
        monkeypatch.setenv("AIRFLOW_CONN_DROPS", json.dumps(sftp.connection(extra=extra)))
        with pytest.raises(ConfigError, match=words):
            drop(to="sftp://in", connection="drops")


def test_a_list_that_would_leave_the_folder_is_told_by_check(drop):
    loaded, _ = drop(list_id="../elsewhere")
    assert problems(loaded) == [
        "audience vips: send_to.files.list_id '../elsewhere' is the name of a folder: letters, digits, . _ -"
    ]
