"""What a column of a record is: its kind, given by configuration or guessed from its name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import get_args

from anyascii import anyascii

from jobs.config.identity import RecordKind
from jobs.config.yaml_files import ConfigError, nearest

KINDS: tuple[str, ...] = get_args(RecordKind)
MANY = ("national_id", "text", "category", "street", "city")
"""Kinds of which each column is compared on its own. Of other kinds several columns of a record are one value."""
NAMES_TOLD = frozenset({"given_name", "family_name", "full_name"})

_NAME = "_?(name|nm|naam|nam)s?"
_GUESSES: tuple[tuple[str, str], ...] = (
    (r"(cluster|entity|truth|label|record_?id|rec_?id|unique_?id|row_?id|^id$|^index$|_key$)", "ignore"),
    (r"_(type|kind|label|status|verified|country_code)$", "ignore"),  # of a phone or an address, not one itself
    (r"(passport|licen[cs]e|ssn|national_?id|tax_?id)\w*_(state|country|issuer|date|expiry)", "ignore"),
    (r"(file|product|login|host|domain|event|campaign)" + _NAME, "ignore"),
    (r"(e_?mail|courriel|^correo|^mail$)", "email"),
    (r"(phone|mobile|mobiel|^tel(_|\d|$)|telefo|gsm|fax|cellulare|celular|handy|^mobil|^cell(_|\d|$))", "phone"),
    (
        r"(soc_?sec|ssn|passport|national_?id|driver|licen[cs]e|tax_?id|bsn|nhs|nino|id_?number|^dni$|insee)",
        "national_id",
    ),
    (r"(state|country|province|issuer|bundesland|provincie)_?(of_issue)?$", "region"),
    (r"(birth_?place|place_?of_?birth|birth_?city|geboorteplaats|geburtsort|lieu_?(de_?)?naissance)", "city"),
    (r"(geburtsname|nom_?(de_?)?naissance|maiden|birth_?name|naissance_?nom)", "ignore"),
    (r"(dob|birth|geboorte|geb_?(dat|jaar|jahr|tag|monat|dag|maand)|geburt|gebdat|born)", "birth_date"),
    (r"(naissance|nacimiento|nascita|nascimento|fodsel|fodt|fodelse|urodzeni)", "birth_date"),
    (r"^b_?(year|yr|month|mon|mth|day|date|dt)(_?[a-z]?\d)?$|^yob$", "birth_date"),
    (r"(employer|company|organi[sz]ation|bedrijf|business|name_?org|firma|entreprise|empresa|azienda)", "company"),
    (r"((first|given|last)_?and_?(last|family|first|sur)|nombre_?completo|nom_?complet|nome_?completo)", "full_name"),
    (rf"(first|given|fore|last|family|sur){_NAME}?_(and_)?(first|given|fore|last|family|sur)_?(name|nm)", "full_name"),
    (r"^(name|naam|nom)_(en_|und_|et_)?(voornaam|vorname|prenom)s?$", "full_name"),
    (r"(voor(naam)?_en_(achter|familie)naam|vor(name)?_und_(nach|familien|zu)name|nachname_vorname)", "full_name"),
    (r"(vorname_(nach|familien|zu)?name|voornaam_(achter|familie)?naam|prenoms?_(et_)?nom)$", "full_name"),
    (r"((kunden|ansprechpartner|kontakt|voll|gesamt)_?name|contact_?pers(oon|on)|^ansprechpartner(in)?$)", "full_name"),
    (r"(nom_(du_|de_la_|de_)?(client|contact|personne)|^interlocut(eur|rice)$|klant_?naam)", "full_name"),
    (r"(middle|^mid_?n|^m_?nam?e?(_?[a-z]?\d)?$)", "middle_name"),
    (r"(name_?suffix|generation)", "name_suffix"),
    (rf"(first|given|gvn|fore|christian){_NAME}|name_?(first|given)|^(first|given)(_?[a-z]?\d)?$", "given_name"),
    (
        r"(voornaam|voornamen|voorletters|initials|roepnaam|vorname|prenom|^nombres?(_?[a-z]?\d)?$|^nome(_?[a-z]?\d)?$|imie|fornavn|fornamn)",
        "given_name",
    ),
    (r"^(f_?n|f_?nam?e?|first_?n|vn)(_?[a-z]?\d)?$", "given_name"),
    (rf"(last|sur|family|fam|second){_NAME}|name_?(last|family)|^(last|family|sur)(_?[a-z]?\d)?$", "family_name"),
    (
        r"(achternaam|nachname|familienname|familienaam|zuname|tussenvoegsel|voorvoegsel|apellido|apelido|cognome)",
        "family_name",
    ),
    (r"(sobrenome|nazwisko|efternavn|efternamn|etternavn|nom_?(de_?)?famille|^nom(_?[a-z]?\d)?$)", "family_name"),
    (r"^(l_?n|l_?nam?e?|last_?n|nn)(_?[a-z]?\d)?$", "family_name"),
    (r"(post_?code|postal|zip|plz|postleitzahl|codigo_?post|kod_?poczt|^cap$|postn(umme)?r|^cp$|^pc\d?$)", "postcode"),
    (r"(house_?(number|no|nr)|street_?(number|no|nr)|huis_?n(umme)?r|haus_?n(umme)?r|^hnr$)", "house_number"),
    (r"(addr\w*_?full|full_?addr\w*|^addr(ess)?$|^adres(se)?$|^direccion$|^indirizzo$)", "address"),
    (r"_(city|town|suburb|locality|plaats)$", "city"),
    (r"(street|straat|strasse|addr|^str(_?[a-z]?\d)?$|^rue$|^calle$|^ulica$|^adresse|gatuadress|endereco)", "street"),
    (
        r"(city|town|suburb|place|plaats|locality|woonplaats|gemeente|^(wohn|bostads)?ort$|cidade|miasto|^stadt?$|ville$|ciudad|citta)",
        "city",
    ),
    (r"(gender|^sexe?o?$|geslacht|geschlecht)", "gender"),
    (r"(full_?name|name_?full|(^|_)(name|nm)(_?[a-z]?\d)?$|naam)", "full_name"),
    (r"(occupation|profession|job|beroep|^beruf$)", "text"),
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
            own = name or plain_heading(column)
            slot = f"{kind}_{own}" if kind not in ("street", "city") or name or counts[kind] > 1 else kind
        found[column] = (kind, slot)
    return found


def guess_kinds(columns: Iterable[str]) -> dict[str, str]:
    """The kind of each column that its name gives away; columns that tell nothing are left out. A convenience only."""
    found = {}
    names = {column: plain_heading(column) for column in columns}
    for column, name in names.items():
        kind = next((kind for pattern, kind in _GUESSES if re.search(pattern, name)), None)
        if {name[:-1] + part for part in "ymd"} <= set(names.values()) and re.fullmatch("b?[ymd]|.*_[ymd]", name):
            kind = "birth_date"  # by, bm and bd, which alone may be anything
        if kind and kind != "ignore":
            found[column] = kind
    return found


def names_unused(columns: Iterable[str], kinds: Collection[str]) -> list[str]:
    """Columns that may hold names, if none is known to: those that no kind was found for and no heading rules out."""
    if set(kinds) & NAMES_TOLD:
        return []
    every = [(column, plain_heading(column)) for column in columns]
    ruled_out = {column for column, name in every if any(re.search(pattern, name) for pattern, _ in _GUESSES)}
    return [column for column, _ in every if column not in ruled_out]


def plain_heading(column: str) -> str:
    """The heading in lower case ASCII, words joined by underscores: `Prénom 2` is `prenom_2`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", anyascii(column))
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
