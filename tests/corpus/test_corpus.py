"""The corpus itself: complete, small, the same in every run; and what no consumer may do with it."""

import hashlib
import tracemalloc
from pathlib import Path

import psutil
import pytest
from PIL import EpsImagePlugin

from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.split import scan_folder
from realesrgan_arch.images import ImageError, read_picture, read_rgb, read_size
from tests.corpus.corpus_folder import Corpus, build_corpus
from tests.corpus.held import HELD, Held
from tests.corpus.models import MODELS
from tests.corpus.refusals import REFUSALS
from tests.corpus.table import ENTRIES, RUNS

CATALOGUE_ROWS = set(range(42))
"""Those about pictures, runs and models, and 0 for flags, which have no row. Options and training (42 to 46) are tested
in their own rooms."""
COMMENT_BOMB = "22-bomb-in-a-comment"
MAX_BYTES = 2_000_000
MAX_GROWTH_BYTES = 50_000_000


def test_every_row_of_the_catalogue_has_an_entry_and_every_entry_an_id_of_its_own():
    for table in (ENTRIES, REFUSALS, RUNS, MODELS, HELD):
        ids = [each.id for each in table]
        assert len(set(ids)) == len(ids)
    assert {each.row for each in (*ENTRIES, *REFUSALS, *RUNS, *MODELS, *HELD)} == CATALOGUE_ROWS


@pytest.mark.parametrize("held", HELD, ids=lambda held: held.id)
def test_what_is_held_elsewhere_is_held_there(held: Held):
    assert held.is_there, f"{held.test} is gone"


def test_the_corpus_is_small_and_the_same_in_every_run(corpus: Corpus, tmp_path: Path):
    again = build_corpus(tmp_path)
    assert _digests(again.root) == _digests(corpus.root)
    assert sum(path.stat().st_size for path in again.root.rglob("*") if path.is_file()) < MAX_BYTES


@pytest.mark.parametrize("id", [entry.id for entry in ENTRIES if entry.row == 22 and entry.id != COMMENT_BOMB])
def test_a_bomb_costs_no_memory(id: str, corpus: Corpus, tmp_path: Path):
    bomb = corpus.paths[id][0]
    (tmp_path / bomb.name).write_bytes(bomb.read_bytes())
    with _Growth() as growth:
        for read in (read_rgb, read_picture, read_size):
            with pytest.raises(ImageError):
                read(bomb)
        with pytest.raises(DataError, match="No image in .* can be read"):
            scan_folder(tmp_path)
    assert growth.traced_bytes < MAX_GROWTH_BYTES
    assert growth.resident_bytes < MAX_GROWTH_BYTES


def test_a_bomb_beside_the_pixels_costs_no_memory_and_not_the_picture(corpus: Corpus):
    bomb = corpus.paths[COMMENT_BOMB][0]
    with _Growth() as growth:
        assert read_rgb(bomb).shape == read_picture(bomb).rgb.shape == (*read_size(bomb)[::-1], 3)
    assert growth.traced_bytes < MAX_GROWTH_BYTES
    assert growth.resident_bytes < MAX_GROWTH_BYTES


class _Growth:
    """The most memory that a block takes: of Python and NumPy, and, on Linux, of the whole process."""

    traced_bytes = 0
    resident_bytes = 0

    def __enter__(self):
        tracemalloc.start()
        self._before = psutil.Process().memory_info().rss
        self._status = Path("/proc/self/status")
        if self._status.exists():
            Path("/proc/self/clear_refs").write_text("5")  # Begin the peak anew.
        return self

    def __exit__(self, *_):
        self.traced_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if self._status.exists():
            peak = next(line for line in self._status.read_text().splitlines() if line.startswith("VmHWM"))
            self.resident_bytes = int(peak.split()[1]) * 1024 - self._before


def test_postscript_is_never_given_to_a_parser(corpus: Corpus, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("Pillow's EPS reader was asked")

    monkeypatch.setattr(EpsImagePlugin.EpsImageFile, "__init__", refuse)
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", refuse)
    for read in (read_rgb, read_picture, read_size):
        with pytest.raises(ImageError, match="PostScript"):
            read(corpus.paths["26-eps"][0])


def _digests(root: Path) -> dict[str, str]:
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
