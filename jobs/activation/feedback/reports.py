"""What mail servers report, read: delivery status (RFC 3464, 6533), complaints (RFC 5965), and events of Amazon SES.

Reports come from outside. Of one only its kind, codes, ids and address are used, and nothing of it is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

Kind = Literal["bounce", "soft_bounce", "complaint", "unsubscribe"]
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b", re.ASCII)
_PASSING = re.compile(r"4\.|5\.1\.[78]$|5\.2\.[23]$|5\.[3567]\.")
"""Codes that do not say that an address is dead: full, too big, about the sender, the content, a rule or the system."""
_OPERATION = re.compile(r"<?([0-9A-Za-z_-]{1,64})@[^@\s>]+>?", re.ASCII)
_MESSAGE_TAGS = ("operation", "operation_id")


@dataclass(frozen=True)
class Report:
    """One report about one recipient. `operation_id` is from the Message-ID or the link of the message that came back,
    `request_id` the id that the destination gave it, `address` whom it could not be delivered to."""

    kind: Kind
    at: datetime | None
    operation_id: str = ""
    request_id: str = ""
    address: str = field(default="", repr=False)
    detail: str = ""
    mark: str = ""


def of_mail(content: bytes) -> list[Report] | None:
    """The reports in one mail; None if it is no report, such as an answer of a person. A report of a delay, or of a
    delivery, is one that says nothing: an empty list."""
    mail = message_from_bytes(content)
    if mail.get_content_type() != "multipart/report" or not mail.is_multipart():
        return None
    at, operation = _moment(mail.get("Date")), _returned(mail)
    for part in mail.walk():
        kind = part.get_content_type()
        if kind in ("message/delivery-status", "message/global-delivery-status"):
            return [_bounce(block, at, operation) for block in _blocks(part) if _failed(block)]
        if kind == "message/feedback-report":
            return list(_complaint(_blocks(part), at, operation))
    return None


def _blocks(part: Message) -> list[Message]:
    """The groups of fields of a report: the first is about the message, each further one about a recipient."""
    payload = part.get_payload()
    inner = payload if isinstance(payload, list) else []
    if part.get_content_type() == "message/delivery-status" and inner:
        return [one for one in inner if isinstance(one, Message)]
    text = inner[0].as_string() if inner and isinstance(inner[0], Message) else str(payload)
    return [message_from_string(block) for block in re.split(r"\r?\n\s*\r?\n", text.strip())]


def _failed(block: Message) -> bool:
    return str(block.get("Action", "")).strip().lower() == "failed"


def _bounce(block: Message, at: datetime | None, operation: str) -> Report:
    """A server that gives a general code may have a better one in the words of the server that refused."""
    codes = _STATUS.findall(f"{block.get('Status', '')} {block.get('Diagnostic-Code', '')}")
    exact = [code for code in codes if not code.endswith(".0.0")] or codes or ["5.0.0"]
    kind: Kind = "soft_bounce" if _PASSING.match(exact[0]) else "bounce"
    told = str(block.get("Original-Recipient") or block.get("Final-Recipient") or "")
    return Report(kind, at, operation, address=_address(told.partition(";")[2]), detail=exact[0])


def _complaint(blocks: list[Message], at: datetime | None, operation: str) -> Iterator[Report]:
    fields = blocks[0] if blocks else Message()
    type_ = re.sub(r"[^a-z-]", "", str(fields.get("Feedback-Type", "")).lower())
    if type_ in ("not-spam", ""):
        return
    kind: Kind = "unsubscribe" if type_.startswith("opt-out") else "complaint"
    arrived = _moment(fields.get("Arrival-Date")) or at
    yield Report(kind, arrived, operation, address=_address(str(fields.get("Original-Rcpt-To", ""))), detail=type_[:20])


def _returned(mail: Message) -> str:
    """The operation of the message that a report returns, whole or its head: by its Message-ID, or by its link."""
    for part in mail.walk():
        kind = part.get_content_type()
        if kind in ("text/rfc822-headers", "message/global-headers"):
            payload = part.get_payload(decode=True)
            heads = [message_from_bytes(payload)] if isinstance(payload, bytes) else _blocks(part)[:1]
        elif kind in ("message/rfc822", "message/global"):
            heads = [one for one in part.get_payload() if isinstance(one, Message)]
        else:
            continue
        for head in heads:
            if found := _operation(str(head.get("Message-ID", "")), str(head.get("List-Unsubscribe", ""))):
                return found
    return ""


def _operation(message_id: str, link: str = "") -> str:
    """The operation that a message is of. Redacting services leave one of the two."""
    for address in re.findall(r"<(https?://[^<>\s]+)>", link):
        if token := parse_qs(urlsplit(address).query).get("t", [""])[0]:
            return token.partition(".")[0]
    found = _OPERATION.fullmatch(message_id.strip())
    return found[1] if found else ""


def of_events(text: str) -> list[Report]:
    """The reports in a file of events: one JSON document, a list of them, or one a line; bare or as SNS and EventBridge
    wrap them. Raises ValueError for what is no JSON; what is no bounce and no complaint says nothing."""
    try:
        documents = json.loads(text)
    except json.JSONDecodeError:
        documents = [json.loads(line) for line in text.splitlines() if line.strip()]
    found: list[Report] = []
    for document in documents if isinstance(documents, list) else [documents]:
        found += _of_event(document)
    return found


def _of_event(document: Any) -> Iterator[Report]:
    if not isinstance(document, dict):
        raise ValueError("an event is no object")
    if isinstance(document.get("Message"), str) and "Type" in document:
        if document["Type"] == "Notification":  # a confirmation of the subscription is for whoever subscribes
            yield from of_events(document["Message"])
        return
    if isinstance(document.get("detail"), dict):
        document = document["detail"]
    type_ = document.get("eventType") or document.get("notificationType")
    mail, bounce, complaint = (_object(document.get(name)) for name in ("mail", "bounce", "complaint"))
    known = {"operation_id": _operation_of_event(mail), "request_id": str(mail.get("messageId") or "")}
    if type_ == "Bounce":
        kind: Kind = "bounce" if bounce.get("bounceType") == "Permanent" else "soft_bounce"
        for one in _objects(bounce.get("bouncedRecipients")):
            codes = _STATUS.findall(f"{one.get('status', '')} {one.get('diagnosticCode', '')}")
            detail = codes[0] if codes else re.sub(r"\W", "", str(bounce.get("bounceSubType", "")))[:30]
            yield _event(kind, bounce, one, known, detail)
    elif type_ == "Complaint" and complaint.get("complaintFeedbackType") != "not-spam":
        detail = re.sub(r"[^a-z-]", "", str(complaint.get("complaintFeedbackType", "")))[:20]
        for one in _objects(complaint.get("complainedRecipients")):
            yield _event("complaint", complaint, one, known, detail)


def _event(kind: Kind, what: dict[str, Any], who: dict[str, Any], known: dict[str, str], detail: str) -> Report:
    address = _address(str(who.get("emailAddress", "")))
    mark = str(what.get("feedbackId") or what.get("timestamp") or "")
    return Report(kind, _iso(what.get("timestamp")), **known, address=address, detail=detail, mark=mark)


def _operation_of_event(mail: dict[str, Any]) -> str:
    tags = _object(mail.get("tags"))
    for name in _MESSAGE_TAGS:
        values = tags.get(name)
        if isinstance(values, list) and values:
            return str(values[0])
    heads = {str(one.get("name", "")).lower(): str(one.get("value", "")) for one in _objects(mail.get("headers"))}
    return _operation(heads.get("message-id", ""), heads.get("list-unsubscribe", ""))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _address(text: str) -> str:
    return parseaddr(text.strip())[1] or text.strip()


def _moment(text: Any) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(text))
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _iso(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
