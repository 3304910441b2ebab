"""Bounces and complaints that Amazon SNS posts to the page: they count at once, and once.

An answer says nothing but whether to post again: why a message was refused is in the log, without a word of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable

import httpx
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from jobs.activation.feedback import intake, reports
from jobs.activation.feedback.sns import NotGenuine, Topic
from jobs.config.settings import Settings

log = logging.getLogger(__name__)
LONGEST = 1 << 20
"""Bytes of a message that are read: SNS carries 256 KB, which are more as text in JSON."""
AT_ONCE = 4
"""Messages that are looked at side by side: the threads of the page stay free for people."""
_writing = threading.Lock()
"""SNS posts many at once, and of writers of one table that do not wait for each other all but one begin again."""


async def body_of(request: Request, longest: int) -> bytes | None:
    """The body of a request; None if it is longer than that, of which no more is read."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > longest:
            return None
    return bytes(body)


def posted(load: Callable[[], Settings]) -> Callable[[Request], Awaitable[Response]]:
    """What answers a POST to `events/NAME`, for the topics of config/feedback.yaml."""
    topics: dict[str, Topic] = {}
    few = CapacityLimiter(AT_ONCE)

    async def answer(request: Request) -> Response:
        body, name = await body_of(request, LONGEST), request.path_params["name"]
        if body is None:
            return Response("", 413)
        try:
            return Response("", await run_sync(_take, name, body, load(), topics, limiter=few))
        except httpx.HTTPError as error:
            log.warning("feedback.events: SNS cannot be asked now: %s", type(error).__name__)
        except Exception as error:  # whatever broke is ours, and what the lake says of it is not for the world
            log.error("feedback.events: what was posted failed: %s", type(error).__name__)
        return Response("", 503)

    return answer


def _take(name: str, body: bytes, settings: Settings, topics: dict[str, Topic]) -> int:
    """Do what a message says; the status of the answer."""
    arn = settings.feedback.events[name].topic if name in settings.feedback.events else ""
    if not arn:
        return 404
    topic = topics.setdefault(name, Topic(arn))
    try:
        told = topic.told(body)
    except NotGenuine as error:
        log.warning("feedback.events.%s: a message was refused: %s", name, error)
        return 403
    if told.type == "SubscriptionConfirmation":
        topic.confirm(told.token)
        log.info("feedback.events.%s: the topic posts here from now on", name)
    elif told.type == "UnsubscribeConfirmation":
        log.warning("feedback.events.%s: the topic posts here no more; subscribe this address again", name)
    else:
        _hear(name, told.message, settings)
    return 204


def _hear(name: str, message: str, settings: Settings) -> None:
    try:
        found = reports.of_events(message)
    except (ValueError, RecursionError):  # SES tries a topic out with a sentence
        log.info("feedback.events.%s: a message tells of no event", name)
        return
    counts = {"heard": 0, "unmatched": 0}
    with _writing:
        intake.take(found, name, settings, counts, trusted=True)
    log.info("feedback.events.%s: %s", name, counts)
