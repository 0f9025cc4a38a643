"""Time the degradation of a training step on the CPU against upstream's own `RealESRGANModel.feed_data`.

Both sides do the whole of it: sharpen the ground truth, two passes, crop, pair pool, sharpen the crop. Ours also draws
its numbers and makes its kernels inside the timed part; upstream's kernels come ready-made, as from its data loader.
The sides take turns, each seed gives both a new batch, and medians are compared.

    python scripts/benchmarks/degrade.py [--batch 4] [--seeds 9] [--threads N]
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from realesrgan_arch.basicsr_shims import import_shims
from realesrgan_arch.degradation.jpeg import jpeg
from realesrgan_arch.degradation.operators import add_gaussian_noise, blur, usm_sharpen
from realesrgan_arch.degradation.pair_pool import PairPool
from realesrgan_arch.degradation.pipeline import build_kernels, crop_pair, degrade
from realesrgan_arch.degradation.poisson import add_poisson_noise
from realesrgan_arch.degradation.recipe import KernelDraw, draw_recipe
from realesrgan_arch.degradation.settings import DegradationSettings, StageSettings
from realesrgan_arch.seeding import numpy_generator

import_shims()

from basicsr.data import degradations as upstream  # noqa: E402
from basicsr.utils import DiffJPEG  # noqa: E402
from basicsr.utils.img_process_util import USMSharp, filter2D  # noqa: E402
from realesrgan.models.realesrgan_model import RealESRGANModel  # noqa: E402

SCALE = 4
GT_SIZE = 256
POOL_BATCHES = 45  # 180 pairs at batch 4, upstream's queue
SETTINGS = DegradationSettings()


class ContiguousJpeg(DiffJPEG):
    """Upstream's JPEG returns channels-last strides, with which its filter2D fails on the CPU; mend the strides."""

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        return super().forward(x, quality).contiguous()


