"""What must fit together inside config/identity.yaml and with the sources: golden record rules, purposes, channels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from jobs.config.identity import GOLDEN_ATTRIBUTES, Identity
from jobs.config.sources.source import Source
from jobs.config.yaml_files import line_of, nearest

OWN = "attributes."
"""Begins the name of a rule for one of a source's own attributes, such as attributes.income_band."""


def problems(path: Path, identity: Identity, sources: Mapping[str, Source]) -> list[str]:
    """One line per problem: file, line, key, what is wrong."""
    found = [*_rules(identity, sources), *_groups(identity), *_channels(identity), *_matching(identity, sources)]
    return [f"{path}:{line_of(path, *keys)}: {'.'.join(str(key) for key in keys)}: {text}" for keys, text in found]


Problem = tuple[tuple[str | int, ...], str]


def _rules(identity: Identity, sources: Mapping[str, Source]) -> Iterator[Problem]:
    own = own_attributes(sources)
    for name, rule in identity.golden_record.items():
        keys = ("golden_record", name)
        if name.startswith(OWN):
            attribute = name.removeprefix(OWN)
            if attribute not in own:
                yield keys, f"no source has an attribute {attribute!r} of contacts{nearest(attribute, own)}"
            if rule.together:
                yield keys, "`together` is for attributes every contact has; rule each own attribute by itself"
        elif name not in GOLDEN_ATTRIBUTES:
            yield keys, f"unknown attribute {name!r}{nearest(name, GOLDEN_ATTRIBUTES)}"
        for number, source in enumerate(rule.sources):
            if source not in sources:
                yield (*keys, "sources", number), f"unknown source {source!r}{nearest(source, sources)}"
        if rule.verified is not None and rule.verified not in own:
            yield (*keys, "verified"), f"no source has an attribute {rule.verified!r}{nearest(rule.verified, own)}"


def _groups(identity: Identity) -> Iterator[Problem]:
    """Attributes taken together follow one leader, which follows nobody; an address has one."""
    parts = [name for name in ("street", "postcode", "city") if name in identity.golden_record]
    if len(parts) > 1:
        yield (
            ("golden_record", parts[1]),
            f"{parts[0]!r} has a rule too: the address would be mixed from two records; name it in `together` instead",
        )
    leader_of: dict[str, str] = {}
    for leader, rule in identity.golden_record.items():
        for number, name in enumerate(rule.together):
            keys = ("golden_record", leader, "together", number)
            if name not in GOLDEN_ATTRIBUTES:
                yield keys, f"unknown attribute {name!r}{nearest(name, GOLDEN_ATTRIBUTES)}"
            elif name == leader or leader in _together(identity, name):
                yield keys, f"{name!r} and {leader!r} would each be taken with the other: a circle; keep one direction"
            elif name in identity.golden_record:
                yield keys, f"{name!r} has a rule of its own; remove that rule, or take it out of here"
            elif name in leader_of:
                yield keys, f"{name!r} is taken with {leader_of[name]!r} already; keep one"
            leader_of.setdefault(name, leader)


def _together(identity: Identity, name: str) -> list[str]:
    rule = identity.golden_record.get(name)
    return rule.together if rule else []


def _channels(identity: Identity) -> Iterator[Problem]:
    asked = {channel for purpose in identity.purposes.values() for channel in purpose.channels}
    called: dict[str, str] = {}
    for name, channel in identity.channels.items():
        if name not in asked:
            yield ("channels", name), f"no purpose has the channel {name!r}{nearest(name, asked)}"
        for number, other in enumerate(channel.also_called):
            if other in called:
                yield ("channels", name, "also_called", number), f"{other!r} is {called[other]!r} already; keep one"
            called.setdefault(other, name)


def _matching(identity: Identity, sources: Mapping[str, Source]) -> Iterator[Problem]:
    for number, source in enumerate(identity.matching.deduplicated):
        if source not in sources:
            yield ("matching", "deduplicated", number), f"unknown source {source!r}{nearest(source, sources)}"


def own_attributes(sources: Mapping[str, Source]) -> list[str]:
    """Names of the further columns of contacts that the sources deliver, in the order of the files."""
    mapped = [source.datasets["contacts"].attributes for source in sources.values() if "contacts" in source.datasets]
    return list(dict.fromkeys(name for attributes in mapped for name in attributes))
