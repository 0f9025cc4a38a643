"""Tests of the upscaling room."""
