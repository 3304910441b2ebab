"""Text from outside, such as names of files, columns and values, on a person's screen or in a log."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

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


def harmless_lines(text: str) -> str:
    """A message of several lines, each of them `harmless`."""
    return "\n".join(map(harmless, text.split("\n")))


def json_text(value: Any, default: Callable[[Any], Any] = str) -> str:
    """JSON for people and programs: letters as they are, signs that steer a screen as the escapes of JSON."""
    text = json.dumps(value, default=default, ensure_ascii=False, indent=2)
    return _STEERING.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


_STEERING = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff" + "".join(sorted(TURNING)) + "]")
"""Of what `harmless` escapes what JSON leaves as it is."""
