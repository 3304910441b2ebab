"""What the report says of stages: they add up to everybody, and who went where after how long."""

import datetime as dt

from jobs.report.sections import sections

DAY = dt.date(2024, 3, 1)


def shown(settings, title):
    (found,) = [(columns, rows) for section, columns, rows in sections(settings) if title in section.title]
    columns, rows = found
    return [dict(zip(columns, row, strict=True)) for row in rows]


def stay(customer, stage, state="active", kind="customer", until=None):
    return {"customer_id": customer, "stage": stage, "state": state, "kind": kind, "valid_from": DAY, "valid_to": until}


def test_customers_and_visitors_per_stage_add_up_to_everybody_with_those_who_had_no_contact(lake_of):
    everybody = [{"customer_id": one, "known": one[0] == "c"} for one in ("c1", "c2", "c3", "v1", "v2")]
    stays = [
        *(stay("c1", "loyalty", "lapsed"), stay("c2", "awareness"), stay("c2", "purchase", until=DAY)),
        stay("v1", "awareness", kind="visitor"),
    ]
    found = shown(lake_of({"profiles/customers": everybody, "journeys/stages": stays}), "per journey stage")
    assert [tuple(row.values()) for row in found] == [
        ("awareness", "active", 1, 33.3, 1),
        ("loyalty", "lapsed", 1, 33.3, 0),
        ("none: no contact yet", None, 1, 33.3, 1),
    ]
    assert sum(row["customers"] + row["visitors"] for row in found) == len(everybody)


def test_moves_say_how_many_went_where_after_how_long_and_what_it_was_worth(lake_of):
    def move(customer, before, after, days, value=None, allowed=True, kind="customer"):
        told = {"customer_id": customer, "day": DAY, "kind": kind, "from_stage": before, "to_stage": after}
        return {**told, "days_before": days, "value": value, "allowed": allowed}

    moves = [
        move("c1", None, "awareness", None),
        move("c1", "awareness", "purchase", 3, 10),
        move("c2", "awareness", "purchase", 9),
        move("c3", "awareness", "loyalty", 5, 4, allowed=False),
        move("v1", "awareness", "consideration", 1, kind="visitor"),
    ]
    found = shown(lake_of({"journeys/stage_moves": moves}), "from stage to stage")
    assert [tuple(row.values()) for row in found] == [
        ("awareness", "purchase", 2, 2, 66.7, 6.0, 10.0, 0),
        ("awareness", "loyalty", 1, 1, 33.3, 5.0, 4.0, 1),
    ]
