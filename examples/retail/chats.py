"""Conversations with the service desk by chat, phone and e-mail, and the messages in them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

import numpy as np

from examples.retail import clock
from examples.retail.chance import plain_stream, share
from examples.retail.columns import as_text
from examples.retail.company import Company
from examples.retail.faults import common_faults
from examples.retail.feeds import Fault, Feed, Layout, from_table
from examples.retail.orders import CANCELLED, RETURNED, STORE, Orders
from examples.retail.people import People, Person
from examples.retail.texts import AGENT, BOT, CLOSINGS, DETAILS, QUESTIONS

AFTER_ORDER = 0.06
AFTER_TROUBLE = 0.45
PER_PERSON = 1.2
TOPICS = ("product", "stock", "opening_hours", "points", "account", "complaint", "praise")
TOPIC_WEIGHTS = (24, 14, 16, 18, 14, 8, 6)
LEFT_OPEN = 0.12

Row = dict[str, str | int | float | None]


@dataclass
class Desk:
    """All conversation versions and messages."""

    conversations: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)


def chat_feeds(company: Company, people: People, orders: Orders) -> list[Feed]:
    """The feeds of conversations and of messages, each in order of time."""
    desk = Desk()
    _about_orders(company, people, orders, desk)
    for person in people.persons:
        chance = plain_stream(company.seed, f"chats {person.id}")
        mood = float(people.satisfaction[person.row])
        # Who is less content asks for help more often.
        count = int(chance.expovariate(1 / (PER_PERSON * (1.25 if mood < 0 else 0.9))))
        for number in range(count):
            day = clock.FIRST + chance.randrange(365) * clock.DAY
            opened = day + chance.randrange(8 * 3600, 21 * 3600)
            topic = chance.choices(TOPICS, TOPIC_WEIGHTS)[0]
            _talk(chance, person, mood, f"{person.id}.{number}", opened, topic, None, desk)
    desk.conversations.sort(key=lambda row: (row["at"], row["id"]))
    desk.messages.sort(key=lambda row: (row["at"], row["id"]))
    return [_conversation_feed(desk.conversations), _message_feed(desk.messages)]


def _about_orders(company: Company, people: People, orders: Orders, desk: Desk) -> None:
    ids, at = company.baskets.basket_id.to_numpy(), company.baskets["at"].to_numpy()
    trouble = np.zeros(len(ids), bool)
    trouble[orders.version_basket[np.isin(orders.version_status, [CANCELLED, RETURNED])]] = True
    online = orders.channel != STORE
    chosen = online & (share(ids, 111) < np.where(trouble, AFTER_TROUBLE, AFTER_ORDER))
    for basket in np.flatnonzero(chosen):
        chance = plain_stream(company.seed, f"chat {ids[basket]}")
        person = people.persons[people.buyer[basket]]
        mood = float(people.satisfaction[person.row]) - (0.9 if trouble[basket] else 0.2)
        opened = int(at[basket]) + chance.randrange(3600, 40 * 3600)
        topic = chance.choice(("refund", "complaint")) if trouble[basket] else "delivery"
        _talk(chance, person, mood, f"{ids[basket]}", opened, topic, str(ids[basket]), desk)


def _talk(
    chance: random.Random,
    person: Person,
    mood: float,
    name: str,
    opened: int,
    topic: str,
    order: str | None,
    desk: Desk,
) -> None:
    """One conversation: bot, question, answers, a closing that shows the mood, and a rating that agrees with it."""
    content = mood + chance.gauss(0, 0.7) + (0.8 if topic == "praise" else -0.8 if topic == "complaint" else 0)
    feeling = "positive" if content > 0.4 else "negative" if content < -0.5 else "neutral"
    channel = chance.choices(("chat", "phone", "e-mail"), (70, 18, 12))[0]
    at, spoken = opened, list[Row]()
    for number, (author, text) in enumerate(_lines(chance, person, channel, topic, order, feeling)):
        message: Row = {"id": f"M{name}.{number}", "conversation.id": f"D{name}", "author.type": author, "text": text}
        spoken.append(message | {"at": at, "person": person.row})
        at += chance.randrange(15, 240)
    if at > clock.LAST:
        return
    desk.messages += spoken
    rating = max(1, min(5, round(3.4 + 1.1 * content))) if chance.random() < 0.55 else None
    base: Row = {"id": f"D{name}", "channel": channel, "tags": json.dumps([topic]), "language": person.language}
    base |= {"opened": opened, "person": person.row, **_who(chance, person, channel, opened)}
    closed = at
    if chance.random() < LEFT_OPEN:
        desk.conversations.append(base | {"state": "open", "at": at, "closed": None})
        closed = at + chance.randrange(4 * 3600, 40 * 3600)
    if closed <= clock.LAST:
        desk.conversations.append(base | {"state": "closed", "at": closed, "closed": closed, "rating.score": rating})


def _lines(
    chance: random.Random, person: Person, channel: str, topic: str, order: str | None, feeling: str
) -> list[tuple[str, str]]:
    """Who says what: greeting, question, answer, details, answer, and a closing that shows the feeling."""
    language = person.language
    details = chance.choice(DETAILS[language] if order else DETAILS[language][1:])
    return [
        *([("bot", BOT[language])] if channel == "chat" else []),
        ("customer", chance.choice(QUESTIONS[language][topic])),
        ("agent", chance.choice(AGENT[language])),
        ("customer", details.format(order=order, phone=person.phone, email=person.email)),
        ("agent", chance.choice(AGENT[language])),
        ("customer", chance.choice(CLOSINGS[language][feeling])),
    ]


def _who(chance: random.Random, person: Person, channel: str, at: int) -> Row:
    """How the desk knows who it is: login, e-mail address, phone number, or not at all."""
    if channel == "phone":
        return {"contact.phone": f"+31{person.phone[1:]}"}
    if channel == "e-mail":
        return {"contact.email": person.email}
    luck = chance.random()
    if person.account_from is not None and person.account_from < at and luck < 0.5 and not person.late_merger:
        return {"contact.login": person.login}
    return {"contact.email": person.email} if luck < 0.85 else {}


def _conversation_feed(rows: list[Row]) -> Feed:
    layout = Layout("json", numbers=frozenset({"rating.score"}), raw=frozenset({"tags"}))
    moments = np.array([row["at"] for row in rows], np.int64)
    texts = ("id", "state", "channel", "language", "tags", "contact.email", "contact.login", "contact.phone")
    table: dict[str, object] = {name: as_text([row.get(name) for row in rows]) for name in texts}
    table["rating.score"] = as_text([row.get("rating.score") for row in rows])
    opened = np.array([row["opened"] for row in rows], np.int64)
    table["created_at"] = clock.utc_text(clock.to_utc(opened))
    table["updated_at"] = clock.utc_text(clock.to_utc(moments))
    closed = np.array([row["closed"] or 0 for row in rows], np.int64)
    ended = clock.utc_text(clock.to_utc(closed)).to_pylist()
    table["closed_at"] = [text if at else None for text, at in zip(ended, closed, strict=True)]
    faults = (
        *common_faults("id", "updated_at"),
        Fault("absurd_score", "rating.score", "99"),
        Fault("unknown_value", "state", "limbo"),
    )
    return Feed(
        "chat", "conversations", "conversations.jsonl", moments // clock.DAY, from_table(table), layout=layout,  # type: ignore[arg-type]
        faults=faults, person=np.array([row["person"] for row in rows], np.int64), record="id",
    )  # fmt: skip


def _message_feed(rows: list[Row]) -> Feed:
    moments = np.array([row["at"] for row in rows], np.int64)
    names = ("id", "conversation.id", "author.type", "text")
    table: dict[str, object] = {name: as_text([row[name] for row in rows]) for name in names}
    table["sent_at"] = clock.utc_text(clock.to_utc(moments))
    faults = (
        *common_faults("id", "sent_at"),
        Fault("unknown_value", "author.type", "alien"),
        Fault("not_json", "*", "{'id': 'broken'"),
    )
    return Feed(
        "chat", "messages", "messages.jsonl", moments // clock.DAY, from_table(table), layout=Layout("json"),  # type: ignore[arg-type]
        faults=faults, person=np.array([row["person"] for row in rows], np.int64), record="id",
    )  # fmt: skip
