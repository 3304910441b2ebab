"""Pull records of an HTTP(S) JSON API, page by page, as the server writes them."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_before_delay

from jobs.config.connections import Connection, PoliteWait
from jobs.config.sources.places import Request
from jobs.errors import StepFailed
from jobs.http_answers import PACKED, pieces
from jobs.ingest.formats.json_text import NotThere, value_at, values_at
from jobs.ingest.formats.records import Line

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses whose query may hold personal data

WAIT = PoliteWait(first=1, longest=120)
TRIES = 8
TIMEOUT = httpx.Timeout(60, connect=15)
PAGE_BYTES = 64 << 20
"""What one answer may hold, unpacked: as text and as records it takes ten times that."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Passing(Exception):
    """A failure that may pass: too many requests, a server error, a lost connection."""

    def __init__(self, what: str, response: httpx.Response | None = None):
        super().__init__(what)
        self.response = response


class Page(NamedTuple):
    """One answer: where it is from, its text, and the address in its Link header."""

    url: httpx.URL
    text: str
    link: str | None


class Api:
    """The records of one request. Addresses of other hosts are never called, wherever the answers point."""

    def __init__(self, login: Connection, name: str, request: Request):
        self._request, self._name = request, name
        self._base = base_url(login, name)
        self._end = time.monotonic() + request.timeout_minutes * 60
        self._headers, self._auth = _login(login)

    def window(self, last: str) -> tuple[str, str]:
        """From when and until when to pull: `last` is where the pull before ended, empty for none."""
        since = ""
        if last:
            since = (datetime.fromisoformat(last) - timedelta(minutes=self._request.overlap_minutes)).isoformat()
        return since, datetime.now(UTC).replace(microsecond=0).isoformat()

    def lines(self, since: str, until: str) -> Iterator[Line]:
        """The records between two moments, all of them: an API does not say which of them it gave before."""
        with httpx.Client(headers=self._headers, auth=self._auth, timeout=TIMEOUT) as client:
            for number, records in enumerate(self._pages(client, since, until), start=1):
                for record in records:
                    if not record.startswith("{"):
                        raise self._failed(f"page {number}: a record is no JSON object; correct `records`")
                    yield Line(record, seen=True, again=True)

    def _pages(self, client: httpx.Client, since: str, until: str) -> Iterator[list[str]]:
        """The records of each page. Raises StepFailed if one is not as configured or they go in circles."""
        paging = self._request.paging
        counted = paging.type in ("page", "offset")
        position = paging.first if paging.type == "page" else 0
        target, number = self._first(since, until), 1
        seen = {str(target)}
        while True:
            page = self._get(client, target, number)
            records = self._records(page, number)
            yield records
            position += 1 if paging.type == "page" else len(records)
            following = self._next(page, target, position, bool(records))
            if following is None:
                return
            # a counted page has a new address always: there it is the content that tells a server that counts not
            mark = hashlib.sha256(page.text.encode()).hexdigest() if counted else str(following)
            if mark in seen:
                raise self._failed(f"page {number + 1} would be one that was read before; correct `paging`")
            seen.add(mark)
            target, number = following, number + 1

    def _first(self, since: str, until: str) -> httpx.URL:
        """The address of the first page."""
        request, paging = self._request, self._request.paging

        def filled(text: str) -> str:
            return text.replace("{since}", self._moment(since)).replace("{until}", self._moment(until))

        parameters = {name: filled(value) for name, value in request.parameters.items()}
        if paging.size_parameter:
            parameters[paging.size_parameter] = str(paging.size)
        if paging.type in ("page", "offset"):
            parameters[paging.parameter] = str(paging.first if paging.type == "page" else 0)
        url = httpx.URL(f"{str(self._base).rstrip('/')}/{filled(request.path).lstrip('/')}")
        return url.copy_merge_params(parameters)

    def _next(self, page: Page, target: httpx.URL, position: int, more: bool) -> httpx.URL | None:
        """The address of the page after this one, None after the last. Counted pages end with an empty one."""
        paging = self._request.paging
        if paging.type == "none" or (paging.done and value_at(page.text, paging.done) == "true"):
            return None
        if paging.type in ("page", "offset"):
            return target.copy_set_param(paging.parameter, str(position)) if more else None
        found = page.link if paging.type == "link_header" else value_at(page.text, paging.next)
        if not found:
            return None
        if paging.type == "cursor":
            return target.copy_set_param(paging.parameter, found)
        return self._own(page.url.join(found))

    def _own(self, url: httpx.URL) -> httpx.URL:
        """`url`, if it is on the connection's own server, with its scheme. The login goes nowhere else."""
        if (url.scheme, url.host, _port(url)) != (self._base.scheme, self._base.host, _port(self._base)):
            raise self._failed(
                f"the next page is at {url.scheme}://{url.host}, not at the server of the connection; it was not called"
            )
        if url.userinfo:
            raise self._failed("the address of the next page holds a login; it was not called")
        return url

    def _records(self, page: Page, number: int) -> list[str]:
        path = self._request.records
        if not path and page.text.lstrip().startswith("["):
            path = "[]"
        try:
            return list(values_at(page.text, path))
        except NotThere as error:
            raise self._failed(f"page {number}: {error}; correct `records`") from None
        except ValueError as error:
            place = f" near character {error.pos}" if hasattr(error, "pos") else ""
            raise self._failed(f"page {number} is not JSON{place}; nothing was landed") from None

    def _get(self, client: httpx.Client, url: httpx.URL, number: int) -> Page:
        """One page, tried again while a failure may pass, within the time of the pull."""
        left = self._end - time.monotonic()
        tries = Retrying(
            stop=stop_after_attempt(TRIES) | stop_before_delay(max(left, 0)),
            wait=WAIT,
            retry=retry_if_exception_type(Passing),
            reraise=True,
        )
        try:
            return tries(self._once, client, url)
        except Passing as error:
            raise self._failed(f"page {number}: {error}; nothing was landed, run again later") from None

    def _once(self, client: httpx.Client, url: httpx.URL) -> Page:
        if time.monotonic() > self._end:
            raise self._failed(f"not done after {self._request.timeout_minutes} minutes (`timeout_minutes`)")
        try:
            with client.stream("GET", url) as response:
                self._refuse(response)
                content = bytearray()
                for chunk in pieces(response):
                    content += chunk
                    if len(content) > PAGE_BYTES:
                        raise self._failed(f"an answer is larger than {PAGE_BYTES >> 20} MB; ask for smaller pages")
                    if time.monotonic() > self._end:
                        raise Passing("the answer came too slowly")
                link = response.links.get("next", {}).get("url")
        except httpx.TimeoutException:
            raise Passing("the server did not answer in time") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Passing(f"the connection to {self._base.host} failed or broke off ({type(error).__name__})") from None
        try:
            return Page(url, content.decode("utf-8-sig"), link)
        except UnicodeDecodeError:
            raise self._failed("an answer is not UTF-8 text") from None

    def _refuse(self, response: httpx.Response) -> None:
        """Raises unless the answer is a page. What an error's body says is left out: it may hold personal data."""
        status = response.status_code
        if status == 429 or status >= 500:
            raise Passing(f"the server keeps answering {status} {response.reason_phrase}", response)
        if status in (401, 403):
            raise self._failed(f"the server refuses the login ({status}); renew the connection's token or password")
        if 300 <= status < 400:
            raise self._failed(f"the server sends elsewhere ({status}); correct the connection's host or `path`")
        if status != 200:
            raise self._failed(f"the server answered {status} {response.reason_phrase}; correct `path` or `parameters`")

    def _moment(self, moment: str) -> str:
        found = datetime.fromisoformat(moment) if moment else EPOCH
        return {
            "iso": found.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "date": found.strftime("%Y-%m-%d"),
            "seconds": str(int(found.timestamp())),
            "milliseconds": str(int(found.timestamp()) * 1000),
        }[self._request.moment]

    def _failed(self, message: str) -> StepFailed:
        return StepFailed(f"connection {self._name!r}, {self._request.path}: {message}")


