"""Names of people in texts, by what stands before them: `mijn naam is`, `my name is`, `Beste`, `Kind regards`.

A list of names alone would mask `will` and `mark` everywhere, so a name is what a rule expects where the rule expects
it. Written without capitals, as in chats, only what follows the surest words counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jobs.text.listed import listed

WORD = r"[^\W\d_][^\W\d_'’-]*(?:['’-][^\W\d_]+)*"
PARTICLE = r"(?:van|de|der|den|ter|ten|het|'t|vd|v\.d\.|von|di|da|la|le|el|al|bin)"
CAPITAL = r"[A-ZÀ-ÖØ-ÞĀ-Ž][^\W\d_]*(?:['’-][^\W\d_]+)*"
FULL = rf"{CAPITAL}(?:\s+(?:{PARTICLE}\s+){{0,3}}{CAPITAL}){{0,3}}"

SURE = re.compile(
    r"(?i:\b(?:my|the|his|her|full|first|last|account|user|sur)?\s*(?:full |first |last |sur)?names?"
    r"(?:\s+(?:is|are|on it is)|'s|\s*:)"
    r"|\bnames?\s+(?:is|as)\b"
    r"|\b(?:i am|i'm|im) called\b|\bcall me\b"
    r"|\b(?:mijn|de|volledige|m'n)?\s*(?:volledige |voor|achter)?naam(?:\s+is|\s*:)|\b(?:ik heet|ik ben genaamd)\b)"
    rf"\s+(?P<name>(?:{PARTICLE}\s+)*{WORD}(?:\s+(?:{PARTICLE}\s+){{0,3}}{WORD}){{0,2}})"
)
CAPITALS = re.compile(
    r"(?:\b(?i:dear|beste|geachte|hi|hoi|hallo|hello|hey|dag|hee|mr|mrs|ms|miss|dhr|mevr|mw|mevrouw|meneer|mijnheer|heer|"
    r"dr|prof|this is|you're speaking to|u spreekt met|je spreekt met|i am|i'm|im|ik ben|met|naar|aan|thanks|bedankt|"
    r"dank je|dank u|thank you)\.?,?\s+"
    r"|(?i:regards|groeten|groet|groetjes|sincerely|cheers|hoogachtend|liefs|mvg|yours)[,.!]?\s*\n?\s*)"
    rf"(?P<name>{FULL})"
)
STOP = listed("no_names")
"""Words that are no name, and that end one."""


def name_spans(text: str) -> Iterator[tuple[int, int]]:
    """Begin and end of each name."""
    small = text.lower()
    if "na" in small or "ik " in small or "call" in small:
        for match in SURE.finditer(text):
            yield from _until_no_name(match)
    for match in CAPITALS.finditer(text):
        yield from _until_no_name(match)


def _until_no_name(match: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The words of a match up to the first that is no name."""
    start, end = match.start("name"), match.start("name")
    for word in re.finditer(r"\S+", match.group("name")):
        bare = word.group().lower().strip(".,'")
        if bare in STOP and not re.fullmatch(PARTICLE, bare):
            break
        end = match.start("name") + word.end()
    if end > start and not re.fullmatch(rf"(?:{PARTICLE}\s*)+", match.group("name")[: end - start].lower()):
        yield start, end
