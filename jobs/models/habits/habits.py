"""What customers like, and what they come back for: a kind of model, with models/preferences and models/recurrences.

What is sensitive is computed of customers who said yes to its purpose, and of nobody else: their rows are left out
before anything is counted.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any, cast

import mlflow
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity import traits
from jobs.activity.known_rows import Known
from jobs.activity.language import condition_of
from jobs.activity.lasting_consent import agreed, through
from jobs.config.models.habits import Habit, Habits
from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError
from jobs.lake.lake import Txn
from jobs.lake.tables import catalogue
from jobs.models import checks, training
from jobs.models.habits import preferences, recurrence
from jobs.models.models import ROWS, Asked, Scored
from jobs.models.registry import Registry

PREFERENCES, RECURRENCES = "models/preferences", "models/recurrences"
ANSWERS: tuple[str, ...] = (PREFERENCES, RECURRENCES)
CONSENT = "profiles/consent"
LEARNED = "usual.json"
NOBODY = "nobody comes back for anything at a time one could tell"
DUE, SOON, LATER = "due", "soon", "later"


def train(name: str, day: date, settings: Settings) -> dict[str, Any]:
    """Learn what is usual: the share of each value in all rows, beside which the favourite of a customer is shown."""
    if wrong := list(checks.check(settings)):
        raise ConfigError(wrong)
    registry, declared = Registry(settings), _declared(name, settings)
    answered = training.overtaken(registry, name, day)
    if answered:
        return answered
    txn = training.transaction(name, day, settings, reads(name, settings), [declared], __name__)
    usual = preferences.usual_shares(_counts(txn, day, declared, settings))
    found = training.fingerprint(pd.DataFrame({"usual": [json.dumps(usual, sort_keys=True)]}), declared.model_dump())
    champion = registry.champion(name)
    if champion is None or (champion.tags.get("fingerprint"), champion.day) != (found, day):
        tags = {**training.tags(day, found, txn), "decision": "promoted", "reason": "shares of all customers"}
        number = registry.keep(name, tags, lambda: mlflow.log_dict(usual, LEARNED))
        registry.explain_absence(name, "shares of all customers")
    else:
        number = champion.number
    told = {f"values_of_{about}": len(shares) for about, shares in usual.items()}
    return {"model": name, "version": number, "decision": "promoted", "reason": "shares of all customers", **told}


def reads(name: str, settings: Settings) -> list[str]:
    """What the rows are read from, and consent where a purpose is asked for."""
    declared = _declared(name, settings)
    used = [settings.traits[habit.rows_of] for _, habit in declared.habits()]
    asked = [CONSENT] if any(habit.purpose for _, habit in declared.habits()) else []
    return sorted({*traits.reads(used), *asked})


def score(asked: Asked) -> Scored:
    """Favourites, and what is expected next; in models/scores the days until what comes next, by whom it concerns."""
    declared, settings = _declared(asked.name, asked.settings), asked.settings
    usual = json.loads(asked.registry.files(asked.version)[LEARNED])
    counts = _counts(asked.txn, asked.day, declared, settings)
    liked = preferences.favourites(counts, usual, declared.minimum_share, declared.minimum_rows)
    coming = _coming(asked.txn, asked.day, declared, settings)
    same = {"day": asked.day, "model": asked.name, "model_version": asked.version.number}
    tables = {PREFERENCES: _table(PREFERENCES, liked, same), RECURRENCES: _table(RECURRENCES, coming, same)}
    rows = next_of(coming, asked.day, declared.soon_days)
    return Scored(rows, asked.features.iloc[:0], {}, {}, tables, why_nobody=NOBODY)


def next_of(coming: pd.DataFrame, day: date, soon_days: int) -> pd.DataFrame:
    """Rows of models/scores: per customer what comes next; the score is the days until it, below 0 once it is late.

    The label is `due` inside of the window, `soon` in the days before it, `later` until then.
    """
    if coming.empty:
        return pd.DataFrame(columns=list(ROWS))
    first = coming.sort_values(["customer_id", "next_on", "about", "item"]).drop_duplicates("customer_id")
    label = [
        DUE if row.next_from <= day else SOON if row.next_from <= day + timedelta(days=soon_days) else LATER
        for row in first.itertuples()
    ]
    return pd.DataFrame(
        {
            "customer_id": first["customer_id"].to_numpy(),
            "score": [float((on - day).days) for on in first["next_on"]],
            "label": label,
            "reasons": [
                [f"{row.item}: every {row.every}, {row.times} times so far", f"{row.next_from} to {row.next_until}"]
                for row in first.itertuples()
            ],
        }
    )


def _declared(name: str, settings: Settings) -> Habits:
    return cast(Habits, settings.learned[name])


def _counts(txn: Txn, day: date, declared: Habits, settings: Settings) -> pd.DataFrame:
    """customer_id, about, value, rows."""
    parts = []
    for name, habit in declared.preferences.items():
        found = _rows(txn, day, habit, settings).groupBy("customer_id", "value").agg(F.count("*").alias("rows"))
        parts.append(cast(pd.DataFrame, found.toPandas()).assign(about=name))
    empty = pd.DataFrame({"customer_id": [], "value": [], "rows": [], "about": []}).astype({"rows": "int64"})
    return pd.concat([part for part in parts if len(part)] or [empty], ignore_index=True)


def _coming(txn: Txn, day: date, declared: Habits, settings: Settings) -> pd.DataFrame:
    parts = []
    for name, habit in declared.recurring.items():
        rows = _rows(txn, day, habit, settings).select("customer_id", F.col("value").alias("item"), "day").distinct()
        found = recurrence.expected(cast(pd.DataFrame, rows.toPandas()), day)
        parts.append(found[found["confidence"] >= declared.minimum_confidence].assign(about=name))
    empty = pd.DataFrame(columns=[*recurrence.COLUMNS, "about"])
    return pd.concat([part for part in parts if len(part)] or [empty], ignore_index=True)


def _rows(txn: Txn, day: date, habit: Habit, settings: Settings) -> DataFrame:
    """customer_id, day and value of the rows of a habit, known on the day, of customers who may be looked at."""
    counted = settings.traits[habit.rows_of]
    known = Known.of_step(txn, [day], settings)
    rows = known.on_each_day(known.rows(str(counted.over), habit.days), habit.days)
    found = rows.where(F.expr(condition_of(counted))).withColumn("value", F.col(habit.column).cast("string"))
    found = found.where(F.col("value").isNotNull()).select("customer_id", "day", "value")
    if habit.purpose:
        until = through(day, settings.general.timezone)
        found = found.join(agreed(txn.read(CONSENT), habit.purpose, until), on="customer_id", how="left_semi")
    return found


def _table(name: str, rows: pd.DataFrame, same: dict[str, Any]) -> pa.Table:
    schema = catalogue.get(name).arrow_schema()
    return pa.Table.from_pandas(rows.assign(**same)[schema.names], schema=schema, preserve_index=False)
