"""A customer is explained by records, links and days, and a steward's decision is one command."""

import csv
import datetime as dt
import json
import shutil
import sys
from pathlib import Path

import pytest

from jobs.cli.main import main
from jobs.config.decisions import Decision
from jobs.config.settings import load_settings
from jobs.errors import DecisionRefused
from jobs.identity import identity, size_cap
from jobs.identity.stewards import answers as steward_answers
from jobs.lake.lake import Lake
from tests.company import loaded
from tests.identity.explained_company import (  # noqa: F401
    FILES,
    LAST,
    arrive,
    company,
    customer_of,
    live,
    waiting_pairs,
)
from tests.profiles.two_weeks import TABLES
from tests.table_rows import table_rows


@pytest.fixture(scope="module")
def last_day(tmp_path_factory):
    """A lake after the last day, from which each test gets its own."""
    with loaded(tmp_path_factory.mktemp("company"), FILES) as settings:
        return Path(live(arrive(settings)).lake)


@pytest.fixture
def lived(settings, last_day):
    """The company after its last day."""
    found = settings(FILES)
    shutil.copytree(last_day, found.lake)
    return found


@pytest.fixture
def klantreis(tmp_path, monkeypatch, capsys, wide_screen):
    def run(*arguments):
        monkeypatch.setenv("KLANTREIS_CONFIG", str(tmp_path / "config"))
        monkeypatch.setattr(sys, "argv", ["klantreis", *arguments])
        capsys.readouterr()
        try:
            with pytest.raises(SystemExit) as ended:
                main()
            code = ended.value.code
        finally:
            shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def explained(klantreis, *arguments):
    code, output, errors = klantreis("explain", "--json", *arguments)
    assert (code, errors) == (0, "")
    return json.loads(output)


