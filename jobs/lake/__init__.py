"""Tables: read at a fixed version, written in transactions, by the engine or without it."""
