"""What mail servers report, read: delivery status (RFC 3464, 6533), complaints (RFC 5965), and events of Amazon SES.

A server that follows none of these is understood if it answers to the bounce address of a message (bounce_address.py).

Reports come from outside. Of one only its kind, codes, ids and address are used, and nothing of it is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

Kind = Literal["bounce", "soft_bounce", "complaint", "unsubscribe"]
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)", re.ASCII)
_PASSING = re.compile(r"4\.|5\.1\.[78]$|5\.2\.[23]$|5\.[3567]\.")
"""Codes that do not say that an address is dead: full, too big, about the sender, the content, a rule or the system."""
_ENHANCED = re.compile(r"(?<![\d.])5\.\d{1,3}\.\d{1,3}(?!\.?\d)", re.ASCII)
"""Why a server refused, in words of its own: the code that tells a dead mailbox from a blocked sender."""
_REFUSED = re.compile(r"(?<![\d.-])55[013][ -]", re.ASCII)
"""What it says of a mailbox there is none of, where it gives no code of the former kind."""
_QUOTED = re.compile(r"^-{3}", re.MULTILINE)
"""Where such a text begins to repeat the message, whose words say nothing."""
_PARAGRAPH = re.compile(r"\r?\n\s*\r?\n")
_SERVERS = ("mailer-daemon", "postmaster")
"""Who writes what servers say; a person who is on holiday writes under a name of their own."""
_READ = 65_536
"""Signs of a text that are looked through: servers say first what happened."""
_OPERATION = re.compile(r"<?([0-9A-Za-z_-]{1,64})@[^@\s>]+>?", re.ASCII)
_MESSAGE_TAGS = ("operation", "operation_id")


@dataclass(frozen=True)
class Report:
    """One report about one recipient. `operation_id` is from the bounce address of the message, else its Message-ID
    or link; `request_id` the id that the destination gave it, `address` whom it could not be delivered to."""

    kind: Kind
    at: datetime | None
    operation_id: str = ""
    request_id: str = ""
    address: str = field(default="", repr=False)
    detail: str = ""
    mark: str = ""


def of_mail(content: bytes, named: Callable[[str], str]) -> list[Report] | None:
    """The reports in one mail; None if it is no report, such as an answer of a person. A report of a delay, or of a
    delivery, is one that says nothing: an empty list.

    `named` gives the operation whose bounce address stands in a text, which is believed before what came back.
    """
    mail = message_from_bytes(content)
    at, sent_to = _moment(mail.get("Date")), named("\n".join(str(value) for value in mail.values()))
    for part in _parts(mail):  # whatever it is called as a whole: OpenSMTPD does not call it multipart/report
        kind = part.get_content_type()
        if kind in ("message/delivery-status", "message/global-delivery-status"):
            operation = sent_to or _returned(mail, named)
            words = _words(mail)
            return [_bounce(block, words, at, operation) for block in _blocks(part) if _failed(block)]
        if kind == "message/feedback-report":
            return list(_complaint(_blocks(part), at, sent_to or _returned(mail, named), named))
    return _in_words(mail, at, sent_to) if sent_to else None


def _parts(mail: Message) -> Iterator[Message]:
    """The parts of a mail itself, not those of mails that it carries: a report that a person passes on is no report."""
    for part in mail.get_payload() if mail.get_content_maintype() == "multipart" and mail.is_multipart() else ():
        if isinstance(part, Message):
            yield part
            yield from _parts(part)


def _in_words(mail: Message, at: datetime | None, operation: str) -> list[Report] | None:
    """What a server says of one message in words of its own; None if it is not a server, or gives no code."""
    writer = _address(str(mail.get("From", ""))).partition("@")[0].lower()
    if writer not in _SERVERS and "X-Failed-Recipients" not in mail:
        return None
    words = _words(mail)
    if exact := _ENHANCED.search(words):  # it stands behind the code of SMTP, which says less
        return [_of_code(exact[0], at, operation)]
    return [_of_code("5.0.0", at, operation)] if _REFUSED.search(words) else None


def _words(mail: Message) -> str:
    """What a report says to people."""
    texts = (part.get_payload(decode=True) for part in [mail, *_parts(mail)] if part.get_content_type() == "text/plain")
    text = next((found for found in texts if isinstance(found, bytes)), b"")
    return _QUOTED.split(text[:_READ].decode("ascii", "replace"))[0]


def _blocks(part: Message) -> list[Message]:
    """The groups of fields of a report: the first is about the message, each further one about a recipient."""
    payload = part.get_payload()
    inner = payload if isinstance(payload, list) else []
    if part.get_content_type() == "message/delivery-status" and inner:
        return [one for one in inner if isinstance(one, Message)]
    text = inner[0].as_string() if inner and isinstance(inner[0], Message) else str(payload)
    return [message_from_string(block) for block in _PARAGRAPH.split(text.strip())]


def _failed(block: Message) -> bool:
    return str(block.get("Action", "")).strip().lower() == "failed"


def _bounce(block: Message, words: str, at: datetime | None, operation: str) -> Report:
    """A server that gives a general code may have a better one in the words of the server that refused, beside them or,
    of this recipient, in what it says to people."""
    told = str(block.get("Original-Recipient") or block.get("Final-Recipient") or "")
    address = _address(told.partition(";")[2])
    about = words.partition(address)[2] if address else ""
    codes = _STATUS.findall(f"{block.get('Status', '')} {block.get('Diagnostic-Code', '')}")
    codes += _STATUS.findall(_PARAGRAPH.split(about)[0])
    exact = [code for code in codes if not code.endswith(".0.0")] or codes or ["5.0.0"]
    return _of_code(exact[0], at, operation, address)


def _of_code(code: str, at: datetime | None, operation: str, address: str = "") -> Report:
    kind: Kind = "soft_bounce" if _PASSING.match(code) else "bounce"
    return Report(kind, at, operation, address=address, detail=code)


def _complaint(
    blocks: list[Message], at: datetime | None, operation: str, named: Callable[[str], str]
) -> Iterator[Report]:
    fields = blocks[0] if blocks else Message()
    type_ = re.sub(r"[^a-z-]", "", str(fields.get("Feedback-Type", "")).lower())
    if type_ in ("not-spam", ""):
        return
    kind: Kind = "unsubscribe" if type_.startswith("opt-out") else "complaint"
    arrived = _moment(fields.get("Arrival-Date")) or at
    operation = named(str(fields.get("Original-Mail-From", ""))) or operation
    yield Report(kind, arrived, operation, address=_address(str(fields.get("Original-Rcpt-To", ""))), detail=type_[:20])


def _returned(mail: Message, named: Callable[[str], str]) -> str:
    """The operation of the message that a report returns, whole or its head: by the address it was sent from, by its
    Message-ID, or by its link."""
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
            link = str(head.get("List-Unsubscribe", ""))
            if found := named(str(head.get("Return-Path", ""))) or _operation(str(head.get("Message-ID", "")), link):
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
