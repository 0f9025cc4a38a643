"""Samples a second from whole PNGs, a manifest, a meta_info list, tiles and an LMDB, next to upstream's data set.

Every source holds the same photographs: PNG files of 2 megapixels, and tiles of 480 that are cut from them. Upstream is
`RealESRGANDataset` on the same whole PNG files, as its options have it, and once more with kernels of zero cost: it
draws its three blur kernels in the same call, ours are drawn with the recipe. A sample is a crop of 400 x 400, which is
fixed upstream. Rounds are interleaved and medians are compared; then the same through a DataLoader.

    python scripts/benchmarks/data_sources.py [--megapixels 2] [--files 8] [--rounds 15] [--photos FOLDER]
"""

import argparse
import hashlib
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from realesrgan_arch.data.assembly import build_training_set
from realesrgan_arch.data.files import list_images
from realesrgan_arch.data.lmdb_store import write_lmdb
from realesrgan_arch.data.manifest import ManifestRow, write_manifest
from realesrgan_arch.data.sampler import StepSampler
from realesrgan_arch.data.tile_grid import TileSettings
from realesrgan_arch.data.tiles import make_tiles
from realesrgan_arch.images import read_rgb, read_size, write_image
from realesrgan_arch.options.datasets import TrainDataset
from scripts.benchmarks.dataset_sample import draw_photograph, upstream_dataset, without_kernels

CROP = 400
BATCH = 4
UPSTREAM, BARE = "upstream, whole PNG", "upstream without kernels"


