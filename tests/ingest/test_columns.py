"""Columns that change between deliveries: each change has a policy, and no value is lost without a word."""

import copy
import dataclasses
import datetime as dt
import io
import json
import tempfile
from pathlib import Path

import hypothesis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from jobs.errors import DataStopped
from jobs.ingest import load
from jobs.ingest.columns import SAMPLE, Seen, rename
from jobs.ingest.formats.content import BrokenFile
from jobs.ingest.formats.records import Chunk
from jobs.lake.lake import Lake
from tests.ingest.crm_company import CONTACTS
from tests.killed import killed_after

HEADER = "id,updated,email,name,born\n"
ROWS = "".join(f"{n},2024-05-01,a{n}@b.example,Ann,1980-01-0{n}\n" for n in range(1, 6))


@pytest.fixture
def company_where(company, settings):
    """`company_where(added="stop")`: the company with those policies for all datasets."""

    def build(required=None, **changes):
        source = copy.deepcopy(CONTACTS)
        for dataset in source["datasets"].values():
            dataset["changes"] = changes
            if required:
                dataset["required"] = required
        return settings({"sources/crm.yaml": source})

    return build


@pytest.fixture
def deliver(land, day):
    """`deliver(company, 2, content)` lands a file on the 2nd of May and loads it; returns the run's counts."""

    def run(company, number, content, name="contacts.csv"):
        land(f"crm/2024-05-0{number}/{name}", content)
        return load.run("crm", day(f"2024-05-0{number}"), company)

    return run


def states(lake):
    return {row["path"][4:]: row["state"] for row in lake.arrow("ops/files").to_pylist()}


def events(lake):
    """path -> what was told of its columns"""
    rows = lake.arrow("ops/file_events").to_pylist()
    return {row["path"][4:]: row["detail"] for row in rows if row["event"] == "changed_columns"}


def records(lake, table="raw/crm_contacts"):
    return [json.loads(record) for record in lake.arrow(table, columns=["record"])["record"].to_pylist()]


CHANGED = {
    "added": (HEADER.strip() + ",phone\n", ROWS.replace("\n", ",06\n"), "column 'phone' is new"),
    "missing": (
        "id,updated,name,born\n",
        "".join(f"{n},2024-05-01,Ann,1980-01-0{n}\n" for n in range(1, 6)),
        "required column 'email' is missing",
    ),
    "renamed": (
        HEADER.replace("email", "e_mail"),
        ROWS,
        "column 'email' is missing and 'e_mail' looks like its new name",
    ),
    "case_changed": (HEADER.replace("email", "Email"), ROWS, "column 'email' is written 'Email' now"),
    "retyped": (HEADER, ROWS.replace("1980-01-0", "Jan "), "column 'born' holds text values and held date values"),
    "reordered": (
        "updated,id,email,name,born\n",
        "".join(f"2024-05-01,{n},,Ann,\n" for n in range(1, 6)),
        "columns are in another order, from column 'updated' on",
    ),
    "missing_unused": (HEADER, ROWS, "column 'shoe', which is not mapped, is gone"),
}


def before(change):
    """The file of the first day."""
    return (HEADER.strip() + ",shoe\n" + ROWS.replace("\n", ",40\n")) if change == "missing_unused" else HEADER + ROWS


def after(change):
    """The file of the second day, other content than the first even if its columns are the same."""
    header, rows, _ = CHANGED[change]
    return header + rows.replace("2024-05-01", "2024-05-02")


@pytest.mark.parametrize("policy", ["accept", "warn", "quarantine", "stop"])
@pytest.mark.parametrize("change", CHANGED)
def test_each_change_meets_its_policy(company_where, deliver, company_lake, change, policy, caplog):
    company = company_where(**{change: policy})
    deliver(company, 1, before(change))
    what = CHANGED[change][2]
    if policy == "stop":
        with pytest.raises(DataStopped) as stop:
            deliver(company, 2, after(change))
        message = str(stop.value)
        assert "crm.contacts is stopped: crm/2024-05-02/contacts.csv" in message
        assert what in message
        assert f"`changes.{change}`" in message
        assert "2024-05-02/contacts.csv" not in states(company_lake)
    else:
        deliver(company, 2, after(change))
        assert states(company_lake)["2024-05-02/contacts.csv"] == (
            "quarantined" if policy == "quarantine" else "loaded"
        )
    assert company_lake.rows("raw/crm_contacts") == (10 if policy in ("accept", "warn") else 5)
    assert what in events(company_lake)["2024-05-02/contacts.csv"]
    assert (what in caplog.text) == (policy in ("warn", "quarantine"))


