"""Where files land, and which of them are new."""
