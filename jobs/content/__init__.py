"""The texts a company sends and shows: who approved of them, what must be in them, what is missing."""
