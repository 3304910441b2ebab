"""The configuration is refused with file, line, key and the nearest valid name."""

import re

import pytest

from jobs.activation.channels.types import TYPES
from jobs.config.actions.audiences import Audience
from jobs.config.company import General
from jobs.config.connections import Connection, connection
from jobs.config.identity import Identity
from jobs.config.journey.journey import Journey
from jobs.config.settings import load_settings
from jobs.config.sources.source import Source
from jobs.config.traits import Traits
from jobs.config.yaml_files import SHAPES, ConfigError
from tests.company import FOR_ACTION, MINIMAL


def problems_of(folder):
    with pytest.raises(ConfigError) as caught:
        load_settings(folder)
    return caught.value.problems


def test_a_minimal_configuration_loads_with_defaults(settings):
    loaded = settings()
    assert loaded.general.currency == "EUR"
    assert loaded.learned["churn"].label.horizon == 28
    assert loaded.lake == str(loaded.home / "var/lake")


def test_an_unknown_key_names_file_line_and_nearest_key(config):
    folder = config({"settings.yaml": "company: X\nlanding: a\ntimezon: UTC\nlake: b\n"})
    assert problems_of(folder) == [f"{folder}/settings.yaml:3: unknown key 'timezon'; did you mean 'timezone'?"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"currency": "euro"}, "currency: 'euro' is not a code of three capitals, such as EUR"),
        ({"country": "Netherlands"}, "country: 'Netherlands' is not a code of two capitals, such as NL"),
    ],
)
def test_what_a_text_has_to_be_is_said_in_words(config, change, told):
    (problem,) = problems_of(config({"settings.yaml": {**MINIMAL["settings.yaml"], **change}}))
    assert problem.endswith(told)


def test_a_source_is_told_what_names_values_and_numbers_may_be(config):
    source = MINIMAL["sources/crm.yaml"]
    contacts = source["datasets"]["contacts"]
    wrong = {
        **contacts,
        "format": {"type": "exel"},
        "history": {"days": 3},
        "changes": {"missing": "warm"},
        "absent": "kept",
    }
    problems = problems_of(config({"sources/crm.yaml": {**source, "group": "My CRM", "datasets": {"contacts": wrong}}}))
    assert [problem.split(": ", 1)[1] for problem in problems] == [
        "group: 'My CRM' is not a name of lower-case letters, digits and underscores, a letter first, such as web_shop",
        "datasets.contacts.format.type: unknown value 'exel'; valid: avro, csv, json, jsonl, parquet, tsv",
        "datasets.contacts.absent: unknown value 'kept'; did you mean 'keep'?",
        "datasets.contacts.changes.missing: unknown value 'warm'; did you mean 'warn'?",
        "datasets.contacts.history.days: 3 should be greater than or equal to 7",
    ]


def test_every_pattern_of_the_configuration_has_words():
    models = [Source, General, Audience, Journey, Identity, Traits, *(one.options for one in TYPES.values())]
    found = {pattern for model in models for pattern in patterns(model.model_json_schema())}
    assert found
    assert found <= SHAPES.keys()


def patterns(schema):
    if isinstance(schema, list):
        return [pattern for part in schema for pattern in patterns(part)]
    if not isinstance(schema, dict):
        return []
    own = [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
    return own + [pattern for part in schema.values() for pattern in patterns(part)]


def test_an_unknown_key_deep_inside_names_its_own_line(config):
    folder = config(
        {
            "identity.yaml": "identifiers:\n  email:\n    shared_by_at_mos: 3\n"
            "golden_record: {}\npurposes:\n  marketing: {channels: [email]}\n"
        }
    )
    expected = (
        f"{folder}/identity.yaml:3: unknown key 'identifiers.email.shared_by_at_mos'; did you mean 'shared_by_at_most'?"
    )
    assert problems_of(folder) == [expected]


@pytest.mark.parametrize(
    ("written", "means"),
    [("NO", "yes or no"), ("012", "the number 10"), ("21:00", "the number 1260"), ("2024-05-01", "a date, not a text")],
)
def test_a_value_that_yaml_reads_as_something_else_than_the_text_that_is_meant_says_to_quote_it(config, written, means):
    told = f'{written} without quotes is {means} in YAML; if the text is meant, quote it: "{written}"'
    folder = config({"settings.yaml": f"company: X\nlanding: a\nlake: b\ncountry: {written}\n"})
    assert problems_of(folder) == [f"{folder}/settings.yaml:4: country: {told}"]
    columns = f"    columns: {{contact_id: id, updated_at: at, country: {{from: c, values: {{x: {written}}}}}}}\n"
    crm = f"source: crm\ngroup: crm\ndatasets:\n  contacts:\n    files: a\n{columns}"
    folder = config({"sources/crm.yaml": crm})
    assert problems_of(folder) == [f"{folder}/sources/crm.yaml:6: datasets.contacts.columns.country.values.x: {told}"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "columns: {contact_id: id, country: NO}",
            'columns.country: NO without quotes is yes or no in YAML; if the text is meant, quote it: "NO" for a '
            "column of that name, or \"'NO'\" for the text itself",
        ),
        ("columns: {contact_id: , country: c}", "columns.contact_id: is empty; write a value, or take the key away"),
        ("dates: [dd-MM-yyyy]", "unknown key 'datasets.contacts.dates'; it stands under 'conventions'"),
    ],
)
def test_a_mapping_that_is_nearly_right_is_told_how_it_is_right(config, written, told):
    folder = config({"sources/crm.yaml": f"source: crm\ngroup: crm\ndatasets:\n  contacts:\n    {written}\n"})
    assert any(problem.endswith(told) for problem in problems_of(folder)), problems_of(folder)


