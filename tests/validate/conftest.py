"""The company of the ingest tests, also for what happens to its rows afterwards."""

from tests.ingest.conftest import company, company_lake, day, land  # noqa: F401
