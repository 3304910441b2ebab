"""Credit notes are documents of their own: money given back for the order that they name."""

import pytest
from pyspark.sql import functions as F

from jobs.activity.orders import outcome
from jobs.validate.versions.credit_notes import below_zero


@pytest.mark.parametrize(
    ("credits", "total", "counts", "is_a"),
    [
        (None, "50.00", "50.00", "completed"),
        (" ", "50.00", "50.00", "completed"),
        ("o1", "50.00", "-50.00", "credit"),
        ("o1", "-50.00", "-50.00", "credit"),
        ("o1", "0.00", "0.00", "credit"),
        (None, "-50.00", "-50.00", "credit"),
    ],
)
def test_a_document_that_credits_an_order_gives_money_back_however_it_is_written(rows, credits, total, counts, is_a):
    told = rows("valid/orders", {"order_id": "c1", "credits": credits, "total": total, "status": "completed"})
    (found,) = below_zero(told).withColumn("is_a", outcome(F.col("total"))).collect()
    assert (str(found["total"]), found["is_a"]) == (counts, is_a)