def test_a_column_that_is_mapped_already_is_no_hint_for_a_misspelt_one(config):
    columns = "{contact_id: id, updated_at: at, last_name: name, firstname: first}"
    text = f"source: crm\ngroup: crm\ndatasets:\n  contacts:\n    files: a\n    columns: {columns}\n"
    (problem,) = problems_of(config({"sources/crm.yaml": text}))
    assert problem.endswith("columns.firstname: unknown column; did you mean 'first_name'?")
    (problem,) = problems_of(config({"sources/crm.yaml": text.replace("firstname", "name_last")}))
    assert "last_name" not in problem.rpartition("; ")[2]


def test_a_place_that_no_lake_can_be_at_is_told_with_its_line(config):
    folder = config({"settings.yaml": "company: X\nlanding: a b\nlake: var/my%20lake\n"})
    (problem,) = problems_of(folder)
    assert problem.startswith(f"{folder}/settings.yaml:3: lake: the lake cannot be at ")
    assert problem.endswith("engines take % and two digits for another sign, so that %20 would be a blank; rename it")


def test_keys_are_texts_as_they_are_written(config):
    columns = "    columns: {contact_id: id, updated_at: at, country: {from: c, values: {no: 'NO', 012: SE, 1: DK}}}\n"
    crm = f"source: crm\ngroup: crm\ndatasets:\n  contacts:\n    files: a\n{columns}"
    value = load_settings(config({"sources/crm.yaml": crm})).sources["crm"].datasets["contacts"].columns["country"]
    assert value.values == {"no": "NO", "012": "SE", "1": "DK"}


def test_a_missing_key_is_named(config):
    folder = config({"settings.yaml": "company: X\nlake: b\n"})
    assert problems_of(folder) == [f"{folder}/settings.yaml:1: key 'landing' is missing; add it"]


def test_all_problems_are_told_at_once(config):
    folder = config(
        {"settings.yaml": "company: X\nlake: b\n", "models/segmentation.yaml": "kind: segment\nfeature: []\n"}
    )
    assert len(problems_of(folder)) >= 3


def test_a_key_written_twice_is_refused(config):
    folder = config({"settings.yaml": "company: X\nlanding: a\nlake: b\nlanding: c\n"})
    assert problems_of(folder) == [f"{folder}/settings.yaml:4: key 'landing' is written twice; keep one"]


def test_broken_yaml_names_the_line(config):
    folder = config({"settings.yaml": "company: X\nlake: [a\n"})
    assert re.match(rf"{re.escape(str(folder))}/settings.yaml:\d: not valid YAML", problems_of(folder)[0])


def test_a_file_that_a_spreadsheet_saved_as_utf_16_is_named(config):
    folder = config({})
    (folder / "settings.yaml").write_bytes("company: X\n".encode("utf-16-le"))
    assert problems_of(folder) == [
        f"{folder}/settings.yaml:1: not valid YAML: a control character; save it as UTF-8 text"
    ]


def test_a_mapping_that_is_none_is_named_without_words_of_a_library(config):
    folder = config({"settings.yaml": "company: X\nlanding: a\nlake: b\nlimits: [1]\n"})
    assert problems_of(folder) == [
        f"{folder}/settings.yaml:4: limits: must hold keys with values; is the indentation right?"
    ]


