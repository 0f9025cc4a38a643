"""The loss of low frequencies: a colour cast counts in full, detail does not."""

import pytest
import torch

from realesrgan_arch.gaussian_blur import gaussian_blur
from realesrgan_arch.losses.low_frequency import LowFrequencyLoss


def _gt() -> torch.Tensor:
    return torch.rand(2, 3, 24, 20, generator=torch.Generator().manual_seed(0))


def test_a_colour_cast_counts_in_full() -> None:
    gt = _gt()
    cast = torch.tensor([0.1, 0.0, -0.2]).view(1, 3, 1, 1)
    found = LowFrequencyLoss(weight=2.0, sigma=3.0)(sr=gt + cast, gt=gt, lq=gt)
    assert found.item() == pytest.approx(2 * 0.3 / 3, rel=1e-5)


def test_a_checkerboard_hardly_counts_and_more_under_a_narrow_blur() -> None:
    gt = _gt()
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(20), indexing="ij")
    sr = gt + 0.2 * ((rows + columns) % 2 * 2 - 1)
    wide, narrow = (LowFrequencyLoss(sigma=sigma)(sr=sr, gt=gt, lq=gt).item() for sigma in (2.0, 0.5))
    assert wide < 0.01 < narrow < 0.2


def test_it_is_the_distance_of_both_blurred_pictures() -> None:
    gt, sr = _gt(), _gt().flip(0)
    expected = (gaussian_blur(sr, sigma=1.5) - gaussian_blur(gt, sigma=1.5)).abs().mean()
    assert LowFrequencyLoss(sigma=1.5)(sr=sr, gt=gt, lq=gt).item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_gradient_moves_colours_and_sixteen_bits_around_it_change_nothing() -> None:
    gt = _gt()
    sr = (gt + 0.1).requires_grad_()
    loss = LowFrequencyLoss()
    expected = loss(sr=sr, gt=gt, lq=gt)
    expected.backward()
    assert sr.grad is not None and (sr.grad > 0).all()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loss(sr=sr, gt=gt, lq=gt), expected)
