"""`klantreis map`: a first journey map from the data; `klantreis brief`: the journey in plain sentences."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from jobs.cli.console import Config, console, load_settings
from jobs.config.wrong import CommandError, ConfigError

app = typer.Typer(no_args_is_help=True, help="The journey map: insights, opportunities and solutions on touchpoints.")


class Language(StrEnum):
    """Languages that the brief is written in."""

    NL = "nl"
    EN = "en"


@app.command()
def suggest(
    write: Annotated[bool, typer.Option("--write", help="Write config/journey_map.yaml, if there is none.")] = False,
    config: Config = None,
) -> None:
    """Print a journey map from the data: where customers are lost, and which contacts go badly."""
    from jobs.config.journey.journey_map import FILE
    from jobs.journeys.journey_map import step as mapping
    from jobs.journeys.journey_map.suggestion import suggested

    settings = load_settings(config)
    path = settings.folder / FILE
    if not settings.journey.touchpoints:
        raise ConfigError(
            [f"{settings.folder / 'journey.yaml'}: a map is of touchpoints; name them under `touchpoints`"]
        )
    asked = mapping.newest(settings)
    if asked is None:
        raise CommandError([f"{settings.lake}: there are no touchpoints yet; klantreis run makes them"])
    text = suggested(asked, settings.journey)
    if not write:
        typer.echo(text, nl=False)
        return
    if path.exists():
        raise CommandError(
            [f"{path}: is there already; print the suggestion without --write and take what you want of it"]
        )
    path.write_text(text, encoding="utf-8")
    console.print(f"Wrote {path}; klantreis check reads it", markup=False, highlight=False, soft_wrap=True)


def brief(
    language: Annotated[Language, typer.Option("--language", help="nl or en")] = Language.EN,
    queries: Annotated[bool, typer.Option("--queries", help="Show the query behind each sentence.")] = False,
    config: Config = None,
) -> None:
    """Tell where the journey stands in plain sentences, each with numbers from the tables."""
    from jobs.journeys.journey_map.brief import brief as told
    from jobs.lake.queries import connect, views_of
    from jobs.plain_text import harmless

    database = connect(load_settings(config))
    for sentence in told(database, views_of(database), language.value):
        console.print(harmless(sentence.text), markup=False, highlight=False, soft_wrap=True)
        if queries:
            console.print(sentence.query, markup=False, highlight=False, soft_wrap=True)
