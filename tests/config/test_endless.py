"""Patterns that a backtracking engine never finishes are known by reading them. Costs nothing to speak of."""

import pytest

from jobs.config.sources.endless_patterns import may_never_end


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b", "^(a*)*$", "([a-z]+)*[0-9]", "(a|aa)+$", "(a|ab|b)*c", r"^(\w+\s?)*$", "([a-z]+-?)+@", "(x+x+y)+z",
        "((a{1,20})+)!", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*,)*x", "((ab)*)*c", "(?i)([a-z]+)+1", "(a?b?)*c", "x(é+)+",
        "([^@]+[.]?)+@", "(de|deden|den)*x", "(van|van de| de)*x", "((dr|drs|s)[.]?)+ x",
    ],
)  # fmt: skip
def test_a_repetition_of_what_can_be_divided_in_many_ways_never_ends(pattern):
    assert may_never_end(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-z]+(-[a-z]+)*$", "([a-z]+-)*x", "(ab|cd)+$", "^([0-9]{3}[.])*[0-9]+$", "[^@ ]+@[^@ ]+", "a*b*c*",
        "(?i)(bot|crawl|spider)", "/stores/[^/]+/(opening-hours|directions)", "^([A-Z]{2}[0-9]+,)+$", "(a+){2}", "",
        "([a-z]+=[0-9]+;)*", "(a|b)*c", "no pattern (", "^([0-9]{2})-([0-9]{2})-([0-9]{4})", "(a+b)+", "([0-9]+(,|;))*",
        "^((de |den |der |ten |ter |van |von )*)[a-z]", "(tie|ten)*x",
        "(?i)^((dr|drs|prof|m|mr|mrs)[.]? )+",
    ],
)  # fmt: skip
def test_what_ends_at_a_sign_that_it_cannot_hold_is_over_in_time(pattern):
    assert not may_never_end(pattern)
