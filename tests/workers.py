"""How many processes `make test` runs tests in: one more than there are cores, if memory allows.

Tests wait now and then, for a disk, a server or a browser: with a worker more the cores have something to do meanwhile.
Each worker has an engine, and perhaps Apache Spark and Airflow.
"""

from __future__ import annotations

import os

import pytest

from jobs.lake.machine import memory_limit

EACH = 6.0
"""GB of memory for a worker with all it starts."""
LEAST = 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(LEAST, min(cores + 1, int((memory_limit() or LEAST * EACH) / EACH)))
