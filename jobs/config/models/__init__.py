"""What is learned: `models.yaml` holds what all models share, each model is one file `models/NAME.yaml` of a kind."""
