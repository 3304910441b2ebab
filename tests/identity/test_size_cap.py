"""No chain of links makes a customer of more contact records than the cap: the weakest kinds of links give way."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.config.identity import Identifier
from jobs.identity import size_cap
from jobs.identity.links import KINDS, NEVER
from tests.identity.any_people import PEOPLE, apart, named, several
from tests.identity.identity_rows import customers, events, identity, together

ONE_NAME = {"name": "jan bakker"}


def chain(length, *kinds, day=1):
    """Records of which each has an identifier in common with the next, of the kinds in turn."""
    rows = [{"contact": f"crm:{n:03}", "day": day, **ONE_NAME} for n in range(length)]
    for n in range(length - 1):
        kind = kinds[n % len(kinds)]
        for row in rows[n : n + 2]:
            row.setdefault("also", []).append({kind: f"{kind}{n:03}"})
    return [{**row, **one} for row in rows for one in row.pop("also")]


def by_probability(*pairs):
    """Links by probability: (left, right, first day)."""
    rows = [(left, right, "probabilistic", day, NEVER, 9.0) for left, right, day in pairs]
    columns = ["left", "right", "rule", "first_seen", "until", "weight"]
    return pd.DataFrame(rows, columns=columns).astype({"first_seen": "int32", "until": "int32"})


def records(found):
    """The customers as sets of their contact records."""
    table = found.map.to_pandas()
    return {frozenset(g) for _, g in table[table["kind"] == "contact"].groupby("customer_id")["identifier"]}


def cut(found):
    return {(row["left"], row["right"], row["rule"]) for row in found.links.to_pylist() if row["state"] == "cut"}


def set_aside(found):
    return {row["identifier"]: row["reason"] for row in found.set_aside.to_pylist()}


class TestWhatGivesWay:
    def test_four_hundred_records_chained_by_mailbox_and_phone_are_parted_at_the_phones(self):
        rows = chain(400, "email", "phone")
        assert len(records(identity(*rows, largest=400))) == 1
        found = identity(*rows)
        assert records(found) == {frozenset({f"crm:{n:03}", f"crm:{n + 1:03}"}) for n in range(0, 400, 2)}
        assert {rule for _, _, rule in cut(found)} == {"phone"}
        assert found.counts["links_cut_too_many_records"] == len(cut(found)) == 199 * 3
        assert found.counts["identifiers_too_many_records"] == {"phone": 199}

    def test_a_customer_just_within_the_cap_is_left_alone(self):
        found = identity(*chain(200, "email", "phone"))
        assert (len(customers(found)), found.counts["links_cut_too_many_records"]) == (1, 0)

    def test_the_cap_counts_contact_records_and_nothing_else(self):
        browsers = [{"login": "ann", "cookie": f"k{n}"} for n in range(30)]
        assert len(customers(identity({"contact": "crm:1", "login": "ann"}, *browsers, largest=2))) == 1

    @pytest.mark.parametrize(
        ("weak", "strong"),
        [("cookie", "loyalty"), ("loyalty", "phone"), ("phone", "email"), ("email", "login")],
    )
    def test_of_two_kinds_the_one_that_tells_less_gives_way(self, weak, strong):
        careless = {kind: Identifier() for kind in KINDS}
        found = identity(*chain(4, strong, weak), largest=3, **careless)
        assert records(found) == {frozenset({"crm:000", "crm:001"}), frozenset({"crm:002", "crm:003"})}
        assert {rule for _, _, rule in cut(found)} == {weak}

    def test_probabilities_give_way_before_all_others(self):
        rows = [{"contact": "a", "cookie": "k"}, {"contact": "b", "cookie": "k"}, {"contact": "c"}, {"contact": "d"}]
        others = by_probability(("b", "c", 1), ("c", "d", 1))
        found = identity(*rows, others=others, largest=3, cookie=Identifier())
        assert records(found) == {frozenset("ab"), frozenset("c"), frozenset("d")}
        assert cut(found) == {("b", "c", "probabilistic"), ("c", "d", "probabilistic")}

    def test_the_next_kind_gives_way_only_where_a_part_is_still_too_large(self):
        small = [row | {"contact": f"shop:{row['contact'][4:]}", "phone": "q"} for row in chain(2, "email")]
        small = [row | ({"email": "other"} if "email" in row else {}) for row in small]
        tie = [{"contact": "crm:000", "cookie": "k"}, {"contact": "shop:000", "cookie": "k"}]
        found = identity(*chain(4, "phone"), *small, *tie, largest=3, cookie=Identifier())
        assert frozenset({"shop:000", "shop:001"}) in records(found)
        assert {frozenset({f"crm:00{n}"}) for n in range(4)} < records(found)
        assert together(found, "shop:000", "shop:001", "q", "other")

    def test_what_hangs_on_one_part_only_stays_there(self):
        leaves = [
            {"contact": "crm:000", "loyalty": "own card", **ONE_NAME},
            {"loyalty": "own card", "cookie": "own browser"},
            {"email": "email001", "cookie": "browser of two"},
        ]
        found = identity(*chain(4, "email"), *leaves, largest=3)
        assert together(found, "crm:000", "own card", "own browser")
        assert frozenset({"email001"}) in customers(found)
        assert frozenset({"browser of two"}) in customers(found)

    def test_what_a_steward_decided_never_gives_way(self):
        rows = [{"contact": name} for name in "abcd"]
        told = [("a", "same", "b", 1), ("b", "same", "c", 1), ("c", "same", "d", 1)]
        assert records(identity(*rows, told=told, largest=3)) == {frozenset("abcd")}
        mail = [{"contact": "d", "email": "m"}, {"contact": "e", "email": "m"}]
        found = identity(*rows, *mail, told=told, largest=3)
        assert records(found) == {frozenset("abcd"), frozenset("e")}

    def test_what_a_steward_parted_is_not_counted_together(self):
        rows = chain(4, "email", "phone")
        told = [("crm:001", "different", "crm:002", 1)]
        found = identity(*rows, told=told, largest=2)
        assert found.counts["links_cut_too_many_records"] == 0
        assert records(found) == {frozenset({"crm:000", "crm:001"}), frozenset({"crm:002", "crm:003"})}

    def test_other_customers_keep_their_links(self):
        other = [{"contact": "shop:7", "phone": "z", **ONE_NAME}, {"contact": "shop:8", "phone": "z", **ONE_NAME}]
        assert together(identity(*chain(9, "phone"), *other, largest=3), "shop:7", "shop:8", "z")


class TestDays:
    def test_the_customer_is_parted_on_the_day_it_becomes_too_large(self):
        rows = chain(4, "email", "phone")
        rows = [row | ({"day": 5} if row["contact"] == "crm:003" else {}) for row in rows]
        assert len(records(identity(*rows[:-1], as_of=4, largest=3))) == 1
        found = identity(*rows, largest=3)
        splits = events(found, "split")
        assert {(day, customer, reason) for day, _, customer, _, reason in splits} == {
            (5, "ccrm:000", "too_many_records")
        }
        assert {other for _, _, _, other, _ in splits} == {"ccrm:002", "cphone001"}
        gone = [row for row in found.links.to_pylist() if row["state"] == "cut"]
        assert {(row["first_seen"].day, row["until"].day) for row in gone} == {(2, 6)}  # day 1 is January 2
        assert {row["reason"] for row in gone} == {size_cap.REASON}

    def test_an_identifier_that_tied_too_many_links_no_newcomer(self):
        late = {"contact": "shop:9", "phone": "phone001", "day": 7, **ONE_NAME}
        found = identity(*chain(4, "phone"), late, largest=3)
        assert frozenset({"shop:9"}) in customers(found)
        assert set_aside(found) == {f"phone00{n}": "too_many_records" for n in range(3)}

    def test_a_link_that_gave_way_stays_cut_when_the_others_leave(self):
        rows = [
            *chain(3, "login", "cookie"),
            {"contact": "pos:1", "login": "login000", "day": 2, **ONE_NAME},
            *[{"contact": f"x{n}", "login": "login000", "day": 3, **ONE_NAME} for n in range(9)],
        ]
        rules = {"cookie": Identifier(), "login": Identifier(shared_by_at_most=5)}
        found = identity(*rows, largest=3, **rules)
        assert [event[0] for event in events(found, "split") if event[3] == "ccrm:002"] == [2]
        assert events(found, "merged") == []
        assert frozenset({"crm:002"}) in records(found)

    def test_links_that_ended_before_tell_why(self):
        rows = chain(4, "email", "phone")
        rows = [row | ({"day": 5} if row["contact"] == "crm:003" else {}) for row in rows]
        rows += [{"contact": f"late:{n}", "phone": "phone001", "day": 8, **ONE_NAME} for n in range(12)]
        found = identity(*rows, largest=3)
        ended = [row for row in found.links.to_pylist() if row["rule"] == "phone" and row["until"].day == 6]
        assert {(row["left"], row["right"], row["reason"]) for row in ended} >= {
            ("crm:001", "phone001", size_cap.REASON),
            ("crm:002", "phone001", size_cap.REASON),
        }


def test_only_what_was_ever_too_large_is_lived_through(monkeypatch):
    lived = []

    def live(links, *rest):
        lived.append(set(links["left"]) | set(links["right"]))
        return real(links, *rest)

    real = size_cap.live
    monkeypatch.setattr(size_cap, "live", live)
    other = [{"contact": f"shop:{n}", "phone": "z", **ONE_NAME} for n in range(3)]
    identity(*chain(4, "email"), *other, largest=3)
    assert lived == [{*(f"crm:00{n}" for n in range(4)), *(f"email00{n}" for n in range(3))}]


CAPS = st.sampled_from([2, 3])
PAIRS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 6)).filter(lambda pair: pair[0] != pair[1]),
    max_size=3,
)
GROUPS = several(st.tuples(st.lists(PEOPLE, min_size=1, max_size=14), PAIRS))
LARGE = [HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.too_slow]
RULES = {kind: Identifier(shared_by_at_most=3) for kind in KINDS if kind not in ("email", "phone")}
"""E-mail and phone keep their care: they also link contacts to each other."""


def beside(groups):
    """Rows of groups of people who have nothing to do with one another, and their pairs of contacts."""
    rows = [row for number, (rows, _) in enumerate(groups) for row in apart(number, rows)]
    pairs = [
        (named(number, f"contact{left}"), named(number, f"contact{right}"), since)
        for number, (_, pairs) in enumerate(groups)
        for left, right, since in pairs
    ]
    return rows, pairs


COMPANIES = GROUPS.map(beside)


def until(rows, pairs, largest, day):
    """Identity as of a day, with links by probability between contacts that are there."""
    here = [row for row in rows if row["day"] <= day]
    first = {}
    for row in sorted(here, key=lambda row: row["day"]):
        first.setdefault(row.get("contact"), row["day"])
    likely = [(a, b, max(since, first[a], first[b])) for a, b, since in pairs if {a, b} <= set(first)]
    likely = {(a, b): (a, b, since) for a, b, since in likely if since <= day}.values()
    return identity(*here, as_of=day, others=by_probability(*likely), largest=largest, **RULES)


@given(COMPANIES, CAPS)
@settings(deadline=None, max_examples=3, suppress_health_check=LARGE)
def test_on_no_day_a_customer_is_larger_than_the_cap_and_all_at_once_tells_what_day_by_day_told(company, largest):
    rows, pairs = company
    days = {day: until(rows, pairs, largest, day) for day in range(1, 7)}
    told = events(days[6], "created", "merged", "split")
    alive = set()
    for day, found in days.items():
        assert all(len(one) <= largest for one in records(found))
        assert events(found, "created", "merged", "split") == [event for event in told if event[0] <= day]
        for _, type_, customer, other, _ in [event for event in told if event[0] == day]:
            alive = alive - {other} if type_ == "merged" else alive | {other or customer}
        assert alive == {row["customer_id"] for row in found.map.to_pylist()}


@given(COMPANIES, CAPS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=2, suppress_health_check=LARGE)
def test_the_order_of_rows_and_links_does_not_matter(company, largest, chance):
    rows, pairs = company
    pairs = list({frozenset(pair[:2]): pair for pair in pairs}.values())
    found = until(rows, pairs, largest, 6)
    other = until(chance.sample(rows, len(rows)), chance.sample(pairs, len(pairs)), largest, 6)
    assert found.map.equals(other.map)
    assert found.events.sort_by("event_id").equals(other.events.sort_by("event_id"))
    keys = [(name, "ascending") for name in ("left", "right", "rule", "first_seen")]
    assert found.links.sort_by(keys).equals(other.links.sort_by(keys))
    assert found.set_aside.sort_by("identifier").equals(other.set_aside.sort_by("identifier"))


@given(COMPANIES, CAPS)
@settings(deadline=None, max_examples=3, suppress_health_check=LARGE)
def test_a_customer_none_of_whose_links_changed_keeps_its_id(company, largest):
    """Links as evidence makes them, without the cap: what happens elsewhere in a chain that was cut changes nothing."""
    rows, pairs = company
    before, after = until(rows, pairs, largest, 5), until(rows, pairs, largest, 6)
    news = {end for link in used(until(rows, pairs, 99, 5)) ^ used(until(rows, pairs, 99, 6)) for end in link[:2]}
    named = {row["identifier"]: row["customer_id"] for row in after.map.to_pylist()}
    was = {row["identifier"]: row["customer_id"] for row in before.map.to_pylist()}
    for members in customers(before):
        if not members & news:
            assert {named[one] for one in members} == {was[one] for one in members}


def used(found):
    return {(row["left"], row["right"], row["rule"]) for row in found.links.to_pylist() if row["state"] == "used"}


def test_the_cap_of_many_small_customers_costs_one_look():
    """One pass over all links, no day by day, when nothing is too large."""
    count = 200_000
    names = np.array([f"{n:06}" for n in range(2 * count)], object)
    links = pd.DataFrame({"left": names[:count], "right": names[count:], "rule": "email", "by": names[count:]})
    links = links.assign(first_seen=np.int32(1), until=np.int32(NEVER), ended_by="email")
    kinds = pd.Series(np.repeat(["contact", "email"], count), index=names)
    capped = size_cap.cap(links, kinds, 200, 9)
    assert capped.links.equals(links)
    assert (len(capped.cut), len(capped.nobodys)) == (0, 0)
