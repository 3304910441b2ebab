"""Paths: which contact belongs to which conversion, what follows what, and that nothing is lost or counted twice."""

import datetime as dt
import random
from collections import Counter
from decimal import Decimal

import pytest

from jobs.config.journey.paths import Paths
from jobs.journeys.paths.funnels import Days
from jobs.journeys.paths.ways import frequent_paths, path_contacts, transitions, whole_paths

WINDOW = Days.up_to(dt.date(2017, 3, 31), 20, "UTC")  # from 12 March
RULES = Paths(lookback_days=5, step="channel", longest=4, most_frequent=3)


def touch(number, customer, day, channel, amount=None, hour=9):
    made = (
        {"type": "order", "nth": 1, "amount": amount} if channel == "order" else {"type": "visit", "subject": channel}
    )
    at = f"2017-03-{day:02d} {hour:02d}:00"
    return {
        "touchpoint_id": f"t{number:05d}",
        "customer_id": customer,
        "occurred_at": at,
        "day": at[:10],
        "channel": channel,
        **made,
    }


@pytest.fixture
def of(rows):
    """`of(("x", 20, "ad"), ("x", 21, "order", "10.00"), ...)`: contacts of paths."""
    return lambda *touches, paths=RULES: path_contacts(
        rows("journeys/touchpoints", *[touch(n, *one) for n, one in enumerate(touches)]), paths, WINDOW
    )


def told(ordered, paths=RULES):
    found = frequent_paths(whole_paths(ordered, paths), paths, WINDOW).collect()
    assert len({(row["path"], row["outcome"]) for row in found}) == len(found)
    return {(row["path"], row["outcome"]): row["paths"] for row in found}


def test_contacts_before_an_order_are_its_path_and_those_after_it_are_another(of):
    found = told(of(("x", 20, "ad"), ("x", 21, "mail"), ("x", 22, "order"), ("x", 23, "ad")))
    assert found == {("ad > mail", "conversion"): 1, ("ad", "drop-off"): 1}


def test_a_contact_too_long_before_the_order_did_not_lead_to_it_and_dropped_off(of):
    found = told(of(("x", 15, "ad"), ("x", 17, "mail"), ("x", 22, "order")))
    assert found == {("ad", "drop-off"): 1, ("mail", "conversion"): 1}


def test_a_contact_that_can_still_lead_to_an_order_is_open(of):
    found = told(of(("x", 26, "ad"), ("y", 27, "ad"), ("z", 31, "mail")))
    assert found == {("ad", "drop-off"): 1, ("ad", "open"): 1, ("mail", "open"): 1}


def test_an_order_without_any_contact_is_a_path_without_contact(of):
    assert told(of(("x", 20, "order"))) == {("(no contact)", "conversion"): 1}


def test_contacts_before_the_window_count_for_orders_in_it_and_else_not_at_all(of):
    rows = (("x", 10, "ad"), ("x", 12, "order"), ("y", 11, "ad"), ("z", 8, "ad"), ("z", 11, "order"))
    assert told(of(*rows)) == {("ad", "conversion"): 1}


def test_repeats_in_a_row_are_one_step_of_a_whole_path_if_the_company_says_so(of):
    rows = (("x", 20, "ad"), ("x", 21, "ad"), ("x", 22, "mail"), ("x", 23, "ad"), ("x", 24, "order"))
    assert told(of(*rows)) == {("ad > mail > ad", "conversion"): 1}
    all_of_them = RULES.model_copy(update={"collapse_repeats": False})
    assert told(of(*rows, paths=all_of_them), all_of_them) == {("ad > ad > mail > ad", "conversion"): 1}


def test_rare_and_long_paths_are_told_together_and_nothing_is_lost(of):
    names = ["a"] * 4 + ["b"] * 3 + ["c"] * 2 + ["d", "e"]
    long = [("long", day, name) for day, name in zip(range(13, 18), "abcde", strict=True)]
    found = told(of(*[(f"x{n}", 20, name) for n, name in enumerate(names)], *long))
    assert found == {("a", "drop-off"): 4, ("b", "drop-off"): 3, ("c", "drop-off"): 2, ("(other)", "drop-off"): 3}


