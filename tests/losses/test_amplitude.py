"""The amplitude loss against numpy's transform: which frequencies count, and what a shift does."""

import numpy as np
import pytest
import torch

from realesrgan_arch.losses.amplitude import AmplitudeLoss, amplitude_distance


def _pictures(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(*shape, generator=generator), torch.rand(*shape, generator=generator)


@pytest.mark.parametrize("size", [(8, 8), (6, 9)])
def test_it_is_the_mean_over_the_half_plane_of_numpys_transform(size) -> None:
    sr, gt = _pictures(2, 3, *size)
    half = size[1] // 2 + 1
    moduli = [np.abs(np.fft.fft2(image.double().numpy(), norm="ortho"))[..., :half] for image in (sr, gt)]
    expected = np.abs(moduli[0] - moduli[1]).mean()
    assert AmplitudeLoss(weight=0.7)(sr=sr, gt=gt, lq=sr).item() == pytest.approx(0.7 * expected, rel=1e-5)


def test_a_flat_difference_is_one_frequency_by_hand() -> None:
    gray, black = torch.full((1, 3, 4, 4), 0.5), torch.zeros(1, 3, 4, 4)
    # 0.5 * sqrt(16) at frequency 0, and the half plane has 4 x 3 frequencies.
    assert amplitude_distance(gray, black).item() == pytest.approx(2 / 12)


def test_a_picture_that_is_moved_round_keeps_its_amplitudes_and_a_blurred_one_does_not() -> None:
    gt, _ = _pictures(1, 3, 16, 16)
    assert amplitude_distance(gt.roll((3, 5), dims=(2, 3)), gt).item() == pytest.approx(0, abs=1e-6)
    assert amplitude_distance((gt + gt.roll(1, dims=3)) / 2, gt).item() > 0.05


@pytest.mark.parametrize("start", ["black", "perfect"])
def test_the_gradient_is_finite_where_an_amplitude_is_zero_and_where_nothing_differs(start: str) -> None:
    _, gt = _pictures(1, 3, 16, 16)
    sr = (torch.zeros_like(gt) if start == "black" else gt.clone()).requires_grad_()
    AmplitudeLoss()(sr=sr, gt=gt, lq=gt).backward()
    assert sr.grad is not None and sr.grad.isfinite().all()


def test_a_step_down_its_gradient_brings_blurred_detail_back() -> None:
    gt, _ = _pictures(1, 3, 32, 32)
    sr = ((gt + gt.roll(1, dims=3) + gt.roll(-1, dims=3)) / 3).requires_grad_()
    before = amplitude_distance(sr, gt)
    before.backward()
    assert sr.grad is not None
    after = sr.detach() - 20 * sr.grad
    assert amplitude_distance(after, gt) < before
    assert after.std() > sr.std()


def test_it_computes_in_fp32_whatever_is_around_it() -> None:
    sr, gt = _pictures(2, 3, 32, 32)
    expected = amplitude_distance(sr.bfloat16().float(), gt)
    with torch.autocast("cpu", torch.bfloat16):
        found = amplitude_distance(sr.bfloat16(), gt)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
