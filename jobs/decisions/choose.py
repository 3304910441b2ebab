"""One decision per customer and slot: which action that wants the customer has its turn, and why the others have not.

Candidates are taken in one order, the same whatever the order of the rows: whom a person put first, `priority`, what
reaching the customer brings, who is about a moment, which cannot wait, the name of the action, the customer's better
channel, and, between customers, the id. Each has its turn if the slot of the customer is free, no cap is full for the
person or the address, and no limit is used up: the budget of the action, the codes of the offer it gives. If that would
leave out something that was done today already, because something else has changed since, what was done comes before
all else.

`_Run` decides many candidates at once and gives what going through them one by one would give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.actions.contact_policy import Cap
from jobs.decisions.limits import Limit, first_used_up

CANDIDATES = pa.schema([
    ("action", pa.string()), ("destination", pa.string()), ("customer_id", pa.string()), ("channel", pa.string()),
    ("address", pa.string()), ("objective", pa.string()), ("slot", pa.string()), ("done", pa.bool_()),
    ("first", pa.bool_()), ("priority", pa.int64()), ("gain", pa.float64()), ("moment", pa.bool_()),
    ("preference", pa.int64()),
])  # fmt: skip
"""One thing an action wants to do for one customer. Without `slot` (a list) it competes with nothing but its budget.
`done`: it was done today. `gain`: what it brings, null: unknown, counts as 0. `preference`: less is better."""
BEFORE = pa.schema([
    ("day", pa.date32()), ("action", pa.string()), ("customer_id", pa.string()), ("channel", pa.string()),
    ("address", pa.string()), ("objective", pa.string()),
])  # fmt: skip
"""One message that may have arrived: on a day before, or today without being a candidate any more."""
WON = "chosen"
_OPEN, _WON, _SLOT, _CAPS = -1, 0, 1, 2
"""What became of a candidate; from _CAPS on the cap that was full, after these the limit that was used up."""


@dataclass(frozen=True)
class Chosen:
    """What became of the candidates, in the order of their rows."""

    turn: np.ndarray
    """Place among all that wanted the customer, from 1, whatever was done meanwhile."""
    won: np.ndarray
    because: pa.Array
    """`chosen`, or what the candidate lost to, in words."""
    reason: pa.Array
    """contact_pressure, other_action, other_channel, or that of a limit, such as budget; null of what won."""


def choose(
    candidates: pa.Table,
    before: pa.Table,
    caps: Sequence[Cap],
    left: Mapping[str, int],
    day: date,
    limits: Sequence[Limit] = (),
) -> Chosen:
    """Decide all CANDIDATES of a day, given BEFORE. `left` is how many the budget of an action pays for, from today on;
    `limits` what else candidates use up."""
    rows = _Rows.of(candidates, before, caps, day)
    done = _flags(candidates["done"])
    every = [_budgets(rows, left), *limits]
    run = _Run(rows, every, np.zeros(len(done), bool))
    run.decide()
    if not (run.fate[done] == _WON).all():
        run = _Run(rows, every, done)
        run.decide()
    return run.told()


def _budgets(rows: _Rows, left: Mapping[str, int]) -> Limit:
    """What is left of the budget of each action that has one."""
    limited = [name for name in rows.actions if name in left]
    place = np.array([limited.index(name) if name in left else -1 for name in rows.actions] or [-1], np.int64)
    ones = np.ones(len(rows.action), np.int64)
    said = [("the budget is spent", "budget")] * len(limited)
    return Limit(place[rows.action], ones, [left[name] for name in limited], said)


@dataclass(frozen=True)
class _Rows:
    """Candidates as numbers, in the order of their rows, and how often people and addresses were written to before."""

    person: np.ndarray
    address: np.ndarray
    addressed: np.ndarray
    action: np.ndarray
    actions: list[str]
    competes: np.ndarray
    slot_of_person: np.ndarray
    slots: int
    """Of all people together."""
    order: np.ndarray
    caps: Sequence[Cap]
    counted: list[np.ndarray]
    """By each cap, whether it is about the candidate."""
    of_person: list[np.ndarray]
    of_address: list[np.ndarray]

    @classmethod
    def of(cls, candidates: pa.Table, before: pa.Table, caps: Sequence[Cap], day: date) -> _Rows:
        size = candidates.num_rows
        person, ids = _codes(candidates["customer_id"], before["customer_id"])
        address, places = _codes(candidates["address"], before["address"])
        addressed = ~_flags(pc.equal(_both(candidates["address"], before["address"]), ""))
        people, addresses = len(ids), len(places)
        action, actions = _named(candidates["action"])
        slot, slots = _named(candidates["slot"])
        competes = slot >= 0
        days = before["day"].combine_chunks().cast(pa.int32()).to_numpy(zero_copy_only=False)
        of_person, of_address = [], []
        for cap in caps:
            since = (day - timedelta(days=cap.days) - date(1970, 1, 1)).days
            inside = _counted(before, cap) & (days > since)
            of_person.append(np.bincount(person[size:][inside], minlength=people))
            of_address.append(np.bincount(address[size:][inside & addressed[size:]], minlength=addresses))
        return cls(
            person[:size], address[:size], addressed[:size], action, actions, competes,
            person[:size].astype(np.int64) * max(len(slots), 1) + np.maximum(slot, 0), people * max(len(slots), 1),
            _order(candidates, action, _rank(ids)[person[:size]]), caps,
            [_counted(candidates, cap) & competes for cap in caps], of_person, of_address,
        )  # fmt: skip


class _Run:
    """The candidates that are still open, round by round; `done` come before all others and always win."""

    def __init__(self, rows: _Rows, limits: Sequence[Limit], done: np.ndarray) -> None:
        self.rows, self.done = rows, done
        self.order = rows.order[np.argsort(~done[rows.order], kind="stable")] if done.any() else rows.order
        self.limits = [one for one in limits if len(one.left)]
        self.left = [np.array(one.left, np.int64) for one in self.limits]
        self.takes = [one.takes for one in self.limits]
        self.took = [np.zeros(len(rows.person), np.int64) for _ in self.limits]
        self.first_limit = np.cumsum([_CAPS + len(rows.caps), *(len(one.left) for one in self.limits)])
        self.of_person, self.of_address = (
            [one.copy() for one in rows.of_person],
            [one.copy() for one in rows.of_address],
        )
        self.taken = np.full(rows.slots, -1, np.int64)
        self.first_of_person = np.zeros(int(rows.person.max(initial=0)) + 1, np.int64)
        self.first_of_address = np.zeros(int(rows.address.max(initial=0)) + 1, np.int64)
        self.fate = np.full(len(rows.person), _OPEN, np.int16)
        self.winner = np.full(len(rows.person), -1, np.int64)

    def decide(self) -> None:
        """Each round decides whoever comes first for a person and an address, and is within or beyond the budget
        whatever becomes of those before. The very first of all always is, so there is an end."""
        open_ = self.order
        while len(open_):
            open_ = self._without_slot(open_)
            ready = open_[self._is_first(open_)]
            full = self._full_cap(ready)
            self.fate[ready[full >= 0]] = _CAPS + full[full >= 0]
            open_ = open_[self.fate[open_] == _OPEN]
            ready = ready[full < 0]
            within, lost = self._by_limits(open_, ready)
            for took, takes in zip(self.took, self.takes, strict=True):
                took[ready] = takes[ready]
            self.fate[ready[lost != _OPEN]] = lost[lost != _OPEN]
            self._win(ready[within])
            open_ = open_[self.fate[open_] == _OPEN]

    def _without_slot(self, open_: np.ndarray) -> np.ndarray:
        holder = self.taken[self.rows.slot_of_person[open_]]
        lost = (holder >= 0) & self.rows.competes[open_] & ~self.done[open_]
        self.fate[open_[lost]] = _SLOT
        self.winner[open_[lost]] = holder[lost]
        return open_[~lost]

    def _is_first(self, open_: np.ndarray) -> np.ndarray:
        """Whether nobody before, in the order, is about the same person or address. Lists wait for nobody."""
        place = np.arange(len(open_))
        competing = np.flatnonzero(self.rows.competes[open_])[::-1]
        self.first_of_person[self.rows.person[open_[competing]]] = competing  # of several the last one stays: the first
        self.first_of_address[self.rows.address[open_[competing]]] = competing
        of_person = self.first_of_person[self.rows.person[open_]] == place
        of_address = (self.first_of_address[self.rows.address[open_]] == place) | ~self.rows.addressed[open_]
        return ~self.rows.competes[open_] | (of_person & of_address)

    def _full_cap(self, ready: np.ndarray) -> np.ndarray:
        """The first cap that is full for the person or the address, -1 for none."""
        full = np.full(len(ready), -1, np.int64)
        for number, cap in enumerate(self.rows.caps):
            used = self.of_person[number][self.rows.person[ready]]
            of_address = np.where(self.rows.addressed[ready], self.of_address[number][self.rows.address[ready]], 0)
            over = self.rows.counted[number][ready] & ~self.done[ready] & (np.maximum(used, of_address) >= cap.at_most)
            full = np.where((full < 0) & over, number, full)
        return full

    def _by_limits(self, open_: np.ndarray, ready: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of those ready: whether all limits hold even if all before them win, and the fate of those for whom one is
        used up even if all before them lose."""
        within, lost = np.ones(len(ready), bool), np.full(len(ready), _OPEN, np.int64)
        for number, (limit, left) in enumerate(zip(self.limits, self.left, strict=True)):
            which, takes = limit.of[ready], self.takes[number][ready]
            free = (which < 0) | (takes == 0) | self.done[ready]
            if free.all():
                continue
            beyond = ~free & (takes > left[which])
            lost = np.where((lost == _OPEN) & beyond, self.first_limit[number] + which, lost)
            bound = open_[limit.of[open_] >= 0]
            bound = bound[np.argsort(limit.of[bound], kind="stable")]
            each, of = self.takes[number][bound], limit.of[bound]
            before = np.cumsum(each) - each
            ahead = np.zeros(len(self.fate), np.int64)
            ahead[bound] = before - before[np.searchsorted(of, of)]
            within &= free | (ahead[ready] + takes <= left[which])
        return within & (lost == _OPEN), lost

    def _win(self, winners: np.ndarray) -> None:
        self.fate[winners] = _WON
        for number, (limit, left) in enumerate(zip(self.limits, self.left, strict=True)):
            using = winners[limit.of[winners] >= 0]
            np.subtract.at(left, limit.of[using], self.takes[number][using])
            if limit.once is not None and limit.again is not None and len(winners):
                had = np.zeros(int(limit.once.max()) + 1, bool)
                had[limit.once[winners]] = True
                self.takes[number] = np.where(had[limit.once], limit.again, self.takes[number])
        competing = winners[self.rows.competes[winners]]
        self.taken[self.rows.slot_of_person[competing]] = competing
        for number in range(len(self.rows.caps)):
            counted = competing[self.rows.counted[number][competing]]
            np.add.at(self.of_person[number], self.rows.person[counted], 1)
            np.add.at(self.of_address[number], self.rows.address[counted[self.rows.addressed[counted]]], 1)

    def told(self) -> Chosen:
        rows, size = self.rows, len(self.fate)
        losers = np.flatnonzero(self.fate >= self.first_limit[0])
        if len(self.limits) > 1 and len(losers):  # with one alone it is clear, and rounds may find another one first
            kind, which = first_used_up(self.limits, self.took, self.order, self.fate == _WON, losers)
            self.fate[losers] = self.first_limit[kind] + which
        by_person = rows.order[np.argsort(rows.person[rows.order], kind="stable")]
        people = rows.person[by_person]
        turn = np.zeros(size, np.int64)
        turn[by_person] = np.arange(size) - np.searchsorted(people, people) + 1
        words: list[tuple[str, str | None]] = [(WON, None), ("", None)]
        words += [(str(cap), "contact_pressure") for cap in rows.caps]
        words += [one for limit in self.limits for one in limit.said]
        to_others = len(words)
        for name in rows.actions:
            words += [(f"{name} goes first", "other_action"), ("by another channel", "other_channel")]
        winner = np.where(self.winner >= 0, rows.action[self.winner], 0) if size else self.winner
        code = np.where(self.fate == _SLOT, to_others + 2 * winner + (winner == rows.action), self.fate)
        because, reason = (pa.array([word[n] for word in words], pa.string()).take(pa.array(code)) for n in (0, 1))
        return Chosen(turn, self.fate == _WON, because, reason)


