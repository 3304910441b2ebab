"""Values that systems and people write where there is nobody: they identify no one, whatever kind of identifier it is.

Judged is the `compact` value: lower case, letters and digits only. The words are in data/nobody.yaml; what a company's
own systems write beside these is listed under `junk` in config/identity.yaml, and what is somebody after all under
`not_junk`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from importlib.resources import files

import yaml

_LISTED = yaml.safe_load(files("jobs.config").joinpath("data/nobody.yaml").read_text(encoding="utf-8"))
WORDS: frozenset[str] = frozenset(word for words in _LISTED["words"].values() for word in words.split())
"""What says nobody, in the languages of the sources, compact."""
ZEROS = r"^[+-]?0+([.,]0+)?$"
NEGATIVE = r"^-[0-9]+([.,]0+)?$"
ROUNDED = r"^[+-]?[0-9]([.,][0-9]+[eE][+-]?|[eE]\+)[0-9]{1,3}$"
"""An id that a spreadsheet rounded, such as 1.23457E+12: its last digits are lost."""
UNFILLED = r"^(\{\{.*\}\}|\$\{.*\}|%%.*%%|<%.*%>|\[\[.*\]\]|\\N|[kK]\. ?A\.|#[A-Z/0]{2,10}[!?]|#NV|#N/B)$"
"""What was never filled in: a variable of a template, a formula of a spreadsheet that failed, NULL of a dump."""
WHOLE = r"^([0-9]+)[.,]0+$"
"""An id that became a number on its way, such as 101.0."""
LETTERS_AND_DIGITS = r"[^\p{L}0-9]"
"""What a compact value leaves out."""
_REPEATED = {"contact": 6, "loyalty": 6}
"""Digits of a number of one digit only from which it is nobody's; a number that counts people passes 1111 too."""


def repeated(kind: str) -> str:
    """The pattern of compact values of one digit, or of all nines, that are nobody's."""
    least = _REPEATED.get(kind, 4)
    return "^(" + "|".join(["0+", "f{8,}", *(f"{digit}{{{least},}}" for digit in range(1, 10))]) + "|1?2345678(9?0?))$"


def compact(value: str) -> str:
    """Lower case, letters and digits only."""
    return "".join(sign for sign in value.lower() if sign.isalpha() or sign in "0123456789")


def nobody(kind: str, value: str) -> bool:
    """Whether a value of an identifier, without surrounding blanks, is nobody's."""
    if kind in ("email", "phone"):
        return judge(kind)(value)
    bare = compact(value)
    return (
        not bare
        or bare in WORDS
        or any(re.search(pattern, value) for pattern in (ZEROS, NEGATIVE, ROUNDED, UNFILLED))
        or bool(re.search(repeated(kind), bare))
    )


PHONE = "(" + "|".join(f"{digit}{{7,}}" for digit in range(10)) + "|12345678|87654321)$"
"""The end of a phone number that nobody has."""
SHORTEST = 4
"""Letters from which such a word before the @ is nobody: Nan and Vos have mailboxes."""
MAILBOXES: frozenset[str] = frozenset(
    word for word in WORDS - set(_LISTED["names"].split()) if len(word) >= SHORTEST
) | frozenset(_LISTED["no_mail"].split())
"""What says nobody before the @ of an e-mail address, compact."""


_OF_FORMS = frozenset(_LISTED["of_forms"].split())
"""What stands before the @ in the examples of forms and manuals; at a company of that kind it is nobody's mailbox."""
_EXAMPLES = WORDS | frozenset(_LISTED["companies"].split())
"""Companies of examples."""
_KEYBOARD = frozenset(_LISTED["typed"].split())
"""What people type where a form asks for an address, before and behind the @."""


HASH = "[0-9a-f]{64}"
"""An e-mail address of which only the SHA-256 is told, in lower case."""


def hashes(texts: Iterable[str]) -> frozenset[str]:
    """The SHA-256 of each text in lower case, without surrounding blanks."""
    return frozenset(hashlib.sha256(one.strip().lower().encode()).hexdigest() for one in texts)


HASHES: frozenset[str] = hashes(["", *WORDS]) | {sign * 64 for sign in "0123456789abcdef"}
"""Hashes of what is no address: of nothing, and of words that say nobody."""


def judge(kind: str) -> Callable[[str], bool]:
    """A function that says whether an e-mail address or phone number (E.164) is a placeholder: `noreply@`,
    `undefined@`, `x@x` of a word that says nobody, `info@example.com`, or a number of one digit.

    It holds all it needs, so that it travels whole to the workers of a cluster.
    """
    words, mailboxes, phone, typed = WORDS, MAILBOXES, PHONE, _KEYBOARD
    examples, of_forms = _EXAMPLES, WORDS | _OF_FORMS

    def placeholder(address: str) -> bool:
        local, _, domain = address.lower().partition("@")
        mailbox, host = (
            "".join(sign for sign in part if sign.isalpha() or sign in "0123456789")
            for part in (local, domain.partition(".")[0])
        )
        twice = mailbox == host and (mailbox in words or mailbox in typed or len(mailbox) == 1)
        return mailbox in mailboxes or twice or (mailbox in of_forms and host in examples)

    def unlikely(number: str) -> bool:
        import re

        return bool(re.search(phone, number))

    return {"email": placeholder, "phone": unlikely}[kind]
