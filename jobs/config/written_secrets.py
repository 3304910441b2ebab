"""Secrets that were written into the configuration, told by the name of their key or by their form.

Files of the configuration are read by many: version control, copies, pages. A message about a secret gives its place
and why it looks like one, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

_WORDS = (
    "pass|password|passwd|passphrase|passcode|pwd|secret|token|bearer|authorization|credential|wachtwoord|geheim"
    "|api_?key|access_?key|private_?key|secret_?key|signing_?key|account_?key|shared_?key|encryption_?key|hash_?key"
    "|client_?secret|auth_?key|salt|pepper|sas|dsn|connection_?string"
)
_NAME = re.compile(rf"(?:.*_)?(?:{_WORDS})(?P<more>s)?", re.IGNORECASE)
"""The last word of a name tells what it holds: `api_token` is a secret, `token_days` a number of days."""
_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_COMMENTED = re.compile(r"#\s*(?:-\s+)?[\"']?(?P<name>[\w.-]+)[\"']?\s*:\s*(?P<value>[^\s#]+)\s*$")
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_MIXED = r"(?=[\w+/=.~-]*\d)(?=[\w+/=.~-]*[A-Za-z])"
FORMS = {
    "an address with a password": r"://[^/\s@:'\"]*:(?!\$\{)[^/\s@'\"]+@",
    "an address with a secret after the ?": (
        r"[?&](?:access_token|api_?key|auth|key|password|pwd|secret|sig|signature|token|X-Amz-Signature)=(?!\$\{)[^&\s'\"]{8,}"
    ),
    "an address of a webhook, which is a secret": (
        r"https://(?:hooks\.slack\.com/(?:services|workflows)/\w|(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d"
        r"|[\w.-]+\.webhook\.office\.com/webhookb2/\w)"
    ),
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "a header with a login": rf"\b(?:Basic|Bearer)\s+{_MIXED}[\w+/=.~-]{{12,}}",
    "a signed token (JWT)": r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+",
    "a key of Amazon": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a key of Google": r"\bAIza[\w-]{35}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}",
    "a key of Meta": r"\bEAA[A-Za-z0-9]{40,}",
    "a key of GitHub or GitLab": r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,})",
    "a key of Slack": r"\bxox[abeoprs]-[\w-]{10,}",
    "a key of Stripe": r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    "a key of SendGrid": r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
    "a key of Mailchimp": r"\b[0-9a-f]{32}-us\d{1,2}\b",
    "a key of Brevo": r"\bxkeysib-[0-9a-f]{32,}",
    "a key of Klaviyo": r"\bpk_[0-9a-f]{30,}\b",
    "a signing secret": r"\bwhsec_[A-Za-z0-9+/=]{20,}",
    "a key of a model provider": r"\bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}",
}
"""What a secret looks like whatever its key is called, by what it is; published by who gives them out."""
_FORMS = {what: re.compile(form) for what, form in FORMS.items()}
ADVICE = "put it into a connection (Airflow, or AIRFLOW_CONN_NAME) and replace it: who has a copy of the file has it"


def notes(folder: Path) -> Iterator[str]:
    """One line per secret in the YAML files of a configuration: file, line, key, why it looks like one, what to do."""
    for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")]):
        text = path.read_text(encoding="utf-8", errors="replace")
        found = {**_by_name(text, path.relative_to(folder)), **_by_form(text)}
        yield from (f"{path}:{line}: {told}; {ADVICE}" for line, told in sorted(found.items()))


def names_secret(name: str, several: bool = False) -> bool:
    """If a key of that name holds a secret; `several`: if it may be a plural, whose value is a list."""
    found = _NAME.fullmatch(re.sub(r"[\W_]+", "_", _CAPITALS.sub("_", name)).strip("_"))
    return found is not None and (several or not found["more"])


def _by_form(text: str) -> dict[int, str]:
    """Per line what it holds by its form, comments included."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        what = next((what for what, form in _FORMS.items() if form.search(line)), None)
        if what:
            found[number] = f"this looks like {what}"
    return found


def _by_name(text: str, place: Path) -> dict[int, str]:
    """Per line the key whose name says that its value is a secret."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        commented = _COMMENTED.search(line)
        if commented and names_secret(commented["name"]) and not _VARIABLE.fullmatch(commented["value"].strip("'\"")):
            found[number] = f"{commented['name']}, in a comment, looks like a secret by its name"
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return found  # the file is told to be no YAML by who reads it
    found |= dict(_named(node, (), columns=place.parts[0] == "sources"))
    return found


def _named(node: yaml.Node | None, keys: tuple[str, ...], columns: bool) -> Iterator[tuple[int, str]]:
    """Line and message of values below a key that names a secret. Where keys are names of columns (`columns`, below
    `datasets` of a source) a name says what a column of the file holds, and the value is where it is."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from (
                _value(item, keys, several=True) if isinstance(item, yaml.ScalarNode) else _named(item, keys, columns)
            )
    if isinstance(node, yaml.MappingNode) and not (columns and keys == ("datasets",)):
        for key, value in node.value:
            inner = (*keys, str(key.value))
            if isinstance(value, yaml.ScalarNode):
                yield from _value(value, inner)
            else:
                yield from _named(value, inner, columns)


def _value(node: yaml.ScalarNode, keys: tuple[str, ...], several: bool = False) -> Iterator[tuple[int, str]]:
    plain = node.tag in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:bool")
    if keys and names_secret(keys[-1], several) and node.value and not plain and not _VARIABLE.fullmatch(node.value):
        yield node.start_mark.line + 1, f"{'.'.join(keys)} looks like a secret by its name"
