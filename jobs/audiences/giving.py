"""What the offer of an action means for who is in it: who may not have it, and what it is expected to cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config.actions.offers import Offer
from jobs.config.settings import Settings
from jobs.config.sql.guard import engine_sql

NOT_GIVEN, NOT_ELIGIBLE, BELOW_MARGIN = "offer_not_given", "not_eligible", "below_margin"
"""Reasons of a skip: not on this day, not to this customer, or an order would leave less than the margin guard asks."""


@dataclass(frozen=True)
class Giving:
    """An offer as an action gives it on a day. `lasts`: codes are given out on that day."""

    offer: Offer
    lasts: bool

    def expected_cost(self) -> Column:
        """Of giving one customer a code, by the share that is redeemed."""
        return self._cost() * self.offer.redeemed

    def barriers(self) -> list[Column]:
        """Why the customer is not given it, each null if that does not stand in the way."""
        found = [] if self.lasts else [F.lit(NOT_GIVEN)]
        if self.offer.where:
            may = F.coalesce(F.expr(engine_sql(self.offer.where)), F.lit(False))
            found.append(F.when(~may, NOT_ELIGIBLE))
        if guard := self.offer.margin:
            remains = F.expr(engine_sql(guard.order)).cast("double") * guard.share - self._cost()
            found.append(F.when(~F.coalesce(F.round(remains, 6) >= guard.least, F.lit(False)), BELOW_MARGIN))
        return found

    def _cost(self) -> Column:
        """Of a percentage that of an order as large as the customer's, if the margin guard says how large that is."""
        most = F.lit(float(self.offer.most))
        if self.offer.percent is None or self.offer.margin is None:
            return most
        order = F.expr(engine_sql(self.offer.margin.order)).cast("double")
        return F.least(most, F.coalesce(order * (self.offer.percent / 100), most))


def giving(settings: Settings, day: date) -> dict[str, Giving]:
    """What actions give on a day, by action."""
    offers = settings.offers.offers
    named = {name: one.offer for name, one in settings.audiences.items() if one.offer}
    return {name: Giving(offers[offer], offers[offer].lasts(day)) for name, offer in named.items()}
