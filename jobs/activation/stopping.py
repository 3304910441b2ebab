"""A push that is told to end: what is in hand is finished and recorded, and nothing else is begun.

Airflow, Kubernetes and systemd send SIGTERM, Airflow's time limit is SIGALRM, a person presses Ctrl-C. SIGKILL, which
follows after some seconds, cannot be heard: what was claimed then and not recorded, nobody knows.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import Any

ASKED = threading.Event()
"""Set once this process was told to end. Whoever waits, waits for it; whoever begins something looks at it first."""

_WORDS = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "Ctrl-C", signal.SIGALRM: "its time limit"}
_said: list[str] = []


def told_by() -> str:
    """What told the push to end; empty if nothing did."""
    return _said[0] if _said else ""


@contextmanager
def listening(unless: bool = False) -> Iterator[None]:
    """While this lasts, to be told to end is noted, for the push to end by itself; a second Ctrl-C ends it at once.

    Only the main thread hears signals; in another one nothing changes, nor `unless`.
    """
    if unless or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _WORDS}
    if not callable(before[signal.SIGALRM]):  # nobody has set a time limit
        del before[signal.SIGALRM]

    told: SimpleQueue[bool] = SimpleQueue()

    def set_once_told() -> None:
        while told.get():
            ASKED.set()

    # a handler that sets the event itself waits forever for a main thread that it interrupted within a wait
    setter = threading.Thread(target=set_once_told, name="told to end", daemon=True)

    def note(number: int, frame: FrameType | None) -> None:
        if _said and number == signal.SIGINT:
            _obey(before[signal.SIGINT], number, frame)
        _said.append(_WORDS[signal.Signals(number)])
        told.put(True)  # safe where `note` interrupts anything

    setter.start()
    for number in before:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        told.put(False)
        setter.join()
        ASKED.clear()
        _said.clear()


def _obey(handler: Any, number: int, frame: FrameType | None) -> None:
    if callable(handler):
        handler(number, frame)
    else:
        raise KeyboardInterrupt
