"""Who is who: records of the same person, from every source, under one customer id."""
