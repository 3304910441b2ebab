"""Every pack of examples/packs, whatever its industry: it checks, and its made-up company lives its journeys.

Costs about 20 s of the processor per pack, nearly all of it in `lived`, which lives a pack once. With PACKS_ON_SPARK=1
(`make packs-on-spark`) on Apache Spark, where one takes some three minutes of it: too much for `make test`.
"""

import os
import re
import shutil

import pytest

from jobs.activation.channels.types import type_of
from jobs.cli import checks
from jobs.config.settings import load_settings
from jobs.config.wrong import ConfigError
from tests.engines import running_on
from tests.packs.lived_pack import NAMES, PACKS, LivedPack, golden

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=NAMES)
def lived(request, tmp_path_factory):
    """The made-up company of a pack after its last day."""
    with pytest.MonkeyPatch.context() as patch:
        pack = LivedPack(request.param, tmp_path_factory.mktemp(request.param), patch)
        if not os.environ.get("PACKS_ON_SPARK"):
            yield pack.live()
            return
        with running_on(request.getfixturevalue("apache_spark")):
            yield pack.live()


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture(autouse=True)
def no_other_company(monkeypatch):
    for variable in ("KLANTREIS_LANDING", "KLANTREIS_LAKE", "KLANTREIS_HOME"):
        monkeypatch.delenv(variable, raising=False)


def test_a_pack_checks_and_leaves_nothing_to_be_told_of_sources(name):
    settings = load_settings(PACKS / name / "config")
    assert checks.problems(settings) == []
    assert [note for note in checks.notes(settings) if "audiences" in note] == []


def test_each_journey_reaches_exactly_the_people_it_is_for(lived):
    assert lived.set_aside() == []
    assert lived.told - lived.truth == set(), "somebody was taken for whom it was not"
    assert lived.truth - lived.told == set(), "somebody it was for was forgotten"


def test_every_kpi_is_counted_except_those_of_what_was_never_sent(lived):
    kpis = lived.settings.journey.kpis
    told = lived.lake.arrow("journeys/kpis", columns=["kpi", "reason"]).to_pylist()
    assert {row["kpi"] for row in told} == set(kpis)
    without = {row["kpi"] for row in told if row["reason"] == "no_source"}
    assert without == {name for name, kpi in kpis.items() if kpi.needs == ["ledger"]}


def test_the_golden_table_is_what_the_made_up_company_knows(name, tmp_path, monkeypatch):
    pack = LivedPack(name, tmp_path, monkeypatch)
    assert golden(pack.truth) == (PACKS / name / "golden.csv").read_text()
    chosen = {journey for _, journey, _, outcome in pack.truth if outcome == "chosen"}
    assert chosen == set(pack.settings.audiences), "each journey is for somebody"
    assert {outcome for *_, outcome in pack.truth} >= {"chosen", "no_consent"}
    assert 20 <= len(pack.company.people) <= 60


def test_the_same_seed_makes_the_same_files(name, tmp_path, monkeypatch):
    one, other = (LivedPack(name, tmp_path / side, monkeypatch) for side in "ab")
    assert one.company.files == other.company.files
    assert one.company.people == other.company.people


def test_without_a_source_the_journeys_that_need_it_are_off_and_check_says_which(name, tmp_path):
    whole = load_settings(PACKS / name / "config")
    for source in set(whole.sources) - {"crm"}:  # ids and golden records rest on the CRM: without it is a mistake
        folder = tmp_path / source
        shutil.copytree(PACKS / name / "config", folder)
        (folder / "sources" / f"{source}.yaml").unlink()
        if source in {one.reported_by for one in whole.destinations.values()}:  # a mistake too, until it is taken out
            with pytest.raises(ConfigError, match=f"reported_by: no source '{source}'"):
                load_settings(folder)
            path = folder / "destinations.yaml"
            path.write_text(re.sub("reported_by: .*", "reported_by: ''", path.read_text()))
        less = load_settings(folder)
        gone = set(whole.sources[source].datasets) - {one for left in less.sources.values() for one in left.datasets}
        gone |= {f"{source}/{dataset}" for dataset in whole.sources[source].datasets}
        off = {journey for journey, one in less.audiences.items() if set(one.needs) & gone}
        told = {re.search(r"audiences/(\w+)[.]yaml", note)[1] for note in checks.notes(less) if "it is off" in note}
        assert told == off
        assert off, f"no journey needs {source}: then the pack need not have it"
        assert checks.problems(less) == []


def test_every_message_is_there_in_dutch_and_english(name):
    settings = load_settings(PACKS / name / "config")
    ends = {"email": ("txt", "html"), "phone": ("sms",)}
    wanted = {
        f"{delivery.template}.{language}.{end}"
        for audience in settings.audiences.values()
        for destination, delivery in audience.send_to.items()
        if delivery.template
        for end in ends[type_of(destination, settings).goes_to]
        for language in ("nl", "en")
    }
    layouts = {f"layout_{language}.html" for language in ("nl", "en")}
    assert {path.name for path in (PACKS / name / "config" / "templates").iterdir()} == wanted | layouts


def test_the_page_of_a_pack_tells_of_every_journey_and_every_source(name):
    page, settings = (PACKS / name / "README.md").read_text(), load_settings(PACKS / name / "config")
    untold = [one for one in (*settings.audiences, *settings.sources) if f"`{one}`" not in page]
    assert untold == []


def test_every_kpi_has_an_owner_a_definition_and_a_target_and_each_journey_moves_one(name):
    settings = load_settings(PACKS / name / "config")
    kpis = settings.journey.kpis
    assert [one for one, kpi in kpis.items() if None in (kpi.owner, kpi.definition, kpi.target, kpi.direction)] == []
    assert {one.kpi for one in settings.audiences.values()} <= set(kpis)
    assert all(one.expires for one in settings.audiences.values())