def test_the_defaults_let_no_mapped_column_go(company, deliver, company_lake):
    deliver(company, 1, HEADER + ROWS)
    for number, change in enumerate(("missing", "renamed", "case_changed"), 2):
        deliver(company, number, after(change).replace("2024-05-02", f"2024-05-0{number}"))
    assert set(states(company_lake).values()) == {"loaded", "quarantined"}
    assert company_lake.rows("raw/crm_contacts") == 5
    reasons = {row["rule"]: row["reason"] for row in company_lake.arrow("quarantine/rows").to_pylist()}
    assert set(reasons) == {"file:columns"}
    assert "columns` or `required` of crm.contacts" in reasons["file:columns"]


def test_a_file_of_a_new_dataset_must_have_its_mapped_columns_too(company, deliver, company_lake):
    deliver(company, 1, after("renamed"))
    assert states(company_lake) == {"2024-05-01/contacts.csv": "quarantined"}
    assert "column 'email' is missing; did you mean 'e_mail'?" in events(company_lake)["2024-05-01/contacts.csv"]


def test_other_capitals_that_are_accepted_are_read_under_the_mapped_name_on_every_day(
    company_where, deliver, company_lake
):
    company = company_where(case_changed="accept")
    deliver(company, 1, HEADER + ROWS)
    deliver(company, 2, after("case_changed"))
    deliver(company, 3, after("case_changed").replace("2024-05-02", "2024-05-03"))
    assert len(records(company_lake)) == 15
    assert all(record["email"] for record in records(company_lake))
    assert list(events(company_lake)) == ["2024-05-02/contacts.csv"]  # news only once


def test_a_missing_column_that_is_accepted_is_told_once_and_its_return_is_no_surprise(
    company_where, deliver, company_lake
):
    company = company_where(missing="warn", added="stop")
    deliver(company, 1, HEADER + ROWS)
    deliver(company, 2, after("missing"))
    deliver(company, 3, after("missing").replace("2024-05-02", "2024-05-03"))
    deliver(company, 4, HEADER + ROWS.replace("2024-05-01", "2024-05-04"))
    assert list(events(company_lake)) == ["2024-05-02/contacts.csv"]
    assert "loaded without a value" in events(company_lake)["2024-05-02/contacts.csv"]
    assert set(states(company_lake).values()) == {"loaded"}


def test_a_file_that_is_set_aside_is_not_what_later_files_are_compared_with(company, deliver, company_lake):
    deliver(company, 1, HEADER + ROWS)
    deliver(company, 2, after("renamed"))
    deliver(company, 3, HEADER + ROWS.replace("2024-05-01", "2024-05-03"))
    assert states(company_lake)["2024-05-03/contacts.csv"] == "loaded"
    assert list(events(company_lake)) == ["2024-05-02/contacts.csv"]


def test_a_required_column_is_needed_and_the_others_only_as_long_as_they_are_there(
    company_where, deliver, company_lake
):
    company = company_where(required=["id", "updated"])
    deliver(company, 1, "id,updated,name\n1,2024-05-01,Ann\n")
    deliver(company, 2, "id,updated\n1,2024-05-02\n")
    deliver(company, 3, "updated,name\n2024-05-03,Ann\n")
    assert states(company_lake) == {
        "2024-05-01/contacts.csv": "loaded",
        "2024-05-02/contacts.csv": "quarantined",
        "2024-05-03/contacts.csv": "quarantined",
    }


def test_a_stop_keeps_the_files_before_it_and_holds_those_after_it_until_the_policy_changes(
    company_where, land, company_lake, day
):
    for number, content in enumerate((before("added"), after("added"), HEADER + ROWS.replace("Ann", "Bo")), 1):
        land(f"crm/2024-05-0{number}/contacts.csv", content)
    land("crm/2024-05-01/messages.jsonl", '{"id": "m1"}\n')
    for _ in range(2):
        with pytest.raises(DataStopped, match="column 'phone' is new"):
            load.run("crm", day("2024-05-03"), company_where(added="stop"))
        assert states(company_lake) == {
            "2024-05-01/contacts.csv": "loaded",
            "2024-05-01/messages.jsonl": "loaded",
        }
    load.run("crm", day("2024-05-03"), company_where(added="accept"))
    assert company_lake.rows("raw/crm_contacts") == 15


