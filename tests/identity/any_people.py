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