class TestExplain:
    def test_a_customer_is_its_records_links_and_days(self, lived, klantreis):
        found = explained(klantreis, "--source", "shop", "--record", "9")
        assert found["customer"] == customer_of(lived, "contact", "crm:1")
        assert found["as_of"] == "2017-01-03"
        assert found["records"] == [
            {"record": "crm:1", "first_seen": "2017-01-01"},
            {"record": "shop:9", "first_seen": "2017-01-03"},
        ]
        assert [(row["kind"], row["sources"]) for row in found["identifiers"]] == [
            ("email", ["crm", "shop"]),
            ("login", ["shop"]),
        ]
        between = [row for row in found["links"] if (row["left"], row["right"]) == ("crm:1", "shop:9")]
        assert [(row["rule"], row["first_seen"], row["until"]) for row in between] == [("email", "2017-01-03", None)]
        assert {row["state"] for row in found["links"]} == {"used"}
        assert [(row["day"], row["type"]) for row in found["events"]] == [("2017-01-01", "created")]
        assert [(row["purpose"], row["channel"], row["status"]) for row in found["consent"]] == [
            ("marketing", "email", "granted")
        ]

    def test_values_are_shown_only_on_request(self, lived, klantreis):
        asked = ("--source", "crm", "--record", "1")
        hidden, shown = klantreis("explain", *asked)[1], klantreis("explain", *asked, "--show-values")[1]
        for value in ("ann@x.nl", "Ann", "Bos"):
            assert value not in hidden
            assert value in shown
        golden = {row["attribute"]: row for row in explained(klantreis, *asked, "--show-values")["golden"]}
        assert golden["first_name"]["value"] == "Ann"
        assert (golden["first_name"]["source"], golden["first_name"]["record"]) == ("crm", "1")
        assert "value" not in explained(klantreis, *asked)["golden"][0]

    def test_an_address_finds_its_customer_however_it_is_spelled(self, lived, klantreis):
        by_mail = explained(klantreis, "--email", " ANN@x.nl")
        assert by_mail["customer"] == customer_of(lived, "email", "ann@x.nl")
        assert "ann@x.nl" not in json.dumps(by_mail)

    def test_what_links_nobody_is_told(self, lived, klantreis):
        (phone,) = explained(klantreis, "--source", "crm", "--record", "2")["set_aside"]
        assert (phone["kind"], phone["reason"], phone["since"]) == ("phone", "disputed", "2017-01-01")

    def test_links_that_gave_way_because_a_customer_grew_too_large_are_told(self, company, settings, klantreis):  # noqa: F811
        identity_yaml = {"golden_record": {}, "purposes": {}, "largest_customer": 2}
        small = settings(FILES | {"identity.yaml": identity_yaml})
        lake = Lake.of(small)
        third = {"contact_id": "4", "source": "crm", "email": "ann@x.nl", "updated_at": "2017-01-03"}
        arrived = third | {"arrived": "2017-01-03", "file_id": "late", "line": 1}
        lake.append("valid/contacts", table_rows("valid/contacts", arrived), lake.transaction("late", LAST))
        live(small)
        found = explained(klantreis, "--source", "crm", "--record", "1")
        assert [row["record"] for row in found["records"]] == ["crm:1"]
        gone = {(row["state"], row["rule"], row["until"], row["reason"]) for row in found["kept_out"]}
        assert gone == {("cut", "email", "2017-01-03", size_cap.REASON)}
        assert [(row["kind"], row["reason"]) for row in found["set_aside"]] == [("email", "too_many_records")]
        assert size_cap.REASON in klantreis("explain", "--source", "crm", "--record", "1")[1]

    def test_an_unknown_customer_is_an_error_that_says_how_to_find_one(self, lived, klantreis):
        code, _, errors = klantreis("explain", "cffff")
        assert code == 2
        assert "there is no customer cffff; find one with --source and --record, --email or --phone" in errors

    def test_an_unknown_address_is_not_repeated(self, lived, klantreis):
        code, output, errors = klantreis("explain", "--email", "eve@x.nl")
        assert code == 2
        assert "no email with this value has arrived" in errors
        assert "eve@x.nl" not in output + errors

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ((), "name one customer"),
            (("c1", "--email", "a@x.nl"), "name one customer"),
            (("--record", "1"), "--source and --record belong together"),
            (("--source", "crn", "--record", "1"), "--source: unknown source 'crn'; did you mean 'crm'?"),
            (("--email", "nobody"), "this email identifies nobody"),
        ],
    )
    def test_a_question_that_names_nobody_is_refused(self, lived, klantreis, arguments, told):
        code, _, errors = klantreis("explain", *arguments)
        assert code == 2
        assert told in errors

    def test_an_id_that_was_merged_leads_to_the_customer_it_is_part_of(self, lived, klantreis):
        before = {customer_of(lived, "contact", name) for name in ("crm:1", "crm:2")}
        assert klantreis("review", "decide", "crm:1", "crm:2", "same", "--because", "one person, two names")[0] == 0
        settings = live(load_settings(lived.folder))
        kept = customer_of(settings, "contact", "crm:1")
        (asked,) = before - {kept}
        found = explained(klantreis, asked)
        assert (found["customer"], found["asked"]) == (kept, asked)
        assert {row["record"] for row in found["records"]} == {"crm:1", "crm:2", "shop:9"}
        assert [row["rule"] for row in found["links"] if row["rule"] == "steward"] == ["steward"]
        assert [row["effect"] for row in found["decisions"]] == ["merged"]
        assert (
            f"{asked} became part of {kept} on 2017-01-03, by email, login, steward." in klantreis("explain", asked)[1]
        )


