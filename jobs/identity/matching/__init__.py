"""Which records are one person when no identifier says so: Splink blocks, compares and weighs.

`link_records` in `engine.py` is the way in: any table of records and what its columns are.
"""
