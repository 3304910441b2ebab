"""Erasing a person: nothing of them is left anywhere, and everybody else is as if they had never been here.

Costs about 90 s of processor time: each test changes a copy of a small company, some live further days.
"""

import shutil
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from jobs.cli import main
from jobs.config.wrong import CommandError
from jobs.identity.explain import find
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.privacy import access, erasure, person, receipts
from jobs.privacy.person import Who
from jobs.report import proofs
from jobs.validate import step
from tests.privacy.forgetful_company import EVA, FIRST, LATER, NEXT, Company, contacts, where_it_is
from tests.s3_server import BUCKET

BY_EMAIL = Who("email", "eva.smit@mail.example")
STATE = ("identity/map", "identity/links", "profiles/customers", "profiles/contact_points", "profiles/consent",
         "profiles/people", "journeys/touchpoints", "journeys/stages", "journeys/sessions")  # fmt: skip


@pytest.fixture(scope="module")
def key():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLANTREIS_HASH_KEY", "test-key")
        patch.delenv("KLANTREIS_HOME", raising=False)
        yield


@pytest.fixture(scope="module")
def lived(key, tmp_path_factory):
    """A company that lived a day with Eva in it."""
    company = Company(tmp_path_factory.mktemp("lived"))
    company.live()
    return company


@pytest.fixture
def company(lived, tmp_path):
    """A copy of it that a test may change."""
    return _copy(lived, tmp_path)


@pytest.fixture(scope="module")
def erased(lived, tmp_path_factory):
    """A copy of it in which Eva was erased, with the receipts."""
    company = _copy(lived, tmp_path_factory.mktemp("erased"))
    company.given = erase(company)
    return company


@pytest.fixture
def without_her(erased, tmp_path):
    """A copy of that which a test may change."""
    return _copy(erased, tmp_path)


@pytest.fixture(scope="module")
def forgotten(erased, tmp_path_factory):
    """Another copy; one test lives a day of it."""
    company = _copy(erased, tmp_path_factory.mktemp("forgotten"))
    company.given = erased.given
    return company


def _copy(company, folder: Path) -> Company:
    return _at(Path(shutil.copytree(company.home, folder / "copy")))


def _at(home: Path) -> Company:
    from jobs.config.settings import load_settings

    company = Company.__new__(Company)
    company.home, company.settings = home, load_settings(home / "config")
    return company


def erase(company, who=BY_EMAIL, **options):
    return receipts.newest(erasure.run(erasure.Request(who, "request 12", "tester", **options), company.settings))


def test_eva_was_everywhere_before(lived):
    assert {place.split("/")[1] for place in where_it_is(lived.home, *EVA)} >= {"landing", "lake"}


def test_after_it_no_file_holds_any_form_in_which_she_was_told(forgotten):
    assert where_it_is(forgotten.home / "var", *EVA) == []


def test_her_order_went_with_its_lines_which_name_nobody(forgotten):
    assert where_it_is(forgotten.home / "var", "p-only-eva-bought") == []


def test_everybody_else_is_as_if_she_had_never_been_here(forgotten, key, tmp_path_factory):
    never = Company(tmp_path_factory.mktemp("never"), eva=False)
    never.live()
    never.live(NEXT)
    forgotten.live(NEXT)
    ours, theirs = Lake.of(forgotten.settings), Lake.of(never.settings)
    differ = [name for name in STATE if _hash(ours, name) != _hash(theirs, name)]
    assert differ == []
    assert proofs.problems(forgotten.settings) == []


def _hash(lake, name):
    lineage = [c for c in ("file_id", "provenance") if c in lake.contract(name).column_names]
    return lake.content_hash(name, exclude=lineage)


def test_each_place_gives_a_sealed_receipt_that_does_not_tell_who_asked(forgotten):
    done = {one.place: (one.outcome, one.number) for one in forgotten.given}
    assert done["raw/crm_contacts"] == ("erased", 3)
    assert done["valid/contacts"] == ("erased", 1)
    assert done["quarantine/rows"] == ("erased", 1)
    assert done["valid/order_lines"] == ("erased", 1)
    assert done["landed file crm/2017-03-01/contacts.csv"] == ("erased", 3)
    assert done["landed file shop/2017-03-01/orders.csv.gz"] == ("erased", 1)
    assert done["backups"] == ("out_of_reach", 0)
    lake, request = Lake.of(forgotten.settings), forgotten.given[0].request
    assert all(sealed for _, sealed in receipts.of_request(lake, request, forgotten.settings))
    page = receipts.as_html(forgotten.given, forgotten.settings)
    assert not [value for value in EVA if value in page]


