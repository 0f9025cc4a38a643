"""Option files: BasicSR's YAML dialect in, typed and frozen values out, every problem reported at once. No torch."""
