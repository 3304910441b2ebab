"""What a column of a record is: its kind, given by configuration or guessed from its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import get_args

from jobs.config.identity import RecordKind
from jobs.config.yaml_files import ConfigError, nearest

KINDS: tuple[str, ...] = get_args(RecordKind)
MANY = ("national_id", "text", "category", "street", "city")
"""Kinds of which each column is compared on its own. Of other kinds several columns of a record are one value."""

_GUESSES: tuple[tuple[str, str], ...] = (
    (r"(cluster|entity|truth|label|record_?id|rec_?id|unique_?id|row_?id|^id$|^index$|_key$)", "ignore"),
    (r"_(type|kind|label|status|verified|country_code)$", "ignore"),  # of a phone or an address, not one itself
    (r"(passport|licen[cs]e|ssn|national_?id|tax_?id)\w*_(state|country|issuer|date|expiry)", "ignore"),
    (r"(e_?mail)", "email"),
    (r"(phone|mobile|telephone|^tel|telefoon|gsm|fax)", "phone"),
    (r"(soc_?sec|ssn|passport|national_?id|driver|licen[cs]e|tax_?id|bsn|nhs|nino|id_?number)", "national_id"),
    (r"(state|country|province|issuer)_?(of_issue)?$", "region"),
    (r"(birth_?place|place_?of_?birth|birth_?city|geboorteplaats)", "city"),
    (r"(dob|birth|geboorte|born)", "birth_date"),
    (r"(employer|company|organi[sz]ation|bedrijf|business|name_?org)", "company"),
    (r"(first_?and_?sur)", "full_name"),
    (r"(middle)", "middle_name"),
    (r"(name_?suffix|generation)", "name_suffix"),
    (r"(first_?name|given_?name|fore_?name|voornaam|fname|name_?first|^given$)", "given_name"),
    (r"(last_?name|sur_?name|family_?name|achternaam|lname|name_?last|^family$)", "family_name"),
    (r"(post_?code|postal|zip|postcode)", "postcode"),
    (r"(house_?(number|no|nr)|street_?(number|no|nr)|huisnummer)", "house_number"),
    (r"(addr\w*_?full|full_?addr\w*|^addr(ess)?$|^adres$)", "address"),
    (r"_(city|town|suburb|locality|plaats)$", "city"),
    (r"(street|straat|addr)", "street"),
    (r"(city|town|suburb|place|plaats|locality|woonplaats|gemeente)", "city"),
    (r"(gender|^sex$|geslacht)", "gender"),
    (r"(full_?name|name_?full|(^|_)name$|naam)", "full_name"),
    (r"(occupation|profession|job|beroep)", "text"),
)


def parse_kinds(columns: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Column to (kind, slot). `national_id:passport` puts columns of several sources in one slot, `passport`.

    Raises ConfigError for a kind that does not exist.
    """
    found = {}
    counts: dict[str, int] = {}
    for column, given in columns.items():
        kind, _, name = given.partition(":")
        if kind not in KINDS:
            raise ConfigError([f"column {column!r}: unknown kind {kind!r}{nearest(kind, KINDS)}"])
        if kind == "ignore":
            continue
        slot = kind
        if kind in MANY:
            counts[kind] = counts.get(kind, 0) + 1
            own = name or _plain(column)
            slot = f"{kind}_{own}" if kind not in ("street", "city") or name or counts[kind] > 1 else kind
        found[column] = (kind, slot)
    return found


def guess_kinds(columns: Iterable[str]) -> dict[str, str]:
    """The kind of each column that its name gives away; columns that tell nothing are left out. A convenience only."""
    found = {}
    for column in columns:
        name = _plain(column)
        kind = next((kind for pattern, kind in _GUESSES if re.search(pattern, name)), None)
        if kind and kind != "ignore":
            found[column] = kind
    return found


def _plain(column: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
