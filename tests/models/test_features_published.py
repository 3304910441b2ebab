"""Features of real customers agree with numbers published by others."""

import datetime as dt

import pandas as pd
import pytest

from jobs.activity.known_rows import Known
from jobs.activity.on_days import values_on

WEEK_39 = dt.date(1997, 9, 30)


def test_recency_frequency_and_age_of_cdnow_customers_are_those_published(shop_tables, model_settings, published):
    """Fader, Hardie and Lee's summary of 2,357 customers after 39 weeks: repeat days, week of the last one, age."""
    folder = published("orders_cdnow")
    bought = pd.read_csv(folder / "cdnow_sample_transactions.csv.gz")
    expected = pd.read_csv(folder / "cdnow_rfm_summary_week39.csv.gz").set_index("ID").sort_index()
    days = bought.groupby(["customer_id", "date"], as_index=False)["amount"].sum()
    orders = [
        {
            "order_id": f"{row.customer_id}-{row.date}",
            "loyalty_id": str(row.customer_id),
            "ordered_at": f"{pd.Timestamp(str(row.date)):%Y-%m-%d} 12:00:00",
            "total": round(row.amount, 2),
        }
        for row in days.itertuples()
    ]
    settings = model_settings()
    traits = {name: settings.traits[name] for name in ("tenure_days", "recency_days", "orders_all", "revenue_all")}
    known = Known(*shop_tables(settings, orders), [WEEK_39], settings)
    found = values_on(known, traits).toPandas().astype({"revenue_all": float})
    found = found.set_index(found["customer_id"].astype(int)).sort_index()

    assert found.index.tolist() == expected.index.tolist()
    assert (found["orders_all"] - 1).tolist() == expected["frequency"].tolist()
    assert (found["tenure_days"] / 7).tolist() == pytest.approx(expected["T"].tolist(), abs=0.006)
    last = (found["tenure_days"] - found["recency_days"]) / 7
    assert last.tolist() == pytest.approx(expected["recency"].tolist(), abs=0.006)
    spent = days[days["date"] <= 19970930].groupby("customer_id")["amount"].sum()
    assert found["revenue_all"].tolist() == pytest.approx(spent.tolist(), abs=1e-6)