def test_the_first_file_can_be_stopped_and_let_in_later(company_where, deliver, land, company_lake, day):
    with pytest.raises(DataStopped, match="'email' is missing"):
        deliver(company_where(missing="stop"), 1, after("missing"))
    assert load.run("crm", day("2024-05-01"), company_where(missing="accept"))["rows_in"] == 5
    assert company_lake.rows("raw/crm_contacts") == 5


def message(number, **fields):
    return json.dumps({"id": f"m{number}", "talk": {"id": "t"}, "at": "2024-05-01T10:00:00Z", **fields}) + "\n"


def test_a_json_field_that_all_records_had_is_missed_and_a_rare_one_is_not(company, deliver, company_lake):
    full = "".join(message(n, text="Hi", **({"mood": "good"} if n % 10 == 0 else {})) for n in range(300))
    deliver(company, 1, full, "messages.jsonl")
    deliver(company, 2, "".join(message(n, text="Ho") for n in range(20)), "messages.jsonl")
    assert events(company_lake) == {}
    deliver(company, 3, "".join(message(n) for n in range(40, 60)), "messages.jsonl")
    assert states(company_lake)["2024-05-03/messages.jsonl"] == "quarantined"
    assert "'text' is missing" in events(company_lake)["2024-05-03/messages.jsonl"]


def test_a_json_field_is_found_in_any_record_of_a_large_file(company, deliver, company_lake):
    deliver(company, 1, "".join(message(n, text="Hi") for n in range(30)), "messages.jsonl")
    many = [message(n) for n in range(5 * SAMPLE)]
    many[7] = message(7, text="only here")
    deliver(company, 2, "".join(many), "messages.jsonl")
    assert states(company_lake)["2024-05-02/messages.jsonl"] == "loaded"


def test_json_fields_with_other_capitals_are_read_under_the_mapped_name_and_nothing_else_is_touched(
    company_where, deliver, company_lake
):
    company = company_where(case_changed="warn")
    deliver(company, 1, message(1, text="Hi"), "messages.jsonl")
    deliver(company, 2, '{"ID" : "m2", "Text":"a \\"Text\\": b", "n": 1.50, "at": {"Text": 1}}\n', "messages.jsonl")
    kept = sorted(company_lake.arrow("raw/crm_messages", columns=["record"])["record"].to_pylist())
    assert kept[0] == '{"id" : "m2", "text":"a \\"Text\\": b", "n": 1.50, "at": {"Text": 1}}'


def parquet(**columns):
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def test_whole_numbers_that_become_larger_or_text_with_numbers_are_no_other_kind(settings, tmp_path, company):
    source = copy.deepcopy(CONTACTS)
    source["datasets"]["contacts"]["files"] = "{day}/contacts*.parquet"
    source["datasets"]["contacts"]["format"] = {"type": "parquet"}
    source["datasets"]["contacts"]["changes"] = {"retyped": "quarantine"}
    company = settings({"sources/crm.yaml": source})
    kept = {"updated": ["2024-05-01"] * 3, "email": [None] * 3, "name": ["A"] * 3, "born": [None] * 3}
    for number, ids in enumerate(
        (
            pa.array([1, 2, 3], pa.int32()),
            pa.array([2**40, 2, 3]),
            pa.array([1.5, 2, 3]),
            ["4", "5", "6"],
            ["a", "b", "c"],
        ),
        1,
    ):
        target = tmp_path / "var" / "landing" / "crm" / f"2024-05-0{number}" / "contacts.parquet"
        target.parent.mkdir()
        target.write_bytes(parquet(id=ids, **kept))
    load.run("crm", dt.date(2024, 5, 5), company)
    assert [state for _, state in sorted(states(Lake.of(company)).items())] == ["loaded"] * 4 + ["quarantined"]


def test_one_bad_value_among_many_is_not_another_kind(company_where, deliver, company_lake):
    company = company_where(retyped="quarantine")
    deliver(company, 1, HEADER + ROWS)
    deliver(company, 2, HEADER + ROWS.replace("2024-05-01", "2024-05-02").replace("1980-01-03", "unknown"))
    assert set(states(company_lake).values()) == {"loaded"}


