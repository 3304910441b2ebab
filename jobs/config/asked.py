"""What a person answered to questions that a DAG asked under *Required actions*; nothing heavy is loaded here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

APPROVE, LATER = "approve", "not now"
NO_REASON = "no reason given"


@dataclass(frozen=True)
class Yes:
    """A question that was answered with `approve`: who did, and why."""

    question: Mapping[str, str]
    by: str
    because: str


def approved(asked: Sequence[Mapping[str, str]], given: Sequence[Mapping[str, Any]]) -> Iterator[Yes]:
    """The questions that somebody approved of. Answers are in the order of the questions, as Airflow has them:
    chosen_options, params_input, responded_by_user."""
    for question, answer in zip(asked, given, strict=True):
        (choice,) = answer["chosen_options"]
        if choice == APPROVE:
            who = answer["responded_by_user"] or {}
            because = (answer["params_input"].get("because") or "").strip() or NO_REASON
            yield Yes(question, who.get("name") or who.get("id") or "unknown", because)
