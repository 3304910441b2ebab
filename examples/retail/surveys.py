"""Survey answers: NPS some days after a visit, satisfaction and effort after an online order, with remarks."""

from __future__ import annotations

import random

import numpy as np

from examples.retail import clock
from examples.retail.chance import plain_stream, share
from examples.retail.company import Company
from examples.retail.faults import common_faults
from examples.retail.feeds import Fault, Feed, Layout, from_table
from examples.retail.orders import CANCELLED, RETURNED, STORE, Orders
from examples.retail.people import People, Person
from examples.retail.texts import mood_of, opinion

NPS_SHARE = 0.018
AFTER_ORDER_SHARE = 0.12
ANONYMOUS = 0.1
COLUMNS = [
    "response_id", "question_id", "survey_id", "kind", "score", "scale_max", "comment", "language", "answered_at",
    "email", "order_id",
]  # fmt: skip
Answer = dict[str, str | int | None]


def survey_feed(company: Company, people: People, orders: Orders) -> Feed:
    """All answers, in order of time; one row per question."""
    ids, at = company.baskets.basket_id.to_numpy(), company.baskets["at"].to_numpy()
    bad = np.isin(orders.version_status, [CANCELLED, RETURNED])
    disappointed = set(orders.version_basket[bad].tolist())
    online = orders.channel != STORE
    luck = share(ids, 101)
    answers: list[Answer] = []
    for basket in np.flatnonzero(luck < np.where(online, AFTER_ORDER_SHARE, NPS_SHARE)):
        person = people.persons[people.buyer[basket]]
        chance = plain_stream(company.seed, f"survey {ids[basket]}")
        when = int(at[basket]) + chance.randrange(6 * 3600, 3 * clock.DAY)
        if when > clock.LAST:
            continue
        mood = float(people.satisfaction[person.row]) - (2.0 if basket in disappointed else 0.0)
        filled = _after_order if online[basket] else _relation
        answers += filled(chance, person, str(ids[basket]), mood, when)
    answers.sort(key=lambda answer: (answer["at"], answer["response_id"], answer["question_id"]))
    return _feed(answers)


def _relation(chance: random.Random, person: Person, basket: str, mood: float, at: int) -> list[Answer]:
    score = max(0, min(10, round(7.4 + 1.7 * mood + chance.gauss(0, 1.1))))
    base = _base(chance, person, f"R{basket}n", "relation-2017", at)
    answers = [{**base, "question_id": "recommend", "kind": "nps", "score": f"{score},0", "scale_max": "10"}]
    if chance.random() < 0.6:
        text = opinion(chance, str(person.language), mood_of(score, 0, 10))
        answers.append({**base, "question_id": "why", "kind": "text", "comment": text})
    return answers


def _after_order(chance: random.Random, person: Person, basket: str, mood: float, at: int) -> list[Answer]:
    score = max(1, min(5, round(3.7 + 0.8 * mood + chance.gauss(0, 0.6))))
    effort = max(1, min(7, round(5.2 + mood + chance.gauss(0, 0.8))))
    base = _base(chance, person, f"R{basket}o", "after-order", at) | {"order_id": basket}
    text = opinion(chance, str(person.language), mood_of(score, 1, 5)) if chance.random() < 0.5 else None
    satisfied = {"question_id": "satisfied", "kind": "csat", "score": f"{score},0", "scale_max": "5", "comment": text}
    return [
        {**base, **satisfied},
        {**base, "question_id": "easy", "kind": "ces", "score": f"{effort},0", "scale_max": "7"},
    ]


def _base(chance: random.Random, person: Person, response_id: str, survey: str, at: int) -> Answer:
    email = None if chance.random() < ANONYMOUS else person.email
    return {
        "response_id": response_id, "survey_id": survey, "language": person.language.upper(), "at": at, "email": email,
        "person": person.row,
    }  # fmt: skip


def _feed(answers: list[Answer]) -> Feed:
    table: dict[str, list[object]] = {column: [answer.get(column) for answer in answers] for column in COLUMNS}
    moments = np.array([answer["at"] for answer in answers], np.int64)
    table["answered_at"] = [_dutch(text) for text in clock.local_text(moments).to_pylist()]
    faults = (
        *common_faults("response_id", "answered_at"),
        Fault("absurd_score", "score", "42,0"),
        Fault("not_a_number", "score", "zeven"),
        Fault("unknown_value", "kind", "horoscope"),
    )
    return Feed(
        "survey", "survey_responses", "responses.csv", moments // clock.DAY, from_table(table),
        layout=Layout(delimiter=";", encoding="latin-1"), faults=faults,
        person=np.array([answer["person"] for answer in answers], np.int64), record="response_id",
    )  # fmt: skip


def _dutch(text: str) -> str:
    """`2017-03-04 10:11:12` as `04-03-2017 10:11:12`."""
    return f"{text[8:10]}-{text[5:7]}-{text[:4]}{text[10:]}"
