"""Who is in an audience on a day."""

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.activity.known_rows import Known
from jobs.activity.on_days import values_on
from jobs.audiences import membership, rules
from jobs.audiences.waiting import came_out
from jobs.config.actions import audience_checks
from jobs.config.actions.audiences import After
from jobs.config.traits import needed
from jobs.lake.lake import Lake
from tests.company import FOR_ACTION, MINIMAL
from tests.table_rows import table_rows

DAY = dt.date(2017, 6, 1)
SHIPPED = Path(__file__).resolve().parents[2] / "config"
BASE = {"title": "t", "goal": "g", "owner": "o", **FOR_ACTION, "stage": "loyalty", "purpose": "ads", "send_to": {},
        "holdout": 0}  # fmt: skip


@pytest.fixture
def world(settings):
    """`world({audience: rule}, table=[rows], ...)`: members of each audience on DAY."""

    def build(rules, holdout=0, **tables):
        loaded = settings(
            {
                f"audiences/{name}.yaml": {**BASE, "audience": name, "where": rule, "holdout": holdout}
                for name, rule in rules.items()
            }
        )
        lake = Lake.of(loaded)
        for name, records in tables.items():
            table = name.replace("_", "/", 1)
            open_ = table == "profiles/traits"
            schema = lake.contract(table).arrow_schema()
            data = pa.Table.from_pylist(records, schema) if open_ else table_rows(table, *records)
            lake.replace(table, data, lake.transaction("test", DAY, config=name))
        membership.run(DAY, loaded)
        return lake.arrow("audiences/members", day=DAY).sort_by("customer_id").to_pylist()

    return build


def test_who_objects_is_in_no_audience_that_looks_at_scores_and_who_is_restricted_in_none(settings, rows):
    rules = {"scored": "coalesce(score_churn, 0) < 0.9", "placed": "known", "known": "known"}
    actions = {name: {**BASE, "audience": name, "where": rule} for name, rule in rules.items()}
    actions["placed"] |= {"value": "case when label_segmentation is null then 5.0 else 1.0 end"}
    actions["placed"]["effect"] = {"margin": 1.0, "cost": 0.0}
    identity = {**MINIMAL["identity.yaml"], "objections": {"profiling": "profiling", "restriction": "processing"}}
    loaded = settings({"identity.yaml": identity} | {f"audiences/{n}.yaml": one for n, one in actions.items()})
    lake, same = Lake.of(loaded), {"channel": "any", "status": "withdrawn"}
    tables = {
        "profiles/people": customers("ann", "bob", "cor", "dan"),
        "models/scores": [{"day": DAY, "model": "churn", "customer_id": one, "score": 0.1} for one in ("ann", "bob")],
        "profiles/consent": [
            {**same, "customer_id": "bob", "purpose": "profiling"},
            {**same, "customer_id": "cor", "purpose": "processing"},
            {**same, "customer_id": "dan", "purpose": "marketing"},
        ],
    }
    for name, records in tables.items():
        lake.replace(name, rows(name, *records), lake.transaction("test", DAY, config=name))
    membership.run(DAY, loaded)
    found = lake.arrow("audiences/members", day=DAY).sort_by("customer_id").to_pylist()
    assert {name: in_audience(found, name) for name in rules} == {
        "scored": ["ann", "dan"], "placed": ["ann", "dan"], "known": ["ann", "bob", "dan"]
    }  # fmt: skip


def customers(*names, **values):
    return [{"customer_id": name, "known": True, "customer_since": "2017-01-01", **values} for name in names]


def in_audience(found, audience):
    return [row["customer_id"] for row in found if row["audience"] == audience]


