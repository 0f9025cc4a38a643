"""Apply a recipe: ground truth in, low-quality picture out. Nothing is drawn here that the recipe does not fix.

The two-pass model of Real-ESRGAN (Wang et al., arXiv 2107.10833, section 3), as `RealESRGANModel.feed_data` does it.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from realesrgan_arch.degradation import kernels
from realesrgan_arch.degradation.jpeg import jpeg
from realesrgan_arch.degradation.operators import add_gaussian_noise, blur, resize, round_to_8bit
from realesrgan_arch.degradation.plain import BORDER, PlainRecipe
from realesrgan_arch.degradation.poisson import add_poisson_noise
from realesrgan_arch.degradation.recipe import KernelDraw, Recipe, StageRecipe
from realesrgan_arch.degradation.settings import ResizeMode

Size = tuple[int, int]


@torch.no_grad()
def degrade(gt: Tensor, recipe: Recipe, *, scale: int) -> Tensor:
    """Return the low-quality pictures (B, 3, H // scale, W // scale) of `gt` (B, 3, H, W; RGB float in [0, 1]).

    All is computed in the dtype of `gt`. Of float64 on the CPU the result is the same on every machine and with any
    number of threads; float32 is faster, and a level here and a block of 8 x 8 there may differ.
    Every value is a multiple of 1/255. Real-ESRGAN degrades the sharpened ground truth: pass `usm_sharpen(gt)` then.
    Raises ValueError where the recipe was drawn for another batch size.
    """
    if gt.shape[0] != recipe.batch_size:
        raise ValueError(
            f"The recipe is for {recipe.batch_size} images but {gt.shape[0]} came; draw it for this batch."
        )
    height, width = gt.shape[-2:]
    factor = recipe.second.resize_factor
    second_size = (max(1, int(height / scale * factor)), max(1, int(width / scale * factor)))
    final_size = (height // scale, width // scale)
    with torch.autocast(gt.device.type, enabled=False):
        image = _blur_resize_and_noise(gt, recipe.first, size=None)
        image = _compress(image, recipe.first)
        image = _blur_resize_and_noise(image, recipe.second, size=second_size)
        if recipe.is_jpeg_last:
            image = _compress(_finish(image, recipe, size=final_size), recipe.second)
        else:
            image = _finish(_compress(image, recipe.second), recipe, size=final_size)
        return round_to_8bit(image)


def crop_pair(
    gt: Tensor, lq: Tensor, *, gt_size: int, scale: int, recipe: Recipe | PlainRecipe
) -> tuple[Tensor, Tensor]:
    """Return the same place of both: `gt` (B, 3, gt_size, gt_size) and `lq` (B, 3, gt_size // scale, gt_size // scale).

    The place is the recipe's and lies on the grid of LQ pixels; that of a plain recipe keeps `BORDER` of them away from
    the sides of `lq`, or as many as there is room for: shrinking mirrors what lies there. Raises ValueError where `lq`
    is smaller than its crop.
    """
    lq_size = gt_size // scale
    height, width = lq.shape[-2:]
    if min(height, width) < lq_size:
        raise ValueError(f"A crop of {lq_size} does not fit into an LQ image of {height} x {width}; lower gt_size.")
    border = BORDER if isinstance(recipe, PlainRecipe) else 0
    top = _start(recipe.crop_top, room=height - lq_size, border=border)
    left = _start(recipe.crop_left, room=width - lq_size, border=border)
    return (
        gt[..., top * scale : top * scale + gt_size, left * scale : left * scale + gt_size],
        lq[..., top : top + lq_size, left : left + lq_size],
    )


def _start(share: float, *, room: int, border: int) -> int:
    inset = min(border, room // 2)
    return inset + int(share * (room - 2 * inset + 1))


def build_kernels(draws: Sequence[KernelDraw], dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the kernels (B, k, k) of `draws` on the CPU; k is the largest size among them.

    Sizes above that would only add zeros for the convolution to multiply with.
    """
    pad_to = max(draw.size for draw in draws)
    built = kernels.pulse_kernels(len(draws), pad_to=pad_to)
    for family, build in _FAMILIES.items():
        rows = [row for row, draw in enumerate(draws) if draw.kind in family]
        if rows:
            built[rows] = build([draws[row] for row in rows], pad_to)
    return built.to(dtype)


def _gaussians(draws: Sequence[KernelDraw], pad_to: int) -> Tensor:
    return kernels.generalized_gaussian_kernels(**_bell_parameters(draws), pad_to=pad_to)


def _plateaus(draws: Sequence[KernelDraw], pad_to: int) -> Tensor:
    return kernels.plateau_kernels(**_bell_parameters(draws), pad_to=pad_to)


def _sincs(draws: Sequence[KernelDraw], pad_to: int) -> Tensor:
    cutoff = _column([draw.cutoff for draw in draws])
    return kernels.sinc_kernels(size=_column([draw.size for draw in draws]), cutoff=cutoff, pad_to=pad_to)


_FAMILIES: dict[tuple[str, ...], Callable[[Sequence[KernelDraw], int], Tensor]] = {
    ("iso", "aniso", "generalized_iso", "generalized_aniso"): _gaussians,
    ("plateau_iso", "plateau_aniso"): _plateaus,
    ("sinc",): _sincs,
}


def _bell_parameters(draws: Sequence[KernelDraw]) -> dict[str, Tensor]:
    names = ("size", "sigma_x", "sigma_y", "rotation", "beta")
    return {name: _column([getattr(draw, name) for draw in draws]) for name in names}


def _column(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _blur_resize_and_noise(image: Tensor, stage: StageRecipe, *, size: Size | None) -> Tensor:
    """Apply the part of a pass before its JPEG. Without `size` the stage's factor sets the new size."""
    if stage.use_blur:
        image = _blur_by_draws(image, [sample.kernel for sample in stage.samples])
    if size is not None:
        image = _resize_to(image, size, mode=stage.resize_mode)
    elif stage.resize_factor != 1:
        image = resize(image, mode=stage.resize_mode, scale=stage.resize_factor)
    return _add_noise(image, stage)


def _finish(image: Tensor, recipe: Recipe, *, size: Size) -> Tensor:
    """Bring `image` to its last size and let it ring."""
    return _blur_by_draws(_resize_to(image, size, mode=recipe.final_mode), recipe.final_kernels)


def _compress(image: Tensor, stage: StageRecipe) -> Tensor:
    if not stage.use_jpeg:
        return image
    return jpeg(image, _per_sample([sample.jpeg_quality for sample in stage.samples], image))


def _blur_by_draws(image: Tensor, draws: Sequence[KernelDraw]) -> Tensor:
    if all(draw.kind == "pulse" for draw in draws):
        return image
    return blur(image, build_kernels(draws, image.dtype).to(image.device, non_blocking=True))


def _resize_to(image: Tensor, size: Size, *, mode: ResizeMode) -> Tensor:
    return image if tuple(image.shape[-2:]) == size else resize(image, mode=mode, size=size)


def _add_noise(image: Tensor, stage: StageRecipe) -> Tensor:
    if stage.noise == "none":
        return image
    field = noise_field(stage, size=(image.shape[-2], image.shape[-1]), device=image.device, dtype=image.dtype)
    if stage.noise == "gaussian":
        sigma_255 = _per_sample([sample.noise_sigma_255 for sample in stage.samples], image)
        return add_gaussian_noise(image, field, sigma_255=sigma_255)
    scale = _per_sample([sample.poisson_scale for sample in stage.samples], image)
    is_gray = _per_sample([sample.is_gray for sample in stage.samples], image) > 0
    return add_poisson_noise(image, field, scale=scale, is_gray=is_gray)


def noise_field(stage: StageRecipe, *, size: Size, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the field (B, 3, height, width) of a pass: standard normal numbers, or uniform ones for Poisson noise.

    The channels of a gray sample are equal. Every sample has a CPU generator of its own: its numbers depend neither on
    the batch around it nor on the device. torch draws normal float32 numbers by another formula on CPUs with AVX2, so
    float64 ones are other numbers of the same law, not the same with more digits.
    """
    draw = torch.randn if stage.noise == "gaussian" else torch.rand
    # Only a copy from pinned memory lets the host run on while the device receives it.
    field = torch.empty(len(stage.samples), 3, *size, dtype=dtype, pin_memory=device.type == "cuda")
    for planes, sample in zip(field, stage.samples, strict=True):
        generator = torch.Generator().manual_seed(sample.noise_seed)
        planes.copy_(draw(1 if sample.is_gray else 3, *size, generator=generator, dtype=dtype))
    return field.to(device, non_blocking=True)


def _per_sample(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype).to(like.device, non_blocking=True)
