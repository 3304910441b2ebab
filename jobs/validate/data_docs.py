"""Data Docs: a page per dataset with the newest verdicts of Great Expectations, and an index."""

from __future__ import annotations

import html
import logging
import os
import uuid
from pathlib import Path

from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView

from jobs.settings import Settings
from jobs.validate.gx_run import Judgement

log = logging.getLogger(__name__)


def write(settings: Settings, source: str, dataset: str, judgement: Judgement) -> None:
    """Replace the page of this dataset. The pages hold counts, never values of rows."""
    folder = settings.home / "var" / "data_docs"
    folder.mkdir(parents=True, exist_ok=True)
    page = DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(judgement.result))
    _put(folder / f"{source}.{dataset}.html", page)
    _put(folder / "index.html", _index(folder))


def _index(folder: Path) -> str:
    names = sorted(path.stem for path in folder.glob("*.*.html"))
    links = "".join(f'<li><a href="{html.escape(name)}.html">{html.escape(name)}</a></li>' for name in names)
    return f"<!doctype html><title>Data docs</title><h1>Newest validation of each dataset</h1><ul>{links}</ul>"


def _put(path: Path, text: str) -> None:
    """Written beside and moved, so that a reader never sees half a page."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
