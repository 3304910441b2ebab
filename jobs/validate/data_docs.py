"""Data Docs: a page per dataset with the newest verdicts of Great Expectations, and an index of all datasets."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import Environment

from jobs.settings import Settings
from jobs.validate.batch import Batch
from jobs.validate.gx_run import Judgement

INDEX = Environment(autoescape=True).from_string("""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Data docs</title>
<style>
  :root { color-scheme: light dark }
  body { font: 16px/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 60rem; padding: 0 1rem }
  table { border-collapse: collapse; width: 100% } td, th { padding: .4rem .8rem; text-align: left }
  th, td { border-bottom: 1px solid #8884 } .n { text-align: right; font-variant-numeric: tabular-nums }
  .bad { color: #c22; font-weight: 600 }
</style>
<h1>Data docs</h1>
<p>The newest validation of each dataset. Pages hold counts, never values of rows.</p>
<table>
<tr><th>Dataset<th>Source<th>Day<th class="n">Rows<th class="n">Rules met<th>Broken
{% for page in pages %}
<tr><td><a href="{{ page.source }}.{{ page.dataset }}.html">{{ page.dataset }}</a>
<td>{{ page.source }}<td>{{ page.day }}
<td class="n">{{ "{:,}".format(page.rows) }}<td class="n">{{ page.met }} of {{ page.rules }}
<td>{% for rule in page.broken %}<span class="bad">{{ rule }}</span> {% else %}none{% endfor %}
{% endfor %}
</table>
""")


def write(settings: Settings, batch: Batch, judgement: Judgement) -> None:
    """Replace the page of this dataset, and the index, in `var/data_docs` of the home folder."""
    folder = settings.home / "var" / "data_docs"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{batch.source}.{batch.dataset}"
    verdicts = judgement.verdicts
    summary = {
        "source": batch.source,
        "dataset": batch.dataset,
        "day": str(batch.day),
        "rows": batch.rows,
        "rules": len(verdicts),
        "met": sum(verdict.success for verdict in verdicts),
        "broken": [f"{verdict.rule} ({verdict.severity})" for verdict in verdicts if not verdict.success],
    }
    _put(
        folder / f"{name}.html", DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(judgement.result))
    )
    _put(folder / f"{name}.json", json.dumps(summary))
    pages = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("[!.]*.json"))]
    _put(folder / "index.html", INDEX.render(pages=sorted(pages, key=lambda page: (page["dataset"], page["source"]))))


def _put(path: Path, text: str) -> None:
    """Written beside and moved, so that a reader never sees half a page."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
