"""The page behind the link in every message: unsubscribe by one click (RFC 8058), or choose per purpose and channel.

One set of routes, served by the plugin of Airflow and by `klantreis feedback serve`. Nobody logs in: the link is the
proof. Reading the page never changes what holds, since mail programs open links by themselves; only a POST does.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

import jinja2
import yaml
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from jobs.activation import unsubscribe as answers
from jobs.activation.feedback.measured import Hits
from jobs.activation.feedback.messages import Message
from jobs.activation.feedback.posted import body_of, posted
from jobs.config.actions.feedback import Named
from jobs.config.settings import Settings, load_settings

log = logging.getLogger(__name__)
Language = Literal["en", "nl"]
FOLDER = Path(__file__).parent
LONGEST = 16_384
"""Bytes of a body that are read: a form of this page is a hundredth of it."""
ONE_CLICK = ("List-Unsubscribe", "One-Click")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address is what lets one in
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


def app(settings: Callable[[], Settings] | None = None) -> Starlette:
    """The web app. `settings` is asked once, at the first request."""
    load = cache(settings or load_settings)

    hits = Hits(load)

    async def page(request: Request) -> Response:
        body = await body_of(request, LONGEST) if request.method == "POST" else b""
        if body is None:
            return Response("", 413, HEADERS)
        try:
            if measured := request.query_params.get("m") if request.method in ("GET", "HEAD") else None:
                told = await run_in_threadpool(hits.answer, measured, request.method == "GET")
                if told is not None:
                    return told
        except Exception as error:
            log.error("an open or click failed: %s", type(error).__name__)
        given = _form(body, request.headers.get("content-type", ""))
        token, language = request.query_params.get("t", ""), _language(request)
        try:
            return await run_in_threadpool(_answer, request.method, token, given, language, load())
        except Exception as error:  # whatever broke is ours, and what the lake says of it is not for the world
            log.error("the page of preferences failed: %s", type(error).__name__)
            return _html({"note": _words(language)["later"]}, language, token, "", 503)

    events = Route("/events/{name}", posted(load), methods=["POST"])

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(hits.write)

    return Starlette(routes=[Route("/", page, methods=["GET", "POST"]), events], lifespan=lifespan)


def _answer(method: str, token: str, given: list[tuple[str, str]], language: Language, settings: Settings) -> Response:
    """What is answered to one request. Every link that is not valid gets the same answer, whatever is wrong with it."""
    words, company = _words(language), settings.general.company
    message = answers.found(token, settings)
    if message is None:
        return _html({"note": f"{words['not_valid']} {words['not_valid_more']}"}, language, "", company, 404)
    named = _called(message.channel, settings.feedback.channels, language)
    note = ""
    if method == "POST" and (ONE_CLICK in given or ("do", "stop") in given):
        answers.unsubscribe(token, None, settings, "one_click" if ONE_CLICK in given else "page")
        note = words["stopped"].format(channel=named)
    elif method == "POST" and ("do", "choose") in given:
        pairs = [tuple(value.split("|", 1)) for name, value in given if name == "choice" and "|" in value]
        answers.choose(token, [(purpose, channel) for purpose, channel in pairs], settings)
        note = words["saved"]
    elif method == "POST" and ("do", "object") in given:
        answers.object_to(token, [value for name, value in given if name == "object"], settings)
        note = words["saved"]
    elif method == "POST":
        return Response("", 400, HEADERS)
    return _html({"note": note, **_shown(message, named, language, settings)}, language, token, company)


def _shown(message: Message, channel: str, language: Language, settings: Settings) -> dict[str, Any]:
    """The choices there are, as the page shows them."""
    now = answers.standing(message, settings)
    purposes: dict[str, list[tuple[str, str, bool, bool]]] = {}
    for (purpose, one), yes in now.choices.items():
        label = _called(one, settings.feedback.channels, language)
        title = _called(purpose, settings.feedback.purposes, language)
        purposes.setdefault(title, []).append((f"{purpose}|{one}", label, yes, one in now.closed))
    stop = _words(language)["stop"].format(channel=channel)
    declared = settings.identity.objections
    meant = {declared.profiling: "profiling", declared.restriction: "restriction"}
    objections = [(name, _words(language)[meant[name]], objects) for name, objects in now.objections.items()]
    return {"standing": now, "purposes": list(purposes.items()), "stop": stop, "objections": objections}


def _html(shown: dict[str, Any], language: Language, token: str, company: str, status: int = 200) -> Response:
    other = "nl" if language == "en" else "en"
    values = {"standing": None, "words": _words(language), "language": language, "other": other}
    text = _template().render(values | {"token": token, "company": company} | shown)
    return HTMLResponse(text, status, HEADERS | {"Content-Language": language})


def _form(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """The fields of a form; mail providers send either kind. What cannot be read has no fields."""
    if content_type.lower().startswith("multipart/form-data"):
        try:
            form = message_from_bytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body)
            parts = form.get_payload() if form.is_multipart() else []
            return [
                (str(part.get_param("name", "", "content-disposition")), _text(part.get_payload(decode=True)))
                for part in parts
                if not isinstance(part, str)
            ]
        except (ValueError, LookupError):
            return []
    try:
        return parse_qsl(body.decode("ascii", "replace"), max_num_fields=200)
    except ValueError:
        return []


def _text(payload: Any) -> str:
    return payload.decode("utf-8", "replace").strip() if isinstance(payload, bytes) else ""


def _language(request: Request) -> Language:
    """What the link asks for, else the first language of the browser that there is."""
    asked = [request.query_params.get("lang", "")]
    ranked = []
    for part in request.headers.get("accept-language", "").split(",")[:20]:
        name, _, weight = part.strip().partition(";q=")
        try:
            ranked.append((-float(weight or 1), name))
        except ValueError:
            continue
    asked += [name for _, name in sorted(ranked, key=lambda one: one[0])]
    return next((code for name in asked for code in ("nl", "en") if name.lower().split("-")[0] == code), "en")


def _called(name: str, given: dict[str, Named], language: Language) -> str:
    own = getattr(given.get(name, Named()), language)
    return own or _words(language)["channels"].get(name) or name.replace("_", " ")


def _words(language: Language) -> dict[str, Any]:
    book: dict[str, dict[str, Any]] = _book()
    return book[language]


@cache
def _book() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "words.yaml").read_text(encoding="utf-8"))
    return found


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string((FOLDER / "page.html").read_text(encoding="utf-8"))
