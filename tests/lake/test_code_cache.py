"""What was read of code is kept between processes, and only what is about the very same text."""

import json

import pytest

from jobs.lake import code
from jobs.lake.code_cache import Kept


def saved(folder, text, answer, maker=b"maker"):
    kept = Kept(folder, maker)
    kept.put(text, answer)
    kept.save()


def test_an_answer_is_known_to_the_next_process(tmp_path):
    saved(tmp_path, b"a = 1", ["digest", [["jobs", "jobs.errors"]]])
    saved(tmp_path, b"b = 1", ["other", []])
    assert Kept(tmp_path, b"maker").get(b"a = 1") == ["digest", [["jobs", "jobs.errors"]]]
    assert Kept(tmp_path, b"maker").get(b"b = 1") == ["other", []]


def test_another_text_or_another_way_to_read_it_is_unknown(tmp_path):
    saved(tmp_path, b"a = 1", "digest")
    assert Kept(tmp_path, b"maker").get(b"a = 2") is None
    assert Kept(tmp_path, b"changed").get(b"a = 1") is None


@pytest.mark.parametrize("written", [b"", b"{", b"[]", b"\xff"])
def test_a_broken_file_is_as_good_as_none(tmp_path, written):
    saved(tmp_path, b"a = 1", "digest")
    (path,) = tmp_path.iterdir()
    path.write_bytes(written)
    assert Kept(tmp_path, b"maker").get(b"a = 1") is None
    saved(tmp_path, b"a = 1", "digest")
    assert len(json.loads(path.read_text())) == 1


def test_where_nothing_can_be_written_nothing_fails(tmp_path):
    (tmp_path / "file").write_text("no folder")
    saved(tmp_path / "file", b"a = 1", "digest")


def test_what_is_kept_says_the_same_as_the_code_itself(tmp_path, monkeypatch):
    source = (code.ROOT / "jobs/pipeline.py").read_bytes()
    first = Kept(tmp_path, b"")
    monkeypatch.setattr(code, "_kept", lambda: first)
    read = code._parsed.__wrapped__(source)
    first.save()
    second = Kept(tmp_path, b"")
    monkeypatch.setattr(code, "_kept", lambda: second)
    assert second.get(source) is not None
    assert code._parsed.__wrapped__(source) == read