def test_nobody_is_in_an_action_after_its_last_day(settings):
    files = {f"audiences/{name}.yaml": {**BASE, "audience": name, "where": "known", "expires": str(last)}
             for name, last in (("over", DAY - dt.timedelta(days=1)), ("lasts", DAY))}  # fmt: skip
    loaded = settings(files)
    lake = Lake.of(loaded)
    lake.replace("profiles/people", table_rows("profiles/people", *customers("c1")), lake.transaction("test", DAY))
    membership.run(DAY, loaded)
    assert [row["audience"] for row in lake.arrow("audiences/members", day=DAY).to_pylist()] == ["lasts"]
    today = dt.date(2098, 1, 1)
    (note,) = audience_checks.notes(loaded.folder, loaded.audiences, loaded.sources, dt.date(2017, 6, 1))
    assert "over.yaml:5: expires: expired on 2017-05-31" in note
    assert len(list(audience_checks.notes(loaded.folder, loaded.audiences, loaded.sources, today))) == 2


def test_nobody_is_in_an_action_without_a_source_it_needs_and_check_says_so(settings):
    needs = {"none": [], "has": ["contacts"], "own": ["crm/contacts"], "lacks": ["contacts", "tickets"]}
    needs["other"] = ["desk/contacts"]
    files = {f"audiences/{name}.yaml": {**BASE, "audience": name, "where": "known", "needs": some}
             for name, some in needs.items()}  # fmt: skip
    loaded = settings(files)
    lake = Lake.of(loaded)
    lake.replace("profiles/people", table_rows("profiles/people", *customers("c1")), lake.transaction("test", DAY))
    membership.run(DAY, loaded)
    found = {row["audience"] for row in lake.arrow("audiences/members", day=DAY).to_pylist()}
    assert found == {"none", "has", "own"}
    notes = list(audience_checks.notes(loaded.folder, loaded.audiences, loaded.sources, DAY))
    assert [note.partition("audiences/")[2] for note in notes if "needs" in note] == [
        f"{name}.yaml:{line}: needs: no source delivers {what}: it is off, and nobody is in it; add such a source to "
        "config/sources, or delete the file"
        for name, line, what in (
            ("lacks", loaded_line(loaded, "lacks"), "tickets"),
            ("other", loaded_line(loaded, "other"), "desk/contacts"),
        )
    ]


