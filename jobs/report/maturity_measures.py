"""What the levels of maturity rest on: each measure is one query over the lake that `klantreis query` can repeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from jobs.report.sections import AFTER_REPLAYS

AREAS = ("data coverage", "identity", "consent", "timeliness", "activation", "experiments", "learning")
"""In the order of the flow: what stands further on rests on what stands before it."""

_RUN = "land files of a source (config/sources/, `klantreis init`) and run `klantreis run`"
_ACT = "add an action (config/audiences/) and push it"
FILLED_BY = {
    "ops.counts": _RUN,
    "ops.files": _RUN,
    "ops.validations": _RUN,
    "profiles.people": _RUN,
    "journeys.touchpoints": "load a dataset with contacts of customers, such as orders, events or conversations",
    "profiles.consent": "load what customers answered as the dataset `consents`",
    "activation.deliveries": _ACT,
    "decisions.effects": f"{_ACT}, with a `holdout`; the step effects tells what it did",
    "decisions.experiment_results": "begin an experiment: config/experiments/",
    "models.scores": "declare a model (config/models/); it is trained and used when it passes its checks",
}
"""How rows get into the first table that a measure needs."""


@dataclass(frozen=True)
class Measure:
    """One number of an area: `have`, of a share out of `of`. `sql` gives both, with {first} and {last} for the days."""

    name: str
    area: str
    needs: tuple[str, ...]
    """The tables it is counted from; the first is the one in which there have to be rows."""
    have: str
    """What is counted."""
    todo: str
    """What makes it more."""
    sql: str
    of: str = ""
    """What a share is of; empty for a number of things."""
    window: bool = True
    """Whether it is about the last days, so that a young lake cannot tell it."""

    def query(self, first: date, last: date) -> str:
        """The query over days from `first` to `last`."""
        return self.sql.replace("{first}", f"date '{first}'").replace("{last}", f"date '{last}'")


_ACTIONS_THAT_REACHED = """
        select audience, sum(held_out) as held_out from activation.deliveries
        where day between {first} and {last} group by audience having sum(delivered) > 0"""
_NEWEST_EFFECTS = """
        select audience, verdict in ('more', 'less', 'unclear') as judged, verdict in ('more', 'less') as decided
        from decisions.effects where metric = 'conversion' and audience <> '*'
          and day = (select max(day) from decisions.effects where day <= {last})"""

MEASURES = (
    Measure(
        "datasets", "data coverage", ("ops.counts",), "datasets that delivered",
        "connect another source: config/sources/, or `klantreis init` with its files",
        """
        select count(distinct dataset), null from ops.counts
        where arrived between {first} and {last} and accepted > 0""",
    ),
    Measure(
        "channels", "data coverage", ("journeys.touchpoints",), "channels with contacts of customers",
        "connect the source of a channel that is not there yet, such as phone, store or chat",
        """
        select count(distinct channel), null from journeys.touchpoints where day between {first} and {last}""",
    ),
    Measure(
        "accepted", "data coverage", ("ops.counts", "ops.files", "quarantine.rows", "quarantine.replays"),
        "rows that were accepted", "look at `klantreis quarantine list`, correct what is wrong and replay it",
        f"""
        select sum(accepted), sum(accepted + waiting + dropped) from ({AFTER_REPLAYS})
        where arrived between {{first}} and {{last}}""",
        of="rows that arrived",
    ),
    Measure(
        "known", "identity", ("journeys.touchpoints", "profiles.people"), "contacts of customers who are known",
        "ask for a login or a loyalty card where visitors have none; map what tells who it is (config/identity.yaml)",
        """
        select count(*) filter (known), count(*) from journeys.touchpoints join profiles.people using (customer_id)
        where day between {first} and {last}""",
        of="contacts",
    ),
    Measure(
        "joined", "identity", ("profiles.people",), "known customers whom two sources or more know",
        "map an identifier that sources share, and look at `klantreis review list`",
        "select count(*) filter (len(sources) > 1), count(*) from profiles.people where known",
        of="known customers", window=False,
    ),
    Measure(
        "answered", "consent", ("profiles.people", "profiles.consent"), "known customers with an answer about consent",
        "ask those without an answer, and load what they say as consents",
        """
        select count(*) filter (customer_id in (select customer_id from profiles.consent)), count(*)
        from profiles.people where known""",
        of="known customers", window=False,
    ),
    Measure(
        "proven", "consent", ("profiles.consent",), "granted consents with a proof",
        "map `proof` of consents: where the answer is recorded",
        """
        select count(*) filter (coalesce(proof, '') <> ''), count(*) from profiles.consent where status = 'granted'""",
        of="granted consents", window=False,
    ),
    Measure(
        "days_run", "timeliness", ("ops.validations",), "days on which data was taken in",
        "schedule the DAGs (`klantreis up`), and find out why there were days without a run",
        """
        select count(distinct day), date_diff('day', {first}, {last}) + 1 from ops.validations
        where day between {first} and {last}""",
        of="days",
    ),
    Measure(
        "on_time", "timeliness", ("ops.files",), "sources that delivered as often as they did before",
        "find out why a source went silent: `klantreis report` has what arrived when",
        """
        select count(*) filter (date_diff('day', newest, {last}) <= greatest(longest, 2)), count(*) from (
            select source, max(day) as newest, coalesce(max(gap), 7) as longest from (
                select source, day, date_diff('day', lag(day) over (partition by source order by day), day) as gap
                from (select distinct source, arrived as day from ops.files where arrived <= {last}))
            group by source)""",
        of="sources",
    ),
    Measure(
        "actions", "activation", ("activation.deliveries",), "actions that reached somebody",
        "add an action for a moment that nothing serves (config/audiences/), and see why others reach nobody: "
        "`klantreis plan`",
        f"select count(*), null from ({_ACTIONS_THAT_REACHED})",
    ),
    Measure(
        "arrived", "activation", ("activation.deliveries",), "operations that destinations accepted",
        "see why the others were refused: `klantreis ledger`",
        """
        select sum(delivered + removed), sum(delivered + removed + refused + unknown) from activation.deliveries
        where day between {first} and {last}""",
        of="operations",
    ),
    Measure(
        "held_out", "experiments", ("activation.deliveries",), "actions that hold somebody out",
        "set `holdout` of the actions that hold nobody out",
        f"select count(*) filter (held_out > 0), count(*) from ({_ACTIONS_THAT_REACHED})",
        of="actions that reached somebody",
    ),
    Measure(
        "judged", "experiments", ("activation.deliveries", "decisions.effects"), "actions whose effect has an interval",
        "hold out more people, or wait until their days have passed: `klantreis effect` says which",
        f"""
        select count(*) filter (judged), count(*) from ({_ACTIONS_THAT_REACHED}) left join ({_NEWEST_EFFECTS})
        using (audience)""",
        of="actions that reached somebody",
    ),
    Measure(
        "experiments", "experiments", ("decisions.experiment_results",), "experiments of the last year",
        "begin an experiment: config/experiments/",
        """
        select count(distinct experiment), null from decisions.experiment_results
        where day between {last} - 365 and {last}""",
        window=False,
    ),
    Measure(
        "decided", "learning", ("decisions.effects",), "actions that are known to bring more, or less",
        "stop what brings less, and give actions that are not clear yet more people or more time",
        f"select count(*) filter (decided), count(*) from ({_NEWEST_EFFECTS})",
        of="actions", window=False,
    ),
    Measure(
        "learnings", "learning", ("decisions.experiment_results",), "experiments of the last year with a learning",
        "close experiments with a `learning`",
        """
        select count(distinct experiment) filter (coalesce(learning, '') <> ''), null
        from decisions.experiment_results where day between {last} - 365 and {last}""",
        window=False,
    ),
    Measure(
        "models", "learning", ("models.scores",), "models in use",
        "declare a model of something that actions can use (config/models/), and see why others were refused: "
        "`klantreis models`",
        "select count(distinct model), null from models.scores where day between {first} and {last}",
    ),
)  # fmt: skip
