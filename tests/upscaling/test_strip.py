"""One strip: seams between what was and what comes, weights that are never 0 or 1, and upstream's bytes."""

from functools import partial

import numpy as np
import pytest
import torch

from realesrgan_arch.images import from_tensor
from realesrgan_arch.upscaling.strip import Strip, keep_float, quantise


def _strip(tiles, *, shape, shared, above=None, finish=keep_float):
    strip = Strip(shape, above=above, finish=finish)
    for tile, columns in zip(tiles, shared, strict=True):
        strip.add(tile, shared=columns)
    return strip


def test_between_two_tiles_the_weights_rise_evenly_and_both_count_everywhere():
    left, right = torch.zeros(3, 2, 6), torch.ones(3, 2, 6)
    row = _strip([left, right], shape=(2, 8), shared=[4, 0]).pixels[0, :, 0]
    assert row.tolist() == [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1]


def test_between_two_strips_the_rows_that_were_kept_are_blended_into_the_first_ones():
    upper = _strip([torch.zeros(3, 6, 5)], shape=(2, 5), shared=[0])
    assert upper.pixels.shape == (2, 5, 3)
    assert upper.below.shape == (3, 4, 5)
    lower = _strip([torch.ones(3, 6, 5)], shape=(6, 5), shared=[0], above=upper.below)
    assert lower.pixels[:, 0, 0].tolist() == [0.125, 0.375, 0.625, 0.875, 1, 1]
    assert lower.below is None


def test_where_tiles_agree_their_value_is_kept_to_the_last_bit():
    image = torch.rand(3, 20, 30)
    tiles = [image[:, :12, :14], image[:, :12, 10:22], image[:, :12, 18:]]
    upper = _strip(tiles, shape=(8, 30), shared=[4, 4, 0])
    lower = _strip([image[:, 8:]], shape=(12, 30), shared=[0], above=upper.below)
    joined = torch.from_numpy(np.concatenate([upper.pixels, lower.pixels])).permute(2, 0, 1)
    assert torch.equal(joined, image)


def test_a_strip_keeps_only_the_seams_of_its_tiles():
    strip = _strip([torch.rand(3, 40, 40), torch.rand(3, 40, 40)], shape=(36, 76), shared=[4, 0])
    held = [strip.below, strip._right, *strip._below]
    assert [tensor.untyped_storage().nbytes() for tensor in held[2:]] == [3 * 4 * 36 * 4, 3 * 4 * 40 * 4]
    assert held[0].untyped_storage().nbytes() == 3 * 4 * 76 * 4
    assert held[1] is None


def test_a_strip_without_a_tile_has_no_pixels():
    with pytest.raises(ValueError, match="at least one tile"):
        _ = Strip((2, 2), above=None, finish=keep_float).pixels


@pytest.mark.parametrize("num_above", [0, 40, 200])
def test_high_tiles_are_finished_some_rows_at_a_time_for_the_device_is_full(num_above):
    heights = []

    def finish(tile):
        heights.append(tile.shape[1])
        return keep_float(tile)

    image, above = torch.rand(3, 600, 30), torch.rand(3, num_above, 30)
    tiles = [image[..., :14], image[..., 10:]]
    strip = _strip(tiles, shape=(580, 30), shared=[4, 0], above=above if num_above else None, finish=finish)
    expected = image[:, :580].clone()
    weights = (torch.arange(num_above)[:, None] + 0.5) / max(num_above, 1)
    expected[:, :num_above] = above.lerp(expected[:, :num_above], weights)
    assert max(heights) == max(128, num_above)
    assert torch.allclose(torch.from_numpy(strip.pixels).permute(2, 0, 1), expected, atol=1e-6)
    assert torch.equal(strip.below, image[:, 580:])


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (16, np.uint16)])
def test_bytes_are_those_of_upstreams_formula(bits, dtype):
    most = 2**bits - 1
    halves = torch.arange(2 * most + 1, dtype=torch.float32)[:, None].expand(-1, 3) / (2 * most)
    image = torch.cat((halves, torch.rand(300, 3) * 1.4 - 0.2)).T[:, :, None]
    # RealESRGANer.enhance: clamp_(0, 1).numpy(), then (output_img * 255.0).round().astype(np.uint8), or 65535, uint16.
    expected = (image.clamp(0, 1).numpy().transpose(1, 2, 0) * float(most)).round().astype(dtype)
    found = quantise(image, bits=bits)
    assert found.dtype == dtype
    assert np.array_equal(found, expected)
    assert np.array_equal(found, from_tensor(image, bits=bits))


def test_gray_is_the_luma_of_the_clamped_colours():
    image = torch.tensor([2.0, 0.5, -1.0]).reshape(3, 1, 1).expand(3, 200, 2)
    assert np.unique(quantise(image, bits=8, gray=True)).tolist() == [round(255 * (0.299 + 0.587 * 0.5))]
    assert np.unique(quantise(image, bits=16, gray=True)).tolist() == [round(65535 * (0.299 + 0.587 * 0.5))]
    assert quantise(image, bits=16, gray=True).shape == (200, 2, 1)


def test_the_callers_tile_is_not_changed():
    image = torch.rand(3, 4, 4)
    before = image.clone()
    _strip([image], shape=(4, 4), shared=[0], finish=partial(quantise, bits=8))
    assert torch.equal(image, before)
