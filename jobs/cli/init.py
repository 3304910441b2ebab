"""`klantreis init`: a company of your own from sample files, with what was guessed shown, checked and tried."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.cli.console import console, show
from jobs.config.wrong import CommandError, ConfigError, nearest

if TYPE_CHECKING:
    from jobs.config.settings import Settings
    from jobs.ingest.guess.guesses import Guesses

GENERAL = {"timezone": "Europe/Amsterdam", "currency": "EUR", "country": "NL", "source": "crm"}
"""What is asked of the company itself, and what is taken without an answer."""


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new company; it must not exist yet.")],
    files: Annotated[
        list[Path], typer.Argument(help="Sample files: CSV, TSV, JSON, JSON lines, Parquet, Avro; packed or not.")
    ],
    answers: Annotated[
        Path | None, typer.Option(help="YAML file with the answers, for a run without a terminal.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take the guesses; what is unsure stays marked.")] = False,
    load: Annotated[bool, typer.Option("--load/--no-load", help="Try the files: load a first part of each.")] = True,
) -> None:
    """Start a company of your own: look at sample files, guess what they hold, write its YAML, check and try it."""
    from jobs.ingest.guess.guesses import guess

    if folder.exists():
        raise CommandError([f"{folder}: this folder exists already and stays as it is; name another one"])
    said = _answers(answers)
    found = guess(list(dict.fromkeys(files)))
    _answered(found, said)
    _tell(found)
    if not found.found:
        raise CommandError([f"{folder}: nothing was written: no file could be told; see above"])
    if not (yes or answers) and sys.stdin.isatty():
        _ask(found)
    general = {**GENERAL, **said.get("company", {})}
    _write(folder, found, general)
    settings = _checked(folder)
    if load:
        _try(settings, found, general["source"])
    console.print(
        f"{folder} is yours: correct what is marked `unsure` in its sources/, then klantreis check --config {folder}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _answers(path: Path | None) -> dict[str, Any]:
    """What the answers file says. Raises CommandError, with the place, for what it may not say."""
    if path is None:
        return {}
    from pydantic import BaseModel, ConfigDict

    from jobs.config.yaml_files import load

    class Answers(BaseModel):
        model_config = ConfigDict(extra="forbid")
        company: dict[str, str] = {}
        skip: list[str] = []
        columns: dict[str, dict[str, str | None]] = {}

    said = load(path, Answers).model_dump()
    for key in said["company"]:
        if key not in GENERAL:
            raise CommandError([f"{path}: company.{key}: unknown{nearest(key, GENERAL)}"])
    return said


def _answered(found: Guesses, said: Mapping[str, Any]) -> None:
    """Put answers in the place of guesses."""
    from jobs.ingest.guess.columns import Guess
    from jobs.ingest.guess.kinds import column_kinds

    known = {one.dataset for one in found.found}
    for dataset in [*said.get("skip", []), *said.get("columns", {})]:
        if dataset not in known:
            raise CommandError([f"--answers: no file was taken for {dataset!r}{nearest(dataset, known)}"])
    found.found = [one for one in found.found if one.dataset not in said.get("skip", [])]
    for one in found.found:
        for column, expression in said.get("columns", {}).get(one.dataset, {}).items():
            if column not in column_kinds(one.dataset):
                raise CommandError(
                    [f"--answers: {one.dataset}.{column}: unknown column{nearest(column, column_kinds(one.dataset))}"]
                )
            if expression is None:
                one.columns.pop(column, None)
                continue
            field = next((field for field in one.fields if field.expression == expression), None)
            one.columns[column] = Guess(column, expression, 1.0, field, why="as you said")


def _tell(found: Guesses) -> None:
    for one in found.found:
        rows = [
            [
                guess.column,
                guess.expression,
                f"{guess.confidence:.0%}",
                "" if guess.sure else "unsure",
                ", ".join(value[:24] for value in guess.field.examples) if guess.field else guess.why,
            ]
            for guess in one.columns.values()
        ]
        show(
            f"{one.sample.path.name} holds {one.dataset} ({one.confidence:.0%} sure)",
            ["column", "from", "confidence", "", "such as"],
            rows,
        )
        for name, way in one.lookups.items():
            console.print(
                f"  {name}: {way.sample.path.name}, where {way.key} equals {way.of}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
    for path, why in found.unreadable.items():
        console.print(f"{path}: {why}", markup=False, highlight=False, soft_wrap=True)


def _ask(found: Guesses) -> None:
    from dataclasses import replace

    for one in found.found:
        for column, guess in list(one.columns.items()):
            if guess.sure:
                continue
            if typer.confirm(f"{one.dataset}.{column} from {guess.expression}?", default=True):
                one.columns[column] = replace(guess, confidence=1.0, why="as you said")
            else:
                del one.columns[column]


def _write(folder: Path, found: Guesses, general: Mapping[str, str]) -> None:
    from jobs.ingest.guess.company_files import REST, by_source, in_use, settings_file, source_file

    sources = {
        name: source_file(name, general["source"], datasets, general)
        for name, datasets in by_source(general["source"], found.found).items()
        if any(map(in_use, datasets))
    }
    if not sources:
        raise CommandError(
            [f"{folder}: nothing was written: no file has all that a row needs; say the columns with --answers"]
        )
    (folder / "sources").mkdir(parents=True)
    (folder / "settings.yaml").write_text(settings_file(folder.name, folder.name, general), "utf-8")
    for name, text in REST.items():
        (folder / name).write_text(text, "utf-8")
    for name, text in sources.items():
        (folder / "sources" / f"{name}.yaml").write_text(text, "utf-8")


def _checked(folder: Path) -> Settings:
    from jobs.cli import checks
    from jobs.config.settings import load_settings

    settings = load_settings(folder)
    if problems := checks.problems(settings):
        raise ConfigError(problems)
    console.print(f"{folder}: checked, fine ({', '.join(settings.sources)})", markup=False, highlight=False)
    return settings


def _try(settings: Settings, found: Guesses, source: str) -> None:
    from jobs import pipeline
    from jobs.cli import progress
    from jobs.ingest.guess.trial import land
    from jobs.lake.lake import Lake
    from jobs.lake.queries import connect

    day = date.today()
    place = Path(settings.landing) / source / str(day)
    used = {one.sample.path for one in found.found} | {one.path for one in found.helping}
    partly = [sample.path.name for sample in found.samples if sample.path in used and not land(sample, place)]
    if partly:
        console.print(
            f"Only the first part is tried of {', '.join(partly)}; later put the files in {place}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    progress.show(console, day, pipeline.run_day(day, settings, "profiles"))
    database = connect(settings, unwritten=True)
    rows = database.sql(
        "select source, dataset, rule, any_value(reason), count(*) from quarantine.rows "
        "group by 1, 2, 3 order by 5 desc limit 10"
    ).fetchall()
    show("The first quarantine", ["source", "dataset", "rule", "reason", "rows"], rows)
    if Lake.of(settings).exists("profiles/customers"):
        one = database.sql("select * exclude (provenance) from profiles.customers order by customer_id limit 1")
        for row in one.fetchall():
            show(
                "The first profile", ["", ""], [[c, v] for c, v in zip(one.columns, row, strict=True) if v is not None]
            )
