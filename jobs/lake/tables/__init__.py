"""What every table is, a module for each zone."""
