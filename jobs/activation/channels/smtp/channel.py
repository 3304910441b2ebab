"""E-mail by SMTP: one message per recipient over a few connections that are reused.

A message counts as accepted only when the server said so. Until the body is on its way a lost connection is
harmless and the message is tried again; after that, without an answer, its outcome is `unknown` and it is never
sent again. 4xx is tried again a few times in this run and then left to the next one; 5xx is final.
"""

from __future__ import annotations

import logging
import random
import re
import smtplib
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from ipaddress import ip_address
from typing import Literal, cast

from jobs.activation import stopping
from jobs.activation.channel import OUT_OF_REACH, TEMPORARY, ChannelDown, Operation, Outcome
from jobs.activation.channels.smtp.addresses import wire_address
from jobs.activation.channels.smtp.messages import Messages
from jobs.activation.channels.smtp.options import Options
from jobs.config.connections import Connection, connection
from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError

log = logging.getLogger(__name__)
Security = Literal["none", "starttls", "tls"]
_ENHANCED = re.compile(rb"^([245]\.\d{1,3}\.\d{1,3})\b")
_DEAD_ADDRESS = ("5.1.1", "5.1.10", "5.2.1")
IDLE_SECONDS = 1.0
"""How long a connection may lie unused before it is asked whether it still is one: servers end idle connections."""

_LOST = (smtplib.SMTPServerDisconnected, ConnectionError, TimeoutError, OSError)


class SmtpChannel:
    """Messages of one audience through one server."""

    batch_size = 500

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        self._options = cast(Options, settings.destinations[destination].options)
        self._messages = Messages(audience, destination, settings)
        self._server = connection(settings.destinations[destination].connection)
        self._security = security(self._server)
        self._date = formatdate(usegmt=True)
        self._lines = [
            _Line(self._server, self._security, self._options.timeout_seconds) for _ in range(self._options.connections)
        ]

    def deliver(self, batch: Sequence[Operation]) -> list[Outcome]:
        outcomes: dict[str, Outcome] = {}
        waiting = list(batch)
        for number in range(self._options.tries):
            if number:
                most = self._options.wait_seconds * 2 ** (number - 1)
                if stopping.ASKED.wait(random.uniform(0, most)):
                    break
            try:
                tried = self._in_parallel(waiting)
            except ChannelDown as error:
                known = {**outcomes, **{outcome.operation_id: outcome for outcome in error.outcomes}}
                raise ChannelDown(str(error), list(known.values())) from error
            outcomes.update({outcome.operation_id: outcome for outcome in tried})
            waiting = [o for o in waiting if o.operation_id in outcomes and _again(outcomes[o.operation_id])]
            if not waiting:
                break
        return [outcomes[one.operation_id] for one in batch if one.operation_id in outcomes]

    def settle(
        self, request_ids: Sequence[str], batches: dict[str, list[Operation]], seconds: float | None = None
    ) -> list[Outcome]:
        """SMTP answers at once; there is never anything to wait for."""
        return []

    def rehearse(self, batch: Sequence[Operation]) -> list[str]:
        """Write every message and greet the server, log in included; nothing is sent."""
        problems = {f"{type(e).__name__}" for o in batch if (e := self._cannot_write(o))}
        try:
            self._lines[0].greet()
        except ChannelDown as error:
            problems.add(str(error))
        except _LOST as error:
            problems.add(f"no connection to {self._server.host}:{self._server.port}: {type(error).__name__}")
        return sorted(problems)

    def erase(self, batch: Sequence[Operation]) -> list[Outcome]:
        """A message that was delivered cannot be called back."""
        return [Outcome(operation.operation_id, "rejected", OUT_OF_REACH) for operation in batch]

    def close(self) -> None:
        for line in self._lines:
            line.hang_up()

    def _in_parallel(self, batch: list[Operation]) -> list[Outcome]:
        lines = self._lines[: max(1, min(len(self._lines), len(batch)))]
        shares = [batch[number :: len(lines)] for number in range(len(lines))]
        with ThreadPoolExecutor(len(lines)) as pool:
            results = list(pool.map(self._one_line, lines, shares))
        outcomes = [outcome for share, _ in results for outcome in share]
        down = next((error for _, error in results if error), None)
        if down:
            raise ChannelDown(str(down), outcomes)
        return outcomes

    def _one_line(self, line: _Line, batch: list[Operation]) -> tuple[list[Outcome], ChannelDown | None]:
        """Without a connection the rest of the share is not tried one by one: each would wait for a time-out."""
        outcomes: list[Outcome] = []
        for number, operation in enumerate(batch):
            if stopping.ASKED.is_set():
                break
            try:
                line.greet()
                outcomes.append(self._send(line, operation))
            except ChannelDown as error:
                return outcomes, error
            except (smtplib.SMTPException, *_LOST) as error:
                reason = f"{TEMPORARY}no connection: {type(error).__name__}"
                return [*outcomes, *(Outcome(o.operation_id, "rejected", reason) for o in batch[number:])], None
        return outcomes, None

    def _send(self, line: _Line, operation: Operation) -> Outcome:
        address = wire_address(operation.recipient.emails[0]) if operation.recipient.emails else None
        if address is None:
            return Outcome(operation.operation_id, "rejected", "address cannot be used with SMTP")
        content = self._messages.bytes_of(operation, address, self._date)
        sender = self._messages.envelope_sender(operation.operation_id)
        return line.send(operation.operation_id, sender, address, content)

    def _cannot_write(self, operation: Operation) -> Exception | None:
        try:
            told = operation.recipient.emails[0]
            self._messages.bytes_of(operation, wire_address(told) or told, self._date)
        except Exception as error:  # any template or address error is a finding of the rehearsal, not a crash of it
            return error
        return None


