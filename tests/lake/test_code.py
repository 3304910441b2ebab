"""A step runs again when something it uses changed, and only then."""

from __future__ import annotations

import ast
import datetime as dt
import os
import shutil
from pathlib import Path

import pytest

from jobs import pipeline
from jobs.activity import traits
from jobs.lake import code
from jobs.lake.lake import Lake
from jobs.models import models
from tests.lake.lake_rows import DAY

PROJECT = Path(code.ROOT)
STEPS = {
    **{step.name: (step.job.split(":")[0],) for step in pipeline.STEPS if step.name not in ("train", "keep_out")},
    "validate": ("jobs.validate.publish",),
    **{f"train {kind}": (module,) for kind, module in models.KINDS.items()},
    "score": ("jobs.models.scoring", *models.KINDS.values()),
    "texts": ("jobs.models.text.reading", "jobs.models.text.readers"),
}
"""The code of each step, as its transaction names it; keeping people out has none of its own."""


@pytest.fixture
def product(tmp_path, monkeypatch):
    """`product({"jobs/a.py": "..."})`: the fingerprints of modules are those of these files from now on."""
    versions = iter(range(100))

    def place(files):
        root = tmp_path / str(next(versions))
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr(code, "ROOT", root)
        return code.code_fingerprint

    return place


@pytest.fixture
def deploy(tmp_path, monkeypatch):
    """`deploy({"jobs/errors.py": "x = 1"})`: the product with these lines added to files, and all of it rewritten."""
    versions = iter(range(100))

    def place(added=None, rewrite=None):
        root = tmp_path / f"deployed_{next(versions)}"
        for name in code.PRODUCT:
            shutil.copytree(PROJECT / name, root / name, copy_function=os.symlink)
        for path in root.rglob("*.py") if rewrite else []:
            write(path, rewrite(path.read_text()))
        for name, text in (added or {}).items():
            path = root / name
            write(path, f"{path.read_text()}\n{text}\n")
        monkeypatch.setattr(code, "ROOT", root)
        return {step: code.code_fingerprint(names) for step, names in STEPS.items()}

    def write(path, text):
        path.unlink()
        path.write_text(text)

    return place


FILES = {
    "jobs/__init__.py": "",
    "jobs/score.py": "from jobs.far import near\n\ndef run():\n    return near.value()\n",
    "jobs/other.py": "import json\n\ndef run():\n    return 1\n",
    "jobs/far/__init__.py": "",
    "jobs/far/near.py": "def value():\n    from jobs.helper import double\n\n    return double(2)\n",
    "jobs/helper.py": "def double(number):\n    return 2 * number\n",
}


def both(fingerprint):
    return fingerprint("jobs.score"), fingerprint("jobs.other")


def test_a_helper_two_imports_away_and_imported_in_a_function_reaches_only_the_step_that_uses_it(product):
    score, other = both(product(FILES))
    changed = both(product(FILES | {"jobs/helper.py": "def double(number):\n    return number + number\n"}))
    assert changed[0] != score
    assert changed[1] == other


@pytest.mark.parametrize(
    "text",
    [
        "# twice\ndef double(number):\n    return 2 * number  # twice\n",
        '"""Numbers."""\n\n\ndef double(number):\n    """Twice."""\n    return (\n        2\n        * number\n    )\n',
        "def double( number ): return 2*number",
    ],
    ids=["comments", "docstrings and lines", "spaces"],
)
def test_the_way_it_is_written_is_no_change(product, text):
    before = both(product(FILES))
    assert both(product(FILES | {"jobs/helper.py": text})) == before


@pytest.mark.parametrize(
    "text",
    [
        "def double(number):\n    return 3 * number\n",
        "def double(number):\n    return 2. * number\n",
        "def double(number):\n    return number * 2\n",
        "def double(number, more=0):\n    return 2 * number\n",
        "FACTOR = 2\n\ndef double(number):\n    return 2 * number\n",
    ],
)
def test_what_it_does_is_a_change(product, text):
    score, other = both(product(FILES))
    changed = both(product(FILES | {"jobs/helper.py": text}))
    assert changed[0] != score
    assert changed[1] == other


def test_a_package_runs_before_the_module_in_it_so_its_code_counts(product):
    score, other = both(product(FILES))
    changed = both(product(FILES | {"jobs/far/__init__.py": "import os\nos.environ['TZ'] = 'UTC'\n"}))
    assert changed[0] != score
    assert changed[1] == other


