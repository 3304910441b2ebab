"""Quarantined rows and files tried again, corrected or dropped."""
