"""Proposed texts: from patterns, or of a model that may be down, slow, wrong or inventive. Costs about 3 s."""

import json
import re
from datetime import UTC, datetime

import pyarrow as pa
import pytest
import yaml

from jobs.activation import approved_content
from jobs.config.settings import load_settings
from jobs.config.wrong import CommandError
from jobs.content import brand, readable
from jobs.errors import BudgetUsed
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.proposals.brief import Variant, brief_of
from jobs.proposals.model import Model
from jobs.proposals.patterns import Patterns
from jobs.proposals.propose import held, write
from jobs.proposals.truth import untrue
from tests.activation.small_company import CONFIG, DAY
from tests.servers import base
from tests.servers.chat_model import ChatModel

ABOUT = ("kind", "title", "topic", "moment", "stage", "need", "language", "url")
ITEMS = [
    dict.fromkeys(ABOUT) | told
    for told in (
        {"content_id": "a1", "title": "5 soepen voor de winter", "topic": "soep", "stage": "loyalty", "language": "nl",
         "url": "https://shop.example/soep"},
        {"content_id": "a2", "title": "Alles over brood", "language": "nl"},
        {"content_id": "a3", "title": "Bread", "stage": "loyalty", "language": "en"},
        {"content_id": "a4", "title": "Retour", "stage": "service", "language": "nl"},
    )
]  # fmt: skip
MODEL = {"connection": "test_model", "model": "m-1", "wait_seconds": 0.01, "longest_wait_seconds": 0.3,
         "timeout_seconds": 5}  # fmt: skip
GOOD = {
    "subject": "Zin in soep?",
    "paragraphs": ["We schreven op hoe je 5 soepen maakt voor de winter."],
    "facts": ["a1"],
}
SURE = {"words": ["zeker*"], "languages": ["nl"], "because": "nobody can prove it"}


@pytest.fixture
def asked(shop, tmp_path, monkeypatch):
    """`asked(answers, faults, options)`: the kept and the refused texts, the server and the provider."""
    started = []

    def ask(*says, faults=(), brands=None, number=1, cut_off=False, **options):
        server = ChatModel(tmp_path, *says).start()
        started.append(server.stop)
        server.cut_off = cut_off
        for fault in faults:
            server.fail(fault)
        monkeypatch.setenv("AIRFLOW_CONN_TEST_MODEL", json.dumps(server.connection()))
        rules = {"proposals": MODEL | options, "brand": brands or {}}
        settings = shop({"content.yaml": rules})
        brief = brief_of("winback", "nl", "txt", ITEMS, [], settings)
        model = Model(settings.content.rules.proposals)
        started.append(model.close)
        return (*held(brief, model, number, settings), server, model)

    yield ask
    for stop in reversed(started):
        stop()


def test_a_brief_has_the_items_that_fit_best_and_nothing_of_a_customer(shop):
    settings = shop()
    brief = brief_of("winback", "nl", "txt", ITEMS, [], settings)
    assert [one.id for one in brief.facts] == ["a1", "a2"]
    personal = [ITEMS[1] | {"title": title} for title in ("Mail jan@mail.example", "Bel 06-12345678")]
    assert [brief_of("winback", "nl", "txt", [one], [], settings).facts for one in personal] == [(), ()]
    assert [one.id for one in brief_of("winback", "nl", "txt", ITEMS, ["a4"], settings).facts] == ["a4"]
    for action, fact, told in (("winbak", "a1", "unknown action 'winbak'"), ("winback", "b1", "--fact b1: no item")):
        with pytest.raises(CommandError, match=told):
            brief_of(action, "nl", "txt", ITEMS, [fact], settings)


def test_without_a_model_texts_are_made_from_patterns_and_the_catalogue(shop):
    settings = shop()
    brief = brief_of("winback", "nl", "txt", ITEMS, [], settings)
    kept, refused = held(brief, Patterns(), 2, settings)
    assert (len(kept), refused) == (2, [])
    assert kept[0].files["txt"] == (
        "Subject: Voor jou: 5 soepen voor de winter\n\n{{ 'Hallo ' ~ first_name if first_name else 'Hallo' }},\n\n"
        "Fijn dat je bij ons bent. We dachten dat dit iets voor jou is: 5 soepen voor de winter.\n\n"
        "https://shop.example/soep\n\nMet vriendelijke groet,\n{{ company }}\n\n-- \nJe krijgt deze e-mail omdat je "
        "daar toestemming voor gaf.\nAfmelden: {{ unsubscribe_url }}\n"
    )
    with pytest.raises(CommandError, match="there are patterns in en, nl only"):
        held(brief_of("winback", "de", "txt", ITEMS, ["a1"], settings), Patterns(), 1, settings)
    with pytest.raises(CommandError, match="no item of the catalogue fits winback in nl"):
        held(brief_of("winback", "nl", "txt", [], [], settings), Patterns(), 1, settings)


