"""Print the hash of each preset's LQ pictures in float64: run by itself, under other threads and instruction sets."""

import hashlib
import json
import sys

import numpy as np
import torch

from realesrgan_arch.degradation.pipeline import degrade
from realesrgan_arch.degradation.presets import PRESETS, PresetName
from realesrgan_arch.degradation.recipe import draw_recipe

RECIPES = 6


def whole_levels(dtype: torch.dtype) -> torch.Tensor:
    """Return a picture (1, 3, 120, 136) of whole levels, flat and steep: means of its pixels are often exact halves."""
    generator = np.random.default_rng(0)
    coarse = np.kron(generator.integers(0, 256, (3, 15, 17)), np.ones((8, 8), int))
    levels = np.clip(coarse + generator.integers(-9, 10, coarse.shape), 0, 255)
    return torch.from_numpy(levels)[None].to(dtype) / 255


def lq_hashes(dtype: torch.dtype) -> dict[str, str]:
    """Return the SHA-256 of six LQ pictures for each preset."""
    return {name: _hash_of(name, whole_levels(dtype)) for name in PRESETS}


def _hash_of(name: PresetName, gt: torch.Tensor) -> str:
    recipes = [draw_recipe(PRESETS[name], seed=1, step=step, batch_size=1) for step in range(RECIPES)]
    lqs = [degrade(gt, recipe, scale=4).mul(255).round().to(torch.uint8) for recipe in recipes]
    return hashlib.sha256(torch.stack(lqs).numpy().tobytes()).hexdigest()


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    sys.stdout.write(json.dumps(lq_hashes(getattr(torch, sys.argv[2]))))
