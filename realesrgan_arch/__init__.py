"""Fine-tune Real-ESRGAN on your own photographs, and know whether it became better."""

__version__ = "0.1.0"
