"""`klantreis check` tells what is wrong with a place before anything is connected."""

import pytest

from jobs.config.yaml_files import ConfigError
from jobs.ingest import source_checks
from tests.ingest.crm_company import CONTACTS

QUERY = {"table": "crm.contacts", "incremental": "updated_at"}
REQUEST = {"path": "/x", "records": "data[]"}


def crm(source=None, **contacts):
    changed = {**CONTACTS["datasets"]["contacts"], **contacts}
    changed = {key: value for key, value in changed.items() if value is not None}
    datasets = {**CONTACTS["datasets"], "contacts": changed}
    return {"sources/crm.yaml": {**CONTACTS, "datasets": datasets, **(source or {})}}


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("{date}/contacts*.csv", "unknown {date}"),
        ("{day}\\contacts.csv", "divided by /"),
        ("/landing/crm/{day}/contacts.csv", "below the source's folder"),
        ("s3://bucket/{day}/contacts.csv", "below the source's folder"),
        ("../crm/{day}/contacts.csv", "is empty, . or .."),
        ("{day}//contacts.csv", "is empty, . or .."),
        ("{day}/", "is empty, . or .."),
        (" {day}/contacts.csv", "a space"),
        ("{day}/.contacts.csv", "unfinished"),
        ("{day}/contacts.csv.part", "unfinished"),
    ],
)
def test_a_pattern_that_can_never_match_is_a_problem_with_its_place(settings, pattern, why):
    company = settings(crm(files=pattern))
    (problem,) = source_checks.problems(company)
    assert why in problem
    assert f"{company.folder}/sources/crm.yaml:" in problem
    assert "datasets.contacts.files" in problem


@pytest.mark.parametrize("pattern", ["{day}/contacts*.csv", "**/contacts_{day}.csv.gz", "?.csv", "*", "**", "{day}/*"])
def test_a_pattern_that_can_match_is_none(settings, pattern):
    assert list(source_checks.problems(settings(crm(files=pattern)))) == []


def test_files_that_look_like_their_marker_are_a_problem(settings):
    company = settings(crm(files="{day}/*.done", ready={"marker": "{file}.done"}))
    assert "look like the marker" in next(source_checks.problems(company))


def test_a_file_that_feeds_two_datasets_is_said(settings):
    (note,) = source_checks.notes(settings(crm(files="{day}/m*.jsonl.gz")))
    assert "both take feeds contacts and messages" in note
    assert list(source_checks.notes(settings(crm()))) == []


def test_two_datasets_that_name_the_same_files_mean_it(settings):
    assert list(source_checks.notes(settings(crm(files="{day}/messages*.jsonl*")))) == []


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("a*", "*b", True),
        ("a?.csv", "ab*", True),
        ("{day}/**/x.csv", "{day}/x.csv", True),
        ("{day}/**/x.csv", "{day}/a/b/x.csv", True),
        ("{day}/*.csv", "{day}/a/*.csv", False),
        ("**", "{day}/a.csv", True),
        ("?", "/", False),
        ("*/a.csv", "b/*", True),
        ("a*.csv", "b*.csv", False),
        ("a*", "a", True),
    ],
)
def test_two_patterns_meet_if_some_path_fits_both(first, second, both):
    assert source_checks._taken_by_both(first, second) is both
    assert source_checks._taken_by_both(second, first) is both


def test_a_pattern_without_day_is_said(settings):
    (note,) = source_checks.notes(settings(crm(files="contacts.csv")))
    assert "arrives on the day it is first seen" in note


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ready": {"marker": "{name}.done"}}, "unknown {name}"),
        ({"ready": {"marker": "{file}"}}, "the file itself"),
        ({"query": QUERY, "files": None}, "needs the source's `connection`"),
        ({"query": QUERY}, "leave out 'files'"),
        ({"query": QUERY, "files": None, "format": {"type": "csv"}}, "leave out 'format'"),
        ({"source": {"folder": "gs://bucket/x"}}, "is not s3://bucket/prefix"),
        ({"source": {"folder": "s3://"}}, "is not s3://bucket/prefix"),
        ({"source": {"folder": "/data/crm"}}, "below the landing root"),
        ({"source": {"folder": "../crm"}}, "below the landing root"),
        ({"source": {"folder": "s3://b-1/x", "connection": "db"}, "query": QUERY, "files": None}, "source of its own"),
        ({"source": {"connection": "db"}, "query": {**QUERY, "table": "a.b.c"}, "files": None}, "not a table name"),
        ({"source": {"connection": "db"}, "query": {**QUERY, "query": "select 1"}, "files": None}, "either"),
        (
            {"source": {"connection": "db"}, "query": {"query": "delete from x", "incremental": "i"}, "files": None},
            "must be a SELECT",
        ),
        ({"source": {"connection": "a"}, "request": {"path": "http://x/y"}, "files": None}, "the path only"),
        ({"source": {"connection": "a"}, "request": {"path": "/{form}"}, "files": None}, "unknown {form}"),
        ({"source": {"connection": "a"}, "request": {**REQUEST, "records": "data[0]"}, "files": None}, "records"),
        (
            {"source": {"connection": "a"}, "request": {**REQUEST, "paging": {"type": "cursor"}}, "files": None},
            "paging by cursor needs `next`",
        ),
    ],
)
def test_a_place_that_cannot_work_is_refused_on_load(settings, change, why):
    with pytest.raises(ConfigError) as error:
        settings(crm(change.pop("source", None), **change))
    assert why in str(error.value)
    assert "sources/crm.yaml:" in str(error.value)
