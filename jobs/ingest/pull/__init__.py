"""Sources that are asked instead of landing files."""
