"""From raw records to the columns of a canonical dataset."""
