"""What `klantreis check` can tell about where sources land, without a connection to any of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import combinations

from jobs.config.settings import Settings
from jobs.config.sources.source import SourceDataset
from jobs.config.yaml_files import line_of, nearest
from jobs.ingest.landing.landing import UNFINISHED, marker_expression


def problems(settings: Settings) -> Iterator[str]:
    """File patterns that no file can match or whose files would never be read."""
    for name, source in settings.sources.items():
        path = settings.folder / "sources" / f"{name}.yaml"
        for dataset, config in source.datasets.items():
            wrong = None if config.pulled else _never(config)
            if wrong:
                keys = ("datasets", dataset, "files")
                yield f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}: {config.files!r}: {wrong}"


def notes(settings: Settings) -> Iterator[str]:
    """What is allowed and worth knowing: files that two patterns of a source take, patterns without a day."""
    for name, source in settings.sources.items():
        path = settings.folder / "sources" / f"{name}.yaml"
        for (first, a), (second, b) in combinations(source.datasets.items(), 2):
            if a.files != b.files and _taken_by_both(a.files, b.files):
                line = line_of(path, "datasets", second, "files")
                yield f"{path}:{line}: a file that {a.files!r} and {b.files!r} both take feeds {first} and {second}"
        for dataset, config in source.datasets.items():
            if "{day}" not in config.files:
                line = line_of(path, "datasets", dataset, "files")
                yield f"{path}:{line}: {config.files!r} has no {{day}}: a file arrives on the day it is first seen"
            for attribute, value in config.attributes.items():
                if column := config.merges_of_attributes.get(value.expression):
                    line = line_of(path, "datasets", dataset, "attributes", attribute)
                    told = f"{value.expression} says which contacts the source merged, so it is {column} too"
                    yield f"{path}:{line}: {told}; if it is not, write {column}: \"''\" in `columns`"


def _never(config: SourceDataset) -> str | None:
    """Why no file of the pattern is ever read; None if that cannot be told."""
    pattern = config.files
    unknown = next((name for name in re.findall(r"\{([^{}]*)\}", pattern) if name != "day"), None)
    if unknown is not None:
        return f"unknown {{{unknown}}}{nearest(unknown, ('day',))}; only {{day}} stands for something"
    if "\\" in pattern:
        return "folders are divided by /, not by \\"
    if pattern != pattern.strip():
        return "it begins or ends with a space"
    if pattern.startswith("/") or "://" in pattern:
        return "patterns are below the source's folder; leave out what is before it"
    if any(part in ("", ".", "..") for part in pattern.split("/")):
        return "a part between two / is empty, . or ..; no path below the folder has that"
    if UNFINISHED.search(_example(pattern)):
        return "files of such names count as unfinished uploads and are never read"
    if config.ready.marker and marker_expression(config.ready).fullmatch(_example(pattern)):
        return f"its files look like the marker {config.ready.marker!r}, which is never read as data"
    return None


def _taken_by_both(first: str, second: str) -> bool:
    """Whether there is a path that both patterns take."""
    a, b = _signs(first), _signs(second)

    @cache
    def rest(i: int, j: int) -> bool:
        if i == len(a) or j == len(b):
            return all(sign in ("*", "**") for sign in (*a[i:], *b[j:]))
        if a[i] in ("*", "**"):
            return rest(i + 1, j) or ((a[i] == "**" or b[j] != "/") and rest(i, j + 1))
        if b[j] in ("*", "**"):
            return rest(i, j + 1) or ((b[j] == "**" or a[i] != "/") and rest(i + 1, j))
        one = a[i] == b[j] or ("?" in (a[i], b[j]) and "/" not in (a[i], b[j]))
        return one and rest(i + 1, j + 1)

    return rest(0, 0)


def _signs(pattern: str) -> list[str]:
    """The pattern sign by sign, for one day; `**/` as if it were `**`."""
    return re.findall(r"\*\*|.", pattern.replace("{day}", "2026-01-31").replace("**/", "**"))


def _example(pattern: str) -> str:
    """A path that the pattern takes."""
    for sign, text in (("{day}", "2026-01-31"), ("**/", ""), ("*", "x"), ("?", "x")):
        pattern = pattern.replace(sign, text)
    return pattern
