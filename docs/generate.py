"""Write the pages of reference and of packs from code and YAML, or check that they are fresh.

`python -m docs.generate [--check]`
"""

from __future__ import annotations

import logging
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from docs import pack_pages

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Written by `make docs`; change the code, not this page. -->\n"


def tables() -> str:
    """Every table: grain, key, columns."""
    from jobs.lake.tables import catalogue

    lines = [
        "# Tables",
        "",
        "Every table is a Delta table in the lake. Ask them with `klantreis query`, where `zone/dataset` is "
        "written `zone.dataset`. Columns marked *personal* identify a person. A source must map those of the key and "
        "those marked *needed*.",
        "",
    ]
    for dataset in catalogue.all_datasets():
        growth = {
            "append": "new keys are added, nothing is changed",
            "state": "replaced as a whole by each run",
            "day": f"replaced day by day (`{dataset.day_column}`)",
        }[dataset.scope]
        lines += [
            f"## {dataset.name}",
            "",
            f"One row is {dataset.grain}. Key: {', '.join(f'`{name}`' for name in dataset.key)}. Growth: {growth}.",
            "",
            "| column | type | meaning |",
            "|---|---|---|",
            *(
                f"| `{c.name}` | {c.type} | {c.meaning}{' *(personal)*' * c.personal}"
                f"{' *(needed)*' * (c.needed and dataset.zone == 'valid')} |"
                for c in dataset.columns
            ),
            "",
        ]
    return "\n".join(lines)


def configuration() -> str:
    """Every key of every YAML file, from the models that check them."""
    from jobs.activation.channels.types import TYPES
    from jobs.config.actions.audiences import Audience
    from jobs.config.actions.contact_policy import ContactPolicy
    from jobs.config.actions.content import AllProposed, Approvals, ContentRules
    from jobs.config.actions.context import Context
    from jobs.config.actions.costs import Costs
    from jobs.config.actions.destinations import Destinations
    from jobs.config.actions.experiments import Experiment
    from jobs.config.actions.feedback import Feedback
    from jobs.config.actions.guard_rails import GuardRails
    from jobs.config.actions.interventions import Interventions
    from jobs.config.actions.offers import Offers
    from jobs.config.alerts import Alerts
    from jobs.config.company import General
    from jobs.config.decisions import Decisions
    from jobs.config.identity import Identity
    from jobs.config.journey.journey import Journey
    from jobs.config.journey.journey_map import JourneyMap
    from jobs.config.maturity import Maturity
    from jobs.config.models.kinds import KINDS
    from jobs.config.models.learned import Learned
    from jobs.config.models.shared import Models
    from jobs.config.retention import Retention
    from jobs.config.sources.source import Source
    from jobs.config.traits import Traits

    files: list[tuple[str, type[BaseModel]]] = [
        ("settings.yaml", General),
        ("sources/NAME.yaml", Source),
        ("identity.yaml", Identity),
        ("decisions.yaml", Decisions),
        ("traits.yaml", Traits),
        ("journey.yaml", Journey),
        ("journey_map.yaml", JourneyMap),
        ("models.yaml", Models),
        ("models/NAME.yaml", Learned),
        ("audiences/NAME.yaml", Audience),
        ("destinations.yaml", Destinations),
        ("content.yaml", ContentRules),
        ("templates/approvals.yaml", Approvals),
        ("templates/proposals.yaml", AllProposed),
        ("context.yaml", Context),
        ("feedback.yaml", Feedback),
        ("guard_rails.yaml", GuardRails),
        ("alerts.yaml", Alerts),
        ("retention.yaml", Retention),
        ("contact_policy.yaml", ContactPolicy),
        ("experiments/NAME.yaml", Experiment),
        ("interventions.yaml", Interventions),
        ("costs.yaml", Costs),
        ("offers.yaml", Offers),
        ("maturity.yaml", Maturity),
    ]
    lines = [
        "# Configuration",
        "",
        "All files are YAML below `config/` (another folder: `--config DIR` or `KLANTREIS_CONFIG`). `klantreis check` "
        "checks them. `${KLANTREIS_NAME}` and `${KLANTREIS_NAME:-default}` are taken from the environment, others are "
        "not. Secrets are never written here: they are Airflow connections or environment variables.",
        "",
    ]
    for name, model in files:
        lines += [f"## {name}", "", _first_line(model), "", "| key | type | default | meaning |", "|---|---|---|---|"]
        lines += list(_keys(model, ""))
        lines.append("")
    for name, settings in KINDS.items():
        lines += [f"### kind: {name}", "", f"A model `models/NAME.yaml` of `kind: {name}`. {_first_line(settings)}", ""]
        own = (line for line in _keys(settings, "") if line not in set(_keys(Learned, "")))
        lines += ["| key | type | default | meaning |", "|---|---|---|---|", *own, ""]
    for name, type_ in TYPES.items():
        about = f"`options` of a destination of type `{name}`, which needs `{type_.needs}` of an audience"
        lines += [f"### {name}", "", f"{about}. {_first_line(type_.options)}", ""]
        lines += ["| key | type | default | meaning |", "|---|---|---|---|", *_keys(type_.options, ""), ""]
    return "\n".join(lines)


