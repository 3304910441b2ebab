"""A slice of the fault run of benchmarks/faults.py: every kind of fault at least once."""

import pytest

from benchmarks import faults
from benchmarks.fault_kinds import KINDS


@pytest.mark.slow
def test_no_fault_loses_a_row_lands_one_twice_or_lets_a_bad_one_in(tmp_path):
    outcome = faults.run(tmp_path, count=65, seed=7)
    assert set(outcome.injected) == set(KINDS)
    assert outcome.messages == []
    assert outcome.summary() == "65 faults: 0 rows lost, 0 duplicated, 0 crashes"
