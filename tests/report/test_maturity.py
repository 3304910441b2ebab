"""Maturity: each level from a number of the lake, what there is no data for, and what to do next.

Costs about 2 s.
"""

import datetime as dt
import json
import sys
from types import SimpleNamespace

import pytest

from jobs.cli.main import main
from jobs.config.maturity import COUNTS, DEFAULTS, Maturity
from jobs.config.wrong import ConfigError
from jobs.report import maturity
from jobs.report.maturity import areas, reading
from jobs.report.maturity_measures import AREAS, FILLED_BY, MEASURES

LAST = dt.date(2024, 5, 28)
BY_NAME = {one.name: one for one in MEASURES}
FULL = dict.fromkeys(FILLED_BY, True)


def read_of(name, have, of=None, history=90, filled=True, **rules):
    return reading(BY_NAME[name], (have, of), filled, Maturity(**rules), history)


@pytest.mark.parametrize(
    ("have", "level", "short"),
    [(0, 0, 25), (24, 0, 1), (25, 1, 25), (49, 1, 1), (50, 2, 30), (80, 3, 15), (94, 3, 1), (95, 4, None)],
)
def test_a_level_begins_at_its_number_and_the_next_one_says_how_many_more_it_takes(have, level, short):
    found = read_of("answered", have, 100)
    assert (found.level, found.short) == (level, short)
    assert found.evidence == (
        f"{have} known customers with an answer about consent, of 100 known customers ({have}.0 %); profiles.people"
    )


def test_a_third_of_three_is_a_third_though_fractions_miss_it():
    assert read_of("joined", 1, 3, levels={"joined": [1 / 3, 0.5, 0.6, 0.7]}).level == 1


def test_a_number_of_things_has_no_whole():
    found = read_of("datasets", 5)
    assert (found.level, found.short, found.value) == (2, 3, 5)
    assert found.evidence == "5 datasets that delivered; ops.counts, last 28 days"
    assert found.todo.startswith("level 3 is 3 away (datasets that delivered): connect another source")


def test_without_rows_there_is_no_data_and_the_next_step_is_to_get_some():
    found = read_of("judged", 0, 0, filled=False)
    assert (found.level, found.value) == (0, None)
    assert found.evidence == "no data: there are no rows in activation.deliveries"
    assert found.todo == "add an action (config/audiences/) and push it"


def test_rows_of_long_ago_are_no_data_of_the_last_days():
    found = read_of("held_out", 0, 0)
    assert found.evidence == "no data: no actions that reached somebody in activation.deliveries, last 28 days"


def test_a_young_lake_cannot_tell_what_was_done_in_four_weeks_but_who_is_in_it():
    young = read_of("days_run", 3, 28, history=3)
    assert (young.level, young.todo) == (None, "")
    assert young.evidence == "too early to tell: files of 3 days arrived, and it takes 14"
    assert read_of("answered", 50, 100, history=3).level == 2


def test_an_area_is_as_far_as_its_weakest_measure_and_the_lowest_comes_first():
    most = {one.name: (100, 100) for one in MEASURES}
    found = areas({**most, "proven": (60, 100), "known": (55, 100), "models": (3, None)}, FULL, Maturity(), 90)
    assert {one.name: one.level for one in found} == {
        **dict.fromkeys(AREAS, 4), "identity": 3, "consent": 1, "learning": 3,
    }  # fmt: skip
    report = maturity.Report(LAST, LAST, found)
    assert report.begin_with.name == "consent"
    assert report.begin_with.weakest.measure.name == "proven"
    assert maturity.Report(LAST, LAST, areas(most, FULL, Maturity(), 90)).begin_with is None


def test_of_equals_the_area_that_others_rest_on_comes_first():
    nothing = areas({}, {}, Maturity(), 0)
    assert [one.level for one in nothing] == [0] * len(AREAS)
    assert maturity.Report(None, None, nothing).begin_with.name == "data coverage"


def test_every_measure_has_its_numbers_its_area_and_a_way_to_get_rows():
    assert [one.name for one in MEASURES] == list(DEFAULTS)
    assert list(dict.fromkeys(one.area for one in MEASURES)) == list(AREAS)
    assert {one.needs[0] for one in MEASURES} == set(FILLED_BY)
    assert {one.name for one in MEASURES if not one.of} == set(COUNTS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("levels: {answerd: [0.1, 0.2, 0.3, 0.4]}", "no such measure; did you mean 'answered'?"),
        ("levels: {answered: [0.1, 0.2, 0.3]}", "levels.answered: write 4 numbers, each more than the one before"),
        ("levels: {answered: [0.1, 0.3, 0.2, 0.4]}", "levels.answered: write 4 numbers, each more than the one before"),
        ("levels: {answered: [0.1, 0.2, 0.3, 80]}", "levels.answered: each number has to be above 0 and at most 1"),
        ("fewest_days: 40", "fewest_days: 40 is more than days 28; nothing would be said"),
    ],
)
def test_thresholds_nobody_could_reach_are_refused_with_their_file(settings, text, said):
    with pytest.raises(ConfigError, match=r"maturity\.yaml:1: ") as refused:
        settings({"maturity.yaml": text})
    assert said in str(refused.value)


