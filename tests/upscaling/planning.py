"""Small pictures and plans for the tests of this room."""

from pathlib import Path
from typing import Any

import numpy as np

from realesrgan_arch.images import write_image
from realesrgan_arch.upscaling.job import RunPlan
from realesrgan_arch.upscaling.manifest import Manifest
from realesrgan_arch.upscaling.run_plan import plan_run
from realesrgan_arch.upscaling.sources import find_sources

SETTINGS = {"outscale": 2.0, "ext": "auto"}


def photo(path: Path, size: tuple[int, int] = (6, 8), value: int | None = None) -> Path:
    """Write a picture of `size` (height, width): noise that depends on the name, or one value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(path.name)).integers(0, 255, (*size, 3), endpoint=True, dtype=np.uint8)
    write_image(path, pixels if value is None else np.full_like(pixels, value))
    return path


def plan(source: Path, output: Path, *, from_list: Path | None = None, model: str = "m", **how: Any) -> RunPlan:
    """Plan at scale 2; what is in the way is replaced unless `overwrite=False`."""
    sources = find_sources(source, output, from_list=from_list)
    manifest = Manifest(output, root=sources.root, model_sha256=model, settings=how.pop("settings", SETTINGS))
    return plan_run(sources, **{"output_size": twice, "manifest": manifest, "overwrite": True, **how})


def twice(size: tuple[int, int]) -> tuple[int, int]:
    return 2 * size[0], 2 * size[1]


def names(run: RunPlan, output: Path) -> list[str]:
    """The results of the jobs, relative to `output`."""
    return [job.target.relative_to(output).as_posix() for job in run.jobs]
