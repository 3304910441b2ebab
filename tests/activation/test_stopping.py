"""A push hears that it is to end wherever it waits, and a dry run ends at once. Costs no time."""

import datetime as dt
import signal
import threading

import pytest

from jobs.activation import push, stopping


def test_a_signal_that_comes_while_the_event_holds_its_own_lock_is_noted_and_waits_for_nobody():
    with stopping.listening():
        with stopping.ASKED._cond:  # where a wait is when it takes or gives back its lock
            signal.raise_signal(signal.SIGTERM)
            assert stopping.told_by() == "SIGTERM"
        assert stopping.ASKED.wait(60)
    assert not stopping.ASKED.is_set()
    assert stopping.told_by() == ""
    assert "told to end" not in [one.name for one in threading.enumerate()]


def interrupted_twice():
    with stopping.listening():
        signal.raise_signal(signal.SIGINT)
        assert stopping.told_by() == "Ctrl-C"
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def ctrl_c_ends_a_command():
    """As in a terminal; a process that was started in the background begins with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_second_ctrl_c_ends_at_once_and_in_a_dry_run_the_first_one_does(monkeypatch, ctrl_c_ends_a_command):
    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()
    monkeypatch.setattr(push.Lake, "of", lambda settings: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        push.run("winback", "email", dt.date(2024, 1, 1), None, dry_run=True)
    assert stopping.told_by() == ""
