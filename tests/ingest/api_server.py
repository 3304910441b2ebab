"""A local HTTP server for tests that hands out records as survey and chat tools publish that they do.

- `/v3/surveys/1/responses/bulk`: SurveyMonkey: `data`, next page in `links.next`; bearer token.
- `/conversations`: Intercom: `conversations`, next cursor in `pages.next.starting_after`; bearer token.
- `/api/v2/incremental/tickets.json`: Zendesk: `tickets`, `next_page` always, `end_of_stream`; basic authentication.
- `/items`: an answer that is a list, by page number, by offset, or with a Link header; token in X-API-TOKEN.

A test sets the records, and what goes wrong: `faults` are taken one per request, first to last.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN, LOGIN, PASSWORD = "t0ken-of-the-api", "agent@x.example/token", "p4ssword"


@dataclass
class Script:
    """What the server has, does wrong and was asked."""

    records: list[str] = field(default_factory=list)
    faults: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    valid: bool = True
    next_host: str = ""
    url: str = ""

    def page(self, start: int, size: int) -> str:
        return "[" + ", ".join(self.records[start : start + size]) + "]"


@contextmanager
def api_server() -> Iterator[Script]:
    """Run the server on a free port; yields what a test can set and look at."""
    script = Script()
    handler = type("Handler", (_Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    script: Script
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        script, address = self.script, urlsplit(self.path)
        script.asked.append(self.path)
        fault = script.faults.pop(0) if script.faults else None
        if fault is not None:
            return self._fail(fault)
        given = {name: values[0] for name, values in parse_qs(address.query).items()}
        if not script.valid or not self._allowed(address.path):
            return self._answer(401, '{"error": "token of jane@x.example expired"}')
        answer = {
            "/v3/surveys/1/responses/bulk": self._survey,
            "/conversations": self._chat,
            "/api/v2/incremental/tickets.json": self._helpdesk,
            "/items": self._items,
        }.get(address.path)
        return answer(given) if answer else self._answer(404, "{}")

    def _survey(self, given: dict[str, str]) -> None:
        number, size = int(given.get("page", 1)), int(given["per_page"])
        more = number * size < len(self.script.records)
        host = self.script.next_host or self.script.url
        following = f"{host}/v3/surveys/1/responses/bulk?per_page={size}&page={number + 1}"
        links = json.dumps({"self": self.path, **({"next": following} if more else {})})
        self._answer(
            200, f'{{"per_page": {size}, "data": {self.script.page((number - 1) * size, size)}, "links": {links}}}'
        )

    def _chat(self, given: dict[str, str]) -> None:
        start, size = int(base64.b64decode(given.get("starting_after", "MA=="))), int(given.get("per_page", 20))
        end = start + size
        cursor = base64.b64encode(str(end).encode()).decode()
        following = {"per_page": size, "starting_after": cursor} if end < len(self.script.records) else None
        pages = json.dumps({"type": "pages", "next": following, "per_page": size})
        self._answer(
            200, f'{{"type": "conversation.list", "pages": {pages}, "conversations": {self.script.page(start, size)}}}'
        )

    def _helpdesk(self, given: dict[str, str]) -> None:
        start = int(given.get("from", 0))
        end = start + 2
        done = end >= len(self.script.records)
        following = f"{self.script.url}/api/v2/incremental/tickets.json?start_time=9&from={start if done else end}"
        self._answer(
            200,
            f'{{"count": 2, "next_page": "{following}", "end_of_stream": {json.dumps(done)}, '
            f'"tickets": {self.script.page(start, 2)}}}',
        )

    def _items(self, given: dict[str, str]) -> None:
        if "offset" in given:
            return self._answer(200, self.script.page(int(given["offset"]), 3))
        number = int(given.get("page", 1))
        headers = {}
        if number * 3 < len(self.script.records):
            headers["Link"] = f'</items?page={number + 1}>; rel="next", </items?page=1>; rel="first"'
        return self._answer(200, self.script.page((number - 1) * 3, 3), headers)

    def _allowed(self, path: str) -> bool:
        if path == "/items":
            return self.headers.get("X-API-TOKEN") == TOKEN
        if path.startswith("/api/v2"):
            login = base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
            return self.headers.get("Authorization") == f"Basic {login}"
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _fail(self, fault: Any) -> None:
        if fault == "reset":
            self.close_connection = True
            self.connection.close()
        elif fault == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"data": [{"id": "half')
            self.close_connection = True
        elif isinstance(fault, int):
            self._answer(fault, '{"message": "jane@x.example"}', {"Retry-After": "0"} if fault == 429 else {})
        else:
            self._answer(*fault)

    def _answer(self, status: int, body: str | bytes, headers: dict[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass
