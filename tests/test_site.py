"""The documentation leads everywhere it says, and asks for commands, modules and files that are there.

The site itself is built by `make check`. Costs about 1 second.
"""

import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
import yaml

from docs import build, hooks
from jobs.config.settings import load_settings
from jobs.lake import newest
from jobs.lake.queries import with_dots
from jobs.lake.tables import catalogue

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"), *ROOT.glob("mlruns/*.md")]
)
HISTORY = ROOT / "CHANGELOG.md"
BLOCK = re.compile(r"(?ms)^( *)```([^\n`]*)\n(.*?)^\1```$")
COMMAND = re.compile(r"(?:^|[\s`(;])(?:\.venv/bin/)?klantreis((?: [a-z][a-z-]*)+)?((?: [^`|#&;\n]*)?)")
TYPED = re.compile(r"(?:\$ )?klantreis ")
ASKED = re.compile(r'klantreis query "([^"]+)"')
TOP = ("benchmarks", "config", "dags", "docker", "docs", "examples", "expectations", "jobs", "plugins", "tests")


def named(page):
    return str(page.relative_to(ROOT))


def text_of(page):
    """A page without its blocks of code."""
    return BLOCK.sub("", page.read_text())


def anchors(page):
    """What a link may name of a page: its headings, as GitHub and the site both write them."""
    found, seen = set(), Counter()
    for heading in re.findall(r"(?m)^#{1,6} +(.+?)\s*$", text_of(page)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def commands(page):
    """What a page tells to type, without comments: lines of blocks, continued ones as one, and words of its text."""
    for _, language, body in BLOCK.findall(page.read_text()):
        lines = [re.sub(r"\s#.*", "", line) for line in body.replace("\\\n", " ").splitlines()]
        yield from (line for line in lines if language == "bash" or (not language and TYPED.match(line)))
    yield from re.findall(r"`(klantreis [^`]+|make [^`]+|python -m [^`]+)`", text_of(page))


def documented_commands():
    """Options by command, as the reference has them."""
    found = {}
    for section in (ROOT / "docs" / "reference" / "cli.md").read_text().split("\n## ")[1:]:
        found[section.splitlines()[0]] = set(re.findall(r"(?m)^ +(--[a-z-]+)", section)) | {"--help"}
    return found


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_to_a_heading_leads_to_one(page):
    lost = []
    for path, heading in re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", text_of(page)):
        there = (page.parent / path) if path else page
        if there.suffix == ".md" and heading not in anchors(there):
            lost.append(f"{path}#{heading}")
    assert lost == []


def test_every_page_is_on_the_site_once():
    text = (ROOT / "mkdocs.yml").read_text()
    listed = re.findall(r"[\w/.-]+\.md$", text.split("\nnav:")[1], re.MULTILINE)
    pages = {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")}
    assert len(listed) == len(set(listed))
    assert set(listed) <= pages | set(hooks.ELSEWHERE.values())
    assert {page for page in pages - set(listed) if not page.startswith("guides/")} == set()
    assert [source for source in hooks.ELSEWHERE if not (ROOT / source).exists()] == []


def test_a_guide_without_a_place_stands_under_more():
    nav = [{"Start": ["index.md"]}, {"Guides": [{"Data in": ["guides/add-a-source.md"]}, {"KPIs": "guides/kpis.md"}]}]
    told = hooks.on_config(SimpleNamespace(nav=nav)).nav[1]["Guides"]
    assert told[:2] == [{"Data in": ["guides/add-a-source.md"]}, {"KPIs": "guides/kpis.md"}]
    assert "guides/models.md" in told[2]["More"]
    assert {"guides/add-a-source.md", "guides/kpis.md"} & set(told[2]["More"]) == set()


def test_every_picture_is_small_shown_somewhere_and_told_in_words():
    shown = {}
    for page in PAGES:
        for words, path in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", page.read_text()):
            assert len(words) > 15, f"{named(page)}: {path} has no words for who does not see it"
            shown[(page.parent / path).resolve()] = page
    pictures = [file for folder in ("images", "pictures") for file in (ROOT / "docs" / folder).glob("*.*")]
    assert [file.name for file in pictures if file.resolve() not in shown] == []
    assert [file.name for file in pictures if file.stat().st_size > 200_000] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY], ids=named)
def test_every_command_to_type_is_there_with_its_options(page):
    known, targets = documented_commands(), re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text())
    wrong = []
    for line in commands(page):
        for words, rest in COMMAND.findall(line):
            parts = ["klantreis", *words.split()]
            command = next((c for n in range(len(parts), 0, -1) if (c := " ".join(parts[:n])) in known), "klantreis")
            if words and command == "klantreis":
                wrong.append(f"klantreis{words}")
            unquoted = re.sub(r"""(["']).*?\1""", "", rest)
            wrong += [f"{command} {o}" for o in re.findall(r"--[a-z-]+", unquoted) if o not in known[command]]
        wrong += [f"make {name}" for name in re.findall(r"(?:^|\s)make ([a-z-]+)", line) if name not in targets]
        for module in re.findall(r"python -m ([a-z_.]+)", line):
            there = ROOT / module.replace(".", "/")
            if module.split(".")[0] in TOP and not (
                there.with_suffix(".py").exists() or (there / "__main__.py").exists()
            ):
                wrong.append(f"python -m {module}")
    assert wrong == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY], ids=named)
def test_every_file_of_the_repository_that_is_named_is_there(page):
    paths = re.findall(rf"`((?:{'|'.join(TOP)})/[\w./-]+)(?:::\w+)?`", text_of(page))
    of_a_company = [path for path in paths if path.startswith("config/")]
    configuration = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    lost = [path for path in paths if not re.search("[A-Z]", Path(path).stem) and not (ROOT / path).exists()]
    assert [
        path for path in lost if path not in of_a_company or path.removeprefix("config/") not in configuration
    ] == []


@pytest.fixture(scope="module")
def empty_tables():
    """The tables of the company in config/, without rows: `empty_tables(sql)` asks them."""
    settings, database = load_settings(ROOT / "config"), duckdb.connect()
    for name, dataset in (catalogue.DATASETS | settings.contracts).items():
        zone, table = name.split("/")
        empty = dataset.arrow_schema().empty_table()  # noqa: F841 DuckDB finds it by its name
        database.execute(f"create schema if not exists {zone}")
        database.execute(f"create table {zone}.{table} as from empty")
    database.execute(f"create schema {newest.NEWEST}")
    for contract in newest.VERSIONED.values():
        database.execute(newest.view(contract))
    yield lambda sql: database.execute(with_dots(sql, settings)).fetchall()
    database.close()


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY], ids=named)
def test_every_query_of_a_page_can_be_asked(empty_tables, page):
    blocks = BLOCK.findall(page.read_text())
    queries = [body for _, language, body in blocks if language == "sql"]
    queries += ASKED.findall(page.read_text())
    for one in (part for query in queries for part in query.split(";") if part.strip()):
        empty_tables(one)


def test_a_page_of_the_site_links_to_pages_and_names_what_is_in_the_repository_only():
    def on_the_site(page, text):
        return hooks.on_page_markdown(text, SimpleNamespace(file=SimpleNamespace(src_uri=page)), None, None)

    layouts = "[layouts](../../examples/sources/README.md#try)"
    assert on_the_site("guides/packs.md", layouts) == "[layouts](source-layouts.md#try)"
    assert on_the_site("guides/source-layouts.md", "[hubspot](hubspot/sources/hubspot.yaml)") == (
        "hubspot (`examples/sources/hubspot/sources/hubspot.yaml`)"
    )
    assert on_the_site("changelog.md", "[Packs](docs/guides/packs.md)") == "[Packs](guides/packs.md)"
    assert on_the_site("faq.md", "[gone](gone.md) [out](https://x.example/a)") == (
        "[gone](gone.md) [out](https://x.example/a)"
    )
    assert on_the_site("faq.md", "```yaml fragment\na: 1\n```") == "```yaml\na: 1\n```"


def test_a_site_that_loads_from_another_host_or_has_unread_markdown_is_refused(tmp_path):
    (tmp_path / "good.html").write_text(
        '<script src="a.js"></script><a href="https://x.example">x</a><code>- no\n| list |</code>'
    )
    (tmp_path / "bad.html").write_text(
        '<link rel="stylesheet" href="//fonts.example/a.css"><img src="https://x.example/a.png"><p>text:\n- one</p>'
    )
    (tmp_path / "bad.css").write_text('@import "https://x.example/b.css"; a { background: url(pictures/c.svg) }')
    unread = "Markdown that was not read, a blank line before it may be missing"
    assert build.problems(tmp_path) == [
        "bad.css: loads https://x.example/b.css",
        "bad.html: loads //fonts.example/a.css",
        "bad.html: loads https://x.example/a.png",
        f"bad.html: {unread}: - one",
    ]


def test_what_the_site_needs_is_configured_without_another_host():
    loader = yaml.SafeLoader
    settings = yaml.load(re.sub(r"!!python/\S+", "", (ROOT / "mkdocs.yml").read_text()), Loader=loader)
    assert settings["theme"]["font"] is False
    assert [path for path in settings["extra"]["polyfills"] if not (ROOT / "docs" / path).exists()] == []