def upstream_model(*, batch: int) -> RealESRGANModel:
    """Return upstream's model with what `feed_data` needs and no networks, its pool full, on the CPU."""
    model = RealESRGANModel.__new__(RealESRGANModel)
    model.is_train, model.device = True, torch.device("cpu")
    model.jpeger, model.usm_sharpener = ContiguousJpeg(differentiable=False), USMSharp()
    model.queue_size = model.queue_ptr = batch * POOL_BATCHES
    model.queue_lr = torch.zeros(model.queue_size, 3, GT_SIZE // SCALE, GT_SIZE // SCALE)
    model.queue_gt = torch.zeros(model.queue_size, 3, GT_SIZE, GT_SIZE)
    model.opt = {"scale": SCALE, "gt_size": GT_SIZE, **stage_options(SETTINGS.first, "")}
    model.opt |= {**stage_options(SETTINGS.second, "2"), "second_blur_prob": SETTINGS.second.blur_prob}
    return model


def stage_options(stage: StageSettings, suffix: str) -> dict[str, object]:
    """Return the keys of upstream's YAML for one pass."""
    values = {
        "resize_prob": list(stage.resize_probs),
        "resize_range": list(stage.resize_range),
        "gaussian_noise_prob": stage.gaussian_noise_prob,
        "noise_range": list(stage.noise_sigma_255_range),
        "poisson_scale_range": list(stage.poisson_scale_range),
        "gray_noise_prob": stage.gray_noise_prob,
        "jpeg_range": list(stage.jpeg_quality_range),
    }
    return {key + suffix: value for key, value in values.items()}


def full_pool(*, batch: int) -> PairPool:
    """Return our pool in the state of upstream's."""
    pool, generator = PairPool(batch * POOL_BATCHES), numpy_generator(0)
    lq, gt = torch.zeros(batch, 3, GT_SIZE // SCALE, GT_SIZE // SCALE), torch.zeros(batch, 3, GT_SIZE, GT_SIZE)
    for _ in range(POOL_BATCHES):
        pool.exchange(lq, gt, generator=generator)
    return pool


def picture(*, batch: int, size: int, seed: int) -> Tensor:
    """Return pictures (B, 3, size, size) with edges, gradients and a little grain, on the 8-bit grid."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, 3, 25, 25, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic")
    grain = torch.randn(batch, 3, size, size, generator=generator) * 0.02
    return ((smooth + grain).clamp(0, 1) * 255).round() / 255


def feed_ours(gt: Tensor, pool: PairPool, *, step: int) -> None:
    """Do what a training step does to a batch of ground truth."""
    recipe = draw_recipe(SETTINGS, seed=0, step=step, batch_size=len(gt))
    lq = degrade(usm_sharpen(gt), recipe, scale=SCALE)
    gt, lq = crop_pair(gt, lq, gt_size=GT_SIZE, scale=SCALE, recipe=recipe)
    lq, gt = pool.exchange(lq, gt, generator=numpy_generator(0, step))
    usm_sharpen(gt)


def kernels_like(draws: Sequence[KernelDraw]) -> Tensor:
    """Return kernels on upstream's canvas of 21."""
    kernels = build_kernels(draws)
    return torch.nn.functional.pad(kernels, ((21 - kernels.shape[-1]) // 2,) * 4)


def seconds(function: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def race(ours: Callable[[int], object], theirs: Callable[[int], object], *, rounds: int) -> tuple[float, float]:
    """Return both median times; the sides take turns after one unmeasured round."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        pair = [seconds(lambda side=side, n=number: side(n)) for side in (ours, theirs)]
        if number:
            times[0].append(pair[0])
            times[1].append(pair[1])
    return statistics.median(times[0]), statistics.median(times[1])


def report(name: str, medians: tuple[float, float]) -> None:
    """Print one line of the table."""
    ours, theirs = medians
    print(f"{name:34s} {theirs * 1e3:10.1f} {ours * 1e3:10.1f} {theirs / ours:8.1f}x", flush=True)


def race_feed_data(*, batch: int, size: int, rounds: int) -> tuple[float, float]:
    """Time both sides on ground truth of `size`, cropped to 256 where it is larger."""
    model, pool = upstream_model(batch=batch), full_pool(batch=batch)
    batches = [upstream_batch(batch=batch, size=size, seed=seed) for seed in range(rounds + 1)]
    return race(
        lambda number: feed_ours(batches[number]["gt"], pool, step=number),
        lambda number: model.feed_data(batches[number]),
        rounds=rounds,
    )


def upstream_batch(*, batch: int, size: int, seed: int) -> dict[str, Tensor]:
    """Return what upstream's data loader hands to `feed_data`."""
    recipe = draw_recipe(SETTINGS, seed=1, step=seed, batch_size=batch)
    return {
        "gt": picture(batch=batch, size=size, seed=seed),
        "kernel1": kernels_like([sample.kernel for sample in recipe.first.samples]),
        "kernel2": kernels_like([sample.kernel for sample in recipe.second.samples]),
        "sinc_kernel": kernels_like(recipe.final_kernels),
    }


def race_operators(*, batch: int, size: int, rounds: int) -> None:
    """Print a line for each operator on pictures of `size`."""
    image = picture(batch=batch, size=size, seed=0)
    recipe = draw_recipe(SETTINGS, seed=2, step=0, batch_size=batch)
    draws = [sample.kernel for sample in recipe.first.samples]
    wide, tight = kernels_like(draws), build_kernels(draws)
    strength, is_gray = torch.linspace(0.3, 2.0, batch), torch.arange(batch) % 2 == 0
    quality = torch.linspace(30, 95, batch)
    normal, uniform = torch.randn_like(image), torch.rand_like(image)
    sharpener, jpeger = USMSharp(), DiffJPEG(differentiable=False)
    gray = is_gray.float()
    lines = {
        "usm": (lambda: usm_sharpen(image), lambda: sharpener(image)),
        f"blur (largest kernel {tight.shape[-1]})": (lambda: blur(image, tight), lambda: filter2D(image, wide)),
        "gaussian noise with its field": (
            lambda: add_gaussian_noise(image, normal.copy_(torch.randn_like(image)), sigma_255=strength),
            lambda: upstream.add_gaussian_noise_pt(image, strength, gray),
        ),
        "poisson noise with its field": (
            lambda: add_poisson_noise(image, uniform.copy_(torch.rand_like(image)), scale=strength, is_gray=is_gray),
            lambda: upstream.add_poisson_noise_pt(image, strength, gray_noise=gray),
        ),
        "jpeg": (lambda: jpeg(image, quality), lambda: jpeger(image, quality=quality.clone())),
    }
    for name, (ours, theirs) in lines.items():
        report(f"{name}, {size}", race(lambda _, f=ours: f(), lambda _, f=theirs: f(), rounds=rounds))


def main() -> None:
    """Print the machine and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=9, help="measured rounds, each with its own batch and draws")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - upstream draws from the global generator
    print(f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, {arguments.threads} threads, "
          f"torch {torch.__version__}; batch {arguments.batch}, medians of {arguments.seeds}")  # fmt: skip
    print(f"{'':34s} {'upstream ms':>10s} {'ours ms':>10s} {'ratio':>9s}")
    with torch.no_grad():
        for size in (256, 400):
            medians = race_feed_data(batch=arguments.batch, size=size, rounds=arguments.seeds)
            report(f"feed_data, GT {size} -> crop {GT_SIZE}", medians)
        race_operators(batch=arguments.batch, size=256, rounds=arguments.seeds)


if __name__ == "__main__":
    main()
