"""The golden record: of each attribute the best value any contact record of a customer has, and where it came from."""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.identity import GOLDEN_ATTRIBUTES, GoldenRule
from jobs.config.identity_checks import OWN, own_attributes
from jobs.config.settings import Settings
from jobs.config.sources.trust import keeping_to_themselves
from jobs.identity.customer_of import names_somebody, with_customer, with_set_aside
from jobs.identity.identifiers import identifier_column, normalised, trimmed
from jobs.profiles.criteria import NEWEST, own_value, ranked
from jobs.validate.versions.counting import newest_versions

CONTACT_POINTS = ("email", "phone")
"""Of these a customer keeps every value, best first: profiles/contact_points."""
ADDRESS_PARTS = ("street", "postcode", "city", "country")
ADDRESS = "address"
"""Stands for the parts of an address when none of them has a rule."""


def current_contacts(
    contacts: DataFrame, identity_map: DataFrame, settings: Settings, unfilled: Collection[str] = ()
) -> DataFrame:
    """The latest version of each contact record, with customer_id. Columns `unfilled` have no value in any of them.

    For each rule that asks for `longest_valid`, `since:ATTRIBUTE` tells when the value was first written. Records tell
    no address that their source may not set for this customer (`trust.contact_points`).
    """
    for name, rule in settings.identity.golden_record.items():
        if "longest_valid" in rule.order:
            contacts = contacts.withColumn(f"since:{_column(name)}", _unchanged_since(_value(name, contacts)))
    shared = identifier_column("contact", "contact_id", settings) if settings.id_spaces else None
    latest = newest_versions(contacts, "contact_id", shared=shared)
    named = with_customer(latest, identity_map, settings, unfilled).where("customer_id is not null")
    return _addresses_of_their_own(named, keeping_to_themselves(settings.sources))


def _addresses_of_their_own(contacts: DataFrame, sources: list[str]) -> DataFrame:
    """Contacts of which those of `sources` tell no address, unless no other source has a record of the customer."""
    if not sources:
        return contacts
    own = F.col("source").isin(*sources)
    known_to_others = F.max(~own).over(Window.partitionBy("customer_id"))
    marked = contacts.withColumn("yields", own & known_to_others)
    told = {name: F.when(~F.col("yields"), F.col(name)) for name in (*CONTACT_POINTS, *ADDRESS_PARTS)}
    return marked.withColumns(told).drop("yields")


def golden_records(contacts: DataFrame, identity_map: DataFrame, set_aside: DataFrame, settings: Settings) -> DataFrame:
    """One row per customer of the map, as profiles/customers. `contacts` are those of `current_contacts`.

    An identifier of `set_aside` (identity/set_aside) is nobody's: by it alone nobody is known.
    """
    known = (
        with_set_aside(identity_map, set_aside)
        .groupBy("customer_id")
        .agg(
            F.max(names_somebody()).alias("known"),
            F.array_sort(F.array_distinct(F.flatten(F.collect_list("sources")))).alias("sources"),
            F.min("first_seen").alias("customer_since"),
        )
    )
    merged = best_values(contacts, settings)
    nothing = F.array().cast("array<string>")
    return (
        known.join(merged, on="customer_id", how="left")
        .withColumn("contact_records", F.coalesce("contact_records", F.lit(0)).cast("int"))
        .withColumn("provenance", F.coalesce("provenance", F.lit("{}")))
        .withColumns({name: F.coalesce(name, nothing) for name in ("records", "login_ids", "loyalty_ids")})
    )


def best_values(contacts: DataFrame, settings: Settings) -> DataFrame:
    """One row per customer with contact records: its attributes, lists of ids, contact_records and provenance."""
    rules = rules_in_force(settings.identity.golden_record)
    leader_of = {name: leader for leader, rule in rules.items() for name in (leader, *rule.together)}
    single = [name for name in leader_of if name not in CONTACT_POINTS and name != ADDRESS]
    filled = contacts.withColumns({_column(name): _value(name, contacts) for name in single})
    if ADDRESS in rules:
        filled = filled.withColumns(_whole_address(rules[ADDRESS].together))
    leaders = [name for name in rules if name not in CONTACT_POINTS]
    records: dict[str, Column] = {}
    for name in leaders:
        filled, ranks = ranked(filled, rules[name], _column(name))
        records[name] = _record(name, rules[name], ranks)
    customer = Window.partitionBy("customer_id")
    bests = filled.withColumns({f"best:{name}": F.min(record).over(customer) for name, record in records.items()})
    listed = {
        "records": F.concat("source", F.lit(":"), "contact_id"),
        "login_ids": normalised("login", F.col("login_id"), settings),
        "loyalty_ids": normalised("loyalty", F.col("loyalty_id"), settings),
    }
    merged = bests.groupBy("customer_id").agg(
        F.count("*").alias("contact_records"),
        *[F.array_sort(F.collect_set(value)).alias(name) for name, value in listed.items()],
        *[F.min(F.col(f"`best:{name}`")).alias(f"best:{name}") for name in leaders],
        *[F.min(F.when(_differs(name), record)).alias(f"other:{name}") for name, record in records.items()],
        *[F.count(F.col(f"`{_column(name)}`")).alias(f"filled:{name}") for name in leaders],
    )
    own = [name for name in single if name.startswith(OWN)]
    found = {name: _best(leader_of[name])[name] for name in single if name not in own}
    found["attributes"] = _attributes(settings, own)
    zone = settings.general.timezone
    origins = []
    for name in single:
        leader = leader_of[name]
        origin = _origin(leader, rules[leader], zone)
        origins.append(F.when(_best(leader)[_column(name)].isNotNull(), origin).alias(name))
    return merged.select(
        *("customer_id", "contact_records", *listed),
        *[value.alias(name) for name, value in found.items()],
        F.to_json(F.struct(*origins)).alias("provenance"),
    )


