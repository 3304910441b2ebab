"""What the guides tell people to write is accepted, and every link leads somewhere."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from jobs.audiences.rules import rule_problems
from jobs.audiences.view_columns import view_with
from jobs.config.actions.audiences import Audience
from jobs.config.actions.context import Context
from jobs.config.decisions import Decisions
from jobs.config.identity import RecordKind
from jobs.config.sources.places import Paging
from jobs.config.sources.source import Source
from jobs.config.traits import Traits
from jobs.config.yaml_files import load
from jobs.ingest.expressions import parse

MODELS = ("churn", "purchase", "segmentation")
ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"), *ROOT.glob("mlruns/*.md")]
)


def yaml_of(guide: str) -> str:
    """All blocks marked `yaml`, without more, of a guide as one document, as a reader would put them together."""
    text = (ROOT / "docs" / "guides" / guide).read_text()
    return "".join(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))


def test_the_source_of_the_guide_is_accepted():
    source = Source.model_validate(yaml.safe_load(yaml_of("add-a-source.md")))
    tickets = source.datasets["tickets"]
    assert parse(tickets.columns["email"].expression).columns == ("Requester Email",)
    assert parse(tickets.columns["status"].expression).columns == ("State",)
    assert parse(tickets.attributes["first_reply_minutes"].expression).columns == ("First reply (min)",)


def test_the_connected_sources_of_the_guide_are_accepted():
    text = (ROOT / "docs" / "guides" / "connect-a-source.md").read_text()
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "source:" in block]
    sources = [Source.model_validate(yaml.safe_load(block)) for block in blocks]
    assert [source.source for source in sources] == ["crm", "shop", "helpdesk"]
    pagings = [yaml.safe_load(found) for found in re.findall(r"`(\{type: .*?\})`", text)]
    ways = set(get_args(Paging.model_fields["type"].annotation)) - {"none"}
    assert {Paging.model_validate(paging).type for paging in pagings} == ways


def test_the_decision_of_the_guide_is_accepted():
    text = (ROOT / "docs" / "guides" / "who-is-who.md").read_text()
    (block,) = [b for b in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if b.startswith("decisions:")]
    (decision,) = Decisions.model_validate(yaml.safe_load(block)).decisions
    assert decision.ends == ("crm:C00066310", "shop:S00066310")


def test_the_kinds_of_the_guide_are_all_there_are():
    text = (ROOT / "docs" / "guides" / "who-is-who.md").read_text()
    told = re.search(r"Kinds: (.*?)\.\n", text, re.DOTALL)
    assert told
    assert set(re.findall(r"`(\w+)`", told[1])) == set(get_args(RecordKind))


def test_the_context_of_the_guide_is_accepted():
    declared = Context.model_validate(yaml.safe_load(yaml_of("tell-other-systems.md")))
    columns = [*view_with(load(ROOT / "config" / "traits.yaml", Traits).over_tables(), MODELS).column_names, "moment"]
    assert [problem for one in declared.variants for problem in rule_problems(one.when, columns)] == []


def test_the_audience_of_the_guide_is_accepted():
    audience = Audience.model_validate(yaml.safe_load(yaml_of("add-an-audience.md")))
    columns = view_with(load(ROOT / "config" / "traits.yaml", Traits).over_tables(), MODELS).column_names
    assert rule_problems(audience.where, columns) == []
    assert set(audience.evidence) <= set(columns)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_promise_of_the_security_page_is_proven_by_a_test_that_is_there():
    page = (ROOT / "docs" / "security.md").read_text()
    tables = page.split("\n| promise | proven by |\n|---|---|\n")[1:]
    promises = [row for table in tables for row in table.split("\n\n")[0].splitlines()]
    assert len(promises) > 20
    assert [row for row in promises if "`tests/" not in row] == []
    for path, _, name in (found.partition("::") for found in re.findall(r"`(tests/[^`]+)`", page)):
        assert (ROOT / path).exists(), path
        assert not name or f"\ndef {name}(" in (ROOT / path).read_text(), f"{path}::{name}"