@pytest.fixture
def lived(lake_of):
    """Eight weeks of files; two of four customers are known, one of them answered; one action of two is measured."""
    at = SimpleNamespace(day=lambda back: LAST - dt.timedelta(days=back))
    files = [
        {"file_id": f"f{back}", "source": "crm", "dataset": "contacts", "path": f"{back}", "arrived": at.day(back),
         "state": "loaded", "rows_in": 10}
        for back in range(56)
    ]  # fmt: skip
    counts = [
        {**{key: file[key] for key in ("file_id", "source", "dataset", "arrived", "rows_in")}, "accepted": 9,
         "quarantined": 1, "duplicates": 0}
        for file in files
    ]  # fmt: skip
    people = [("c1", True, ["crm", "shop"]), ("c2", True, ["crm"]), ("c3", False, ["web"]), ("c4", False, ["web"])]
    effects = [("works", "more"), ("*", "more"), ("old", "too_few")]
    return lake_of({
        "ops/files": files,
        "ops/counts": counts,
        "ops/validations": [{"day": at.day(back), "source": "crm", "dataset": "contacts", "batch": "b", "attempt": 1,
                             "expectation": "e"} for back in range(0, 28, 2)],
        "quarantine/rows": [
            {"source": "crm", "dataset": "contacts", "file_id": file["file_id"], "line": 3, "rule": "r", "path": "p"}
            for file in files
        ],
        "profiles/people": [{"customer_id": c, "known": known, "sources": told} for c, known, told in people],
        "profiles/consent": [
            {"customer_id": "c1", "purpose": "marketing", "channel": "email", "status": "granted", "proof": "form 7"},
        ],
        "journeys/touchpoints": [
            {"touchpoint_id": f"t{n}", "customer_id": f"c{1 + n % 4}", "day": at.day(n), "channel": "web"}
            for n in range(40)
        ],
        "activation/deliveries": [
            {"day": at.day(1), "audience": name, "destination": "email", "delivered": 8, "removed": 0, "refused": 1,
             "unknown": 1, "held_out": 2 * (name == "works")}
            for name in ("works", "all")
        ] + [{"day": at.day(50), "audience": "old", "destination": "email", "delivered": 8, "held_out": 1}],
        "decisions/effects": [
            {"day": LAST, "audience": name, "metric": "conversion", "verdict": verdict} for name, verdict in effects
        ],
    })  # fmt: skip


def test_a_lake_tells_how_far_it_is_with_the_number_and_the_table_of_each_level(lived, monkeypatch, capsys):
    found = maturity.read(lived)
    told = {one.measure.name: (one.level, one.evidence) for area in found.areas for one in area.readings}
    assert told["datasets"] == (0, "1 datasets that delivered; ops.counts, last 28 days")
    assert told["accepted"] == (
        2, "252 rows that were accepted, of 280 rows that arrived (90.0 %); ops.counts, last 28 days"
    )  # fmt: skip
    assert told["known"][1].startswith("14 contacts of customers who are known, of 28 contacts (50.0 %)")
    assert told["joined"][0] == 3
    assert told["answered"][0] == 2
    assert told["days_run"][1].startswith("14 days on which data was taken in, of 28 days")
    assert told["on_time"][0] == 4
    assert told["arrived"][1].startswith("16 operations that destinations accepted, of 20 operations (80.0 %)")
    assert told["held_out"][0] == told["judged"][0] == 2, "an action of 50 days ago is none of the last 28"
    assert told["decided"][1].startswith("1 actions that are known to bring more, or less, of 2")
    assert told["experiments"] == (0, "no data: there are no rows in decisions.experiment_results")
    assert {area.name: area.level for area in found.areas} == {
        "data coverage": 0, "identity": 3, "consent": 2, "timeliness": 2, "activation": 1, "experiments": 0,
        "learning": 0,
    }  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["klantreis", "maturity", "--format", "json", "--config", str(lived.folder)])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = json.loads(capsys.readouterr().out)
    assert (ended.value.code, shown["as_of"], shown["begin_with"]) == (0, "2024-05-28", "data coverage")
    assert {one["area"]: one["level"] for one in shown["areas"]} == {one.name: one.level for one in found.areas}
    assert shown["areas"][2]["measures"][0]["query"].startswith("select count(*) filter (customer_id in")
