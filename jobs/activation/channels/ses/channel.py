"""E-mail by Amazon SES, version 2: one whole message per person, the same that goes out by SMTP.

SES has no key by which a repeated call is known, and boto3 repeats calls by itself, which is switched off: a message of
which no answer came is `unknown`. It is asked once how fast this account may send.
"""

from __future__ import annotations

import threading
from email.utils import formatdate
from typing import Any, cast

import boto3
from botocore.config import Config

from jobs.activation.aws import ERRORS, answer_of
from jobs.activation.channel import Operation
from jobs.activation.channels.ses.options import Options
from jobs.activation.channels.smtp.addresses import wire_address
from jobs.activation.channels.smtp.messages import Messages
from jobs.activation.http_api import Answer, Meaning, Pace, patiently
from jobs.activation.message_channel import MessageChannel
from jobs.config.connections import Connection, connection
from jobs.config.settings import Settings

MEANINGS: dict[str, Meaning] = {
    "TooManyRequestsException": "again",
    "ThrottlingException": "again",
    "LimitExceededException": "stop",
    "AccountSuspendedException": "stop",
    "SendingPausedException": "stop",
    "MailFromDomainNotVerifiedException": "stop",
    "NotFoundException": "stop",
    "MessageRejected": "refused",
    "BadRequestException": "refused",
}


class SesChannel(MessageChannel):
    """Messages of one audience through one account."""

    named = "SES"

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        self._options = cast(Options, settings.destinations[destination].options)
        self.connections = self._options.connections
        self._messages = Messages(audience, destination, settings)
        self._client = _client(connection(settings.destinations[destination].connection), self._options)
        self._date = formatdate(usegmt=True)
        self._pace: Pace | None = None
        self._first = threading.Lock()

    def send(self, operation: Operation) -> Answer:
        address = wire_address(operation.recipient.emails[0]) if operation.recipient.emails else None
        if address is None:
            return Answer("refused", "address_cannot_be_used_with_SES")
        told: dict[str, Any] = {
            "FromEmailAddress": self._options.sender,
            "Destination": {"ToAddresses": [address]},
            "Content": {"Raw": {"Data": self._messages.bytes_of(operation, address, self._date)}},
            "EmailTags": [{"Name": "operation", "Value": operation.operation_id}],
        }
        if self._options.bounce_address:
            told["FeedbackForwardingEmailAddress"] = self._messages.envelope_sender(operation.operation_id)
        if self._options.configuration_set:
            told["ConfigurationSetName"] = self._options.configuration_set
        return patiently(lambda: self._once(told), self._options, repeatable=False)

    def request_id(self, answer: Answer) -> str:
        return str(answer.body["MessageId"])

    def problem(self, operation: Operation) -> str:
        try:
            self._messages.bytes_of(operation, operation.recipient.emails[0], self._date)
        except Exception as error:  # any template or address error is a finding of the rehearsal, not a crash of it
            return type(error).__name__
        return ""

    def check(self) -> list[str]:
        try:
            account = self._client.get_account()
        except ERRORS as error:
            return [f"SES answers {answer_of(error).code}"]
        problems = [] if account.get("SendingEnabled", True) else ["SES has paused sending for this account"]
        if not account.get("ProductionAccessEnabled", True):
            problems.append("this account of SES is in the sandbox: it sends to verified addresses only")
        return problems

    def close(self) -> None:
        self._client.close()

    def _once(self, told: dict[str, Any]) -> Answer:
        self._its_pace().wait()
        try:
            return Answer("done", body=self._client.send_email(**told))
        except ERRORS as error:
            return answer_of(error, MEANINGS)

    def _its_pace(self) -> Pace:
        """As fast as told, and no faster than the account may."""
        with self._first:
            if self._pace is None:
                most = self._options.requests_per_second
                try:
                    allowed = float(self._client.get_account()["SendQuota"]["MaxSendRate"])
                except (*ERRORS, KeyError):  # keys that may only send
                    allowed = most
                self._pace = Pace(min(most, allowed) if allowed > 0 else most)
        return self._pace


def _client(login: Connection, options: Options) -> Any:
    extra = login.extra or {}
    return boto3.session.Session().client(
        "sesv2",
        aws_access_key_id=login.login or None,
        aws_secret_access_key=login.password or None,
        aws_session_token=extra.get("aws_session_token"),
        endpoint_url=extra.get("endpoint_url"),
        region_name=extra.get("region_name"),
        config=Config(
            retries={"total_max_attempts": 1},
            connect_timeout=options.timeout_seconds,
            read_timeout=options.timeout_seconds,
            max_pool_connections=options.connections,
        ),
    )
