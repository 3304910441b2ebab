"""Opens and clicks, of people who said yes to the purpose that config/feedback.yaml names; nothing of anybody else.

Whoever follows a link is taken to its target at once, whatever becomes of the record: what is heard is written together
every few seconds, since thousands open a message in its first minutes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from starlette.responses import RedirectResponse, Response

from jobs.activation.feedback.heard import Heard, Kind, keep
from jobs.activation.feedback.messages import messages_of
from jobs.activation.measured_link import PICTURE, Measured, measured_of
from jobs.activation.unsubscribe import agreed
from jobs.clock import now, today
from jobs.config.settings import Settings

log = logging.getLogger(__name__)
SECONDS = 5.0
MOST = 50_000
"""What waits at most: beyond, more is not kept, or whoever asks a thousand times a second fills the memory."""
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00"
    b"\x01\x00\x00\x02\x02D\x01\x00;"
)
"""One transparent point."""
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # where one is taken need not know from which message
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


class Hits:
    """What was opened and clicked since it was written last."""

    def __init__(self, load: Callable[[], Settings]):
        self._load, self._lock = load, threading.Lock()
        self._waiting: list[tuple[Measured, datetime]] = []
        self._timer: threading.Timer | None = None

    def answer(self, token: str, counts: bool) -> Response | None:
        """The target, or the picture; None for a token that is not valid, or a target that is there no more."""
        settings = self._load()
        told, known = settings.feedback.opens_and_clicks, measured_of(token, settings)
        if told is None or known is None or (known.target != PICTURE and known.target not in told.links):
            return None
        at = now()
        if counts and told.purpose is not None and known.counts(settings, at.date()):
            self._add(known, at)
        if known.target == PICTURE:
            return Response(GIF, 200, HEADERS, "image/gif")
        return RedirectResponse(told.links[known.target], 302, HEADERS)

    def write(self) -> None:
        """Keep what was heard so far. What cannot be kept is lost: it is a number, not a wish of a person."""
        with self._lock:
            found, self._waiting, self._timer = self._waiting, [], None
        if found:
            try:
                _record(found, self._load())
            except Exception as error:  # whatever broke, the page goes on
                log.error("%d opens and clicks could not be kept: %s", len(found), type(error).__name__)

    def _add(self, known: Measured, at: datetime) -> None:
        with self._lock:
            if len(self._waiting) < MOST:
                self._waiting.append((known, at))
            if self._timer is None:
                self._timer = threading.Timer(SECONDS, self.write)
                self._timer.daemon = True
                self._timer.start()


def _record(found: Sequence[tuple[Measured, datetime]], settings: Settings) -> None:
    """Of a message the first open of a day is kept, and of a link one click a minute: a scanner may come first."""
    told = settings.feedback.opens_and_clicks
    if told is None or told.purpose is None:
        return
    ids, oldest = {known.operation_id for known, _ in found}, min(known.written for known, _ in found)
    messages = messages_of(ids, (), settings, oldest)
    yes = {message.operation_id: message for message in agreed(messages.values(), told.purpose, settings)}
    heard = []
    for known, at in found:
        kind: Kind = "open" if known.target == PICTURE else "click"
        mark = f"{known.target}|{at:%Y-%m-%d}" if kind == "open" else f"{known.target}|{at:%Y-%m-%dT%H:%M}"
        if message := yes.get(known.operation_id):
            heard.append(Heard.about(message, kind, at, "page", detail=known.target, mark=mark))
    once = {one.feedback_id: one for one in reversed(heard)}
    keep(list(once.values()), today(settings.general.timezone), settings)
