"""What a person or a log sees of a run: a line as each step ends, and warnings once, counted."""

import datetime as dt
import io
import logging

import pytest
from rich.console import Console

from jobs.cli import progress
from jobs.cli.notices import collected
from jobs.errors import StepFailed
from jobs.pipeline import Outcome

DAY = dt.date(2024, 5, 1)


@pytest.fixture
def log():
    """A console without a terminal, 80 columns wide, and what was written to it."""
    text = io.StringIO()
    return Console(file=text, width=80), text


def test_each_step_is_a_line_of_the_log_before_the_next_one_runs(log):
    console, text = log
    seen = []

    def outcomes():
        yield Outcome("ingest", "crm", 1.25, {"rows_in": 1200, "files": 3})
        seen.append(text.getvalue())
        yield Outcome("identity", "", 0.5, {"unchanged": True, "identifiers": 7})

    progress.show(console, DAY, outcomes())
    assert seen[0].splitlines() == ["Day 2024-05-01", "    1.2 s  ingest crm               rows in 1,200, files 3"]
    assert text.getvalue().splitlines()[2:] == ["    0.5 s  identity                 identifiers 7"]


def test_a_failed_step_says_so_in_its_line_and_why_at_the_end(log):
    console, text = log
    progress.show(console, DAY, [Outcome("push", "welcome to email", 2, error=StepFailed("3 of 4 [refused]"))])
    assert text.getvalue().splitlines()[1:] == [
        "    2.0 s  push welcome to email    failed",
        "push welcome to email failed: 3 of 4 [refused]",
    ]


def test_of_a_model_its_verdict_is_told_and_why_only_where_it_is_not_used(log):
    console, text = log
    figures = {"model": "churn", "version": "2", "reason": "AUC 0.81 is at least 0.65", "auc": 0.81}
    trained = [Outcome("train", "churn", 9, {**figures, "decision": decision}) for decision in ("promoted", "refused")]
    trained.append(Outcome("train", "mood", 1, {"model": "mood", "decision": "waiting", "reason": "3 texts"}))
    progress.show(console, DAY, trained)
    assert [line[36:] for line in text.getvalue().splitlines()[1:]] == [
        "version 2, decision promoted",
        "version 2, decision refused, reason AUC 0.81 is at least 0.65",
        "decision waiting, reason 3 texts",
    ]


def test_warnings_of_one_kind_are_counted_and_the_newest_is_told(capsys):
    step = logging.getLogger("jobs.validate.somewhere")
    with collected() as notices:
        for day in range(1, 6):
            step.warning("%s rows on day %d", "few", day, extra={"rule": "history:volume"})
        step.warning("a link to nowhere")
        step.info("all is well")
    assert notices.lines() == ["few rows on day 5 (and 4 more of this kind)", "a link to nowhere"]
    assert capsys.readouterr().err == "", "nothing is printed in the middle of the steps"


def test_a_few_warnings_of_one_kind_are_told_in_full_and_the_same_text_once():
    step = logging.getLogger("jobs.ingest.somewhere")
    with collected() as notices:
        for name in ("a", "b", "a"):
            step.warning("%s.csv: set aside", name)
    assert notices.lines() == ["a.csv: set aside", "b.csv: set aside"]


def test_a_warning_with_text_from_outside_is_one_line_that_steers_nothing():
    step = logging.getLogger("jobs.ingest.somewhere")
    with collected() as notices:
        step.warning("column %r of %s is new", "a", "crm/\x1b[2J\nall is well.csv")
    assert notices.lines() == [r"column 'a' of crm/\x1b[2J\nall is well.csv is new"]
