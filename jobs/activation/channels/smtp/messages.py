"""E-mail messages from the templates in config/templates: `NAME.LANGUAGE.txt` and `NAME.LANGUAGE.html`.

The first line of the text template is `Subject: ...`. A template may use company, first_name, audience, unsubscribe_url
and links.NAME of config/feedback.yaml, of an action with an offer offer.code, offer.title and offer.until, and of one
that recommends, for each of recommended, item, name and reason; any other name is an error, found by `problems` before
anything is sent.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from email.header import Header
from email.utils import formataddr, parseaddr
from functools import cache
from html import escape
from types import SimpleNamespace
from typing import Any, cast

import jinja2

from jobs.activation.bounce_address import bounce_address
from jobs.activation.channel import Operation
from jobs.activation.channels.smtp.options import MailOptions
from jobs.activation.measured_link import PICTURE, measured_link
from jobs.activation.offer_texts import beside, sample, template_problem
from jobs.activation.unsubscribe_link import unsubscribe_link
from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError
from jobs.content import approval
from jobs.content.templates import read_now, sandbox

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


class Messages:
    """Writes the messages of one audience to one destination.

    The message is put together by hand: the standard library takes a millisecond for each and folds the long
    List-Unsubscribe header into encoded words, which mail programs do not read as a link.
    """

    def __init__(self, audience: str, destination: str, settings: Settings, sends: bool = True) -> None:
        """Raises ContentNotApproved if it `sends` and a text is not one that was approved of, where that is asked."""
        self._settings = settings
        self._options = cast(MailOptions, settings.destinations[destination].options)
        self._audience = settings.audiences[audience]
        self._template = self._audience.send_to[destination].template or ""
        self._folder = settings.folder / "templates"
        only_approved = sends and approval.asked(self._audience, self._template, settings)
        self._jinja = sandbox(settings.folder, settings.content if only_approved else None)
        name, address = parseaddr(self._options.sender)
        self._sender = formataddr((name, address))
        self._domain = address.partition("@")[2]
        self._bounces_to = self._options.bounce_address or address
        asked = settings.feedback.opens_and_clicks
        self._links = dict(asked.links) if asked else {}
        self._templates = cache(self._load)
        texts, pages = (
            {path.name.split(".")[-2] for path in self._folder.glob(f"{self._template}.*.{kind}")}
            for kind in ("txt", "html")
        )
        self._languages = sorted(texts & pages)
        if only_approved:
            read_now(self._jinja, approval.files_of(self._template, ("txt", "html"), settings.folder), settings.folder)

    def bytes_of(self, operation: Operation, address: str, date: str) -> bytes:
        """The whole message for one operation, ready to send. `address` is where it goes, `date` the Date header."""
        link = unsubscribe_link(self._options.unsubscribe_url, operation.operation_id, self._settings)
        recipient = operation.recipient
        links, picture = self._measured(operation)
        subject, text, html = self._render(recipient.language, recipient.first_name, link, links, beside(operation))
        html = _with_picture(html, picture) if picture else html
        boundary = f"=_{operation.operation_id}"  # cannot occur in the text: quoted-printable writes `=` as `=3D`
        headers = {
            "From": self._sender,
            "To": address,
            "Subject": subject if subject.isascii() else Header(subject, "utf-8").encode(linesep="\r\n"),
            "Date": date,
            "Message-ID": f"<{operation.operation_id}@{self._domain}>",
            "List-Id": f"<{self._audience.audience.replace('_', '-')}.{self._domain}>",
            "List-Unsubscribe": f"<{link}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "MIME-Version": "1.0",
            "Content-Type": f'multipart/alternative; boundary="{boundary}"',
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        parts = (_part(boundary, "plain", text), _part(boundary, "html", html))
        return b"".join([head.encode("ascii"), b"\r\n", *parts, f"--{boundary}--\r\n".encode()])

    def envelope_sender(self, operation_id: str) -> str:
        """The address that this message comes back to, if it does."""
        return bounce_address(self._bounces_to, operation_id, self._settings)

    def problems(self) -> list[str]:
        """What is wrong with the templates, one line each; tries every language with and without a name."""
        languages = self._languages
        wanted = self._options.language
        place = self._folder / f"{self._template}.{wanted}"
        if wanted not in languages:
            return [f"{place}.txt and {place}.html: both are needed for the language of last resort; write them"]
        found, given = [], sample(self._audience.audience, self._settings)
        for language in languages:
            base = f"{self._folder / self._template}.{language}"
            for first_name in ("Kim", None):
                try:
                    parts = self._render(language, first_name, "https://example.com/u", self._links, given)
                except (jinja2.TemplateError, ConfigError) as error:
                    line = f":{error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
                    found.append(f"{base}{line}: {template_problem(given, '', error)}")
                    continue
                for end, text in zip(("txt", "html"), parts[1:], strict=True):
                    if wrong := template_problem(given, text):
                        found.append(f"{base}.{end}: {wrong}")
        return list(dict.fromkeys(found))

    def _measured(self, operation: Operation) -> tuple[dict[str, str], str]:
        """Where links lead, and the picture that tells of an open: plain and none, unless the person said yes to it."""
        asked, page = self._settings.feedback.opens_and_clicks, self._options.unsubscribe_url
        if asked is None or not operation.recipient.measured:
            return self._links, ""

        def told(target: str) -> str:
            return measured_link(page, operation.operation_id, target, self._settings)

        return {name: told(name) for name in self._links}, told(PICTURE) if asked.opens else ""

    def _render(
        self, language: str | None, first_name: str | None, link: str, links: dict[str, str], more: dict[str, Any]
    ) -> tuple[str, str, str]:
        known = self._languages
        short = (language or "").lower().split("-")[0]
        text, html = self._templates(short if short in known else self._options.language)
        values = {
            "company": self._settings.general.company,
            "audience": self._audience.title,
            "first_name": _CONTROL.sub(" ", first_name).strip() if first_name else "",
            "unsubscribe_url": link,
            "links": SimpleNamespace(**links),  # of a dict `items` would be no link
        } | more
        subject, _, body = text.render(values).partition("\n")
        if not subject.startswith("Subject: "):
            raise ConfigError(["the first line of the text must be 'Subject: ...'"])
        return _CONTROL.sub(" ", subject.removeprefix("Subject: ")).strip(), body.lstrip("\n"), html.render(values)

    def _load(self, language: str) -> tuple[jinja2.Template, jinja2.Template]:
        base = f"{self._template}.{language}"
        return self._jinja.get_template(f"{base}.txt"), self._jinja.get_template(f"{base}.html")


def _with_picture(html: str, address: str) -> str:
    """The page with a picture of one point at its end."""
    head, end, tail = html.rpartition("</body>")
    picture = f'<img src="{escape(address)}" width="1" height="1" alt="">'
    return f"{head}{picture}{end}{tail}" if end else html + picture


def _part(boundary: str, kind: str, body: str) -> bytes:
    """One body as quoted-printable: it passes through servers that take 7-bit text only."""
    head = f'--{boundary}\r\nContent-Type: text/{kind}; charset="utf-8"\r\n'
    head += "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    lines = "\r\n".join([*body.splitlines(), ""])
    return head.encode() + b2a_qp(lines.encode(), istext=True) + b"\r\n"
