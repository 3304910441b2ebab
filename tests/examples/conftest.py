"""The demo company at 2 % of its size, written once."""

import pytest

from tests.examples.retail_company import Retail, make


@pytest.fixture(scope="session")
def retail(tmp_path_factory: pytest.TempPathFactory) -> Retail:
    return make(tmp_path_factory.mktemp("retail"))
