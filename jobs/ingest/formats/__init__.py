"""Files of every format as records with exact lines."""
