"""How far what a runtime gives is from what the source gives."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from realesrgan_arch.errors import EXIT_CHECK_FAILED
from realesrgan_arch.seeding import Stream, numpy_generator
from realesrgan_arch.upscaling.export.formats import Format, Runtime
from realesrgan_arch.upscaling.export.source import ExportError, Source, run_network

SIZES = ((2, 27, 35), (1, 33, 47), (1, 61, 18))
"""Pictures at once, height and width: not square, and none is a size that the exporters saw. Networks that fold their
input (scales 1 and 2 of RRDBNet) get the next multiples, which are even."""
Example = tuple[np.ndarray, np.ndarray]
"""Pictures (B, 3, H, W) in [0, 1], and what the source makes of them."""
_NOISE = 0.1
_COARSE = 6


class NotTheSameError(ExportError):
    """A file whose pictures are not those of the source."""

    exit_code = EXIT_CHECK_FAILED


class NotReadableError(ExportError):
    """A file that its runtime cannot read or run."""

    exit_code = EXIT_CHECK_FAILED


@dataclass(frozen=True)
class Check:
    """What one runtime gave for the files of one format; pictures lie in [0, 1]."""

    format: str
    runtime: str
    max_abs: float
    mean_abs: float
    tolerance: float

    def facts(self) -> dict[str, object]:
        """Return the numbers, also in levels of 255."""
        return {**asdict(self), "max_levels": 255 * self.max_abs, "mean_levels": 255 * self.mean_abs}


def sizes_for(multiple: int) -> list[tuple[int, int, int]]:
    """Return pictures at once, height and width, the sides rounded up to what the network takes."""

    def rounded(side: int) -> int:
        return -(-side // multiple) * multiple

    return [(count, rounded(height), rounded(width)) for count, height, width in SIZES]


def make_examples(source: Source) -> tuple[Example, ...]:
    """Return pictures of every size with what the source network makes of them."""
    drawn = draw_pictures(source.multiple)
    return tuple((one, run_network(source.network, torch.from_numpy(one)).numpy()) for one in drawn)


def check(one: Format, runtime: Runtime, path: Path, examples: Sequence[Example]) -> Check:
    """Compare what `runtime` makes of the file at `path` with what the source network makes of the same pictures.

    Raises:
        NotTheSameError: it differs by more than its tolerance.
        NotReadableError: the runtime cannot read or run it.
    """
    results = _run_all(one, runtime, path, examples)
    errors = [_difference(given, expected, runtime) for given, (_, expected) in zip(results, examples, strict=True)]
    maximum = max(float(error.max()) for error in errors)
    mean = float(np.concatenate([error.ravel() for error in errors]).mean())
    if not maximum <= runtime.tolerance:  # NaN, too
        raise NotTheSameError(
            f"--to {one.name}: {runtime.name} gives pictures that differ from the source's by {maximum:.2g} (of 1; at "
            f"most {runtime.tolerance:g} is allowed), so nothing is written; leave {one.name} out and report this"
        )
    return Check(one.name, runtime.name, maximum, mean, runtime.tolerance)


def _run_all(one: Format, runtime: Runtime, path: Path, examples: Sequence[Example]) -> list[np.ndarray]:
    try:
        run = runtime.open(path)
        return [run(pictures) for pictures, _ in examples]
    except Exception as error:  # the faults of the runtimes have no other base in common
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise NotReadableError(
            f"--to {one.name}: {runtime.name} cannot read the file that was written ({reason}), so nothing is written; "
            f"leave {one.name} out and report this"
        ) from error


def _difference(given: np.ndarray, expected: np.ndarray, runtime: Runtime) -> np.ndarray:
    if given.shape != expected.shape:
        raise NotTheSameError(
            f"{runtime.name} gives pictures of the shape {given.shape}, expected {expected.shape}: nothing is written"
        )
    return np.abs(given.astype(np.float64) - expected)


def draw_pictures(multiple: int) -> Iterator[np.ndarray]:
    """Yield smooth shapes with noise on them, float32 (B, 3, H, W) in [0, 1]: the same in every run."""
    for index, (count, height, width) in enumerate(sizes_for(multiple)):
        generator = numpy_generator(0, Stream.EXPORT, index)
        coarse = generator.random((count * 3, _COARSE, _COARSE), dtype=np.float32)
        smooth = np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in coarse])
        noise = generator.normal(0, _NOISE, smooth.shape).astype(np.float32)
        yield np.clip(smooth + noise, 0, 1).reshape(count, 3, height, width)
