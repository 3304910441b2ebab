"""`klantreis models`: what is trained, what it showed, and which version is used."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.console import Config, console, load_settings, show
from jobs.config.wrong import CommandError, nearest

if TYPE_CHECKING:
    from jobs.config.settings import Settings
    from jobs.models.registry import Registry, Version

app = typer.Typer(no_args_is_help=True, help="What is trained, what it showed, and which version is used.")
Name = Annotated[str, typer.Argument(help="The model: the name of its file in config/models.")]
Number = Annotated[str | None, typer.Argument(help="Its version; default: the newest.")]


@app.command("list")
def list_(config: Config = None) -> None:
    """List the models: which version is used, since when, and what came of the newest."""
    from jobs.models.registry import Registry

    settings = load_settings(config)
    registry, rows = Registry(settings), []
    for name, learned in settings.learned.items():
        champion, versions = registry.champion(name), registry.versions(name)
        newest = versions[0] if versions else None
        told = newest.tags.get("decision", "unfinished") if newest else registry.absence(name) or "never trained"
        used = [champion.number, champion.day] if champion else ["none", ""]
        rows.append([name, learned.kind, *used, newest.number if newest else "", told, learned.owner])
    show("Models", ["model", "kind", "used", "trained for", "newest", "came of it", "owner"], rows)


@app.command("show")
def show_(name: Name, version: Number = None, config: Config = None) -> None:
    """Show one version: its card, the decision and why, and every check with its figure and limit."""
    from jobs.models.registry import Registry

    settings = load_settings(config)
    registry = Registry(settings)
    found = _version(registry, settings, name, version)
    console.print(registry.description(found), markup=False, highlight=False, soft_wrap=True)
    metrics = registry.metrics(found)
    checks = [
        [check, metrics.get(check), metrics.get(f"{check}.limit"), "passed" if metrics[key] else "failed"]
        for key in sorted(metrics)
        if key.endswith(".passed") and (check := key.removesuffix(".passed"))
    ]
    show(f"{name} version {found.number}: checks", ["check", "figure", "limit", "outcome"], checks)
    others = [[key, value] for key, value in sorted(metrics.items()) if not _of_check(key, metrics)]
    show("Other figures", ["figure", "value"], others)


@app.command()
def compare(
    name: Name,
    one: Annotated[str | None, typer.Argument(help="A version; default: the one in use.")] = None,
    other: Annotated[str | None, typer.Argument(help="Another version; default: the newest.")] = None,
    config: Config = None,
) -> None:
    """Show the figures of two versions beside each other, and what their settings differ in."""
    from jobs.models.registry import Registry

    settings = load_settings(config)
    registry = Registry(settings)
    champion = registry.champion(_known(settings, name))
    if one is None and champion is None:
        raise CommandError([f"model {name} has no champion to compare with; name two versions"])
    sides = [_version(registry, settings, name, one or (champion.number if champion else None)),
             _version(registry, settings, name, other)]  # fmt: skip
    if sides[0].number == sides[1].number:
        known = ", ".join(version.number for version in registry.versions(name))
        raise CommandError([f"model {name}: both are version {sides[0].number}; name two of its versions: {known}"])
    heads = [f"version {side.number}" for side in sides]
    figures = [registry.metrics(side) for side in sides]
    names = sorted({key for side in figures for key in side})
    show(f"{name}: figures", ["figure", *heads], [[key, *(side.get(key) for side in figures)] for key in names])
    settled = [registry.parameters(side) for side in sides]
    differ = sorted(key for key in settled[0].keys() | settled[1].keys() if settled[0].get(key) != settled[1].get(key))
    show(
        f"{name}: settings that differ",
        ["setting", *heads],
        [[key, *(s.get(key, "") for s in settled)] for key in differ],
    )
    console.print(
        "Each was judged on its own days; on the same rows they are in champion_and_challenger.csv in MLflow."
    )


@app.command()
def promote(
    name: Name,
    version: Annotated[str, typer.Argument(help="The version to use.")],
    because: Annotated[str, typer.Option("--because", help="Why; it is kept with the version.")],
    by: Annotated[str | None, typer.Option("--by", help="Who decided; default: you.")] = None,
    although_refused: Annotated[
        bool, typer.Option("--although-refused", help="Use it although the gate refused it.")
    ] = False,
    config: Config = None,
) -> None:
    """Make a version the one in use: approve what waits, or go back to an older one."""
    from jobs.models import approval

    settings = load_settings(config)
    _known(settings, name)
    told = approval.promote(name, version, by or getpass.getuser(), because, settings, although_refused)
    if told["was"] == version:
        console.print(f"{name}: version {version} was champion already")
    else:
        console.print(f"{name}: version {version} is champion; before it: {told['was'] or 'none'}")


@app.command()
def rollback(name: Name, config: Config = None) -> None:
    """Give the champion's place back to the version that had it before."""
    from jobs.models import registry

    settings = load_settings(config)
    _known(settings, name)
    console.print(f"{name}: version {registry.rollback(name, settings)['champion']} is champion again")


@app.command()
def reseal(
    by: Annotated[str | None, typer.Option("--by", help="Who vouches for them; default: you.")] = None,
    config: Config = None,
) -> None:
    """Seal models anew whose files are as they were under a key in KLANTREIS_PREVIOUS_KEYS."""
    from jobs.models import resealing

    told = resealing.reseal(by or getpass.getuser(), load_settings(config))
    console.print(f"{len(told['sealed'])} sealed anew: {', '.join(told['sealed']) or 'none'}", soft_wrap=True)
    if told["refused"]:
        raise CommandError(told["refused"])


def _known(settings: Settings, name: str) -> str:
    if name not in settings.learned:
        raise CommandError([f"unknown model {name!r}{nearest(name, settings.learned)}"])
    return name


def _version(registry: Registry, settings: Settings, name: str, number: str | None) -> Version:
    versions = registry.versions(_known(settings, name))
    if not versions:
        raise CommandError([f"model {name}: {registry.absence(name) or 'never trained; run `klantreis run`'}"])
    found = next((one for one in versions if number in (None, one.number)), None)
    if found is None:
        raise CommandError([f"model {name} has no version {number}; it has: {', '.join(v.number for v in versions)}"])
    return found


def _of_check(key: str, metrics: Mapping[str, float]) -> bool:
    """Whether a figure is that of a check, or stands beside one."""
    return f"{key.partition('.')[0]}.passed" in metrics
