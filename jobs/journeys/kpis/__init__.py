"""KPIs: what is counted, out of what, how sure it is, what changed it and where it goes."""