def loaded_line(loaded, name):
    lines = (loaded.folder / "audiences" / f"{name}.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith("needs:"))


def test_a_rule_can_ask_how_long_it_is_until_a_date(world):
    found = world(
        {"today": f"known and date_diff(date '{DAY + dt.timedelta(days=40)}', today) = 40"},
        profiles_people=customers("c1"),
    )
    assert in_audience(found, "today") == ["c1"]


def test_a_rule_sees_profile_stage_scores_and_traits(world):
    found = world(
        {"a": "known and stage = 'loyalty' and days_in_stage = 31 and label_churn = 'high' and label_segmentation = "
              "'Stars' and orders_90d > 3 and recency_days = 7 and age = 29"},
        profiles_people=customers("c1", "c2", age=29),
        journeys_stages=[
            {"customer_id": name, "stage": "loyalty", "valid_from": "2017-05-20", "since": "2017-05-01"}
            for name in ("c1", "c2")
        ],
        models_scores=[
            {"day": "2017-05-30", "model": "churn", "customer_id": "c1", "score": 0.7, "label": "high"},
            {"day": "2017-05-30", "model": "segmentation", "customer_id": "c1", "label": "Stars"},
        ],
        profiles_traits=[{"customer_id": "c1", "as_of": DAY, "orders_90d": 4, "recency_days": 7}],
    )  # fmt: skip
    assert in_audience(found, "a") == ["c1"]
    seen = json.loads(found[0]["evidence"])
    assert (seen["stage"], seen["recency_days"], seen["known"], seen["orders_90d"]) == ("loyalty", 7, True, 4)


def test_nothing_after_the_day_is_seen(world):
    found = world(
        {"a": "stage = 'loyalty' or recency_days is not null or orders_90d > 0 or score_churn > 0",
         "b": "stage = 'awareness' and orders_90d = 0"},
        profiles_people=[*customers("c1"), *customers("c2", customer_since="2017-06-02")],
        journeys_stages=[
            {"customer_id": "c1", "stage": "awareness", "valid_from": "2017-01-01", "valid_to": "2017-06-01"},
            {"customer_id": "c1", "stage": "loyalty", "valid_from": "2017-06-02"},
        ],
        models_scores=[{"day": "2017-06-02", "model": "churn", "customer_id": "c1", "score": 0.7, "label": "high"}],
        identity_map=[{"identifier": "i", "customer_id": "c1"}],
        profiles_traits=[{"customer_id": "c1", "as_of": dt.date(2017, 6, 2), "orders_90d": 4, "recency_days": 0}],
    )  # fmt: skip
    assert in_audience(found, "a") == []
    assert in_audience(found, "b") == ["c1"]


def test_who_buys_after_leaving_a_basket_drops_out(settings, rows):
    """The traits of the shipped configuration, over baskets and orders of journeys/*."""
    files = {name: (SHIPPED / name).read_text() for name in ("traits.yaml", "models.yaml")}
    loaded = settings(files)
    wanted = needed(["basket_items", "basket_age_days"], loaded.traits)

    def cart(name, at, **values):
        return {"cart_id": f"k{name}{at}", "customer_id": name, "items": 2, "status": "open", "last_at": at, **values}

    def bought(name, at):
        return {"customer_id": name, "type": "order", "subject": "completed", "occurred_at": at}

    tables = {
        "journeys/carts": [
            cart("left", "2017-05-30T10:00:00"),
            cart("bought_in_store", "2017-05-30T10:00:00"),
            cart("ordered", "2017-05-30T10:00:00", status="ordered", day="2017-06-01"),
            cart("ordered_later", "2017-05-30T10:00:00", status="ordered", day="2017-06-02"),
            cart("old", "2017-05-20T10:00:00", status="abandoned", day="2017-05-21"),
        ],
        "journeys/touchpoints": [
            bought("bought_in_store", "2017-05-31T10:00:00"),
            bought("left", "2017-05-30T09:00:00"),
        ],
    }
    known = Known(lambda name: rows(name, *tables[name]), rows("identity/map"), [DAY], loaded, published=True)
    found = values_on(known, {name: loaded.traits[name] for name in wanted}).collect()
    baskets = {row["customer_id"]: (row["basket_items"], row["basket_age_days"]) for row in found}
    nothing = (None, None)
    assert baskets == {"left": (2, 2), "ordered_later": (2, 2), "old": (2, 12), "bought_in_store": nothing}


def test_the_holdout_is_sticky_within_binomial_bounds_and_differs_per_audience(world):
    names = [f"c{number}" for number in range(4000)]
    found = world({"a": "known", "b": "known"}, holdout=0.1, profiles_people=customers(*names))
    held = {a: {r["customer_id"] for r in found if r["audience"] == a and r["arm"] == "holdout"} for a in ("a", "b")}
    # Standard deviation 19; five of them.
    assert all(abs(len(group) - 400) < 95 for group in held.values())
    assert len(held["a"] & held["b"]) < 95

    more = world({"a": "known", "b": "known"}, holdout=0.2, profiles_people=customers(*names))
    assert held["a"] <= {r["customer_id"] for r in more if r["audience"] == "a" and r["arm"] == "holdout"}


def test_a_second_run_changes_nothing(world, settings):
    found = world({"a": "known"}, profiles_people=customers("c1"))
    loaded = settings({"audiences/a.yaml": {**BASE, "audience": "a", "where": "known"}})
    lake = Lake.of(loaded)
    before = lake.version("audiences/members")
    membership.run(DAY, loaded)
    assert lake.version("audiences/members") == before
    assert len(found) == 1


def test_a_rule_that_is_not_allowed_stops_the_step(world):
    from jobs.config.yaml_files import ConfigError

    with pytest.raises(ConfigError, match="unknown column 'email'"):
        world({"a": "email is not null"}, profiles_people=customers("c1"))


def test_evidence_is_valid_json_whatever_the_values(world):
    found = world({"a": "city is not null"}, profiles_people=customers("c1", city='s-Gra"ven\\hage\n'))
    assert json.loads(found[0]["evidence"]) == {"city": 's-Gra"ven\\hage '}


def test_traits_can_be_used_in_rules_and_are_kept_as_evidence(settings):
    trait = {"title": "Last topic", "over": "conversations", "value": "latest(topic)", "type": "string"}
    since = {"title": "Last talk", "over": "conversations", "value": "max(day)", "type": "date"}
    rule = {**BASE, "audience": "a", "where": "last_topic = 'delivery'", "evidence": ["talked_on"]}
    loaded = settings({"audiences/a.yaml": rule, "traits.yaml": {"traits": {"last_topic": trait, "talked_on": since}}})
    lake = Lake.of(loaded)
    txn = lake.transaction("test", DAY)
    lake.replace("profiles/people", table_rows("profiles/people", *customers("c1", "c2")), txn)
    contract = lake.contract("profiles/traits").arrow_schema()
    told = {"customer_id": "c1", "as_of": DAY, "last_topic": "delivery", "talked_on": DAY}
    lake.replace("profiles/traits", pa.Table.from_pylist([told], contract), txn)
    membership.run(DAY, loaded)
    (row,) = lake.arrow("audiences/members", day=DAY).to_pylist()
    assert (row["customer_id"], json.loads(row["evidence"])) == (
        "c1",
        {"last_topic": "delivery", "talked_on": "2017-06-01"},
    )


def test_a_trait_that_is_named_like_a_column_of_the_view_is_refused(settings):
    trait = {"title": "t", "over": "orders", "value": "count(*)", "type": "bigint"}
    loaded = settings({"traits.yaml": {"traits": {"age": trait}}})
    assert rules.check(loaded)[0].endswith("traits.age: audience rules know another 'age'; rename it")


def test_what_an_action_brings_is_revenue_times_margin_less_cost_and_who_brings_less_is_kept_away(settings):
    files = {
        "audiences/worth.yaml": {**BASE, "audience": "worth", "where": "known", "value": "10.0 * days_known",
                                 "effect": {"margin": 0.5, "cost": 5.0}},
        "audiences/plain.yaml": {**BASE, "audience": "plain", "where": "known", "purpose": "marketing"},
        "audiences/stale.yaml": {**BASE, "audience": "stale", "where": "known and score_churn is null",
                                 "when": {"evidence_days": 3}},
        "contact_policy.yaml": {
            "keep_away": [{"reason": "minor", "when": "age < 18", "purposes": ["marketing"]}],
            "zone": "case country when 'PT' then 'Europe/Lisbon' end",
        },
    }  # fmt: skip
    loaded = settings(files)
    lake = Lake.of(loaded)
    people = [
        *customers("c1", country="PT", age=17), {"customer_id": "c2", "known": True, "customer_since": "2017-06-01"},
    ]  # fmt: skip
    lake.replace("profiles/people", table_rows("profiles/people", *people), lake.transaction("test", DAY))
    membership.run(DAY, loaded)
    found = lake.arrow("audiences/members", day=DAY).to_pylist()
    told = {(row["audience"], row["customer_id"]): (row["gain"], row["kept_away"], row["zone"]) for row in found}
    assert told == {
        ("worth", "c1"): (750.0, None, "Europe/Lisbon"), ("worth", "c2"): (-5.0, "no_gain", None),
        ("plain", "c1"): (None, "minor", "Europe/Lisbon"), ("plain", "c2"): (None, None, None),
        ("stale", "c1"): (None, "evidence_too_old", "Europe/Lisbon"), ("stale", "c2"): (None, "evidence_too_old", None),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "days", "expected"),
    [
        ("sent", 3, ["c1", "c2", "c3"]), ("opened", 3, ["c1"]), ("not_opened", 3, ["c2", "c3"]), ("sent", 4, ["c1"]),
        ("not_clicked", 3, []), ("ordered", 3, ["c3"]), ("not_ordered", 3, ["c1", "c2"]),
    ],
)  # fmt: skip
def test_an_action_waits_for_how_another_came_out(rows, outcome, days, expected):
    def contact(customer, kind, ago, subject="welcome"):
        day = DAY - dt.timedelta(days=ago)
        return {"touchpoint_id": f"{customer}{kind}{ago}{subject}", "customer_id": customer, "type": kind, "day": day,
                "subject": subject, "occurred_at": f"{day}T12:00:00Z"}  # fmt: skip

    contacts = rows("journeys/touchpoints", contact("c1", "sent", 9), contact("c1", "sent", 4),
                    contact("c1", "open", 2), contact("c2", "sent", 3), contact("c2", "open", 5),
                    contact("c3", "sent", 3), contact("c3", "open", 1, "other"), contact("c3", "order", 1, "accepted"),
                    contact("c4", "sent", 31), contact("c5", "sent", 2))  # fmt: skip
    waits = After(action="welcome", outcome=outcome, days=days)
    assert sorted(row["customer_id"] for row in came_out(contacts, waits, DAY).collect()) == expected


