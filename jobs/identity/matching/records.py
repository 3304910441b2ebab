"""Records as they are compared: one row a record, one column (slot) per thing told, whatever the source calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import pandas as pd

from jobs.config.sources.name_words import PARTICLES
from jobs.identity.matching import dates, values
from jobs.identity.matching.kinds import parse_kinds, plain_heading

KEY, SOURCE = "record", "source"
PARTS = ["given", "middle", "family", "generation"]
LISTS, FLAGS = ("given_forms", "address_words", "address_numbers"), ("given_known", "one_name")
HUBS, SHARED_BY_AT_MOST = ("email", "phone"), 4
"""Slots in which a value can be that of many people, and how many may share it."""
NAMES = ("full_name", "given_name", "family_name", "middle_name", "name_suffix")
_SIMPLE: dict[str, Callable[[str], str | None]] = {
    "house_number": values.code,
    "postcode": values.code,
    "city": values.plain,
    "region": values.plain,
    "street": values.street,
    "email": values.email_address,
    "phone": values.phone_digits,
    "company": values.company_name,
    "gender": values.sex,
    "national_id": values.code,
    "text": values.plain,
    "category": values.plain,
}


def prepare(tables: Iterable[tuple[str | None, pd.DataFrame, Mapping[str, str]]], key: str | None) -> pd.DataFrame:
    """The records of all tables, each given as source (None: see the column `source`), rows and column to kind.

    Columns: `record` (the key, as text; by default the row number), `source`, the slots, and what is derived from them
    to compare and to look up. A slot that no record fills is left out. Missing is null.
    """
    parts = [_slots(source, rows, kinds, key) for source, rows, kinds in tables]
    records = pd.concat(parts, ignore_index=True)
    records = _one_name(_one_address(records))
    filled = [name for name in records if name in (KEY, SOURCE, "one_name") or records[name].notna().any()]
    return _derived(records[filled].copy())


def _slots(source: str | None, rows: pd.DataFrame, kinds: Mapping[str, str], key: str | None) -> pd.DataFrame:
    rows = rows.reset_index(drop=True)
    told: dict[str, pd.Series] = {}
    parsed = parse_kinds(kinds)
    born = [column for column, (kind, _) in parsed.items() if kind == "birth_date"]
    parts = dates.parts_of_date({plain_heading(column): _each(rows[column], _given) for column in born})
    in_parts = [column for column in born if plain_heading(column) in parts.values()]
    if parts:
        told["birth_date"] = _date_of_parts(rows[in_parts].rename(columns=plain_heading), parts)
    for column, (kind, slot) in parsed.items():
        column_values = _each(rows[column], _given)
        if column in in_parts:
            continue
        if kind == "address":
            told[slot] = _join(told.get(slot), column_values)
        elif kind in ("given_name", "family_name"):
            told[slot] = _join_names(told.get(slot), column_values)
        elif kind in NAMES:
            told[slot] = _either(told.get(slot), column_values)
        elif kind == "birth_date":
            day_first = dates.date_order(column_values.dropna().unique())
            spelled = _each(column_values, partial(dates.date_digits, day_first=day_first))
            told[slot] = _either(told.get(slot), spelled)
        else:
            spell = _SIMPLE[kind]
            told[slot] = _either(told.get(slot), _each(column_values, spell))
    found = pd.DataFrame(told, index=rows.index)
    found = _named(found)
    found[KEY] = rows[key].astype(str) if key else [f"{source or ''}{number}" for number in range(len(rows))]
    found[SOURCE] = source if source is not None else (rows[SOURCE].astype(str) if SOURCE in rows else "")
    return found


def _given(value: Any) -> str | None:
    text = str(value).strip()
    return text if values.present(text) else None


def _each(column: pd.Series, spell: Callable[[str], Any]) -> pd.Series:
    """`spell` on each distinct value once; what is missing stays missing."""
    distinct = {value: spell(value) for value in column.dropna().unique()}
    return column.map(distinct).astype(object).where(column.notna(), None) if distinct else column.astype(object)


def _either(first: pd.Series | None, second: pd.Series) -> pd.Series:
    return second if first is None else first.where(first.notna(), second)


def _join(first: pd.Series | None, second: pd.Series) -> pd.Series:
    if first is None:
        return second
    both = first.notna() & second.notna()
    return first.where(first.notna(), second).mask(both, first.astype(str) + " " + second.astype(str))


def _date_of_parts(rows: pd.DataFrame, parts: Mapping[str, str]) -> pd.Series:
    """Dates told in columns of their own, the parts as `dates.parts_of_date` finds them."""
    told = [_each(rows[parts[part]], _given) if part in parts else [None] * len(rows) for part in dates.PARTS]
    found = {whole: dates.joined(*whole) for whole in set(zip(*told, strict=True))}
    return pd.Series([found[whole] for whole in zip(*told, strict=True)], rows.index, dtype=object)


def _join_names(first: pd.Series | None, second: pd.Series) -> pd.Series:
    """A name in several columns: every word once, and what comes before a name (`van den`) first, initials last."""
    if first is None:
        return second
    both = first.notna() & second.notna()
    joined = {pair: _one_name_of(*pair) for pair in set(zip(first[both], second[both], strict=True))}
    whole = [joined[pair] for pair in zip(first[both], second[both], strict=True)]
    return _either(first, second).mask(both, pd.Series(whole, first.index[both], dtype=object))


def _one_name_of(first: str, second: str) -> str:
    one, other = (set(values.plain(name).split()) for name in (first, second))
    if other <= one:
        return first
    initials = max(map(len, one), default=0) == 1 < max(map(len, other))
    return f"{second} {first}" if other <= PARTICLES or initials else f"{first} {second}"


def _named(told: pd.DataFrame) -> pd.DataFrame:
    """Names in their parts: given, middle, family, generation, from parts or from a name in one piece."""
    names = [name for name in NAMES if name in told]
    if not names:
        return told
    parts = told[names].drop_duplicates()
    split = [_name_parts(row) for row in parts.where(parts.notna(), None).to_dict("records")]
    found = pd.concat([parts.reset_index(drop=True), pd.DataFrame(split, columns=PARTS, dtype=object)], axis=1)
    joined = told[names].merge(found, on=names, how="left")
    rest = told.drop(columns=names)
    return pd.concat([rest, joined[PARTS].set_axis(told.index)], axis=1)


def _name_parts(row: dict[str, str | None]) -> dict[str, str | None]:
    given, family = row.get("given_name"), row.get("family_name")
    others = values.plain(row.get("middle_name") or "").split()
    if row.get("full_name"):
        told_given, told_family = values.full_name(row["full_name"] or "")
        given, family = given or told_given, family or told_family
        known = {*values.plain(given).split(), *values.plain(family).split(), *others}
        others += [word for word in told_given.split() if word not in known]
    first, rest = values.given_names(given or "")
    others = [*(rest or "").split(), *others]
    generation = next(
        (
            found
            for text in (row.get("family_name"), row.get("given_name"), row.get("full_name"))
            if (found := values.generation(text))
        ),
        values.generation(f"x {row.get('name_suffix') or ''}"),
    )
    return {
        "given": first,
        "middle": " ".join(others) or None,
        "family": values.family_name(family or ""),
        "generation": generation,
    }


def _one_address(records: pd.DataFrame) -> pd.DataFrame:
    """If some source tells the address in one piece, all are compared in one piece, made of the parts where need be."""
    if "address" not in records or records["address"].isna().all():
        return records.drop(columns="address", errors="ignore")
    parts = [name for name in records if name == "house_number" or name.startswith("street")]
    whole = records["address"]
    for name in parts:
        whole = _join(whole, records[name])
    return records.assign(address=whole).drop(columns=parts)


def _one_name(records: pd.DataFrame) -> pd.DataFrame:
    """A record with one name only may have its family name in the box of the first: it counts as both."""
    if "given" not in records:
        return records
    alone = records["given"].notna() & records["family"].isna()
    return records.assign(
        family=records["family"].mask(alone, records["given"]),
        one_name=pd.Series(True, records.index).where(alone, None),
    )


def without_hubs(records: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Records without the e-mail addresses and phones of too many people, and how many of them there are.

    Report: slot, values, records.
    """
    report = []
    for slot in HUBS:
        hubs = hub_days(records, slot, pd.Series(0, records.index))
        shared = records[slot].isin(hubs.index) if len(hubs) else pd.Series(False, records.index)
        if shared.any():
            report.append((slot, len(hubs), int(shared.sum())))
            records = without_slot(records, slot, shared)
    return records, pd.DataFrame(report, columns=["slot", "values", "records"])


