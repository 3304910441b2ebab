"""Tables of the journey map: what is known about touchpoints, what could be better, and what was done about it."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "journeys/map_touchpoints",
        "one touchpoint of the catalogue, in the order of the file",
        ("touchpoint",),
        columns("""
        touchpoint string name in config/journey.yaml
        place int place in the catalogue, from 1
        title string what people call it
        stage string the stage it is meant for
        owner string who answers for it
        expected string positive, negative or neutral: how it is expected to be for the customer
        contacts bigint contacts of the window
        customers bigint customers who had any
        positive bigint contacts that went well
        negative bigint contacts that went badly
        passed bigint times it was a step of a path
        dropped bigint times a path ended there without a conversion
        experience string positive or negative if most of the contacts that were either surely were; else neutral
        insights_of_data bigint insights about it that rest on numbers
        insights_of_people bigint insights about it that rest on people
        first_day date first day of the window
        as_of date last day of the window
    """),
        scope="state",
    ),
    Dataset(
        "journeys/map_insights",
        "one insight about a touchpoint",
        ("insight",),
        columns("""
        insight string name in config/journey_map.yaml
        title string what is known
        touchpoint string the touchpoint it is about
        says string positive, negative or neutral: how the touchpoint is, if the insight holds
        kind string data or people
        state string holds, does not hold, unclear, measured (nothing to compare with), told (by people) or no data
        value double the number
        low double lower end of its 95 % interval
        high double upper end of that interval
        observations bigint rows or customers behind the number
        query string the query that gives it
        source string where it can be read what people said
        who string customers, employees or research
        said string what they said
        told_on date the day of the number, or the day people said it
        contacts bigint contacts at the touchpoint in the window, beside what people say of it
        reason string why there is no number
        as_of date last day of the window
    """),
        scope="state",
    ),
    Dataset(
        "journeys/map_opportunities",
        "one opportunity",
        ("opportunity",),
        columns("""
        opportunity string name in config/journey_map.yaml
        place int 1 for the highest score; empty without numbers
        title string what could be better
        touchpoint string where
        measured_at string transitions, funnel NAME, or contacts: what reach and loss are counted over
        reach bigint those who come there
        lost bigint those of them who are lost there
        loss double lost out of reach, 0 to 1
        loss_low double lower end of its 95 % interval
        loss_high double upper end of that interval
        effort_weeks double weeks of work, as estimated
        score double reach x loss / effort_weeks: lost ones for each week of work
        score_low double lower end of its 95 % interval
        score_high double upper end of that interval
        insights bigint insights behind it
        solutions bigint solutions for it
        as_of date last day of the window
    """),
        scope="state",
    ),
    Dataset(
        "journeys/map_solutions",
        "one solution",
        ("solution",),
        columns("""
        solution string name in config/journey_map.yaml
        title string what is done
        opportunity string what it is for
        kind string experiment, content or process
        reference string which one
        status string planned, running or closed
        kpi string the KPI it is to move
        live_from date first day on which customers met it
        days int days before and after that are compared
        days_after int of these, the days after that are known
        before double the KPI in the days before
        after double the KPI in the days after
        change double after less before
        low double lower end of the 95 % interval of the change
        high double upper end of that interval
        verdict string better, worse, no change shown, too early, or no data; empty while it is planned
        as_of date the newest day that was known
    """),
        scope="state",
    ),
    Dataset(
        "journeys/map_contradictions",
        "one contradiction on one touchpoint or between channels",
        ("kind", "touchpoint", "one", "other"),
        columns("""
        kind string claim (a number refutes it), people and data, people, channels (at one touchpoint), or conflict
        touchpoint string where; for a conflict its name in config/journey_map.yaml
        one string an insight, a channel, or a side of the conflict with its channel
        other string that which contradicts it
        told string what the two say
        customers bigint customers it concerns, where it is about single ones
        first_day date first day of the window
        as_of date last day of the window
    """),
        scope="state",
    ),
)
