"""A text is sent only as a person approved of it, where that is asked. Costs about 1 s."""

import jinja2
import pytest
import yaml

from jobs.activation import approved_content
from jobs.activation.channel import Operation, Recipient
from jobs.activation.channels.smtp.messages import Messages
from jobs.activation.channels.types import TYPES, problems
from jobs.activation.written_with import note
from jobs.config.settings import load_settings
from jobs.config.wrong import ConfigError
from jobs.content.standing import text_hash
from jobs.content.templates import sandbox
from jobs.errors import ContentNotApproved
from jobs.lake.lake import Lake
from tests.activation.small_company import CONFIG, DAY, TEMPLATE

ASKED = {"content.yaml": {"approval": "person"}}
WINBACK = CONFIG["audiences/winback.yaml"]


def approvals(*names, text=None, **signed):
    """templates/approvals.yaml for files of the small company."""
    told = {"by": "ann", "on": "2026-03-01", **signed}
    rows = [{"template": name, "text": text or text_hash(CONFIG[f"templates/{name}"]), **told} for name in names]
    return {"templates/approvals.yaml": {"approvals": rows}}


ALL = approvals("winback.en.txt", "winback.en.html", "winback.nl.txt", "winback.nl.html")


def waiting(settings):
    """What waits for approval, without the folder it is in."""
    lines = approved_content.waiting("winback", "email", settings)
    return [line.removeprefix(f"{settings.folder}/templates/") for line in lines]


@pytest.mark.parametrize(
    ("company", "action", "asks"),
    [
        (None, None, False),
        ("none", None, False),
        ("person", None, True),
        ("person", "none", False),
        (None, "person", True),
    ],
)
def test_a_company_or_an_action_asks_for_approval_and_by_default_nobody_does(shop, company, action, asks):
    files = {"content.yaml": {"approval": company}} if company else {}
    if action:
        files["audiences/winback.yaml"] = {**WINBACK, "content_approval": action}
    assert (waiting(shop(files)) != []) is asks


def test_what_was_not_approved_of_or_changed_since_waits_and_says_what_to_do(shop):
    assert waiting(shop(ASKED | ALL)) == []
    changed = shop({**ASKED, **ALL, "templates/winback.nl.txt": TEMPLATE + "!"})
    assert waiting(changed) == [
        "winback.nl.txt: was changed since ann approved of it on 2026-03-01: read it (klantreis content show "
        "winback.nl.txt), then klantreis content approve winback.nl.txt"
    ]
    assert waiting(shop({**ASKED, "templates/approvals.yaml": None}))[0] == (
        "winback.en.html: nobody approved of it: read it (klantreis content show winback.en.html), then klantreis "
        "content approve winback.en.html"
    )


def test_the_newest_approval_counts_so_an_older_text_does_not_come_back_by_itself(shop):
    rows = ALL["templates/approvals.yaml"]["approvals"]
    newer = approvals("winback.nl.txt", text=text_hash("another"))["templates/approvals.yaml"]["approvals"]
    told = waiting(shop({**ASKED, "templates/approvals.yaml": {"approvals": [*rows, *newer]}}))
    assert [line.split(":")[0] for line in told] == ["winback.nl.txt"]


def test_how_lines_end_is_no_change(shop):
    assert text_hash("a\r\nb\r\n") == text_hash("a\nb\n") != text_hash("a\nb")


def test_a_list_of_an_ad_platform_sends_no_text_and_needs_no_approval(shop):
    assert approved_content.waiting("loyal", "ads", shop(ASKED)) == []
    assert all(type_.templates for type_ in TYPES.values() if type_.needs == "template")


@pytest.mark.parametrize(
    ("included", "footer", "told"),
    [
        ("{% include 'footer.txt' %}", "Bye", "footer.txt: nobody approved of it"),
        ("{% extends 'footer.txt' %}", "Bye", "footer.txt: nobody approved of it"),
        ("{% include company ~ '.txt' %}", None, "winback.nl.txt: includes a file by a name that is computed"),
        ("{% include 'footer.txt' %}", None, "footer.txt: is included and not there"),
        ("{% if %}", None, "winback.nl.txt:2: Expected an expression"),
    ],
)
def test_what_a_text_includes_is_a_text_like_any_other(shop, included, footer, told):
    text = f"Subject: x\n{included}"
    files = {**ASKED, "templates/winback.nl.txt": text, "templates/footer.txt": footer}
    rows = ALL["templates/approvals.yaml"]["approvals"]
    mine = approvals("winback.nl.txt", text=text_hash(text))["templates/approvals.yaml"]["approvals"]
    settings = shop({**files, "templates/approvals.yaml": {"approvals": [*rows, *mine]}})
    (line,) = waiting(settings)
    assert line.startswith(told)
    with pytest.raises(ContentNotApproved):
        Messages("winback", "email", settings)


