"""What customers like best, with how sure that is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jobs.models.recommend.bought import wilson

COLUMNS = ("customer_id", "about", "favourite", "share", "low", "high", "rows", "usual")
"""`share` of the customer's rows, between `low` and `high` with 95 % confidence; `usual` is that of all customers."""


def usual_shares(counts: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Per preference the share of each value in the rows of all customers."""
    found: dict[str, dict[str, float]] = {}
    for about, rows in counts.groupby("about", sort=True):
        shares = rows.groupby("value", sort=True)["rows"].sum() / rows["rows"].sum()
        found[str(about)] = {str(value): round(float(share), 6) for value, share in shares.items()}
    return found


def favourites(
    counts: pd.DataFrame, usual: dict[str, dict[str, float]], minimum_share: float, minimum_rows: int
) -> pd.DataFrame:
    """The columns COLUMNS, one row per customer and preference that is sure enough: its low end is `minimum_share`.

    `counts` has customer_id, about, value and rows. Two values that were chosen as often are no favourite.
    """
    ordered = counts.sort_values(["customer_id", "about", "rows", "value"], ascending=[True, True, False, True])
    ordered = ordered.reset_index(drop=True)
    pair = ["customer_id", "about"]
    every = ordered.groupby(pair)["rows"].transform("sum")
    first = ~ordered.duplicated(pair)
    following = ordered["rows"].shift(-1).where(~first.shift(-1, fill_value=True), 0)
    share = ordered["rows"] / every
    low, high = wilson(ordered["rows"].to_numpy(dtype=float), every.to_numpy(dtype=float))
    kept = (first & (ordered["rows"] > following) & (every >= minimum_rows) & (low >= minimum_share)).to_numpy()
    told = ordered[kept]
    shares = [
        usual.get(str(about), {}).get(str(value), 0.0)
        for about, value in zip(told["about"], told["value"], strict=True)
    ]
    return pd.DataFrame(
        {
            "customer_id": told["customer_id"].to_numpy(),
            "about": told["about"].to_numpy(),
            "favourite": told["value"].to_numpy(),
            "share": np.round(share[kept].to_numpy(dtype=float), 4),
            "low": np.round(low[kept], 4),
            "high": np.round(high[kept], 4),
            "rows": every[kept].to_numpy(dtype=np.int64),
            "usual": np.array(shares, dtype=float),
        }
    )
