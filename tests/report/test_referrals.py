"""Referrals: an edge from who handed on a code to who came by it, once, whatever was delivered how often.

Costs about 2 s.
"""

import datetime as dt

from jobs.lake.queries import connect
from jobs.report.referrals import EDGES, REFERRALS

AT = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)


def code(text):
    return f'{{"referral_code": "{text}"}}' if text else None


def row(source, day, line, **more):
    arrived = dt.date(2024, 5, day)
    return {"source": source, "arrived": arrived, "updated_at": AT + dt.timedelta(days=day), "file_id": f"f{day}",
            "line": line, **more}  # fmt: skip


def test_who_came_by_the_code_of_another_counts_once(lake_of):
    people = {"ann": "ANN-1", "bob": "BOB-1", "cy": "", "di": "TWO", "ed": "TWO", "flo": ""}
    orders = [  # customer, order, how manieth, code
        ("cy", "1", 1, " ann-1"),  # came by Ann, as written by hand
        ("cy", "2", 2, "ANN-1"),  # is no new customer any more
        ("bob", "3", 1, "BOB-1"),  # his own code
        ("di", "4", 1, ""),
        ("flo", "5", 1, "SUMMER"),  # of nobody known
        ("ed", "6", 1, "TWO"),  # the code of two people is nobody's
        ("ann", "7", None, "BOB-1"),  # was cancelled, so no purchase
    ]
    loaded = lake_of({
        "valid/contacts": [
            row("crm", day, n, contact_id=name, attributes=code(own))
            for day in (1, 2) for n, (name, own) in enumerate(people.items())
        ],
        "valid/orders": [
            row("shop", day, n, order_id=order, contact_id=name, attributes=code(used))
            for day in (1, 2) for n, (name, order, _, used) in enumerate(orders)
        ],
        "journeys/touchpoints": [
            *({"touchpoint_id": f"r{name}", "customer_id": f"c-{name}", "type": "registration", "source": "crm",
               "reference": name, "nth": 1, "day": AT.date()} for name in people),
            *({"touchpoint_id": f"o{order}", "customer_id": f"c-{name}", "type": "order", "source": "shop",
               "reference": order, "nth": nth, "day": AT.date(), "amount": 10} for name, order, nth, _ in orders),
        ],
    })  # fmt: skip
    database = connect(loaded)
    found = database.sql(f"select referrer, customer from ({EDGES}) order by customer").fetchall()
    assert found == [("c-ann", "c-cy"), (None, "c-ed"), (None, "c-flo")]
    assert database.sql(REFERRALS.sql).fetchall() == [(dt.date(2024, 5, 1), 3, 1, 1, 30)]
