"""Tables of what the journeys of a window of days tell: funnels, paths, attribution, which micro-moments matter."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "journeys/funnels",
        "one step of one funnel, for the customers who began it in one period",
        ("funnel", "period", "begins", "step"),
        columns("""
        funnel string name of the funnel in config/journey.yaml
        period string window: all days that are looked at; or day, week or month, by the first step
        begins date first day of the period
        ends date last day of the period
        step int place of the step, from 1
        name string name of the step
        customers bigint customers of the period who came to this step; of several tries the one that came farthest
        dropped bigint of these, who did not come to the next step in time
        waiting bigint of these, who did not come to the next step yet and still have time
        share_of_first double customers out of those of the first step, 0 to 1
        share_of_previous double customers out of those of the step before, 0 to 1; empty for the first
        median_seconds double half of the customers took less time from the step before; empty without an order of steps
        as_of date the newest day that was known
    """),
        scope="state",
    ),
    Dataset(
        "journeys/transitions",
        "one step of paths and one that followed it directly",
        ("from_step", "to_step"),
        columns("""
        from_step string the step; (start) before the first of a path
        to_step string the next one; (conversion), (drop-off) or (open) where the path ends
        transitions bigint how often
        share_of_from double out of all that followed from_step, 0 to 1: the next steps
        share_of_to double out of all that came before to_step, 0 to 1: the previous steps
        is_loop boolean whether the step was repeated
        median_seconds double half took less time from one to the other; empty where a path begins or ends unconverted
        first_day date first day of the window
        as_of date last day of the window
    """),
        scope="state",
    ),
    Dataset(
        "journeys/paths",
        "one way through the contacts, and how it ended",
        ("path", "outcome"),
        columns("""
        path string steps joined by >; (no contact) before a conversion without any; (other) for all rare and long ones
        outcome string conversion, drop-off or open
        place int 1 for the most frequent path, whatever its outcome; empty for (other)
        steps int steps of the path, repeats in a row as the configuration says; empty for (other)
        paths bigint how many customers' ways were like this; one customer can have several
        customers bigint of how many customers
        contacts bigint contacts on them, with all repeats
        conversions bigint conversions at their ends
        value decimal(18,2) what these were worth
        share double out of all paths of all outcomes, 0 to 1
        median_seconds double half of them took less time from the first contact to the last, or to the conversion
        first_day date first day of the window
        as_of date last day of the window
    """),
        scope="state",
    ),
    Dataset(
        "journeys/attribution",
        "one model's credit to one channel, campaign or whatever else is declared",
        ("model", "dimension", "credited"),
        columns("""
        model string first, last, linear, position, time_decay, markov or shapley
        dimension string what gets credit: channel, campaign or another name of attribute_to
        credited string the channel or campaign; (none) for conversions that no contact led to
        orders double conversions credited, in parts of millionths; they add up to all conversions for each model
        revenue decimal(18,2) value credited; it adds up to the value of all conversions
        share double orders out of all conversions, 0 to 1
        cost decimal(18,2) what it cost in the window, where that is known
        cost_per_order double cost for each order credited
        conversions bigint all conversions of the window
        first_day date first day of the window
        as_of date last day of the window
    """),
        scope="state",
    ),
    Dataset(
        "journeys/moment_effects",
        "one type of micro-moment and what it is compared with",
        ("type", "comparison"),
        columns("""
        type string know, go, do or buy
        comparison string had: visits with it against visits without; served: against failed; failed: against without
        place int 1 for the one whose interval is farthest from 0
        visits bigint visits of the first kind in the window
        matched bigint of these, that visits of the other kind are like in all of `match_on` and other micro-moments
        controls bigint visits of the other kind that they are compared with
        rate double of those matched, the share after which an order came in time, 0 to 1
        rate_without double the same of the controls, weighed as those matched
        effect double rate less rate_without: 0.1 is ten orders more after a hundred such visits
        low double lower end of its 95 % interval
        high double upper end
        orders double effect times matched: orders more, or fewer, than after visits of the other kind
        is_small boolean whether one side has fewer visits than `smallest_sample`
        reason string why there is no effect: no visits, or none alike
        within_days int so many days after the visit an order counts; for served and failed after the visit was over
        first_day date first day of the visits
        last_day date last day of the visits: since then within_days have passed
        as_of date the newest day that was known
    """),
        scope="state",
    ),
    Dataset(
        "journeys/moment_contrast",
        "one type of micro-moment, or one type of contact without one",
        ("kind",),
        columns("""
        kind string know, go, do or buy: visits with that micro-moment, the most confident one; else the type of contact
        is_moment boolean whether it is a micro-moment
        contacts bigint contacts in the window; all kinds add up to all touchpoints of it
        customers bigint of how many customers
        converted double share after which an order came within_days, 0 to 1
        mobile double share on a phone, of those with a device, 0 to 1; empty if none has one
        median_seconds double half of the visits lasted less
        predictability double times likelier than chance that two of them begin in one hour of the week; 1 is chance
        served double of micro-moments, the share that was served, 0 to 1
        median_seconds_to_answer double half were answered sooner: served, or the conversation solved
        within_days int so many days after the contact an order counts
        first_day date first day of the contacts
        last_day date last day of the contacts
        as_of date the newest day that was known
    """),
        scope="state",
    ),
)
