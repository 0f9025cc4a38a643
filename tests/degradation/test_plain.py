"""Bicubic training data: MATLAB's kernel, a Gaussian of the drawn sigma before it, and nothing else."""

import math

import pytest
import torch

from realesrgan_arch.degradation.pipeline import crop_pair
from realesrgan_arch.degradation.plain import PlainRecipe, PlainSettings, degrade_plainly, draw_plain_recipe
from realesrgan_arch.resampling import resize_bicubic
from realesrgan_arch.training.synthesis import PairSynthesis
from tests.degradation.pictures import rough_picture, smooth_picture

BLURRED = PlainSettings((0.5, 2.0))


def recipe(*sigmas: float) -> PlainRecipe:
    return PlainRecipe(seed=0, step=1, blur_sigmas=sigmas, crop_top=0.0, crop_left=0.0)


def test_a_crop_becomes_what_the_whole_picture_becomes_there_except_at_its_border() -> None:
    whole = smooth_picture(1, 96, 128, seed=3)
    crop = whole[..., 16:80, 32:112]
    made = degrade_plainly(crop, recipe(0.0), scale=4)
    expected = resize_bicubic(whole, scale=0.25).clamp(0, 1)[..., 4:20, 8:28]
    assert made.shape == (1, 3, 16, 20)
    # The kernel reaches 8 px of the crop, two of the result; the rest differs by the rounding to 8 bits alone.
    assert (made - expected)[..., 2:-2, 2:-2].abs().max() <= 0.5001 / 255
    assert (made - expected).abs().max() > 1 / 255
    assert torch.equal(made.mul(255).round() / 255, made)


def test_without_blur_it_is_the_bicubic_kernel_written_out() -> None:
    edge = torch.full((1, 3, 8, 32), 0.25)
    edge[..., 17:] = 0.75  # overshoots without being clamped
    made = degrade_plainly(edge, recipe(0.0), scale=4)[0, 0, 0]
    for place in range(2, 6):  # far enough from the border that no weight is mirrored
        weights = [_keys(abs(x - (4 * place + 1.5)) / 4) for x in range(32)]
        by_hand = 0.25 + 0.5 * sum(weights[17:]) / sum(weights)
        assert made[place].item() == pytest.approx(by_hand, abs=0.51 / 255)
    assert made[3] < 0.25 and made[5] > 0.75


def _keys(x: float) -> float:
    """Keys' cubic kernel with a = -0.5."""
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def test_the_blur_is_a_gaussian_of_the_sigma_that_was_drawn_for_each_sample() -> None:
    sigmas, scale = (0.7, 1.6), 1
    points = torch.zeros(2, 3, 41, 41)
    points[..., 20, 20] = 1.0
    made = degrade_plainly(points, recipe(*sigmas), scale=scale)
    for picture, sigma in zip(made, sigmas, strict=True):
        bell = [math.exp(-(offset**2) / (2 * sigma**2)) for offset in range(-10, 11)]
        for down, across in ((0, 0), (1, 0), (2, -1)):
            by_hand = bell[10 + down] * bell[10 + across] / sum(bell) ** 2
            assert picture[0, 20 + down, 20 + across].item() == pytest.approx(by_hand, abs=0.51 / 255)


def test_a_flat_picture_stays_as_it_is() -> None:
    flat = torch.full((2, 3, 32, 32), 51 / 255)
    assert torch.equal(degrade_plainly(flat, recipe(1.0, 2.0), scale=4), flat[..., :8, :8])


def test_a_sample_draws_the_same_sigma_in_any_batch_and_another_one_in_each_step_and_seed() -> None:
    told = {"seed": 7, "step": 5}
    whole = draw_plain_recipe(BLURRED, **told, batch_size=6)
    part = draw_plain_recipe(BLURRED, **told, batch_size=2, first_sample=4)
    assert part.blur_sigmas == whole.blur_sigmas[4:]
    assert (part.crop_top, part.crop_left) == (whole.crop_top, whole.crop_left)
    assert len(set(whole.blur_sigmas)) == 6 and all(0.5 <= sigma <= 2.0 for sigma in whole.blur_sigmas)
    for other in ({"seed": 8, "step": 5}, {"seed": 7, "step": 6}):
        assert not set(draw_plain_recipe(BLURRED, **other, batch_size=6).blur_sigmas) & set(whole.blur_sigmas)


