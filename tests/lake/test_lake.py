"""The lake: what each operation does to the rows, and what it refuses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import functions as F

from jobs.lake.lake import Commit, Lake, LakeError, SchemaMismatch, Txn
from jobs.lake.tables import catalogue
from tests.lake.lake_rows import DAY, counts, identifiers, scores


def folder(lake: Lake, name: str) -> Path:
    return Path(lake.root) / name


class TestReading:
    def test_a_table_that_does_not_exist_is_empty_and_has_its_columns(self, lake, spark):
        assert not lake.exists("ops/counts")
        assert lake.version("ops/counts") is None
        assert lake.rows("ops/counts") == 0
        assert lake.arrow("ops/counts").schema.equals(catalogue.get("ops/counts").arrow_schema())
        assert lake.read("ops/counts").schema == catalogue.get("ops/counts").spark_schema()
        assert lake.read("ops/counts").count() == 0

    def test_every_kind_of_column_comes_back_as_it_was_written(self, lake, spark):
        moment = dt.datetime(2017, 3, 1, 23, 59, 59, 999_999, tzinfo=dt.UTC)
        row = {
            "source": "pos", "order_id": "o1", "updated_at": moment, "ordered_at": moment, "total": Decimal("-12.34"),
            "arrived": DAY, "line": 2**40,
        }  # fmt: skip
        data = pa.Table.from_pylist([row], catalogue.get("valid/orders").arrow_schema())
        lake.append("valid/orders", data, Txn("arrow", 1))
        read_by_engine = lake.read("valid/orders")
        assert read_by_engine.toArrow().select(list(row)).to_pylist() == [row]
        lake.replace("valid/orders", read_by_engine, Txn("engine", 1))
        assert lake.arrow("valid/orders", columns=list(row)).to_pylist() == [row]

    def test_one_day_is_read_from_the_files_of_that_day_only(self, lake, spark):
        for day in (1, 2, 3):
            date = dt.date(2017, 3, day)
            lake.replace("models/scores", scores(date, *"abc"[:day]), Txn("score", 1, date), day=date)
        assert lake.read("models/scores", day=dt.date(2017, 3, 2)).count() == 2
        assert lake.arrow("models/scores", day=dt.date(2017, 3, 3)).num_rows == 3
        assert [lake.rows("models/scores", dt.date(2017, 3, day)) for day in (1, 2, 3, 4)] == [1, 2, 3, 0]
        assert len(lake._files("models/scores", dt.date(2017, 3, 2))) == 1

    def test_a_table_without_a_day_column_has_no_days_to_read(self, lake):
        lake.append("ops/counts", counts("a"), Txn("t", 1))
        with pytest.raises(LakeError, match=r"ops/counts: has no day column"):
            lake.arrow("ops/counts", day=DAY)

    def test_an_old_version_can_be_read_until_its_log_is_gone(self, lake):
        lake.append("ops/counts", counts("a"), Txn("t", 1))
        lake.append("ops/counts", counts("b"), Txn("t", 2))
        assert lake.arrow("ops/counts", version=0)["file_id"].to_pylist() == ["a"]
        with pytest.raises(LakeError, match=r"version 7 .*ops/counts"):
            lake.arrow("ops/counts", version=7)

    def test_a_root_with_spaces_accents_and_odd_signs_works(self, tmp_path, spark):
        lake = Lake(str(tmp_path / "mijn lake é 日本 a#b 100% ' \" : ; & = + ~ $ @ | <>"))
        lake.append("ops/counts", counts("a", "b"), Txn("t", 1))
        assert lake.read("ops/counts").count() == 2
        lake.append("ops/counts", lake.read("ops/counts"), Txn("t", 2))
        assert identifiers(lake) == ["a", "b"]

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("lake[1]", r"engines take \*\?\[\]\{\} in a path for a pattern; rename it"),
            ("what?", r"engines take \*\?\[\]\{\} in a path for a pattern; rename it"),
            ("a%20b", "engines take % and two digits for another sign, so that %20 would be a blank; rename it"),
            ("a\\b", "engines take a backslash for a slash; rename it"),
            ("a\nb", r"the lake cannot be at /.*/a\\nb: it has signs that cannot be shown; rename it"),
        ],
    )
    def test_a_root_the_engine_would_take_for_another_is_refused(self, tmp_path, name, why):
        with pytest.raises(LakeError, match=why):
            Lake(str(tmp_path / name))

    def test_an_unknown_table_is_named_with_its_nearest(self, lake):
        with pytest.raises(KeyError, match="ops/counts"):
            lake.arrow("ops/count")


def _ddl(table: pa.Table) -> str:
    return next(d.ddl() for d in catalogue.all_datasets() if d.column_names == table.column_names)


@pytest.fixture(params=["arrow", "engine"])
def given(request, spark):
    """Rows as each kind of caller brings them; both must be treated alike."""
    if request.param == "arrow":
        return lambda table: table
    return lambda table: spark.createDataFrame(table) if table.num_rows else spark.createDataFrame([], _ddl(table))


class TestAppend:
    def test_only_rows_with_a_new_key_are_added(self, lake, given):
        assert lake.append("ops/counts", given(counts("a", "b")), Txn("t", 1)) == Commit(0, 2, 0, True)
        assert lake.append("ops/counts", given(counts("b", "c")), Txn("t", 2)) == Commit(1, 1, 1, True)
        assert identifiers(lake) == ["a", "b", "c"]

    def test_of_rows_that_share_a_key_the_first_to_arrive_stays(self, lake, given):
        late, early = counts("a", arrived=DAY, rows_in=1), counts("a", arrived=dt.date(2017, 2, 1), rows_in=9)
        commit = lake.append("ops/counts", given(pa.concat_tables([late, early])), Txn("t", 1))
        assert (commit.rows, commit.duplicates) == (1, 1)
        assert lake.arrow("ops/counts")["rows_in"].to_pylist() == [9]

    def test_rows_that_arrived_together_are_told_apart_by_their_values_not_their_order(self, tmp_path, given):
        one, two = counts("a", rows_in=1), counts("a", rows_in=2)
        hashes = set()
        for number, order in enumerate(([one, two], [two, one])):
            lake = Lake(str(tmp_path / str(number)))
            lake.append("ops/counts", given(pa.concat_tables(order)), Txn("t", 1))
            hashes.add(lake.content_hash("ops/counts"))
        assert len(hashes) == 1

    def test_keys_of_several_columns_with_timestamps_are_compared_exactly(self, lake, given):
        def contact(at: int) -> pa.Table:
            moment = dt.datetime(2017, 3, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at)
            row = {"source": "crm", "contact_id": "1", "updated_at": moment, "arrived": DAY}
            return pa.Table.from_pylist([row], catalogue.get("valid/contacts").arrow_schema())

        lake.append("valid/contacts", given(contact(0)), Txn("t", 1))
        assert lake.append("valid/contacts", given(contact(1)), Txn("t", 2)).rows == 1
        assert lake.append("valid/contacts", given(contact(1)), Txn("t", 3)).duplicates == 1

    def test_no_rows_make_an_empty_table(self, lake, given):
        commit = lake.append("ops/counts", given(counts()), Txn("t", 1))
        assert commit == Commit(0, 0, 0, True)
        assert lake.exists("ops/counts")

    def test_an_empty_part_of_the_rows_is_not_taken_for_an_empty_key(self, lake):
        lake.append("ops/counts", pa.concat_tables([counts(), counts("f1"), counts()]), Txn("t", 1))
        assert identifiers(lake) == ["f1"]

    def test_a_row_with_an_empty_key_is_refused(self, lake, given):
        with pytest.raises(LakeError, match=r"ops/counts: key column 'file_id' is empty"):
            lake.append("ops/counts", given(counts(None)), Txn("t", 1))
        assert not lake.exists("ops/counts")

    def test_batches_are_written_as_they_come(self, lake):
        batches = (counts(f"f{i}").to_batches()[0] for i in range(10))
        assert lake.append("ops/counts", batches, Txn("t", 1)).rows == 10

    def test_many_small_batches_are_read_as_fast_as_one(self, lake):
        lake.append("ops/counts", pa.concat_tables([counts(f"f{number}") for number in range(50)]), Txn("t", 1))
        [file] = Path(lake.root, "ops", "counts").rglob("*.parquet")
        assert (pq.read_metadata(file).num_row_groups, len(lake.arrow("ops/counts"))) == (1, 50)

    def test_small_writes_of_the_engine_make_one_file(self, lake, spark):
        frame = spark.createDataFrame(counts(*map(str, range(50)))).repartition(4)
        lake.append("ops/counts", frame, Txn("t", 1))
        assert len(list(folder(lake, "ops/counts").rglob("*.parquet"))) == 1


class TestReplace:
    def test_the_whole_table_changes_place(self, lake, given):
        lake.replace("ops/counts", given(counts("a", "b")), Txn("t", 1))
        assert lake.replace("ops/counts", given(counts("c")), Txn("t", 2)) == Commit(1, 1, 0, True)
        assert identifiers(lake) == ["c"]

    def test_one_day_changes_place_and_the_others_stay(self, lake, given):
        first, second = dt.date(2017, 3, 1), dt.date(2017, 3, 2)
        lake.replace("models/scores", given(scores(first, "a", "b")), Txn("s", 1, first), day=first)
        lake.replace("models/scores", given(scores(second, "a")), Txn("s", 1, second), day=second)
        lake.replace("models/scores", given(scores(first, "c")), Txn("s", 2, first), day=first)
        rows = lake.arrow("models/scores").select(["day", "customer_id"]).to_pylist()
        assert sorted((r["day"], r["customer_id"]) for r in rows) == [(first, "c"), (second, "a")]

    def test_a_day_is_cut_out_of_a_file_that_holds_several(self, lake, given):
        first, second = dt.date(2017, 3, 1), dt.date(2017, 3, 2)
        both = pa.concat_tables([scores(first, "a", "b"), scores(second, "a")])
        lake.replace("models/scores", given(both), Txn("load", 1))
        lake.replace("models/scores", given(scores(first)), Txn("s", 1, first), day=first)
        assert lake.arrow("models/scores")["day"].to_pylist() == [second]
        assert lake.arrow("models/scores")["reasons"].to_pylist() == [["late", "rare"]]

    def test_rows_of_another_day_are_refused(self, lake, given):
        data = pa.concat_tables([scores(DAY, "a"), scores(dt.date(2017, 3, 2), "a")])
        with pytest.raises(LakeError, match=r"models/scores: rows to write for 2017-03-01 have other values in day"):
            lake.replace("models/scores", given(data), Txn("s", 1, DAY), day=DAY)

    def test_repeated_keys_are_refused(self, lake, given):
        with pytest.raises(LakeError, match=r"ops/counts: 1 of 2 rows to write repeat the key"):
            lake.replace("ops/counts", given(counts("a", "a")), Txn("t", 1))

    def test_a_table_can_be_replaced_by_what_is_read_from_it(self, lake, spark):
        lake.replace("ops/counts", counts("a", "b"), Txn("t", 1))
        lake.replace("ops/counts", lake.read("ops/counts").where("file_id = 'a'"), Txn("t", 2))
        assert identifiers(lake) == ["a"]


class TestUpsertAndDelete:
    def test_rows_are_replaced_by_key_and_new_ones_added(self, lake, given):
        lake.append("ops/counts", counts("a", "b"), Txn("t", 1))
        lake.append("ops/counts", counts("c"), Txn("t", 2))
        untouched = {f.path for f in lake._files("ops/counts") if f.rows == 1}
        assert lake.upsert("ops/counts", given(counts("b", "d", rows_in=7)), Txn("t", 3)).rows == 2
        rows = {r["file_id"]: r["rows_in"] for r in lake.arrow("ops/counts").to_pylist()}
        assert rows == {"a": 1, "b": 7, "c": 1, "d": 7}
        assert untouched <= {f.path for f in lake._files("ops/counts")}

    def test_upserting_one_key_twice_is_refused(self, lake, given):
        with pytest.raises(LakeError, match="repeat the key"):
            lake.upsert("ops/counts", given(counts("a", "a")), Txn("t", 1))

    def test_rows_are_deleted_by_any_columns(self, lake, given):
        data = pa.concat_tables([counts("a"), counts("b", arrived=dt.date(2017, 3, 2)), counts("c")])
        lake.append("ops/counts", data, Txn("t", 1))
        arrived = given(pa.table({"arrived": pa.array([DAY, DAY], pa.date32())}))
        assert lake.delete("ops/counts", arrived, Txn("erase", 1)).rows == 2
        assert identifiers(lake) == ["b"]
        nothing = given(pa.table({"file_id": ["x"]}))
        assert lake.delete("ops/counts", nothing, Txn("erase", 2)) == Commit(2, 0, 0, True)

    def test_deleting_by_an_unknown_column_is_refused(self, lake):
        with pytest.raises(SchemaMismatch, match=r"ops/counts: .*'file'"):
            lake.delete("ops/counts", pa.table({"file": ["a"]}), Txn("erase", 1))


class TestSchema:
    def test_a_missing_column_is_named(self, lake, given):
        with pytest.raises(SchemaMismatch, match=r"ops/counts: column 'arrived' is missing"):
            lake.append("ops/counts", given(counts("a").drop_columns("arrived")), Txn("t", 1))

    def test_further_columns_and_another_order_are_no_problem(self, lake, given):
        data = counts("a").append_column("note", pa.array(["x"])).select(["note", *reversed(counts().column_names)])
        lake.append("ops/counts", given(data), Txn("t", 1))
        assert lake.arrow("ops/counts").column_names == catalogue.get("ops/counts").column_names

    def test_numbers_are_widened_but_text_is_not_guessed(self, lake, spark):
        frame = spark.createDataFrame(counts("a"))
        lake.append("ops/counts", frame.withColumn("rows_in", F.lit(3)), Txn("t", 1))
        assert lake.arrow("ops/counts")["rows_in"].to_pylist() == [3]
        with pytest.raises(SchemaMismatch, match=r"ops/counts: column 'rows_in' is string, expected bigint"):
            lake.append("ops/counts", frame.withColumn("rows_in", F.lit("3")), Txn("t", 2))

    def test_a_number_that_does_not_fit_fails_and_its_value_is_not_told(self, lake):
        fields = counts("a").set_column(4, "rows_in", pa.array(["secret"]))
        with pytest.raises(SchemaMismatch, match="ops/counts: column 'rows_in' is string") as raised:
            lake.append("ops/counts", fields, Txn("t", 1))
        assert "secret" not in str(raised.value)

    @pytest.mark.parametrize(
        ("column", "values", "complaint"),
        [
            ("rows_in", pa.array([1], pa.int32()), "column 'rows_in' is int32, expected int64"),
            ("arrived", pa.array([0], pa.timestamp("us")), r"column 'arrived' is timestamp\[us\], expected date32"),
        ],
    )
    def test_a_data_file_of_the_wrong_type_is_refused_before_the_commit(
        self, lake, monkeypatch, column, values, complaint
    ):
        """Delta-rs would accept the file, and every reader of the table would fail from then on."""
        lake.append("ops/counts", counts("a"), Txn("t", 1))
        index = counts().column_names.index(column)

        def write_wrong(log, place, batches):
            path = folder(lake, "ops/counts") / place
            path.mkdir(parents=True)
            pq.write_table(counts("b").set_column(index, column, values), path / "part.parquet")

        monkeypatch.setattr("jobs.lake.log.DeltaLog.write", write_wrong)
        with pytest.raises(SchemaMismatch, match=rf"ops/counts: .*part.*parquet: {complaint}"):
            lake.append("ops/counts", counts("b"), Txn("t", 2))
        assert lake.version("ops/counts") == 0
        assert identifiers(lake) == ["a"]

    def test_no_personal_value_reaches_the_log(self, lake):
        row = {"customer_id": "c1", "kind": "email", "value": "ann@example.org", "preference": 1}
        data = pa.Table.from_pylist([row], catalogue.get("profiles/contact_points").arrow_schema())
        lake.replace("profiles/contact_points", data, Txn("t", 1))
        log = folder(lake, "profiles/contact_points") / "_delta_log" / f"{0:020}.json"
        assert "c1" in log.read_text()
        assert "ann@example.org" not in log.read_text()


class TestUpkeep:
    def test_compacting_keeps_the_rows_and_the_transactions(self, lake):
        for number in range(30):
            lake.append("ops/counts", counts(f"f{number}"), Txn(f"t{number}", 1))
        before = lake.content_hash("ops/counts")
        assert lake.compact("ops/counts") == 29
        assert lake.content_hash("ops/counts") == before
        assert not lake.append("ops/counts", counts("f3"), Txn("t3", 1)).applied
        assert lake.compact("ops/counts") == 0

    def test_compacting_keeps_the_days_of_a_day_table_apart(self, lake):
        for day in (1, 2):
            data = pa.concat_tables([scores(dt.date(2017, 3, day), "a"), scores(dt.date(2017, 3, day + 10), "b")])
            lake.append("models/scores", data.slice(0, 1), Txn(f"x{day}", 1))
            lake.append("models/scores", data.slice(1, 1), Txn(f"y{day}", 1))
            lake.append("models/scores", scores(dt.date(2017, 3, 1), f"z{day}"), Txn(f"z{day}", 1))
        lake.compact("models/scores")
        assert all(f.low["day"] == f.high["day"] for f in lake._files("models/scores"))

    def test_transactions_are_known_after_checkpoints_and_a_cleaned_log(self, lake):
        for number in range(45):
            lake.append("ops/counts", counts(f"f{number}"), Txn(f"t{number}", number))
        log = folder(lake, "ops/counts") / "_delta_log"
        assert list(log.glob("*.checkpoint.parquet"))
        last = max(int(p.name[:20]) for p in log.glob("*.checkpoint.parquet"))
        for entry in log.glob("*.json"):
            if int(entry.name[:20]) <= last:
                entry.unlink()
        assert not lake.append("ops/counts", counts("f1"), Txn("t1", 1)).applied
        assert lake.rows("ops/counts") == 45

    def test_a_reader_keeps_its_version_while_others_replace_and_vacuum(self, lake, spark):
        lake.replace("ops/counts", counts("a", "b"), Txn("t", 1))
        reader = lake.transaction("reader", DAY, reads=["ops/counts"])
        pinned = reader.read("ops/counts")
        lake.replace("ops/counts", counts("c"), Txn("t", 2))
        assert lake.vacuum("ops/counts", hours=1) == 0
        assert sorted(r.file_id for r in pinned.collect()) == ["a", "b"]
        assert sorted(reader.arrow("ops/counts")["file_id"].to_pylist()) == ["a", "b"]

    def test_vacuum_deletes_what_no_version_needs_and_what_crashes_left(self, lake):
        lake.replace("ops/counts", counts("a"), Txn("t", 1))
        lake.replace("ops/counts", counts("b"), Txn("t", 2))
        orphan = folder(lake, "ops/counts") / "data" / "crashed" / "part.parquet"
        orphan.parent.mkdir()
        orphan.write_bytes(b"half a file")
        assert lake.vacuum("ops/counts", hours=0) == 2
        assert not orphan.exists()
        assert identifiers(lake) == ["b"]


class TestContentHash:
    def test_it_depends_on_the_rows_alone(self, lake, tmp_path, spark):
        other = Lake(str(tmp_path / "other"))
        lake.append("models/scores", scores(DAY, "a", "b", "c"), Txn("t", 1))
        other.append("models/scores", spark.createDataFrame(scores(DAY, "c", "a")).repartition(2), Txn("x", 1))
        assert lake.content_hash("models/scores") != other.content_hash("models/scores")
        other.append("models/scores", scores(DAY, "b"), Txn("x", 2))
        assert lake.content_hash("models/scores") == other.content_hash("models/scores")

    @pytest.mark.parametrize(
        ("one", "two"),
        [
            ({"reasons": ["a, b"]}, {"reasons": ["a", "b"]}),
            ({"label": "", "model_version": None}, {"label": None, "model_version": ""}),
            ({"label": "x1", "model_version": "y"}, {"label": "x", "model_version": "1y"}),
            ({"score": 0.1}, {"score": 0.1 + 1e-16}),
        ],
    )
    def test_values_that_look_alike_as_text_differ(self, tmp_path, one, two):
        hashes = []
        for number, row in enumerate((one, two)):
            lake = Lake(str(tmp_path / str(number)))
            full = {"day": DAY, "model": "m", "customer_id": "c", **row}
            data = pa.Table.from_pylist([full], catalogue.get("models/scores").arrow_schema())
            lake.append("models/scores", data, Txn("t", 1))
            hashes.append(lake.content_hash("models/scores"))
        assert hashes[0] != hashes[1]

    def test_columns_can_be_left_out(self, lake, tmp_path):
        other = Lake(str(tmp_path / "other"))
        lake.append("ops/counts", counts("a", rows_in=1), Txn("t", 1))
        other.append("ops/counts", counts("a", rows_in=2), Txn("t", 1))
        assert lake.content_hash("ops/counts") != other.content_hash("ops/counts")
        assert lake.content_hash("ops/counts", ["rows_in"]) == other.content_hash("ops/counts", ["rows_in"])


def test_another_delta_reader_sees_the_same_rows(lake, spark):
    lake.append("models/scores", spark.createDataFrame(scores(DAY, *map(str, range(100)))), Txn("t", 1))
    lake.upsert("models/scores", scores(DAY, "7", score=0.9), Txn("t", 2))
    lake.delete("models/scores", pa.table({"customer_id": ["8"]}), Txn("t", 3))
    query = "select count(*), count(distinct customer_id), max(score), min(len(reasons)) from scores"
    with duckdb.connect() as connection:
        connection.register("scores", DeltaTable(f"{lake.root}/models/scores").to_pyarrow_dataset())
        found = connection.execute(query).fetchone()
    assert found == (99, 99, 0.9, 2)
