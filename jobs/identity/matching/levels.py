"""Levels of agreement, and the SQL they are made of: equal, near, one slip of the pen, words in common."""

from __future__ import annotations

from dataclasses import dataclass

NAME_SLOTS = ("given", "middle", "family", "gender")
ANOTHER_NAME = "another name"
"""Two names that are both well known, and not one name: Mark is no way to write Marsha."""
SIBLING = "like a sibling's"
"""Names that begin alike and end otherwise, by more than two slips: Darla and Darlene, Anna and Annabelle."""


@dataclass(frozen=True)
class Level:
    """One level of agreement: SQL about `{c}_l` and `{c}_r` columns, and its probabilities."""

    label: str
    sql: str
    m: float
    u: float
    frequency: str | None = None
    kin: float | None = None


@dataclass(frozen=True)
class Comparison:
    """The levels of one slot, best first; the last one is everything else."""

    slot: str
    columns: tuple[str, ...]
    levels: tuple[Level, ...]
    shared: bool = False
    silent: str = "false"
    """SQL for pairs of which both values are known but tell nothing."""

    def null_sql(self) -> str:
        return f'("{self.slot}_l" IS NULL OR "{self.slot}_r" IS NULL OR {self.silent})'


_LONG = "least(length({l}), length({r}))"
_ONE_SLIP = (
    "WHEN abs(strlen({l}) - strlen({r})) > 1 THEN false "
    "WHEN strlen({l}) <> strlen({r}) THEN levenshtein({l}, {r}) <= 1 "
    "WHEN hamming({l}, {r}) > 2 THEN false ELSE damerau_levenshtein({l}, {r}) <= 1"
)
"""Damerau-Levenshtein costs eight times as much as Levenshtein, and that ten times as much as counting the letters that
differ: each rules out most pairs for the next. One slip changes at most two letters of a value of the same length."""


def both(slot: str, expression: str) -> str:
    return expression.replace("{l}", f'"{slot}_l"').replace("{r}", f'"{slot}_r"')


def equal(slot: str) -> str:
    return both(slot, "{l} = {r}")


def near(slot: str, least: float, longest: int = 4) -> str:
    """Jaro-Winkler at least so much, or one slip of the pen in a value of some length."""
    alike = f"jaro_winkler_similarity({{l}}, {{r}}, {least}) >= {least}"
    return both(slot, f"(CASE WHEN {alike} THEN true WHEN NOT {_LONG} >= {longest} THEN false {_ONE_SLIP} END)")


def alike(slot: str, least: float) -> str:
    return both(slot, f"jaro_winkler_similarity({{l}}, {{r}}, {least}) >= {least}")


def one_slip(slot: str, longest: int = 1) -> str:
    """One letter is missing, extra, wrong, or swapped with its neighbour, in a value of some length."""
    return both(slot, f"(CASE WHEN NOT {_LONG} >= {longest} THEN false {_ONE_SLIP} END)")


def two_slips(slot: str, longest: int = 1) -> str:
    """Two letters are missing, extra or wrong, in a value of some length.

    Jaro-Winkler is quicker and rules out most pairs; two slips keep more of it, of long values most.
    """
    far = f"NOT {_LONG} >= {longest} OR abs(strlen({{l}}) - strlen({{r}})) > 2"
    unlike = (
        f"WHEN jaro_winkler_similarity({{l}}, {{r}}, 0.75) < CASE WHEN {_LONG} >= 16 THEN 0.8 ELSE 0.75 END THEN false"
    )
    return both(slot, f"(CASE WHEN {far} THEN false {unlike} ELSE levenshtein({{l}}, {{r}}) <= 2 END)")


def words(slot: str, least: float) -> str:
    """Share of the words of the shorter value that the other has. Values of one word have none."""
    split = "string_split({l}, ' '), string_split({r}, ' ')"
    counts = "least(len(string_split({l}, ' ')), len(string_split({r}, ' ')))"
    share = f"len(list_intersect({split})) >= {least} * {counts}"
    return both(slot, f"(CASE WHEN contains({{l}}, ' ') OR contains({{r}}, ' ') THEN {share} ELSE false END)")


def overlap(slot: str, least: float) -> str:
    """Share of the shorter list's words that the other has."""
    share = f"len(list_intersect({{l}}, {{r}})) >= {least} * least(len({{l}}), len({{r}}))"
    return both(slot, f"(CASE WHEN list_has_any({{l}}, {{r}}) THEN {share} ELSE false END)")


def common(slot: str) -> str:
    return both(slot, "list_has_any({l}, {r})")
