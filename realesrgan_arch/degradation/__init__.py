"""How a photograph becomes a bad one: draw a recipe, then apply it (Real-ESRGAN, arXiv 2107.10833)."""
