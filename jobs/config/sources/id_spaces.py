"""Sources whose contact ids are those of another source: `ids_of` of config/sources/NAME.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from jobs.config.sources.source import Source
from jobs.config.yaml_files import line_of, nearest


def id_spaces(sources: Mapping[str, Source]) -> dict[str, str]:
    """The sources that say so, each with the source whose ids it has. All others have ids of their own."""
    return {name: source.ids_of for name, source in sources.items() if source.ids_of}


def problems(folder: Path, sources: Mapping[str, Source]) -> Iterator[str]:
    """One line per `ids_of` that names no source with ids of its own: file, line, what to write."""
    spaces = id_spaces(sources)
    for name, space in spaces.items():
        path = folder / "sources" / f"{name}.yaml"
        place = f"{path}:{line_of(path, 'ids_of')}: ids_of"
        others = [other for other in sources if other not in spaces]
        if space == name:
            yield f"{place}: {space!r} is this source; leave it out, ids are a source's own without it"
        elif space not in sources:
            yield f"{place}: unknown source {space!r}{nearest(space, others)}"
        elif space in spaces:
            yield f"{place}: {space!r} has ids of {spaces[space]!r} itself; write ids_of: {spaces[space]}"
