"""What a push gives along with its messages: each customer the code of the action's offer that is that customer's, and
the items it is recommended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from pyspark.sql import functions as F

from jobs.activation.channel import Given, Item, Operation
from jobs.activation.codes import CODES, NO_CODES, Place, give, held, with_customers
from jobs.activation.offer_texts import SAMPLE_ITEM, sample_offer
from jobs.activation.reconciliation import Account
from jobs.activation.shown_items import NO_ITEMS, shown_items
from jobs.activation.shown_items import TABLE as ITEMS
from jobs.config.settings import Settings
from jobs.lake.lake import Lake, Txn

GIVEN = (CODES, ITEMS)
"""Tables that tell it."""


@dataclass
class Offered:
    """Codes and items for the messages of one delivery; of an action without an offer, or items, there are none."""

    lake: Lake
    audience: str
    destination: str
    day: date
    settings: Settings
    codes: dict[str, Given] = field(default_factory=dict)
    items: dict[str, tuple[Item, ...]] = field(default_factory=dict)

    @property
    def offer(self) -> str | None:
        return self.settings.audiences[self.audience].offer

    def look(self, txn: Txn) -> None:
        """See who has a code already, in whatever way it was given, and who is recommended what."""
        if asked := self.settings.audiences[self.audience].recommended:
            self.items = shown_items(txn, asked, self.day)
        if self.offer is None:
            return
        mine = txn.read(CODES).where(F.col("offer") == self.offer)
        rows = with_customers(mine, txn.read("identity/events"), txn.read("identity/map")).toArrow().to_pylist()
        self.codes = held(rows, self.offer, self.settings.offers.offers[self.offer].title)

    def filled(self, batch: list[Operation], account: Account, trouble: list[str]) -> list[Operation]:
        """Messages with their items and codes, given before anything is sent; those for whom there are too few items,
        or no code, are kept back."""
        batch = self._with_items(batch, account)
        if self.offer is None or not batch:
            return batch
        without = [one.customer_id for one in batch if one.customer_id not in self.codes]
        if without:
            place = Place(self.offer, self.audience, self.destination, self.day)
            self.codes |= give(self.lake, place, without, self.settings)
        with_one = [one for one in batch if one.customer_id in self.codes]
        if missing := len(batch) - len(with_one):
            account.kept_back(NO_CODES, missing)
            file = self.settings.folder / self.settings.offers.offers[self.offer].codes
            trouble.append(
                f"{missing} get nothing: no codes of the offer {self.offer} are left; add some to {file}, or let "
                f"`klantreis offers codes {self.offer}` make them, and push the day again"
            )
        return [replace(one, offer=self.codes[one.customer_id]) for one in with_one]

    def _with_items(self, batch: list[Operation], account: Account) -> list[Operation]:
        asked = self.settings.audiences[self.audience].recommended
        if asked is None:
            return batch
        shown = [replace(one, recommended=self.items.get(one.customer_id, ())) for one in batch if one.action == "send"]
        enough = [one for one in shown if len(one.recommended or ()) >= asked.least]
        if missing := len(shown) - len(enough):
            account.kept_back(NO_ITEMS, missing)
        return enough + [one for one in batch if one.action != "send"]

    def tried(self, batch: Sequence[Operation]) -> list[Operation]:
        """Messages with a code that is none, to be looked at."""
        given, asked = sample_offer(self.audience, self.settings), self.settings.audiences[self.audience].recommended
        instead = (SAMPLE_ITEM,) * max(1, asked.least) if asked else ()
        items = {one.customer_id: self.items.get(one.customer_id, instead) if asked else None for one in batch}
        return [
            replace(one, offer=self.codes.get(one.customer_id, given), recommended=items[one.customer_id])
            for one in batch
        ]