def _codes(first: pa.ChunkedArray, second: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    """Numbers for the values of both, those of the first coming first; and the value of each number."""
    encoded = _both(first, second).combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary


def _rank(values: pa.Array) -> np.ndarray:
    """The place of each value when they are sorted."""
    ranks = np.empty(len(values), np.int32)
    ranks[pc.array_sort_indices(values).to_numpy()] = np.arange(len(values), dtype=np.int32)
    return ranks


def _both(first: pa.ChunkedArray, second: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([*first.chunks, *second.chunks], first.type)


def _named(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """A number for each value, in the order of the names, -1 for none; and the names."""
    encoded = column.combine_chunks().dictionary_encode()
    place = np.append(_rank(encoded.dictionary), -1).astype(np.int64)
    return place[pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)], sorted(
        encoded.dictionary.to_pylist()
    )


def _flags(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False), bool)


def _counted(rows: pa.Table, cap: Cap) -> np.ndarray:
    """Whether a cap is about each row."""
    counted = np.ones(rows.num_rows, bool)
    for name, only in (("channel", cap.channels), ("action", cap.actions), ("objective", cap.objectives)):
        if only:
            counted &= _flags(pc.is_in(rows[name], pa.array(only, pa.string())))
    return counted


def _order(rows: pa.Table, action: np.ndarray, customer: np.ndarray) -> np.ndarray:
    """Rows in the order of their turn."""
    destination, _ = _named(rows["destination"])
    gain = pc.fill_null(rows["gain"], 0.0).combine_chunks().to_numpy(zero_copy_only=False)
    priority, preference = (
        rows[name].combine_chunks().to_numpy(zero_copy_only=False) for name in ("priority", "preference")
    )
    late, later = ~_flags(rows["moment"]), ~_flags(rows["first"])
    if not rows.num_rows:
        return np.arange(0)
    keys = [*_folded(customer, destination, preference, action, late), -gain, *_folded(-priority, later)]
    varying = [key for key in keys if (key != key[0]).any()]
    return np.lexsort(varying) if varying else np.arange(rows.num_rows)


def _folded(*keys: np.ndarray) -> list[np.ndarray]:
    """Fewer whole-number keys that sort as these do, the last being the first to tell: sorting costs by the key."""
    folded: list[np.ndarray] = []
    room = 0
    for key in keys:
        least = int(key.min())
        width = int(key.max()) - least + 1
        if folded and room * width < 2**63:
            folded[-1] = folded[-1] + (key.astype(np.int64) - least) * room
            room *= width
        else:
            folded.append(key.astype(np.int64) - least if width < 2**63 else key)
            room = width
    return folded
