"""One spelling per value: what ingest, validation and identity all mean by the same e-mail address, name or country."""