def test_a_text_that_changes_after_it_was_looked_at_is_not_sent(shop):
    settings = shop(ASKED | ALL)
    path = settings.folder / "templates" / "winback.nl.txt"
    messages = Messages("winback", "email", settings)
    path.write_text("Subject: x\n\nsomething else")
    person = Recipient(("kim@mail.example",), (), "Kim", "nl")
    message = messages.bytes_of(Operation("0" * 32, "c1", "send", 1, "f", person), "kim@mail.example", "x")
    note(Lake.of(settings), "winback", "email", DAY, settings)
    kept = {row["template"]: row["text"] for row in Lake.of(settings).arrow("activation/approved_content").to_pylist()}
    assert kept["winback.nl.txt"] == text_hash(CONFIG["templates/winback.nl.txt"]), "the audit has what was sent"
    assert b"Subject: Nieuws for Kim\r\n" in message, "what was approved of is what was read"
    with pytest.raises(ContentNotApproved, match="was changed since ann approved"):
        Messages("winback", "email", settings)
    assert problems(settings) == [], "whether it can be rendered is another question, which check asks"


def test_templates_stay_in_the_sandbox(shop):
    environment = sandbox(shop().folder)
    with pytest.raises(jinja2.exceptions.SecurityError):
        environment.from_string("{{ ''.__class__.__mro__ }}").render()
    with pytest.raises(jinja2.UndefinedError):
        environment.from_string("{{ lipsum }}").render()


def test_a_person_approves_by_command_and_the_file_keeps_who_when_and_which_text(klantreis, config):
    code, output, _ = klantreis("content", "approve", "winback.nl.txt", "--by", "Ann: de Vries", files=ASKED)
    first = text_hash(CONFIG["templates/winback.nl.txt"])[:12]
    assert (code, output.splitlines()[0]) == (0, f"winback.nl.txt: approved by Ann: de Vries, {first}")
    path = config({**CONFIG, **ASKED}) / "templates" / "approvals.yaml"
    path.write_text(path.read_text() + "  # agreed with the lawyers\n")
    assert klantreis("content", "approve", "winback", "--by", "Bo", "--because", "new: season")[0] == 0
    written = yaml.safe_load(path.read_text())["approvals"]
    assert [(row["template"], row["by"], row.get("because")) for row in written] == [
        ("winback.nl.txt", "Ann: de Vries", None),
        ("winback.en.html", "Bo", "new: season"),
        ("winback.en.txt", "Bo", "new: season"),
        ("winback.nl.html", "Bo", "new: season"),
    ]
    assert "# agreed with the lawyers" in path.read_text()
    settings = load_settings(path.parents[1])
    assert waiting(settings) == []
    assert "Nothing to approve" in klantreis("content", "approve", "winback")[1]
    _, output, _ = klantreis("content", "list", "--format", "csv")
    today = settings.content.approvals[0].on
    assert f"winback.nl.txt,winback,approval,approved,Ann: de Vries,{today}," in output
    code, output, _ = klantreis("content", "show", "winback.nl.txt")
    assert output.startswith(f"winback.nl.txt: approved, last approval by Ann: de Vries on {today}\nhash ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("winbak",), "no text of {folder} is called 'winbak'; did you mean 'winback'?"),
        (("../settings.yaml",), "no text of {folder} is called '../settings.yaml'"),
        (("winback", "--hash", "12345678"), "--hash: is of one file, but 4 are meant"),
        (("winback.nl.txt", "--hash", "12345678"), "--hash 12345678: winback.nl.txt has the hash"),
        (("winback.nl.txt", "--by", " "), "--by: say who approves"),
    ],
)
def test_an_approval_that_cannot_be_meant_is_refused_and_nothing_is_written(klantreis, config, arguments, told):
    code, _, errors = klantreis("content", "approve", *arguments)
    folder = config(CONFIG) / "templates"
    assert (code, errors.startswith(told.format(folder=folder))) == (2, True), errors
    assert not (folder / "approvals.yaml").exists()


def test_a_file_of_approvals_that_cannot_be_added_to_stays_as_it_is(klantreis, config):
    text = f"approvals: [{{template: a.nl.txt, text: {'ab' * 32}, by: ann, 'on': 2026-01-01}}]  # - one line\n"
    code, _, errors = klantreis("content", "approve", "winback", files={"templates/approvals.yaml": text})
    path = config({**CONFIG, "templates/approvals.yaml": text}) / "templates" / "approvals.yaml"
    assert (code, "cannot be added at its end, nothing was written" in errors) == (2, True)
    assert (path.read_text(), [one.name for one in path.parent.glob(".*")]) == (text, [])


def test_a_wrong_approval_is_told_with_its_line(shop):
    with pytest.raises(ConfigError, match=r"approvals.yaml:6: approvals.0.text: 'abc' is not the hash of a text"):
        shop({"templates/approvals.yaml": "approvals:\n\n\n- template: a\n  by: ann\n  text: abc\n  on: 2026-01-01\n"})