def main(argv: Sequence[str]) -> int:
    """Measure and print; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, default=2.0)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=15, help="times that each source is asked for one batch")
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/photos"), help="drawn ones where absent")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    print(f"{platform.processor() or platform.machine()}, OpenCV {cv2.__version__}, crop {CROP}, batch {BATCH}")
    with tempfile.TemporaryDirectory() as folder:
        kind = _write_photographs(Path(folder) / "whole", arguments)
        sets = _our_sets(Path(folder))
        upstream = upstream_dataset(list_images(Path(folder) / "whole"))
        print(f"{arguments.files} {kind} photographs of {arguments.megapixels:g} megapixels; {_sizes(Path(folder))}\n")
        _print("samples", _time_samples(sets, upstream, rounds=arguments.rounds))
        for num_workers in (0, 2):
            rates = _time_loaders({**sets, UPSTREAM: upstream}, num_workers=num_workers, rounds=arguments.rounds)
            _print(f"DataLoader, {num_workers} workers", rates)
    return 0


def _write_photographs(folder: Path, arguments: argparse.Namespace) -> str:
    """Write PNGs of the wanted size and say of which kind they are."""
    wanted = int(arguments.megapixels * 1e6)
    height = round((wanted / 1.5) ** 0.5)
    width = round(height * 1.5)
    found = list_images(arguments.photos) if arguments.photos.is_dir() else []
    large = [path for path in found if min(read_size(path)) >= height and max(read_size(path)) >= width]
    for index in range(arguments.files):
        if len(large) >= arguments.files:
            pixels = read_rgb(large[index * len(large) // arguments.files])
            pixels = pixels if pixels.shape[1] > pixels.shape[0] else np.ascontiguousarray(pixels.swapaxes(0, 1))
            # The middle, at its own sharpness: a shrunk photograph has more detail in a pixel.
            top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
            pixels = np.ascontiguousarray(pixels[top : top + height, left : left + width])
        else:
            pixels = draw_photograph(index, arguments.megapixels)
        write_image(folder / f"{index}.png", pixels)
    return "real" if len(large) >= arguments.files else "drawn"


def _our_sets(folder: Path) -> dict[str, Dataset]:
    whole, tiles = folder / "whole", folder / "tiles"
    whole_rows = [_row(path) for path in list_images(whole)]
    tile_rows = make_tiles(whole_rows, whole, tiles, TileSettings()).rows
    write_lmdb(whole_rows, whole, folder / "whole.lmdb")
    write_lmdb(tile_rows, tiles, folder / "tiles.lmdb")
    write_manifest(whole_rows, folder / "whole.csv")
    write_manifest(tile_rows, folder / "tiles.csv")
    lmdb = {"io_backend": {"type": "lmdb"}}
    sources: dict[str, dict[str, object]] = {
        "whole PNG, folder": {"dataroot_gt": whole},
        "whole PNG, manifest": {"dataroot_gt": whole, "manifest": folder / "whole.csv"},
        "whole PNG, meta_info": {"dataroot_gt": whole, "meta_info": folder / "whole.lmdb/meta_info.txt"},
        "whole PNG, LMDB": {"dataroot_gt": folder / "whole.lmdb", **lmdb},
        "tiles, folder": {"dataroot_gt": tiles},
        "tiles, manifest": {"dataroot_gt": tiles, "manifest": folder / "tiles.csv"},
        "tiles, LMDB": {"dataroot_gt": folder / "tiles.lmdb", **lmdb},
    }
    common: dict[str, object] = {"type": "GtDataset", "batch_size_per_gpu": BATCH, "crop_size": CROP, "use_rot": True}
    return {
        name: build_training_set(TrainDataset.model_validate({**common, **source}), scale=4, gt_size=None, seed=0)
        for name, source in sources.items()
    }


def _row(path: Path) -> ManifestRow:
    width, height = read_size(path)
    data = path.read_bytes()
    return ManifestRow(path.name, path.stem, "train", width, height, len(data), hashlib.sha256(data).hexdigest())


def _time_samples(sets: dict[str, Dataset], upstream: Dataset, *, rounds: int) -> dict[str, float]:
    """Samples a second of each source, asked for one batch after another; the first round does not count."""
    asked: dict[str, Callable[[int], object]] = {
        name: (lambda step, dataset=dataset: [dataset[request] for request in _batch(dataset, step)])
        for name, dataset in sets.items()
    }

    def ask_upstream(step: int) -> object:
        return [upstream[(step * BATCH + slot) % len(upstream)] for slot in range(BATCH)]  # pyright: ignore[reportArgumentType]

    def ask_bare(step: int) -> object:
        with without_kernels():
            return ask_upstream(step)

    asked |= {UPSTREAM: ask_upstream, BARE: ask_bare}
    rates: dict[str, list[float]] = {name: [] for name in asked}
    for step in range(rounds + 1):
        for name, ask in asked.items():
            start = time.perf_counter()
            ask(step)
            rates[name].append(BATCH / (time.perf_counter() - start))
    return {name: statistics.median(values[1:]) for name, values in rates.items()}


def _batch(dataset: Dataset, step: int) -> list[object]:
    return list(next(iter(StepSampler(len(dataset), BATCH, 0, step, 1))))  # pyright: ignore[reportArgumentType]


def _time_loaders(sets: dict[str, Dataset], *, num_workers: int, rounds: int) -> dict[str, float]:
    """Samples a second through a DataLoader with its workers warm; loaders take turns with a few batches each."""
    num_batches = 8 * rounds
    streams = {}
    for name, dataset in sets.items():
        sampler = StepSampler(len(dataset), BATCH, 0, 0, num_batches)  # pyright: ignore[reportArgumentType]
        batches = sampler if name != UPSTREAM else [[request.index for request in batch] for batch in sampler]
        streams[name] = (dataset, batches)
    rates: dict[str, list[float]] = {name: [] for name in sets}
    for _ in range(3):
        for name, (dataset, batches) in streams.items():
            loader = iter(DataLoader(dataset, batch_sampler=batches, num_workers=num_workers))
            for _ in range(2 + 2 * num_workers):
                next(loader)
            start, wanted = time.perf_counter(), 2 * rounds
            for _ in range(wanted):
                next(loader)
            rates[name].append(wanted * BATCH / (time.perf_counter() - start))
            del loader
    return {name: statistics.median(values) for name, values in rates.items()}


def _sizes(folder: Path) -> str:
    def mean_kib(name: str) -> float:
        return statistics.mean(path.stat().st_size for path in (folder / name).rglob("*.png")) / 2**10

    return f"{mean_kib('whole'):.0f} KiB a PNG, {mean_kib('tiles'):.0f} KiB a tile"


def _print(title: str, rates: dict[str, float]) -> None:
    print(title)
    for name, rate in rates.items():
        against = f"{rate / rates[UPSTREAM]:6.2f}x upstream"
        against += f" {rate / rates[BARE]:6.2f}x without kernels" if BARE in rates else ""
        print(f"  {name:<26}{rate:8.1f} samples/s {against}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
