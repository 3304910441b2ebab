"""Tables of KPIs: their values, their registry, what is usual, where they go, and what a person has to see."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "journeys/kpis",
        "one KPI in one day, week or month, whole or for one part of a dimension",
        ("period", "day", "kpi", "dimension", "part"),
        columns("""
        period string day, week (from Monday) or month
        day date the first day of the period
        stage string the stage it belongs to
        kpi string name of the KPI, see journeys/kpi_registry
        dimension string all, or what it is divided by, such as channel
        part string all, or the part it is for, such as email; unknown where rows have none
        value double the value; empty with a reason
        low double lower end of its 95 % interval; empty for counts and for numbers of too few rows
        high double upper end of that interval
        numerator double what is counted
        denominator double out of what; empty for counts
        sample bigint observations behind a value that has a denominator
        small boolean whether these are fewer than the smallest sample of the KPI
        reason string why there is no value: no_rows (denominator 0) or no_source (no dataset it needs ever had a row)
        complete boolean whether all days of the period are known and have ended
        on_target boolean of whole values of complete periods of the length the target is for: whether it was reached
        unit string count, share, currency, points, score, minutes, per visit, per solution, steps
        squares double sum over rows of what each adds to the numerator, squared
        products double sum over rows of what each adds to the numerator times what it adds to the denominator
        denominator_squares double sum over rows of what each adds to the denominator, squared
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/kpi_registry",
        "one KPI of config/journey.yaml",
        ("kpi",),
        columns("""
        kpi string name
        stage string the stage it belongs to
        title string short title
        definition string what it means
        unit string count, share, currency, points, score, minutes, per visit, per solution, steps
        counted_over string table whose rows are counted
        condition string which of these rows
        numerator string what is counted
        denominator string out of what; empty: the numerator is the value
        dimensions array<string> what it is divided by
        needs array<string> datasets without which there is no value
        owner string who answers for it
        target double value hoped for
        direction string which way is better: up or down
        per string the period that target and alert are about: day, week or month
        alert_at double a value as far from the target as this, or farther, raises an alert
        alert_unusual boolean whether a value outside of its forecast raises an alert
        origin string standard: known in the field; or own
        smallest_sample bigint fewer observations make a value small
    """),
        scope="state",
    ),
    Dataset(
        "journeys/kpi_outlook",
        "one KPI on one day: what it should have been, or what it will be",
        ("kpi", "day"),
        columns("""
        kpi string name of the KPI, as a whole
        day date the day
        is_forecast boolean whether the day is still to come
        value double what it was; empty for days to come
        expected double what the same weekday of the eight weeks before leads to expect
        low double lower end of the 95 % interval, by how wrong the same forecast was before
        high double upper end of that interval
        unusual boolean whether the value is farther away than noise goes; false for small samples
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/kpi_trends",
        "one KPI with enough days: whether it moves",
        ("kpi",),
        columns("""
        kpi string name of the KPI, as a whole
        as_of date the newest day
        direction string up or down if the interval of per_week says so, else flat
        per_week double change of the daily value per week, over the last eight weeks
        low double lower end of its 99 % interval
        high double upper end of that interval
        broke_on date first day of the level of today, if it has broken in the last 26 weeks
        before double median of the level before
        after double median since
    """),
        scope="state",
    ),
    Dataset(
        "journeys/alerts",
        "one value of a KPI that a person has to see",
        ("kpi", "period", "day", "kind"),
        columns("""
        kpi string name of the KPI
        period string day, week or month
        day date first day of the period
        kind string target: as bad as its alert says; unusual: not what was to be expected; shift: lastingly worse
        value double the value
        target double value hoped for
        why string in a sentence, with the numbers
        stage string the stage the KPI belongs to
        title string its title
        unit string its unit
        owner string who answers for it
    """),
        scope="state",
        day_column="day",
    ),
)
