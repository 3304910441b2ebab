"""Waiting between tries: full jitter that doubles, or what the server asks for."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState
from tenacity.wait import wait_base


class PoliteWait(wait_base):
    """A random wait of at most `first` seconds, doubling per try up to `longest`; Retry-After wins when longer.

    A Retry-After beyond `longest` is cut to `longest`, so that a run is bounded; the next run goes on.
    """

    def __init__(self, first: float, longest: float) -> None:
        self.first, self.longest = first, longest

    def __call__(self, retry_state: RetryCallState) -> float:
        most = min(self.first * 2 ** (retry_state.attempt_number - 1), self.longest)
        asked = _retry_after(retry_state.outcome.exception() if retry_state.outcome else None)
        return max(random.uniform(0, most), min(asked, self.longest))


def _retry_after(error: BaseException | None) -> float:
    """Seconds asked for in the Retry-After header of the HTTP answer behind an error, else 0."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    asked = str(headers.get("Retry-After", 0))
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