HEADERS = [
    "id,updated,email,name,born",
    "id,updated,Email,name,born",
    "updated,id,email,name,born",
    "id,updated,email,name,born,shoe",
    "id,updated,email,name,born,hat",
    "id,updated,name,born",
    "ID,updated,mail,name,born",
]


@hypothesis.settings(max_examples=15, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    headers=st.lists(st.sampled_from(HEADERS), min_size=2, max_size=6),
    cut=st.integers(0, 6),
    policy=st.sampled_from(["accept", "warn", "quarantine"]),
)
def test_files_one_by_one_and_all_at_once_are_compared_with_the_same_ones(company_where, day, headers, cut, policy):
    company = company_where(missing_unused=policy, case_changed=policy, missing="quarantine", renamed="accept")
    found = []
    for runs in (range(1, len(headers) + 1), (cut, len(headers)), (len(headers),)):
        with tempfile.TemporaryDirectory() as folder:
            general = company.general.model_copy(update={"landing": f"{folder}/landing", "lake": f"{folder}/lake"})
            settings = dataclasses.replace(company, general=general)
            for number, header in enumerate(headers, 1):
                target = Path(folder, "landing", "crm", f"2024-05-0{number}", "contacts.csv")
                target.parent.mkdir(parents=True)
                values = [f"{name}{number}" for name in header.split(",")]
                target.write_text(f"{header}\n{','.join(values)}\n")
            for number in runs:
                if number:
                    load.run("crm", day(f"2024-05-0{number}"), settings)
            lake = Lake.of(settings)
            tables = ("ops/files", "ops/columns", "raw/crm_contacts", "quarantine/rows")
            hashes = [
                lake.content_hash(t, exclude=("modified", "version") if t == "ops/files" else ())
                for t in tables
                if lake.exists(t)
            ]
            found.append((hashes, sorted(events(lake).items())))
    assert found[0] == found[1] == found[2]


def test_a_late_file_with_other_columns_does_not_change_what_the_next_file_is_compared_with(
    company, deliver, land, company_lake, day
):
    deliver(company, 1, HEADER + ROWS)
    deliver(company, 3, HEADER + ROWS.replace("2024-05-01", "2024-05-03"))
    late = "hat," + HEADER + "".join(f"1,{row}\n" for row in ROWS.splitlines())
    land("crm/2024-05-02/contacts.csv", late.replace("2024-05-01", "2024-05-02"))
    deliver(company, 4, HEADER + ROWS.replace("2024-05-01", "2024-05-04"))
    assert list(events(company_lake)) == ["2024-05-02/contacts.csv"]


def test_columns_are_written_only_for_files_that_differ(company, deliver, company_lake):
    for number in range(1, 6):
        deliver(company, number, HEADER + ROWS.replace("2024-05-01", f"2024-05-0{number}"))
    assert company_lake.rows("ops/columns") == 5
    assert sorted(
        (row["place"], row["column"], row["kind"]) for row in company_lake.arrow("ops/columns").to_pylist()
    ) == [
        (1, "id", "number"),
        (2, "updated", "date"),
        (3, "email", "text"),
        (4, "name", "text"),
        (5, "born", "date"),
    ]


