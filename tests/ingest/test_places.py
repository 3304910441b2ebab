"""Files land in a folder or in an S3 bucket; either way each is read whole, and a wrong secret gets nowhere."""

import datetime as dt
import json
import os
import re
import socket

import boto3
import pytest

from jobs.errors import StepFailed
from jobs.ingest import load
from jobs.ingest.landing import places
from jobs.ingest.landing.places import Bucket, Changed, Folder, place_of
from jobs.lake.lake import Lake
from tests.ingest.api_server import TOKEN, api_server
from tests.ingest.crm_company import CONTACTS
from tests.s3_server import BUCKET, KEY, SECRET

DAY = dt.date(2024, 5, 1)
HEADER = "id,updated,email,name,born\n"
AWS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION")


@pytest.fixture
def server(s3_environment):
    return s3_environment["AWS_ENDPOINT_URL"]


@pytest.fixture
def prefix(request):
    return re.sub(r"[^a-z0-9]", "-", request.node.name)


@pytest.fixture
def bucket(server, prefix, monkeypatch):
    """The test's own client, which puts files below `prefix`; the code under test has only its connection."""
    for name in (*AWS, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    login(monkeypatch, server)
    keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1", **keys)

    def put(path, content):
        client.put_object(Bucket=BUCKET, Key=f"{prefix}/{path}", Body=content.encode())

    put.delete = lambda path: client.delete_object(Bucket=BUCKET, Key=f"{prefix}/{path}")
    return put


def login(monkeypatch, server, key=KEY, secret=SECRET):
    extra = {"endpoint_url": server, "region_name": "us-east-1"}
    values = {"conn_type": "aws", "login": key, "password": secret, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LANDING", json.dumps(values))


@pytest.fixture
def remote(settings, prefix):
    """A company whose source lands in the bucket; its lake is a folder."""
    return settings({"sources/crm.yaml": {**CONTACTS, "folder": f"s3://{BUCKET}/{prefix}", "connection": "landing"}})


def test_files_in_a_bucket_are_loaded_once_with_etag_size_and_moment(remote, bucket, prefix):
    bucket("2024-05-01/contacts.csv", HEADER + "1,2024-05-01,,Ann,\n")
    bucket("2024-05-01/contacts.csv.part", HEADER)
    bucket("2024-05-02/contacts.csv", HEADER + "2,2024-05-01,,Bo,\n")
    assert load.run("crm", DAY, remote)["loaded"] == 1
    assert load.run("crm", DAY, remote)["files"] == 0
    (file,) = Lake.of(remote).arrow("ops/files").to_pylist()
    assert file["path"] == f"s3://{BUCKET}/{prefix}/2024-05-01/contacts.csv"
    assert file["size"] == len(HEADER) + 19
    assert re.fullmatch(r"[0-9a-f]{32}(-\d+)?", file["version"])
    assert abs(dt.datetime.now(dt.UTC) - file["modified"]) < dt.timedelta(minutes=5)


def test_a_listing_longer_than_a_page_is_read_to_its_end(remote, bucket, prefix):
    place = Bucket(f"s3://{BUCKET}/{prefix}", "landing", "")
    place._client.meta.events.register(
        "provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 3}
    )
    for number in range(10):
        bucket(f"{number}.csv", "x")
    bucket("sub/", "")
    assert [file.path for file in place.listing()] == [f"{number}.csv" for number in range(10)]


def test_a_replaced_object_is_seen_by_its_etag(remote, bucket):
    bucket("2024-05-01/contacts.csv", HEADER + "1,2024-05-01,,Ann,\n")
    load.run("crm", DAY, remote)
    bucket("2024-05-01/contacts.csv", HEADER + "1,2024-05-01,,Bob,\n")
    assert load.run("crm", DAY, remote)["loaded"] == 1
    bucket.delete("2024-05-01/contacts.csv")
    bucket("2024-05-01/other.csv", "")
    load.run("crm", DAY, remote)
    assert sorted(Lake.of(remote).arrow("ops/file_events")["event"].to_pylist()) == ["replaced", "withdrawn"]


def test_an_object_replaced_or_removed_after_the_listing_is_not_read(remote, bucket, prefix):
    bucket("a.csv", "one")
    bucket("b.csv", "two")
    place = Bucket(f"s3://{BUCKET}/{prefix}", "landing", "")
    first, second = place.listing()
    bucket("a.csv", "new")
    bucket.delete("b.csv")
    for file in (first, second):
        with pytest.raises(Changed), place.open(file) as stream:
            stream.read(10)


def test_the_landing_root_can_be_a_bucket_reached_by_the_environment(settings, bucket, server, prefix, monkeypatch):
    general = {"company": "Test", "landing": f"s3://{BUCKET}/{prefix}", "lake": "var/lake"}
    company = settings({"settings.yaml": general, "sources/crm.yaml": CONTACTS})
    bucket("crm/2024-05-01/contacts.csv", HEADER + "1,2024-05-01,,Ann,\n")
    with pytest.raises(StepFailed, match="no keys for S3; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        load.run("crm", DAY, company)
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    assert load.run("crm", DAY, company)["loaded"] == 1
    assert Lake.of(company).arrow("ops/files")["path"].to_pylist() == ["crm/2024-05-01/contacts.csv"]


def refusal(company, *hidden):
    with pytest.raises(StepFailed) as error:
        load.run("crm", DAY, company)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("source 'crm': s3://")
    assert not [text for text in (SECRET, *hidden) if text in str(error.value)]
    return str(error.value)


def test_wrong_keys_are_refused_with_one_clear_message(remote, bucket, server, monkeypatch):
    bucket("2024-05-01/contacts.csv", HEADER)
    login(monkeypatch, server, secret="wr0ng-secret")
    message = refusal(remote, "wr0ng-secret")
    assert "refuses the keys (SignatureDoesNotMatch); correct connection 'landing'" in message
    login(monkeypatch, server, key="wr0ng-key")
    assert "refuses the keys (InvalidAccessKeyId)" in refusal(remote)


def test_keys_that_expire_during_a_wait_are_replaced_by_those_the_connection_has_by_then(
    remote, bucket, server, prefix, monkeypatch, tmp_path
):
    content = tmp_path / "content"
    content.write_text("x")
    monkeypatch.setattr(places, "KEYS_LAST", -1)  # whatever time went by, it was too long
    login(monkeypatch, server, secret="expired")
    place = place_of(f"s3://{BUCKET}/{prefix}", "landing", "")
    with pytest.raises(StepFailed, match="SignatureDoesNotMatch"):
        place.put("file.csv", content)
    login(monkeypatch, server)
    place.put("file.csv", content)
    assert [file.path for file in place.listing()] == ["file.csv"]


def test_a_missing_bucket_prefix_or_server_is_refused_with_one_clear_message(
    settings, remote, bucket, server, monkeypatch
):
    assert "nothing has this prefix" in refusal(remote)
    config = {**CONTACTS, "folder": "s3://no-such-bucket/x", "connection": "landing"}
    assert "there is no bucket 'no-such-bucket'" in refusal(settings({"sources/crm.yaml": config}))
    monkeypatch.delenv("AIRFLOW_CONN_LANDING")
    with pytest.raises(StepFailed, match="connection 'landing' is not known"):
        load.run("crm", DAY, remote)
    login(monkeypatch, "http://127.0.0.1:1")
    assert "cannot be reached or broke off (EndpointConnectionError)" in refusal(remote)


def test_what_is_put_is_there_whole_under_its_final_name(remote, bucket, prefix, tmp_path):
    content = tmp_path / "content"
    content.write_bytes(b"x" * 100)
    for place in (Bucket(f"s3://{BUCKET}/{prefix}", "landing", ""), Folder(str(tmp_path / "place"), "")):
        place.put("2024-05-01/.a.gz", content)
        assert [(file.path, file.size) for file in place.listing()] == [("2024-05-01/.a.gz", 100)]
        place.rename("2024-05-01/.a.gz", "2024-05-01/a.gz")
        assert [(file.path, file.size) for file in place.listing()] == [("2024-05-01/a.gz", 100)]
        place.remove("2024-05-01/a.gz")
        place.remove("2024-05-01/a.gz")
        assert place.listing(may_be_empty=True) == []


def test_a_file_that_grows_while_it_is_read_or_is_gone_is_changed(tmp_path):
    (tmp_path / "a.csv").write_text("one")
    place = Folder(str(tmp_path), "")
    (file,) = place.listing()
    with pytest.raises(Changed), place.open(file) as stream:  # noqa: PT012
        (tmp_path / "a.csv").write_text("one and more")
        stream.read(100)
    (file,) = place.listing()
    same_size, moment = "ONE AND MORE", (tmp_path / "a.csv").stat().st_mtime_ns
    with pytest.raises(Changed), place.open(file) as stream:  # noqa: PT012
        stream.read(100)
        (tmp_path / "a.csv").write_text(same_size)
        os.utime(tmp_path / "a.csv", ns=(moment, moment + 1_000_000))
    (file,) = place.listing()
    (tmp_path / "a.csv").unlink()
    with pytest.raises(Changed), place.open(file):
        pass


def test_a_replacement_moved_over_a_file_while_it_is_read_is_changed(tmp_path):
    (tmp_path / "a.csv").write_text("one")
    place = Folder(str(tmp_path), "")
    (file,) = place.listing()
    with pytest.raises(Changed), place.open(file) as stream:  # noqa: PT012
        (tmp_path / "b.csv").write_text("two")
        os.utime(tmp_path / "b.csv", ns=(0, 0))
        (tmp_path / "b.csv").replace(tmp_path / "a.csv")
        stream.read(100)


def test_links_to_folders_are_followed_but_never_in_circles(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.csv").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "up").symlink_to(tmp_path)
    assert sorted(file.path for file in Folder(str(tmp_path), "").listing()) == ["link/a.csv", "real/a.csv"]


def test_a_source_may_be_a_link_to_a_folder_elsewhere(tmp_path):
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "a.csv").write_text("x")
    (tmp_path / "crm").symlink_to(tmp_path / "share")
    assert [file.path for file in Folder(str(tmp_path / "crm"), "").listing()] == ["a.csv"]


def test_what_cannot_or_must_not_be_read_is_told_and_the_rest_is(tmp_path, caplog, monkeypatch):
    landing, secret = tmp_path / "landing", tmp_path / "secret.csv"
    landing.mkdir()
    secret.write_text("id\n1\n")
    (landing / "fine\u00a0é \u3000.csv").write_text("id\n2\n")
    (landing / "out.csv").symlink_to(secret)
    (landing / "far").symlink_to(tmp_path)
    (landing / "near.csv").symlink_to(landing / "fine\u00a0é \u3000.csv")
    (landing / "dead.csv").symlink_to(landing / "gone.csv")
    os.mkfifo(landing / "pipe.csv")
    server = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(landing)
    server.bind("socket.csv")
    server.close()
    (landing / "folder.csv").mkdir()
    (landing / "two\nlines.csv").write_text("id\n3\n")
    with open(os.fsencode(landing) + b"/latin-\xe9.csv", "w") as file:
        file.write("id\n4\n")
    found = [file.path for file in Folder(str(landing), "").listing()]
    assert sorted(found) == ["fine\u00a0é \u3000.csv", "near.csv"]
    told = {message.removeprefix(f"{landing}/") for message in caplog.messages}
    assert told == {
        "out.csv is not read: it is a link to outside of the landing folder; land the file itself",
        "far is not read: it is a link to outside of the landing folder; land the file itself",
        "dead.csv is not read: it is a link to nothing; land the file itself",
        "pipe.csv is not read: it is neither a file nor a folder",
        "socket.csv is not read: it is neither a file nor a folder",
        "folder.csv is a folder: each file in it is a file of its own",
        "two\\nlines.csv is not read: it has a name with signs that cannot be shown; rename it",
        "latin-\\udce9.csv is not read: it has a name with signs that cannot be shown; rename it",
    }


def test_what_is_pulled_lands_in_a_bucket_as_in_a_folder(settings, bucket, server, prefix, monkeypatch):
    environment = {"AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    for name, value in {**environment, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    columns = {"response_id": "id", "question_id": "q", "answered_at": "at", "kind": "'text'"}
    answers = {"request": {"path": "/items"}, "columns": columns}
    source = {"source": "crm", "group": "survey", "connection": "tool", "datasets": {"survey_responses": answers}}
    general = {"company": "Test", "landing": f"s3://{BUCKET}/{prefix}", "lake": "var/lake"}
    company = settings({"settings.yaml": general, "sources/crm.yaml": source})
    with api_server() as api:
        extra = {"token_header": "X-API-TOKEN"}
        monkeypatch.setenv("AIRFLOW_CONN_TOOL", json.dumps({"host": api.url, "password": TOKEN, "extra": extra}))
        assert load.run("crm", DAY, company)["files"] == 0
        api.records = ['{"id": "1", "q": "1"}']
        assert load.run("crm", DAY, company)["rows_in"] == 1
        assert load.run("crm", DAY, company)["pulled"] == 0
    (path,) = Lake.of(company).arrow("ops/files")["path"].to_pylist()
    (found,) = Bucket(f"s3://{BUCKET}/{prefix}", "", "").listing()
    assert path == found.path
    assert re.fullmatch(r"crm/2024-05-01/survey_responses-start-\w+-[0-9a-f]{8}\.jsonl\.gz", path)
