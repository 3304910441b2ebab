"""Ctrl-C while a library works that does not look for it: what runs is told to stop, at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AGAIN = 0.1
"""Seconds after which what has not ended is told once more: told before it begins, a query runs on."""


@contextmanager
def stopped_by_ctrl_c(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C while this lasts calls `stop` from another thread; whatever ends by that is a KeyboardInterrupt.

    Python hears signals between two steps of its own, in its main thread: a library that works for minutes in one of
    them, or waits there for threads of its own, must be told by somebody else. Outside the main thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard, told = os.pipe()
    os.set_blocking(told, False)  # the system writes the number of each signal to it, whatever the main thread does
    pressed, ended = threading.Event(), threading.Event()

    def listen() -> None:
        while number := os.read(heard, 1):
            if number[0] == signal.SIGINT:
                pressed.set()
                while not ended.wait(AGAIN):
                    stop()

    listener = threading.Thread(target=listen, name="Ctrl-C", daemon=True)
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    listener.start()
    failed: Exception | None = None
    try:
        yield
    except Exception as error:
        failed = error
    finally:
        ended.set()
        signal.set_wakeup_fd(before)
        os.close(told)
        listener.join()  # what was pressed is known from here on
        os.close(heard)
    if failed:
        raise KeyboardInterrupt if pressed.is_set() else failed
