"""What the Data Manager API v1 checks in a request: the published limits, formats and error reasons.

Requests are parsed with the protocol buffers of the official client library, so field names, enum names and
enum numbers are exactly those of the published API. Source: developers.google.com/data-manager/api (reference,
limits, errors). Stricter than the published contract in one place: the hash of an empty string is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from google.ads import datamanager_v1 as api
from google.protobuf import json_format

MEMBERS, IDENTIFIERS, DESTINATIONS = 10_000, 10, 10
EMPTY_HASH = hashlib.sha256(b"").hexdigest()
_DIGITS = re.compile(r"^\d+$")
_HEX = re.compile(r"^[0-9a-fA-F]{64}$")


@dataclass(frozen=True)
class Violation:
    field: str
    reason: str
    description: str


@dataclass
class Refusal(Exception):
    """The request as a whole is refused, as `google.rpc.Status`."""

    http_status: int
    status: str
    message: str
    violations: list[Violation] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    retry_after: float | None = None

    def body(self, request_id: str) -> dict[str, Any]:
        reason = self.violations[0].reason if self.violations else self.status
        details: list[dict[str, Any]] = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason,
                "domain": "datamanager.googleapis.com",
                "metadata": self.metadata,
            },
            {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": request_id},
        ]
        if self.violations:
            violations = [{"field": v.field, "reason": v.reason, "description": v.description} for v in self.violations]
            details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations})
        return {"error": {"code": self.http_status, "message": self.message, "status": self.status, "details": details}}


def invalid(violations: list[Violation]) -> Refusal:
    return Refusal(400, "INVALID_ARGUMENT", "There was a problem with the request.", violations)


def parse(message_type: Any, body: bytes) -> Any:
    """The request as protocol buffer; unknown fields and enum values are refused. Enums may be names or numbers."""
    message = message_type.pb(message_type())
    try:
        json_format.Parse(body or b"{}", message, ignore_unknown_fields=False)
    except json_format.ParseError as error:
        raise Refusal(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from None
    return message


def check(request: Any) -> None:
    """Raise Refusal if an ingest or remove request breaks the contract."""
    violations = _destinations(request)
    members = request.audience_members
    if not members:
        violations.append(Violation("audience_members", "REQUIRED_FIELD_MISSING", "Required field is missing."))
    if len(members) > MEMBERS:
        violations.append(Violation("audience_members", "TOO_MANY_AUDIENCE_MEMBERS", f"At most {MEMBERS} members."))
        raise invalid(violations)
    kinds = {member.WhichOneof("data") for member in members}
    if len(kinds) > 1:
        violations.append(Violation("audience_members", "MULTIPLE_DATA_TYPES_NOT_ALLOWED", "One data type a request."))
    if "user_data" in kinds and request.encoding == api.Encoding.ENCODING_UNSPECIFIED:
        violations.append(Violation("encoding", "REQUIRED_FIELD_MISSING", "Encoding is required for user data."))
    accepted = getattr(request, "terms_of_service", None)
    if accepted is not None and accepted.customer_match_terms_of_service_status != api.TermsOfServiceStatus.ACCEPTED:
        violations.append(
            Violation("terms_of_service", "TERMS_AND_CONDITIONS_NOT_SIGNED", "Customer Match terms are not accepted.")
        )
    references = {destination.reference for destination in request.destinations}
    for number, member in enumerate(members):
        violations += _member(member, f"audience_members[{number}]", request.encoding, references)
    if violations:
        raise invalid(violations)


def _destinations(request: Any) -> list[Violation]:
    found = []
    if not request.destinations:
        found.append(Violation("destinations", "REQUIRED_FIELD_MISSING", "Required field is missing."))
    if len(request.destinations) > DESTINATIONS:
        found.append(Violation("destinations", "TOO_MANY_DESTINATIONS", f"At most {DESTINATIONS} destinations."))
    references = [destination.reference for destination in request.destinations if destination.reference]
    if len(references) != len(set(references)):
        found.append(Violation("destinations", "DUPLICATE_DESTINATION_REFERENCE", "References must differ."))
    for number, destination in enumerate(request.destinations):
        place = f"destinations[{number}]"
        account = destination.operating_account
        if not account.account_id or not (account.account_type or account.product):
            found.append(Violation(f"{place}.operating_account", "REQUIRED_FIELD_MISSING", "Account is required."))
        elif not _DIGITS.match(account.account_id):
            found.append(Violation(f"{place}.operating_account.account_id", "INVALID_NUMBER_FORMAT", "Digits only."))
        if not destination.product_destination_id:
            found.append(Violation(f"{place}.product_destination_id", "REQUIRED_FIELD_MISSING", "A list is required."))
        elif not _DIGITS.match(destination.product_destination_id):
            found.append(Violation(f"{place}.product_destination_id", "INVALID_USER_LIST_ID", "List is not valid."))
    return found


def _member(member: Any, place: str, encoding: int, references: set[str]) -> list[Violation]:
    unknown = [reference for reference in member.destination_references if reference not in references]
    found = [Violation(f"{place}.destination_references", "INVALID_DESTINATION", "Unknown reference.") for _ in unknown]
    kind = member.WhichOneof("data")
    if kind is None:
        return [*found, Violation(place, "INVALID_AUDIENCE_MEMBER", "No data is given.")]
    if kind != "user_data":
        return found
    identifiers = member.user_data.user_identifiers
    if not identifiers:
        found.append(Violation(f"{place}.user_data", "REQUIRED_FIELD_MISSING", "No identifier is given."))
    if len(identifiers) > IDENTIFIERS:
        found.append(Violation(f"{place}.user_data", "TOO_MANY_USER_IDENTIFIERS", f"At most {IDENTIFIERS}."))
    for number, identifier in enumerate(identifiers):
        found += _identifier(identifier, f"{place}.user_data.user_identifiers[{number}]", encoding)
    return found


def _identifier(identifier: Any, place: str, encoding: int) -> list[Violation]:
    kind = identifier.WhichOneof("identifier")
    if kind is None:
        return [Violation(place, "REQUIRED_FIELD_MISSING", "No identifier is given.")]
    if kind != "address":
        return _hash(getattr(identifier, kind), f"{place}.{kind}", encoding)
    address, found = identifier.address, []
    for name in ("given_name", "family_name"):
        found += _hash(getattr(address, name), f"{place}.address.{name}", encoding)
    if not address.postal_code:
        found.append(Violation(f"{place}.address.postal_code", "REQUIRED_FIELD_MISSING", "Required field is missing."))
    if not re.match(r"^[A-Za-z]{2}$", address.region_code):
        found.append(Violation(f"{place}.address.region_code", "INVALID_REGION_CODE", "Two letters, ISO 3166-1."))
    return found


def _hash(value: str, place: str, encoding: int) -> list[Violation]:
    if not value:
        return [Violation(place, "REQUIRED_FIELD_MISSING", "Required field is missing.")]
    if encoding == api.Encoding.BASE64:
        try:
            raw = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return [Violation(place, "INVALID_BASE64_ENCODING", "The base64 encoded value is malformed.")]
        value = raw.hex()
    if not _HEX.match(value):
        return [Violation(place, "INVALID_SHA256_FORMAT", "The SHA256 encoded value is malformed.")]
    if value.lower() == EMPTY_HASH:
        return [Violation(place, "INVALID_SHA256_FORMAT", "This is the hash of an empty value.")]
    return []


def identifiers(member: Any, encoding: int) -> frozenset[str]:
    """The hashes that identify a member, as lower-case hex; an address counts as its hashed names and postcode."""
    found = set()
    for identifier in member.user_data.user_identifiers:
        kind = identifier.WhichOneof("identifier")
        if kind == "address":
            parts = (identifier.address.given_name, identifier.address.family_name, identifier.address.postal_code)
            found.add(hashlib.sha256("|".join(parts).encode()).hexdigest())
            continue
        value = getattr(identifier, kind)
        found.add((base64.b64decode(value).hex() if encoding == api.Encoding.BASE64 else value).lower())
    return frozenset(found)


def refused_by_consent(member: Any, request_consent: Any) -> str | None:
    """Why a member is not used: consent of the member, else of the request, must be granted for both fields."""
    consent = member.consent if member.HasField("consent") else request_consent
    answers = (consent.ad_user_data, consent.ad_personalization)
    if api.ConsentStatus.CONSENT_DENIED in answers:
        return "PROCESSING_ERROR_REASON_DENIED_CONSENT"
    if answers != (api.ConsentStatus.CONSENT_GRANTED, api.ConsentStatus.CONSENT_GRANTED):
        return "PROCESSING_ERROR_REASON_UNKNOWN_CONSENT"
    return None
