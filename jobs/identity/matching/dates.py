"""Birth dates as eight digits, however they are written, so that a slip of the pen stays a slip."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mrt maa", "apr", "may mei mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"), 1
    )
    for name in names.split()
}
LAST_TWO_DIGIT_YEAR = 25


def date_order(values: Iterable[str]) -> bool:
    """Whether the day comes before the month in dates such as 03/04/1980, as the values that leave no doubt show."""
    first = second = 0
    for value in values:
        parts = re.match(r"^\s*(\d{1,2})\D(\d{1,2})\D\d{2,4}", value)
        if parts:
            first += int(parts[1]) > 12
            second += int(parts[2]) > 12
    return first >= second


def date_digits(text: str, day_first: bool = True) -> str | None:
    """YYYYMMDD, with zeros for what is not told. Impossible dates stay as they are typed: a typo can still be near."""
    text = text.strip().lower()
    text = re.sub(r"[t ]\d{1,2}:\d{2}.*$", "", text)
    text = re.sub(r"\.0+$", "", text)
    digits = re.sub(r"\D", "", text)
    if re.fullmatch(r"\d{8}", text):
        return (
            digits
            if 1500 <= int(digits[:4]) <= 2100 or not 1500 <= int(digits[4:]) <= 2100
            else _flip(digits, day_first)
        )
    if re.fullmatch(r"\d{4}", text):
        return f"{digits}0000"
    parts = re.findall(r"\d+|[a-z]+", text)
    named = [place for place, part in enumerate(parts) if part[:3] in _MONTHS]
    numbers = [part for part in parts if part.isdigit()]
    if named and len(numbers) >= 2:
        return _date(_longest_last(numbers[:2]), str(_MONTHS[parts[named[0]][:3]]), _shortest_first(numbers[:2]))
    if len(numbers) < 3:
        lengths = [len(number) for number in numbers]
        if lengths == [4, 4]:
            return "".join(numbers)
        return f"{numbers[0]}{int(numbers[1]):02d}00" if lengths in ([4, 1], [4, 2]) else None
    one, two, three = numbers[:3]
    if len(one) == 4:
        return _date(one, two, three)
    day, month = (one, two) if day_first else (two, one)
    if int(month) > 12 >= int(day):
        day, month = month, day
    return _date(three, month, day)


def _longest_last(numbers: list[str]) -> str:
    return numbers[0] if len(numbers[0]) == 4 else numbers[1]


def _shortest_first(numbers: list[str]) -> str:
    return numbers[1] if len(numbers[0]) == 4 else numbers[0]


def _flip(digits: str, day_first: bool) -> str:
    one, two = digits[:2], digits[2:4]
    return digits[4:] + (two + one if day_first else one + two)


def _date(year: str, month: str, day: str) -> str | None:
    if len(year) <= 2:
        year = f"{20 if int(year) <= LAST_TWO_DIGIT_YEAR else 19}{int(year):02d}"
    if len(year) != 4 or len(month) > 2 or len(day) > 2:
        return None
    return f"{year}{int(month):02d}{int(day):02d}"


PARTS = YEAR, MONTH, DAY = "year", "month", "day"
_HEADINGS = {
    YEAR: r"year|yr|jaar|jahr|annee|rok|yob|(^|_)(ano|anno|b?y+|j+)(_|$)",
    MONTH: r"month|mon|mth|maand|mois|mese|miesiac|(^|_)(mes|b?m|mm)(_|$)",
    DAY: r"day|dag|tag|jour|giorno|dzien|(^|_)(dia|b?d|dd)(_|$)",
}
"""What a heading in plain letters says of a part of a date."""
_SHAPES = {YEAR: r"(1[89]|20)\d\d", MONTH: r"0?[1-9]|1[0-2]|[^\W\d]{3,10}\.?", DAY: r"0?[1-9]|[12]\d|3[01]"}
_SHORT_YEAR = r"(\d\d)?\d\d"
FITS = 0.9
"""Share of the values of a column that are a year, a month or a day, if it is one."""


def parts_of_date(columns: Mapping[str, pd.Series]) -> dict[str, str]:
    """Year, month and day to the column that tells it, if dates are told in columns of their own; else nothing.

    Columns are given by heading in plain letters, in their order. What their values can be decides; of those that can
    be both, what the heading says, and then that the month is written beside the year.
    """
    can_be = {name: _can_be(name, values.dropna()) for name, values in columns.items()}
    if any(len(values.dropna()) and not can_be[name] for name, values in columns.items()):
        return {}  # a date in one piece
    year = next((name for name in columns if YEAR in can_be[name]), None)
    if year is None:
        return {}
    place = {name: at for at, name in enumerate(columns)}
    rest = sorted((name for name in columns if name != year), key=lambda name: abs(place[name] - place[year]))
    months = [name for name in rest if MONTH in can_be[name]]
    month = next((name for name in months if can_be[name] == {MONTH}), next(iter(months), None))
    if month is None:
        return {}
    days = [name for name in rest if name != month and DAY in can_be[name]]
    return {YEAR: year, MONTH: month} | ({DAY: days[0]} if days else {})


def _can_be(name: str, values: pd.Series) -> set[str]:
    """The parts of a date that a column can be, by its values; only what its heading says if it says one of them."""
    written = values.astype(str).str.strip().str.replace(r"\.0+$", "", regex=True)
    shapes = {part: written.str.fullmatch(shape).mean() >= FITS for part, shape in _SHAPES.items()}
    said = {part for part, heading in _HEADINGS.items() if re.search(heading, name)}
    shapes[YEAR] |= YEAR in said and written.str.fullmatch(_SHORT_YEAR).mean() >= FITS
    found = {part for part, fits in shapes.items() if fits}
    return found & said or found


def joined(year: str | None, month: str | None, day: str | None) -> str | None:
    """YYYYMMDD of a year, a month and a day, with zeros for what is not told; None without a year."""
    bare = [re.sub(r"\.0*$", "", (part or "").strip().lower()) for part in (year, month, day)]
    named = _MONTHS.get(bare[1][:3])
    numbers = [bare[0], str(named) if named else bare[1] or "0", bare[2] or "0"]
    return _date(*numbers) if all(number.isdecimal() for number in numbers) else None
