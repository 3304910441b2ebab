"""Companies to try Klantreis on."""