@pytest.mark.parametrize("survived", range(4))
def test_a_killed_run_leaves_nothing_behind_that_changes_what_files_are_compared_with(
    company, land, company_lake, day, survived
):
    land("crm/2024-05-01/contacts.csv", HEADER + ROWS)
    land("crm/2024-05-02/contacts.csv", after("added"))
    land("crm/2024-05-03/contacts.csv", HEADER + ROWS.replace("2024-05-01", "2024-05-03"))
    with killed_after(survived):
        load.run("crm", day("2024-05-03"), company)
    load.run("crm", day("2024-05-03"), company)
    assert set(states(company_lake).values()) == {"loaded"}
    assert {path: detail.split(":")[0] for path, detail in events(company_lake).items()} == {
        "2024-05-02/contacts.csv": "added",
        "2024-05-03/contacts.csv": "missing_unused",
    }


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@hypothesis.given(record=st.dictionaries(NAMES, VALUES), data=st.data(), indent=st.sampled_from([None, 2]))
def test_renaming_a_field_of_a_json_record_changes_nothing_else(record, data, indent):
    hypothesis.assume(record)
    old = data.draw(st.sampled_from(sorted(record)))
    new = data.draw(NAMES.filter(lambda name: name not in record))
    text = json.dumps(record, indent=indent, ensure_ascii=data.draw(st.booleans()))
    chunk = Chunk(pa.array([1]), text=pa.array([text]))
    renamed = rename(chunk, {old: new}).text[0].as_py()
    assert json.loads(renamed) == {(new if name == old else name): value for name, value in record.items()}
    names = json.dumps(new, ensure_ascii=False)
    assert len(renamed) - len(names) in {len(text) - len(json.dumps(old, ensure_ascii=flag)) for flag in (True, False)}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2.5", "1.234,56", "3e5"], "number"),
        (["true", "False", "ja"], "boolean"),
        (["2024-05-01", "1/5/2024"], "date"),
        (["2024-05-01T10:00:00Z", "2024-05-01 10:00"], "timestamp"),
        (["1012 AB", "12"], "text"),
        (["", " ", None, "N/A"], "empty"),
        ([[1], []], "list"),
        ([{"a": 1}], "object"),
        (["1"] * 39 + ["one"], "number"),
    ],
)
def test_the_kind_of_a_column_is_that_of_its_values(values, kind):
    seen = Seen(["a"], all_names=False, nulls=["N/A"], most=100)
    seen.look(Chunk(pa.array(range(len(values))), text=pa.array([json.dumps({"a": value}) for value in values])))
    assert seen.shape()["a"].kind == kind
    if all(isinstance(value, str | None) for value in values):
        table = Seen(["a"], all_names=False, nulls=["N/A"], most=100)
        table.look(Chunk(pa.array(range(len(values))), pa.table({"a": pa.array(values, pa.string())})))
        assert table.shape()["a"].kind == kind


def nested(number, field, missing=(), rows=100):
    """Chat messages whose field `talk.FIELD` is left out where it is `missing`."""
    talks = ({} if n in missing else {field: f"c{n}"} for n in range(rows))
    records_ = ({"id": f"{number}-{n}", "talk": talk, "at": "2024-05-01"} for n, talk in enumerate(talks))
    return "".join(json.dumps(record) + "\n" for record in records_)


@pytest.mark.parametrize("policy", ["accept", "warn", "quarantine", "stop"])
def test_a_field_inside_a_column_that_is_gone_meets_its_policy(company_where, deliver, company_lake, policy, caplog):
    company = company_where(missing_field=policy)
    deliver(company, 1, nested(1, "id", missing=range(0, 100, 3)), "messages.jsonl")
    deliver(company, 2, nested(2, "id", missing=range(99)), "messages.jsonl")
    assert events(company_lake) == {}
    what = "field 'talk.id' is gone from all records"
    if policy == "stop":
        with pytest.raises(DataStopped, match=what):
            deliver(company, 3, nested(3, "ident"), "messages.jsonl")
        return
    deliver(company, 3, nested(3, "ident"), "messages.jsonl")
    assert what in events(company_lake)["2024-05-03/messages.jsonl"]
    assert (states(company_lake)["2024-05-03/messages.jsonl"] == "quarantined") == (policy == "quarantine")
    assert ("loaded without a value for it" in caplog.text) == (policy == "warn")


def test_a_field_that_holds_another_kind_of_value_is_told(company_where, deliver, company_lake):
    company = company_where()
    deliver(company, 1, nested(1, "id"), "messages.jsonl")
    deliver(company, 2, nested(2, "id").replace('"c', '"'), "messages.jsonl")
    assert (
        "column 'talk.id' holds number values and held text values" in events(company_lake)["2024-05-02/messages.jsonl"]
    )


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_a_header_with_another_delimiter_is_told_as_that(company_where, deliver, company_lake, delimiter):
    deliver(company_where(), 1, (HEADER + ROWS).replace(",", delimiter))
    detail = events(company_lake)["2024-05-01/contacts.csv"]
    assert f"its header has {delimiter!r} between names, is that the dataset's `delimiter`?" in detail


@pytest.mark.parametrize("all_names", [True, False])
def test_records_of_ever_other_fields_are_told_and_their_names_not_gathered_without_end(all_names):
    seen = Seen([], all_names=all_names, nulls=[], most=100)
    records = pa.array([json.dumps({f"k{number}": 1, f"j{number}": 1}) for number in range(101)])
    with pytest.raises(BrokenFile, match="more than 100 different fields together"):
        seen.look(Chunk(pa.array(range(101)), text=records))
