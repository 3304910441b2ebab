"""Text from outside, such as names of files, columns and values, on a person's screen or in a log."""

from __future__ import annotations

import unicodedata

TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
"""Marks that change the direction of the text after them."""


def unwritable(sign: str) -> bool:
    """Line breaks and other control characters, and halves of characters, such as bytes of a name that are no UTF-8."""
    return unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")


def harmless(text: str) -> str:
    """On one line, without signs that move, hide or turn what is around, or that cannot be written at all.

    Control characters (escape sequences, line breaks) and marks that reverse the direction of text become escapes.
    """
    return "".join(
        sign.encode("unicode_escape").decode() if sign in TURNING or unwritable(sign) else sign for sign in text
    )
