"""Rows of any people, for property tests."""

from hypothesis import strategies as st

from jobs.identity.links import KINDS

PEOPLE = st.builds(
    lambda day, values, name, born: {"day": day, "name": name, "born": born, **values},
    st.integers(1, 6),
    st.dictionaries(st.sampled_from(KINDS), st.integers(0, 3), min_size=1).map(
        lambda values: {kind: f"{kind}{number}" for kind, number in values.items()}
    ),
    st.sampled_from(["jan bakker", "j bakker", "els bakker"]),
    st.sampled_from([None, "1950-01-01", "1980-01-01"]),
)
AT_ONCE = 8
"""Groups of people that a test looks at in one example: a look at all costs little more than one at a single group."""


def groups(people):
    """`AT_ONCE` lists of rows of people who have nothing to do with those of another list, as one list."""
    return several(people).map(lambda found: [row for number, rows in enumerate(found) for row in apart(number, rows)])


def several(one):
    return st.lists(one, min_size=AT_ONCE, max_size=AT_ONCE)


def apart(number, rows):
    """Rows of a group, whose identifiers no other group has."""
    return [{name: named(number, value) if name in KINDS else value for name, value in row.items()} for row in rows]


def named(number, identifier):
    """An identifier of a group."""
    return f"g{number}{identifier}"
