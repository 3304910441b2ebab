"""How well and how fast texts are read: accuracy on published sets, texts a second, against scikit-learn as it comes.

python -m benchmarks.text ../shared/data
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from jobs.text import linear, personal, sentiment, tagger

FOLDS = 5


def seconds(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and the processor seconds it took."""
    began = time.process_time()
    return work(), time.process_time() - began


def accuracy(learn: tuple[Sequence[str], Sequence[str]], judge: tuple[Sequence[str], Sequence[str]]) -> float:
    """Share of texts whose class is right."""
    found, _ = linear.learn(*learn).predicted(list(judge[0]))
    return float((np.array(found) == np.array(judge[1]).astype(str)).mean())


def folded(texts: Sequence[str], labels: Sequence[str]) -> float:
    """Mean accuracy of five folds."""
    every, truth = np.array(texts, dtype=object), np.array(labels).astype(str)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=1).split(every, truth)
    return float(np.mean([accuracy((list(every[a]), list(truth[a])), (list(every[b]), list(truth[b])))
                          for a, b in folds]))  # fmt: skip


def quality(root: Path) -> None:
    tweets = pd.read_csv(root / "sentiment_airline_tweets" / "airline_tweets.csv.gz")
    print(f"airline tweets, three classes, five folds: {folded(tweets.text, tweets.airline_sentiment):.4f}")
    reviews = pd.read_csv(root / "sentiment_nl_bol_reviews" / "bol_reviews_nl.csv.gz")
    print(f"bol.com reviews, five folds: {folded(reviews.text, reviews.label):.4f}")
    scores = sentiment.by_lexicon(list(reviews.text), ["nl"] * len(reviews))[1]
    right = ((scores >= sentiment.POSITIVE_FROM) == (reviews.label == 1)).mean()
    print(f"bol.com reviews, nothing learned: {right:.4f}")
    classes = np.array(sentiment.by_lexicon(list(tweets.text), ["en"] * len(tweets))[0])
    print(f"airline tweets, three classes, nothing learned: {(classes == tweets.airline_sentiment).mean():.4f}")
    bank = [pd.read_csv(root / "intent_banking77" / f"{half}.csv.gz") for half in ("train", "test")]
    print(f"banking77: {accuracy(*((list(one.text), list(one.category)) for one in bank)):.4f}")
    for domain in ("airline", "software"):
        halves = [pd.read_csv(root / "chat_multidogo" / f"{domain}_{half}.csv.gz") for half in ("train", "dev", "test")]
        train, dev, test = ((list(one.utterance.fillna("")), list(one.intent)) for one in halves)
        both = train[0] + dev[0], train[1] + dev[1]
        print(f"multidogo {domain}: {accuracy(train, test):.4f}, with the dev half {accuracy(both, test):.4f}")


def speed(root: Path) -> None:
    tweets = pd.read_csv(root / "sentiment_airline_tweets" / "airline_tweets.csv.gz")
    texts, labels = list(tweets.text), list(tweets.airline_sentiment)
    union = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
    theirs = make_pipeline(union, LinearSVC(C=0.5)).fit(texts, labels)
    ours = linear.learn(texts, labels)
    _, slow = seconds(lambda: theirs.predict(texts))
    _, fast = seconds(lambda: sentiment.by_model(texts, ours))
    print(f"sentiment: {len(texts) / fast:,.0f} texts per processor second, {slow / fast:.1f} times scikit-learn's")
    _, took = seconds(lambda: sentiment.by_lexicon(texts, ["en"] * len(texts)))
    print(f"sentiment, nothing learned: {len(texts) / took:,.0f} texts per processor second")
    _, took = seconds(
        lambda: [personal.masked(t, more=m) for t, m in zip(texts, tagger.shipped().spans(texts), strict=True)]
    )
    print(f"masking, rules and tagger: {len(texts) / took:,.0f} texts per processor second")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--speed", action="store_true", help="only the speed")
    given = asked.parse_args()
    speed(given.folder)
    if not given.speed:
        quality(given.folder)


if __name__ == "__main__":
    main()
