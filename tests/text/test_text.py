"""Texts as tokens, weights, languages, themes, polarity; models as files. Costs 4 CPU seconds."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from jobs.text import lexicon, linear, sentiment, topics
from jobs.text.features import Vocabulary
from jobs.text.language import languages_of, told_apart
from jobs.text.tokens import LONGEST, plain, tokens

GOOD = [f"{word} geholpen door {who}, prima service" for word in ("fijn", "snel", "goed", "netjes", "top")
        for who in ("jullie", "de winkel", "de bezorger")]  # fmt: skip
BAD = [f"{word} bezorgd door {who}, slechte service" for word in ("kapot", "te laat", "niet", "verkeerd", "nooit")
       for who in ("jullie", "de winkel", "de bezorger")]  # fmt: skip


def words_of(text):
    found = tokens([text])
    return [found.words[code] for code in found.codes]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("De bezorger was te laat!!", ["de", "bezorger", "was", "te", "laat", "!!"]),
        ("<p>Don’t&nbsp;ask&amp;wait</p><script>alert(1)</script>", ["don't", "ask", "&", "wait"]),
        ("zie https://x.nl/a?b=c of mail a@b.nl @klm", ["zie", "urlhere", "of", "mail", "mailhere", "userhere"]),
        ("order 12345", ["order", "00000"]),
        ("top 😀😀", ["top", "😀😀"]),
        ("'gr8' it's", ["gr0", "it's"]),
        ("日本語", ["日本語"]),
        ("  \n\t ", []),
        ("", []),
        (None, []),
    ],
)
def test_tokens(text, words):
    assert words_of(text) == words


def test_of_megabytes_the_begin_is_read():
    assert len(plain(["a" * 10_000_000])[0].as_py()) == LONGEST


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=6), st.text(max_size=60))
def test_what_a_text_says_does_not_depend_on_the_texts_beside_it(others, text):
    model = linear.learn(GOOD + BAD, ["positive"] * len(GOOD) + ["negative"] * len(BAD)) if not MODEL else MODEL[0]
    MODEL[:] = [model]
    alone, among = model.probabilities([text])[0], model.probabilities([*others, text])[-1]
    assert np.allclose(alone, among, atol=1e-6)
    one, many = (sentiment.by_lexicon(texts, ["nl"] * len(texts))[1][-1] for texts in ([text], [*others, text]))
    assert one == many


MODEL: list[linear.Classifier] = []


def test_weights_are_those_of_scikit_learn():
    texts = [*GOOD, *BAD, "prima service prima service", "x"]
    framed = [f"^ {text} $" for text in plain(texts).to_pylist()]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+", lowercase=False)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, lowercase=False)
    expected = (words.fit_transform(framed) @ words.fit_transform(framed).T
                + pieces.fit_transform(framed) @ pieces.fit_transform(framed).T).toarray()  # fmt: skip
    ours = Vocabulary.learned(texts).matrix(texts)
    assert np.allclose((ours @ ours.T).toarray(), expected, atol=1e-5)


def test_a_model_is_read_back_as_it_was_and_says_which_words_tell():
    labels = ["positive"] * len(GOOD) + ["negative"] * len(BAD)
    model = linear.learn(GOOD + BAD, labels)
    again = linear.Classifier.from_bytes(model.to_bytes())
    assert again.predicted(["prima geholpen", "nooit bezorgd"])[0] == ["positive", "negative"]
    assert np.allclose(again.probabilities(GOOD), model.probabilities(GOOD), atol=1e-5)
    assert "prima" in again.telling("positive")
    assert "slechte" in again.telling("negative")
    assert linear.learn(GOOD + BAD, labels).to_bytes() == model.to_bytes(), "the same texts give the same file"
    classes, scores = sentiment.by_model(["prima geholpen", "nooit bezorgd", ""], again)
    assert classes[:2] == ["positive", "negative"]
    assert scores[0] > 0 > scores[1]


@pytest.mark.parametrize("labels", [["a"] * 30, [], ["a"] * 27 + ["b"] * 3])
def test_without_two_classes_of_enough_texts_nothing_is_learned(labels):
    with pytest.raises(linear.TooFewTexts, match="two classes with at least 5 labelled texts"):
        linear.learn((GOOD + BAD)[: len(labels)], labels)


def test_a_file_that_is_no_model_is_refused_and_no_code_in_it_runs():
    file = io.BytesIO()
    np.savez(file, classes=np.array([print], dtype=object))
    for data in (b"", b"nonsense", file.getvalue(), linear.learn(GOOD + BAD, ["a"] * 15 + ["b"] * 15).to_bytes()[:200]):
        with pytest.raises(ValueError, match=r"no file of a text model|allow_pickle|hold together"):
            linear.Classifier.from_bytes(data)


@pytest.mark.parametrize(
    ("text", "language", "class_"),
    [
        ("heel fijn geholpen, top!", "nl", "positive"),
        ("niet blij met de levering", "nl", "negative"),
        ("de doos was kapot en te laat", "nl", "negative"),
        ("not good at all", "en", "negative"),
        ("very good :)", "en", "positive"),
        ("terrible service 😡", None, "negative"),
        ("mijn bestelling is van dinsdag", "nl", "neutral"),
        ("", None, "neutral"),
        (None, None, "neutral"),
    ],
)
def test_words_with_a_polarity(text, language, class_):
    assert sentiment.by_lexicon([text], [language])[0] == [class_]


def test_strong_words_weigh_more_and_turned_words_less():
    great, good, not_great = lexicon.scores(["very great", "great", "not great"], ["en"] * 3)
    assert great >= good > 0 > not_great > -good


def test_the_language_is_one_of_those_asked_for():
    texts = ["Waar blijft mijn bestelling", "Where is my order please", "ok", "", None, "😀"]
    assert languages_of(texts, ["nl", "en"]) == ["nl", "en", None, None, None, None]
    assert languages_of(["Where is my order", "12"], ["nl"]) == ["nl", None]
    assert {"nl", "en", "de", "fr"} <= set(told_apart())


def test_themes_are_found_named_by_their_words_and_read_back():
    late = [f"pakket bezorger {word} levering vertraging" for word in ("laat", "weg", "kwijt", "fout")] * 10
    money = [f"factuur betaling {word} rekening bedrag" for word in ("dubbel", "hoog", "terug", "open")] * 10
    found = topics.Topics.from_bytes(topics.learn(late + money, 2).to_bytes())
    of = found.of(["mijn pakket en de bezorger", "de factuur en de betaling", "hallo", ""])
    assert of[0] != of[1]
    assert "pakket" in of[0] or "bezorger" in of[0] or "levering" in of[0] or "vertraging" in of[0]
    assert of[2:] == [None, None]
    with pytest.raises(topics.TooFewTexts, match="10 themes need 200 texts"):
        topics.learn(late + money, 10)
