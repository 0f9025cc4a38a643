"""The blur against scipy's inside a picture, and what it does at borders."""

import pytest
import torch
from scipy.ndimage import gaussian_filter

from realesrgan_arch.gaussian_blur import blur_reach, gaussian_blur


def _picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("sigma", "reach"), [(0.6, 2), (1.0, 3), (2.5, 8)])
def test_inside_it_is_scipys(sigma: float, reach: int) -> None:
    image = _picture(2, 3, 30, 40)
    expected = gaussian_filter(image.double().numpy(), (0, 0, sigma, sigma), radius=(0, 0, reach, reach))
    found = gaussian_blur(image, sigma=sigma)
    assert blur_reach(sigma) == reach
    inside = (..., slice(reach, -reach), slice(reach, -reach))
    torch.testing.assert_close(found[inside], torch.from_numpy(expected).float()[inside], atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 3), (40, 30)])
def test_a_flat_picture_stays_flat_even_where_it_is_smaller_than_the_blur(size) -> None:
    flat = torch.tensor([0.2, 0.5, 1.0]).view(1, 3, 1, 1).expand(2, 3, *size)
    torch.testing.assert_close(gaussian_blur(flat, sigma=2.0), flat, atol=1e-6, rtol=0)


def test_at_a_corner_only_pixels_of_the_picture_count() -> None:
    image = torch.zeros(1, 1, 2, 1)
    image[0, 0, 0, 0] = 1.0
    near, far = 1.0, 0.6065307  # exp(-1 / 2), the weight of the other pixel
    found = gaussian_blur(image, sigma=1.0).flatten()
    torch.testing.assert_close(found, torch.tensor([near, far]) / (near + far), atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(7, 30), (8, 16), (9, 17), (1, 33), (40, 3)])
def test_a_long_side_goes_in_blocks_to_the_same_result(monkeypatch: pytest.MonkeyPatch, size) -> None:
    image = _picture(1, 2, *size).requires_grad_()
    whole = gaussian_blur(image, sigma=1.0)
    monkeypatch.setattr("realesrgan_arch.gaussian_blur._BLOCK", 8)
    found = gaussian_blur(image, sigma=1.0)
    torch.testing.assert_close(found, whole, atol=1e-6, rtol=0)
    expected, gradient = (torch.autograd.grad(one.square().sum(), image)[0] for one in (whole, found))
    torch.testing.assert_close(gradient, expected, atol=1e-5, rtol=0)


def test_no_matrix_grows_with_the_square_of_a_side(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    real = torch.exp
    monkeypatch.setattr(torch, "exp", lambda weights: sizes.append(weights.numel()) or real(weights))
    gaussian_blur(_picture(1, 1, 2, 20_000), sigma=0.6)
    assert max(sizes) <= 1024 * (1024 + 2 * blur_reach(0.6))


def test_a_value_that_is_not_finite_stays_in_its_channel() -> None:
    image = _picture(1, 3, 20, 20)
    image[0, 1, 5, 5] = float("nan")
    found = gaussian_blur(image, sigma=1.0)
    assert found[0, 1].isnan().all()
    assert found[0, ::2].isfinite().all()


def test_the_memory_layout_of_a_picture_changes_nothing() -> None:
    image = _picture(2, 3, 12, 10)
    shuffled = image.to(memory_format=torch.channels_last)
    assert torch.equal(gaussian_blur(shuffled, sigma=1.0), gaussian_blur(image, sigma=1.0))
