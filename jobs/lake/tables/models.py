"""Tables of models: what matching keeps, features, scores, segments, evaluations."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "models/matching",
        "one version of the model that scores pairs of contact records (the newest only)",
        ("version",),
        columns("""
        version string fingerprint of the parameters
        trained_on date data up to and including this day was learned from, and it decides from this day on
        records bigint versions of contact records it learned from
        parameters string levels of agreement with their probabilities, blocking rules and priors, as JSON
    """),
        scope="state",
    ),
    Dataset(
        "models/matching_pairs",
        "one pair of versions of contact records that the model in use does not rule out",
        ("left", "right"),
        columns("""
        left string one version: key into identity/prepared, with the slots it leaves out
        right string the other one
        weight double log2 of the odds that they are one person, after conflicts
        probability double the same as a probability
        differ boolean whether a fact speaks against them beyond its weight
        conflict boolean whether they cannot be one person
        unnamed boolean whether one of them has no first name
        levels array<bigint> per comparison of the model the place of the level they agree on; -1: not told
    """),
        scope="state",
    ),
    Dataset(
        "models/matching_links",
        "one span of days on which two contacts were linked by a model before the one in use",
        ("left", "right", "first_seen"),
        columns("""
        left string one contact: identifier in identity/map
        right string the other one
        first_seen date first day of the link
        until date the day it ended, or the next model took over
        weight double log2 of the odds
        probability double the same as a probability
    """),
        scope="state",
    ),
    Dataset(
        "models/matching_terms",
        "one value of one attribute, and how common it is",
        ("slot", "value"),
        columns("""
        slot string the attribute, such as family (name)
        value string keyed hash of the value
        frequency double share of people who have it
    """),
        scope="state",
    ),
    Dataset(
        "models/features",
        "one customer on one day with a column for each trait that config/models.yaml names as a feature",
        ("day", "customer_id"),
        columns("""
        day date features use nothing known after this day
        customer_id string the customer
    """),
        scope="day",
        day_column="day",
        open=True,
    ),
    Dataset(
        "models/scores",
        "one customer, model and day",
        ("day", "model", "customer_id"),
        columns("""
        day date the day scored
        model string name of the model: that of its file in config/models
        customer_id string the customer
        score double of a classifier the probability, of segments the distance to the centre
        label string band or segment name
        model_version string version in the MLflow registry
        reasons array<string> what pushed the score most, in words
        basis string what it rests on: model, others away, others never there, recency (others away as long), base rate
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "models/value",
        "one customer who ever bought, model of kind value, and day",
        ("day", "model", "customer_id"),
        columns("""
        day date the day scored
        model string name of the model
        customer_id string the customer
        model_version string version in the MLflow registry
        alive double probability that it may still buy
        purchase_worth decimal(18,2) what its next purchase is expected to be worth, in the company's currency
        orders_90d double days with a purchase expected in the next 90 days
        orders_90d_low double a tenth of its possible futures have fewer
        orders_90d_high double a tenth of them have more
        value_90d decimal(18,2) what purchases of the next 90 days are expected to be worth
        value_90d_low decimal(18,2) a tenth of its possible futures are worth less
        value_90d_high decimal(18,2) a tenth of them are worth more
        orders_365d double the same of the next year
        orders_365d_low double a tenth have fewer
        orders_365d_high double a tenth have more
        value_365d decimal(18,2) what purchases of the next year are expected to be worth: the score
        value_365d_low decimal(18,2) a tenth are worth less
        value_365d_high decimal(18,2) a tenth are worth more
        told_by string who tells the value: trees, or the form of the model of repeat buying
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "models/survival",
        "one duration of one curve of one model version: how many customers stay so long",
        ("model", "model_version", "part", "days"),
        columns("""
        model string name of the model
        model_version string version in the MLflow registry
        part string all, or a label of the model that `survival_by` names
        days double days since the first purchase
        share double share of customers that stay longer (Kaplan-Meier)
        low double low end of its interval of 95 %
        high double high end
        at_risk bigint customers who were seen for so long, and had not left before
        ended bigint customers who left after so many days
        trained_on date the day as of which customers were looked at
    """),
    ),
    Dataset(
        "models/recommendations",
        "one item recommended to one customer by one model of kind recommend on one day",
        ("day", "model", "customer_id", "rank"),
        columns("""
        day date the day scored
        model string name of the model
        customer_id string the customer
        rank bigint place in the list of the customer, from 1
        item string what is recommended: a product_id, or a category, department or brand
        name string what people call it; the item itself where the product list has no name
        score double how much speaks for it; comes down with the rank, means nothing across customers
        because string again (bought before), similar (by what was bought) or popular
        reason string why, in words
        model_version string version in the MLflow registry
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "models/preferences",
        "one favourite of one customer on one day",
        ("day", "model", "customer_id", "about"),
        columns("""
        day date the day scored
        model string name of the model
        customer_id string the customer
        about string name of the preference in the file of the model
        favourite string the value the customer has most often
        share double share of the customer's rows that have it
        low double low end of the interval of 95 % of that share: how sure it is
        high double high end
        rows bigint rows of the customer that were looked at
        usual double share in the rows of all customers when the model was trained
        model_version string version in the MLflow registry
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "models/recurrences",
        "one thing one customer comes back for, and when it is expected next",
        ("day", "model", "customer_id", "about", "item", "next_on"),
        columns("""
        day date the day scored
        model string name of the model
        customer_id string the customer
        about string what recurs, as named in the file of the model
        item string what the customer comes back for
        every string year, month, 3 months, ... or 17 days
        times bigint how often it came so far
        next_from date first day of the window in which it is expected
        next_on date the day it is expected on
        next_until date last day of the window
        confidence double low end of the share of the times it should have come that it did
        model_version string version in the MLflow registry
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "models/segments",
        "one segment of one model version",
        ("model", "model_version", "segment"),
        columns("""
        model string name of the model
        model_version string version in the MLflow registry
        segment string name of the segment
        description string what sets it apart, in words
        customers bigint customers in it at training
        share double share of customers
        trained_on date day of the features it was trained on
    """),
    ),
    Dataset(
        "models/segment_moves",
        "one segment of the champion at the time and one of a version trained after it, with customers in both",
        ("model", "model_version", "segment_from", "segment_to"),
        columns("""
        model string name of the model
        model_version string version in the MLflow registry
        previous_version string the version that was champion when this one was judged
        segment_from string name of the segment in the champion
        segment_to string name of the segment in this version
        customers bigint customers in both, of those it was trained on
        share double share of all those customers
    """),
    ),
    Dataset(
        "models/evaluations",
        "one metric of one trained model version",
        ("model", "model_version", "metric"),
        columns("""
        model string name of the model
        model_version string version in the MLflow registry
        day date the day it was trained for
        metric string auc, stability, ...; limit, outcome and interval are auc.limit, auc.passed, auc.low, auc.high
        value double the value
        decision string promoted, refused or awaiting approval
        reason string why
    """),
    ),
)