def test_without_a_range_nothing_is_blurred_and_the_crop_still_moves() -> None:
    recipes = [draw_plain_recipe(PlainSettings(), seed=0, step=step, batch_size=3) for step in (1, 2)]
    assert all(each.blur_sigmas == (0.0, 0.0, 0.0) for each in recipes)
    assert recipes[0].crop_top != recipes[1].crop_top


def test_the_recipe_says_what_it_does() -> None:
    assert str(recipe(0.0, 0.0)) == "seed 0, step 1: bicubic"
    assert str(recipe(0.5, 1.25)) == "seed 0, step 1: Gaussian blur of sigma 0.50, 1.25 px, then bicubic"


def test_a_recipe_of_another_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="is for 2 images but 3 came"):
        degrade_plainly(rough_picture(3, 16, 16), recipe(0.0, 0.0), scale=4)


def test_autocast_does_not_coarsen_it() -> None:
    picture = rough_picture(2, 32, 32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = degrade_plainly(picture, recipe(0.8, 0.8), scale=4)
    assert torch.equal(coarse, degrade_plainly(picture, recipe(0.8, 0.8), scale=4))


def test_pairs_are_the_same_place_of_both_pictures() -> None:
    gt = smooth_picture(2, 64, 64)
    synthesis = PairSynthesis(PlainSettings(), scale=4, gt_size=32, seed=1, lq_from_usm=False)
    lq, target = synthesis.make_pairs(gt, step=3)
    drawn = draw_plain_recipe(PlainSettings(), seed=1, step=3, batch_size=2)
    top, left = 2 + int(drawn.crop_top * 5), 2 + int(drawn.crop_left * 5)
    assert torch.equal(target, gt[..., 4 * top : 4 * top + 32, 4 * left : 4 * left + 32])
    assert torch.equal(lq, degrade_plainly(gt, drawn, scale=4)[..., top : top + 8, left : left + 8])


def test_pairs_keep_away_from_the_border_that_the_crop_is_mirrored_at() -> None:
    whole = smooth_picture(1, 96, 96, seed=3)
    shrunk = resize_bicubic(whole, scale=0.25).clamp(0, 1)
    synthesis = PairSynthesis(PlainSettings(), scale=4, gt_size=32, seed=1, lq_from_usm=False)
    starts = set()
    for step in range(1, 60):
        place = synthesis.draw(step=step, batch_size=1)
        starts.add(top := 2 + int(place.crop_top * 5))
        left = 2 + int(place.crop_left * 5)
        lq, _ = synthesis.make_pairs(whole[..., 16:80, 16:80], step=step)
        assert (lq - shrunk[..., 4 + top : 12 + top, 4 + left : 12 + left]).abs().max() <= 0.5001 / 255
    assert starts == {2, 3, 4, 5, 6}


@pytest.mark.parametrize(
    ("side", "starts"), [(32, {0}), (36, {0, 1}), (40, {1}), (44, {1, 2}), (48, {2}), (52, {2, 3})]
)
def test_where_there_is_less_room_a_pair_keeps_to_the_middle(side: int, starts: set[int]) -> None:
    lq = torch.arange(side // 4).float().expand(1, 3, side // 4, -1)
    gt = lq.repeat_interleave(4, dim=-1).repeat_interleave(4, dim=-2)
    places = [PlainRecipe(seed=0, step=1, blur_sigmas=(0.0,), crop_top=0.0, crop_left=share) for share in (0.0, 0.999)]
    pairs = [crop_pair(gt, lq, gt_size=32, scale=4, recipe=place) for place in places]
    assert {int(small[0, 0, 0, 0]) for _, small in pairs} == starts
    assert all(torch.equal(large[..., ::4, ::4], small) for large, small in pairs)


def test_a_rank_makes_its_slice_of_the_batch_of_all_ranks() -> None:
    gt = smooth_picture(4, 48, 48)
    alone = PairSynthesis(BLURRED, scale=4, gt_size=32, seed=1, lq_from_usm=False).make_pairs(gt, step=2)
    second = PairSynthesis(BLURRED, scale=4, gt_size=32, seed=1, lq_from_usm=False, rank=1).make_pairs(gt[2:], step=2)
    assert all(torch.equal(part, whole[2:]) for part, whole in zip(second, alone, strict=True))
