"""Birth dates as eight digits, however they are written, so that a slip of the pen stays a slip."""

from __future__ import annotations

import re
from collections.abc import Iterable

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