def test_files_keep_the_numbers_of_their_lines(forgotten):
    kept = (Path(forgotten.settings.landing) / "crm/2017-03-01/contacts.csv").read_text().split("\n")
    assert [number for number, line in enumerate(kept, 1) if line] == [1, 2, 3, 5, 6]


def test_a_receipt_that_was_changed_is_told(without_her):
    lake = Lake.of(without_her.settings)
    rows = lake.arrow("privacy/receipts").to_pylist()
    changed = [row | {"outcome": "nothing"} if row["place"] == "raw/crm_contacts" else row for row in rows]
    import datetime as dt

    import pyarrow as pa

    table = pa.Table.from_pylist(changed, schema=lake.contract("privacy/receipts").arrow_schema())
    lake.upsert("privacy/receipts", table, lake.transaction("forge", dt.date(2017, 3, 1)))
    found = receipts.of_request(lake, rows[0]["request"], without_her.settings)
    assert [one.place for one, sealed in found if not sealed] == ["raw/crm_contacts"]


def test_an_old_file_that_is_loaded_again_does_not_bring_her_back(without_her):
    company = without_her
    company.live()
    for day, name in ((NEXT, "contacts_again.csv"), (LATER, "contacts_once_more.csv")):
        company.land("crm", day, name, contacts(eva=True))
        assert company.live(day)["keep_out"]["lines"] == 3
    assert where_it_is(company.home / "var", *EVA) == []
    assert proofs.problems(company.settings) == []
    again = [row for row in Lake.of(company.settings).arrow("privacy/receipts").to_pylist()
             if row["because"].startswith("came again")]  # fmt: skip
    assert {row["place"] for row in again} >= {"raw/crm_contacts", "landed file crm/2017-03-02/contacts_again.csv"}


def test_a_file_that_is_loaded_while_she_is_erased_does_not_bring_her_back(company, monkeypatch):
    company.land("crm", NEXT, "contacts_again.csv", contacts(eva=True))
    taken_off = erasure.destinations.take_off

    def meanwhile(*about):
        load.run("crm", NEXT, company.settings)
        step.run("crm", NEXT, company.settings)
        return taken_off(*about)

    monkeypatch.setattr(erasure.destinations, "take_off", meanwhile)
    erase(company)
    assert where_it_is(company.home / "var", *EVA) == []


def test_who_asks_to_come_back_comes_back(without_her):
    company = without_her
    found = person.resolved(BY_EMAIL, company.settings)
    assert person.readmit(found, Lake.of(company.settings), company.settings) >= 3
    company.land("crm", NEXT, "contacts_again.csv", contacts(eva=True))
    company.live(NEXT)
    assert find(company.settings, "email", "eva.smit@mail.example").startswith("c")


def test_a_second_request_finds_nothing_left(without_her, erased):
    company = without_her
    done = erase(company)
    assert done[0].request == erased.given[0].request
    again = erasure.run(erasure.Request(BY_EMAIL, "again", "tester"), company.settings)
    erased = {one.place for one in again if one.because == "again" and one.outcome == "erased"}
    assert erased <= {"earlier versions of tables"}


