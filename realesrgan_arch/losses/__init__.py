"""Losses: a pure function each, and a thin class that stores its parameters."""
