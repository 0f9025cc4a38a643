"""Colour seen from afar: CIE's numbers for plain colours, a cast is seen and lost detail is not."""

import pytest
import torch

from realesrgan_arch.evaluation.low_frequency_color import color_error


def plain(red: float, green: float, blue: float) -> torch.Tensor:
    return torch.tensor([float(red), green, blue]).view(3, 1, 1).expand(3, 64, 80).contiguous()


def test_plain_colours_are_apart_by_the_distance_of_cie_1976():
    # CIELAB of sRGB red is (53.24, 80.09, 67.20), white is (100, 0, 0): CIE 15, D65.
    expected = ((100 - 53.24) ** 2 + 80.09**2 + 67.20**2) ** 0.5
    assert color_error(plain(1, 0, 0), plain(1, 1, 1)) == pytest.approx(expected, abs=0.1)
    assert color_error(plain(0, 0, 0), plain(1, 1, 1)) == pytest.approx(100, abs=0.01)


def test_equal_pictures_have_no_error_and_order_does_not_matter():
    image = torch.rand(3, 60, 70, generator=torch.Generator().manual_seed(0))
    other = (image * 0.9).clamp(0, 1)
    assert color_error(image, image) == 0
    assert color_error(image, other) == pytest.approx(color_error(other, image))


def test_fine_texture_does_not_count_and_a_faint_cast_does():
    rows, columns = torch.meshgrid(torch.arange(96), torch.arange(96), indexing="ij")
    signs = 1 - 2 * ((rows // 2 + columns // 2) % 2)
    checks = (128 + 51 * signs.float()).expand(3, 96, 96) / 255
    flat = torch.full((3, 96, 96), 128 / 255)
    cast = flat + torch.tensor([8 / 255, 0, -8 / 255]).view(3, 1, 1)
    assert color_error(flat, checks) < 0.3
    assert color_error(cast, flat) > 3


def test_the_border_is_left_out():
    image = plain(0.5, 0.5, 0.5)
    framed = image.clone()
    framed[:, :4] = 1
    framed[:, :, -4:] = 0
    assert color_error(framed, image, border=4) == 0


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        color_error(torch.rand(3, 16, 16), torch.rand(3, 16, 17))
