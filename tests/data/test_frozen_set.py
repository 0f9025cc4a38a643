"""A frozen set: made once, whole or absent, the same hash again, and no changed pixel is ever scored."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.frozen_card import read_card
from realesrgan_arch.data.frozen_set import FrozenPairs, frozen_source
from realesrgan_arch.degradation.pipeline import degrade
from realesrgan_arch.degradation.recipe import Recipe
from realesrgan_arch.images import read_rgb, write_image
from tests.data.frozen import files_of, freeze, rows_below, write_blocks, write_villas

ROOT = Path(__file__).parents[2]


pytestmark = pytest.mark.usefixtures("no_flushing", "one_thread")


@pytest.fixture
def photos(tmp_path) -> Path:
    return write_villas(tmp_path / "photos")


# Made on the first machine. Another hash means that old scores cannot be compared with new ones: think twice.
STORED = {
    "full": "194956efe594ecf8d6e60ca1c27672f6bd7f1868989ae0c5ace89313a359dcab",
    "camera-jpeg": "29a6318b853fe7cc7be37890edbf5e1c225bb1341f0405d55ad473e9d2a7af47",
}


@pytest.mark.parametrize("preset", STORED)
def test_the_hash_is_the_stored_one(photos, tmp_path, preset) -> None:
    assert freeze(photos, tmp_path / "set", preset=preset).hash == STORED[preset]


def test_a_set_holds_pairs_recipes_and_the_facts_of_their_sources(photos, tmp_path) -> None:
    card = freeze(photos, tmp_path / "set")
    assert set(files_of(tmp_path / "set")) == {
        "frozen.json",
        *(f"{kind}/villa {n % 2}/{n}.png.png" for kind in ("gt", "lq") for n in range(4)),
        *(f"recipes/villa {n % 2}/{n}.png.json" for n in range(4)),
    }
    assert read_card(tmp_path / "set") == card
    pair, row = card.pairs[0], rows_below(photos)[0]
    assert (pair.source, pair.scene, pair.tags, pair.sha256) == ("villa 0/0.png", "villa 0", "exterior", row.sha256)
    assert frozen_source(tmp_path / "set") == (photos, card.pairs)
    assert read_rgb(tmp_path / "set" / pair.gt).shape == (56, 64, 3)


def test_the_lq_is_what_the_stored_recipe_makes_of_the_gt(photos, tmp_path) -> None:
    card = freeze(photos, tmp_path / "set")
    dataset = FrozenPairs(tmp_path / "set", scale=4)
    assert (len(dataset), dataset.set_hash) == (4, card.hash[:8])
    for sample, pair in zip([dataset[index] for index in range(4)], card.pairs, strict=True):
        record = json.loads((tmp_path / "set" / pair.recipe).read_text())
        recipe = Recipe.from_dict(record["recipe"])
        assert (record["preset"], recipe.seed) == ("full", 0)
        made = degrade(sample["gt"][None].double() / 255, recipe, scale=4)[0] * 255
        assert np.array_equal(made.round().numpy().astype(np.uint8), sample["lq"].numpy())
        assert sample["lq"].shape == (3, 14, 16)


def test_names_and_other_pictures_change_no_pair(photos, tmp_path) -> None:
    before = {pair.source: pair.lq_sha256 for pair in freeze(photos, tmp_path / "before").pairs}
    write_blocks(photos / "another/0.png", seed=9)
    (photos / "villa 0/0.png").rename(photos / "villa 0/zero.png")
    after = {pair.source: pair.lq_sha256 for pair in freeze(photos, tmp_path / "after").pairs}
    assert after["villa 0/zero.png"] == before["villa 0/0.png"]
    assert after["villa 1/3.png"] == before["villa 1/3.png"]
    assert len(set(after.values())) == 5


def test_several_lq_of_one_picture_differ_and_the_first_is_that_of_a_single_one(photos, tmp_path) -> None:
    single = freeze(photos, tmp_path / "single")
    card = freeze(photos, tmp_path / "double", per_image=2)
    assert [pair.lq for pair in card.pairs[:2]] == ["lq/villa 0/0.png_r0.png", "lq/villa 0/0.png_r1.png"]
    assert card.pairs[0].lq_sha256 == single.pairs[0].lq_sha256 != card.pairs[1].lq_sha256
    assert card.pairs[0].gt_sha256 == card.pairs[1].gt_sha256


def test_another_seed_preset_or_size_is_another_set(photos, tmp_path) -> None:
    plans = [{}, {"seed": 1}, {"preset": "medium"}, {"max_size": 48}]
    hashes = {freeze(photos, tmp_path / str(number), **plan).hash for number, plan in enumerate(plans)}
    assert len(hashes) == 4


def test_files_that_differ_in_their_suffix_only_are_two_pairs(tmp_path) -> None:
    for number, name in enumerate(("a.png", "a.jpg")):
        write_blocks(tmp_path / "photos" / name, seed=number)
    card = freeze(tmp_path / "photos", tmp_path / "set")
    assert [pair.gt for pair in card.pairs] == ["gt/a.jpg.png", "gt/a.png.png"]


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
        ('"gt": "gt/', '"gt": "C:/gt/', "lies outside of the set"),
        ('"part": "val"', '"part": null', r"is damaged \(part: Input should be a valid string\)"),
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


def test_a_source_that_changed_is_said_without_a_key_that_freezing_does_not_have(tmp_path):
    write_blocks(tmp_path / "photos/a/1.png", seed=1)
    rows = rows_below(tmp_path / "photos")
    write_blocks(tmp_path / "photos/a/1.png", seed=2)
    with pytest.raises(DataError, match=r"changed since .*; run `data split` again\.$"):
        freeze(tmp_path / "photos", tmp_path / "set", rows=rows)
