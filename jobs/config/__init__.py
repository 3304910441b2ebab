"""What a company says in YAML, checked on load."""
