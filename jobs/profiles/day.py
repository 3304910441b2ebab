"""The profiles of a day: made anew for the customers it touches, and only rows that differ are written.

Touched, for the records of a customer (golden record, contact points, addresses), are
- customers of a row of identity/map that is new, gone or another (who merged, split or moved included);
- customers of an identifier that is set aside since, or no longer;
- customers of contact records that arrived, and of earlier versions of these.
For consent, also those of answers that arrived, or end, and those an answer in quarantine may be about; for channels,
also those of campaign contacts that arrived, came to their day, or leave the window. All records of a touched customer
are new or stood with a touched customer before, whose golden record names them: nobody else's are read closely.

Households and people are made of these tables for everybody, which takes no spelling of names, addresses or numbers;
coverage, which counts records, is moved on by those of touched customers (`jobs.profiles.coverage`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.customer_of import with_customer
from jobs.identity.fresh import MAP, Fresh, Unknown
from jobs.identity.identifiers import identifier_column
from jobs.lake.exchange import Exchanged, differing, exchange
from jobs.profiles.channels import DAYS, channels, engagement, met
from jobs.profiles.consent import consent, consent_history, ends_on, every_answer, with_people, with_what_it_changes
from jobs.profiles.contact_points import addresses, contact_points
from jobs.profiles.coverage import counted, coverage, moved_on
from jobs.profiles.golden import current_contacts, golden_records
from jobs.profiles.households import households
from jobs.profiles.people import people
from jobs.profiles.unread_answers import READS as QUARANTINE
from jobs.profiles.unread_answers import with_unread

CONTACTS, CONSENTS, CAMPAIGNS = "valid/contacts", "valid/consents", "valid/campaign_events"
SET_ASIDE = "identity/set_aside"


def update(fresh: Fresh) -> None:
    """Bring the tables of profiles/ from the last run to today. Raises Unknown, before anything is written."""
    if not all(fresh.lake.readable(name, fresh.before.pins[name]) for name in (*QUARANTINE, SET_ASIDE)):
        raise Unknown("vacuum deleted rows in quarantine, or set aside, as the last run read them")
    arrived = {name: fresh.keep(fresh.arrived(name)) for name in (CONTACTS, CONSENTS, CAMPAIGNS)}
    records = _Records(fresh, arrived[CONTACTS])
    golden = _write(fresh, "customers", records.customers, records.golden())
    points = _write(fresh, "contact_points", records.customers, contact_points(records.contacts, fresh.settings))
    places = _write(fresh, "addresses", records.customers, addresses(records.contacts, fresh.settings))
    asked, consents = _write_consent(fresh, records.customers, points, arrived)
    reached = _write_channels(fresh, asked, consents, points, places, arrived[CAMPAIGNS])
    housed = _write(fresh, "households", None, households(golden.now, fresh.settings))
    _write(fresh, "people", None, people(golden.now, housed.now, reached.now, fresh.as_of))
    counts = _counted(fresh, records, golden, points)
    _write(fresh, "coverage", None, coverage(counts, fresh.as_of, fresh.settings))


class _Records:
    """Customers whose records or identifiers are others now (`customers`), and the records they have (`contacts`)."""

    def __init__(self, fresh: Fresh, arrived: DataFrame) -> None:
        self.fresh, keep, settings = fresh, fresh.keep, fresh.settings
        every, self.map = _known(fresh, CONTACTS), fresh.txn.read(MAP)
        new = _with_shared_ids(every, arrived, settings).select(_name().alias("name"))
        versions = every.join(new.distinct(), _name() == F.col("name"), "left_semi")
        whose = with_customer(versions, self.map, settings).select("customer_id").dropna()
        self.customers = keep(fresh.other_customers().union(self._set_aside()).union(whose).distinct())
        had = _of(_stored(fresh, "customers"), self.customers).select(F.explode("records").alias("name"))
        self.names = keep(had.union(new).distinct())
        self.contacts = keep(self._current(every, self.map))

    def before(self) -> DataFrame:
        """The records these customers had at the last run."""
        return self._current(self.fresh.known_then(CONTACTS), self.fresh.map_then())

    def _current(self, versions: DataFrame, identity_map: DataFrame) -> DataFrame:
        own = versions.join(self.names, _name() == F.col("name"), "left_semi")
        return _of(current_contacts(own, identity_map, self.fresh.settings), self.customers)

    def golden(self) -> DataFrame:
        set_aside = self.fresh.txn.read(SET_ASIDE)
        return golden_records(self.contacts, _of(self.map, self.customers), set_aside, self.fresh.settings)

    def _set_aside(self) -> DataFrame:
        """Customers of identifiers that are set aside today and were not at the last run, or the other way round."""
        fresh = self.fresh
        files = fresh.lake.differing_files(SET_ASIDE, fresh.before.pins[SET_ASIDE], fresh.txn.pins[SET_ASIDE])
        sides = (fresh.lake.read_files(SET_ASIDE, some).select("identifier").distinct() for some in files)
        return self.map.join(differing(*sides), on="identifier", how="left_semi").select("customer_id")


def _write_consent(
    fresh: Fresh, touched: DataFrame, points: Exchanged, arrived: dict[str, DataFrame]
) -> tuple[DataFrame, Exchanged]:
    """Customers whose answers count otherwise now, and what stands for everybody."""
    settings, identity_map, keep = fresh.settings, fresh.txn.read(MAP), fresh.keep
    waiting = keep(_waiting(fresh, then=False))
    told = with_what_it_changes(arrived[CAMPAIGNS], _known(fresh, CAMPAIGNS))
    new = every_answer(arrived[CONSENTS], told, settings).unionByName(waiting)
    if any(fresh.before.pins[name] != fresh.txn.pins[name] for name in QUARANTINE):
        new = new.unionByName(_waiting(fresh, then=True))
    came = keep.kept(new)
    about = with_people(came.frame, identity_map, points.now, settings, came.unfilled).select("customer_id")
    stored = _stored(fresh, "consent")
    ending = stored.where(_between(ends_on(settings), fresh.until, fresh.as_of)).select("customer_id")
    asked = keep(touched.union(about).union(ending).dropna().distinct())
    every = every_answer(_known(fresh, CONSENTS), _known(fresh, CAMPAIGNS), settings).unionByName(waiting)
    own = keep(_of(with_people(every, identity_map, points.now, settings), asked))
    consents = _write(fresh, "consent", asked, consent(own, fresh.as_of, settings))
    _write(fresh, "consent_history", asked, consent_history(own, fresh.as_of, settings))
    return asked, consents


def _waiting(fresh: Fresh, then: bool) -> DataFrame:
    """Answers that wait in quarantine, today or at the last run."""
    empty = fresh.lake.empty
    nothing = every_answer(empty(CONSENTS), empty(CAMPAIGNS), fresh.settings)
    txn = replace(fresh.txn, pins={**fresh.txn.pins, **fresh.before.pins}) if then else fresh.txn
    return with_unread(nothing, fresh.lake, txn, fresh.until if then else fresh.as_of, fresh.settings)


def _write_channels(
    fresh: Fresh, asked: DataFrame, consents: Exchanged, points: Exchanged, places: Exchanged, arrived: DataFrame
) -> Exchanged:
    settings, identity_map = fresh.settings, fresh.txn.read(MAP)
    every = met(_known(fresh, CAMPAIGNS), identity_map, settings, fresh.txn.unfilled(CAMPAIGNS))
    window = timedelta(days=DAYS)
    moving = [
        _between(F.col("day"), fresh.until, fresh.as_of),
        _between(F.col("day"), fresh.until - window, fresh.as_of - window),
    ]
    new = met(arrived, identity_map, settings, fresh.txn.unfilled(CAMPAIGNS)).select("customer_id")
    reached = fresh.keep(
        asked.union(new).union(every.where(reduce(Column.__or__, moving)).select("customer_id")).distinct()
    )
    engaged = engagement(_of(every, reached), fresh.as_of)
    made = channels(_of(consents.now, reached), _of(points.now, reached), _of(places.now, reached), engaged, settings)
    return _write(fresh, "channels", reached, made)


def _counted(fresh: Fresh, records: _Records, golden: Exchanged, points: Exchanged) -> DataFrame:
    """What coverage counts, of everybody."""
    touched, settings = records.customers, fresh.settings
    golden_then, points_then = (_of(_stored(fresh, name), touched) for name in ("customers", "contact_points"))
    then = counted(records.before(), golden_then, points_then, settings)
    now = counted(records.contacts, _of(golden.now, touched), _of(points.now, touched), settings)
    moved = moved_on(_stored(fresh, "coverage"), fresh.keep(then), fresh.keep(now))
    if moved is not None:
        return moved
    every = current_contacts(_known(fresh, CONTACTS), records.map, settings)
    return counted(every, golden.now, points.now, settings)


def _write(fresh: Fresh, table: str, customers: DataFrame | None, made: DataFrame) -> Exchanged:
    """Put what was made of these customers, or of everybody, in the place of what is stored of them."""
    stored = _stored(fresh, table)
    before = stored if customers is None else _of(stored, customers)
    return exchange(fresh.lake, f"profiles/{table}", before, made, fresh.txn, fresh.keep)


def _with_shared_ids(every: DataFrame, arrived: DataFrame, settings: Settings) -> DataFrame:
    """Contact records that arrived and, as one may end with another, all that have the id of one (`ids_of`)."""
    if not settings.id_spaces:
        return arrived
    shared = identifier_column("contact", "contact_id", settings)
    ids = arrived.select(shared.alias("shared")).dropna().distinct()
    return arrived.unionByName(every.join(ids, shared == F.col("shared"), "left_semi"))


def _known(fresh: Fresh, name: str) -> DataFrame:
    return fresh.txn.read(name).where(F.col("arrived") <= F.lit(fresh.as_of))


def _stored(fresh: Fresh, table: str) -> DataFrame:
    return fresh.txn.read(f"profiles/{table}")


def _of(rows: DataFrame, customers: DataFrame) -> DataFrame:
    return rows.join(customers, on="customer_id", how="left_semi")


def _between(day: Column, after: date, until: date) -> Column:
    return F.coalesce((day > F.lit(after)) & (day <= F.lit(until)), F.lit(False))


def _name() -> Column:
    """A contact record, as golden records name it."""
    return F.concat("source", F.lit(":"), "contact_id")
