"""Tables of experiments: which there are, and what they tell."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "decisions/experiments",
        "one experiment that began",
        ("experiment",),
        columns("""
        experiment string name of its file in config/experiments/
        began date first day on which people were drawn
        salt string what the draw depends on, never used again
        signature string hash of all that the draw depends on: it must not change while the experiment runs
    """),
    ),
    Dataset(
        "decisions/experiment_results",
        "one metric of one variant against the control of one experiment, as it was known on one day",
        ("day", "experiment", "metric", "variant"),
        columns("""
        day date the day up to which all is known
        experiment string the experiment
        metric string a KPI of journey.yaml
        role string primary (decides) or guardrail (must not get worse)
        variant string the variant
        units bigint customers, or households, that got it and whose days have passed
        control_units bigint the same of the control
        mixed bigint left out of both, since parts of them got different variants
        needed bigint units in the whole experiment to see the minimum effect with the power asked for
        days_left bigint days until there are so many, at the speed so far; empty while nobody got anything
        mean double value of the KPI per unit, or of its ratio
        control_mean double the same of the control
        difference double between both, narrowed by what the same units did before if the KPI is no ratio
        low double lower end of the interval; while experiments may stop on any day it holds however often one looks
        high double its upper end
        p_value double of a two-sided test for a single look, not corrected
        confidence double of the interval: 95 %, of the primary metric more the more variants there are
        verdict string better, worse, no_matter (less than would matter), unclear, too_early, too_few or sample_ratio
        said string the same in words, and what to do
        learning string what was learned, of a closed experiment
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "decisions/allocations",
        "one variant of one adaptive experiment on one day",
        ("day", "experiment", "variant"),
        columns("""
        day date the day; what it was drawn by was known the evening before
        experiment string the experiment
        variant string the variant
        method string thompson or linucb
        floor double the chance that every variant keeps
        learned_from bigint draws of the variant whose days had passed
        mean double what came of such a draw in the primary KPI, each weighed by one over the chance it was drawn with
        chance double with which it was drawn, on average of those drawn that day; empty if nobody was, by linucb
        drawn bigint customers drawn for it that day
    """),
        scope="day",
        day_column="day",
    ),
)
