"""Customer profiles: golden record, contact points, consent, household and channels of every customer.

A day is made of what it touches (`jobs.profiles.day`); everything is made anew if the last run had other code, another
configuration or other days, or did not end.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.customer_of import newest_day
from jobs.identity.fresh import Fresh, Unknown
from jobs.lake.lake import Lake, Txn
from jobs.profiles.channels import channels, engagement, met
from jobs.profiles.consent import consent, consent_history, every_answer, with_people
from jobs.profiles.contact_points import addresses, contact_points
from jobs.profiles.coverage import counted, coverage, mapped_attributes
from jobs.profiles.day import CAMPAIGNS, CONTACTS, update
from jobs.profiles.golden import current_contacts, golden_records
from jobs.profiles.households import TOO_MANY, households
from jobs.profiles.people import people
from jobs.profiles.unread_answers import READS as QUARANTINE
from jobs.profiles.unread_answers import with_unread

log = logging.getLogger(__name__)
READS = ("valid/contacts", "valid/consents", "valid/campaign_events", "identity/map", "identity/set_aside", *QUARANTINE)
WRITES = (
    "profiles/customers",
    "profiles/contact_points",
    "profiles/addresses",
    "profiles/consent",
    "profiles/consent_history",
    "profiles/households",
    "profiles/channels",
    "profiles/people",
    "profiles/coverage",
)


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Bring the profile tables to everything that arrived up to `day`, for the customers of identity/map."""
    lake = Lake.of(settings)
    as_of = max(newest_day(lake, name, day) for name in ("identity/standing", "profiles/coverage"))
    general = settings.general
    answers = ("consents", "campaign_events")  # rows of these that wait in quarantine are read as configured today
    reading = {
        name: {told: one.datasets[told] for told in answers if told in one.datasets}
        for name, one in settings.sources.items()
    }
    asked = [settings.identity.model_dump_json(), mapped_attributes(settings), settings.whose_rows]
    trust = {name: one.trust.model_dump() for name, one in settings.sources.items()}
    config = [*asked, general.country, general.timezone, reading, trust]
    state = {"as_of": str(as_of)}
    txn = lake.transaction("profiles", day, READS, config, previous=WRITES, state=state, code=__name__)
    if not txn.done(*WRITES):
        try:
            _go_on(lake, txn, as_of, settings)
        except Unknown as reason:
            log.info("profiles: everything is made anew: %s", reason)
            _rebuild(lake, txn, as_of, settings)
    counts = _counts(lake, settings.identity.largest_customer)
    if counts["too_many_records"]:
        log.warning("profiles: decisions made customers larger than largest_customer: %d", counts["too_many_records"])
    log.info("profiles: %s", counts)
    return counts


def _go_on(lake: Lake, txn: Txn, as_of: date, settings: Settings) -> None:
    """From where the last run ended. Raises Unknown if that cannot be said, before anything is written."""
    before = txn.before(*WRITES)
    if before is None:
        raise Unknown("no run before with this code and configuration that ended")
    with lake.scratch("profiles/customers") as keep:
        update(Fresh.since(lake, txn, before, as_of, settings, keep, [CONTACTS]))


def _rebuild(lake: Lake, txn: Txn, as_of: date, settings: Settings) -> None:
    """Each table is read back after it is written, so that the next one starts from what is stored."""
    identity_map = txn.read("identity/map")

    def arrived(name: str) -> DataFrame:
        return txn.read(name).where(F.col("arrived") <= F.lit(as_of))

    def publish(name: str, rows: DataFrame) -> DataFrame:
        return lake.read(name, version=lake.replace(name, rows, txn).version)

    with lake.scratch("profiles/customers") as keep:
        contacts = keep(current_contacts(arrived(CONTACTS), identity_map, settings, txn.unfilled(CONTACTS)))
        events = arrived(CAMPAIGNS)
        set_aside = txn.read("identity/set_aside")
        golden = publish("profiles/customers", golden_records(contacts, identity_map, set_aside, settings))
        points = publish("profiles/contact_points", contact_points(contacts, settings))
        places = publish("profiles/addresses", addresses(contacts, settings))
        every = with_unread(every_answer(arrived("valid/consents"), events, settings), lake, txn, as_of, settings)
        told = keep.kept(every)
        if told.rows:
            answers = keep(with_people(told.frame, identity_map, points, settings, told.unfilled))
        else:
            answers = told.frame.withColumn("customer_id", F.lit(None).cast("string"))
        consents = publish("profiles/consent", consent(answers, as_of, settings))
        publish("profiles/consent_history", consent_history(answers, as_of, settings))
        housed = publish("profiles/households", households(golden, settings))
        engaged = None
        if txn.pins[CAMPAIGNS] is not None:
            engaged = engagement(met(events, identity_map, settings, txn.unfilled(CAMPAIGNS)), as_of)
        reached = publish("profiles/channels", channels(consents, points, places, engaged, settings))
        publish("profiles/people", people(golden, housed, reached, as_of))
        publish("profiles/coverage", coverage(counted(contacts, golden, points, settings), as_of, settings))


def _counts(lake: Lake, largest: int) -> dict[str, Any]:
    """Numbers only. `without_identifier`: contact records with nothing but their own id, customers of their own;
    `too_many_records`: customers of more than `largest` records, which only stewards' decisions can make."""
    ids = ["login_ids", "loyalty_ids"]
    customers = lake.arrow("profiles/customers", columns=["customer_id", "known", "contact_records", *ids])
    granted = lake.arrow("profiles/consent", columns=["status"]).filter(pc.field("status") == "granted")
    points = lake.arrow("profiles/contact_points", columns=["customer_id"])
    bare = pc.invert(pc.is_in(customers["customer_id"], pc.unique(points["customer_id"])))
    for name in ids:
        bare = pc.and_(bare, pc.equal(pc.list_value_length(customers[name]), 0))
    housed = lake.arrow("profiles/households", columns=["household", "reason"])
    known = pc.sum(customers["known"]).as_py() or 0
    return {
        "customers": customers.num_rows,
        "known": known,
        "anonymous": customers.num_rows - known,
        "contact_records": pc.sum(customers["contact_records"]).as_py() or 0,
        "without_identifier": pc.sum(customers.filter(bare)["contact_records"]).as_py() or 0,
        "too_many_records": pc.sum(pc.greater(customers["contact_records"], largest)).as_py() or 0,
        "contact_points": points.num_rows,
        "consents_granted": granted.num_rows,
        "households": pc.count_distinct(housed["household"]).as_py(),
        "too_many_for_a_household": housed.filter(pc.field("reason") == TOO_MANY).num_rows,
    }
