"""What a steward decided wins over every rule and probability, from its day on, and is accounted for."""

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.config.identity import Identifier
from jobs.identity.links import KINDS
from tests.identity.any_people import PEOPLE, apart, named, several
from tests.identity.identity_rows import customers, events, identity, together

ANN, BOB, CEES = "crm:1", "crm:2", "crm:3"
ONE_MAIL = [{"contact": ANN, "email": "a", "day": 1}, {"contact": BOB, "email": "a", "day": 2}]


def states(found):
    return {(row["left"], row["right"], row["rule"], row["state"]) for row in found.links.to_pylist()}


def effects(found):
    return found.effects["effect"].tolist()


class TestSame:
    def test_records_nothing_links_are_joined_from_the_day_of_the_decision(self):
        found = identity({"contact": ANN, "day": 1}, {"contact": BOB, "day": 2}, told=[(ANN, "same", BOB, 5)])
        assert together(found, ANN, BOB)
        assert events(found, "merged") == [(5, "merged", "ccrm:1", "ccrm:2", "steward")]
        assert effects(found) == ["merged"]

    def test_two_names_on_one_mailbox_are_one_person_if_a_steward_says_so(self):
        rows = [
            {"contact": ANN, "email": "a", "name": "jan bakker"},
            {"contact": BOB, "email": "a", "name": "els bakker"},
        ]
        assert not together(identity(*rows), ANN, BOB)
        assert together(identity(*rows, told=[(ANN, "same", BOB, 1)]), ANN, BOB)

    def test_what_was_disputed_between_them_is_theirs_from_then_on_until_a_third_has_it(self):
        rows = [
            {"contact": ANN, "email": "a", "name": "jan bakker", "day": 1},
            {"contact": BOB, "email": "a", "name": "els bakker", "day": 2},
        ]
        told = [(ANN, "same", BOB, 4)]
        assert not together(identity(*rows, as_of=3, told=told), ANN, "a")
        found = identity(*rows, told=told)
        assert together(found, ANN, BOB, "a")
        assert found.set_aside.num_rows == 0
        third = {"contact": CEES, "email": "a", "name": "piet vos", "day": 6}
        later = identity(*rows, third, told=told)
        assert customers(later) == {frozenset({ANN, BOB}), frozenset({CEES}), frozenset({"a"})}
        assert [row["identifier"] for row in later.set_aside.to_pylist()] == ["a"]
        assert events(later, "created", "merged") == [
            *events(found, "created", "merged"),
            *[event for event in events(later, "created") if event[2] == "ccrm:3"],
        ]

    def test_it_waits_until_both_records_are_there(self):
        rows = [{"contact": ANN, "day": 1}, {"contact": BOB, "day": 8}]
        told = [(ANN, "same", BOB, 3)]
        assert effects(identity(*rows[:1], as_of=7, told=told)) == ["waiting"]
        found = identity(*rows, as_of=8, told=told)
        assert found.effects["applied"].tolist() == [8]
        assert together(found, ANN, BOB)
        assert events(found, "merged") == []

    def test_it_waits_for_its_day(self):
        rows = [{"contact": ANN}, {"contact": BOB}]
        found = identity(*rows, as_of=7, told=[(ANN, "same", BOB, 8)])
        assert effects(found) == ["waiting"]
        assert not together(found, ANN, BOB)

    def test_saying_what_is_so_anyway_changes_nothing(self):
        found = identity(*ONE_MAIL, told=[(ANN, "same", BOB, 3)])
        assert effects(found) == ["none"]
        assert len(customers(found)) == 1


