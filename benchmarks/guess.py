"""How well `klantreis init` guesses: the shipped layouts, whose mapping is the truth, and layouts of nobody's vendor.

python -m benchmarks.guess              # the table: columns mapped, guessed right, wrong, wrong and not marked
python -m benchmarks.guess -v           # and each column that is not right
python -m benchmarks.guess -k           # and the columns that are not right by what they are
python -m benchmarks.guess --time       # init on 1 GB of files

Layouts of benchmarks/held_out are written by the public documentation of tools that no vocabulary was written for. They
are a check, told apart: nothing may be changed for one of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jobs.config.sources.source import Source, SourceDataset
from jobs.config.yaml_files import load
from jobs.ingest.expressions import parse
from jobs.ingest.guess.datasets import Found
from jobs.ingest.guess.fields import fields_of
from jobs.ingest.guess.guesses import guess
from jobs.ingest.guess.kinds import column_kinds
from jobs.ingest.guess.samples import Sample, inner_samples
from jobs.ingest.landing.patterns import glob_expression

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "examples" / "sources"
HELD_OUT = ROOT / "benchmarks" / "held_out"
SHARED = Path(os.environ.get("KLANTREIS_TEST_DATA") or ROOT.parent / "shared" / "data")
PUBLISHED = {
    "salesforce": "source_salesforce",
    "intercom": "source_intercom",
    "qualtrics": "source_qualtrics",
    "shopify_tables": "source_shopify",
    "segment_pages": "web_segment_pages",
    "snowplow": "web_snowplow_mini",
    "online_retail": "orders_online_retail",
    "multidogo": "chat_multidogo",
    "abcd": "chat_abcd_sample",
    "nps_survey": "survey_nps",
}
"""Layouts without files of their own: the data set of ../shared/data that is in their layout."""
FILES_OF = {"shopify_tables": ("shopify", ["shopify"]), "segment_pages": ("segment", ["segment"])}
SHIPPED = {"shopify": ["shopify_graphql", "shopify_refunds"], "segment": ["segment_s3"]}


@dataclass
class Score:
    """Of one layout: columns of files that its mapping names, and what became of each."""

    layout: str
    columns: int = 0
    right: int = 0
    unsure: int = 0
    wrong: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    """Wrong, and not marked as unsure."""
    missing: list[str] = field(default_factory=list)
    guessed: int = 0
    beyond: list[str] = field(default_factory=list)
    """Guessed where the mapping says nothing, neither of the column nor of the field: nobody can say."""


def sources_of(folder: Path, names: list[str] | None = None) -> list[Source]:
    return [
        load(path, Source) for path in sorted((folder / "sources").glob("*.yaml")) if not names or path.stem in names
    ]


def layouts() -> Iterator[tuple[str, list[Source], list[Path]]]:
    """Name, mapping and files of each layout there are files of."""
    for folder in sorted(SOURCES.iterdir()):
        files = sorted(path for path in (folder / "landing").rglob("*") if path.is_file() and path.stat().st_size)
        if files:
            yield folder.name, sources_of(folder, SHIPPED.get(folder.name)), files
    for name, data in PUBLISHED.items():
        folder, chosen = FILES_OF.get(name, (name, None))
        if (SHARED / data).is_dir():
            sources = sources_of(SOURCES / folder, chosen)
            files = sorted(path for path in (SHARED / data).iterdir() if path.suffix != ".md")
            named = [path for path in files if any(_takes(pattern, path) for pattern in _patterns(sources))]
            yield name, sources, named or files  # a data set whose file is called otherwise is one file


def held_out() -> Iterator[tuple[str, list[Source], list[Path]]]:
    """The same of the layouts that are a check and nothing else."""
    for folder in sorted(HELD_OUT.iterdir()):
        yield folder.name, sources_of(folder), sorted((folder / "landing").iterdir())


def _patterns(sources: list[Source]) -> list[str]:
    return [pattern for source in sources for one in source.datasets.values() for pattern in one.patterns]


def _takes(pattern: str, path: Path) -> bool:
    return glob_expression(pattern.rsplit("/", 1)[-1]).fullmatch(path.name) is not None


def reads(expression: str, nested: bool, lookups: tuple[str, ...]) -> set[str]:
    """The fields of files that an expression reads, by their paths; of a lookup without the name it has here."""
    found = parse(expression, nested, lookups=lookups)
    own = {".".join(map(str, path)) for _, path in found.reads}
    other = {".".join(map(str, path)) for _, _, path in found.partners}
    return {re.sub(r"\.(\d+)", r"[\1]", one) for one in own | {f"@{one}" for one in other}}


def judge(layout: str, sources: list[Source], files: list[Path]) -> Score:
    """Compare the guesses with the mapping. A guess is right if it reads nothing but what the mapping reads."""
    score = Score(layout)
    guesses = guess(files)
    found, there = guesses.found, _fields(guesses.samples)
    for source in sources:
        for name, dataset in source.datasets.items():
            mine = [one for one in found if one.dataset == name and _same_rows(one, dataset, len(files) == 1)]
            _compare(score, f"{source.source}.{name}", dataset, mine[0] if mine else None, there)
            for one in mine:
                found.remove(one)
    for one in found:  # a dataset that the mapping does not have
        for column, made in one.columns.items():
            score.guessed += 1
            if all(one.dataset not in source.datasets for source in sources):
                score.beyond.append(f"{one.dataset}.{column} <- {made.expression}")
            else:
                _wrong(score, f"{one.dataset}.{column} <- {made.expression}", one.sure and made.sure)
    return score


def _fields(samples: list[Sample]) -> set[str]:
    """The fields that some record of the files has: what no file has cannot be guessed from it."""
    levels = [level for sample in samples for level in (sample, *inner_samples(sample))]
    top = {name for level in levels for record in level.records for name in record}
    return top | {_bare(one.name) for level in levels for one in fields_of(level)}


def _bare(name: str) -> str:
    return name.removeprefix("@").removeprefix("_parent.")


def _same_rows(one: Found, dataset: SourceDataset, alone: bool) -> bool:
    truth = dataset.each.items if dataset.each and dataset.each.items else ""
    place = dataset.format.records.split("[].")[-1].removesuffix("[]") if "[]." in dataset.format.records else truth
    return (alone or _takes(dataset.files, one.sample.path)) and (place == one.sample.each)


def _compare(score: Score, name: str, dataset: SourceDataset, mine: Found | None, there: set[str]) -> None:
    lookups, nested = tuple(dataset.lookups), dataset.nested
    truth = {column: reads(value.expression, nested, lookups) for column, value in dataset.columns.items()}
    if {"first_name", "last_name"} <= set(truth) and truth["first_name"] == truth["last_name"]:
        truth["full_name"] = truth.pop("first_name")
        del truth["last_name"]
    elsewhere = set().union(
        *(reads(v.expression, nested, lookups) for v in dataset.attributes.values()), *truth.values()
    )
    asked = {column: fields for column, fields in truth.items() if any(map(there.__contains__, map(_bare, fields)))}
    score.columns += len(asked)
    made = mine.columns if mine else {}
    for column, fields in asked.items():
        if column not in made:
            score.missing.append(f"{name}.{column} <- {sorted(fields)}")
    for column, one in made.items():
        assert mine is not None
        got = reads(one.expression, mine.sample.nested or bool(mine.sample.each), tuple(mine.lookups))
        score.guessed += 1
        if got and got <= truth.get(column, set()):
            score.right += 1
            score.unsure += not (one.sure and mine.sure)
        elif column not in truth and (column in dataset.attributes or not got & elsewhere):
            score.beyond.append(f"{name}.{column} <- {one.expression}")
        else:
            _wrong(
                score,
                f"{name}.{column} <- {one.expression} (not {sorted(truth.get(column, ()))})",
                one.sure and mine.sure,
            )


def _wrong(score: Score, what: str, sure: bool) -> None:
    score.wrong.append(what)
    if sure:
        score.silent.append(what)


def main() -> None:
    if "--time" in sys.argv:
        print(f"init on 1 GB of files: {time_of_init():.1f} s")
        return
    for title, several in (("layout", layouts()), ("held out", held_out())):
        tell(title, [judge(*one) for one in several])


def tell(title: str, scores: list[Score]) -> None:
    """Print a line for each layout, and of all together what is wrong and by which kinds."""
    print(f"{title:<16}{'columns':>8}{'right':>7}{'share':>7}{'unsure':>7}{'wrong':>7}{'silent':>7}{'beyond':>7}")
    for one in [*scores, total(scores)]:
        share = f"{one.right / max(one.columns, 1):>7.0%}"
        counts = (len(one.wrong), len(one.silent), len(one.beyond))
        print(f"{one.layout:<16}{one.columns:>8}{one.right:>7}{share}{one.unsure:>7}", *(f"{n:>6}" for n in counts))
        if "-v" in sys.argv and one.layout != "all":
            lines = [f"missing {what}" for what in one.missing] + [f"wrong {what}" for what in one.wrong]
            print(*(f"    {'SILENT ' if line[6:] in one.silent else ''}{line}" for line in lines), sep="\n")
    every = total(scores)
    print(f"wrong and not marked: {len(every.silent) / max(every.guessed, 1):.1%} of {every.guessed} guesses")
    if "-k" in sys.argv:
        for kind, many in sorted(by_kind(every).items(), key=lambda pair: -len(pair[1])):
            print(f"{len(many):>4} {kind}", *(f"       {what}" for what in many), sep="\n")


def by_kind(score: Score) -> dict[str, list[str]]:
    """What is not right, by what its values are (a moment, an id, a word, ...) and whether anything was guessed."""
    found: dict[str, list[str]] = {}
    for how, many in (("no guess", score.missing), ("another field", score.wrong)):
        for what in many:
            *_, dataset, column = what.split(" <- ")[0].split(".")
            found.setdefault(f"{column_kinds(dataset).get(column, 'free')}, {how}", []).append(what)
    return found


def total(scores: list[Score]) -> Score:
    """All layouts together."""
    every = Score("all")
    for one in scores:
        for name in ("columns", "right", "unsure", "guessed", "wrong", "silent", "missing", "beyond"):
            setattr(every, name, getattr(every, name) + getattr(one, name))
    return every


def time_of_init() -> float:
    """Seconds of `klantreis init` in a process of its own, check and first load included, on 1 GB of orders."""
    with tempfile.TemporaryDirectory() as home:
        rows = "".join(f"{n},K{n % 9999},2026-01-{n % 28 + 1:02},paid,{n % 500}.50\n" for n in range(100_000))
        for number in range(4):
            with (Path(home) / f"orders_{number}.csv").open("w") as file:
                file.write("order_id,customer_id,order_date,status,total\n")
                while file.tell() < 256 << 20:
                    file.write(rows)
        files = sorted(Path(home).glob("*.csv"))
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "jobs.cli", "init", "new", *files, "--yes"],
            cwd=home,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return time.monotonic() - started


if __name__ == "__main__":
    main()
