"""Time NIQE, SSIM and PSNR against BasicSR's on the CPU, and show that the values agree.

The sides take turns on the same pictures; seconds a megapixel are medians over pictures and turns, and those of the
processor, which a busy machine hardly lengthens. Without a folder the pictures are drawn.

    python scripts/benchmarks/niqe.py [FOLDER] [--pictures 4] [--turns 5]
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from realesrgan_arch.basicsr_shims import import_shims
from realesrgan_arch.data.files import list_images
from realesrgan_arch.evaluation.metrics import niqe, psnr, ssim
from realesrgan_arch.images import read_rgb, to_tensor
from realesrgan_arch.resampling import magnify_bicubic

import_shims()

from basicsr.metrics import calculate_psnr, calculate_ssim  # noqa: E402
from basicsr.metrics.niqe import calculate_niqe  # noqa: E402

DRAWN_SIDES = (720, 1280)


@dataclass(frozen=True)
class Subject:
    """One picture and a noisy copy of it, in our form and in upstream's."""

    truth: Tensor
    image: Tensor

    @property
    def megapixels(self) -> float:
        """Size of the picture."""
        return self.truth.shape[1] * self.truth.shape[2] / 1e6


SIDES: dict[str, tuple[Callable[[Subject], float], Callable[[Subject], float]]] = {
    "NIQE": (lambda s: niqe(s.image), lambda s: calculate_niqe(upstream_pixels(s.image), 0)),
    "SSIM": (
        lambda s: ssim(s.image, s.truth),
        lambda s: calculate_ssim(upstream_pixels(s.image), upstream_pixels(s.truth), 0),
    ),
    "PSNR": (
        lambda s: psnr(s.image, s.truth),
        lambda s: calculate_psnr(upstream_pixels(s.image), upstream_pixels(s.truth), 0),
    ),
}
"""Metric: ours, upstream's. Both start from the tensor that a network gives."""


def upstream_pixels(image: Tensor) -> np.ndarray:
    """Return uint8 (H, W, 3) in BGR."""
    return (image.clamp(0, 1) * 255).round().byte().flip(0).permute(1, 2, 0).contiguous().numpy()


def draw_truths(pictures: int) -> list[Tensor]:
    """Return smooth random pictures."""
    generator = torch.Generator().manual_seed(0)
    height, width = (side // 8 for side in DRAWN_SIDES)
    return [magnify_bicubic(torch.rand(3, height, width, generator=generator), scale=8) for _ in range(pictures)]


def subjects(folder: Path | None, pictures: int) -> list[Subject]:
    """Return the pictures to score, with noise of sigma 0.03."""
    paths = list_images(folder)[:pictures] if folder else []
    truths = [to_tensor(read_rgb(path)) for path in paths] or draw_truths(pictures)
    generator = torch.Generator().manual_seed(1)
    return [Subject(gt, (gt + 0.03 * torch.randn(gt.shape, generator=generator)).clamp(0, 1)) for gt in truths]


def timed(score: Callable[[Subject], float], subject: Subject) -> tuple[float, float]:
    """Return the score and the seconds of the processor a megapixel."""
    start = time.process_time()
    value = score(subject)
    return value, (time.process_time() - start) / subject.megapixels


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line a metric."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--turns", type=int, default=5)
    parsed = parser.parse_args(arguments)
    chosen = subjects(parsed.folder, parsed.pictures)
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, {len(chosen)} pictures")
    for name, sides in SIDES.items():
        seconds: tuple[list[float], list[float]] = ([], [])
        difference = 0.0
        for subject in chosen * parsed.turns:
            ours, theirs = (timed(score, subject) for score in sides)
            seconds[0].append(ours[1])
            seconds[1].append(theirs[1])
            difference = max(difference, abs(ours[0] - theirs[0]))
        own, upstream = (statistics.median(values) for values in seconds)
        print(
            f"{name}  ours {own * 1e3:6.1f} ms/MP   BasicSR {upstream * 1e3:7.1f} ms/MP   "
            f"ratio {upstream / own:5.2f}   largest difference {difference:.1e}"
        )


if __name__ == "__main__":
    main()