class TestReview:
    def test_pairs_are_listed_without_values_and_leave_the_list_when_decided(self, lived, klantreis):
        waiting_pairs(lived, ("crm:1", "crm:2", 0.61))
        listed = klantreis("review", "list")[1]
        assert "crm:1" in listed
        assert "family: near, given: other" in listed
        assert "Bos" not in listed
        assert "Bos" in klantreis("review", "list", "--show-values")[1]
        assert klantreis("review", "decide", "crm:2", "crm:1", "different", "--because", "two people")[0] == 0
        assert "Nothing to review." in klantreis("review", "list")[1]

    def test_a_pair_that_is_one_customer_already_needs_no_decision(self, lived, klantreis):
        waiting_pairs(lived, ("crm:1", "shop:9", 0.7))
        assert "Nothing to review." in klantreis("review", "list")[1]

    def test_a_decision_is_a_line_in_the_configuration(self, lived, klantreis):
        decided = klantreis(
            "review", "decide", "crm:2", "shop:9", "different", "--because", "no, she said", "--by", "ann"
        )
        assert decided[0] == 0
        with (lived.folder / "decisions" / "review.csv").open(newline="") as file:
            (row,) = csv.DictReader(file)
        assert list(row.values()) == ["crm", "2", "shop", "9", "different", "ann", "2017-01-03", "no, she said"]
        again = klantreis("review", "decide", "crm:2", "shop:9", "different", "--because", "no", "--by", "ann")
        assert "This is decided already" in again[1]
        assert len(load_settings(lived.folder).decisions) == 1

    def test_a_decision_that_contradicts_another_is_refused(self, lived, klantreis):
        klantreis("review", "decide", "crm:1", "crm:2", "different", "--because", "x")
        code, _, errors = klantreis("review", "decide", "crm:2", "crm:1", "same", "--because", "y")
        assert code == 2
        assert "decided same, but" in errors
        assert "review.csv:2 keeps them apart" in errors
        assert len(load_settings(lived.folder).decisions) == 1

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("crm1", "crm:2", "same", "--because", "x"), "a record is written as source:id"),
            (("crm:1", "crm:2", "maybe", "--because", "x"), "unknown decision 'maybe'"),
            (("crm:1", "crm:2", "same", "--because", " "), "because"),
            (("crm:1", "crn:2", "same", "--because", "x"), "unknown source 'crn'; did you mean 'crm'?"),
            (("crm:1", "crm:2", "same", "--because", "x", "--on", "1-2-2017"), "--on: '1-2-2017' is not a day"),
        ],
    )
    def test_what_is_no_decision_is_refused(self, company, klantreis, arguments, told):  # noqa: F811
        code, _, errors = klantreis("review", "decide", *arguments)
        assert code == 2
        assert told in errors
        assert not (company.folder / "decisions").exists()

    def test_a_decision_about_a_record_that_has_not_arrived_is_refused_and_runs_go_on(self, lived, klantreis):
        unknown = "crm has not delivered record '99'; correct the id, or decide when it has arrived"
        code, _, errors = klantreis("review", "decide", "crm:1", "crm:99", "same", "--because", "to come")
        assert (code, f"this decision: {unknown}" in errors) == (2, True)
        assert not (lived.folder / "decisions").exists()
        side = "{source: crm, record: '%s'}"
        told = f"left: {side % 1}, right: {side % 99}, decision: same, by: ann, on: 2017-01-02, because: to come"
        (lived.folder / "decisions.yaml").write_text(f"decisions:\n- {{{told}}}\n")
        code, _, errors = klantreis("check")
        assert code == 2
        assert f"decisions.yaml:2: {unknown}" in errors
        assert identity.run(LAST, load_settings(lived.folder))["decisions"] == {"waiting": 1}


class TestDecisionsOnTheLake:
    def test_day_by_day_is_the_same_as_all_days_at_once_and_the_audit_says_what_was_done(self, company, klantreis):  # noqa: F811
        klantreis("review", "decide", "crm:1", "shop:9", "different", "--because", "her sister", "--on", "2017-01-02")
        klantreis("review", "decide", "crm:1", "crm:3", "same", "--because", "married", "--on", "2017-01-02")
        settings = load_settings(company.folder)
        for day in (1, 2, 3):
            live(settings, dt.date(2017, 1, day))
        lake = Lake.of(settings)
        day_by_day = {name: lake.content_hash(name) for name in TABLES}
        audit = {(row["left"], row["right"]): row for row in lake.arrow("identity/decisions").to_pylist()}
        assert {pair: (row["effect"], row["applied"].day) for pair, row in audit.items()} == {
            ("crm:1", "shop:9"): ("split", 3),
            ("crm:1", "crm:3"): ("merged", 2),
        }
        assert audit["crm:1", "crm:3"]["place"] == "decisions/review.csv:3"
        for zone in ("identity", "profiles"):
            shutil.rmtree(Path(settings.lake) / zone)
        live(settings)
        assert {name: Lake.of(settings).content_hash(name) for name in TABLES} == day_by_day

    def test_answers_from_airflow_count_and_configuration_overrules_them(self, lived, klantreis):
        answer = Decision(
            left={"source": "crm", "record": "1"},
            right={"source": "crm", "record": "2"},
            decision="same",
            by="bob",
            on=LAST,
            because="I called her",
        )
        assert steward_answers.keep([answer], LAST, lived) == {"decisions": 1}
        assert steward_answers.keep([answer], LAST, lived) == {"decisions": 0}
        live(lived)
        assert customer_of(lived, "contact", "crm:1") == customer_of(lived, "contact", "crm:2")
        with pytest.raises(DecisionRefused, match="1 of 1 answers were not kept: Airflow: decided different"):
            steward_answers.keep([answer.model_copy(update={"decision": "different"})], LAST, lived)
        klantreis("review", "decide", "crm:1", "crm:2", "different", "--because", "I met both")
        settings = live(load_settings(lived.folder))
        assert customer_of(settings, "contact", "crm:1") != customer_of(settings, "contact", "crm:2")
        rows = Lake.of(settings).arrow("identity/decisions").to_pylist()
        assert {(row["place"], row["effect"]) for row in rows} == {
            ("Airflow", "overruled"),
            ("decisions/review.csv:2", "none"),
        }
