"""The report of how fast pages are: percentiles by touchpoint, moment and device."""

import datetime as dt

import pyarrow as pa

from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.report.sections import sections

DAY = dt.date(2017, 3, 1)


def test_three_in_four_pages_are_at_least_as_good_as_what_is_told(settings):
    found = settings()
    lake = Lake.of(found)
    pages = [
        {"source": "web", "event_id": str(n), "session_id": "s1", "day": DAY, "device": "mobile", "moment": "buy",
         "lcp": lcp, "inp": inp}
        for n, (lcp, inp) in enumerate([(1.0, None), (2.0, 0.1), (3.0, 0.3), (4.0, None), (None, None)])
    ]  # fmt: skip
    pages.append({"source": "web", "event_id": "z", "session_id": "s2", "day": DAY, "cls": 0.05})
    visit = {"touchpoint_id": "visit:web:s1", "type": "visit", "reference": "s1", "touchpoint": "visit_by_ad"}
    for name, rows in (("journeys/vitals", pages), ("journeys/touchpoints", [visit])):
        table = pa.Table.from_pylist(rows, catalogue.get(name).arrow_schema())
        lake.replace(name, table, lake.transaction("test", DAY, config=name))
    (told,) = [rows for section, _, rows in sections(found) if section.title.startswith("How fast")]
    assert told == [
        ("visit_by_ad", "buy", "mobile", 5, 3.25, 0.25, None),
        ("visit", "none", "unknown", 1, None, None, 0.05),
    ]