def test_values_zones_and_reasons_of_the_wrong_type_are_refused_with_their_line(settings):
    loaded = settings({
        "audiences/a.yaml": {**BASE, "audience": "a", "where": "known", "value": "known"},
        "contact_policy.yaml": {"zone": "age", "keep_away": [{"reason": "x", "when": "age"}]},
    })  # fmt: skip
    told = rules.analyse(loaded)
    assert [line.split(": ", 1)[1] for line in told] == [
        "keep_away.0.when: gives int, not true or false; compare it with something",
        "zone: gives int, not a text; give the name of a zone, such as 'Europe/Lisbon'",
        "value: gives boolean, not a number",
    ]
    wrong = settings({"audiences/a.yaml": {**BASE, "audience": "a", "where": "known", "value": "score_chrn"}})
    assert "value: unknown column 'score_chrn'; did you mean 'score_churn'?" in rules.check(wrong)[0]


def test_nobody_is_written_to_too_early_or_too_late_by_what_was_learned_before_the_day(settings, rows):
    when = {"since": "recency_days", "at_least": 1, "at_most": 9, "learn": {"of": ["days"]}}
    files = {f"audiences/{name}.yaml": {**BASE, "audience": name, "where": "known", "when": times}
             for name, times in (("learns", when), ("declares", {**when, "learn": None}))}  # fmt: skip
    loaded = settings(files)
    lake = Lake.of(loaded)
    days = {"c0": 0, "c1": 1, "c3": 3, "c8": 8, "c9": 20, "cx": None}
    learned = ((1, 2, False), (1, 3, True), (1, 8, False), (0, 3, False), (0, 8, True))
    told = [{"day": DAY - dt.timedelta(days=ago), "audience": "learns", "times": "days", "value": value, "fine": fine}
            for ago, value, fine in learned]  # fmt: skip
    known = [{"customer_id": name, "as_of": DAY, "recency_days": value} for name, value in days.items()]
    traits = pa.Table.from_pylist(known, lake.contract("profiles/traits").arrow_schema())
    for table, data in (("profiles/people", rows("profiles/people", *customers(*days))), ("profiles/traits", traits),
                        ("decisions/timing", rows("decisions/timing", *told))):  # fmt: skip
        lake.append(table, data, lake.transaction("test", DAY, config=table))
    membership.run(DAY, loaded)
    found = lake.arrow("audiences/members", day=DAY).to_pylist()
    kept = {name: {row["customer_id"]: row["kept_away"] for row in found if row["audience"] == name}
            for name in ("declares", "learns")}  # fmt: skip
    early, late = "too_early", "too_late"
    assert kept["declares"] == {"c0": early, "c1": None, "c3": None, "c8": None, "c9": late, "cx": late}
    assert kept["learns"] == {"c0": early, "c1": early, "c3": None, "c8": late, "c9": late, "cx": late}
    assert {json.loads(row["evidence"])["recency_days"] for row in found} == set(days.values())
