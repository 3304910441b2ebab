"""Options of a destination in config/channels.yaml, typed per channel type."""

from __future__ import annotations

from typing import TypeVar

from pydantic import Field, ValidationError

from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError, Strict, nearest


class SmtpOptions(Strict):
    """How messages are sent."""

    sender: str = Field(description="address in From, such as Shop <hello@shop.example>")
    unsubscribe_url: str = Field(pattern="^https://", description="page that takes one-click unsubscribes (RFC 8058)")
    bounce_address: str | None = Field(None, description="envelope sender; default: the address of `sender`")
    language: str = Field("en", description="language of the message for people whose language has no template")
    connections: int = Field(4, ge=1, le=50)
    tries: int = Field(3, ge=1, description="tries in one run for temporary refusals and lost connections")
    wait_seconds: float = Field(2.0, ge=0, description="longest wait before the second try; doubles each time")
    timeout_seconds: float = Field(30.0, gt=0)


class DataManagerOptions(Strict):
    """Which account, and how patient to be."""

    account_id: str = Field(pattern=r"^\d+$", description="Google Ads account that owns the lists")
    login_account_id: str | None = Field(None, pattern=r"^\d+$", description="manager account used to log in")
    tries: int = Field(6, ge=1)
    wait_seconds: float = Field(1.0, ge=0, description="longest wait before the second try; doubles each time")
    longest_wait_seconds: float = Field(60.0, gt=0)
    timeout_seconds: float = Field(60.0, gt=0)
    status_timeout_seconds: float = Field(900.0, ge=0, description="how long to wait for the outcome of all requests")
    status_wait_seconds: float = Field(2.0, gt=0, description="wait between two looks at the outcome; grows to 30 s")
    isolation_requests: int = Field(40, ge=0, description="requests spent on finding which rows were refused")


Options = TypeVar("Options", SmtpOptions, DataManagerOptions)
MODELS: dict[str, type[SmtpOptions] | type[DataManagerOptions]] = {
    "smtp": SmtpOptions,
    "google_data_manager": DataManagerOptions,
}


def options(destination: str, settings: Settings, model: type[Options]) -> Options:
    """The options of a destination. Raises ConfigError naming each wrong one."""
    problems = option_problems(destination, settings)
    if problems:
        raise ConfigError(problems)
    return model.model_validate(_spelled(settings.channels.destinations[destination].options))


def option_problems(destination: str, settings: Settings) -> list[str]:
    """What is wrong with the options of a destination, one line each."""
    configured = settings.channels.destinations[destination]
    model = MODELS[configured.type]
    place = f"{settings.folder}/channels.yaml: destinations.{destination}.options"
    try:
        model.model_validate(_spelled(configured.options))
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            name = str(problem["loc"][0])
            if problem["type"] == "extra_forbidden":
                problems.append(f"{place}: unknown option {name!r}{nearest(name, model.model_fields)}")
            elif problem["type"] == "missing":
                problems.append(f"{place}: option {name!r} is missing; add it")
            else:
                problems.append(f"{place}.{name}: {problem['msg']}")
        return problems
    return []


def _spelled(values: dict[str, str | int | float | bool]) -> dict[str, str | int | float | bool]:
    """Ids in YAML may be written as numbers."""
    return {key: str(value) if key.endswith("account_id") else value for key, value in values.items()}
