"""What texts must hold and never say, with file and line; mails everybody can read. Costs about 1 s."""

from pathlib import Path

import pytest

from jobs.activation import approved_content
from jobs.config.settings import load_settings
from jobs.config.wrong import ConfigError
from jobs.content import brand, readable
from jobs.content.seen import seen
from tests.activation.small_company import TEMPLATE

ROOT = Path(__file__).resolve().parents[2]
SURE = {"words": ["100% sure", "guarant*", "gratis"], "because": "nobody can prove it"}


def broken(shop, text, rules, name="winback.nl.txt", **files):
    """What a text breaks, without the folder it is in."""
    settings = shop({"content.yaml": {"brand": rules}, f"templates/{name}": text, **files})
    return [line.removeprefix(f"{settings.folder}/templates/") for line in brand.problems(settings, [name])]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Subject: x\n\nIt is free\nand GRATIS.", [4]),
        ("Subject: gratis\n\nx", [1]),
        ("Subject: x\n\nAltijd\n100%\n  sure", [4]),
        ("Subject: x\n\ngra\u00adtis gr\u00e1tis", [3]),  # a soft hyphen, an accent
        ("Subject: x\n\n{{ 'gra' ~ 'tis' }}", [3]),
        ("Subject: x\n\n{{ 'Gratis' if first_name else 'x' }}", [3]),
        ("Subject: x\n\n{% set a = 'tis' %}\ngra{{ a }}", [1]),  # nothing but the whole says it
        ("Subject: x\n\nguaranteed", [3]),
        ("Subject: x\n\ngratisaanbod, a migratise, un100% sure\n{# gratis #}", []),
    ],
)
def test_forbidden_words_are_found_however_they_are_written(shop, text, lines):
    told = broken(shop, text, {"forbidden": [SURE]})
    assert [(line.split(":")[0], int(line.split(":")[1])) for line in told] == [("winback.nl.txt", n) for n in lines]
    assert all(line.endswith("is forbidden: nobody can prove it") for line in told)


@pytest.mark.parametrize(
    ("html", "lines"),
    [
        ("<p>x</p>\n<p>gra<b>t</b>is</p>", [2]),
        ("<p>gra</p><p>tis</p>", []),
        ("<p>\n<img src='a' alt='gratis'></p>", [2]),
        ("<style>.gratis {}</style><a href='https://x.example/gratis'>x</a><!-- gratis -->", []),
        ("<p>100&#37;&nbsp;sure</p>", [1]),
    ],
)
def test_of_html_what_is_seen_or_heard_counts(shop, html, lines):
    told = broken(shop, html, {"forbidden": [SURE]}, name="winback.nl.html")
    assert [int(line.split(":")[1]) for line in told] == lines


def test_a_text_with_links_that_are_measured_is_looked_at_as_it_is_sent(shop):
    feedback = {
        "feedback.yaml": {"opens_and_clicks": {"purpose": "marketing", "links": {"shop": "https://shop.example"}}}
    }
    text = "Subject: x\n\n{% set a = 'tis' %}gra{{ a }} {{ links.shop }}"
    assert len(broken(shop, text, {"forbidden": [SURE]}, **feedback)) == 1


def test_what_a_text_includes_is_told_where_it_stands(shop):
    rules = {"forbidden": [SURE | {"languages": ["nl"], "forms": ["txt"]}]}
    footer = {"templates/footer.txt": "\nAll gratis"}
    text = "Subject: x\n{% include 'footer.txt' %}"
    assert broken(shop, text, rules, **footer) == ["footer.txt:2: 'gratis' is forbidden: nobody can prove it"]
    assert broken(shop, text, rules, name="winback.en.txt", **footer) == []


def test_what_has_to_be_in_a_text_and_is_not(shop):
    rules = {
        "required": [
            {"value": "unsubscribe_url", "because": "the law"},
            {"any_of": ["Bye", "Tot gauw"], "languages": ["nl"], "because": "how we end"},
        ]
    }
    assert broken(shop, TEMPLATE, rules) == ["winback.nl.txt:1: 'Bye' or 'Tot gauw' has to be in it: how we end"]
    assert broken(shop, "Subject: x\n\ntot GAUW", rules) == [
        "winback.nl.txt:1: {{ unsubscribe_url }} has to be in it: the law"
    ]


def test_a_text_is_no_longer_and_no_louder_than_agreed(shop):
    tone = {"longest": 40, "longest_subject": 12, "longest_sentence": 5, "exclamation_marks": 1, "words_in_capitals": 0}
    subject = "Subject: Hello {{ first_name }}!\n\n"
    text = f"{subject}One two three four five.\nSALE! Ten two three\nfour five six {{{{ company }}}}."
    assert broken(shop, text, {"tone": [tone]}) == [
        "winback.nl.txt:1: 72 characters, more than longest 40 (brand.tone of content.yaml)",
        "winback.nl.txt:1: 2 exclamation marks, more than exclamation_marks 1 (brand.tone of content.yaml)",
        "winback.nl.txt:4: 1 words in capitals, more than words_in_capitals 0 (brand.tone of content.yaml)",
        "winback.nl.txt:4: a sentence of 8 words, more than longest_sentence 5: 'Ten two three four five' ...",
    ]
    assert broken(shop, "Subject: Hello Kim, hello\n\nx", {"tone": [{"longest_subject": 12}]}) == [
        "winback.nl.txt:1: 16 characters in the subject, more than longest_subject 12 (brand.tone of content.yaml)"
    ]