def _keys(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        nested = _nested(field.annotation)
        default = "" if field.default is PydanticUndefined or nested else f"`{field.default}`"
        if field.is_required():
            default = "required"
        meaning = field.description or (_first_line(nested) if nested else "")
        name = field.alias or name
        yield f"| `{prefix}{name}` | {_type(field.annotation)} | {default} | {meaning} |"
        if nested:
            step = ".NAME." if "dict" in str(field.annotation) else "[]." if "list" in str(field.annotation) else "."
            yield from _keys(nested, f"{prefix}{name}{step}")


def _nested(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [_nested(argument) for argument in get_args(annotation)]
    return next((model for model in found if model), None)


def _type(annotation: Any) -> str:
    text = str(annotation) if get_args(annotation) else getattr(annotation, "__name__", str(annotation))
    text = re.sub(r"Annotated\[(\w+), FieldInfo\(.*?\)\]\)\]", r"\1", text)  # a text with a pattern is a text
    text = re.sub(
        r"typing\.|datetime\.|\bjobs\.(?:\w+\.)+(?=[A-Z])|<class '|'>", "", text
    )  # where a model stands is no part of it
    return text.replace("|", "or").replace("[]", "").replace("Literal", "one of ")


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def dags() -> str:
    """Every DAG with its schedule, tasks and text."""
    with tempfile.TemporaryDirectory() as home:
        import os

        os.environ.update(AIRFLOW_HOME=home, AIRFLOW__CORE__LOAD_EXAMPLES="False")
        logging.disable(logging.WARNING)
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(dag_folder=str(ROOT / "dags"))
        if bag.import_errors:
            raise SystemExit(f"DAGs do not import: {bag.import_errors}")
        lines = ["# DAGs", "", "| DAG | runs | tasks |", "|---|---|---|"]
        for dag in sorted(bag.dags.values(), key=lambda dag: dag.dag_id):
            tasks = ", ".join(f"`{task.task_id}`" for task in dag.topological_sort())
            lines.append(f"| [{dag.dag_id}](#{dag.dag_id}) | {_schedule(dag)} | {tasks} |")
        for dag in sorted(bag.dags.values(), key=lambda dag: dag.dag_id):
            tags = ", ".join(sorted(dag.tags))
            lines += ["", f"## {dag.dag_id}", "", f"Owner: {dag.owner}. Tags: {tags}.", "", (dag.doc_md or "").strip()]
    return "\n".join(lines) + "\n"


def _schedule(dag: Any) -> str:
    """When the DAG runs: the assets it waits for, or its cron expression with its zone."""
    waits_for = getattr(dag.timetable, "asset_condition", None)
    names = sorted(asset.name for asset in getattr(waits_for, "objects", [waits_for]) if asset is not None)
    if names:
        return f"when {' and '.join(f'`{name}`' for name in names)} {'are' if len(names) > 1 else 'is'} updated"
    cron = getattr(dag.timetable, "expression", None)
    return f"cron `{cron}`" if cron else "by hand"


def cli() -> str:
    """Every command with its options."""
    import click
    import typer

    from jobs.cli.main import app

    group = typer.main.get_command(app)
    lines = ["# Command line", ""]

    def describe(command: Any, name: str) -> None:
        context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
        lines.extend([f"## {name}", "", (command.help or "").strip(), "", "```", _usage(command, context), "```", ""])
        for child in getattr(command, "commands", {}).values():
            describe(child, f"{name} {child.name}")

    describe(group, "klantreis")
    return "\n".join(lines)


def _usage(command: Any, context: Any) -> str:
    usage = " ".join([context.info_name, *command.collect_usage_pieces(context)])
    options = [record for p in command.params if (record := p.get_help_record(context))]
    width = max((len(flag) for flag, _ in options), default=0)
    return "\n".join([usage, *(f"  {flag:<{width}}  {text}".rstrip() for flag, text in options)])


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/tables.md": tables,
    "docs/reference/configuration.md": configuration,
    "docs/reference/cli.md": cli,
    "docs/reference/dags.md": dags,
    **{f"docs/packs/{name}.md": partial(pack_pages.page, name) for name in pack_pages.NAMES},
}


def main(check: bool) -> int:
    """Write the pages; with `check` write nothing and return 1 if one is not what the code says."""
    stale = []
    for name, page in PAGES.items():
        path, text = ROOT / name, NOTE + page().rstrip() + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if check and stale:
        sys.stderr.write(f"not fresh: {', '.join(stale)}; run `make docs` and commit the result\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(check="--check" in sys.argv))
