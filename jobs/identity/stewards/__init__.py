"""What people decide about who is who: pairs they are asked about, and what they answer."""