def test_what_is_forbidden_is_neither_approved_nor_sent_and_fails_check(klantreis):
    files = {"content.yaml": {"brand": {"forbidden": [SURE], "tone": [{"longest_subject": 5}]}}}
    files["templates/winback.nl.txt"] = "Subject: Nieuws\n\nGratis"
    code, _, errors = klantreis("check", files=files)
    assert (code, "winback.nl.txt:3: 'gratis' is forbidden" in errors, "longest_subject 5" in errors) == (2, True, True)
    code, _, errors = klantreis("content", "approve", "winback.nl.txt")
    assert (code, "winback.nl.txt:3: 'gratis' is forbidden" in errors) == (2, True)
    settings = load_settings()
    (told,) = approved_content.waiting("winback", "email", settings)
    assert told == f"{settings.folder}/templates/winback.nl.txt:3: 'gratis' is forbidden: nobody can prove it"


def test_without_rules_no_text_is_read_and_a_wrong_rule_names_its_line(shop):
    assert brand.problems(shop({"templates/winback.nl.txt": "Subject: {% broken"})) == []
    with pytest.raises(ConfigError, match=r"content.yaml:2: brand.required.0: say `value` .* or `any_of`"):
        shop({"content.yaml": "brand:\n  required: [{because: x}]\n"})


def test_lines_of_a_template_stay_those_of_the_file():
    told = seen("a\n{# b\nc #}\n{% if x\n%}d{% endif %}\n", "txt")
    assert [line for sign, line in zip(told.text, told.lines, strict=True) if sign in "ad"] == [1, 5]


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ("<img src='a'>", [(2, "a picture without alternative text")]),
        ("<img src='a' alt=''>", []),
        ("<p>\n<table width='600'>", [(3, "600 px wide, more than the 320")]),
        ("<table width='600' style='width:100%; max-width:600px'>", []),
        ("<style>\n.a { width: 480px }\n.b { max-width: 480px }</style>", [(3, "480 px wide")]),
        ("<td style='min-width: 400px; line-width: 500px'>", [(2, "400 px wide")]),
        ("<img width='{{ 900 }}' alt='x'><col width='50%'>", []),
    ],
)
def test_mails_that_cannot_be_read_on_a_phone_or_aloud_are_told(html, told):
    head = "<html lang='nl'><meta name='viewport' content='x'><meta name='color-scheme' content='light dark'>\n"
    found = readable.obstacles(head + html)
    assert [(line, what[: len(begin)]) for (line, what), (_, begin) in zip(found, told, strict=True)] == told
    assert len(readable.obstacles("<p>x</p>")) == 3
    assert readable.obstacles("{% extends 'base.html' %}<p>x</p>") == []


@pytest.mark.parametrize(
    "folder", ["config", *(f"examples/packs/{p}/config" for p in ("finance", "healthcare", "retail", "telecom"))]
)
def test_every_mail_that_is_shipped_can_be_read_by_everybody(folder):
    templates = sorted((ROOT / folder / "templates").glob("*.html"))
    found = {path.name: readable.obstacles(path.read_text()) for path in templates}
    assert templates
    assert {name: told for name, told in found.items() if told} == {}
    texts = [path for path in templates if not path.name.startswith("layout_")]
    assert [path.name for path in texts if not path.with_suffix(".txt").exists()] == []
    assert {path.read_text().split("\n")[0] for path in texts} == {
        '{% extends "layout_nl.html" %}',
        '{% extends "layout_en.html" %}',
    }
    layouts = [path for path in templates if path not in texts]
    dark = [path.name for path in layouts if "prefers-color-scheme: dark" not in path.read_text()]
    assert dark == []


def test_what_mails_extend_is_read_like_they_are(tmp_path):
    from types import SimpleNamespace

    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "hello.nl.html").write_text('{% extends "layout.html" %}{% block text %}<p>Hallo</p>{% endblock %}')
    (folder / "hello.nl.txt").write_text("Hallo")
    (folder / "layout.html").write_text('<html lang="nl">{% block text %}{% endblock %}</html>')
    (folder / "part.html").write_text("<p>Groet</p>")
    told = [note.removeprefix(str(folder) + "/") for note in readable.notes(SimpleNamespace(folder=tmp_path))]
    assert [note.split(" is missing")[0] for note in told] == [
        'layout.html:1: <meta name="color-scheme" content="light dark">',
        'layout.html:1: <meta name="viewport" content="width=device-width">',
    ]
