"""An SMTP server that keeps every message instead of passing it on.

Messages are kept as `DIR/mail/NUMBER.eml`; `DIR/received.jsonl` has one line each (Message-ID, SHA-256 of the
recipient, envelope sender), written before the server says 250, so it is the truth about what was accepted.
Replies can be planned in `DIR/replies.json`, read for every recipient: `{"recipient or @domain": ["451 4.7.1 Later",
"250"]}` gives the first attempt 451 and every further one 250; the last reply repeats.
`"hangup"` closes the connection after the message was taken and before the answer, as a crash would.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
import threading
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HANGUP = "hangup"
AFTER_BODY = "DATA "
"""Before a planned reply: it is given after the message instead of after the recipient."""


class SmtpSandbox:
    """The server. `login` makes it ask for that user name and password, `tls` for STARTTLS before anything else.

    `answer_seconds` is how long it takes to accept a message; after `idle_seconds` without a command it says 421 and
    hangs up.
    """

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        login: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        answer_seconds: float = 0,
        idle_seconds: float = 300,
    ) -> None:
        self.handler = _Handler(folder, answer_seconds)
        options: dict[str, Any] = {"timeout": idle_seconds}
        if login:
            options |= {"authenticator": _only(*login), "auth_required": True, "auth_require_tls": False}
        if tls:
            options |= {"tls_context": tls, "require_starttls": True}
        self._controller = _Controller(self.handler, hostname=host, port=port, ready_timeout=120, **options)

    def start(self) -> SmtpSandbox:
        self._controller.start()
        return self

    def stop(self) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return self._controller.port


class _Server(SMTP):
    def _timeout_cb(self) -> None:
        self.event_handler.idle += 1
        transport: Any = self.transport
        if transport is not None:
            transport.write(b"421 4.4.2 idle for too long\r\n")
        super()._timeout_cb()


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        """Port 0 means any free port: the greeting has to go to the one that was given."""
        sockets: Any = getattr(self.server, "sockets", None)
        self.port = sockets[0].getsockname()[1]
        super()._trigger_server()


def received(folder: Path) -> list[dict[str, str]]:
    """One entry per accepted message, in order."""
    path = folder / "received.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def recipient_hash(address: str) -> str:
    return hashlib.sha256(address.lower().encode()).hexdigest()


def _only(login: str, password: str):  # type: ignore[no-untyped-def]
    def check(server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        given = isinstance(data, LoginPassword) and (data.login, data.password) == (login.encode(), password.encode())
        return AuthResult(success=given, handled=given)

    return check


class _Handler:
    def __init__(self, folder: Path, answer_seconds: float) -> None:
        self.folder, self._answer_seconds = folder, answer_seconds
        (folder / "mail").mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._count = len(received(folder))
        self._tries: dict[str, int] = {}
        self.connections = self.idle = 0

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        planned = self._planned(address)
        later = planned == HANGUP or planned.startswith(AFTER_BODY)
        if not later and not planned.startswith("2"):
            return planned
        envelope.rcpt_tos.append(address)
        return "250 OK" if later else planned

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self._answer_seconds)
        after_body = [reply for r in envelope.rcpt_tos if (reply := self._last(r)).startswith(AFTER_BODY)]
        answer = after_body[0].removeprefix(AFTER_BODY) if after_body else "250 2.0.0 kept"
        if not answer.startswith("2"):
            return answer
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        with self._lock:
            self._count += 1
            (self.folder / "mail" / f"{self._count:06d}.eml").write_bytes(content)
            with (self.folder / "received.jsonl").open("a") as log:
                for recipient in envelope.rcpt_tos:
                    entry = {"message_id": _message_id(content), "recipient": recipient_hash(recipient)}
                    entry["sender"] = envelope.mail_from or ""
                    log.write(json.dumps(entry) + "\n")
        if any(self._last(recipient) == HANGUP for recipient in envelope.rcpt_tos):
            server.transport.abort()
        return answer

    def _planned(self, address: str) -> str:
        replies = self._replies(address)
        tried = self._tries[address] = self._tries.get(address, 0) + 1
        return replies[min(tried, len(replies)) - 1] if replies else "250"

    def _last(self, address: str) -> str:
        replies = self._replies(address)
        return replies[min(self._tries[address], len(replies)) - 1] if replies else "250"

    def _replies(self, address: str) -> list[str]:
        path = self.folder / "replies.json"
        if not path.exists():
            return []
        planned = json.loads(path.read_text())
        return planned.get(address) or planned.get("@" + address.rpartition("@")[2]) or []


SANDBOX = SmtpSandbox


def _message_id(content: bytes) -> str:
    for line in content.splitlines():
        if line.lower().startswith(b"message-id:"):
            return line.partition(b":")[2].strip().decode()
        if not line:
            break
    return ""
