"""config/context.yaml: what other systems are told of each customer, such as which variant of a site to show."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jobs.config.actions.recommended import Recommended
from jobs.config.journey.journey import Stage
from jobs.config.yaml_files import Strict

Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]


class Variant(Strict):
    """A variant of the site, for customers for whom `when` is true; of several the first in the file."""

    name: Name
    when: str = Field(
        description="condition on the customer view, as in audiences, and on `moment`: know, go, do or buy"
    )


class DefaultContext(Strict):
    """What holds for a visitor nobody knows, and in so far as nothing else is said for everybody."""

    variant: Name = "standard"
    stage: Stage = "awareness"
    content_tags: list[str] | None = Field(None, description="default: those of the content for the stage")


class Context(Strict):
    """config/context.yaml. A company without the file gives everybody the standard variant."""

    variants: list[Variant] = []
    file: str | None = Field(
        None, description="where each run puts the rows as JSON lines, below the home of the company; default: nowhere"
    )
    purpose: str | None = Field(
        None, description="only customers who said yes to it are told of; everybody else has the default row"
    )
    recommended: Recommended | None = Field(None, description="also tell which items to show; default: none")
    default: DefaultContext = DefaultContext()
    max_tags: int = Field(5, gt=0, description="topics and needs of the content that fits, at most")
    valid_hours: int = Field(
        24, gt=0, description="hours after the end of the day for which a row holds, until the next day is made"
    )
