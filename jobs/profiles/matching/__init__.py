"""Which records are one person when no identifier says so: Splink compares, weighs and blocks; settings say what is what.

`link_records` in `engine.py` is the way in: any table of records and what its columns are.
"""
