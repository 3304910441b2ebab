"""One Great Expectations suite per canonical dataset, in the module of the same name."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

    from jobs.config.settings import Settings

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when Great Expectations is imported


def suite(dataset: str, settings: Settings) -> ExpectationSuite:
    """The suite of a canonical dataset, such as `contacts`: its own rules, and those of any batch."""
    from great_expectations import ExpectationSuite

    from expectations.vocabulary import batch
    from jobs.lake.tables.canonical import CANONICAL

    rules = import_module(f"expectations.{dataset}").rules(settings)
    return ExpectationSuite(name=dataset, expectations=[*rules, *batch(CANONICAL[dataset].key)])
