"""How long a run will take, before its first picture: by one small tile."""

import time
from collections.abc import Callable

import torch

from realesrgan_arch.upscaling.backends.interface import Backend
from realesrgan_arch.upscaling.job import RunPlan

_SIDE = 64
"""Of the tile: small beside any picture, large beside what a call costs."""


def estimated_rate(plan: RunPlan, backend: Backend, *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return how many million pixels of the plan's results a second will take: a guess from two small tiles.

    The first one pays for what is done once. Larger tiles, their overlap, files and resizing are not in it.

    Raises:
        ValueError: the plan has no jobs.
    """
    if not plan.jobs:
        raise ValueError("expected at least one job")
    side = -(-_SIDE // backend.multiple) * backend.multiple
    tile = torch.zeros(1, 3, side, side, device=backend.device)
    backend.run(tile).cpu()
    began = clock()
    backend.run(tile).cpu()  # A device answers when the result is asked for.
    seconds = max(clock() - began, 1e-6)
    input_pixels = sum(job.size[0] * job.size[1] for job in plan.jobs)
    return plan.output_megapixels / (input_pixels / side**2 * seconds)