def test_a_request_that_was_killed_is_done_by_repeating_it(company, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    for last in ("lines", "person", "forget_versions"):
        with monkeypatch.context() as patch:
            patch.setattr(f"jobs.privacy.tables.Eraser.{last}", die)
            with pytest.raises(Killed):
                erase(company)
    erase(company)
    assert where_it_is(company.home / "var", *EVA) == []
    assert proofs.problems(company.settings) == []


def test_a_request_for_nobody_or_for_many_is_refused(company):
    with pytest.raises(CommandError, match="there is nothing to erase"):
        erase(company, Who("email", "dora@mail.example"))
    with pytest.raises(CommandError, match="there is nothing to erase"):
        erase(company, Who("customer", "c0000000000000000"))
    with pytest.raises(CommandError, match="identifies nobody"):
        erase(company, Who("email", "unknown"))
    assert where_it_is(company.home / "var", "ann@mail.example")


def test_people_see_everything_that_is_known_of_them(lived):
    told = access.data_of(BY_EMAIL, lived.settings)
    assert [row["total"] for row in told["received/shop/orders"]] == ["35.00"]
    assert {row["id"] for row in told["received/crm/contacts"]} == {"3", "5", "6"}
    assert [row["last_name"] for row in told["profiles/customers"]] == ["Smit"]
    page = access.as_html(told, lived.settings)
    assert "p-only-eva-bought" in page
    assert "ann@mail.example" not in page


def test_of_two_people_who_were_merged_wrongly_one_is_erased(key, tmp_path):
    company = Company(tmp_path, eva=False)
    rows = ["id,updated,email,phone,first,last,born,card,kind", "7,2017-02-01 10:00:00,gus@mail.example,,,,,LOYAL-9,",
            "8,2017-02-01 10:00:00,hans@mail.example,,,,,LOYAL-9,"]  # fmt: skip
    company.land("crm", FIRST, "contacts_two.csv", "\n".join(rows) + "\n")
    company.live()
    both = find(company.settings, "email", "gus@mail.example")
    assert find(company.settings, "email", "hans@mail.example") == both

    erase(company, Who("contact", "7", "crm", only_record=True))

    assert where_it_is(company.home / "var", "gus@mail.example") == []
    profile = {row["customer_id"]: row for row in Lake.of(company.settings).arrow("profiles/customers").to_pylist()}
    assert profile[find(company.settings, "email", "hans@mail.example")]["records"] == ["crm:8"]
    assert proofs.problems(company.settings) == []


def test_the_commands_erase_show_and_export(company, tmp_path, wide_screen, capsys):
    app, config = CliRunner(), ["--config", str(company.settings.folder)]
    told = app.invoke(
        main.app, ["export", "person", "--email", "eva.smit@mail.example", "--to", f"{tmp_path}/e.json", *config]
    )
    assert told.exit_code == 0, told.output
    assert "Smit" in (tmp_path / "e.json").read_text()
    assert (tmp_path / "e.json").stat().st_mode & 0o077 == 0
    asked = ["erase", "--email", "eva.smit@mail.example", "--because", "request 12", *config]
    assert app.invoke(main.app, asked, input="n\n").exit_code == 1
    done = app.invoke(main.app, [*asked, "--yes", "--receipt", f"{tmp_path}/receipt.html"])
    assert done.exit_code == 0, done.output
    assert not [value for value in EVA if value in done.output + (tmp_path / "receipt.html").read_text()]
    request = Lake.of(company.settings).arrow("privacy/receipts")["request"][0].as_py()
    assert app.invoke(main.app, ["privacy", "receipts", request, *config]).exit_code == 0
    assert app.invoke(main.app, ["privacy", "readmit", "--email", "eva.smit@mail.example", *config]).exit_code == 0


MOVED = ("raw/crm_contacts/", "valid/contacts/", "quarantine/rows/", "ops/", "identity/")
NOT_OURS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_PROFILE")


@pytest.fixture
def bucket(s3_environment, monkeypatch):
    for name in NOT_OURS:
        monkeypatch.delenv(name, raising=False)
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    return boto3.resource("s3", endpoint_url=s3_environment["AWS_ENDPOINT_URL"]).Bucket(BUCKET)


@pytest.fixture
def on_s3(company, bucket):
    """The company with what its CRM brought, and who is who, moved to a real S3 server; other tables are gone."""
    lake, settings = company.home / "var" / "lake", company.home / "config" / "settings.yaml"
    for path in [path for path in lake.rglob("*") if path.is_file()]:
        if path.relative_to(lake).as_posix().startswith(MOVED):
            bucket.upload_file(str(path), f"forgetful/{path.relative_to(lake)}")
        path.unlink()
    settings.write_text(settings.read_text().replace("lake: var/lake", f"lake: s3://{BUCKET}/forgetful"))
    return _at(company.home)


def test_of_a_lake_on_s3_no_object_holds_her_any_more_and_everybody_else_is_still_there(on_s3, bucket, tmp_path):
    def held(name):
        (tmp_path / name).mkdir()
        for one in bucket.objects.filter(Prefix="forgetful/"):
            bucket.download_file(one.key, str(tmp_path / name / one.key.replace("/", "|")))
        return where_it_is(tmp_path / name, *EVA)

    assert len(held("before")) > 10
    done = {one.place: (one.outcome, one.number) for one in erase(on_s3)}
    assert (done["raw/crm_contacts"], done["valid/contacts"]) == (("erased", 3), ("erased", 1))
    assert held("after") == []
    left = Lake.of(on_s3.settings).arrow("valid/contacts", columns=["first_name"])["first_name"].to_pylist()
    assert sorted(left) == ["Ann", "Bob", "Cor"]
