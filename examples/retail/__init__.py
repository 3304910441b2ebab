"""A grocery chain: real households, baskets and campaigns of 2017, and the systems around them, simulated."""
