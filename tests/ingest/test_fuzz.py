"""A slice of the fuzz run of benchmarks/fuzz.py: mutated files of every format and compression."""

import random

from benchmarks import fuzz


def test_no_mutation_of_a_file_gets_past_the_readers():
    outcome = fuzz.run(count=1500, seed=7)
    assert outcome.escapes == []
    assert outcome.cases == 1500
    assert min(outcome.fates[fate] for fate in ("read", "read in part", "set aside")) > 50


def test_every_sample_is_read_whole_before_it_is_mutated(monkeypatch):
    monkeypatch.setattr(fuzz, "mutated", lambda data, chance: data)
    assert fuzz.run(count=len(fuzz.samples()), seed=1).fates == {"read": len(fuzz.samples())}


def test_the_same_seed_mutates_the_same_way():
    data = bytes(range(256))
    assert fuzz.mutated(data, random.Random("1 2")) == fuzz.mutated(data, random.Random("1 2"))
    assert fuzz.mutated(data, random.Random("1 2")) != fuzz.mutated(data, random.Random("1 3"))
