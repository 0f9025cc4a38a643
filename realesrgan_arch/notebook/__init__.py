"""What the cells of the notebooks call: one function a cell, and pictures where the others have paths."""
