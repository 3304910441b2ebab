"""One way to talk to a destination over HTTP: paced, patient, bounded, and silent about people.

A channel says in its `Meanings` what the codes of its vendor mean; what is to be tried again, how long a server may
take, and how fast it may be asked is the same for all of them. Credentials travel in a header, people in the body.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
from tenacity import Retrying, retry_if_exception_type, sleep_using_event, stop_after_attempt, stop_when_event_set

from jobs.activation import stopping
from jobs.activation.http_options import HttpOptions
from jobs.config.connections import THIS_MACHINE, Connection, PoliteWait, connection, refuse_unprotected
from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError
from jobs.http_answers import PACKED, pieces

Meaning = Literal["done", "again", "rows", "refused", "stop"]
"""What an answer means: it is done; try the same later; some rows of it are wrong; all of it is; ask nothing more."""

LONGEST_ANSWER = 16_000_000
"""Bytes of an answer that are read; a longer one is none."""

NO_ANSWER = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What reading an answer raises that says done and is not what the vendor answers, such as the page of a proxy."""

_NOT_A_CODE = re.compile(r"[^\w.:-]+")


@dataclass(frozen=True)
class Answer:
    """What came of one call. `code` names the reason, never in the words of the vendor: those may name a person."""

    meaning: Meaning
    code: str = ""
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    maybe: bool = False
    """It was not done for all we know, but it may have been: there was no answer, or one from something in between."""


@dataclass(frozen=True)
class Meanings:
    """The retry table of a vendor. `codes` finds its codes in an answer, the most telling first."""

    codes: Callable[[int, Any], Sequence[str]] = lambda status, body: ()
    table: Mapping[str, Meaning] = field(default_factory=dict)
    """By code of the vendor, or by HTTP status written as text. A code in an answer of 2xx is an error all the same."""

    wait: Callable[[Mapping[str, str]], float] = lambda headers: 0.0
    """Seconds to wait by headers of the vendor's own, beside Retry-After."""

    maybe: frozenset[str] = frozenset()
    """Codes after which something may be done all the same, as after a status of 5xx."""

    def of(self, status: int, body: Any) -> tuple[Meaning, str]:
        """The meaning of an answer and its reason, of codes only."""
        found = [clean for code in self.codes(status, body) if (clean := code_of(code))]
        usual = by_status(status)
        if usual == "done" and not found:
            return "done", ""
        meanings = (self.table[code] for code in [*found, str(status)] if code in self.table)
        shown = " ".join(dict.fromkeys([str(status), *found[:2]]))
        return next(meanings, "rows" if usual == "done" else usual), shown


def by_status(status: int) -> Meaning:
    """What an HTTP status means unless the vendor says otherwise."""
    if 200 <= status < 300:
        return "done"
    if status in (408, 425, 429) or status >= 500:
        return "again"
    if status in (401, 403, 404):
        return "stop"
    return "rows" if status in (400, 413, 422) else "refused"


def code_of(told: Any) -> str:
    """A code as it may be kept: short, and nothing that could be an address or a sentence."""
    text = _NOT_A_CODE.sub("_", str(told)).strip("_") if told is not None and "@" not in str(told) else ""
    return text[:60]


def not_understood(error: Exception) -> str:
    """The reason of what came of a request whose answer is no answer of the vendor."""
    return f"not understood: {type(error).__name__}"


class Pace:
    """Lets calls through no faster than so many a second, whichever thread they come from."""

    def __init__(self, per_second: float) -> None:
        self._gap, self._next, self._lock = 1 / per_second, 0.0, threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        time.sleep(turn - now)


