"""Words that mean nothing, or the same: titles, particles, legal forms, kinds of street."""

from __future__ import annotations

MISSING = frozenset(
    {"", "nan", "none", "null", "na", "n a", "unknown", "onbekend", "not available", "nvt", "undefined"}
)
LEGAL_FORMS = frozenset(
    [
        "inc",
        "incorporated",
        "ltd",
        "limited",
        "llc",
        "llp",
        "plc",
        "corp",
        "corporation",
        "co",
        "company",
        "bv",
        "nv",
        "gmbh",
        "ag",
        "sa",
        "sarl",
        "spa",
        "srl",
        "pty",
        "vof",
    ]
)
STREET_WORDS = {
    "street": "st",
    "strasse": "st",
    "straat": "st",
    "str": "st",
    "avenue": "ave",
    "av": "ave",
    "lane": "ln",
    "road": "rd",
    "drive": "dr",
    "place": "pl",
    "court": "ct",
    "boulevard": "blvd",
    "crescent": "cr",
    "cres": "cr",
    "highway": "hwy",
    "square": "sq",
    "terrace": "tce",
    "close": "cl",
    "parade": "pde",
    "circuit": "cct",
    "apartment": "apt",
    "apartments": "apt",
    "appt": "apt",
    "suite": "ste",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "mount": "mt",
    "saint": "st",
    "village": "vlge",
    "building": "bld",
}
