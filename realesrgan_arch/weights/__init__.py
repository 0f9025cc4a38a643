"""Checkpoints: the released ones by name and checksum, and safe loading of any file of a network of this project."""
