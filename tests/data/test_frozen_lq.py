"""The LQ that a picture always gets."""

import numpy as np

from realesrgan_arch.data.frozen_lq import make_frozen_lq
from realesrgan_arch.data.frozen_set import read_pair
from realesrgan_arch.degradation.presets import PRESETS
from tests.data.frozen import freezer, rows_below, write_villas


def test_freezing_writes_the_very_pixels(tmp_path) -> None:
    root = write_villas(tmp_path / "photos")
    rows = rows_below(root)
    made = freezer(root, tmp_path / "frozen", per_image=2)
    card, _ = made.freeze(rows, part="val", origin="photos")
    for number, pair in enumerate(card.pairs[:4]):
        gt, lq = read_pair(tmp_path / "frozen", pair)
        again, recipe = make_frozen_lq(gt, PRESETS["full"], seed=0, scale=4, number=number % 2)
        assert np.array_equal(again, lq)
        assert recipe == make_frozen_lq(gt, PRESETS["full"], seed=0, scale=4, number=number % 2)[1]


def test_another_seed_number_or_picture_is_another_lq() -> None:
    gt = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    first, _ = make_frozen_lq(gt, PRESETS["full"], seed=0, scale=4)
    others = [
        make_frozen_lq(gt, PRESETS["full"], seed=1, scale=4)[1],
        make_frozen_lq(gt, PRESETS["full"], seed=0, scale=4, number=1)[1],
        make_frozen_lq(gt[::-1].copy(), PRESETS["full"], seed=0, scale=4)[1],
    ]
    assert first.shape == (8, 8, 3)
    recipes = [make_frozen_lq(gt, PRESETS["full"], seed=0, scale=4)[1], *others]
    assert len({str(recipe.to_dict()) for recipe in recipes}) == 4
