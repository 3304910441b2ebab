"""Micro-moments: what shows them in visits and in records, where customers are, and what they do."""