class _Line:
    """One connection to the server, opened when needed and reused until it breaks."""

    def __init__(self, server: Connection, security: Security, timeout: float) -> None:
        self._server, self._security, self._timeout = server, security, timeout
        self._smtp: smtplib.SMTP | None = None
        self._used = 0.0

    def greet(self) -> smtplib.SMTP:
        """A connection that lives. Raises ChannelDown if the login is refused, OSError if there is no connection."""
        if self._smtp is not None and time.monotonic() - self._used > IDLE_SECONDS and not self._lives(self._smtp):
            self._drop()
        self._used = time.monotonic()
        if self._smtp is None:
            host, port = self._server.host, self._server.port or {"tls": 465, "starttls": 587}.get(self._security, 25)
            context = ssl.create_default_context()
            if self._security == "tls":
                smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=self._timeout, context=context)
            else:
                smtp = smtplib.SMTP(host, port, timeout=self._timeout)
            try:
                smtp.ehlo_or_helo_if_needed()
                if self._security == "starttls":
                    smtp.starttls(context=context)
                    smtp.ehlo_or_helo_if_needed()  # the greeting before TLS does not count
                if self._server.login:
                    smtp.login(self._server.login, self._server.password)
            except smtplib.SMTPAuthenticationError as error:
                smtp.close()
                raise ChannelDown(
                    f"{host}:{port} refuses the login ({error.smtp_code}); check the connection"
                ) from None
            except smtplib.SMTPNotSupportedError:
                smtp.close()
                raise ChannelDown(
                    f"{host}:{port} does not offer {self._security} or login; check the connection"
                ) from None
            self._smtp = smtp
        return self._smtp

    def _lives(self, smtp: smtplib.SMTP) -> bool:
        """Whether the server still listens; nothing of a message is on its way yet, so another one costs nothing."""
        try:
            return smtp.noop()[0] == 250
        except (smtplib.SMTPException, *_LOST):
            return False

    def hang_up(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (*_LOST, smtplib.SMTPException):
                smtp.close()

    def send(self, operation_id: str, sender: str, address: str, content: bytes) -> Outcome:
        body_sent = False
        try:
            smtp = self.greet()
            for verb in (lambda: smtp.mail(sender), lambda: smtp.rcpt(address), lambda: smtp.docmd("DATA")):
                code, text = verb()
                if not (200 <= code < 300 or code == 354):
                    return self._refused(smtp, operation_id, code, text)
            if code != 354:  # a server that does not ask for the message would read it as commands
                return self._refused(smtp, operation_id, -1, text)
            body_sent = True
            smtp.send(_dotted(content))
            code, text = smtp.getreply()
            if 200 <= code < 300:
                return Outcome(operation_id, "accepted", str(code))
            if not 400 <= code < 600:  # no answer that SMTP knows
                self._drop()
                return Outcome(operation_id, "unknown", f"no answer after the message: {code}")
            return self._refused(smtp, operation_id, code, text)
        except (smtplib.SMTPException, *_LOST) as error:
            self._drop()
            if body_sent:
                return Outcome(operation_id, "unknown", f"no answer after the message: {type(error).__name__}")
            return Outcome(operation_id, "rejected", f"{TEMPORARY}{type(error).__name__}")

    def _refused(self, smtp: smtplib.SMTP, operation_id: str, code: int, text: bytes) -> Outcome:
        """Codes only: the text of a refusal repeats the address."""
        match = _ENHANCED.match(text)
        enhanced = match[1].decode() if match else ""
        reason = f"{code} {enhanced}".strip()
        if code == 421 or code < 0:
            self._drop()
        else:
            smtp.rset()
        if 400 <= code < 500 or code < 0:
            return Outcome(operation_id, "rejected", TEMPORARY + reason)
        if code in (530, 535):
            raise ChannelDown(f"{self._server.host} wants a login ({reason}); check the connection")
        return Outcome(operation_id, "rejected", reason, dead_address=enhanced in _DEAD_ADDRESS)

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def security(server: Connection) -> Security:
    """How the connection is protected: `security` in its extra, or the keys of Airflow's SMTP connections.

    Without either: tls on port 465, else starttls. A login is never sent unprotected to another machine.
    """
    extra = {key: str(value).lower() for key, value in (server.extra or {}).items()}
    chosen: Security = "tls" if server.port == 465 else "starttls"
    if extra.get("security") in ("none", "starttls", "tls"):
        chosen = extra["security"]  # type: ignore[assignment]
    elif extra.get("disable_ssl") == "false":
        chosen = "tls"
    elif extra.get("disable_tls") == "true":
        chosen = "none"
    if chosen == "none" and server.login and not _is_this_machine(server.host):
        raise ConfigError([f"SMTP connection to {server.host}: the login would go unprotected; use starttls or tls"])
    return chosen


def _again(outcome: Outcome) -> bool:
    return outcome.reason.startswith(TEMPORARY)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _dotted(content: bytes) -> bytes:
    """The message as SMTP carries it: CRLF line ends, leading dots doubled, a lone dot at the end."""
    lines = content.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b"\r\n.\r\n"
