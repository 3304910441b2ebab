"""A dataset nobody has heard of, in a copy of the product: three files are touched, and its rows flow."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from deltalake import DeltaTable

from tests.company import MINIMAL

ROOT = Path(__file__).resolve().parent.parent
DAY = "2024-05-01"
CONTRACT = '''
CANONICAL["parcels"] = canonical(
    "parcels",
    "one parcel",
    ("parcel_id",),
    """
    parcel_id string id of the parcel
    delivered_at timestamp when it was handed over
    carrier string who brought it
    days_late int days after the promised one
    """,
    id="parcel_id",
    moment="delivered_at",
)
'''
SUITE = """
from expectations.vocabulary import filled, happened, person, readable


def rules(settings):
    return [readable(), filled("parcel_id"), *happened("delivered_at"), *person()]
"""
TOUCHPOINTS = """
OF_DATASET["parcels"] = lambda rows, journey, zone: [
    contact_rows(rows, "parcel", "delivered_at", "parcel_id", zone, channel=F.col("carrier"))
]
"""
SOURCE = {
    "source": "crm",
    "group": "crm",
    "datasets": {
        **MINIMAL["sources/crm.yaml"]["datasets"],
        "parcels": {
            "files": "{day}/parcels*.csv",
            "columns": {
                "parcel_id": "id",
                "delivered_at": "at",
                "carrier": "carrier",
                "days_late": "late",
                "contact_id": "who",
            },
        },
    },
}
LATE = {"title": "Parcels that were late", "type": "bigint", "over": "parcels", "where": "days_late > 0", "default": 0}


@pytest.fixture
def product(tmp_path):
    """A copy of the product with the dataset added, and what is in its lake after a run."""
    code = tmp_path / "code"
    for folder in ("jobs", "expectations"):
        shutil.copytree(ROOT / folder, code / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in {
        "jobs/lake/tables/canonical.py": CONTRACT,
        "expectations/parcels.py": SUITE,
        "jobs/activity/touchpoints.py": TOUCHPOINTS,
    }.items():
        with (code / path).open("a") as file:
            file.write(text)
    return code


def run(code, config, until):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KLANTREIS_")}
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", "run", "--config", str(config), "--to", DAY, "--until", until],
        cwd=code,
        env={**environment, "PYTHONPATH": str(code), "KLANTREIS_HASH_KEY": "k"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_a_dataset_is_a_contract_a_suite_and_what_contact_it_is(product, config, tmp_path):
    landed = tmp_path / "var" / "landing" / "crm" / DAY
    landed.mkdir(parents=True)
    (landed / "contacts.csv").write_text("id,updated_at,email,name\nann,2024-04-01,ann@x.nl,Ann\n")
    (landed / "parcels.csv").write_text(
        "id,at,carrier,late,who\np1,2024-04-20T10:00:00,post,2,ann\np2,2024-04-28T10:00:00,bike,0,ann\n"
        ",2024-04-29T10:00:00,bike,0,ann\n"
    )
    folder = config(
        {"sources/crm.yaml": SOURCE, "traits.yaml": {"traits": {"parcels_late": {**LATE, "value": "count(*)"}}}}
    )

    run(product, folder, until="traits")

    def table(name):
        return DeltaTable(str(tmp_path / "var" / "lake" / name)).to_pyarrow_table().to_pylist()

    assert sorted(row["parcel_id"] for row in table("valid/parcels")) == ["p1", "p2"]
    assert [row["rule"] for row in table("quarantine/rows")] == ["parcel_id:not_null"]
    contacts = sorted((row["type"], row["channel"], row["reference"]) for row in table("journeys/touchpoints"))
    assert contacts == [("parcel", "bike", "p2"), ("parcel", "post", "p1"), ("registration", "crm", "ann")]
    assert [row["parcels_late"] for row in table("profiles/traits")] == [1]
