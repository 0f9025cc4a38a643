"""Small models for tests: a few thousand parameters, no files."""

from pathlib import Path

import torch

from realesrgan_arch.degradation.pair_pool import PairPool
from realesrgan_arch.degradation.settings import DegradationSettings
from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.pixel import PixelLoss
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.networks.build import build_discriminator, build_generator
from realesrgan_arch.networks.spec import CompactSpec, DiscriminatorSpec, UNetDiscriminatorSpec
from realesrgan_arch.training.ema import Ema
from realesrgan_arch.training.freezing import plan_freezing
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.players import Player, SharpenedTargets, StepRules
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.schedule import ConstantSchedule
from realesrgan_arch.training.synthesis import PairSynthesis
from realesrgan_arch.training.validation import ScoreRules

GT_SIZE = 32


def player(network: torch.nn.Module, patterns: str | list[str], *, rate: float = 1e-3) -> Player:
    plan = plan_freezing(network, patterns, key="test")
    plan.apply(network)
    parameters = plan.trainable_parameters(network)
    return Player(network, plan, torch.optim.Adam(parameters, lr=rate) if parameters else None)


def small_model(
    root: Path,
    *,
    train_g: str | list[str] = "all",
    train_d: str | list[str] | None = "all",
    network_d: DiscriminatorSpec | None = None,
    paired: bool = False,
    pool: int = 4,
    ema_decay: float = 0.9,
    losses: Losses | None = None,
    **rules: object,
) -> FineTuneModel:
    """A compact generator against a small U-Net or `network_d`; `train_d` None leaves the discriminator out."""
    torch.manual_seed(0)
    generator = player(build_generator(CompactSpec(num_feat=8, num_conv=2)), train_g)
    judge = network_d or UNetDiscriminatorSpec(num_feat=4)
    discriminator = None if train_d is None else player(build_discriminator(judge), train_d)
    settings = DegradationSettings()
    synthesis = PairSynthesis(settings, scale=4, gt_size=GT_SIZE, seed=0, pool=PairPool(pool) if pool else None)
    return FineTuneModel(
        generator=generator,
        discriminator=discriminator,
        ema=Ema(generator.network, trainable=generator.plan.trainable, decay=ema_decay) if ema_decay else None,
        losses=losses or Losses(PixelLoss(), None, AdversarialLoss() if train_d is not None else None),
        synthesis=None if paired else synthesis,
        sharpened=SharpenedTargets(),
        rules=StepRules(ConstantSchedule(), base_rate_g=1e-3, base_rate_d=1e-3, **rules),
        score_rules=ScoreRules(),
        device=torch.device("cpu"),
        dtype=torch.float32,
        run_folder=RunFolder(root),
    )


def batch(step: int, *, size: int = 2, side: int = 48) -> dict[str, object]:
    generator = torch.Generator().manual_seed(step)
    smooth = torch.rand(size, 3, side // 8, side // 8, generator=generator)
    image = torch.nn.functional.interpolate(smooth, size=(side, side), mode="bilinear")
    return {"gt": (image * 255).to(torch.uint8), "failed_path": [""] * size}


def run_steps(model: FineTuneModel, first: int, last: int, **shape: int) -> None:
    for step in range(first, last + 1):
        model.update_learning_rate(step)
        model.feed_data(batch(step, **shape))
        model.optimize_parameters(step)


def tensors(model: FineTuneModel) -> dict[str, torch.Tensor]:
    named = {f"g.{k}": v.clone() for k, v in model.generator.network.state_dict().items()}
    if model.discriminator is not None:
        named |= {f"d.{k}": v.clone() for k, v in model.discriminator.network.state_dict().items()}
    if model.ema is not None:
        named |= {f"ema.{k}": v.clone() for k, v in model.ema.network.state_dict().items()}
    return named
