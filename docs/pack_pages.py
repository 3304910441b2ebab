"""The page of a pack: its journeys in the customer's words, from its README, and what its YAML says of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from jobs.config.actions.audiences import Audience
from jobs.config.journey.kpis import Kpi
from jobs.config.settings import Settings, load_settings
from jobs.report.page.waiting_actions import picture

PACKS = Path(__file__).resolve().parent.parent / "examples" / "packs"
NAMES = sorted(path.parent.name for path in PACKS.glob("*/config"))
SAID = re.compile(r"(?m)^\| `(\w+)` \| (.+) \|$")
"""What a customer could say of a journey: a row of the table in the README."""


def page(name: str) -> str:
    """The pack `examples/packs/NAME` as a page. Exits if its README has no words for a journey, or words for none."""
    settings = load_settings(PACKS / name / "config")
    readme = (PACKS / name / "README.md").read_text(encoding="utf-8")
    said = dict(SAID.findall(readme))
    if odd := set(said) ^ set(settings.audiences):
        raise SystemExit(
            f"examples/packs/{name}: in one of README.md and config/audiences only: {', '.join(sorted(odd))}"
        )
    before, _, after = re.split(r"(?m)((?:^\|.*\n)+)", readme, maxsplit=1)
    lines = [before.rstrip(), "", *_begin(name), "", "## Its journeys", ""]
    for journey in said:  # in the order in which the README tells them
        lines += [*_journey(settings.audiences[journey], said[journey], settings), ""]
    if drawn := picture(settings.audiences, "en"):
        lines += ["## Which waits for which", "", drawn, ""]
    lines += ["## What keeps them apart", "", after.strip().removeprefix("What keeps them apart:").strip(), ""]
    lines += [*_sources(settings), "", *_stages(settings), "", *_kpis(settings), "", *_purposes(settings)]
    return "\n".join(lines)


def _begin(name: str) -> list[str]:
    copy = f"klantreis packs use {name} --to my-company"
    return [
        "```bash",
        copy,
        "```",
        "",
        "What to change then, and how to try it before you have files: [Packs](../guides/packs.md).",
    ]


def _journey(one: Audience, said: str, settings: Settings) -> Iterator[str]:
    yield from (f"### {one.title}", "", f"> {said}", "", f"{one.goal.rstrip('.')}.", "", "| | |", "|---|---|")
    yield f"| its file | `audiences/{one.audience}.yaml` |"
    yield f"| for whom | {_code(one.where)} |"
    if one.moment:
        yield f"| while a moment of this kind lasts | `{one.moment}` |"
    ways = ", ".join(f"`{way}`" for way in one.send_to)
    yield f"| goes by | {ways}, to who said yes to `{one.purpose}` there |"
    if one.after:
        yield f"| after | `{one.after.action}`, if that came out as `{one.after.outcome}` |"
    if one.needs:
        yield f"| needs | {', '.join(f'`{dataset}`' for dataset in one.needs)}; without them it is off |"
    if one.kpi:
        yield f"| is to move | {_target(settings.journey.kpis[one.kpi])} |"
    left = (
        f"{one.holdout * 100:g} % of them get nothing, to measure what it does"
        if one.holdout
        else "nobody: it is for all"
    )
    yield f"| left alone | {left} |"
    if one.approval == "person":
        yield "| goes out | when a person has approved of it |"


def _sources(settings: Settings) -> Iterator[str]:
    yield from ("## Its sources", "", "| source | dataset | files |", "|---|---|---|")
    for source in settings.sources.values():
        for dataset, loaded in source.datasets.items():
            yield f"| `{source.source}` | `{dataset}` | {_code(loaded.files)} |"


def _stages(settings: Settings) -> Iterator[str]:
    yield from ("## Its stages", "", "The first rule that is true says where a customer is.", "")
    yield from ("| stage | state | rule | when |", "|---|---|---|---|")
    for rule in settings.journey.stages:
        yield f"| {rule.stage} | {rule.state} | `{rule.name}` | {_code(rule.when)} |"


def _kpis(settings: Settings) -> Iterator[str]:
    yield from ("## Its KPIs", "", "| KPI | means | target | owner |", "|---|---|---|---|")
    for kpi in settings.journey.kpis.values():
        yield f"| {kpi.title} | {kpi.definition or ''} | {_goal(kpi)} | {kpi.owner or ''} |"


def _purposes(settings: Settings) -> Iterator[str]:
    yield from (
        "## What people are asked",
        "",
        "No answer is no.",
        "",
        "| purpose | channels | holds for |",
        "|---|---|---|",
    )
    for name, purpose in settings.identity.purposes.items():
        days = purpose.expires_after_days
        yield f"| `{name}` | {', '.join(purpose.channels)} | {f'{days} days' if days else 'until withdrawn'} |"


def _target(kpi: Kpi) -> str:
    return f"{kpi.title} (target: {goal})" if (goal := _goal(kpi)) else kpi.title


def _goal(kpi: Kpi) -> str:
    """The target as a person reads it, such as `at most 1.5 %`; what is counted is counted in a period."""
    if kpi.target is None:
        return ""
    value = f"{kpi.target * 100:g} %" if kpi.unit == "share" else f"{kpi.target:,g}"
    per = f" a {kpi.per}" if kpi.unit in ("count", "currency") else ""
    return f"{'at most' if kpi.direction == 'down' else 'at least'} {value}{per}"


def _code(text: str) -> str:
    """SQL or a pattern on one line of a table."""
    return f"`{' '.join(text.split()).replace('|', chr(92) + '|')}`"