def base_url(login: Connection, name: str) -> httpx.URL:
    """Address of the server: the connection's host, by https unless its schema or host says http."""
    scheme = login.schema if login.schema in ("http", "https") else "https"
    try:
        url = httpx.URL(login.host if "://" in login.host else f"{scheme}://{login.host}")
        url = url.copy_with(port=login.port) if login.port else url
    except httpx.InvalidURL:
        raise StepFailed(f"connection {name!r}: its host is not an address") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise StepFailed(f"connection {name!r}: it needs a host, such as api.intercom.io")
    return url


def _login(login: Connection) -> tuple[dict[str, str], httpx.BasicAuth | None]:
    """Headers and basic authentication: login and password, or the password as a token.

    `extra` holds further headers, as in Airflow; its `token_header` names the header the token goes in.
    """
    extra = {key: str(value) for key, value in (login.extra or {}).items()}
    token_header = extra.pop("token_header", "")
    headers = {"Accept": "application/json", "User-Agent": "klantreis", **extra, **PACKED}
    if token_header:
        return {**headers, token_header: login.password}, None
    if login.login:
        return headers, httpx.BasicAuth(login.login, login.password)
    return ({**headers, "Authorization": f"Bearer {login.password}"} if login.password else headers), None


def _port(url: httpx.URL) -> int:
    return url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
