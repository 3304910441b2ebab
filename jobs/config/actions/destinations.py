"""config/destinations.yaml: the places audiences go."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import Field, SerializeAsAny, ValidationError, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from jobs.config.sources.source import Source
from jobs.config.yaml_files import Strict, line_of, nearest


def types() -> Mapping[str, Any]:
    """The types of destination there are, `jobs.activation.channels.types.TYPES`.

    Found by name, as plug-ins are: the end of the flow says what its types can be told, and nothing else of it is read.
    """
    found: Mapping[str, Any] = import_module("jobs.activation.channels.types").TYPES
    return found


class Destination(Strict):
    """One place audiences go. `connection` names an Airflow connection."""

    type: str = Field(description="how it is reached, a type below")
    channel: str = Field(description="channel of config/identity.yaml people gave consent for")
    connection: str
    max_reject_share: float = Field(0.0, ge=0, le=1, description="share of refused rows at which the task fails")
    max_remove_share: float = Field(0.5, ge=0, le=1, description="share of members above which removals stop")
    always_remove: int = Field(10, ge=0, description="so many removals at once are never too many")
    batch_size: int | None = Field(None, gt=0, description="operations at once; default: as its type has it")
    reported_by: str = Field(
        "",
        description="source whose campaign_events tell what is sent here: it is counted there, not from the ledger too",
    )
    options: SerializeAsAny[Strict] = Field({}, validate_default=True, description="what its type can be told")

    @field_validator("type")
    @classmethod
    def _a_known_type(cls, value: str) -> str:
        if value not in types():
            raise ValueError(f"unknown type {value!r}{nearest(value, types())}")
        return value

    @field_validator("options", mode="before")
    @classmethod
    def _options_of_the_type(cls, given: Any, info: ValidationInfo) -> Any:
        if "type" not in info.data:
            return Strict()
        model = types()[info.data["type"]].options
        try:
            return model.model_validate(given)
        except ValidationError as error:
            told = [_told(problem, model) for problem in error.errors()]
            raise ValidationError.from_exception_data(cls.__name__, told) from None


def _told(problem: Any, model: type[Strict]) -> InitErrorDetails:
    """A problem of an option in words that name the nearest one."""
    keys, message = problem["loc"], problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = f"unknown option{nearest(str(keys[-1]), model.model_fields)}"
    elif problem["type"] == "missing":
        keys, message = keys[:-1], f"option {keys[-1]!r} is missing; add it"
    words = PydanticCustomError("option", "{message}", {"message": message})
    return InitErrorDetails(type=words, loc=keys, input=problem["input"])


class Destinations(Strict):
    """config/destinations.yaml."""

    destinations: dict[str, Destination]


def problems(path: Path, destinations: Mapping[str, Destination], sources: Mapping[str, Source]) -> list[str]:
    """Destinations whose sends a source is said to report that reports none; `path` is the file that says so."""
    found = []
    for name, one in destinations.items():
        source = sources.get(one.reported_by)
        if one.reported_by and (source is None or "campaign_events" not in source.datasets):
            place = f"{path}:{line_of(path, 'destinations', name, 'reported_by')}: destinations.{name}.reported_by"
            known = nearest(one.reported_by, sources) if source is None else ""
            found.append(f"{place}: no source {one.reported_by!r} with campaign_events{known}")
    return found