@pytest.mark.parametrize("stage", ["awareness", "consideration", "purchase", "service", "loyalty"])
@pytest.mark.parametrize(("language", "form"), [("nl", "txt"), ("en", "sms")])
def test_every_pattern_makes_texts_that_hold(shop, stage, language, form):
    settings = shop({"audiences/winback.yaml": CONFIG["audiences/winback.yaml"] | {"stage": stage}})
    items = [one | {"stage": None, "language": None} for one in ITEMS]
    kept, refused = held(brief_of("winback", language, form, items, [], settings), Patterns(), 2, settings)
    assert (len(kept), refused) == (2, [])
    assert all("{title}" not in text for one in kept for text in one.files.values())


def test_a_proposal_is_a_file_that_always_needs_approval_and_overwrites_nothing(shop):
    settings = shop({"templates/winback_1.en.txt": "x"})
    brief = brief_of("winback", "nl", "txt", ITEMS, [], settings)
    kept, _ = held(brief, Patterns(), 2, settings)
    names = write(kept[:1], brief, "patterns", DAY, settings)
    assert names == ["winback_2.nl.txt", "winback_2.nl.html"]
    assert write(kept[1:], brief, "patterns", DAY, settings)[0] == "winback_3.nl.txt"
    noted = yaml.safe_load((settings.folder / "templates" / "proposals.yaml").read_text())["proposals"]
    assert [noted[0][key] for key in ("template", "by", "on", "facts")] == ["winback_2.nl.txt", "patterns", DAY, ["a1"]]
    files = {
        "audiences/winback.yaml": CONFIG["audiences/winback.yaml"] | {"send_to": {"email": {"template": "winback_2"}}}
    }
    again = shop(files)
    told = approved_content.waiting("winback", "email", again)
    assert [line.rsplit("/")[-1].split(":")[0] for line in told] == ["winback_2.nl.html", "winback_2.nl.txt"]
    assert "content_approval" not in str(files), "nobody asked for it"
    including = shop(files | {
        "audiences/winback.yaml": CONFIG["audiences/winback.yaml"],
        "templates/winback.nl.txt": "Subject: x\n\n{% include 'winback_2.nl.txt' %}",
    })  # fmt: skip
    told = approved_content.waiting("winback", "email", including)
    assert "winback_2.nl.txt" in {line.rsplit("/")[-1].split(":")[0] for line in told}, "included is sent as well"
    html = (again.folder / "templates" / "winback_2.nl.html").read_text()
    assert readable.obstacles(html) == []
    assert '<a href="https://shop.example/soep">https://shop.example/soep</a>' in html


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"facts": ["a1", "a9"]}, "rests on facts that are not in the catalogue: 'a9'"),
        ({"subject": "Nu 20 soepen"}, "says numbers of no fact: 20"),
        ({"facts": ["a2"], "subject": "5 broden"}, "says numbers of no fact: 5"),
        ({"paragraphs": ["Zie https://evil.example/x."]}, "names addresses of no fact: https://evil.example/x"),
        ({"paragraphs": ["Mail jan@shop.example"]}, "names addresses of no fact: jan@shop.example"),
        ({"paragraphs": ["Nu met tien procent korting"]}, "speaks of money or a share, and no fact does"),
        ({"paragraphs": ["{{ config }}"]}, "holds code of a template, or markup; only plain words are taken"),
        ({"paragraphs": ["<script>x</script>"]}, "holds code of a template, or markup; only plain words are taken"),
        ({"subject": ""}, "has no subject"),
        ({"paragraphs": [" "]}, "says nothing"),
        ({"paragraphs": ["x" * 4000]}, "4013 characters, more than 4000"),
    ],
)
def test_a_text_says_nothing_that_is_in_no_fact(shop, changed, told):
    brief = brief_of("winback", "nl", "txt", ITEMS, [], shop())
    one = GOOD | changed
    assert list(untrue(Variant(one["subject"], tuple(one["paragraphs"]), tuple(one["facts"])), brief)) == [told]
    fine = Variant("Soep", ("Lees het op https://shop.example/soep: 5 soepen.",), ("a1",))
    assert list(untrue(fine, brief)) == []


def test_a_model_is_asked_for_texts_by_schema_with_facts_and_rules_only(asked):
    kept, refused, server, model = asked({"variants": [GOOD]}, brands={"forbidden": [SURE]})
    assert ([one.variant.subject for one in kept], refused) == (["Zin in soep?"], [])
    assert (model.calls, model.tokens) == (1, 500)
    (told,) = server.asked()
    assert set(told) == {
        *("variants_wanted", "company", "language", "form", "about", "goal", "journey_stage", "micro_moment", "facts"),
        *("forbidden", "tone", "wrong_with_earlier_answers"),
    }
    assert (told["company"], told["forbidden"]) == ("Test company", [["zeker*"]])
    assert [one["id"] for one in told["facts"]] == ["a1", "a2"]
    assert server.calls[0].json["messages"][0]["role"] == "system"
    assert server.token not in server.calls[0].body.decode()


