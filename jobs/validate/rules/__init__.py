"""The rules of a dataset: those of its suite, those a source adds or changes, and who breaks them."""
