"""The table of what customers wrote."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "models/texts",
        "one version of one text that a customer wrote, as it was read when it came",
        ("dataset", "source", "reference", "written_at"),
        columns("""
        dataset string the dataset its row is in, such as messages
        source string the source of that row
        reference string id of the record, as touchpoints have it
        written_at timestamp when this version was written
        thread string the conversation a message is part of
        file_id string the file its row came from: key into ops/files
        line bigint the line of that file
        arrived date the day its file landed
        text! string the text with personal data masked, its first 20,000 characters
        language string ISO 639-1, one of `languages` in config/settings.yaml; empty for a text without words
        sentiment double how positive it is, -1 to 1
        tone string positive, neutral or negative
        intent string what the customer wants, a class of the model that learned intents; empty without one
        theme string what it is about, by the model that learned themes; empty if nothing in particular
        model_version string the models that read it, with their versions; lexicon where no sentiment was learned
    """),
    ),
)
