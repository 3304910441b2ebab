"""One decision per customer and slot, in 1,000 random small companies: what always holds, whatever wants to write.

Costs about 10 s.
"""

import datetime as dt
import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from jobs.config.actions.contact_policy import Cap
from jobs.decisions.choose import BEFORE, CANDIDATES, _folded, choose
from jobs.decisions.limits import Limit

FIRST = dt.date(2017, 1, 1)
DAYS = 5


def candidate(action="a", customer="ann", **more):
    given = {"action": action, "destination": "email", "customer_id": customer, "channel": "email", "address": "",
             "objective": None, "slot": "contact", "done": False, "first": False, "priority": 0, "gain": None,
             "moment": False, "preference": 0}  # fmt: skip
    return {**given, **more}


def decided(rows, before=(), caps=(), left=None, day=FIRST, limits=()):
    """`limits`: of each kind how much is left by name, what each row takes of which, and what if its customer got the
    same from another row."""
    rows = list(rows)
    shared = [(row["customer_id"], limits[0][1][n][0]) for n, row in enumerate(rows)] if limits else []
    once = np.array([sorted(set(shared), key=str).index(one) for one in shared], np.int64)
    kinds = [
        Limit(np.array([[*spare, None].index(name) if name in spare else -1 for name, *_ in uses], np.int64),
              np.array([takes for _, takes, _ in uses], np.int64), list(spare.values()),
              [(f"nothing of {name} is left", "budget") for name in spare],
              once, np.array([again for *_, again in uses], np.int64))
        for spare, uses in limits
    ]  # fmt: skip
    found = choose(
        pa.Table.from_pylist(rows, CANDIDATES), pa.Table.from_pylist(list(before), BEFORE), caps, left or {}, day, kinds
    )
    return list(zip(found.won.tolist(), found.because.to_pylist(), found.turn.tolist(), strict=True))


def one_by_one(rows, before, caps, left, day, limits=()):
    """What the order and the limits say, in the plainest way: the names of those who win, in the order of the rows."""
    left, taken, used = dict(left), set(), Counter()
    spare, got = [dict(one) for one, _ in limits], set()

    def takes(uses, n):
        return uses[n][2 if (rows[n]["customer_id"], limits[0][1][n][0]) in got else 1]

    def full(row, cap, number):
        if not (row["slot"] and cap.counts(row["channel"], row["action"], row["objective"])):
            return False
        return max(used[number, "p", row["customer_id"]], used[number, "a", row["address"]]) >= cap.at_most

    def count(row):
        for number, cap in enumerate(caps):
            if cap.counts(row["channel"], row["action"], row["objective"]):
                used[number, "p", row["customer_id"]] += 1
                if row["address"]:
                    used[number, "a", row["address"]] += 1

    for row in before:
        for number, cap in enumerate(caps):
            if row["day"] > day - dt.timedelta(days=cap.days) and cap.counts(
                row["channel"], row["action"], row["objective"]
            ):
                used[number, "p", row["customer_id"]] += 1
                if row["address"]:
                    used[number, "a", row["address"]] += 1

    def rank(n):
        row = rows[n]
        return (not row["first"], -row["priority"], -(row["gain"] or 0),
                not row["moment"], row["action"], row["preference"], row["destination"],
                row["customer_id"])  # fmt: skip

    won = [False] * len(rows)
    for n in sorted(range(len(rows)), key=rank):
        row = rows[n]
        place = (row["customer_id"], row["slot"])
        if (
            (row["slot"] and place in taken)
            or any(full(row, cap, number) for number, cap in enumerate(caps))
            or left.get(row["action"], 1) <= 0
            or any(takes(uses, n) > kind.get(uses[n][0], 99) for kind, (_, uses) in zip(spare, limits, strict=True))
        ):
            continue
        won[n] = True
        for kind, (_, uses) in zip(spare, limits, strict=True):
            if uses[n][0] in kind:
                kind[uses[n][0]] -= takes(uses, n)
        got |= {(row["customer_id"], uses[n][0]) for _, uses in limits[:1]}
        if row["action"] in left:
            left[row["action"]] -= 1
        if row["slot"]:
            taken.add(place)
            count(row)
    return won


