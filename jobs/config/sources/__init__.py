"""config/sources/NAME.yaml: where a source's data is, how it is written, what it must keep to."""