def rules_in_force(declared: dict[str, GoldenRule]) -> dict[str, GoldenRule]:
    """A rule for every attribute that follows no other. An address never mixes two records.

    The rule of a part of the address is that of the whole; without one the most complete address wins, then the newest.
    """
    rules = dict(declared)
    followed = {name for rule in rules.values() for name in rule.together}
    free = [name for name in ADDRESS_PARTS if name not in rules and name not in followed]
    leader = next((name for name in ADDRESS_PARTS[:3] if name in rules), None)
    if leader:
        rules[leader] = rules[leader].model_copy(update={"together": [*rules[leader].together, *free]})
    elif not followed & set(ADDRESS_PARTS):
        rules[ADDRESS] = GoldenRule(order=["most_complete", "newest"], together=free)
    followed = {name for rule in rules.values() for name in rule.together}
    return rules | {name: NEWEST for name in GOLDEN_ATTRIBUTES if name not in rules and name not in followed}


def _whole_address(parts: list[str]) -> dict[str, Column]:
    """An address as one value, null if all of it is, and how much of it a record lacks."""
    told = [F.col(name) for name in parts]
    text = F.concat_ws("|", *[F.coalesce(name, F.lit("")) for name in parts])
    return {ADDRESS: F.when(F.coalesce(*told).isNotNull(), text), f"lacks:{ADDRESS}": _lacking(told)}


def _lacking(columns: list[Column]) -> Column:
    return reduce(Column.__add__, [column.isNull().cast("int") for column in columns])


def _column(name: str) -> str:
    """The column an attribute has while records are compared."""
    return name.replace(".", ":")


def _best(name: str) -> Column:
    return F.col(f"`best:{name}`")


def _value(name: str, contacts: DataFrame) -> Column:
    """The value of a record, or null if it says nothing."""
    if name.startswith(OWN):
        return own_value(name.removeprefix(OWN))
    if dict(contacts.dtypes)[name] != "string":
        return F.col(name)
    value = trimmed(F.col(name))
    return F.when(value != "{}", value) if name == "attributes" else value


def _unchanged_since(value: Column) -> Column:
    """When the value this version of a record has was first written, without a break until this version."""
    in_order = Window.partitionBy("source", "contact_id").orderBy(F.unix_micros("updated_at"), "arrived", "line")
    changed = ~value.eqNullSafe(F.lag(value).over(in_order)) | (F.row_number().over(in_order) == 1)
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return F.max(F.when(changed, F.col("updated_at"))).over(so_far)


def _record(name: str, rule: GoldenRule, ranks: list[str]) -> Column:
    """A record that has a value, as a struct whose order is the order of preference."""
    fields = ["source", "contact_id", "updated_at", *dict.fromkeys([name, *rule.together])]
    record = F.struct(
        *[F.col(f"`{rank}`").alias(f"rank_{number}") for number, rank in enumerate(ranks)],
        *[F.col(f"`{_column(field)}`").alias(_column(field)) for field in fields],
    )
    return F.when(F.col(f"`{_column(name)}`").isNotNull(), record)


def _differs(name: str) -> Column:
    return F.col(f"`{_column(name)}`") != _best(name)[_column(name)]


def _attributes(settings: Settings, own: list[str]) -> Column:
    """Further attributes: those of the winning record, and those that have a rule of their own, as text."""
    winner = _best("attributes")["attributes"]
    if not own:
        return winner
    parts = []
    for attribute in own_attributes(settings.sources):
        name = f"{OWN}{attribute}"
        value = _best(name)[_column(name)] if name in own else _inside(winner, attribute)
        escaped = F.replace(F.replace(value, F.lit("\\"), F.lit("\\\\")), F.lit('"'), F.lit('\\"'))
        clean = F.regexp_replace(escaped, r"[\x00-\x1f]", " ")
        parts.append(F.concat(F.lit(f'"{attribute}":"'), clean, F.lit('"')))
    return F.concat(F.lit("{"), F.concat_ws(",", *parts), F.lit("}"))


def _inside(json: Column, attribute: str) -> Column:
    quoted = attribute.replace("`", "``")
    return F.from_json(json, f"`{quoted}` string").getField(attribute)


def _origin(name: str, rule: GoldenRule, zone: str) -> Column:
    best = _best(name)
    return F.struct(
        best["source"].alias("source"),
        best["contact_id"].alias("record"),
        F.to_date(F.from_utc_timestamp(best["updated_at"], zone)).alias("date"),
        _decided(name, rule).alias("rule"),
    )


def _decided(name: str, rule: GoldenRule) -> Column:
    """The criterion in which the best record beats every record with another value."""
    best, other = _best(name), F.col(f"`other:{name}`")
    alone = F.when(F.col(f"`filled:{name}`") == 1, "only_value").otherwise("all_agree")
    decided = F.when(other.isNull(), alone)
    order = [*rule.order, *([] if {"newest", "oldest"} & set(rule.order) else ["newest"])]
    for number, criterion in enumerate(order):
        decided = decided.when(best[f"rank_{number}"] < other[f"rank_{number}"], criterion)
    return decided.otherwise("first_record")