class SmallCompany:
    """Actions with budgets, people with shared addresses, caps, and what wants to be sent on each of DAYS days."""

    def __init__(self, seed):
        chance, self.seed = random.Random(seed), seed
        self.chance = chance
        self.people = [f"p{n}" for n in range(chance.randint(1, 6))]
        self.address = {one: chance.choice(["", "shared", f"at {one}"]) for one in self.people}
        self.actions = {name: self.action() for name in "abcd"[: chance.randint(1, 4)]}
        self.caps = [
            Cap(at_most=chance.randint(0, 2), days=chance.choice([1, 2, 7]),
                channels=chance.choice([[], [], ["email"], ["sms"]]), objectives=chance.choice([[], [], ["keep"]]),
                actions=chance.choice([[], [], ["a"]]))
            for _ in range(chance.randint(0, 3))
        ]  # fmt: skip
        self.budgets = {
            name: (chance.randint(0, 4), chance.randint(1, 4)) for name in self.actions if chance.random() < 0.5
        }
        self.offer = {name: one["slot"] and chance.choice([None, None, "five", "gift"])
                      for name, one in self.actions.items()}  # fmt: skip
        self.most = {"five": 5, "gift": 2}
        self.codes = {"five": chance.randint(0, 5), "gift": chance.randint(0, 5)}
        self.money = {name: chance.randint(0, 12) for name in self.actions if chance.random() < 0.3}
        self.given: set[tuple[str, str]] = set()
        self.paid: Counter[str] = Counter()
        self.sent: list[dict] = []

    def limits(self, rows):
        """Codes that are left of each offer, and money of each action: 1 a message, and what a new code can cost. What
        was done today counts again."""
        if self.seed % 3:  # two of three companies give nothing away
            return []
        again = {(self.offer[row["action"]], row["customer_id"]) for row in rows if row["done"]} & self.today.keys()
        had = self.given - again
        new = [bool(one) and (one, row["customer_id"]) not in had
               for row in rows for one in [self.offer[row["action"]]]]  # fmt: skip
        codes = [(self.offer[row["action"]], int(is_new), 0) for row, is_new in zip(rows, new, strict=True)]
        costs = [(row["action"], 1 + (self.most[self.offer[row["action"]]] if is_new else 0), 1)
                 for row, is_new in zip(rows, new, strict=True)]  # fmt: skip
        spare = {name: count - sum(1 for one, _ in had if one == name) for name, count in self.codes.items()}
        back = Counter(row["action"] for row in rows if row["done"])
        for pair in again:
            back[self.today[pair]] += self.most[pair[0]]
        money = {name: most - self.paid[name] + back[name] for name, most in self.money.items()}
        return [(spare, codes), (money, costs)]

    def send(self, rows):
        """Give codes to those who have none, and pay for what is sent."""
        for row in rows if self.seed % 3 == 0 else ():
            offer = self.offer[row["action"]]
            if offer and (offer, row["customer_id"]) not in self.given:
                self.given.add((offer, row["customer_id"]))
                self.today[offer, row["customer_id"]] = row["action"]
                self.paid[row["action"]] += self.most[offer]
            self.paid[row["action"]] += 1

    def action(self):
        return {
            "objective": self.chance.choice([None, "keep", "sell"]),
            "slot": self.chance.choice(["contact", "contact", "contact", "service", None]),
            "priority": self.chance.randint(0, 1),
            "moment": self.chance.random() < 0.2,
        }

    def wanted(self, day):
        chance, done = (
            self.chance,
            {(one["action"], one["customer_id"], one["channel"]) for one in self.sent if one["day"] == day},
        )
        for action, given in self.actions.items():
            for person in self.people:
                for preference, channel in enumerate(("email", "sms")):
                    if (action, person, channel) in done or chance.random() < 0.5:
                        yield candidate(
                            action, person, destination=channel, channel=channel, preference=preference, **given,
                            address=self.address[person] if channel == "email" else "", first=chance.random() < 0.05,
                            gain=chance.choice([None, 0.0, 1.5, 2.5]), done=(action, person, channel) in done,
                        )  # fmt: skip

    def left(self, day, today):
        spent = Counter(
            one["action"] for one in self.sent for count, days in [self.budgets.get(one["action"], (0, 0))]
            if day - dt.timedelta(days=days) < one["day"] and (one["day"] < day or not today)
        )  # fmt: skip
        return {name: count - spent[name] for name, (count, _) in self.budgets.items()}

    def live(self):
        """Decide every day, twice: of what was chosen first only part is sent before it is decided again."""
        for number in range(DAYS):
            day = FIRST + dt.timedelta(days=number)
            before = [
                {name: one[name] for name in BEFORE.names} for one in self.sent if one["day"] < day and one["slot"]
            ]
            rows = list(self.wanted(day))
            self.today = {}
            limits = self.limits(rows)
            first = decided(rows, before, self.caps, self.left(day, True), day, limits)
            yield rows, before, self.left(day, True), day, first, limits
            part = {n for n, one in enumerate(first) if one[0] and self.chance.random() < 0.5}
            self.send([rows[n] for n in sorted(part)])
            now = [{**row, "done": n in part} for n, row in enumerate(rows)]
            again = decided(now, before, self.caps, self.left(day, True), day, self.limits(now))
            assert again == first, "deciding again after part was done tells the same"
            self.send([{**now[n]} for n, one in enumerate(first) if one[0] and n not in part])
            self.sent += [{**row, "day": day} for row, one in zip(rows, first, strict=True) if one[0]]


