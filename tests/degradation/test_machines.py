"""In float64 the LQ pictures are the same bytes on every machine: what a frozen set's hash rests on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from realesrgan_arch.degradation.operators import blur, round_halves_up
from realesrgan_arch.degradation.pipeline import degrade
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.degradation.recipe import draw_recipe
from tests.degradation.lq_hashes import lq_hashes, whole_levels

ROOT = Path(__file__).parents[2]
STORED = {
    "full": "890376bdc70a94079b37a62d5b965f2ebccae4f3ed35cd6382b96b3d7445b99e",
    "medium": "2a641d15d5fb70973b5940ce029dc35707cf00edbca9ded974acf3fd31a9556d",
    "mild": "9f4f38373e80b0c3de4a7c03f299b279cf8c831b71d20e4792da55919a7a2491",
    "bicubic": "7f39215be08ba1a464b218c83b29e90b5993dff9e86d77ad0ac591ada9c737bd",
    "camera-jpeg": "9f6e619f745b65e418494070e201e17db95c1bc41c1cf36df71b8c78efcb6bc0",
}
OLD_CPU = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F",
}
"""Torch, oneDNN, MKL and the C library, each without the instructions of the last fifteen years."""


def hashes_elsewhere(*, threads: int, dtype: str, **environment: str) -> dict[str, str]:
    command = [sys.executable, "-m", "tests.degradation.lq_hashes", str(threads), dtype]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=True, capture_output=True)
    return json.loads(done.stdout)


def test_the_lq_pictures_have_the_stored_hashes():
    assert lq_hashes(torch.float64) == STORED


@pytest.mark.parametrize(
    ("threads", "environment"), [(1, OLD_CPU), (3, {"ATEN_CPU_CAPABILITY": "avx2"})], ids=["old_cpu", "threads"]
)
def test_other_threads_and_instruction_sets_change_nothing(threads, environment):
    assert hashes_elsewhere(threads=threads, dtype="float64", **environment) == STORED


def test_halves_go_up_however_the_sum_was_rounded():
    halves = torch.tensor([0.5, 1.5, 2.5, -0.5], dtype=torch.float64)
    for error in (-1e-12, 0.0, 1e-12):
        assert round_halves_up(halves + error).tolist() == [1, 2, 3, 0]
    assert round_halves_up(torch.tensor([0.49999, -0.50001], dtype=torch.float64)).tolist() == [0, -1]
    assert round_halves_up(halves.float()).tolist() == [0, 2, 2, 0]


@pytest.mark.parametrize(("taps", "size"), [(21, (37, 52)), (3, (8, 9)), (1, (5, 5)), (21, (6, 7))])
def test_the_blur_in_float64_is_that_in_float32(taps, size):
    generator = torch.Generator().manual_seed(3)
    image, kernels = torch.rand(2, 3, *size, generator=generator), torch.rand(2, taps, taps, generator=generator)
    kernels /= kernels.sum((1, 2), keepdim=True)
    exact = blur(image.double(), kernels.double())
    assert exact.dtype == torch.float64
    torch.testing.assert_close(exact.float(), blur(image, kernels), atol=2e-6, rtol=0)


@pytest.mark.parametrize("name", ["medium", "mild", "camera-jpeg"])
def test_float64_gives_what_training_sees_up_to_a_level_here_and_a_block_there(name):
    preset = PRESETS[name]
    for step in range(6):
        recipe = draw_recipe(preset, seed=2, step=step, batch_size=1)
        if "gaussian" in (recipe.first.noise, recipe.second.noise):
            continue  # Other numbers of the same law.
        exact, usual = (degrade(whole_levels(dtype), recipe, scale=4) for dtype in (torch.float64, torch.float32))
        if "poisson" not in (recipe.first.noise, recipe.second.noise):
            assert ((exact - usual).abs() * 255 > 1.5).float().mean() < 0.05
        assert (exact.mean() - usual.mean()).abs() < 0.01
