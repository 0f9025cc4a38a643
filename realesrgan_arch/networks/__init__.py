"""Generators and discriminators, with the parameter names of the released weights."""
