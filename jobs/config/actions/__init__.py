"""What a company says of its actions: who, what, when, at what cost, and how it is told what they did."""
