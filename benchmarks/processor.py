"""What something costs the processor, which a busy machine changes less than seconds on the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def timed(what: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of this process, and what came of it."""
    begun = time.process_time()
    found = what()
    return time.process_time() - begun, found
