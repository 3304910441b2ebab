"""Which audience works on which stage of the journey: what is done for customers who are there."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.config.settings import Settings
from jobs.config.yaml_files import line_of


def actions(settings: Settings) -> dict[str, list[str]]:
    """Stages that customers can be in, in the order of the rules, with the audiences whose `stage` they are."""
    stages = dict.fromkeys(rule.stage for rule in settings.journey.stages)
    return {stage: [name for name, one in settings.audiences.items() if one.stage == stage] for stage in stages}


def notes(settings: Settings) -> Iterator[str]:
    """Stages without an action and actions for a stage that nobody can be in, of a company that has audiences."""
    if not settings.audiences:
        return
    found, path = actions(settings), settings.folder / "journey.yaml"
    for n, rule in enumerate(settings.journey.stages):
        if found.get(rule.stage) == []:
            place = f"{path}:{line_of(path, 'stages', n, 'stage')}: stages.{n}.stage"
            yield f"{place}: nothing is done for customers in {rule.stage}: no audience says `stage: {rule.stage}`"
            del found[rule.stage]
    for name, audience in settings.audiences.items():
        if all(audience.stage != rule.stage for rule in settings.journey.stages):
            own = settings.folder / "audiences" / f"{name}.yaml"
            yield f"{own}:{line_of(own, 'stage')}: stage: no rule of journey.yaml puts anybody in {audience.stage}"