@pytest.mark.parametrize("block", range(4))
def test_in_random_companies_no_limit_is_ever_broken_and_row_order_does_not_matter(block):
    for seed in range(250 * block, 250 * (block + 1)):
        company = SmallCompany(seed)
        for rows, before, left, day, found, limits in company.live():
            assert [won for won, _, _ in found] == one_by_one(rows, before, company.caps, left, day, limits), seed
            shuffled = list(range(len(rows)))
            random.Random(seed).shuffle(shuffled)
            moved = [(spare, [uses[n] for n in shuffled]) for spare, uses in limits]
            mixed = decided([rows[n] for n in shuffled], before[::-1], company.caps, left, day, moved)
            assert [mixed[shuffled.index(n)] for n in range(len(rows))] == found, "the same in any order of the rows"
        holds(company)


def holds(company):
    """Caps and budgets in all days in a row, one action per customer and slot, everything at most once."""
    messages = [one for one in company.sent if one["slot"]]
    for cap in company.caps:
        for start in range(DAYS):
            inside = [one for one in messages if cap.counts(one["channel"], one["action"], one["objective"])
                      and start <= (one["day"] - FIRST).days < start + cap.days]  # fmt: skip
            most = Counter(one["customer_id"] for one in inside)
            most += Counter(one["address"] for one in inside if one["address"])
            assert max(most.values(), default=0) <= cap.at_most
    for name, (count, days) in company.budgets.items():
        for start in range(DAYS):
            spent = [one for one in company.sent if one["action"] == name
                     and start <= (one["day"] - FIRST).days < start + days]  # fmt: skip
            assert len(spent) <= count
    for name, count in company.codes.items():
        assert sum(1 for offer, _ in company.given if offer == name) <= count, "no code is given that there is not"
    assert all(company.paid[name] <= most for name, most in company.money.items())
    slots = Counter((one["day"], one["customer_id"], one["slot"]) for one in messages)
    assert max(slots.values(), default=1) == 1
    every = Counter((one["day"], one["customer_id"], one["action"], one["channel"]) for one in company.sent)
    assert max(every.values(), default=1) == 1


def test_what_was_done_today_counts_before_all_else_when_something_changed_since():
    rows = [candidate("late", priority=9), candidate("sent", done=True), candidate("list", slot=None)]
    assert [won for won, _, _ in decided(rows)] == [False, True, True]
    assert decided(rows)[0][1:] == ("sent goes first", 1)


def test_the_order_is_first_by_a_person_then_priority_gain_moment_name_channel_and_customer():
    rows = [
        candidate("g", "bob"), candidate("g", destination="post", preference=1), candidate("g"), candidate("f"),
        candidate("e", moment=True), candidate("d", gain=0.5), candidate("c", priority=1), candidate("b", first=True),
    ]  # fmt: skip
    turns = [turn for _, _, turn in decided(rows)]
    assert turns == [1, 7, 6, 5, 4, 3, 2, 1]
    budget = decided([candidate("g", "bob"), candidate("g", "ann")], left={"g": 1})
    assert budget == [(False, "the budget is spent", 1), (True, "chosen", 1)]


def test_every_loser_is_told_what_it_lost_to():
    cap = Cap(at_most=1, days=7, objectives=["sell"])
    before = [{"day": FIRST - dt.timedelta(days=6), "action": "x", "customer_id": "ann", "channel": "email",
               "address": "", "objective": "sell"}]  # fmt: skip
    rows = [
        candidate("a", objective="sell"),
        candidate("b"),
        candidate("b", destination="sms", channel="sms"),
        candidate("c"),
    ]
    told = [because for _, because, _ in decided(rows, before, [cap])]
    assert told == ["at most 1 in 7 days by any channel for sell", "chosen", "by another channel", "b goes first"]
    rested = [{**before[0], "day": FIRST - dt.timedelta(days=7)}]
    assert decided(rows, rested, [cap])[0][1] == "chosen"


def test_nobody_who_wants_anybody_is_decided_too():
    assert decided([]) == []


def test_a_cap_of_nothing_lets_nobody_through_and_is_named_while_lists_go_on():
    rows = [candidate("a"), candidate("b", channel="sms"), candidate("list", slot=None)]
    told = [(won, because) for won, because, _ in decided(rows, caps=[Cap(at_most=0, days=1, channels=["email"])])]
    assert told == [(False, "at most 0 in 1 days by email"), (True, "chosen"), (True, "chosen")]


@pytest.mark.parametrize(("most", "left"), [(1, 1), (2**20, 2), (2**40, 4), (2**62, 5), (2**63, 5)])
def test_fewer_keys_sort_as_all_of_them_however_large_their_numbers(most, left):
    numbers = np.random.default_rng(most)
    keys = [numbers.integers(-most, most, 200), numbers.random(200) < 0.5, *numbers.integers(-most, most, (3, 200))]
    assert np.lexsort(_folded(*keys)).tolist() == np.lexsort(keys).tolist()
    assert len(_folded(*keys)) == left
