"""Nobody is written to more often than the caps allow, whatever wants to write and however often a day is planned.

Costs about 10 s.
"""

import copy
import datetime as dt
from collections import Counter

import hypothesis
import pytest
from hypothesis import strategies as st

from jobs.activation.pressure import Candidate, Sent, choose
from jobs.config.pressure import Cap
from jobs.config.wrong import ConfigError
from jobs.lake.lake import Lake
from tests.activation.small_company import CONFIG, DAY

FIRST = dt.date(2017, 1, 1)
PEOPLE, ADDRESSES = ("ann", "bob", "cor"), ("a", "b", "shared")
CAPS = st.lists(
    st.builds(Cap, at_most=st.integers(0, 3), days=st.integers(1, 5),
              channels=st.sampled_from([[], ["email"], ["sms"], ["email", "sms"]])), max_size=3,
)  # fmt: skip
WANTED = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(PEOPLE), st.sampled_from(ADDRESSES),
              st.sampled_from(["email", "sms"]), st.integers(0, 2), st.booleans()), max_size=40,
)  # fmt: skip


def candidates(wanted, day, sent):
    found = []
    for number, (on, person, address, channel, priority, moment) in enumerate(wanted):
        name = f"audience{number}"
        if on == day:
            later = (day, person, name) not in sent
            found.append(Candidate(later, (-priority, not moment, name, channel), person, channel, address))
    return found


@hypothesis.settings(max_examples=1000)
@hypothesis.given(CAPS, WANTED, st.data())
def test_no_person_and_no_address_gets_more_than_a_cap_allows_in_any_days_in_a_row(caps, wanted, data):
    messages: list[Sent] = []
    done: set = set()
    for day in range(10):
        for again in range(2):  # the day is planned twice, and only part of the first plan was sent
            before = [one for one in messages if one.day < FIRST + dt.timedelta(days=day)]
            plan = list(choose(candidates(wanted, day, done), before, caps, FIRST + dt.timedelta(days=day)))
            for choice in plan:
                one = choice.candidate
                if choice.cap or not one.later or (not again and data.draw(st.booleans())):
                    continue
                done.add((day, one.customer_id, one.audience))
                messages.append(Sent(FIRST + dt.timedelta(days=day), one.customer_id, one.channel, one.address))
    for cap in caps:
        for start in range(10):
            inside = [one for one in messages if cap.counts(one.channel)
                      and start <= (one.day - FIRST).days < start + cap.days]  # fmt: skip
            most = Counter(one.customer_id for one in inside) + Counter(one.address for one in inside)
            assert max(most.values(), default=0) <= cap.at_most


@hypothesis.given(CAPS, WANTED)
def test_planning_again_after_all_was_sent_chooses_the_same(caps, wanted):
    first = list(choose(candidates(wanted, 3, set()), [], caps, FIRST))
    chosen = {(3, one.candidate.customer_id, one.candidate.audience) for one in first if not one.cap}
    again = list(choose(candidates(wanted, 3, chosen), [], caps, FIRST))
    assert {(3, one.candidate.customer_id, one.candidate.audience) for one in again if not one.cap} == chosen


def test_priority_goes_first_then_who_is_about_a_moment_then_the_name():
    named = [Candidate(True, rank, "ann", "email", "a") for rank in
             [(0, True, "b", "e"), (0, True, "a", "e"), (0, False, "z", "e"), (-5, True, "y", "e")]]  # fmt: skip
    turns = [one.candidate.audience for one in choose(named, [], [Cap(at_most=1, days=1)], FIRST)]
    assert turns == ["y", "z", "a", "b"]


@pytest.fixture
def shop(company, sink):
    """Three audiences that want to write to everybody, by e-mail."""
    files = {}
    for number, name in enumerate(("news", "offer", "winback")):
        audience = copy.deepcopy(CONFIG["audiences/winback.yaml"]) | {"audience": name, "priority": number}
        files[f"audiences/{name}.yaml"] = audience

    def build(caps):
        shop = company("news", "offer", "winback", files=files | {"pressure.yaml": {"caps": caps}})
        shop.customers(4)
        return shop

    return build


def test_three_audiences_send_one_person_one_message_and_say_who_lost_to_whom(shop, sink):
    busy = shop([{"at_most": 1, "days": 1, "channels": ["email"]}])
    for name in ("news", "offer", "winback"):
        counts = busy.push(name, "email")
        assert (counts["delivered"], counts["suppressed"]) == ((4, 0) if name == "winback" else (0, 4))
    assert len(sink.recipients()) == len(set(sink.recipients())) == 4
    told = Lake.of(busy.settings).arrow("decisions/choices", day=DAY).to_pylist()
    mine = sorted((row["turn"], row["audience"], row["chosen"]) for row in told if row["customer_id"] == "c0001")
    assert mine == [(1, "winback", True), (2, "offer", False), (3, "news", False)]
    assert {row["because"] for row in told if not row["chosen"]} == {"at most 1 in 1 days by email"}
    before = Lake.of(busy.settings).content_hash("decisions/choices")
    busy.push("winback", "email")
    assert Lake.of(busy.settings).content_hash("decisions/choices") == before, "planned again, it is told the same"


def test_who_lost_has_a_turn_on_a_later_day(shop, sink):
    busy = shop([{"at_most": 2, "days": 3}])
    tomorrow, later = DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=3)
    assert sum(busy.push(name, "email")["delivered"] for name in ("news", "offer", "winback")) == 8
    for day, delivered in ((tomorrow, 0), (later, 4)):
        busy.members("c0001", "c0002", "c0003", "c0004", day=day)
        assert sum(busy.push(name, "email", day)["delivered"] for name in ("news", "offer", "winback")) == delivered


def test_a_cap_about_an_unknown_channel_is_refused_with_its_line(settings):
    with pytest.raises(ConfigError, match=r"pressure.yaml:2: caps.0.channels: unknown channel 'emial'"):
        settings({"pressure.yaml": "caps:\n  - {at_most: 1, days: 7, channels: [emial]}\n"})
