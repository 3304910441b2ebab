"""Contact records that are one person by all that is told of them: links with a probability, dated like any others.

The pairs known on a day are grouped as they stood that day, so a link can end when a later record speaks against it.
One trained model scores the whole history, which therefore does not depend on when a run happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config_identity import Matching
from jobs.normalise.identifiers import identifier_column
from jobs.profiles.components import components
from jobs.profiles.links import LINK_COLUMNS, NEVER
from jobs.profiles.matching import engine
from jobs.profiles.matching.model import Model
from jobs.profiles.matching.records import prepare, without_hubs
from jobs.profiles.matching.scoring import Scorer
from jobs.settings import Settings

RULE = "probabilistic"
KINDS = {
    "first_name": "given_name",
    "last_name": "family_name",
    "birth_date": "birth_date",
    "gender": "gender",
    "street": "address",
    "postcode": "postcode",
    "city": "city",
    "email": "email",
    "phone": "phone",
}
"""What the columns of valid/contacts tell."""
LEAST_RECORDS = 200
"""Records from which it makes sense to train; fewer are scored by the probabilities before training."""
REVIEW = ["left", "right", "probability", "weight", "agrees", "status", "first_seen"]
GROWTH = 2.0
"""A model is trained anew when there are this many times the records it learned from."""
ONE_RECORD = 100.0
"""Weight between two versions of one record."""


@dataclass(frozen=True)
class Probable:
    """`links`: rows as `jobs.profiles.links` makes them, with weight and probability. `review`: pairs a person should
    look at, and pairs kept apart (left, right, probability, weight, agrees, status, first_seen)."""

    links: pd.DataFrame
    review: pd.DataFrame


def contact_versions(contacts: DataFrame, as_of: date, settings: Settings) -> pd.DataFrame:
    """Each distinct version of a contact that arrived up to `as_of`: contact (hashed), name (source:id), the columns of
    KINDS, first_seen (day number). In a fixed order."""
    arrived = contacts.where(F.col("arrived") <= F.lit(as_of))
    versions = arrived.groupBy("source", "contact_id", *KINDS).agg(F.min("arrived").alias("first_seen"))
    told = versions.select(
        identifier_column("contact", "contact_id", settings).alias("contact"),
        F.concat_ws(":", "source", "contact_id").alias("name"),
        "source",
        *[F.col(column).cast("string").alias(column) for column in KINDS],
        "first_seen",
    ).where("contact is not null")
    found = pd.DataFrame(told.toPandas())
    days = pd.to_datetime(found["first_seen"]).to_numpy().astype("datetime64[D]").astype(np.int32)
    ordered = found.assign(first_seen=days).sort_values(["first_seen", "contact", *KINDS], na_position="first")
    return ordered.reset_index(drop=True)


def prepared(versions: pd.DataFrame) -> pd.DataFrame:
    """The versions as they are compared, in the same order."""
    return without_hubs(prepare([(None, versions.drop(columns=["contact", "name"]), KINDS)], None))[0]


def probable(
    versions: pd.DataFrame, records: pd.DataFrame, matching: Matching, model: Model | None
) -> tuple[Probable, Model | None]:
    """Links and pairs to review, and the model if it was trained now: there was none, or records have doubled since.

    Too few records to train on are not linked by probability.
    """
    due = len(records) >= (GROWTH * model.records if model else LEAST_RECORDS)
    if not matching.enabled or (model is None and not due):
        return Probable(pd.DataFrame(columns=LINK_COLUMNS), pd.DataFrame(columns=REVIEW)), None
    model = None if due else model
    with Scorer(records, matching.deduplicated, model) as scorer:
        pairs, _, used = engine.score(scorer, records, matching, model)
    dated = _dated(pairs, versions)
    links, cut = _lived_through(dated, records, versions, matching)
    unsure = dated[(dated["probability"] >= matching.review) & (dated["probability"] < matching.match)]
    review = pd.concat([unsure.assign(status="review"), cut], ignore_index=True)
    return Probable(links, _review(_explained(review, used), versions)), used if due else None


def _dated(pairs: pd.DataFrame, versions: pd.DataFrame) -> pd.DataFrame:
    """Pairs with the day both were there, and with versions of one contact tied together."""
    contact = versions["contact"].to_numpy()
    apart = pairs[contact[pairs["l"]] != contact[pairs["r"]]]
    ordered = versions.assign(row=np.arange(len(versions))).sort_values(["contact", "row"])
    again = ordered["contact"].to_numpy()[1:] == ordered["contact"].to_numpy()[:-1]
    rows = ordered["row"].to_numpy()
    tied = pd.DataFrame({"l": rows[:-1][again], "r": rows[1:][again], "weight": ONE_RECORD, "probability": 1.0})
    every = pd.concat([apart, tied.assign(differ=False, conflict=False)], ignore_index=True)
    seen = versions["first_seen"].to_numpy()
    return every.assign(first_seen=np.maximum(seen[every["l"]], seen[every["r"]]))


def _lived_through(
    pairs: pd.DataFrame, records: pd.DataFrame, versions: pd.DataFrame, matching: Matching
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Links with the days they began and ended, and the pairs that are likely but apart at the end, with the reason.

    Only groups in which something was ever kept apart are looked at day by day; in all others a pair is a link from the
    day it is known.
    """
    at_end = engine.group_records(records, pairs, matching)
    strong = (pairs["weight"] >= matching.weight) & ~pairs["conflict"]
    reach = components(len(records), pairs.loc[strong, "l"].to_numpy(), pairs.loc[strong, "r"].to_numpy())
    own = reach[pairs["l"].to_numpy(np.int64)]
    inside = own == reach[pairs["r"].to_numpy(np.int64)]
    count = np.bincount(own[strong], minlength=len(records))
    size = np.bincount(reach, minlength=len(records))
    settled = (count >= size * (size - 1) // 2)[own] & (len(matching.deduplicated) == 0)
    calm = pairs[strong & settled].assign(until=NEVER)
    restless = pairs[inside & ~settled]
    parts = [calm, *(_days_of(group, records, matching) for _, group in restless.groupby(own[restless.index]))]
    links = pd.concat(parts, ignore_index=True)
    contact = versions["contact"].to_numpy()
    named = links.assign(left=contact[links["l"].astype(int)], right=contact[links["r"].astype(int)], rule=RULE)
    named = named[(named["left"] != named["right"]) & (named["first_seen"] < named["until"])]
    likeliest = named.sort_values("weight", ascending=False, kind="stable").drop_duplicates(LINK_COLUMNS)
    told = likeliest[[*LINK_COLUMNS, "weight", "probability"]].astype({"first_seen": np.int32, "until": np.int32})
    cut = at_end.cut.merge(pairs.drop(columns="weight"), on=["l", "r"])
    return told, cut.assign(status="cut: " + cut["reason"].astype(str)).drop(columns="reason")


def _days_of(pairs: pd.DataFrame, records: pd.DataFrame, matching: Matching) -> pd.DataFrame:
    """Links among the records of one component, as its groups changed from day to day."""
    nodes = np.unique(pairs[["l", "r"]].to_numpy(np.int64))
    local = pairs.assign(l=np.searchsorted(nodes, pairs["l"]), r=np.searchsorted(nodes, pairs["r"]))
    some = records.iloc[nodes]
    likely = ((local["weight"] >= matching.weight) & ~local["conflict"]).to_numpy()
    open_since = np.full(len(local), NEVER, dtype=np.int64)
    found = []
    for day in np.unique(local["first_seen"]):
        known = (local["first_seen"] <= day).to_numpy()
        labels = engine.group_records(some, local[known], matching).labels
        together = known & likely & (labels[local["l"]] == labels[local["r"]])
        ended = ~together & (open_since != NEVER)
        found.append(pairs[ended].assign(first_seen=open_since[ended], until=day))
        open_since = np.where(together, np.minimum(open_since, day), NEVER)
    still = open_since != NEVER
    found.append(pairs[still].assign(first_seen=open_since[still], until=NEVER))
    return pd.concat(found, ignore_index=True)


def _explained(pairs: pd.DataFrame, model: Model) -> pd.DataFrame:
    """With `agrees`: how the two agree, such as `given: equal, family: near`."""
    told = pd.Series("", index=pairs.index)
    for comparison in model.comparisons:
        labels = {place: f"{comparison.slot}: {level.label}, " for place, level in enumerate(comparison.levels)}
        told += pairs[comparison.slot].map(labels).fillna("")
    return pairs.assign(agrees=told.str.removesuffix(", "))


def _review(pairs: pd.DataFrame, versions: pd.DataFrame) -> pd.DataFrame:
    """Each pair of contacts once, as its likeliest pair of versions tells."""
    name = versions["name"].to_numpy()
    sides = np.sort(np.column_stack([name[pairs[side].astype(int)] for side in ("l", "r")]).astype(str), axis=1)
    named = pairs.assign(left=sides[:, 0], right=sides[:, 1])
    likeliest = named[named["left"] != named["right"]].sort_values(["weight", "agrees"], ascending=[False, True])
    once = likeliest.drop_duplicates(["left", "right"]).sort_values(["left", "right"])
    return once[REVIEW].reset_index(drop=True)
