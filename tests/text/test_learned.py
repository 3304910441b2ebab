"""What is learned from labelled texts of published sets reaches the published figures. Costs 20 CPU seconds.

The full five folds are in `python -m benchmarks.text`; here is one fold where five would cost more.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedKFold

from jobs.text import lexicon, linear, sentiment
from tests import shared_data


def accuracy(learn, judge):
    (texts, labels), (others, truth) = learn, judge
    found, _ = linear.learn(list(texts), list(labels)).predicted(list(others))
    return float((np.array(found) == np.array(truth).astype(str)).mean())


def fold(texts, labels):
    """Accuracy on the first of five folds."""
    texts, labels = np.array(texts, dtype=object), np.array(labels).astype(str)
    a, b = next(StratifiedKFold(5, shuffle=True, random_state=1).split(texts, labels))
    return accuracy((texts[a], labels[a]), (texts[b], labels[b]))


def test_three_classes_of_english_tweets():
    rows = pd.read_csv(shared_data.folder("sentiment_airline_tweets") / "airline_tweets.csv.gz")
    assert fold(rows.text, rows.airline_sentiment) >= 0.82


def test_dutch_reviews():
    rows = pd.read_csv(shared_data.folder("sentiment_nl_bol_reviews") / "bol_reviews_nl.csv.gz")
    assert fold(rows.text, rows.label) >= 0.93


def test_77_intents_of_questions_to_a_bank():
    folder = shared_data.folder("intent_banking77")
    learn, judge = (pd.read_csv(folder / f"{half}.csv.gz") for half in ("train", "test"))
    assert accuracy((learn.text, learn.category), (judge.text, judge.category)) >= 0.91


@pytest.mark.parametrize("domain", ["airline", "software"])
def test_intents_of_turns_in_support_chats(domain):
    folder = shared_data.folder("chat_multidogo")
    train, dev, test = (pd.read_csv(folder / f"{domain}_{half}.csv.gz") for half in ("train", "dev", "test"))
    learn = pd.concat([train, dev])
    learn, test = (rows.assign(utterance=rows.utterance.fillna("")) for rows in (learn, test))
    assert accuracy((learn.utterance, learn.intent), (test.utterance, test.intent)) >= 0.90


def test_the_words_that_come_with_klantreis_tell_good_from_bad_dutch_reviews_without_any_label():
    rows = pd.read_csv(shared_data.folder("sentiment_nl_bol_reviews") / "bol_reviews_nl.csv.gz")
    scores = lexicon.scores(list(rows.text), ["nl"] * len(rows))
    assert ((scores >= sentiment.POSITIVE_FROM) == (rows.label == 1)).mean() >= 0.81


def test_the_words_that_come_with_klantreis_do_better_on_tweets_than_the_published_lexicon():
    rows = pd.read_csv(shared_data.folder("sentiment_airline_tweets") / "airline_tweets.csv.gz")
    classes, _ = sentiment.by_lexicon(list(rows.text), ["en"] * len(rows))
    assert (np.array(classes) == rows.airline_sentiment).mean() >= 0.55, "VADER: 0.49"
