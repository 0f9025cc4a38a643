"""Who takes part in a training step, and by which rules."""

from dataclasses import dataclass

import torch
from torch import nn

from realesrgan_arch.training.freezing import FreezePlan
from realesrgan_arch.training.schedule import Schedule


@dataclass
class Player:
    """One network of the game with its plan and optimiser (`None` when nothing of it trains)."""

    network: nn.Module
    plan: FreezePlan
    optimizer: torch.optim.Optimizer | None


@dataclass(frozen=True)
class SharpenedTargets:
    """Which losses see the USM-sharpened ground truth (xinntao/Real-ESRGAN's `*_gt_usm` switches)."""

    pixel: bool = True
    perceptual: bool = True
    adversarial: bool = False


@dataclass(frozen=True)
class StepRules:
    """Numbers that steer a step."""

    schedule: Schedule
    base_rate_g: float
    base_rate_d: float
    warmup_steps: int = -1
    accumulate: int = 1
    """Each batch is worked off in so many parts: the same gradient for less memory."""
    discriminator_every: int = 1
    """The generator steps once in so many discriminator steps (BasicSR's `net_d_iters`)."""
    discriminator_first: int = 0
    """The generator waits for the first so many steps of the game (BasicSR's `net_d_init_iters`)."""
    clip_norm: float | None = None
    """The gradient of each network is made at most so long; None leaves it as it is."""