def hub_days(records: pd.DataFrame, slot: str, days: pd.Series) -> pd.Series:
    """The e-mail addresses or phones of too many people, and the first day on which they were that many.

    A mailbox of a company or the phone of a call centre tells nothing. People are told apart by the first letter of
    their first name, which a typo seldom changes. `days` is when each record arrived.
    """
    if slot not in records or "given" not in records:
        return pd.Series(dtype="int64")
    told = pd.DataFrame({"value": records[slot], "person": records["given"].str[0], "day": days}).dropna()
    people = told.groupby(["value", "person"], as_index=False)["day"].min().sort_values("day", kind="stable")
    return people[people.groupby("value").cumcount() == SHARED_BY_AT_MOST].set_index("value")["day"]


def without_slot(records: pd.DataFrame, slot: str, chosen: pd.Series) -> pd.DataFrame:
    """Records of which the chosen ones do not tell a slot, nor what is derived from it."""
    gone = [name for name in records if name == slot or name.startswith(f"{slot}_")]
    return records.assign(**{name: records[name].mask(chosen, None) for name in gone})


def _derived(records: pd.DataFrame) -> pd.DataFrame:
    """What is compared or looked up besides the slots themselves."""
    found: dict[str, pd.Series] = {}

    def derive(name: str, slot: str, how: Callable[[str], Any]) -> None:
        if slot in records:
            found[name] = _each(records[slot], how)

    derive("given_forms", "given", values.name_forms)  # null for most: only names that are short for another
    derive("given_known", "given", values.well_known)
    derive("given_sound", "given", values.sound)
    derive("given_first", "given", lambda name: name[0])
    derive("family_core", "family", values.without_particles)
    derive("family_sound", "family", values.sound)
    derive("family_start", "family", lambda name: name.replace(" ", "")[:3])
    for slot in [name for name in records if name.startswith("text") or name == "company"]:
        derive(f"{slot}_start", slot, lambda text: text.split()[0])
    derive("email_root", "email", values.email_root)
    derive("email_user", "email", lambda address: values.email_root(address).split("@")[0])
    derive("phone_end", "phone", lambda digits: digits[-7:])
    derive("birth_month", "birth_date", lambda digits: digits[:6] if digits[4:6] != "00" else None)
    derive("birth_year", "birth_date", lambda digits: digits[:4])
    derive("birth_day", "birth_date", lambda digits: digits[4:] if digits[4:] not in ("0000", "0101") else None)
    derive("birth_mixed", "birth_date", lambda d: f"{d[:4]}{min(d[4:6], d[6:])}{max(d[4:6], d[6:])}")
    derive("postcode_start", "postcode", lambda code: code[:3])
    derive("address_words", "address", values.address_words)
    if "address_words" in found:
        words = found["address_words"]
        found["address_text"] = words.map(" ".join, na_action="ignore")
        found["address_numbers"] = words.map(
            lambda every: [w for w in every if any(c.isdigit() for c in w)] or None, na_action="ignore"
        )
        found["address_start"] = words.map(_address_start, na_action="ignore")
    for slot in [name for name in records if name.startswith("street")]:
        derive(f"{slot}_sound", slot, lambda text: values.sound(text.split()[0]))
    if {"given", "family"} <= set(records):
        both = records[["given", "family"]].fillna("")
        known = records["given"].notna() & records["family"].notna() & records["one_name"].isna()
        low, high = both.min(axis=1), both.max(axis=1)
        found["name_pair"] = (low + " " + high).where(known, None)
    return pd.concat([records, pd.DataFrame(found, index=records.index)], axis=1)


def _address_start(words: list[str]) -> str | None:
    """The shortest number and the longest word: what stays when the rest is written another way."""
    numbers = sorted((word for word in words if word.isdigit()), key=lambda word: (len(word), word))
    letters = sorted((word for word in words if word.isalpha() and len(word) > 3), key=lambda word: (-len(word), word))
    return f"{numbers[0]} {letters[0]}" if numbers and letters else None
