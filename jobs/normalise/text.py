"""Text as people meant it, and whether it only looks like something else.

Two addresses that look alike can belong to two people, and one of them can be a fraud: what `looks_like_another` flags
is never joined with the address that it looks like.
"""

from __future__ import annotations

import unicodedata


def readable(value: str) -> str:
    """Without the damage of a wrong decoding (`MÃ¼ller`), in composed letters, without invisible characters."""
    import ftfy

    return visible(ftfy.fix_text(value, uncurl_quotes=False))


def visible(value: str) -> str:
    """Without characters that are not seen: zero-width ones, soft hyphens, direction marks, controls."""
    return "".join(c for c in value if unicodedata.category(c) not in ("Cf", "Cc") or c in "\t\n\r")


def key(value: str) -> str:
    """What writings of one text share: compatibility forms (`ﬁ`, `Ａ`), capitals and blanks make no difference."""
    return " ".join(unicodedata.normalize("NFKC", visible(value)).casefold().split())


def latin(value: str) -> str:
    """In ASCII letters: José is Jose, Łódź is Lodz, 张 is Zhang."""
    from anyascii import anyascii

    return str(anyascii(value))


def script(value: str) -> str:
    """The script of the letters, such as Latin or Han; Common for digits, Unknown for none, Mixed for several."""
    from confusable_homoglyphs import categories

    found = categories.unique_aliases(value) - {"COMMON", "INHERITED"}
    if not found:
        return "Common" if value else "Unknown"
    return found.pop().title() if len(found) == 1 else "Mixed"


def skeleton(value: str) -> str:
    """The same text for all texts that look the same: the idea of Unicode's UTS #39, in the direction of ASCII."""
    from confusable_homoglyphs import confusables

    return "".join(_ascii_twin(c, confusables.confusables_data) for c in key(value))


def looks_like_another(value: str) -> bool:
    """Whether it can be taken for another text: it mixes scripts, or none of its letters is what it seems.

    `value` is an address or a name. Accents are no disguise: josé is not flagged.
    """
    return any(_disguised(word) for word in key(value).replace("@", ".").split("."))


def _disguised(word: str) -> bool:
    letters = [c for c in word if c.isalpha()]
    foreign = [c for c in letters if script(c) != "Latin"]
    if not foreign:
        return False
    return len(foreign) < len(letters) or skeleton("".join(foreign)).isascii()


def _ascii_twin(character: str, known: dict[str, list[dict[str, str]]]) -> str:
    if character.isascii():
        return character
    twins = [twin["c"] for twin in known.get(character, []) if twin["c"].isascii() and twin["c"].isalnum()]
    lower = [twin for twin in twins if twin.islower()]
    return (lower or twins or [character])[0].lower()