def test_next_and_previous_steps_loops_and_both_ends_are_transitions(of):
    rows = (("x", 20, "ad"), ("x", 20, "ad"), ("x", 22, "mail"), ("x", 23, "order"), ("y", 20, "mail"))
    numbers = ("transitions", "share_of_from", "share_of_to", "median_seconds", "is_loop")
    found = {
        (row["from_step"], row["to_step"]): tuple(row[name] for name in numbers)
        for row in transitions(of(*rows), WINDOW).collect()
    }
    day = 86_400.0
    assert found == {
        ("(start)", "ad"): (1, 0.5, 0.5, None, False),
        ("(start)", "mail"): (1, 0.5, 0.5, None, False),
        ("ad", "ad"): (1, 0.5, 0.5, 0.0, True),
        ("ad", "mail"): (1, 0.5, 0.5, 2 * day, False),
        ("mail", "(conversion)"): (1, 0.5, 1.0, day, False),
        ("mail", "(drop-off)"): (1, 0.5, 1.0, None, False),
    }


def random_touches(seed):
    chance = random.Random(seed)
    return [
        (f"c{chance.randint(1, 12)}", chance.randint(5, 31), channel, price / 100, chance.randint(0, 23))
        for channel in chance.choices(["ad", "mail", "shop", "chat", "order"], k=260)
        for price in [chance.randint(0, 9999)]
    ]


def by_hand(touches):
    """(path, outcome) of every path of every customer, contacts and conversions counted, and the value."""
    rows = sorted(
        (c, day * 24 + hour, ch == "order", n, ch, amount) for n, (c, day, ch, amount, hour) in enumerate(touches)
    )
    ways, value = {}, Decimal(0)
    for place, (customer, at, converts, _, channel, amount) in enumerate(rows):
        later = [row for row in rows[place:] if row[0] == customer and row[2]]
        order = later[0] if later else None
        if order and order[1] - at <= 5 * 24:
            outcome, ended = "conversion", order[1]
        else:
            outcome, ended = ("drop-off" if order or at + 5 * 24 < 32 * 24 else "open"), at
        if ended < 12 * 24:
            continue
        way = ways.setdefault((customer, order[3] if order else None, outcome), [])
        if converts:
            value += Decimal(f"{amount:.2f}")
        else:
            way.append(channel)
    return list(ways.items()), value


@pytest.mark.parametrize("seed", range(4))
def test_paths_equal_those_made_customer_by_customer_and_every_contact_is_on_one(of, seed):
    touches, wide = random_touches(seed), RULES.model_copy(update={"most_frequent": 10_000, "longest": 10_000})
    ways, value = by_hand(touches)
    expected = Counter()
    for (_, _, outcome), steps in ways:
        shown = [step for n, step in enumerate(steps) if n == 0 or steps[n - 1] != step]
        expected[" > ".join(shown) or "(no contact)", outcome] += 1
    ordered = of(*touches)
    assert told(ordered, wide) == expected
    folded = frequent_paths(whole_paths(ordered, RULES), RULES, WINDOW).collect()
    assert sum(row["paths"] for row in folded) == len(ways)
    assert sum(row["contacts"] for row in folded) == sum(len(steps) for _, steps in ways)
    assert sum(row["value"] for row in folded) == value
    orders = sum(outcome == "conversion" for (_, _, outcome), _ in ways)
    assert sum(row["conversions"] for row in folded) == orders
    ended = Counter()
    moved = transitions(ordered, WINDOW).collect()
    for row in moved:
        ended[row["to_step"]] += row["transitions"]
    assert sum(ended[f"({end})"] for end in ("conversion", "drop-off", "open")) == len(ways)
    assert sum(row["transitions"] for row in moved if row["from_step"] == "(start)") == len(ways)
