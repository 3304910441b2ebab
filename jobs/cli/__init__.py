"""`klantreis ...`: what one can ask on the command line."""
