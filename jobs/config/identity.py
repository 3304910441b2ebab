"""The models that check config/identity.yaml: who is who, which value wins, what people are asked consent for."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from jobs.config.yaml_files import Strict, nearest
from jobs.lake.tables.canonical import CANONICAL

IdentifierKind = Literal["contact", "email", "phone", "login", "cookie", "loyalty"]
Fact = Literal["name", "birth_date"]
RecordKind = Literal[
    "given_name",
    "family_name",
    "middle_name",
    "full_name",
    "name_suffix",
    "birth_date",
    "gender",
    "address",
    "street",
    "house_number",
    "postcode",
    "city",
    "region",
    "email",
    "phone",
    "company",
    "national_id",
    "text",
    "category",
    "ignore",
]
"""What a column of a record tells, for matching by probability."""
GOLDEN_ATTRIBUTES = (
    *("first_name", "last_name", "birth_date", "gender", "street", "postcode", "city", "country", "language"),
    *("household_id", "email", "phone", "attributes"),
)
"""Attributes of a contact of which a customer gets the best value."""


class Purpose(Strict):
    """A purpose personal data may be used for, and the channels people are asked about."""

    channels: list[str]
    expires_after_days: int | None = Field(
        None, gt=0, description="a yes that names no end lasts this long; default: until it is withdrawn"
    )
    exclusive: list[str] = Field(
        [],
        description="datasets of a special category, such as health: what is made of them decides about people "
        "for this purpose alone, and goes to no ad platform",
    )

    @field_validator("exclusive")
    @classmethod
    def _known_datasets(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in CANONICAL:
                raise ValueError(f"unknown dataset {name!r}{nearest(name, CANONICAL)}")
        return names


class Objections(Strict):
    """What people can object to without being asked: the purposes that their noes name in `consents`.

    No answer is no objection; of answers only a yes that lasts is none.
    """

    profiling: str | None = Field(
        None, description="purpose whose no means: no model learns from or judges this person, no score decides"
    )
    restriction: str | None = Field(
        None, description="purpose whose no means: the data is kept, and nothing is made of it, decided or sent"
    )

    @property
    def purposes(self) -> list[str]:
        """Those that are declared."""
        return [one for one in (self.profiling, self.restriction) if one]


class ContactChannel(Strict):
    """A channel people are asked about: what it needs, and what campaign tools call it."""

    reached_by: list[Literal["email", "phone", "address"]] = Field(
        [], description="any of these makes a customer reachable; default: always reachable"
    )
    also_called: list[str] = Field([], description="names of this channel in campaign_events")


class Households(Strict):
    """Who lives together: the same declared household, or the same address and family name."""

    size_cap: int = Field(10, ge=1, description="more customers than this at one address are no household")


class Identifier(Strict):
    """How far one kind of identifier is trusted to link records."""

    links: bool = True
    shared_by_at_most: int = Field(
        10, ge=1, description="contacts, logins, ... an identifier may be seen with; beyond that it links nobody"
    )
    only_if_same: list[Fact] = Field([], description="links two contacts only if both tell these and they fit")
    unless_different: list[Fact] = Field([], description="links two contacts unless both tell these and they differ")


class Matching(Strict):
    """How records without a common identifier are found to be one person (Splink), and what then keeps them apart."""

    enabled: bool = True
    match: float = Field(0.5, gt=0, lt=1, description="probability from which two records are one person")
    review: float = Field(0.2, gt=0, lt=1, description="probability from which a person should look at the pair")
    deduplicated: list[str] = Field([], description="sources in which nobody occurs twice: never linked within")
    largest_group: int = Field(200, ge=2, description="records one group of matches may have; beyond, it is cut")
    conflicts: list[Literal["given_name", "birth_date", "national_id"]] = Field(
        ["given_name", "birth_date", "national_id"],
        description="facts that, if they differ clearly, ask for more other evidence",
    )
    names_alone: bool = Field(
        False, description="whether two records of which only names can be compared may be linked"
    )
    conflict_weight: float = Field(
        6.0, ge=0, description="how much more, as log2 of the odds; a large number makes every conflict final"
    )
    pairs_per_record: float = Field(200, gt=0, description="pairs compared, on average per record")
    pairs_at_most: int = Field(20_000_000, gt=0, description="pairs compared in all")

    @property
    def weight(self) -> float:
        """`match` as log2 of the odds."""
        return math.log2(self.match / (1 - self.match))

    @property
    def doubt(self) -> float:
        """`review` as log2 of the odds."""
        return math.log2(self.review / (1 - self.review))

    @model_validator(mode="after")
    def _doubt_before_certainty(self) -> Matching:
        if self.review > self.match:
            raise ValueError(f"review ({self.review}) is more than match ({self.match}): nothing would be in doubt")
        return self


CRITERIA: dict[str, str] = {
    "source": "sources in the order of `sources`, those not named last",
    "verified": "records whose attribute `verified` is true",
    "newest": "the record written last",
    "oldest": "the record written first",
    "most_frequent": "the value most records agree on, of those equal so far",
    "longest": "the longest text",
    "longest_valid": "the value that has stood unchanged for longest",
    "most_complete": "the record with most attributes filled",
}
"""Criteria of a golden record rule and what they prefer."""


class GoldenRule(Strict):
    """Which value of an attribute wins: by the first of the criteria in `order` that tells the records apart.

    Records equal in all of them: the newest, then by name of source and id, so that the same data gives the same value.
    """

    sources: list[str] = Field([], description="sources, most trusted first")
    order: list[str] = Field(["source", "newest"], description="criteria: " + ", ".join(CRITERIA))
    verified: str | None = Field(None, description="attribute of a record that is true when it was verified")
    together: list[str] = Field([], description="attributes taken from the winning record too, such as an address")

    @field_validator("order")
    @classmethod
    def _known_criteria(cls, order: list[str]) -> list[str]:
        for name in order:
            if name not in CRITERIA:
                raise ValueError(f"unknown criterion {name!r}{nearest(name, CRITERIA)}")
        _refuse_circle(order)
        if {"newest", "oldest"} <= set(order):
            raise ValueError("newest and oldest contradict each other; keep one")
        return order

    @field_validator("sources")
    @classmethod
    def _no_circle(cls, sources: list[str]) -> list[str]:
        _refuse_circle(sources)
        return sources

    @model_validator(mode="after")
    def _verified_by_what(self) -> GoldenRule:
        if ("verified" in self.order) != (self.verified is not None):
            raise ValueError("the criterion verified and the key `verified: ATTRIBUTE` need each other")
        return self


def _refuse_circle(names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"{twice!r} is named twice: it would come before itself; keep one")


class Identity(Strict):
    """config/identity.yaml: what links records, which source wins, what people may be asked consent for."""

    identifiers: dict[IdentifierKind, Identifier] = Field({}, validate_default=True)
    junk: dict[IdentifierKind, list[str]] = Field(
        {}, description="values that identify nobody, beside words such as undefined, guest, 0 in many languages"
    )
    not_junk: dict[IdentifierKind, list[str]] = Field(
        {}, description="values that identify somebody although they look like such a word"
    )
    matching: Matching = Matching()
    largest_customer: int = Field(
        200, ge=2, description="contact records a customer may have; beyond, the weakest kinds of links give way"
    )
    golden_record: dict[str, GoldenRule]
    purposes: dict[str, Purpose]
    objections: Objections = Objections()
    channels: dict[str, ContactChannel] = {}
    households: Households = Households()

    @field_validator("identifiers", mode="before")
    @classmethod
    def _careful_defaults(cls, given: Any) -> Any:
        """A household shares its phone, its tablet and often a mailbox: unless told otherwise these link with care."""
        if not isinstance(given, dict) or not all(isinstance(rule, dict | None) for rule in given.values()):
            return given
        careful: dict[str, dict[str, Any]] = {
            "phone": {"only_if_same": ["name"], "unless_different": ["birth_date"]},
            "email": {"unless_different": ["name", "birth_date"]},
            "cookie": {"shared_by_at_most": 1, "unless_different": ["name", "birth_date"]},
        }
        kinds = [*get_args(IdentifierKind), *(kind for kind in given if kind not in get_args(IdentifierKind))]
        return {kind: {**careful.get(kind, {}), **(given.get(kind) or {})} for kind in kinds}

    @model_validator(mode="after")
    def _objections_are_no_purposes(self) -> Identity:
        """Who unsubscribes says no to every purpose, and objects to nothing by that."""
        both = [one for one in self.objections.purposes if one in self.purposes]
        if both:
            raise ValueError(f"objections: {both[0]!r} is a purpose people are asked for; give the objection its own")
        if len(set(self.objections.purposes)) < len(self.objections.purposes):
            raise ValueError("objections: profiling and restriction are one purpose; give each its own")
        if wrong := [one for one in self.objections.purposes if one != one.strip().lower()]:
            raise ValueError(f"objections: {wrong[0]!r} is compared in lower case; write {wrong[0].strip().lower()!r}")
        return self

    @property
    def contact_channels(self) -> dict[str, ContactChannel]:
        """Every channel of a purpose, with what is known about it."""
        asked = sorted({channel for purpose in self.purposes.values() for channel in purpose.channels})
        return {name: self.channels.get(name) or _USUAL_CHANNELS.get(name, ContactChannel()) for name in asked}


_USUAL_CHANNELS = {
    "email": ContactChannel(reached_by=["email"]),
    "sms": ContactChannel(reached_by=["phone"]),
    "phone": ContactChannel(reached_by=["phone"]),
    "whatsapp": ContactChannel(reached_by=["phone"]),
    "mail": ContactChannel(reached_by=["address"]),
    "ads": ContactChannel(reached_by=["email", "phone"], also_called=["ad"]),
}
