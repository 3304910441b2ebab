"""Companies by industry: each folder is a configuration to start from, and a small made-up company to try it on."""