def test_a_missing_folder_is_named(tmp_path):
    assert problems_of(tmp_path / "nowhere")[0].startswith(str(tmp_path / "nowhere"))


def test_a_missing_file_is_named(config):
    folder = config({"journey.yaml": None})
    assert problems_of(folder) == [f"{folder}/journey.yaml: the file does not exist"]


def test_an_unknown_time_zone_is_refused(config):
    folder = config({"settings.yaml": "company: X\nlanding: a\nlake: b\ntimezone: Europe/Amsterdm\n"})
    assert "unknown time zone 'Europe/Amsterdm'" in problems_of(folder)[0]


NOTES_WITHOUT_TEXT = ("note_id", "updated_at", "noted_at", "kind")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"datasets": {"contact": {"files": "x", "columns": {"a": "b"}}}},
            "crm.yaml:4: datasets.contact: unknown dataset; did you mean 'contacts'?",
        ),
        (
            {"datasets": {"contacts": {"files": "x", "columns": {"contact_id": "a", "updated_at": "b", "emial": "c"}}}},
            "crm.yaml:9: datasets.contacts.columns.emial: unknown column; did you mean 'email'?",
        ),
        (
            {"datasets": {"contacts": {"files": "x", "columns": {"updated_at": "a"}}}},
            "crm.yaml:6: datasets.contacts.columns: key column 'contact_id' is missing",
        ),
        (
            {"datasets": {"notes": {"files": "x", "columns": dict.fromkeys(NOTES_WITHOUT_TEXT, "a")}}},
            "crm.yaml:6: datasets.notes.columns: no row is valid without it: column 'text' is missing; map it",
        ),
    ],
)
def test_a_source_may_only_map_to_canonical_columns(config, change, message):
    folder = config({"sources/crm.yaml": {**MINIMAL["sources/crm.yaml"], **change}})
    assert message in problems_of(folder)[0]


CRM = "source: crm\ngroup: crm\n{}datasets:\n  contacts:\n    files: x\n    columns: {{contact_id: a, updated_at: b}}\n"


@pytest.mark.parametrize(
    ("crm", "shop", "message"),
    [
        ("", "ids_of: crn\n", "shop.yaml:3: ids_of: unknown source 'crn'; did you mean 'crm'?"),
        ("", "ids_of: shop\n", "shop.yaml:3: ids_of: 'shop' is this source; leave it out"),
        ("ids_of: desk\n", "ids_of: crm\n", "shop.yaml:3: ids_of: 'crm' has ids of 'desk' itself; write ids_of: desk"),
    ],
)
def test_ids_are_those_of_a_source_that_has_ids_of_its_own(config, crm, shop, message):
    sources = {
        f"sources/{name}.yaml": CRM.format(ids).replace("crm", name, 1)
        for name, ids in (("crm", crm), ("shop", shop), ("desk", ""))
    }
    assert message in problems_of(config(sources))[0]


def test_a_dataset_has_the_ids_of_its_source(config):
    folder = config({"sources/crm.yaml": CRM.format("") + "    ids_of: shop\n"})
    assert (
        "crm.yaml:7: datasets.contacts.ids_of: it is about a whole source, beside `source:`" in problems_of(folder)[0]
    )


def test_an_audience_must_go_to_a_known_destination_for_a_known_purpose(config):
    audience = {
        "audience": "win_back",
        "title": "Win back",
        "goal": "g",
        "owner": "o",
        **FOR_ACTION,
        "stage": "loyalty",
        "where": "true",
        "purpose": "marketin",
        "send_to": {"emial": {}},
    }
    first, second = problems_of(config({"audiences/win_back.yaml": audience}))
    assert "unknown purpose 'marketin'; did you mean 'marketing'?" in first
    assert "unknown destination 'emial'; did you mean 'email'?" in second


def test_an_action_that_decides_needs_a_kpi_an_owner_and_an_end(config):
    action = {"audience": "win_back", "title": "Win back", "goal": "g", "stage": "loyalty", "where": "true"}
    plain = {**action, "purpose": "ads", "send_to": {}}

    def missing(**more):
        told = problems_of(config({"audiences/win_back.yaml": {**plain, **more}}))
        return [re.search(r"win_back.yaml:1: key '(\w+)' is missing", line)[1] for line in told]

    assert missing() == ["owner"]
    assert missing(owner="o", value="10.0") == missing(owner="o", slot="mail") == ["kpi", "expires"]
    assert missing(owner="o", budget={"count": 5}, kpi="orders") == ["expires"]
    named = {**action, "owner": "o", **FOR_ACTION, "kpi": "ordres", "purpose": "ads", "send_to": {}}
    (told,) = problems_of(config({"audiences/win_back.yaml": named}))
    assert told.endswith("win_back.yaml:7: kpi: unknown KPI 'ordres'; did you mean 'orders'?")


