"""The verbs of `realesrgan-arch`: parse, call, exit code."""
