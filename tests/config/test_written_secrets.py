"""Secrets in the configuration are told with file and line, and never shown (0.5 s)."""

from pathlib import Path

import pytest

from jobs.config.written_secrets import FORMS, names_secret, notes
from jobs.config.yaml_files import ConfigError, Strict, load

LETTERS = "aB3dE6gH9" * 6
"""Made up here: in one piece in a file they would be told to be secrets by others too."""
SECRETS = {
    "an address with a password": "postgresql://reader:hunter2@db.example/shop",
    "an address with a secret after the ?": f"https://api.example/feed?day=1&token={LETTERS}",
    "an address of a webhook, which is a secret": f"https://hooks.slack.com/services/T0/B0/{LETTERS}",
    "a private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "a header with a login": f"Bearer {LETTERS}",
    "a signed token (JWT)": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJldmEifQ.{LETTERS}",
    "a key of Amazon": "AKIA" + "ABCDEFGHIJKLMNOP",
    "a key of Google": "AIza" + LETTERS[:35],
    "a key of Meta": "EAA" + LETTERS,
    "a key of GitHub or GitLab": "ghp_" + LETTERS[:36],
    "a key of Slack": "xoxb-" + "1234567890-abcdef",
    "a key of Stripe": "sk_live_" + LETTERS[:24],
    "a key of SendGrid": f"SG.{LETTERS[:22]}.{LETTERS[:43]}",
    "a key of Mailchimp": "0123456789abcdef" * 2 + "-us6",
    "a key of Brevo": "xkeysib-" + "0123456789abcdef" * 4,
    "a key of Klaviyo": "pk_" + "0123456789abcdef" * 2 + "01",
    "a signing secret": "whsec_" + LETTERS[:32],
    "a key of a model provider": "sk-proj-" + LETTERS,
}


@pytest.mark.parametrize("what", FORMS)
def test_a_secret_is_known_by_its_form_whatever_its_key_is_called_also_in_a_comment(tmp_path, what):
    text = f"# seen\nplace: '{SECRETS[what]}'\nlist:\n  - 1  # was {SECRETS[what]}\n"
    assert places(tmp_path, text) == [(2, f"this looks like {what}"), (4, f"this looks like {what}")]


@pytest.mark.parametrize(
    "name",
    ["password", "smtp_password", "PWD", "apiKey", "api-key", "client.secret", "accessToken", "X-Auth-Token", "pass"],
)
def test_a_secret_is_known_by_the_name_of_its_key(tmp_path, name):
    text = f"email:\n  from: shop\n  '{name}': hunter2\n"
    assert places(tmp_path, text) == [(3, f"email.{name} looks like a secret by its name")]


def test_a_number_a_list_and_a_line_that_was_commented_out_are_told_too(tmp_path):
    text = "login:\n  password: 123456\n  tokens:\n    - one\n    - two\n  # password: hunter2\n"
    assert [line for line, _ in places(tmp_path, text)] == [2, 4, 5, 6]


@pytest.mark.parametrize(
    "text",
    [
        "token_days: 30",
        "max_tokens: 400",
        "password:",
        "secret: false",
        "password: ${KLANTREIS_PLACE}",
        "about: Basic subscriptions and a bearer of good news",
        "place: https://shop.example:8443/feed?page=2",
        "from: Shop <shop@mail.example>",
        "place: s3://bucket/landing",
        "keys: [customer_id, day]",
        "bypass: none",
        "# password: is given in the connection",
    ],
)
def test_what_is_no_secret_is_left_alone(tmp_path, text):
    assert places(tmp_path, text) == []


def test_in_a_source_a_column_may_be_called_token_but_a_key_of_the_form_of_a_secret_is_told(tmp_path):
    text = f"title: Shop\ndatasets:\n  visits:\n    columns:\n      token: visit_token\n      page: \"'{LETTERS}'\"\n"
    (tmp_path / "sources").mkdir()
    assert places(tmp_path, text, "sources/shop.yaml") == []
    told = places(tmp_path, text.replace(LETTERS, SECRETS["a key of Stripe"]) + "password: x\n", "sources/shop.yaml")
    assert told == [(6, "this looks like a key of Stripe"), (7, "password looks like a secret by its name")]


def test_a_file_that_is_no_yaml_is_searched_by_form(tmp_path):
    assert places(tmp_path, f"a: [\nb: {SECRETS['a key of Amazon']}\n") == [(2, "this looks like a key of Amazon")]


def test_check_tells_it_with_the_place_and_never_the_value(settings):
    from jobs.cli import checks

    company = settings()
    path = company.folder / "sources" / "crm.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\n# smtp://shop:hunter2@mail.example\n", encoding="utf-8")
    line = len(path.read_text(encoding="utf-8").splitlines())
    (note,) = [note for note in checks.notes(company) if "looks like" in note]
    assert note.startswith(f"{path}:{line}: this looks like an address with a password; put it into a connection")
    assert "hunter2" not in note


def test_an_unknown_key_that_names_a_secret_is_told_where_it_belongs_and_not_shown(tmp_path):
    class Server(Strict):
        host: str

    path = tmp_path / "server.yaml"
    path.write_text("host: mail.example\npassword: hunter2\n")
    with pytest.raises(ConfigError) as refused:
        load(path, Server)
    assert refused.value.problems[0].startswith(f"{path}:2: unknown key 'password'")
    assert "put it into a connection" in refused.value.problems[0]
    assert "hunter2" not in str(refused.value)


def test_the_configuration_that_comes_along_holds_none():
    assert list(notes(Path(__file__).parents[2] / "config")) == []


def test_plurals_name_secrets_only_where_the_value_is_a_list():
    assert (names_secret("tokens"), names_secret("tokens", several=True)) == (False, True)


def places(folder, text, name="some.yaml"):
    """Line and reason of each note about one file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    found = []
    for note in notes(folder):
        line, told = note.removeprefix(f"{path}:").split(": ", 1)
        assert told.endswith("who has a copy of the file has it")
        assert not any(secret in note for secret in [*SECRETS.values(), "hunter2", "123456"])
        found.append((int(line), told.split("; ")[0]))
    return found
