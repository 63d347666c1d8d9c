"""How fast things are: encoders, baselines, training and search, measured by programs."""
