"""What was done for a customer counts for all that becomes of it: real identity, profiles and channels, day by day."""

import datetime as dt
import email as mail

import pyarrow as pa
import pytest

from examples.sandboxes.smtp import recipient_hash
from jobs.identity.over_time.spells import spells
from tests.activation.small_company import DAY
from tests.company import MINIMAL
from tests.table_rows import table_rows

pytestmark = pytest.mark.slow(minutes=1.5)

ANN = {"first_name": "Ann", "last_name": "Bos"}
PHONE = "0612345679"


def day(number):
    return DAY + dt.timedelta(days=number)


class Town:
    """People who all agreed to everything when they first came, with the records that arrived of them."""

    def __init__(self, shop):
        self.shop = shop

    def arrive(self, number, **records):
        """`arrive(0, c1={...})` brings record 1 of the CRM."""
        told = []
        for name, record in records.items():
            id_ = {"source": {"c": "crm", "s": "shop"}[name[0]], "contact_id": name[1:]}
            told.append({**ANN, **record, **id_, "updated_at": f"{day(number)}T08:00:00"})
        asked = [
            {"source": r["source"], "contact_id": r["contact_id"], "consent_id": f"{r['contact_id']} {purpose}"}
            | {"purpose": purpose, "channel": channel, "status": "granted", "changed_at": f"{day(number)}T08:00:00"}
            for r in told
            for purpose, channel in (("marketing", "email"), ("ads", "ads"))
        ]
        for table, given in (("valid/contacts", told), ("valid/consents", asked)):
            lineage = {"arrived": str(day(number)), "file_id": f"f{number}"}
            given = [{**row, **lineage, "line": n} for n, row in enumerate(given)]
            self.shop.lake.append(table, table_rows(table, *given), self.shop.lake.transaction("arrive", day(number)))

    def decide(self, number, left, right, decision="different"):
        from jobs.config.settings import load_settings

        folder = self.shop.settings.folder
        sides = [{"source": {"c": "crm", "s": "shop"}[name[0]], "record": name[1:]} for name in (left, right)]
        told = f"{{left: {sides[0]}, right: {sides[1]}, decision: {decision}, by: a, on: {day(number)}, because: b}}"
        (folder / "decisions.yaml").write_text(f"decisions:\n- {told}\n")
        self.shop.settings = load_settings(folder)

    def live(self, number, *without):
        """Identity and profiles of the day; all customers with records are members, but those of `without`."""
        from jobs.identity import identity
        from jobs.profiles import customers

        identity.run(day(number), self.shop.settings)
        customers.run(day(number), self.shop.settings)
        known = self.shop.lake.arrow("profiles/customers").to_pylist()
        left_out = {self.customer(name) for name in without}
        ids = {row["customer_id"] for row in known if row["contact_records"]} - left_out
        self.shop.members(*sorted(ids), day=day(number))

    def customer(self, name):
        record = f"{ {'c': 'crm', 's': 'shop'}[name[0]] }:{name[1:]}"
        rows = self.shop.lake.arrow("profiles/customers").to_pylist()
        return next(row["customer_id"] for row in rows if record in row["records"])

    def push(self, number, destination="email"):
        audience = {"email": "winback", "ads": "loyal"}[destination]
        return self.shop.push(audience, destination, day(number))


@pytest.fixture
def town(company):
    shops = {"sources/shop.yaml": MINIMAL["sources/crm.yaml"] | {"source": "shop"}}
    return lambda audience="winback": Town(company(audience, files=shops))


def token(sink, address):
    """Of the last message to this address."""
    (number,) = [n for n, entry in enumerate(sink.received(), 1) if entry["recipient"] == recipient_hash(address)][-1:]
    message = mail.message_from_bytes((sink.folder / "mail" / f"{number:06d}.eml").read_bytes())
    return message["List-Unsubscribe"].strip("<>").split("t=")[1]


def test_who_was_merged_and_parted_again_gets_one_message_per_cool_down(town, sink):
    ann = town()
    ann.arrive(0, c1={"email": "ann@a.nl"}, s1={"email": "ann@b.nl"})
    ann.live(0)
    assert ann.push(0)["delivered"] == 2
    ann.arrive(1, c1={"email": "ann@a.nl", "phone": PHONE}, s1={"email": "ann@b.nl", "phone": PHONE})
    ann.live(1)
    assert ann.customer("c1") == ann.customer("s1")
    assert ann.push(1)["suppressed"] == 1
    ann.decide(2, "c1", "s1")
    sent = []
    for number in (2, 3, 29, 30, 31):
        ann.live(number)
        assert ann.customer("c1") != ann.customer("s1")
        sent.append(ann.push(number)["delivered"])
    assert sent == [0, 0, 0, 2, 0]
    assert sorted(sink.recipients()) == sorted(2 * [recipient_hash("ann@a.nl"), recipient_hash("ann@b.nl")])


def test_a_customer_that_is_new_by_a_split_waits_for_the_cool_down_of_the_old_one(town, sink):
    ann = town()
    ann.arrive(0, c1={"email": "ann@a.nl", "phone": PHONE}, s1={"email": "ann@b.nl", "phone": PHONE})
    ann.live(0)
    assert ann.push(0)["delivered"] == 1
    ann.decide(1, "c1", "s1")
    sent = []
    for number in (1, 29, 30):
        ann.live(number)
        sent.append(ann.push(number)["delivered"])
    assert sent == [0, 0, 2]


def test_a_split_on_the_day_of_the_message_sends_no_second_one_to_the_address(town, sink):
    ann = town()
    ann.arrive(0, c1={"email": "ann@a.nl", "phone": PHONE}, s1={"phone": PHONE})
    ann.live(0)
    ann.push(0)
    ann.decide(0, "c1", "s1")
    ann.live(0)
    ann.push(0)
    assert sink.recipients() == [recipient_hash("ann@a.nl")]