def test_words_that_a_package_reads_are_a_change_and_what_explains_them_is_none(product):
    words = FILES | {"jobs/far/data/words.txt": "good fine\n", "jobs/far/data/README.md": "words of praise\n"}
    score, other = both(product(words))
    changed = both(product(words | {"jobs/far/data/words.txt": "good fine great\n"}))
    assert changed[0] != score
    assert changed[1] == other
    assert both(product(words | {"jobs/far/data/README.md": "words\n"})) == (score, other)


def test_what_only_a_type_checker_imports_is_not_used(product):
    typed = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from jobs.helper import double\n"
    before = product(FILES | {"jobs/other.py": typed})("jobs.other")
    assert product(FILES | {"jobs/other.py": typed, "jobs/helper.py": "x = 1\n"})("jobs.other") == before


def test_a_module_imported_by_a_computed_name_is_named_beside_the_own_one(product):
    names = ("jobs.other", "jobs.helper")
    before = product(FILES)(names)
    changed = product(FILES | {"jobs/helper.py": "x = 1\n"})
    assert changed(names) != before


def test_a_step_that_names_no_module_is_made_of_the_whole_product(product):
    before = product(FILES)()
    assert product(FILES | {"jobs/other.py": "def run():\n    return 2\n"})() != before


def test_a_module_that_is_not_there_is_told(product):
    with pytest.raises(LookupError, match=r"module jobs\.scores is not in"):
        product(FILES)("jobs.scores")


def test_every_way_to_import_is_followed(product):
    helper = FILES["jobs/helper.py"]
    for line in (
        "import jobs.helper",
        "import jobs.helper as h",
        "from jobs import helper",
        "from jobs.helper import *",
    ):
        files = {"jobs/__init__.py": "", "jobs/step.py": f"{line}\n"}
        before = product(files | {"jobs/helper.py": helper})("jobs.step")
        assert product(files | {"jobs/helper.py": "x = 1\n"})("jobs.step") != before, line


def test_a_deploy_without_effect_changes_no_step(deploy):
    """All files written anew, without comments; and code that only the command line and the replays use."""
    before = deploy()
    assert deploy(rewrite=lambda text: ast.unparse(ast.parse(text)) + "\n# another comment\n") == before
    unused = ["jobs/cli/main.py", "jobs/validate/replay/csv_export.py", "jobs/cli/checks.py", "expectations/tickets.py"]
    assert deploy(dict.fromkeys(unused, "CHANGED = 1")) == before


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("jobs/errors.py", set(STEPS)),
        ("jobs/lake/rows.py", set(STEPS)),
        ("jobs/ingest/landing/landing.py", {"feedback", "ingest"}),
        ("jobs/identity/over_time/merges_and_splits.py", {"identity"}),
        ("jobs/journeys/stages.py", {"journeys"}),
        ("jobs/models/registry.py", {*(f"train {kind}" for kind in models.KINDS), "score", "texts"}),
        ("jobs/audiences/holdout.py", {"audiences", "push"}),  # a rule may be asked again at the send
        ("jobs/activation/eligibility.py", {"plan", "push"}),
        ("jobs/models/classify/classify.py", {"train classify", "score"}),
    ],
)
def test_a_change_runs_exactly_the_steps_that_use_it_again(deploy, changed, again):
    before = deploy()
    after = deploy({changed: "CHANGED = 1"})
    assert {step for step in STEPS if after[step] != before[step]} == again


def test_the_suite_of_a_dataset_is_code_of_its_validation_alone(deploy):
    def ids():
        return [
            code.code_fingerprint(("jobs.validate.publish", f"expectations.{name}")) for name in ("orders", "tickets")
        ]

    deploy()
    orders, tickets = ids()
    deploy({"expectations/tickets.py": "CHANGED = 1"})
    assert ids()[0] == orders
    assert ids()[1] != tickets


def test_a_step_run_again_after_a_deploy_without_effect_writes_nothing(settings, rows, deploy):
    trait = {"title": "Orders", "over": "orders", "value": "count(*)", "type": "bigint"}
    loaded = settings({"traits.yaml": {"traits": {"orders": trait}}})
    lake = Lake.of(loaded)
    known = rows("identity/map", {"identifier": "i", "customer_id": "c"})
    lake.replace("identity/map", known, lake.transaction("arrive", dt.date(2017, 1, 1)))

    def version_after_a_run():
        traits.run(DAY, loaded)
        return lake.version("profiles/traits")

    deploy()
    first = version_after_a_run()
    deploy({"jobs/validate/publish.py": "CHANGED = 1"}, rewrite=lambda text: ast.unparse(ast.parse(text)))
    assert version_after_a_run() == first
    deploy({"jobs/activity/on_days.py": "CHANGED = 1"})
    assert version_after_a_run() > first
