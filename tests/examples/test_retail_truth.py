"""The truth: it names a person for every record, and what it says can be found in the files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from examples.retail.company import load_company
from tests.examples.retail_company import Retail

RECORDS = {
    ("crm", "contacts"): "contact_id",
    ("crm", "consents"): "consent_id",
    ("shop", "contacts"): "account_id",
    ("pos", "orders"): "order_id",
    ("campaigns", "campaign_events"): "event_id",
    ("survey", "survey_responses"): "response_id",
    ("chat", "conversations"): "id",
    ("chat", "messages"): "id",
}
LAST_DAYS = "2017-12-29"


@pytest.fixture(scope="session")
def events(retail: Retail) -> pd.DataFrame:
    events = retail.good_rows("web", "events").drop_duplicates("event_id")
    events["at"] = pd.to_datetime(events.timestamp)
    return events


@pytest.fixture(scope="session")
def owner(retail: Retail) -> pd.Series:
    """The person of each contact record."""
    records = retail.truth("records")
    return records[records.dataset == "contacts"].set_index("record_id").person_id


@pytest.mark.parametrize(("source", "dataset"), RECORDS)
def test_every_record_in_the_files_belongs_to_a_person(retail: Retail, source: str, dataset: str):
    records = retail.truth("records")
    known = records[(records.source == source) & (records.dataset == dataset)]
    assert set(retail.good_rows(source, dataset)[RECORDS[source, dataset]]) == set(known.record_id)
    assert known.record_id.is_unique
    assert set(known.person_id) <= set(retail.truth("people").person_id)


def test_every_cookie_in_the_events_belongs_to_a_person(retail: Retail, events: pd.DataFrame):
    cookies = retail.truth("cookies")
    assert set(events["user.cookie"]) == set(cookies.cookie)
    assert set(cookies.person_id) <= set(retail.truth("people").person_id)


def test_a_login_is_always_of_a_person_of_that_cookie(retail: Retail, events: pd.DataFrame, owner: pd.Series):
    accounts = retail.good_rows("shop", "contacts").drop_duplicates("account_id")
    person_of_login = dict(zip(accounts.login, owner[accounts.account_id], strict=True))
    cookies = set(retail.truth("cookies").itertuples(index=False, name=None))
    logged_in = events[events["user.login"] != ""]
    assert len(logged_in) > 100
    seen = {
        (cookie, person_of_login[login])
        for cookie, login in zip(logged_in["user.cookie"], logged_in["user.login"], strict=True)
    }
    assert seen <= cookies


def test_visits_are_apart_so_that_half_an_hour_of_silence_ends_them(retail: Retail, events: pd.DataFrame):
    sessions = retail.truth("sessions")
    shared = retail.truth("cookies").cookie.value_counts()
    alone = events[~events["user.cookie"].isin(shared[shared > 1].index)].sort_values(["user.cookie", "at", "event_id"])
    silent = alone["at"].diff() > pd.Timedelta(minutes=30)
    begins = (alone["user.cookie"] != alone["user.cookie"].shift()) | silent
    truth = sessions[~sessions.cookie.isin(shared[shared > 1].index)]
    assert set(alone[begins].event_id) == set(truth.first_event_id)
    assert len(alone) == truth.events.astype(int).sum()


def test_a_purchase_is_a_real_order_of_that_person_at_that_moment(retail: Retail, events: pd.DataFrame):
    orders = retail.good_rows("pos", "orders").query("status == 'open'").drop_duplicates("order_id")
    orders = orders.set_index("order_id")
    purchases = events[events.type == "purchase"].set_index("properties.order_id")
    placed = pd.to_datetime(orders.ordered_at).dt.tz_localize("Europe/Amsterdam", ambiguous=np.ones(len(orders), bool))
    assert len(purchases) > 50
    assert set(purchases.index) == set(orders.index)
    assert (placed[purchases.index].dt.tz_convert("UTC") == purchases["at"]).all()
    assert (orders.total[purchases.index].astype(float) == purchases["properties.value"].astype(float)).all()
    assert set(orders.channel) <= {"web", "app"}


def test_only_visits_that_end_with_an_order_are_converted(retail: Retail, events: pd.DataFrame):
    sessions = retail.truth("sessions")
    converted = sessions[sessions.converted == "True"]
    assert len(converted) == (events.type == "purchase").sum()
    assert set(converted.intent) == {"buy"}


def test_intent_shows_in_the_pages(retail: Retail, events: pd.DataFrame):
    sessions = retail.truth("sessions").sort_values("started_at")
    first = events.set_index("event_id")["at"]
    intents = sessions.assign(at=first[sessions.first_event_id].to_numpy()).sort_values("at")
    events = pd.merge_asof(
        events.sort_values("at"), intents[["cookie", "at", "intent"]], on="at", left_by="user.cookie", right_by="cookie"
    )
    share = events.groupby("intent")["type"].value_counts(normalize=True).unstack(fill_value=0)
    assert share.loc["buy", "add_to_cart"] > 0.15
    assert share.loc["go", "store_locator"] > 0.15
    assert share.drop("buy")["add_to_cart"].max() == 0
    assert events[events["context.page.url"].str.contains("/how-to/")].intent.eq("do").all()
    assert events[events["context.page.url"].str.contains("/compare/")].intent.eq("know").all()


def test_the_last_days_bring_consents_taken_back_baskets_left_and_new_accounts(retail: Retail, events: pd.DataFrame):
    consents = retail.good_rows("crm", "consents")
    assert (consents[consents.changed_at >= LAST_DAYS].status == "withdrawn").sum() >= 3
    sessions = retail.truth("sessions")
    late = events[events["at"] >= LAST_DAYS]
    carts = set(late[late.type == "add_to_cart"]["user.cookie"]) - set(late[late.type == "purchase"]["user.cookie"])
    known = sessions[sessions.person_id.str.startswith("P")]
    assert len(carts & set(known.cookie)) >= 3
    accounts = retail.good_rows("shop", "contacts")
    assert (accounts.created_at >= LAST_DAYS).sum() >= 2


def test_on_the_last_days_a_first_login_joins_an_account_to_a_contact(
    retail: Retail, events: pd.DataFrame, owner: pd.Series
):
    """CRM and shop know two e-mail addresses; a click in an e-mail and a login on one cookie show one person."""
    contacts, accounts = retail.good_rows("crm", "contacts"), retail.good_rows("shop", "contacts")
    clicks = retail.good_rows("campaigns", "campaign_events").query("type == 'click' and email != ''")
    first_login = events[events["user.login"] != ""].groupby("user.login").timestamp.min()
    person_of_login = dict(zip(accounts.login, owner[accounts.account_id], strict=True))
    merged = []
    for login, moment in first_login.items():
        mine = accounts[accounts.login == login]
        person = person_of_login[login]
        theirs = contacts[owner[contacts.contact_id].to_numpy() == person]
        cookies = set(events[events["user.login"] == login]["user.cookie"])
        clicked = set(clicks[clicks.cookie.isin(cookies)].email) & set(theirs.email)
        known_apart = (
            not set(mine.email) & set(theirs.email) and (mine.phone == "").all() and (mine.loyalty_card == "").all()
        )
        if moment >= LAST_DAYS and clicked and known_apart:
            merged.append(person)
    assert merged


def test_duplicates_differ_in_spelling_and_some_are_junk(retail: Retail, owner: pd.Series):
    crm = retail.good_rows("crm", "contacts").assign(system="crm", id=lambda rows: rows.contact_id)
    shop = retail.good_rows("shop", "contacts").assign(system="shop", id=lambda rows: rows.account_id)
    both = pd.concat([crm, shop])
    both["person"] = owner[both.id].to_numpy()
    several = both[both.person.isin(set(crm.id.map(owner)) & set(shop.id.map(owner)))]
    assert several.person.nunique() > 10
    assert (several.groupby("person").first_name.nunique() > 1).any()
    assert (several.groupby("person").email.nunique() > 1).any()


def test_a_larger_size_has_more_households_and_one_is_all_of_them():
    small, more, double = load_company(0.02, 1), load_company(0.1, 1), load_company(2, 1)
    assert len(small.households) == 49
    assert set(small.households.household) < set(more.households.household)
    assert len(double.households) == 2 * 2469
    assert len(double.baskets) == 2 * 155_848
    assert len(double.lines) == 2 * 1_469_307
    assert double.baskets.basket_id.is_unique
    days = double.baskets["at"].to_numpy().astype("datetime64[s]").astype("datetime64[D]")
    assert (str(days.min()), str(days.max())) == ("2017-01-01", "2017-12-31")
