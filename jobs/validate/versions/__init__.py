"""Records that come in versions: which counts on which day, and what completes or ends one."""
