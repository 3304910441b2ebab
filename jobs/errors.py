"""Errors that fail a step, each with a message a data engineer can act on."""

from __future__ import annotations


class StepFailed(Exception):
    """A step cannot honestly end green. The message says what, where and what to do; it holds no personal data."""


class MachineFailed(StepFailed):
    """The machine refused something: disk, rights, open files, memory. `number` is that of the system (errno)."""

    def __init__(self, message: str, number: int | None = None) -> None:
        super().__init__(message)
        self.number = number


class EngineFailed(StepFailed):
    """The engine refused a query or is gone. Its own words are left out: they repeat values of rows."""


class DataStopped(StepFailed):
    """A dataset broke a critical expectation: its batch is set aside and what depends on it must wait."""


class RowsRefused(StepFailed):
    """Rows that were replayed still break a rule: they stay in quarantine, all others are where they belong."""


class DecisionRefused(StepFailed):
    """An answer about who is who contradicts what was decided before; it was not kept."""


class DeliveryIncomplete(StepFailed):
    """A destination did not account for every row within the tolerance of config/destinations.yaml."""


class AnswersOutstanding(StepFailed):
    """A destination has taken what was sent and answers later; nothing is wrong. Look again in `again_in` seconds."""

    def __init__(self, message: str, again_in: float) -> None:
        super().__init__(message)
        self.again_in = again_in


class HeldBack(StepFailed):
    """A guard rail stopped a push; a person has to look, and may let it go on."""


class Stopped(StepFailed):
    """A push was told to end: what was in hand is finished and recorded, the rest was not begun."""


class ContentNotApproved(StepFailed):
    """A text that is to be sent is not one that a person approved of."""


class BudgetUsed(StepFailed):
    """A model was asked as often, or for as much, as is allowed, and gave nothing that can be used."""


class StaleDay(StepFailed):
    """A day older than the newest one already delivered; delivering it would overwrite newer audiences."""


class ModelRefused(StepFailed):
    """A model cannot be used: none is champion yet, or its files do not match the registry."""


class NotTrainable(ModelRefused):
    """There is nothing to learn from yet: too little history, too few customers, or only one outcome."""
