"""The page as HTML: a shell that the browser fills, part by part in Airflow, at once in a file of its own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from jobs.config.settings import Settings
from jobs.lake.lake import Lake
from jobs.lake.queries import connect
from jobs.report import proofs, troubles
from jobs.report.page import (
    action_panels,
    data_panels,
    improve_panels,
    journey_panels,
    kpi_panels,
    model_panels,
    moment_panels,
    path_panels,
    waiting_actions,
)
from jobs.report.page.panel import Answer, Panel, ask
from jobs.report.page.words import Language, book, said

STATIC = Path(__file__).with_name("static")
ECHARTS = "echarts-6.1.0.min.js"
SCRIPTS = (ECHARTS, "charts.js", "page.js")
STYLE = "page.css"
MODULES = (
    *(kpi_panels, journey_panels, improve_panels, path_panels, moment_panels, model_panels, action_panels),
    data_panels,
)
PANELS: dict[str, Panel] = {panel.name: panel for module in MODULES for panel in module.PANELS}
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
"""Nothing from elsewhere, whatever text from outside would ask for."""
SERVED_POLICY = POLICY + "script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'self'"
"""Header of the page where a server sends it: scripts and styles are files of their own."""


def page(settings: Settings, language: Language, root: str, mlflow: str | None, data_docs: str | None) -> str:
    """The page as a server sends it: each panel is fetched from `root` when it comes into view."""
    links = {"root": root, "mlflow": mlflow, "data_docs": data_docs}
    return _render(settings, language, links, {}, inline=False)


def file(settings: Settings, language: Language) -> str:
    """The page as one file that needs no server and asks no host for anything; single customers are not in it."""
    database = connect(settings)
    named = names(settings)
    answers = {name: ask(panel, database).called(named).as_json() for name, panel in PANELS.items()}
    return _render(settings, language, {}, answers, inline=True)


def promises(settings: Settings) -> dict[str, int]:
    """The promises that are broken, with the number of places: which places is for those who may see single people."""
    return {title: len(places) for title, places in proofs.broken(settings).items()}


def attention(settings: Settings) -> dict[str, Any]:
    """What stands above all else: `files` set aside as a whole, deliveries that are `under_way`; `steps` if known."""
    files, under_way = troubles.files_set_aside(settings), troubles.under_way(settings)
    return {"steps": [], "files": files, "under_way": under_way}


def answer(name: str, settings: Settings) -> Answer:
    """What one panel shows now. Raises KeyError if there is no such panel."""
    panel = PANELS[name]
    return ask(panel, connect(settings, only=panel.needs)).called(names(settings))


def names(settings: Settings) -> dict[str, dict[str, str]]:
    """By column, what people call its values: what has a title by that, where titles tell things apart."""
    audiences = _told_apart({name: audience.title for name, audience in settings.audiences.items()})
    deliveries = {
        f"{name} to {destination}": f"{title} → {destination}"
        for name, title in audiences.items()
        for destination in settings.audiences[name].send_to
    }
    kpis = _told_apart({name: kpi.title for name, kpi in settings.journey.kpis.items()})
    touchpoints = _told_apart({name: touchpoint.title for name, touchpoint in settings.journey.touchpoints.items()})
    opportunities = _told_apart({name: one.title for name, one in settings.journey_map.opportunities.items()})
    return {
        "audience": audiences,
        "delivery": deliveries,
        "kpi": kpis,
        "opportunity": opportunities,
        **dict.fromkeys(("touchpoint", "from_step", "to_step"), touchpoints),
    }


def _told_apart(titles: dict[str, str]) -> dict[str, str]:
    twice = {title for title, count in Counter(titles.values()).items() if count > 1}
    return {name: f"{title} ({name})" if title in twice else title for name, title in titles.items()}


def _render(
    settings: Settings, language: Language, links: Mapping[str, str | None], answers: Mapping[str, Any], inline: bool
) -> str:
    lake = Lake.of(settings)
    there = any(lake.exists(name) for name in settings.tables)
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    words = book(language)
    given = {"book": words, "answers": answers, "root": links.get("root"), "language": language}
    given["currency"] = settings.general.currency
    given["promises"] = promises(settings) if inline and there else None
    given["troubles"] = attention(settings) if inline and there else None
    parts = {part: [panel for panel in PANELS.values() if panel.part == part] for part in words["parts"]}
    return environment.from_string((STATIC / "page.html").read_text()).render(
        company=settings.general.company,
        language=language,
        words=words,
        say=lambda key, **values: said(key, language, **values),
        parts={part: panels for part, panels in parts.items() if panels or part == "customer"},
        loaded=there,
        links=links,
        given=Markup(_as_data(given)),
        waiting=waiting_actions.steps(settings.audiences, language),
        waiting_picture=Markup(waiting_actions.picture(settings.audiences, language)),
        policy=_file_policy() if inline else None,
        style=Markup(_text(STYLE)) if inline else None,
        scripts=[Markup(_text(name)) for name in SCRIPTS] if inline else None,
        script_names=SCRIPTS,
        style_name=STYLE,
    )


def _as_data(value: Any) -> str:
    """JSON that ends no element of the page it stands in."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _text(name: str) -> str:
    return (STATIC / name).read_text()


@cache
def _file_policy() -> str:
    """Only the scripts and the style that stand in the file, by their hashes."""
    hashes = " ".join(_hash(_text(name)) for name in SCRIPTS)
    return POLICY + f"script-src {hashes}; style-src {_hash(_text(STYLE))}"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
