"""Scores of images and sets of images."""