class TestDifferent:
    def test_records_joined_by_a_mailbox_part_on_the_day_and_the_mailbox_is_nobodys(self):
        found = identity(*ONE_MAIL, told=[(ANN, "different", BOB, 5)])
        assert customers(found) == {frozenset({ANN}), frozenset({BOB}), frozenset({"a"})}
        assert effects(found) == ["split"]
        assert [event[0] for event in events(found, "split")] == [5, 5]
        assert {event[4] for event in events(found, "split")} == {"steward"}

    def test_what_was_known_before_the_day_of_the_decision_stays(self):
        told = [(ANN, "different", BOB, 5)]
        assert together(identity(*ONE_MAIL, as_of=4, told=told), ANN, BOB, "a")
        assert events(identity(*ONE_MAIL, told=told), "created", "merged") == events(
            identity(*ONE_MAIL), "created", "merged"
        )

    def test_a_link_that_ended_before_the_decision_ended_on_its_own_day(self):
        rows = [
            *ONE_MAIL,
            {"contact": ANN, "login": "ann", "day": 1},
            {"login": "ann", "cookie": "k", "day": 1},
            {"login": "bob", "cookie": "k", "day": 3},
        ]
        found = identity(*rows, told=[(ANN, "different", BOB, 6)])
        assert [event for event in events(found, "split") if event[0] < 6] == events(identity(*rows), "split")
        assert next(event[0] for event in events(found, "split")) == 3

    def test_what_only_one_of_them_has_stays_theirs(self):
        rows = [
            *ONE_MAIL,
            {"contact": ANN, "login": "ann"},
            {"login": "ann", "cookie": "k"},
            {"contact": BOB, "phone": "06"},
        ]
        found = identity(*rows, told=[(ANN, "different", BOB, 5)])
        assert together(found, ANN, "ann", "k")
        assert together(found, BOB, "06")
        assert not together(found, ANN, BOB)

    def test_the_weakest_link_between_them_gives_way(self):
        rows = [
            {"contact": ANN, "login": "ann"},
            {"login": "ann", "email": "a"},
            {"contact": CEES},
            {"contact": BOB, "loyalty": "card"},
            {"contact": CEES, "email": "a", "day": 2},  # younger than the link by probability, and stronger
        ]
        others = pd.DataFrame(
            [(BOB, CEES, "probabilistic", 1, 2**31 - 1, 9.0)],
            columns=["left", "right", "rule", "first_seen", "until", "weight"],
        ).astype({"first_seen": "int32", "until": "int32"})
        found = identity(*rows, others=others, told=[(ANN, "different", BOB, 3)])
        assert together(found, ANN, "ann", "a", CEES)
        assert together(found, BOB, "card")
        assert (BOB, CEES, "probabilistic", "cut") in states(found)

    def test_of_two_links_by_probability_the_less_likely_gives_way(self):
        contacts = [{"contact": name} for name in (ANN, BOB, CEES)]
        for weights, friend in (((9.0, 3.0), ANN), ((3.0, 9.0), BOB)):
            others = pd.DataFrame(
                [(one, CEES, "probabilistic", 1, 2**31 - 1, w) for one, w in zip((ANN, BOB), weights, strict=True)],
                columns=["left", "right", "rule", "first_seen", "until", "weight"],
            ).astype({"first_seen": "int32", "until": "int32"})
            found = identity(*contacts, others=others, told=[(ANN, "different", BOB, 1)])
            assert together(found, friend, CEES)
            assert not together(found, ANN, BOB)

    def test_a_link_that_comes_later_does_not_join_them_again(self):
        rows = [{"contact": ANN, "day": 1}, {"contact": BOB, "day": 1}]
        told = [(ANN, "different", BOB, 2)]
        assert effects(identity(*rows, told=told)) == ["none"]
        found = identity(
            *rows, {"contact": ANN, "login": "x", "day": 4}, {"contact": BOB, "login": "x", "day": 6}, told=told
        )
        assert not together(found, ANN, BOB)
        assert events(found, "merged") == []
        assert effects(found) == ["split"]

    def test_two_decisions_that_are_the_same_and_one_that_is_not(self):
        rows = [*ONE_MAIL, {"contact": CEES, "email": "a"}]
        told = [(ANN, "same", CEES, 3), (ANN, "different", BOB, 4)]
        found = identity(*rows, told=told)
        assert customers(found) == {frozenset({ANN, CEES}), frozenset({BOB}), frozenset({"a"})}

    def test_two_decisions_about_people_who_are_tied_by_links_of_one_day_and_strength(self):
        dan = "shop:4"
        mails = [(ANN, "x"), (BOB, "x"), (ANN, "y"), (CEES, "y"), (ANN, "z"), (dan, "z")]
        rows = [{"contact": contact, "email": mail} for contact, mail in mails]
        found = identity(*rows, told=[(ANN, "different", BOB, 3), (CEES, "different", dan, 3)])
        assert not together(found, ANN, BOB)
        assert not together(found, CEES, dan)

    def test_a_cut_is_reported_with_the_day_and_the_reason(self):
        found = identity(*ONE_MAIL, told=[(ANN, "different", BOB, 5)])
        cut = [row for row in found.links.to_pylist() if row["state"] == "cut"]
        shared, parted = "both of two different people have it, so it tells nothing", "a steward decided that two"
        assert {
            (row["left"], row["right"], row["first_seen"].day, row["until"].day, row["reason"][: len(parted)])
            for row in cut
        } == {
            (ANN, "a", 2, 6, shared[: len(parted)]),
            (BOB, "a", 3, 6, shared[: len(parted)]),
            (ANN, BOB, 3, 6, parted),
        }
        assert found.counts["links_cut"] == 3

    def test_customers_it_does_not_touch_keep_their_links(self):
        other = [{"contact": "shop:7", "email": "z"}, {"contact": "shop:8", "email": "z"}]
        found = identity(*ONE_MAIL, *other, told=[(ANN, "different", BOB, 5)])
        assert together(found, "shop:7", "shop:8", "z")


RECORDS = [f"contact{n}" for n in range(4)]
VERDICTS = st.tuples(st.sampled_from(RECORDS), st.sampled_from(RECORDS), st.booleans(), st.integers(1, 6))
SMALL = {kind: Identifier(shared_by_at_most=3) for kind in ("contact", "email", "login", "loyalty")}


