"""Tiling, the engine and folders of images."""
