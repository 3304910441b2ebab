"""`klantreis check` tries each expression and says in plain words what is wrong with it."""

import pytest

from jobs.cli import checks
from tests.conftest import MINIMAL


@pytest.mark.parametrize("expression", ["Korting %", "first-name", "#nr", "upper(name"])
def test_a_name_with_signs_gets_the_advice_to_use_backticks_and_no_grammar(settings, expression):
    source = MINIMAL["sources/crm.yaml"]
    (contacts,) = source["datasets"].values()
    columns = {**contacts["columns"], "first_name": expression}
    (problem,) = checks.problems(
        settings({"sources/crm.yaml": {**source, "datasets": {"contacts": {**contacts, "columns": columns}}}})
    )
    assert "datasets.contacts.columns.first_name: not an expression the engine understands: " in problem
    assert problem.endswith("; a column name with spaces or signs is written in backticks")
    assert " expected " not in problem
