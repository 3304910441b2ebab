"""Whether a proposed text says nothing but what the catalogue says, and nothing that is code or personal."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jobs.proposals.brief import Brief, Variant

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+|www\.[^\s<>\"')\]]+|[\w.+-]+@[\w-]+\.[\w.-]+", re.IGNORECASE)
_CODE = re.compile(r"\{\{|\{%|\{#|</?[a-zA-Z][^>]*>")
_MONEY = re.compile(r"[€$£%]|\b(?:euro|procent|percent)\b", re.IGNORECASE)
LONGEST = {"txt": 4000, "sms": 600}
"""Characters of a proposal; more is no message."""


def untrue(variant: Variant, brief: Brief) -> Iterator[str]:
    """What is wrong with a text, one line each: facts that were not given, numbers and addresses that stand in none of
    those it names, code. Claims in words are for the person who approves."""
    known = {one.id: one for one in brief.facts}
    if invented := [name for name in variant.facts if name not in known]:
        yield f"rests on facts that are not in the catalogue: {', '.join(map(repr, invented))}"
    cited = [known[name] for name in variant.facts if name in known]
    text = "\n".join((variant.subject, *variant.paragraphs))
    given = " ".join([brief.company, *(" ".join((one.title, one.topic, one.need)) for one in cited)])
    addresses = {one.url for one in cited if one.url}
    rest = _ADDRESS.sub(" ", text)
    if strange := sorted({found.rstrip(".,;:!?") for found in _ADDRESS.findall(text)} - addresses):
        yield f"names addresses of no fact: {', '.join(strange)}"
    if invented := sorted(set(_NUMBER.findall(rest)) - set(_NUMBER.findall(given))):
        yield f"says numbers of no fact: {', '.join(invented)}"
    if _MONEY.search(rest) and not _MONEY.search(given):
        yield "speaks of money or a share, and no fact does"
    if _CODE.search(text):
        yield "holds code of a template, or markup; only plain words are taken"
    if brief.form == "sms" and variant.subject:
        yield "has a subject, and a text message has none"
    if brief.form == "txt" and not variant.subject:
        yield "has no subject"
    if not any(one.strip() for one in variant.paragraphs):
        yield "says nothing"
    if len(text) > LONGEST[brief.form]:
        yield f"{len(text)} characters, more than {LONGEST[brief.form]}"
