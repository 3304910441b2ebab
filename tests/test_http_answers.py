"""What a hostile server answers is unpacked piece by piece, or not at all. Costs a second."""

import gzip
import tracemalloc
import zlib

import httpx
import pytest
import zstandard

from jobs.activation.http_api import HttpApi, Meanings
from jobs.activation.http_options import HttpOptions
from jobs.http_answers import PACKED, PIECE, pieces

TEXT = b'{"id": 1}' * 50_000
ZEROS = gzip.compress(b"\0" * (48 << 20), 1)


def answered(content, encoding=None, use=lambda got: b"".join(got)):
    """What `use` makes of the pieces of an answer that arrives in small parts."""
    parts = [content[at : at + 5_000] for at in range(0, len(content), 5_000)]
    headers = {"Content-Encoding": encoding} if encoding else {}
    server = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=iter(parts)))
    with httpx.Client(transport=server, headers=PACKED) as client, client.stream("GET", "http://x") as response:
        return use(pieces(response))


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        (None, TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("X-Gzip", gzip.compress(TEXT[:7_000]) + gzip.compress(TEXT[7_000:])),
    ],
)
def test_an_honest_answer_is_read_whole(encoding, content):
    assert answered(content, encoding) == TEXT


def test_a_bomb_is_never_in_memory_as_a_whole():
    tracemalloc.start()
    try:
        sizes = answered(ZEROS, "gzip", lambda got: [len(piece) for piece in got])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(sizes) == 48 << 20
    assert max(sizes) <= PIECE
    assert peak < 6 * PIECE


@pytest.mark.parametrize(
    ("encoding", "content", "told"),
    [
        ("gzip, gzip", gzip.compress(ZEROS), "not asked for"),
        ("zstd", zstandard.compress(TEXT), "not asked for"),
        ("br", TEXT, "not asked for"),
        ("deflate", zlib.compress(TEXT), "not asked for"),
        ("gzip", TEXT, "damaged"),
        ("gzip", gzip.compress(TEXT)[:-9], "before its end"),
        ("gzip", b"", "before its end"),
    ],
)
def test_what_was_not_asked_for_or_is_damaged_is_no_answer(encoding, content, told):
    with pytest.raises(httpx.DecodingError, match=told):
        answered(content, encoding)


@pytest.mark.parametrize(
    ("content", "encoding", "code"),
    [
        (ZEROS, "gzip", "ReadTimeout"),
        (zstandard.compress(TEXT), "zstd", "DecodingError"),
        (b"[" * 200_000, "identity", "not_understood"),
    ],
)
def test_a_destination_that_answers_with_a_bomb_may_have_done_it_and_says_nothing(monkeypatch, content, encoding, code):
    api = HttpApi("http://x", HttpOptions(tries=1), Meanings())
    server = httpx.MockTransport(
        lambda _: httpx.Response(200, headers={"Content-Encoding": encoding}, content=iter([content]))
    )
    monkeypatch.setattr(api, "_client", httpx.Client(base_url="http://x", transport=server))
    answer = api.call("POST", "/send", repeatable=False, json={})
    assert (answer.meaning, answer.code, answer.maybe) == ("again", code, True)
    assert answer.body is None or code == "not_understood"
