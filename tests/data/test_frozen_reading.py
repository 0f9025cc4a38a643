"""A frozen set that is read: no changed pixel is ever scored."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.frozen_card import read_card
from realesrgan_arch.data.frozen_set import FrozenPairs
from realesrgan_arch.images import read_rgb, write_image
from tests.data.frozen import freeze, write_blocks


@pytest.fixture(autouse=True)
def no_flushing(monkeypatch) -> None:
    """Nothing here is about power cuts, and flushing hundreds of small files takes longer than making them."""
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads that wait for each other are slower on pictures of this size."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def photos(tmp_path) -> Path:
    for number in range(4):
        write_blocks(tmp_path / "photos" / f"villa {number % 2}" / f"{number}.png", seed=number)
    return tmp_path / "photos"


def change_a_level(path: Path) -> None:
    pixels = read_rgb(path).copy()
    pixels[3, 3, 0] ^= 1
    write_image(path, pixels)


@pytest.mark.parametrize("side", ["gt", "lq"])
def test_one_level_of_one_pixel_is_seen_when_the_pair_is_read(photos, tmp_path, side) -> None:
    card = freeze(photos, tmp_path / "set")
    change_a_level(tmp_path / "set" / getattr(card.pairs[1], side))
    dataset = FrozenPairs(tmp_path / "set", scale=4)
    assert dataset[0]["failed_path"] == ""
    with pytest.raises(DataError, match=f"{side}/villa 0/2.png.png has other pixels than were frozen"):
        dataset[1]


def test_a_png_that_was_packed_again_is_the_same_picture(photos, tmp_path) -> None:
    card = freeze(photos, tmp_path / "set")
    path = tmp_path / "set" / card.pairs[0].gt
    command = [sys.executable, "-c", "import sys; from PIL import Image; p = sys.argv[1]; Image.open(p).save(p)"]
    before = path.read_bytes()
    subprocess.run([*command, str(path)], check=True)
    assert path.read_bytes() != before
    assert FrozenPairs(tmp_path / "set", scale=4)[0]["failed_path"] == ""


def test_a_missing_file_is_an_error_and_not_a_smaller_set(photos, tmp_path) -> None:
    card = freeze(photos, tmp_path / "set")
    (tmp_path / "set" / card.pairs[0].lq).unlink()
    with pytest.raises(DataError, match="The frozen set is not whole"):
        FrozenPairs(tmp_path / "set", scale=4)[0]


def test_another_scale_is_refused(photos, tmp_path) -> None:
    freeze(photos, tmp_path / "set")
    with pytest.raises(DataError, match="Expected pairs of scale 2, .* was frozen for 4"):
        FrozenPairs(tmp_path / "set", scale=2)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"lq_sha256": "', '"lq_sha256": "0', "do not have its hash"),
        ('"format": 1', '"format": 2', "has format 2"),
        ('"scene"', '"place"', "is damaged"),
        ('"pairs"', "", "is damaged"),
        ('"gt": "gt/', '"gt": "../gt/', "lies outside of the set"),
    ],
)
def test_a_card_that_was_changed_is_refused(photos, tmp_path, old, new, sentence) -> None:
    freeze(photos, tmp_path / "set")
    path = tmp_path / "set/frozen.json"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=sentence):
        FrozenPairs(tmp_path / "set", scale=4)


def test_names_that_are_no_utf8_are_frozen_too(tmp_path) -> None:
    path = write_blocks(tmp_path / "photos/a.png", seed=0)
    path.rename(path.with_name("caf\udce9.png"))
    card = freeze(tmp_path / "photos", tmp_path / "set")
    assert FrozenPairs(tmp_path / "set", scale=4)[0]["lq"].shape == (3, 14, 16)
    assert read_card(tmp_path / "set").pairs == card.pairs
