"""Windows of a picture: views inside, reflections outside, and on the device the numbers that `to_tensor` gives."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from realesrgan_arch.images import to_tensor
from realesrgan_arch.upscaling.tiling import Span
from realesrgan_arch.upscaling.windows import Windows, to_batch


def _pixels(dtype, height, width):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (height, width, 3), dtype, endpoint=True)


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 12), width=st.integers(1, 12), pre_pad=st.integers(0, 15), multiple=st.sampled_from([1, 2, 4])
)
def test_the_grown_picture_is_numpys_reflection_and_short_sides_repeat_their_last_pixel(
    height, width, pre_pad, multiple
):
    pixels = _pixels(np.uint8, height, width)
    windows = Windows(pixels, pre_pad=pre_pad, multiple=multiple)
    bottom, right = windows.height - height, windows.width - width
    assert pre_pad <= bottom < pre_pad + multiple
    assert windows.height % multiple == windows.width % multiple == 0
    expected = np.pad(pixels, ((0, bottom), (0, 0), (0, 0)), mode="reflect" if bottom < height else "edge")
    expected = np.pad(expected, ((0, 0), (0, right), (0, 0)), mode="reflect" if right < width else "edge")
    whole = windows.cut(Span(0, windows.height), Span(0, windows.width))
    assert np.array_equal(whole, expected)
    rows, columns = Span(windows.height // 2, windows.height), Span(windows.width // 3, windows.width)
    assert np.array_equal(windows.cut(rows, columns), expected[rows.scaled(1), columns.scaled(1)])


def test_a_window_inside_the_picture_is_no_copy():
    pixels = _pixels(np.uint8, 9, 9)
    assert np.shares_memory(Windows(pixels, pre_pad=3, multiple=4).cut(Span(0, 8), Span(1, 9)), pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_value_becomes_the_number_that_to_tensor_gives(dtype):
    values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    pixels = np.repeat(values.reshape(16, -1)[..., None], 3, axis=2)
    batch = to_batch([pixels, pixels[::-1]], torch.device("cpu"))
    assert batch.dtype == torch.float32
    assert torch.equal(batch[0], to_tensor(pixels))
    assert torch.equal(batch[1], to_tensor(pixels[::-1]))


def test_floats_and_pixels_that_may_not_be_written_pass_unchanged():
    pixels = np.random.default_rng(0).random((4, 5, 3), dtype=np.float32)
    pixels.setflags(write=False)
    assert np.array_equal(to_batch([pixels], torch.device("cpu"))[0].permute(1, 2, 0).numpy(), pixels)
