"""Freezing, the two steps, EMA, checkpoints, the registered model and the loop."""