@pytest.mark.parametrize(
    ("faults", "calls"),
    [
        ((base.BUSY_UNTIL,), 2),
        ((base.BUSY, base.BROKEN), 3),
        ((base.AWAY,), 2),
        ((base.RESET,), 2),
        ((base.GARBLED,), 2),
    ],
)
def test_a_model_that_is_busy_or_down_is_asked_again(asked, faults, calls):
    kept, _, server, model = asked({"variants": [GOOD]}, faults=faults)
    assert (len(kept), model.calls, len(server.calls)) == (1, calls, calls)


@pytest.mark.parametrize(
    ("first", "wrong"),
    [
        ("{not json", "the answer is not JSON"),
        ('["a"]', "the answer does not fit the schema at its top: model_type"),
        (
            {"variants": [{"subject": "x", "facts": []}]},
            "the answer does not fit the schema at variants.0.paragraphs: missing",
        ),
        (
            {"variants": [GOOD | {"html": "x"}]},
            "the answer does not fit the schema at variants.0.html: extra_forbidden",
        ),
        ({"variants": []}, "the answer has no variants"),
        ({"variants": [GOOD | {"facts": ["a9"]}]}, "rests on facts that are not in the catalogue: 'a9'"),
        ({"variants": [GOOD | {"subject": "Zeker lekker"}]}, "'zeker*' is forbidden: nobody can prove it"),
    ],
)
def test_an_answer_that_cannot_be_used_is_told_to_the_model_and_asked_again(asked, first, wrong):
    kept, refused, server, model = asked(first, {"variants": [GOOD]}, brands={"forbidden": [SURE]})
    assert (len(kept), model.calls, model.tokens) == (1, 2, 1000)
    told = server.asked()[1]["wrong_with_earlier_answers"]
    assert wrong in told
    assert {one.why for one in refused} <= set(told)


@pytest.mark.parametrize(
    ("says", "options", "error", "told"),
    [
        (["{"], {"calls": 2}, BudgetUsed, "gave no answer that can be used in 2 calls and 1,000 tokens"),
        (["{"], {"tokens": 1900, "answer_tokens": 1500}, BudgetUsed, "in 1 calls and 500 tokens"),
        ([{"variants": [GOOD]}], {"calls": 2, "cut_off": True}, BudgetUsed, "raise `calls` or `tokens` of `proposals`"),
        ([{}], {"calls": 2, "faults": [base.AWAY] * 2}, CommandError, r"did not answer \(503, 2 of 2 calls"),
        (
            [{"variants": [GOOD]}],
            {"calls": 1, "timeout_seconds": base.SLOWEST / 4, "faults": [base.SLOW]},
            CommandError,
            r"did not answer \(ReadTimeout, 1 of 1",
        ),
    ],
)  # fmt: skip
def test_what_may_be_asked_is_bounded_whatever_comes_back(asked, says, options, error, told):
    with pytest.raises(error, match=told):
        asked(*says, **options)


def test_a_model_that_only_invents_ends_with_nothing_kept_and_all_reasons(asked):
    kept, refused, _, model = asked({"variants": [GOOD | {"facts": ["a9"]}]}, calls=3)
    assert (kept, model.calls, [one.number for one in refused if "a9" in one.why]) == ([], 3, [1, 2, 3])


def test_what_holds_is_kept_though_the_rest_of_the_budget_brought_nothing(asked):
    first = {"variants": [GOOD, GOOD | {"facts": ["a9"]}]}
    kept, refused, _, model = asked(first, "{", number=2, calls=3)
    assert (len(kept), model.calls) == (1, 3)
    assert "in 3 calls and 1,500 tokens" in refused[-1].why


def test_a_wrong_key_stops_at_once_and_is_shown_nowhere(asked, monkeypatch):
    monkeypatch.setattr(
        ChatModel, "connection", lambda self: base.HttpServer.connection(self) | {"password": "secret-k"}
    )
    with pytest.raises(CommandError, match=r"did not answer \(401, 1 of 5") as told:
        asked({"variants": [GOOD]})
    assert "secret-k" not in str(told.value)


def test_a_person_asks_by_command_and_gets_files_to_read(klantreis, tmp_path):
    schema = catalogue.get("valid/content").arrow_schema()
    told = {"source": "s", "arrived": DAY, "updated_at": datetime(2017, 6, 1, tzinfo=UTC)}
    rows = [told | {key: value for key, value in one.items() if value} for one in ITEMS]
    data = pa.Table.from_pylist([{name: one.get(name) for name in schema.names} for one in rows], schema)
    lake = Lake(str(tmp_path / "var" / "lake"))
    lake.append("valid/content", data, lake.transaction("test", DAY))
    code, output, errors = klantreis("content", "propose", "winback", "--language", "nl", files={})
    assert (code, errors) == (0, "")
    assert re.findall(r"Proposed: (\S+)", output) == [
        f"winback_{n}.nl.{end}" for n in (1, 2) for end in ("txt", "html")
    ]
    settings = load_settings()
    assert brand.problems(settings) == []
    assert "templates" not in klantreis("check")[2]
    assert "winback_1.nl.txt,,,new," in klantreis("content", "list", "--format", "csv")[1]
    code, _, errors = klantreis("content", "propose", "loyal", "--language", "nl")
    assert (code, "none of its destinations sends texts" in errors) == (2, True)
