"""Words of a name in one piece that are no name of their own: titles, particles, and what tells a son from a father."""

from __future__ import annotations

PARTICLES = frozenset(
    [
        "van",
        "von",
        "de",
        "der",
        "den",
        "di",
        "da",
        "del",
        "della",
        "la",
        "le",
        "du",
        "dos",
        "das",
        "ten",
        "ter",
        "het",
        "t",
        "el",
        "al",
        "bin",
        "ibn",
        "mc",
        "mac",
        "st",
    ]
)
TITLES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "sir",
        "dame",
        "lord",
        "lady",
        "rev",
        "hon",
        "dhr",
        "mw",
        "mevr",
        "mevrouw",
        "meneer",
        "drs",
        "ing",
        "ir",
    ]
)
GENERATIONS = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr", "ii": "2", "iii": "3", "iv": "4"}
