"""Data Docs: a page per dataset with the newest verdicts of Great Expectations, one per source, and an index.

What a rule says is rendered by Great Expectations; the pages are our own, because its own load styles and scripts from
other hosts. They are whole in themselves: nothing is loaded from anywhere.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import great_expectations as gx
from great_expectations.expectations.registry import get_renderer_impl
from jinja2 import Environment
from markupsafe import Markup

from expectations.batch_columns import ARRIVAL_LIMIT, ARRIVAL_LIMIT_DAY, UNREADABLE, attribute_column
from jobs.config.settings import Settings
from jobs.validate.batch import Batch
from jobs.validate.rules.great_expectations import Judgement
from jobs.validate.rules.verdict import Verdict

TONES = {"critical": "bad", "warning": "odd", "info": "soft"}
"""Severities, the worst first, and how they look."""
WHOLE = "The batch as a whole"
HELPERS = {
    ARRIVAL_LIMIT: "the end of the day after arrival",
    ARRIVAL_LIMIT_DAY: "the second day after arrival",
    UNREADABLE: "columns with an unreadable value",
}
FATES = {"quarantine": "set aside", "report": "published"}


def write(settings: Settings, batch: Batch, judgement: Judgement) -> None:
    """Replace the page of this dataset, that of its source, and the index, in `var/data_docs` of the home folder."""
    folder = settings.home / "var" / "data_docs"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{batch.source}.{batch.dataset}"
    summary = _summary(batch, judgement.verdicts)
    _put(folder / f"{name}.html", _page(summary, judgement))
    _put(folder / f"{name}.json", json.dumps(summary))
    pages = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("[!.]*.json")]
    pages.sort(key=lambda page: (page["dataset"], page["source"]))
    of_source = [page for page in pages if page["source"] == batch.source]
    _put(folder / f"{batch.source}.html", _render(title=f"Data docs of {batch.source}", pages=of_source, source=True))
    _put(folder / "index.html", _render(title="Data docs", pages=pages, source=False))


def _summary(batch: Batch, verdicts: list[Verdict]) -> dict[str, Any]:
    return {
        "source": batch.source,
        "dataset": batch.dataset,
        "day": str(batch.day),
        "rows": batch.rows,
        "rules": len(verdicts),
        "met": sum(verdict.success for verdict in verdicts),
        "broken": [{"rule": one.rule, "severity": one.severity} for one in verdicts if not one.success],
    }


def _page(summary: dict[str, Any], judgement: Judgement) -> str:
    """The verdicts by the column they are about, broken ones first."""
    found: list[Any] = judgement.results
    results = {one.expectation_config.meta["rule"]: one for one in found}
    sections: dict[str, list[dict[str, Any]]] = {}
    for verdict in judgement.verdicts:
        result = results.get(verdict.rule)
        meta = result.expectation_config.meta if result else {}
        shown = {
            "rule": verdict.rule,
            "severity": verdict.severity,
            "success": verdict.success,
            "rows": verdict.rows,
            "failed": verdict.failed,
            "counted": result is None or "unexpected_count" in result.result,
            "reason": meta.get("reason", verdict.detail),
            "fate": FATES.get(meta.get("fate", ""), ""),
            "sentence": _sentence(result.expectation_config) if result else "",
        }
        sections.setdefault(_about(result), []).append(shown)
    for rules in sections.values():
        rules.sort(key=lambda rule: (rule["success"], list(TONES).index(rule["severity"])))
    ordered = dict(sorted(sections.items(), key=lambda section: (section[1][0]["success"], section[0] == WHOLE)))
    return _render(title=f"{summary['dataset']} of {summary['source']}", page=summary, sections=ordered)


def _about(result: Any) -> str:
    """The column that a verdict is about, as the user knows it."""
    if result is None:
        return WHOLE
    settings = result.expectation_config
    if "subject" in settings.meta:
        return settings.meta["subject"] or WHOLE
    column = settings.kwargs.get("column") or settings.meta["rule"].partition(":")[0]
    return WHOLE if column in (UNREADABLE, "batch") else str(column)


def _sentence(settings: Any) -> str:
    """What the rule asks for, in the words of Great Expectations."""
    found = get_renderer_impl(settings.type, "renderer.prescriptive")
    if found is None:
        return ""
    parts: Any = found[1](configuration=settings, runtime_configuration={"include_column_name": False})
    text = " ".join(
        Template(part.string_template["template"]).safe_substitute(part.string_template["params"]) for part in parts
    )
    subject = settings.meta.get("subject", "")
    for ours, known in {**settings.meta.get("written", {}), attribute_column(subject): subject, **HELPERS}.items():
        text = text.replace(ours, known) if ours else text
    text = re.sub(r"≈?(\d+[.]\d\d)\d+ %", r"\1 %", text.replace("must never be null", "must not be null"))
    return text[:1].upper() + text[1:]


def _render(**values: Any) -> str:
    return _template().render(**values, tones=TONES, version=gx.__version__)


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = lambda value: f"{value:,}"
    folder = Path(__file__).parent
    environment.globals["style"] = Markup((folder / "data_docs.css").read_text(encoding="utf-8"))
    return environment.from_string((folder / "data_docs.html").read_text(encoding="utf-8"))


def _put(path: Path, text: str) -> None:
    """Written beside and moved, so that a reader never sees half a page."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
