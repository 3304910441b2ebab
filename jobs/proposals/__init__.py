"""Texts that are proposed, from patterns or by a language model; a person decides about each."""
