"""The time of a run, guessed from a tile: by input pixels, and without what is paid for once."""

from pathlib import Path

import pytest
import torch

from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.job import Job, RunPlan
from realesrgan_arch.upscaling.rate import estimated_rate
from tests.upscaling.folder_run import Repeat


class Clock:
    """The first tile takes 100 seconds, the second one 2."""

    def __init__(self):
        self.now, self.costs = 0.0, [100.0, 2.0]

    def __call__(self):
        return self.now


def test_the_rate_is_that_of_the_second_tile_in_megapixels_of_the_results():
    clock = Clock()

    class Slow(Repeat):
        def forward(self, x):
            clock.now += clock.costs.pop(0)
            return super().forward(x)

    backend = TorchBackend(Slow(), scale=2, device=torch.device("cpu"))
    plan = RunPlan((Job(Path("a.png"), Path("b.png"), (64, 640), (192, 1920)),))
    rate = estimated_rate(plan, backend, clock=clock)
    assert plan.output_megapixels / rate == pytest.approx(10 * 2)  # ten tiles


def test_without_jobs_there_is_no_rate():
    with pytest.raises(ValueError, match="at least one job"):
        estimated_rate(RunPlan(()), TorchBackend(Repeat(), scale=2, device=torch.device("cpu")))
