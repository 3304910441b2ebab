"""Text messages by Twilio, one call per person.

Twilio has no key by which a repeated call is known: a message of which no answer came is `unknown`. Whoever answered
STOP is refused by Twilio itself, and has unsubscribed from text messages here as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from jobs.activation.channel import Operation
from jobs.activation.channels.twilio.options import Options
from jobs.activation.channels.twilio.texts import LONGEST, Texts
from jobs.activation.http_api import Answer, HttpApi, Meaning, Meanings, base_url, credential
from jobs.activation.message_channel import MessageChannel
from jobs.activation.spelling import e164
from jobs.config.connections import connection
from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError

HOST = "https://api.twilio.com"
TABLE: dict[str, Meaning] = {
    "error_20429": "again",
    **dict.fromkeys(("error_20003", "error_20005", "error_63038"), "stop"),  # login, account, its limit of the day
    **dict.fromkeys(("error_21212", "error_21603", "error_21606", "error_21659"), "stop"),  # the sender
}


def _codes(status: int, body: Any) -> Sequence[str]:
    return [f"error_{body['code']}"] if status >= 400 and isinstance(body, dict) and body.get("code") else []


class TwilioChannel(MessageChannel):
    """Text messages of one audience from one account."""

    named = "Twilio"
    dead = frozenset({"error_21211", "error_21614"})  # no number, takes no texts
    said_no = frozenset({"error_21610"})  # answered STOP

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        self._options = cast(Options, settings.destinations[destination].options)
        self.connections = self._options.connections
        self._texts = Texts(audience, destination, settings)
        name = settings.destinations[destination].connection
        server = connection(name)
        token = credential(server, name, "the auth token")
        if not server.login:
            raise ConfigError([f"connection {name!r} has no login; give it the account SID (AC...)"])
        auth = (server.login, token)
        self._api = HttpApi(base_url(server, HOST, name), self._options, Meanings(_codes, TABLE), auth=auth)
        self._account = f"/{self._options.version}/Accounts/{server.login}"

    def send(self, operation: Operation) -> Answer:
        number = e164(operation.recipient.phones[0]) if operation.recipient.phones else None
        text = self._texts.text_of(operation)
        if number is None or not 0 < len(text) <= LONGEST:
            return Answer("refused", "no_number_with_its_country" if number is None else "text_too_long")
        sender = self._options.sender
        by = "MessagingServiceSid" if len(sender) == 34 and sender.startswith("MG") else "From"
        form = {"To": number, by: sender, "Body": text}
        return self._api.call("POST", f"{self._account}/Messages.json", repeatable=False, data=form)

    def request_id(self, answer: Answer) -> str:
        return str(answer.body["sid"])

    def problem(self, operation: Operation) -> str:
        try:
            self._texts.text_of(operation)
        except Exception as error:  # any error of a template is a finding of the rehearsal, not a crash of it
            return type(error).__name__
        return ""

    def check(self) -> list[str]:
        answer = self._api.call("GET", f"{self._account}.json")
        if answer.meaning != "done":
            return [f"Twilio answers {answer.code}"]
        status = answer.body.get("status")
        return [] if status == "active" else [f"the account of Twilio is {status}"]

    def close(self) -> None:
        self._api.close()
