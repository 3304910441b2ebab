"""One guard for every SQL text in YAML: its grammar, functions, types, and the text an engine gets."""
