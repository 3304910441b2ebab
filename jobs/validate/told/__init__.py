"""What is told of a batch beside its rules: rows that are left out, wait, conflict or are lost."""
