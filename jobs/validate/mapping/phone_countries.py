"""In which country a phone number is dialled that lacks the code of it."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config.settings import Settings


def dialled_in(columns: Collection[str], settings: Settings) -> Column:
    """In which country a phone number of a row without the code of its country is dialled; empty if nothing says so.

    A contact says it by its column `country`, else it lives where the company is. Any other row says it by a column or
    an attribute `country` (ISO 3166-1 alpha-2). Without it its digits may be a number of any country and are nobody's:
    a Belgian's order does not land at the Dutch customer who has the same ones.
    """
    if "first_name" in columns:
        return F.coalesce("country", F.lit(settings.general.country))
    told = [F.col("country")] if "country" in columns else []
    told += [F.get_json_object(F.col("attributes"), "$.country")] if "attributes" in columns else []
    codes = [F.upper(F.trim(one)) for one in told]
    return F.coalesce(*[F.when(code.rlike("^[A-Z]{2}$"), code) for code in codes], F.lit(""))
