"""A history that came in one load is known at its own time; what comes later, when it arrives. About 4 CPU seconds."""

import datetime as dt

import pytest

from jobs.activity.first_loads import arrivals, known_by_their_own_time

DAYS = [dt.date(2017, 3, 1), dt.date(2017, 6, 30)]
LOADED = "2017-06-20"


def order(number, ordered, arrived=LOADED, updated=None, source="shop"):
    return {"source": source, "order_id": f"o{number}", "ordered_at": f"{ordered}T10:00:00", "arrived": arrived,
            "updated_at": f"{updated or ordered}T10:00:00"}  # fmt: skip


@pytest.fixture
def known(rows, settings):
    """`known(*orders)`: the day on which each row counts as known, by order and the day it was written."""

    def build(*orders, days=DAYS, said=None):
        columns = {name: name for name in ("order_id", "updated_at", "ordered_at", "status", "total")}
        dataset = {"files": "x.csv", "columns": columns, **({"known": said} if said else {})}
        loaded = settings({"sources/shop.yaml": {"source": "shop", "group": "shop", "datasets": {"orders": dataset}}})
        table = rows("valid/orders", *orders)
        found = known_by_their_own_time(table, "valid/orders", arrivals(table), days, loaded).collect()
        return {(row["order_id"], row["updated_at"].date().isoformat()): row["arrived"].isoformat() for row in found}

    return build


def test_rows_of_the_first_load_are_known_when_they_happened_and_later_ones_when_they_arrive(known):
    found = known(order(1, "2017-01-05"), order(2, "2017-06-19"), order(3, "2017-02-01", arrived="2017-06-25"))
    assert found == {
        ("o1", "2017-01-05"): "2017-01-05",
        ("o2", "2017-06-19"): "2017-06-19",
        ("o3", "2017-02-01"): "2017-06-25",
    }


def test_what_became_of_a_record_later_is_known_when_it_was_written_and_not_before(known):
    found = known(order(1, "2017-01-05", updated="2017-01-05"), order(1, "2017-01-05", updated="2017-04-01"))
    assert found == {("o1", "2017-01-05"): "2017-01-05", ("o1", "2017-04-01"): "2017-04-01"}


def test_a_record_that_comes_in_its_last_version_only_is_known_when_it_happened(known):
    assert known(order(1, "2017-01-05", updated="2017-04-01")) == {("o1", "2017-04-01"): "2017-01-05"}


def test_each_source_has_its_own_first_load(known):
    found = known(order(1, "2017-01-05"), order(2, "2017-01-05", arrived="2017-06-25", source="pos"))
    assert set(found.values()) == {"2017-01-05"}


def test_a_row_of_a_time_to_come_is_known_when_it_arrives(known):
    assert known(order(1, "2017-08-05")) == {("o1", "2017-08-05"): LOADED}


@pytest.mark.parametrize(("said", "late"), [("arrival", "2017-06-25"), ("event_time", "2017-02-01")])
def test_a_dataset_may_say_otherwise_for_all_its_rows(known, said, late):
    found = known(order(1, "2017-01-05"), order(3, "2017-02-01", arrived="2017-06-25"), said=said)
    first = LOADED if said == "arrival" else "2017-01-05"
    assert found == {("o1", "2017-01-05"): first, ("o3", "2017-02-01"): late}


def test_on_days_after_everything_arrived_nothing_is_changed(known):
    assert known(order(1, "2017-01-05"), days=[dt.date(2017, 6, 30)]) == {("o1", "2017-01-05"): LOADED}
