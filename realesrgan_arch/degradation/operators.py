"""Blur, resize, sharpen, Gaussian noise and rounding: pure functions on images (B, C, H, W) in [0, 1].

They draw nothing, loop over no sample and never make the device wait for the host. Random fields are arguments.
They compute in the dtype of the image: float32 is what training uses; in float64 the results, once rounded, are the
same on every machine. Call them outside autocast: bfloat16 has fewer steps than an 8-bit picture has levels.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from realesrgan_arch.degradation.settings import ResizeMode
from realesrgan_arch.resampling import resize_bicubic_to

_USM_TAPS = 51
_STRIP = 96
_TIE = 1e-9
"""Far above the rounding errors of float64 (1e-13 of a level), far below what anyone sees."""


def blur(image: Tensor, kernels: Tensor) -> Tensor:
    """Correlate sample i of `image` (B, C, H, W) with `kernels[i]` of (B, k, k), k odd; borders are reflected.

    Equals `filter2D` of basicsr, and also works where the picture is smaller than the kernel.
    """
    batch, channels, height, width = image.shape
    taps = kernels.shape[-1]
    padded = pad_by_reflection(image, rows=taps // 2, columns=taps // 2)
    if image.dtype == torch.float64:
        # torch unfolds float64 pictures for a convolution on the CPU: 441 copies of each.
        return _correlate_by_spectrum(padded, kernels)
    # One depth-wise convolution for the whole batch: each plane is a channel with a kernel of its own.
    weight = kernels.repeat_interleave(channels, dim=0)[:, None]
    planes = padded.reshape(1, batch * channels, *padded.shape[-2:])
    return F.conv2d(planes, weight, groups=batch * channels).view(batch, channels, height, width)


def usm_sharpen(image: Tensor, *, weight: float = 0.5, threshold_255: float = 10.0) -> Tensor:
    """Sharpen `image` (B, C, H, W) where it differs from its blur by more than `threshold_255` levels.

    Unsharp masking with a softened mask, as `USMSharp` of basicsr, but separable: twice 51 taps instead of 51 x 51.
    A difference that sits on the threshold may fall to the other side of it than upstream's; one such pixel moves its
    neighbours' mask by 0.0025 at most.
    """
    residual = image - _wide_gaussian_blur(image)
    mask = (residual.abs() * 255 > threshold_255).to(image.dtype)
    sharp = residual.mul_(weight).add_(image).clamp_(0, 1)
    return torch.lerp(image, sharp, _wide_gaussian_blur(mask))


def resize(
    image: Tensor, *, mode: ResizeMode, size: tuple[int, int] | None = None, scale: float | None = None
) -> Tensor:
    """Resize `image` (B, C, H, W) to `size` (height, width) or by `scale`; without antialiasing, as upstream does.

    A given `scale` also sets the sampling distance (1 / scale, not the ratio of the rounded sizes). Bicubic can leave
    [0, 1]. Only `matlab_bicubic` antialiases, and its distance is always the ratio of the sizes.
    """
    if mode == "matlab_bicubic":
        height, width = size or tuple(max(1, int(side * (scale or 1))) for side in image.shape[-2:])
        return resize_bicubic_to(image, size=(height, width))
    return F.interpolate(image, size=size, scale_factor=scale, mode=mode)


def add_gaussian_noise(image: Tensor, field: Tensor, *, sigma_255: Tensor) -> Tensor:
    """Add `field` (B, C, H, W) of standard normal numbers times `sigma_255` (B,), in 8-bit levels; clamp to [0, 1].

    A field with equal channels gives gray noise.
    """
    return torch.addcmul(image, field, sigma_255.view(-1, 1, 1, 1) / 255).clamp_(0, 1)


def round_to_8bit(image: Tensor) -> Tensor:
    """Return `image` clamped to [0, 1] and rounded to multiples of 1/255."""
    return round_halves_up(image.mul(255)).clamp_(0, 255).div_(255)


def round_halves_up(values: Tensor) -> Tensor:
    """Round `values` in place: float32 as torch does, halves to even; float64 with halves up.

    Means of whole levels are often exact halves. In float64 what a rounding error has moved by less than 1e-9 off a
    half goes the same way on every machine.
    """
    return values.add_(0.5 + _TIE).floor_() if values.dtype == torch.float64 else values.round_()


def _correlate_by_spectrum(padded: Tensor, kernels: Tensor) -> Tensor:
    """Correlate without a border: (B, C, H + k - 1, W + k - 1) and (B, k, k) -> (B, C, H, W)."""
    size, taps = padded.shape[-2:], kernels.shape[-1]
    spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(kernels, s=size).conj()[:, None]
    return torch.fft.irfft2(spectrum, s=size)[..., : size[0] - taps + 1, : size[1] - taps + 1].contiguous()


def pad_by_reflection(image: Tensor, *, rows: int, columns: int) -> Tensor:
    """Mirror the border of `image` (B, C, H, W) outwards, without repeating the edge pixel.

    Unlike `F.pad` the picture may be smaller than the border: it is then mirrored more than once.
    """
    height, width = image.shape[-2:]
    if rows < height and columns < width:
        return F.pad(image, (columns, columns, rows, rows), mode="reflect")
    tall = image.index_select(-2, _reflected_positions(height, rows, image.device))
    return tall.index_select(-1, _reflected_positions(width, columns, image.device))


def _reflected_positions(length: int, border: int, device: torch.device) -> Tensor:
    period = max(2 * (length - 1), 1)
    positions = torch.arange(-border, length + border, device=device).remainder(period)
    return torch.minimum(positions, period - positions) if length > 1 else positions


def _wide_gaussian_blur(image: Tensor) -> Tensor:
    """Blur rows and columns of `image` (B, C, H, W) with the taps of the unsharp mask; borders are reflected."""
    height, width = image.shape[-2:]
    down, across = _blur_matrix(height, image), _blur_matrix(width, image)
    planes = image.reshape(-1, height, width)
    # Matrix products over strips waste some zeros of the band and still beat a convolution of 51 taps about twice.
    strips = [down[start:end, low:high] @ planes[:, low:high] for start, end, low, high in _strips(height)]
    tall = torch.cat(strips, dim=1)
    strips = [tall[..., low:high] @ across[start:end, low:high].T for start, end, low, high in _strips(width)]
    return torch.cat(strips, dim=2).view_as(image)


def _strips(length: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (start, end, low, high): the outputs start ... end need the inputs low ... high only."""
    radius = _USM_TAPS // 2
    for start in range(0, length, _STRIP):
        end = min(start + _STRIP, length)
        yield start, end, max(start - radius, 0), min(end + radius, length)


def _blur_matrix(length: int, like: Tensor) -> Tensor:
    """Return the band matrix (length, length) that blurs a line; taps beyond an end fall on their mirror image."""
    sources = _reflected_positions(length, _USM_TAPS // 2, like.device).unfold(0, _USM_TAPS, 1)
    weights = _gaussian_taps(_USM_TAPS, like).expand_as(sources)
    return like.new_zeros(length, length).scatter_add_(1, sources, weights)


def _gaussian_taps(count: int, like: Tensor) -> Tensor:
    """Return `count` Gaussian weights whose sum is 1, with OpenCV's sigma for that count (8 pixels for 51)."""
    sigma = 0.3 * ((count - 1) * 0.5 - 1) + 0.8
    offsets = torch.arange(count, dtype=like.dtype, device=like.device) - count // 2
    weights = torch.exp(offsets.square() * (-0.5 / math.pow(sigma, 2)))
    return weights / weights.sum()
