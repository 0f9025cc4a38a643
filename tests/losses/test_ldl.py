"""The loss of local artefacts: variances by hand, and which pixels get no weight."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from realesrgan_arch.losses.ldl import LdlLoss, artifact_map, local_variance


class Fixed(nn.Module):
    """Answers every picture with one and the same."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.image = nn.Parameter(image)

    def forward(self, lq: Tensor) -> Tensor:
        del lq
        return self.image * 1


def _pictures(count: int, side: int = 12) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(2, 3, side, side, generator=generator) for _ in range(count)]


def _dot(side: int = 5) -> Tensor:
    image = torch.zeros(1, 3, side, side)
    image[0, 1, side // 2, side // 2] = 1
    return image


@pytest.mark.parametrize("window", [3, 7])
def test_variances_are_those_of_the_mirrored_windows(window: int) -> None:
    image = _pictures(1)[0][:, :1] + 1
    padded = functional.pad(image, [window // 2] * 4, mode="reflect")
    expected = padded.unfold(2, window, 1).unfold(3, window, 1).var(dim=(-1, -2))
    torch.testing.assert_close(local_variance(image, window=window), expected, rtol=1e-4, atol=1e-7)


def test_the_map_of_one_wrong_pixel_is_that_by_hand() -> None:
    gt = torch.zeros(1, 3, 5, 5)
    found = artifact_map(_dot(), gt, gt, window=3)
    # One of 9 is 1: (1 - 1/9) / 8 = 1/9. One of 25: (1 - 1/25) / 24 = 1/25. Outside the window nothing varies.
    expected = torch.zeros(1, 1, 5, 5)
    expected[..., 1:4, 1:4] = (1 / 25) ** 0.2 / 9
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


def test_the_loss_of_one_wrong_pixel_is_that_by_hand() -> None:
    gt = torch.zeros(1, 3, 5, 5)
    loss = LdlLoss(Fixed(gt), weight=2.0, window=3)
    found = loss(sr=_dot(), gt=gt, lq=torch.zeros(1, 3, 1, 1))
    assert found.item() == pytest.approx(2 * (1 / 25) ** 0.2 / 9 / 75, rel=1e-5)


def test_pixels_where_the_average_is_worse_get_no_weight_and_ties_keep_theirs() -> None:
    gt, sr = _pictures(2)
    plain = artifact_map(sr, gt, gt, window=7)
    half = sr.clone()
    half[..., :6] = gt[..., :6] + 2 * (sr - gt)[..., :6]
    found = artifact_map(sr, gt, half, window=7)
    assert (plain > 0).all()
    assert (found[..., :6] == 0).all()
    assert torch.equal(found[..., 6:], plain[..., 6:])


def test_value_and_gradient_are_those_of_the_published_formula() -> None:
    gt, sr, average = _pictures(3)
    ours, theirs = (sr.clone().requires_grad_() for _ in range(2))
    LdlLoss(Fixed(average), window=7)(sr=ours, gt=gt, lq=gt).backward()
    residual = (gt - theirs).abs().sum(1, keepdim=True)
    windows = functional.pad(residual, [3] * 4, mode="reflect").unfold(2, 7, 1).unfold(3, 7, 1)
    weight = windows.var(dim=(-1, -2)) * residual.var(dim=(1, 2, 3), keepdim=True).pow(0.2)
    weight = weight * (residual >= (gt - average).abs().sum(1, keepdim=True))
    (weight * (theirs - gt)).abs().mean().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-7)


def test_a_perfect_picture_has_no_loss_and_a_finite_gradient() -> None:
    gt = _pictures(1)[0]
    sr = gt.clone().requires_grad_()
    found = LdlLoss(Fixed(gt))(sr=sr, gt=gt, lq=gt)
    found.backward()
    assert found.item() == 0
    assert sr.grad is not None and sr.grad.isfinite().all()


def test_the_average_sees_the_lq_and_gets_no_gradient() -> None:
    gt, sr = _pictures(2)
    average = Fixed(torch.zeros_like(gt))
    seen = []
    average.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    lq = torch.zeros(2, 3, 3, 3)
    LdlLoss(average)(sr=sr.requires_grad_(), gt=gt, lq=lq).backward()
    assert seen[0] is lq
    assert average.image.grad is None


def test_sixteen_bits_around_it_change_nothing() -> None:
    gt, sr, average = _pictures(3)
    loss = LdlLoss(Fixed(average))
    expected = loss(sr=sr, gt=gt, lq=gt)
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(sr=sr, gt=gt, lq=gt)
    assert torch.equal(found, expected)
