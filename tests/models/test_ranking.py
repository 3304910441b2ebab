"""What is recommended: published numbers, and what must hold for every list. Costs 9 seconds."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.config.models.recommend import Recommend
from jobs.errors import NotTrainable
from jobs.models.recommend import ranking, recommender, similar_items
from jobs.models.recommend.bought import COLUMNS, Bought, wilson
from jobs.models.recommend.ranking import AGAIN, POPULAR, SIMILAR, Allowed, Lists, Weights
from jobs.models.recommend.recommender import Period
from tests.company import FOR_PEOPLE
from tests.shared_data import folder

TRIED = {"ridge": [100, 1000], "popularity": [0.05, 0.2], "repeats": [0, 0.3]}
DECLARED = Recommend(kind="recommend", **FOR_PEOPLE, rows_of="lines", judge_days=62, **TRIED)


def history(purchases):
    """Rows of COLUMNS from (customer, item, days ago)."""
    frame = pd.DataFrame(purchases, columns=["customer_id", "item", "ago"]).drop_duplicates()
    found = frame.groupby(["customer_id", "item"])["ago"].agg(["count", "max", "min"]).reset_index()
    found.columns = pd.Index(COLUMNS)
    return found.astype({"times": float, "first_ago": float, "last_ago": float})


@pytest.fixture(scope="module")
def shop():
    """Histories of the web shop as of the ends of April, June and August 2011."""
    path = folder("orders_online_retail") / "online_retail_2010-12_2011-08.csv.gz"
    columns = ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"]
    rows = pd.read_csv(path, usecols=columns, dtype={"InvoiceNo": str, "StockCode": str, "CustomerID": str})
    sold = rows["CustomerID"].notna() & (rows["Quantity"] > 0) & (rows["UnitPrice"] > 0)
    rows = rows[sold & ~rows["InvoiceNo"].str.startswith("C")]
    day = pd.to_datetime(rows["InvoiceDate"].str[:10])

    def as_of(end):
        known = day <= end
        ago = (pd.Timestamp(end) - day[known]).dt.days
        return history(zip(rows.loc[known, "CustomerID"], rows.loc[known, "StockCode"], ago, strict=True))

    return [as_of(end) for end in ("2011-04-29", "2011-06-30", "2011-08-31")]


def test_what_customers_bought_in_july_and_august_is_found_as_published_and_better_than_what_is_popular(shop):
    april, june, august = shop
    ridge, chosen = recommender.choose(Period.between(april, june, 62), DECLARED)
    weights = recommender.fit(Bought.of(june), ridge, chosen)
    found = recommender.judged(Period.between(june, august, 62), {"model": weights}, DECLARED)
    told = found.metrics()
    assert told["new_map"] >= 0.063
    assert told["precision"] >= 0.30
    assert round(told["popular_new_map"], 3) == pytest.approx(0.037, abs=0.0015), "what is popular as published"
    assert round(told["popular_precision"], 3) == pytest.approx(0.153, abs=0.0015)
    assert found.gain("model", "popular").low > 0.15


def bought_of(number_of_customers, number_of_items, share, seed=1):
    random = np.random.default_rng(seed)
    return sp.csr_matrix((random.random((number_of_customers, number_of_items)) < share).astype(np.float32))


def test_the_closed_form_is_the_best_prediction_of_each_item_from_all_others():
    bought, ridge = bought_of(60, 7, 0.4), 5.0
    weights = similar_items.ease(bought, ridge)
    assert np.diag(weights).tolist() == [0.0] * 7
    x = bought.toarray().astype(float)
    for item in range(7):
        others = np.delete(np.arange(7), item)
        solved = np.linalg.solve(x[:, others].T @ x[:, others] + ridge * np.eye(6), x[:, others].T @ x[:, item])
        np.testing.assert_allclose(weights[others, item], solved, atol=1e-8)


def test_with_too_many_items_for_the_closed_form_neighbours_are_those_of_the_cosine(monkeypatch):
    bought = bought_of(80, 12, 0.3)
    monkeypatch.setattr(similar_items, "EXACT", 11)
    monkeypatch.setattr(similar_items, "CELLS", 24)
    x = bought.toarray()
    x = x / np.linalg.norm(x, axis=0)
    expected = x.T @ x
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(similar_items.learn(bought, 1.0).toarray(), expected, atol=1e-6)
    three = similar_items.cosine(bought, neighbours=3)
    assert (np.diff(sp.csc_matrix(three).indptr) <= 3).all()


def weights(items, pairs=(), popularity=0.0, repeats=0.0, only_due=False):
    """`pairs` are (bought item, other item, weight)."""
    names = np.array(items, dtype=object)
    similar = sp.lil_matrix((len(items), len(items)), dtype=np.float32)
    for one, other, weight in pairs:
        similar[items.index(one), items.index(other)] = weight
    return Weights(names, similar.tocsr(), popularity, repeats, only_due)


def listed(purchases, made, customers=None, shown=None, again=True, top=2, recent=60):
    """Per customer (item, because) of its list."""
    everybody = Bought.of(history(purchases), made.items)
    who = everybody.customers if customers is None else np.array(sorted(customers), dtype=object)
    bought = Bought.of(history(purchases), made.items, who)
    allowed = Allowed.everything(len(made.items), again)
    if shown is not None:
        allowed = Allowed(np.isin(made.items, shown), allowed.again)
    lists = ranking.ranked(bought, made, allowed, ranking.popular(everybody, recent), 90.0, top)
    return {
        name: [(made.items[item], why) for item, why in zip(*row, strict=True) if item >= 0]
        for name, row in zip(who, zip(lists.item, lists.because, strict=True), strict=True)
    }


def test_what_goes_with_what_was_bought_comes_before_what_is_popular_and_what_is_hidden_never_comes():
    made = weights(
        ["bread", "butter", "jam", "milk"], [("bread", "butter", 0.9), ("bread", "jam", 0.5)], popularity=0.1
    )
    purchases = [("ann", "bread", 3), *((f"c{n}", "milk", 2) for n in range(9))]
    assert listed(purchases, made)["ann"] == [("butter", SIMILAR), ("jam", SIMILAR)]
    assert listed(purchases, made, shown=["jam", "milk", "bread"])["ann"] == [("jam", SIMILAR), ("milk", POPULAR)]
    assert listed(purchases, made, shown=[])["ann"] == []
    assert listed(purchases, made, again=False, top=4)["ann"] == [
        ("butter", SIMILAR),
        ("jam", SIMILAR),
        ("milk", POPULAR),
    ]


def test_who_bought_nothing_gets_what_is_popular_lately():
    made = weights(["old", "rare", "usual"], popularity=0.1)
    purchases = [(f"c{n}", "usual", 9) for n in range(5)] + [
        ("c1", "rare", 5),
        *((f"d{n}", "old", 200) for n in range(50)),
    ]
    assert listed(purchases, made, customers=["new"])["new"] == [("usual", POPULAR), ("rare", POPULAR)]


def test_what_is_bought_again_comes_again_and_if_asked_only_once_it_is_due():
    purchases = [("ann", "soap", ago) for ago in (63, 33, 3)] + [("ann", "tea", ago) for ago in (90, 60, 30)]
    assert listed(purchases, weights(["soap", "tea"], repeats=0.3))["ann"] == [("soap", AGAIN), ("tea", AGAIN)]
    assert listed(purchases, weights(["soap", "tea"], repeats=0.3, only_due=True))["ann"] == [("tea", AGAIN)]


def test_an_item_that_surely_nobody_buys_twice_is_not_worth_showing_to_its_owners_and_few_owners_prove_nothing():
    owners = [(f"c{n}", "fridge", 100) for n in range(300)] + [("c1", "fridge", 300)]
    few = [(f"c{n}", "boat", 100) for n in range(20)]
    fresh = [(f"c{n}", "novel", 5) for n in range(300)]
    again = [(f"c{n}", "milk", ago) for n in range(300) for ago in (100, 40)]
    found = Bought.of(history(owners + few + fresh + again))
    assert dict(zip(found.items, found.hardly_repeated(0.02, after_days=56), strict=True)) == {
        "boat": False, "fridge": True, "milk": False, "novel": False
    }  # fmt: skip


def test_average_precision_is_that_of_its_definition():
    lists = Lists(
        np.array([[0, 1, 2], [2, -1, -1], [0, 1, 2]]), np.zeros((3, 3)), np.full((3, 3), SIMILAR), np.zeros((3, 3))
    )
    wanted = sp.csr_matrix(np.array([[1, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.float32))
    average, precision = ranking.average_precision(lists, wanted)
    assert average.tolist() == pytest.approx([(1 + 2 / 3) / 3, 0.0])
    assert precision.tolist() == pytest.approx([2 / 3, 0.0])


def test_weights_go_over_to_other_items_and_say_nothing_of_those_they_do_not_know():
    made = weights(["a", "b", "c"], [("a", "c", 0.5), ("b", "a", 0.2)]).on(np.array(["a", "c", "d"], dtype=object))
    assert made.similar.toarray().round(2).tolist() == [[0, 0.5, 0], [0, 0, 0], [0, 0, 0]]


def test_too_few_customers_before_or_in_the_period_are_told():
    few = history([(f"c{n}", "a", 3) for n in range(9)])
    many = history([(f"c{n}", "a", 3) for n in range(60)])
    for before, later, what in ((few, many, "9 customers bought before"), (many, few, "9 customers bought in")):
        with pytest.raises(NotTrainable, match=f"{what} the 62 days .* at least 50 are needed"):
            recommender.choose(Period(before, later), DECLARED)


purchases = st.lists(st.tuples(st.sampled_from("uvwxyz"), st.sampled_from("abcdefgh"), st.integers(0, 400)), min_size=1)


@settings(max_examples=40)
@given(purchases, st.booleans(), st.integers(1, 9), st.randoms())
def test_lists_have_no_item_twice_come_down_and_do_not_depend_on_the_order_of_rows(rows, again, top, random):
    bought = Bought.of(history(rows))
    made = Weights(bought.items, similar_items.learn(bought.ones(), 3.0), 0.1, 0.3, False)
    recent = ranking.popular(bought, 60)
    allowed = Allowed.everything(len(bought.items), again)
    lists = ranking.ranked(bought, made, allowed, recent, 90.0, top)
    for place, owned in enumerate(bought.ones().toarray() > 0):
        shown = lists.item[place][lists.item[place] >= 0]
        assert len(set(shown)) == len(shown) == min(top, len(bought.items) - (0 if again else owned.sum()))
        assert (np.diff(lists.score[place][: len(shown)]) <= 0).all()
        assert again or not owned[shown].any()
    random.shuffle(rows)
    other = ranking.ranked(Bought.of(history(rows)), made, allowed, recent, 90.0, top)
    assert (other.item == lists.item).all()


def test_the_interval_of_a_share_is_wilsons():
    low, high = wilson(np.array([0.0, 5.0, 0.0]), np.array([20.0, 10.0, 0.0]))
    assert low.round(4).tolist() == [0.0, 0.2366, 0.0]
    assert high.round(4).tolist() == [0.1611, 0.7634, 1.0]