def consistent(verdicts):
    """Decisions of which none contradicts the ones before it."""
    told = []
    group = {name: name for name in RECORDS}
    for left, right, same, day in verdicts:
        one, other = group[left], group[right]
        apart = any({group[a], group[b]} == {one, other} for a, v, b, _ in told if v == "different")
        again = (left, "same" if same else "different", right) in {verdict[:3] for verdict in told}
        if left == right or again or (same and apart) or (not same and one == other):
            continue
        told.append((left, "same" if same else "different", right, day))
        if same:
            group = {name: one if label == other else label for name, label in group.items()}
    return told


GROUPS = several(st.tuples(st.lists(PEOPLE, min_size=1, max_size=14), st.lists(VERDICTS, max_size=5).map(consistent)))
LARGE = [HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.too_slow]


def beside(groups):
    """Rows and decisions of groups of people who have nothing to do with one another."""
    rows = [row for number, (rows, _) in enumerate(groups) for row in apart(number, rows)]
    told = [
        (named(number, left), verdict, named(number, right), day)
        for number, (_, told) in enumerate(groups)
        for left, verdict, right, day in told
    ]
    return rows, told


COMPANIES = GROUPS.map(beside)


def until(rows, told, day):
    return identity(*[row for row in rows if row["day"] <= day], as_of=day, told=told, **SMALL)


@given(COMPANIES)
@settings(deadline=None, max_examples=4, suppress_health_check=LARGE)
def test_decisions_hold_once_both_records_are_there_and_what_a_day_told_is_still_told_later(company):
    rows, told = company
    days = {day: until(rows, told, day) for day in range(1, 7)}
    whole = events(days[6], "created", "merged", "split")
    for day, found in days.items():
        known = {row["identifier"] for row in found.map.to_pylist()}
        there = customers(found)
        for left, verdict, right, on in told:
            if {left, right} <= known and on <= day:
                assert any({left, right} <= one for one in there) == (verdict == "same")
        assert events(found, "created", "merged", "split") == [event for event in whole if event[0] <= day]
        assert_used_links_make_the_customers(found)


def assert_used_links_make_the_customers(found):
    groups = {row["identifier"]: {row["identifier"]} for row in found.map.to_pylist()}
    for row in found.links.to_pylist():
        if row["state"] == "used":
            joined = groups[row["left"]] | groups[row["right"]]
            groups |= dict.fromkeys(joined, joined)
    assert {frozenset(group) for group in groups.values()} == customers(found)


@given(COMPANIES, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=3, suppress_health_check=LARGE)
def test_the_order_of_rows_and_of_decisions_does_not_matter(company, chance):
    rows, told = company
    other = until(chance.sample(rows, len(rows)), chance.sample(told, len(told)), 9)
    found = until(rows, told, 9)
    assert found.map.equals(other.map)
    assert found.events.sort_by("event_id").equals(other.events.sort_by("event_id"))
    keys = [(name, "ascending") for name in ("left", "right", "rule", "first_seen")]
    assert found.links.sort_by(keys).equals(other.links.sort_by(keys))


@given(COMPANIES, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=3, suppress_health_check=LARGE)
def test_how_identifiers_are_hashed_decides_nothing(company, chance):
    rows, told = company
    ends = {end for left, _, right, _ in told for end in (left, right)}
    names = sorted({value for row in rows for kind, value in row.items() if kind in KINDS} | ends)
    renamed = dict(zip(names, [f"h{number:04}" for number in chance.sample(range(9999), len(names))], strict=True))

    def under_another_key(row):
        return {name: renamed[value] if name in KINDS else value for name, value in row.items()}

    found = until(rows, told, 9)
    other = until(
        [under_another_key(row) for row in rows], [(renamed[one], v, renamed[two], on) for one, v, two, on in told], 9
    )
    assert {frozenset(renamed[one] for one in customer) for customer in customers(found)} == customers(other)
    links = {(frozenset((renamed[one], renamed[two])), rule, state) for one, two, rule, state in states(found)}
    assert links == {(frozenset((one, two)), rule, state) for one, two, rule, state in states(other)}
    assert [(row["kind"], row["reason"], row["since"]) for row in set_aside(found)] == [
        (row["kind"], row["reason"], row["since"]) for row in set_aside(other)
    ]


def set_aside(found):
    return sorted(found.set_aside.to_pylist(), key=lambda row: (row["kind"], row["reason"], row["since"]))


def test_of_equally_strong_links_between_two_different_people_none_stays():
    rows = [{"contact": ANN}, {"contact": BOB}, {"contact": CEES}]
    others = pd.DataFrame(
        [(one, CEES, "probabilistic", 1, 2**31 - 1, 9.0) for one in (ANN, BOB)],
        columns=["left", "right", "rule", "first_seen", "until", "weight"],
    ).astype({"first_seen": "int32", "until": "int32"})
    found = identity(*rows, others=others, told=[(ANN, "different", BOB, 1)])
    assert customers(found) == {frozenset({ANN}), frozenset({BOB}), frozenset({CEES})}
