"""One training sample from a PNG photograph: our `GtDataset` against upstream's `RealESRGANDataset.__getitem__`.

Both read the same files and give a 400 x 400 crop; runs are interleaved and medians are compared. Upstream also draws
its three blur kernels in the same call, ours are drawn with the recipe; so upstream without kernels is shown too.

    python scripts/benchmarks/dataset_sample.py [--megapixels 1.5] [--rounds 9]
"""

import argparse
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from realesrgan_arch.basicsr_shims import import_shims
from realesrgan_arch.data.dataset import GtDataset
from realesrgan_arch.data.sampler import SampleRequest
from realesrgan_arch.degradation.settings import DegradationSettings, StageSettings

CROP = 400
NUM_FILES = 4
Sample = Callable[[int], object]


def main(argv: Sequence[str]) -> int:
    """Measure and print; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args(argv)
    print(f"{platform.processor() or platform.machine()}, OpenCV {cv2.__version__}, {torch.get_num_threads()} threads")
    for name, write in (("PNG as OpenCV writes it", _write_with_cv2), ("PNG as Pillow writes it", _write_with_pillow)):
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{index}.png" for index in range(NUM_FILES)]
            for index, path in enumerate(paths):
                write(path, draw_photograph(index, arguments.megapixels))
            _compare(name, paths, rounds=arguments.rounds)
    return 0


def _compare(name: str, paths: list[Path], *, rounds: int) -> None:
    ours = GtDataset(paths, crop_size=CROP, seed=0)
    sides: dict[str, Sample] = {
        "ours": lambda step: ours[SampleRequest(step % NUM_FILES, step, 0)],
        "upstream": _upstream(paths, use_kernels=True),
        "upstream without kernels": _upstream(paths, use_kernels=False),
    }
    milliseconds: dict[str, list[float]] = {side: [] for side in sides}
    for step in range(rounds * NUM_FILES + 1):
        for side, sample in sides.items():
            start = time.perf_counter()
            sample(step)
            milliseconds[side].append((time.perf_counter() - start) * 1000)
    medians = {side: statistics.median(times[1:]) for side, times in milliseconds.items()}
    print(f"\n{name}, {sum(path.stat().st_size for path in paths) / NUM_FILES / 2**20:.1f} MiB a file")
    for side, median in medians.items():
        print(f"  {side:<26}{median:8.1f} ms   {median / medians['ours']:5.2f}x ours")


def draw_photograph(seed: int, megapixels: float) -> np.ndarray:
    """Noise of many scales: compresses like a photograph (about 1.3 bytes a pixel and channel pair)."""
    generator = np.random.default_rng(seed)
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    width = round(height * 1.5)
    image = np.zeros((height, width, 3), np.float32)
    for cell in (1, 2, 4, 8, 16, 32, 64, 128):
        coarse = generator.standard_normal((height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        image += np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)) * cell**0.75
    return np.clip(128 + image * 2.2, 0, 255).astype(np.uint8)


def _write_with_cv2(path: Path, pixels: np.ndarray) -> None:
    cv2.imwrite(str(path), pixels)


def _write_with_pillow(path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(path)


def upstream_dataset(paths: list[Path]) -> Dataset:
    """Return upstream's `RealESRGANDataset` of `paths`, which lie in one folder."""
    import_shims()
    from realesrgan.data.realesrgan_dataset import RealESRGANDataset

    meta_info = paths[0].parent / "meta_info.txt"
    meta_info.write_text("\n".join(path.name for path in paths))
    return RealESRGANDataset(_upstream_options(paths[0].parent, meta_info))


@contextmanager
def without_kernels() -> Iterator[None]:
    """Let upstream's data set draw its kernels at no cost."""
    from realesrgan.data import realesrgan_dataset as upstream

    kernels = upstream.circular_lowpass_kernel, upstream.random_mixed_kernels
    upstream.circular_lowpass_kernel = lambda cutoff, size, pad_to=0: np.zeros((pad_to or size,) * 2)
    upstream.random_mixed_kernels = lambda kinds, probs, size, *rest, **named: np.zeros((size, size))
    try:
        yield
    finally:
        upstream.circular_lowpass_kernel, upstream.random_mixed_kernels = kernels


def _upstream(paths: list[Path], *, use_kernels: bool) -> Sample:
    """`RealESRGANDataset.__getitem__` on the same files, with kernels of zero cost if asked."""
    dataset = upstream_dataset(paths)
    if use_kernels:
        return lambda step: dataset[step % NUM_FILES]

    def sample(step: int) -> object:
        with without_kernels():
            return dataset[step % NUM_FILES]

    return sample


def _upstream_options(root: Path, meta_info: Path) -> dict[str, object]:
    settings = DegradationSettings()
    return {
        "dataroot_gt": str(root), "meta_info": str(meta_info), "io_backend": {"type": "disk"}, "gt_size": 256,
        "use_hflip": True, "use_rot": True, "final_sinc_prob": settings.final_sinc_prob,
        **_stage_options(settings.first, ""), **_stage_options(settings.second, "2"),
    }  # fmt: skip


def _stage_options(stage: StageSettings, suffix: str) -> dict[str, object]:
    return {
        f"blur_kernel_size{suffix}": 21, f"kernel_list{suffix}": list(stage.kernel_types),
        f"kernel_prob{suffix}": list(stage.kernel_probs), f"sinc_prob{suffix}": stage.sinc_prob,
        f"blur_sigma{suffix}": list(stage.blur_sigma_range), f"betag_range{suffix}": list(stage.betag_range),
        f"betap_range{suffix}": list(stage.betap_range),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
