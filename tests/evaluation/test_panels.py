"""Panels show the same place of every picture, under its name."""

import pytest
import torch

from realesrgan_arch.evaluation.panels import GAP, HEADER, crop_busiest, side_by_side, stack


def test_the_busiest_window_is_found() -> None:
    image = torch.full((3, 64, 64), 0.5)
    image[:, 32:48, 16:32] = torch.rand(3, 16, 16)
    top, left = crop_busiest(image, 16)
    assert (top, left) == (32, 16)


def test_a_picture_smaller_than_the_window_starts_at_its_corner() -> None:
    assert crop_busiest(torch.rand(3, 8, 30), 64) == (0, 0)


def test_pictures_stand_side_by_side_and_small_ones_show_their_pixels() -> None:
    small, large = torch.rand(3, 4, 6), torch.rand(3, 16, 24)
    panel = side_by_side({"LQ": small, "GT": large})
    assert panel.shape == (3, HEADER + 16, 24 + GAP + 24)
    body = panel[:, HEADER:]
    torch.testing.assert_close(body[:, :, 24 + GAP :], large)
    torch.testing.assert_close(body[:, ::4, :24:4], small)
    assert panel[:, :HEADER, :24].min() < 0.5  # the name is there


def test_rows_of_different_width_are_filled_with_white() -> None:
    picture = stack([torch.zeros(3, 5, 10), torch.zeros(3, 4, 6)])
    assert picture.shape == (3, 5 + GAP + 4, 10)
    assert picture[:, -1, 6:].min() == 1
    assert picture[:, -1, :6].max() == 0


@pytest.mark.parametrize("height", [1, 33])
def test_panels_stay_in_range(height: int) -> None:
    panel = side_by_side({"a": torch.rand(3, height, 7) * 3 - 1})
    assert panel.min() >= 0 and panel.max() <= 1
