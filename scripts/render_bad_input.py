"""Write docs/bad-input.md from the table of the corpus in tests/corpus: what happens to every kind of bad input."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from realesrgan_arch import atomic
from tests.corpus.page import PAGE, render_page

if __name__ == "__main__":
    atomic.write_text(PAGE, render_page())
    print(f"wrote {PAGE}")
