"""Ingest and validation find every planted fault of the demo company, and nothing else."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from tests.examples.retail_company import CONFIG, Retail, make

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def december(tmp_path_factory: pytest.TempPathFactory) -> Retail:
    folder = tmp_path_factory.mktemp("december")
    return make(folder, size=0.02, days=(dt.date(2017, 12, 1), dt.date(2017, 12, 31)))


@pytest.fixture(scope="module")
def tables(december: Retail, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The accounts of the lake after one load of the whole month."""
    from jobs.config.settings import load_settings
    from jobs.ingest import load
    from jobs.lake.lake import Lake
    from jobs.validate import step

    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLANTREIS_HOME", str(home))
        patch.setenv("KLANTREIS_LAKE", str(home / "lake"))
        patch.setenv("KLANTREIS_LANDING", str(december.landing))
        patch.setenv("KLANTREIS_HASH_KEY", "test-key")
        settings = load_settings(CONFIG.parent)
        for source in settings.sources:
            load.run(source, dt.date(2017, 12, 31), settings)
            step.run(source, dt.date(2017, 12, 31), settings)
        lake = Lake.of(settings)
        names = ("ops/counts", "ops/files", "quarantine/rows")
        return {name: lake.arrow(name).to_pandas() for name in names}


def test_counts_are_those_of_the_truth(december: Retail, tables: dict[str, pd.DataFrame]):
    truth = december.truth("expected_counts").set_index(["source", "dataset"]).astype(int)
    expected = pd.DataFrame(
        {
            "accepted": truth.good_keys,
            "quarantined": truth.bad + truth.files_quarantined,
            "duplicates": truth.duplicates + truth.rows_in_copies,
        }
    )
    found = tables["ops/counts"].groupby(["source", "dataset"])[list(expected)].sum()
    pd.testing.assert_frame_equal(found.sort_index(), expected.sort_index(), check_dtype=False)


def test_each_file_gets_its_state(december: Retail, tables: dict[str, pd.DataFrame]):
    states = tables["ops/files"].set_index("path").state.to_dict()
    assert states == december.truth("files").set_index("path").state.to_dict()


def test_each_broken_row_is_quarantined_by_file_and_line(december: Retail, tables: dict[str, pd.DataFrame]):
    faults = december.truth("faults").query("expected == 'quarantined row'")
    paths = tables["ops/files"].set_index("file_id").path
    rows = tables["quarantine/rows"].query("line > 0")
    found = set(zip(rows.file_id.map(paths), rows.line.astype(int), strict=True))
    assert found == set(zip(faults.path, faults.line.astype(int), strict=True))
