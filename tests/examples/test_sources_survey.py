"""Qualtrics tables and an NPS survey are loaded by YAML alone."""

import json
from collections import defaultdict

import pytest

from jobs.ingest import load
from tests.examples.source_company import DAY, Company, table


def test_qualtrics_answers_sessions_and_contacts_arrive_whole(tmp_path, monkeypatch):
    company = Company("qualtrics", tmp_path, monkeypatch)
    company.land_all("source_qualtrics")
    counts = company.run()
    answers = table("source_qualtrics", "question_response.csv")
    sessions = table("source_qualtrics", "survey_response.csv")
    contacts = table("source_qualtrics", "directory_contact.csv")
    assert counts["qualtrics"]["accepted"] == counts["qualtrics"]["rows_in"] == len(answers) + len(contacts)
    assert counts["qualtrics_sessions"]["accepted"] == counts["qualtrics_sessions"]["rows_in"] == len(sessions)
    found = company.rows("survey_responses")
    assert {(r["response_id"], r["comment"]) for r in found if r["source"] == "qualtrics"} == {
        (row["response_id"], row["text"]) for row in answers
    }
    by_session = {row["response_id"]: row for row in found if row["source"] == "qualtrics_sessions"}
    assert {id_: row["email"] for id_, row in by_session.items()} == {
        row["id"]: row["recipient_email"] or None for row in sessions
    }
    assert {row["language"] for row in by_session.values()} == {"en"}  # the export writes EN
    for row in sessions:
        attributes = json.loads(by_session[row["id"]]["attributes"])
        assert attributes == {
            "finished": row["finished"] == "1",
            "progress": int(row["progress"]),
            "seconds": int(row["duration_in_seconds"]),
        }
    assert {row["contact_id"] for row in company.rows("contacts")} == {row["id"] for row in contacts}


def test_a_file_that_no_source_of_a_folder_reads_is_told_once_and_those_of_another_source_are_read(
    tmp_path, monkeypatch, caplog
):
    company = Company("qualtrics", tmp_path, monkeypatch)
    for file in ("question_response.csv", "survey_response.csv", "survey.csv"):
        company.land_all("source_qualtrics", file)
    assert [load.run(source, DAY, company.settings)["unclaimed"] for source in company.settings.sources] == [1, 0]
    assert caplog.text.count("1 files match no dataset of qualtrics, qualtrics_sessions and are not read") == 1


def test_the_published_nps_comes_out_of_the_loaded_answers(tmp_path, monkeypatch):
    company = Company("nps_survey", tmp_path, monkeypatch)
    company.land_all("survey_nps")
    counts = company.run()["nps_survey"]
    given = table("survey_nps", "nps_survey.csv.gz")
    assert counts["accepted"] == counts["rows_in"] == len(given) == 20268
    scores = defaultdict(list)
    for row in company.rows("survey_responses"):
        scores[json.loads(row["attributes"])["admin"]].append(row["score"])
        assert row["scale_max"] == 10
    assert {row["response_id"] for row in company.rows("survey_responses")} == {row["id"] for row in given}
    assert nps(scores[True]) == pytest.approx(38.43, abs=0.01)
    assert nps(scores[False]) == pytest.approx(-4.19, abs=0.01)
    assert nps(scores[True] + scores[False]) == pytest.approx(10.86, abs=0.01)


def nps(scores):
    return 100 * (sum(score >= 9 for score in scores) - sum(score <= 6 for score in scores)) / len(scores)
