"""What segments are called: by what makes each different, true for its median member, and never two alike.

A name is a promise: "frequent customers" are so called because the median one orders more than the median of all. The
promise is kept with the model (`claims`), so that a name that no longer holds after retraining is seen and changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

import numpy as np
import pandas as pd

from jobs.config.models.segment import Words
from jobs.models.segment.segments import Segments, pairs

CLEAR = 0.4
"""Standard deviations from the median customer from which a trait is worth a word."""
HIGH, LOW, MORE, LESS = "high", "low", "more", "less"
Claim = tuple[str, str]
"""A feature, and which side of the median customer the segment is on; MORE and LESS compare with a namesake."""


def named(
    segments: Segments,
    frame: pd.DataFrame,
    words: Mapping[str, Words],
    meanings: Mapping[str, str],
    kept: Mapping[int, str],
    claimed: Mapping[int, Sequence[Sequence[str]]] | None = None,
) -> Segments:
    """The segments with a name and a description each, from the traits that set their median member apart in `frame`.

    `kept` are names given before, by number of segment, with what they claim: those that still hold stay. New names
    never repeat one in use. A segment whose old name does not hold says in its description what it was called.
    """
    medians, usual, apart = _medians(segments, frame)
    found = [_claims(segments, row) for row in apart]
    said: dict[int, list[Claim]] = {}
    names: dict[int, str] = {}
    for number, name in kept.items():
        old = [(str(feature), str(side)) for feature, side in (claimed or {}).get(number, [])]
        true = all(claim in found[number] for claim in old) if old else not found[number]
        if true and name == _text(old, words) and name not in names.values():
            names[number], said[number] = name, old
    for number in range(len(found)):
        if number not in names:
            said[number] = _new(number, found, said, segments, medians, words)
            names[number] = _unused(_text(said[number], words), set(names.values()))
    descriptions = []
    for number, claims in enumerate(found):
        told = [
            f"{meanings.get(name, name)} {side}: about {plain(medians[number][segments.features.index(name)])}, "
            f"all customers {plain(usual[segments.features.index(name)])}"
            for name, side in claims[:4]
        ]
        told = told or ["close to the median customer in everything"]
        if number in kept and kept[number] != names[number]:
            told.append(f"was called {kept[number]!r} until now")
        descriptions.append("; ".join(told))
    order = range(len(segments.centres))
    claims_of = [[list(claim) for claim in said[number]] for number in order]
    return replace(segments, names=[names[n] for n in order], descriptions=descriptions, claims=claims_of)


def kept_names(
    old: Segments, new: Segments, frame: pd.DataFrame, minimum_overlap: float
) -> tuple[dict[int, str], dict[int, list[list[str]]]]:
    """Names of `old` that go on in `new`, and what they claim, by number of the new segment.

    Both models place the same customers. A pair of segments keeps its name if it shares at least `minimum_overlap` of
    the customers in either of them.
    """
    together = pairs(old.assign(frame)[0], new.assign(frame)[0], len(old.centres), len(new.centres))
    same = {after: before for before, after, share in together if share >= minimum_overlap}
    names = {after: old.names[before] for after, before in same.items()}
    return names, {after: old.claims[before] for after, before in same.items() if before < len(old.claims)}


def plain(value: float) -> str:
    """A number for a sentence: three digits, no exponent; what is next to nothing is 0."""
    return "0" if abs(value) < 0.005 else f"{float(f'{value:.3g}'):,.10g}"


def _medians(segments: Segments, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median member per segment, median customer, and how far apart they are in standard deviations."""
    values = frame[segments.features].to_numpy(dtype=float)
    values = np.where(np.isnan(values), np.array(segments.fill), values)
    points, numbers = segments.scaled(frame), segments.assign(frame)[0]
    usual, middle = np.median(values, axis=0), np.median(points, axis=0)
    members = [numbers == number for number in range(len(segments.centres))]
    medians = np.array([np.median(values[one], axis=0) if one.any() else usual for one in members])
    apart = np.array([np.median(points[one], axis=0) - middle if one.any() else middle * 0 for one in members])
    return medians, usual, apart


def _claims(segments: Segments, apart: np.ndarray) -> list[Claim]:
    """In what the median member of a segment differs from the median customer, the clearest first."""
    order = sorted(range(len(apart)), key=lambda i: (-abs(apart[i]), segments.features[i]))
    return [(segments.features[i], HIGH if apart[i] > 0 else LOW) for i in order if abs(apart[i]) >= CLEAR]


def _new(
    number: int,
    found: Sequence[list[Claim]],
    said: Mapping[int, list[Claim]],
    segments: Segments,
    medians: np.ndarray,
    words: Mapping[str, Words],
) -> list[Claim]:
    """The fewest claims, at least two, that nobody makes yet in these words; else one more, against the namesake."""
    taken = [{_adjective(claim, words) for claim in claims} for claims in said.values()]
    told: list[Claim] = []
    for claim in found[number]:
        if _adjective(claim, words) not in {_adjective(one, words) for one in told}:
            told.append(claim)
    for length in range(min(2, len(told)), len(told) + 1):
        if {_adjective(claim, words) for claim in told[:length]} not in taken:
            return told[:length]
    mine = {_adjective(claim, words) for claim in told}
    namesake = next(other for other, claims in said.items() if {_adjective(c, words) for c in claims} == mine)
    differs = (medians[number] - medians[namesake]) / np.array(segments.scale)
    best = sorted(range(len(differs)), key=lambda i: (-abs(differs[i]), segments.features[i]))[0]
    if differs[best] == 0:
        return told
    return [*told, (segments.features[best], MORE if differs[best] > 0 else LESS)]


def _adjective(claim: Claim, words: Mapping[str, Words]) -> str:
    name, side = claim
    if side in (HIGH, LOW):
        return str(getattr(words[name], side)) if name in words else f"{side} {name}"
    return f"{side} {words[name].high}" if name in words else f"{side} {name}"


def _text(claims: Sequence[Claim], words: Mapping[str, Words]) -> str:
    return " ".join([*([_adjective(claim, words) for claim in claims] or ["average"]), "customers"])


def _unused(name: str, taken: set[str]) -> str:
    numbered = (name if number == 1 else f"{name} {number}" for number in count(1))
    return next(one for one in numbered if one not in taken)
