"""YAML is read fast, and as it is read slowly. Takes under a second."""

import pytest
import yaml
from pydantic import BaseModel

from jobs.config import yaml_files
from jobs.config.yaml_files import ConfigError, line_of, load

ODD = """
on: 1
no: {012: yes, NO: ~}
base: &base {a: 1}
more: {<<: *base, b: "012"}
list:
  - text: |
      two
      lines
  - 2024-01-31
"""


class Anything(BaseModel):
    model_config = {"extra": "allow"}


def test_keys_and_values_are_those_of_the_slow_reader(tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text(ODD)
    slow = yaml.load(ODD, Loader=yaml_files._Loader)
    assert load(path, Anything).model_dump() == slow
    assert [*slow, *slow["no"]] == ["on", "no", "base", "more", "list", "012", "NO"]


def test_lines_are_told_of_one_reading(tmp_path, monkeypatch):
    path = tmp_path / "odd.yaml"
    path.write_text(f"# read once\n{ODD}")
    read = []
    compose = yaml.compose
    monkeypatch.setattr(yaml, "compose", lambda *given, **named: read.append(1) or compose(*given, **named))
    assert [line_of(path, *keys) for keys in (("on",), ("more", "b"), ("list", 1), ("list", 9))] == [3, 6, 11, 7]
    assert len(read) == 1


def test_what_is_no_yaml_is_told_in_the_words_of_the_slow_reader(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("a: [1, 2\nb: 3\n")
    with pytest.raises(yaml.MarkedYAMLError) as slow:
        yaml.load(path.read_text(), Loader=yaml_files._Loader)
    with pytest.raises(ConfigError) as told:
        load(path, Anything)
    assert str(slow.value.problem) in str(told.value)
