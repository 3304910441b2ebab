"""How far sources are trusted: whom their rows join, and what they may change (`trust` of config/sources/NAME.yaml)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from jobs.config.sources.source import Source
from jobs.config.sources.trust_given import Trust, Whom
from jobs.config.yaml_files import line_of


def strangers(sources: Mapping[str, Source]) -> dict[str, Whom]:
    """The sources whose rows may not join whomever they name, each with whom they may."""
    return {name: source.trust.identifies for name, source in sources.items() if source.trust.identifies != "anyone"}


def alike(sources: Mapping[str, Source]) -> list[str]:
    """The sources whose contacts join those they are alike."""
    return [name for name, whom in strangers(sources).items() if whom == "alike"]


def trusting(sources: Mapping[str, Source]) -> dict[str, Source]:
    """The sources, as if each were trusted as one that says nothing of it."""
    return {name: source.model_copy(update={"trust": Trust()}) for name, source in sources.items()}


def keeping_to_themselves(sources: Mapping[str, Source]) -> list[str]:
    """The sources whose addresses are only those of their own records."""
    return [name for name, source in sources.items() if source.trust.contact_points == "own"]


def without_a_say(sources: Mapping[str, Source]) -> list[str]:
    """The sources whose yes does not count."""
    return [name for name, source in sources.items() if not source.trust.grants]


def problems(folder: Path, sources: Mapping[str, Source]) -> Iterator[str]:
    """One line per trust that contradicts what else the sources say: file, line, key, what to write."""
    for name, whom in strangers(sources).items():
        source, others = sources[name], [other for other, one in sources.items() if one.ids_of == name]
        path = folder / "sources" / f"{name}.yaml"
        place = f"{path}:{line_of(path, 'trust', 'identifies')}: trust.identifies"
        if source.ids_of or others:
            shared = f"its ids are those of {source.ids_of!r}" if source.ids_of else f"{others[0]!r} has its ids"
            yield f"{place}: {shared} (ids_of), so its rows name people of both; write `anyone`, or leave out ids_of"
        if whom == "alike" and "contacts" not in source.datasets:
            yield f"{place}: without contacts there are no names to compare; write `nobody` or `anyone`"
