"""What files hold, guessed from a sample of each: how they are written, and which columns mean what."""
