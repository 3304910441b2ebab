"""What texts of customers say, without a model from outside: pure functions over columns of text. Knows no tables."""
