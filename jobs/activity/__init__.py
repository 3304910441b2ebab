"""What customers did, as known on a day, and the numbers declared over it."""
