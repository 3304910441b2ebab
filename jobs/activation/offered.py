"""What a push gives along with its messages: each customer the code of the action's offer that is that customer's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from pyspark.sql import functions as F

from jobs.activation.channel import Given, Operation
from jobs.activation.codes import CODES, NO_CODES, Place, give, held, with_customers
from jobs.activation.offer_texts import sample
from jobs.activation.reconciliation import Account
from jobs.config.settings import Settings
from jobs.lake.lake import Lake, Txn


@dataclass
class Offered:
    """Codes for the messages of one delivery; of an action without an offer there are none."""

    lake: Lake
    audience: str
    destination: str
    day: date
    settings: Settings
    codes: dict[str, Given] = field(default_factory=dict)

    @property
    def offer(self) -> str | None:
        return self.settings.audiences[self.audience].offer

    def look(self, txn: Txn) -> None:
        """See who has a code already, in whatever way it was given."""
        if self.offer is None:
            return
        mine = txn.read(CODES).where(F.col("offer") == self.offer)
        rows = with_customers(mine, txn.read("identity/events"), txn.read("identity/map")).toArrow().to_pylist()
        self.codes = held(rows, self.offer, self.settings.offers.offers[self.offer].title)

    def filled(self, batch: list[Operation], account: Account, trouble: list[str]) -> list[Operation]:
        """Messages with their codes, given before anything is sent; those for whom there is no code are kept back."""
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

    def tried(self, batch: Sequence[Operation]) -> list[Operation]:
        """Messages with a code that is none, to be looked at."""
        given = sample(self.audience, self.settings)
        return [replace(one, offer=self.codes.get(one.customer_id, given)) for one in batch]
