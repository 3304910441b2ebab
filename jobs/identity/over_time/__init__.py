"""Customers over time: merges and splits, dated links, and who was who on a past day."""
