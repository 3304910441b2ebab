"""Text messages from the templates in config/templates: `NAME.LANGUAGE.sms`.

A template may use company, first_name, audience, where the destination has a page for it unsubscribe_url, of an action
with an offer offer.code, offer.title and offer.until, and of one that recommends, for each of recommended, item, name
and reason.
"""

from __future__ import annotations

import re
from typing import Any, cast

import jinja2

from jobs.activation.channel import Operation
from jobs.activation.channels.twilio.options import Options
from jobs.activation.offer_texts import beside, sample, template_problem
from jobs.activation.unsubscribe_link import unsubscribe_link
from jobs.config.settings import Settings
from jobs.content import approval
from jobs.content.templates import read_now, sandbox

LONGEST = 1600
"""Characters that Twilio takes."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_SAMPLE = Operation("0" * 32, "", "send", 1, "", None)  # type: ignore[arg-type]


class Texts:
    """Writes the text messages of one audience to one destination."""

    def __init__(self, audience: str, destination: str, settings: Settings, sends: bool = True) -> None:
        """Raises ContentNotApproved if it `sends` and a text is not one that was approved of, where that is asked."""
        self._settings, self._audience = settings, settings.audiences[audience]
        self._options = cast(Options, settings.destinations[destination].options)
        self._template = self._audience.send_to[destination].template or ""
        self._folder = settings.folder / "templates"
        only_approved = sends and approval.asked(self._audience, self._template, settings)
        self._jinja = sandbox(settings.folder, settings.content if only_approved else None)
        self._languages = sorted(path.name.split(".")[-2] for path in self._folder.glob(f"{self._template}.*.sms"))
        if only_approved:
            read_now(self._jinja, approval.files_of(self._template, ("sms",), settings.folder), settings.folder)

    def text_of(self, operation: Operation) -> str:
        """The text for one operation."""
        recipient = operation.recipient
        return self._render(recipient.language, recipient.first_name, operation.operation_id, beside(operation))

    def problems(self) -> list[str]:
        """What is wrong with the templates, one line each; tries every language with and without a name."""
        wanted = self._folder / f"{self._template}.{self._options.language}.sms"
        if self._options.language not in self._languages:
            return [f"{wanted}: it is needed for the language of last resort; write it"]
        found, given = [], sample(self._audience.audience, self._settings)
        for language in self._languages:
            place = self._folder / f"{self._template}.{language}.sms"
            for first_name in ("Kim", None):
                try:
                    text = self._render(language, first_name, _SAMPLE.operation_id, given)
                except jinja2.TemplateError as error:
                    line = f":{error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
                    found.append(f"{place}{line}: {template_problem(given, '', error)}")
                    continue
                if wrong := template_problem(given, text):
                    found.append(f"{place}: {wrong}")
                if not 0 < len(text) <= LONGEST - 100:
                    found.append(f"{place}: {len(text)} characters; write at least one and at most {LONGEST - 100}")
        return list(dict.fromkeys(found))

    def _render(self, language: str | None, first_name: str | None, operation_id: str, more: dict[str, Any]) -> str:
        short = (language or "").lower().split("-")[0]
        chosen = short if short in self._languages else self._options.language
        values: dict[str, Any] = {
            "company": self._settings.general.company,
            "audience": self._audience.title,
            "first_name": _CONTROL.sub(" ", first_name).strip() if first_name else "",
        } | more
        if self._options.unsubscribe_url:
            values["unsubscribe_url"] = unsubscribe_link(self._options.unsubscribe_url, operation_id, self._settings)
        return self._jinja.get_template(f"{self._template}.{chosen}.sms").render(values).strip()
