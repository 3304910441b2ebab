"""A destination with real sockets, as strict as its vendor, that can be told to fail in the ways servers do.

Each module `tests/servers/TYPE.py` has `SERVER`, a subclass that follows the published contract of that type of
destination; `tests/activation/test_every_channel.py` runs over all of them. What a server `held` is the truth that the
outcomes of a channel are compared with.
"""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

EMPTY = hashlib.sha256(b"").hexdigest()
"""The hash of nothing: of everybody without an address. It must never arrive."""

BUSY, BUSY_UNTIL, BROKEN, GATEWAY, AWAY = "429", "429 Retry-After", "500", "502", "503"
RESET, LOST, SLOW = "reset", "answer lost after applying", "answer too slow after applying"
GARBLED = "200 with the page of a proxy"
FAULTS = (BUSY, BUSY_UNTIL, BROKEN, GATEWAY, AWAY, RESET, LOST, SLOW)
SLOWEST = 1.5
"""Seconds a channel waits for an answer that is to be too slow."""


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Any
    body: bytes
    target: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: found[0] for name, found in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass
class Reply(Exception):
    """What is answered; raised where a request breaks the contract."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class ContractServer:
    """What the contract test asks of every server."""

    KIND: ClassVar[str] = "members"
    TO: ClassVar[dict[str, str]] = {"list_id": "1001"}
    """What an audience gives this destination."""

    OPTIONS: ClassVar[dict[str, Any]] = {}
    CONSENT: ClassVar[str] = "ads"
    SPELLED: ClassVar[list[tuple[tuple[str, ...], tuple[str, ...], set[str]]]] = []
    """(e-mails, phones, what the server then holds), as the vendor publishes it."""

    NOBODY: ClassVar[list[tuple[tuple[str, ...], tuple[str, ...]]]] = [
        ((), ("0612345678",)),
        (("", " ", "@", "jan\x00@mail.example", "\u200bjan@mail.example", "jan@a.example,kim@b.example"), ()),
        ((EMPTY,), (EMPTY,)),
        (("no address",), ("31612345678",)),
    ]
    """(e-mails, phones) of which nothing can be used."""

    AFTER: ClassVar[dict[str, str]] = {**dict.fromkeys(FAULTS, "accepted"), GARBLED: "unknown"}
    """Fault that happens once or twice to the state that follows; others cannot happen to it."""

    MOST: ClassVar[int] = 0
    """People in one request."""

    REFUSES: ClassVar[bool] = True
    """Whether it may refuse one person of many."""

    SECRET: ClassVar[bool] = True
    """Whether nothing can be done there without a login."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, 0
        self.refused: set[str] = set()
        """Keys of people of which it takes no row."""

    def start(self) -> ContractServer:
        return self

    def stop(self) -> None:
        pass

    def connection(self) -> dict[str, Any]:
        """The Airflow connection to it."""
        raise NotImplementedError

    def key(self, email: str, phone: str) -> set[str]:
        """What it holds once a person with this address and number is there."""
        raise NotImplementedError

    def held(self) -> set[str]:
        raise NotImplementedError

    def times(self, key: str) -> int:
        """How often somebody was sent something."""
        raise NotImplementedError

    def fail(self, fault: str, times: int = 1) -> None:
        raise NotImplementedError

    def refuse(self, email: str, phone: str) -> None:
        """Take this person no more, alone of all in a request."""
        self.refused |= self.key(email, phone)

    def expire(self) -> None:
        """The credential is no longer valid."""
        raise NotImplementedError

    def lose(self) -> None:
        """The list is there no more."""
        raise NotImplementedError

    def requests(self) -> list[tuple[str, int]]:
        """Address that was asked, with its query, and people in the request, in order."""
        raise NotImplementedError


class HttpServer(ContractServer):
    """A server of a vendor with an HTTP interface. `answer` follows the contract, `error` has the vendor's form."""

    AFTER: ClassVar[dict[str, str]] = dict.fromkeys((*FAULTS, GARBLED), "accepted")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.calls: list[Call] = []
        self.told: list[int] = []
        self.token, self.lost = "tok-right.1234", False
        self._given = self.token
        self._faults: list[str] = []
        self._lock = threading.RLock()
        self._server = _Sockets(("127.0.0.1", 0), type("Handler", (_Handler,), {"contract": self}))
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def start(self) -> HttpServer:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def connection(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "schema": "http", "password": self._given}

    def answer(self, call: Call) -> Reply:
        """Carry the request out. Raises Reply for one that breaks the contract. `told` counts the people in it."""
        raise NotImplementedError

    def error(self, status: int) -> Any:
        """The body of an error as this vendor writes it."""
        return {}

    def fail(self, fault: str, times: int = 1) -> None:
        self._faults += [fault] * times

    def expire(self) -> None:
        self.token = "tok-other.5678"

    def lose(self) -> None:
        self.lost = True

    def requests(self) -> list[tuple[str, int]]:
        return [(call.target, told) for call, told in zip(self.calls, self.told, strict=True)]

    def serve(self, call: Call) -> tuple[str, Reply]:
        """The fault that happens to this call, and the answer to it."""
        with self._lock:
            self.calls.append(call)
            self.told.append(0)
            fault = self._faults.pop(0) if self._faults else ""
            if fault != GARBLED and fault[:3].isdigit():
                wait = {"Retry-After": "0.2"} if fault == BUSY_UNTIL else {}
                status = int(fault.split()[0])
                return fault, Reply(status, self.error(status), wait)
            if fault == RESET:
                return fault, Reply(0)
            if fault == GARBLED:
                return fault, Reply(200, b"<html>Log in to this network</html>", {"Content-Type": "text/html"})
            try:
                return fault, self.answer(call)
            except Reply as refusal:
                return fault, refusal

    def people(self, count: int) -> None:
        """Remember how many people are in the request that is being answered."""
        self.told[-1] = count


class _Sockets(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    contract: HttpServer
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        call = Call(self.command, unquote(parts.path), parse_qs(parts.query), self.headers, body, self.path)
        fault, reply = self.contract.serve(call)
        if fault in (RESET, LOST):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        content = reply.body if isinstance(reply.body, bytes) else b"" if reply.body is None else _json(reply.body)
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) + (40 if fault == SLOW else 0)))
        self.end_headers()
        if fault == SLOW:
            for _ in range(40):  # never silent for as long as the channel waits, but longer than that in all
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(SLOWEST / 8)
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _any  # noqa: N815

    def log_message(self, format: str, *arguments: Any) -> None:
        """What was asked is in `calls`."""


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def demand(condition: Any, status: int, body: Any) -> None:
    """Refuse the request unless the contract is kept."""
    if not condition:
        raise Reply(status, body)
