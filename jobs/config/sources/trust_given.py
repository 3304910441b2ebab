"""The model that checks `trust` of config/sources/NAME.yaml: what rows of a source may do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jobs.config.yaml_files import Strict

Whom = Literal["anyone", "alike", "nobody"]


class Trust(Strict):
    """What rows of a source may do to people whom other sources know. A no counts from every source."""

    identifies: Whom = Field(
        "anyone",
        description="whom its rows join: whoever has the same e-mail address, number or id (anyone); of these only "
        "contacts whose names both are told and fit (alike); nobody but rows of this source (nobody)",
    )
    contact_points: Literal["customers", "own"] = Field(
        "customers",
        description="whether its e-mail addresses, phones and postal addresses may be those a customer is reached at "
        "(customers), or only of whom no source that may has a record (own)",
    )
    grants: bool = Field(
        True, description="whether a yes of its rows counts, and mail that it says arrived undoes a bounce"
    )
