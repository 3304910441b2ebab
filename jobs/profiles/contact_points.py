"""E-mail addresses, phone numbers and postal addresses at which a customer can be reached, best first."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.identity import GoldenRule
from jobs.config.settings import Settings
from jobs.identity.identifiers import normalised, trimmed
from jobs.profiles.criteria import NEWEST, ranked
from jobs.profiles.golden import ADDRESS_PARTS, CONTACT_POINTS, rules_in_force


def contact_points(contacts: DataFrame, settings: Settings) -> DataFrame:
    """One row per customer, kind and normalised value, as profiles/contact_points. Invalid and junk values are out.

    `contacts` are those of `current_contacts`: an address someone has replaced is no longer used. Preference follows
    the golden record rule of the kind.
    """
    given = []
    for kind in CONTACT_POINTS:
        rule = settings.identity.golden_record.get(kind, NEWEST)
        value = normalised(kind, F.col(kind), settings, country=F.col("country"))
        points = _in_order(contacts.withColumns({"value": value, "since:value": _since(contacts, kind)}), rule)
        given.append(points.select("customer_id", F.lit(kind).alias("kind"), "value", *_ORIGIN))
    return given[0].unionByName(given[1])


def addresses(contacts: DataFrame, settings: Settings) -> DataFrame:
    """One row per customer and address, as profiles/addresses. An address is taken whole from one record."""
    rules = rules_in_force(settings.identity.golden_record)
    parts = {"street", "postcode", "city"}
    rule = next(rule for name, rule in rules.items() if {name, *rule.together} & parts)
    spelled = contacts.withColumns({"value": address_key(), "since:value": F.col("updated_at")})
    given = {name: trimmed(F.col(name)) for name in ADDRESS_PARTS}
    return _in_order(spelled.withColumns(given), rule).select(
        "customer_id", F.col("value").alias("address"), *ADDRESS_PARTS, *_ORIGIN
    )


def address_key() -> Column:
    """Country, postcode, house number and street in one spelling; null without a postcode or city, or a number.

    Of the street only the first letters count, so that `Main St 1`, `Main Street 1` and `1 Main street` are one.
    """
    place = F.coalesce(F.nullif(plain("postcode"), F.lit("")), F.nullif(plain("city"), F.lit("")))
    street = F.lower(F.col("street"))
    number, letter = (F.regexp_extract(street, r"(\d+)(?:[ /-]?([a-z])\b)?", group) for group in (1, 2))
    begins = F.substring(F.regexp_replace(plain("street"), "[0-9]", ""), 1, 5)
    country = F.coalesce(F.lower(F.trim("country")), F.lit(""))
    return F.when(number != "", F.concat(country, F.lit(" "), place, F.lit(" "), number, letter, F.lit(" "), begins))


def plain(column: str) -> Column:
    """Lower-case letters and digits only, without accents."""
    return F.regexp_replace(F.translate(F.lower(F.col(column)), _ACCENTED, _BARE), r"[^\p{L}0-9]", "")


_ACCENTED = "àáâãäåçèéêëìíîïñòóôõöøùúûüýÿšžł"
_BARE = "aaaaaaceeeeiiiinoooooouuuuyyszl"
_ORIGIN = ("preference", "source", "record", "observed_at")


def _since(contacts: DataFrame, kind: str) -> Column:
    name = f"since:{kind}"
    return F.col(f"`{name}`") if name in contacts.columns else F.lit(None).cast("timestamp")


def _in_order(contacts: DataFrame, rule: GoldenRule) -> DataFrame:
    """Each value once per customer, from the best record that has it, numbered by preference."""
    same_value = Window.partitionBy("customer_id", "value")
    given = contacts.where("value is not null").withColumn("observed_at", F.max("updated_at").over(same_value))
    by_rule, ranks = ranked(given, rule, "value", moment="observed_at")
    best = [F.col(f"`{rank}`") for rank in ranks]
    of_value = same_value.orderBy(*best, F.col("updated_at").desc_nulls_last(), "source", "contact_id")
    of_customer = Window.partitionBy("customer_id").orderBy(*best, "value")
    return (
        by_rule.withColumn("place", F.row_number().over(of_value))
        .where("place = 1")
        .withColumn("preference", F.row_number().over(of_customer).cast("int"))
        .withColumn("record", F.col("contact_id"))
    )