def test_values_are_filled_from_the_environment(config, monkeypatch):
    folder = config({"settings.yaml": "company: X\nlanding: ${KLANTREIS_IN:-here}\nlake: ${KLANTREIS_OUT}\n"})
    assert "KLANTREIS_OUT is not set" in problems_of(folder)[0]
    monkeypatch.setenv("KLANTREIS_OUT", "s3://bucket/lake")
    loaded = load_settings(folder)
    assert loaded.lake == "s3://bucket/lake"
    assert loaded.landing.endswith("/here")


@pytest.mark.parametrize(
    "name", ["KLANTREIS_HASH_KEY", "HOME", "AIRFLOW_CONN_MAIL", "KLANTREIS_API_TOKEN", "AWS_REGION"]
)
def test_nothing_else_of_the_environment_gets_into_configuration(config, monkeypatch, name):
    monkeypatch.setenv(name, "s3cret")
    (told,) = problems_of(config({"settings.yaml": f"company: 'of ${{{name}:-x}}'\nlanding: in\nlake: out\n"}))
    assert f"settings.yaml: ${{{name}}} is not filled in: only variables named KLANTREIS_" in told
    assert "s3cret" not in told


@pytest.mark.parametrize(
    "value",
    ["postgresql://shop:s3cret@db/x", "-----BEGIN PRIVATE KEY-----s3cret", '{"host": "x", "password": "s3cret"}'],
)
def test_a_value_that_holds_a_login_is_refused_whatever_its_variable_is_called(config, monkeypatch, value):
    monkeypatch.setenv("KLANTREIS_PLACE", value)
    (told,) = problems_of(config({"settings.yaml": "company: X\nlanding: ${KLANTREIS_PLACE}\nlake: out\n"}))
    assert "${KLANTREIS_PLACE} holds a login" in told
    assert "s3cret" not in told


def test_a_message_about_a_wrong_value_names_its_variable_and_not_the_value(config, monkeypatch):
    monkeypatch.setenv("KLANTREIS_ZONE", "s3cret")
    text = "company: X\nlanding: a\nlake: b\ntimezone: ${KLANTREIS_ZONE}\n"
    (told,) = problems_of(config({"settings.yaml": text}))
    assert told.endswith(
        "settings.yaml:4: timezone: unknown time zone ${KLANTREIS_ZONE}; use a name such as Europe/Amsterdam"
    )


def test_the_hash_key_is_made_once_and_readable_by_the_owner_only(config, monkeypatch):
    monkeypatch.delenv("KLANTREIS_HASH_KEY", raising=False)
    loaded = load_settings(config())
    key = loaded.hash_key()
    assert len(key) == 64
    assert loaded.hash_key() == key
    assert (loaded.home / "var/hash.key").stat().st_mode & 0o077 == 0


def test_a_connection_is_read_from_a_uri_or_json(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", "smtp://user:p%40ss@mail.example:587/?starttls=true")
    assert connection("mail") == Connection("mail.example", 587, "user", "p@ss", "", {"starttls": "true"})
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", '{"host": "h", "port": 25, "extra": {"a": 1}}')
    assert connection("mail") == Connection("h", 25, "", "", "", {"a": 1})


def test_an_unknown_connection_says_how_to_add_it():
    with pytest.raises(ConfigError, match="AIRFLOW_CONN_NOWHERE"):
        connection("nowhere")


def test_a_connection_never_shows_its_password():
    assert "secret" not in repr(Connection("h", 1, "u", "secret"))


def test_an_expression_whose_comma_ends_a_value_is_told_with_what_to_write(config):
    source = "source: crm\ngroup: crm\ndatasets:\n  contacts:\n    files: '{day}/c*.csv'\n"
    source += "    columns: {contact_id: concat('m-', id), email: mail}\n"
    folder = config({"sources/crm.yaml": source})
    with pytest.raises(ConfigError) as refused:
        load_settings(folder)
    told = "inside { } a comma ends a value, here before 'id)'; quote the whole value"
    assert f"{folder}/sources/crm.yaml:6: datasets.contacts.columns: {told}" in refused.value.problems