@pytest.mark.parametrize("asked", ["ann@a.nl", "ann@b.nl"])
def test_unsubscribing_counts_for_the_customer_the_other_one_was_merged_into(town, sink, asked):
    from jobs.activation.unsubscribe import unsubscribe

    ann = town()
    ann.arrive(0, c1={"email": "ann@a.nl"}, s1={"email": "ann@b.nl"})
    ann.live(0)
    ann.push(0)
    ann.arrive(1, c1={"email": "ann@a.nl", "phone": PHONE}, s1={"email": "ann@b.nl", "phone": PHONE})
    ann.live(1)
    assert unsubscribe(token(sink, asked), day(1), ann.shop.settings)
    ann.live(40)
    counts = ann.push(40)
    assert (counts["members"], counts["suppressed"], counts["delivered"]) == (1, 1, 0)


@pytest.mark.parametrize("asked_on", [0, 2])
def test_unsubscribing_counts_for_both_halves_of_a_split_before_or_after_it(town, sink, asked_on):
    from jobs.activation.unsubscribe import unsubscribe

    ann = town()
    ann.arrive(0, c1={"email": "ann@a.nl", "phone": PHONE}, s1={"email": "ann@b.nl", "phone": PHONE})
    ann.live(0)
    ann.push(0)
    link = token(sink, "ann@a.nl") if recipient_hash("ann@a.nl") in sink.recipients() else token(sink, "ann@b.nl")
    ann.decide(1, "c1", "s1")
    if asked_on:
        ann.live(1)
    assert unsubscribe(link, day(asked_on), ann.shop.settings)
    ann.live(40)
    counts = ann.push(40)
    assert (counts["members"], counts["suppressed"], counts["delivered"]) == (2, 2, 0)


def test_who_unsubscribed_is_not_written_to_under_a_new_address(town, sink):
    from jobs.activation.unsubscribe import unsubscribe

    ann = town()
    ann.arrive(0, c1={"email": "ann@a.nl"})
    ann.live(0)
    ann.push(0)
    assert unsubscribe(token(sink, "ann@a.nl"), day(0), ann.shop.settings)
    ann.arrive(1, c1={"email": "ann@new.nl"})
    ann.live(40)
    assert ann.push(40)["suppressed"] == 1
    assert len(sink.received()) == 1


def test_a_mailbox_of_two_people_gets_one_message_per_cool_down(town, sink):
    couple = town()
    couple.arrive(0, c1={"email": "bos@a.nl"}, c2={"email": "bos@a.nl", "first_name": "Joe"})
    sent = []
    for number in (0, 1, 29, 30, 31):
        couple.live(number)
        sent.append(couple.push(number)["delivered"])
    assert sent == [1, 0, 0, 1, 0]


def test_the_half_that_leaves_an_audience_after_a_split_is_taken_off_the_list_once(town, ads):
    ann = town("loyal")
    ann.arrive(0, c1={"email": "ann@a.nl", "phone": PHONE}, s1={"email": "ann@b.nl", "phone": PHONE})
    ann.live(0)
    assert ann.push(0, "ads")["delivered"] == 1
    before = ads.members()
    ann.decide(1, "c1", "s1")
    removed = []
    for number in (1, 2):
        ann.live(number, "s1")
        removed.append(ann.push(number, "ads")["to_remove"])
    assert removed == [1, 0]
    assert len(before - ads.members()) == 1


def test_who_was_on_a_list_before_a_merge_is_taken_off_once(town, ads):
    ann = town("loyal")
    bea = {"email": "bea@a.nl", "first_name": "Bea", "last_name": "Kok"}
    ann.arrive(0, c1={"email": "ann@a.nl"}, s1={"email": "ann@b.nl"}, c2=bea)
    ann.live(0)
    assert ann.push(0, "ads")["delivered"] == 3
    ann.arrive(1, c1={"email": "ann@a.nl", "phone": PHONE}, s1={"email": "ann@b.nl", "phone": PHONE})
    ann.live(1)
    ann.push(1, "ads")
    removed = []
    for number in (2, 3):
        ann.live(number, "c1")
        removed.append(ann.push(number, "ads")["to_remove"])
    assert removed == [1, 0]
    assert len(ads.members()) == 1


def spelled(*events):
    names = ("day", "type", "customer_id", "other_customer_id")
    rows = [{**dict(zip(names, event, strict=True)), "event_id": str(n)} for n, event in enumerate(events)]
    rows = [{**row, "day": day(row["day"])} for row in rows]
    first, last = dt.date.min, dt.date.max
    shown = lambda when: when if when in (first, last) else (when - DAY).days  # noqa: E731
    found = spells(pa.Table.from_pylist(rows)).to_pylist()
    return {(row["host"], row["part"], *(shown(row[end]) for end in ("since", "until"))) for row in found}


def test_a_part_is_followed_through_merges_of_merges_until_it_is_parted():
    merges = [(1, "merged", "b", "c"), (3, "merged", "a", "b")]
    first, last = dt.date.min, dt.date.max
    assert spelled(*merges) == {("b", "c", 1, 3), ("a", "c", 3, last), ("a", "b", 3, last)}
    assert spelled(*merges, (5, "split", "a", "b")) == {("b", "c", 1, 3), ("a", "c", 3, last), ("a", "b", 3, 4)}
    never_seen_before = {("a", "n", first, 4), ("b", "n", first, 3), ("c", "n", first, 3)}
    assert spelled(*merges, (5, "split", "a", "n")) == spelled(*merges) | never_seen_before