class HttpApi:
    """Calls to one vendor. The credential is in `headers`, or in `auth`, which may sign each try anew.

    A vendor answers in JSON, or nothing; `text` says that it answers in text.
    """

    def __init__(
        self,
        base: str,
        options: HttpOptions,
        meanings: Meanings,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | tuple[str, str] | None = None,
        text: bool = False,
    ) -> None:
        self._options, self._meanings, self._text = options, meanings, text
        headers = {**(headers or {}), **PACKED}
        self._client = httpx.Client(base_url=base, headers=headers, auth=auth, timeout=options.timeout_seconds)
        self._pace = Pace(options.requests_per_second)

    def close(self) -> None:
        self._client.close()

    def call(self, method: str, path: str, repeatable: bool = True, or_gone: bool = False, **content: Any) -> Answer:
        """Do it, and again while the answer is to try again. What is not `repeatable` is not, once it may be done.

        `or_gone`: what is not there is done, as of something that is to be deleted.
        """
        answer = patiently(lambda: self._once(method, path, content), self._options, repeatable)
        return Answer("done") if or_gone and answer.code[:3] in ("404", "410") else answer

    def fetch(self, url: str) -> str | None:
        """A report that the vendor says lies elsewhere, as text, asked for without the credential; None if it fails."""
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in THIS_MACHINE:
            return None
        elsewhere = HttpApi(f"{parts.scheme}://{parts.netloc}", self._options, Meanings(), text=True)
        try:
            answer = elsewhere.call("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        finally:
            elsewhere.close()
        return str(answer.body or "") if answer.meaning == "done" else None

    def _once(self, method: str, path: str, content: dict[str, Any]) -> Answer:
        self._pace.wait()
        until = time.monotonic() + self._options.timeout_seconds
        try:
            with self._client.stream(method, path, **content) as response:
                body = _body(response, until)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Answer("again", type(error).__name__)
        except httpx.HTTPError as error:
            return Answer("again", type(error).__name__, maybe=True)
        meaning, code = self._meanings.of(response.status_code, body)
        if meaning == "done" and isinstance(body, str) and not self._text:
            return Answer("again", "not_understood", maybe=True)  # the page of a proxy, say: nobody knows what was done
        unsure = meaning == "again" and (response.status_code >= 500 or bool(self._meanings.maybe & set(code.split())))
        headers = httpx.Headers(response.headers)
        if wait := self._meanings.wait(headers):
            headers["Retry-After"] = f"{wait:g}"
        return Answer(meaning, code, body, headers, unsure)


def patiently(once: Callable[[], Answer], options: HttpOptions, repeatable: bool = True) -> Answer:
    """The last answer of `once`, which is asked again while it says so; after Retry-After, if its headers have that."""
    maybe = False

    def another() -> Answer:
        nonlocal maybe
        answer = once()
        maybe = maybe or answer.maybe
        if answer.meaning == "again" and (repeatable or not answer.maybe):
            raise _Again(answer)
        return answer

    patience = Retrying(
        retry=retry_if_exception_type(_Again),
        wait=PoliteWait(options.wait_seconds, options.longest_wait_seconds),
        stop=stop_after_attempt(options.tries) | stop_when_event_set(stopping.ASKED),
        sleep=sleep_using_event(stopping.ASKED),
        reraise=True,
    )
    try:
        answer = patience(another)
    except _Again as last:
        answer = last.response
    return answer if answer.meaning == "done" else replace(answer, maybe=maybe)


class _Again(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.code)
        self.response = answer
        """By the name under which the wait looks for headers."""


def _body(response: httpx.Response, until: float) -> Any:
    """The answer as JSON, else as text; a server that drips it out longer than allowed has not answered."""
    content = b""
    for part in pieces(response):
        content += part
        if time.monotonic() > until or len(content) > LONGEST_ANSWER:
            raise httpx.ReadTimeout("the answer takes too long", request=response.request)
    try:
        return json.loads(content) if content else None
    except (ValueError, RecursionError):
        return content.decode(errors="replace")


def account(destination: str, settings: Settings, default: str, what: str) -> tuple[str, str]:
    """Where the vendor of a destination is, `default` unless its connection says so, and the credential (`what`)."""
    name = settings.destinations[destination].connection
    server = connection(name)
    secret = credential(server, name, what)
    return base_url(server, default, name), secret


def base_url(server: Connection, default: str, name: str, secret: bool = True) -> str:
    """Where the vendor is: the host of the connection, else `default`. A credential, if there is one (`secret`), goes
    unprotected nowhere else than to this machine."""
    if not server.host:
        return default
    host = server.host.split("://")[-1].rstrip("/")
    scheme = server.schema if server.schema in ("http", "https") else "https"
    if secret:
        refuse_unprotected(scheme, host, name)
    return f"{scheme}://{host}" + (f":{server.port}" if server.port else "")


def credential(server: Connection, name: str, what: str) -> str:
    """The password of the connection, which holds `what`. Raises ConfigError if there is none."""
    if not server.password:
        raise ConfigError([f"connection {name!r} has no password; give it {what}"])
    if re.search(r"[^!-~]", server.password):
        raise ConfigError([f"connection {name!r}: the password is not {what}: it has blanks or letters with accents"])
    return server.password
