"""Words that mean nothing, or the same: titles, particles, legal forms, kinds of street, nicknames."""

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

MORE_NICKNAMES = {
    short: name
    for name, shorts in {
        "mohammed": "mohamed muhammad muhammed mohammad mohamad mehmet mhd mohd muhd",
        "cornelis": "kees cor cees",
        "johannes": "jan johan hans joop",
        "johanna": "jo annie hanna hanneke",
        "wilhelmus": "wim willem will",
        "wilhelmina": "mien mina willie wil",
        "hendrik": "henk hein rik",
        "petrus": "piet pieter peter",
        "gerardus": "gerard gerrit ger",
        "antonius": "ton toon anton antoon",
        "elisabeth": "els elly betty liesbeth lies",
        "catharina": "trijn toos karin tineke",
        "jacobus": "jaap koos jacob cobus sjaak",
        "francois": "frans",
        "franciscus": "frans",
        "margaretha": "greet gre margriet marga",
        "adrianus": "ad arjan adri",
        "theodorus": "theo dorus",
    }.items()
    for short in shorts.split()
}
"""What the English list of `nicknames` lacks."""
