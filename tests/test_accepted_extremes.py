"""What the rules of an option file accept at their edges has its memory told, and can be tried in small."""

from pathlib import Path

import pytest
import torch

from realesrgan_arch import dry_run
from realesrgan_arch.basicsr_bridge import from_basicsr, to_basicsr
from realesrgan_arch.networks.spec import LEAST_FOR_BATCH_NORM
from realesrgan_arch.options.load import OptionsError, parse_options
from realesrgan_arch.options.loss_rules import LEAST_SIDES, WIDEST_WINDOW
from realesrgan_arch.training.memory import MemoryModel
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.trainable_choices import own_choice
from tests.tiny_run import tiny_options

STEPS = 10
SMALLEST_JUDGE = {"network_d": {"type": "SRGANDiscriminator", "num_feat": 4, "input_size": 16}}
SRRESNET = {"network_g": {"type": "SRResNet", "num_feat": 4, "num_block": 1}}
BASE = {"path": {"pretrain_network_g": "base.pth"}}
PENALTY = {"gan_opt": {"gan_type": "wgan", "gradient_penalty": 10}}


def _options(gt_size: int, further: dict, losses: dict):
    mapping = tiny_options(Path("photos"), Path("runs"), gan=True, steps=STEPS)
    train = mapping["train"] | losses
    train["gan_opt"] = {"type": "GANLoss"} | train["gan_opt"]
    mapping |= {"gt_size": gt_size, "train": train, **further}
    return parse_options(mapping)


@pytest.mark.parametrize(
    ("gt_size", "further", "losses"),
    [
        (48, {}, {"ldl_opt": {"window": WIDEST_WINDOW}}),
        (16, {}, {"ldl_opt": {"window": 15}}),
        (16, SMALLEST_JUDGE, {"ldl_opt": {"window": 15}}),
        (16, SMALLEST_JUDGE, {"gan_opt": {"relativistic": True}}),
        (16, SMALLEST_JUDGE, PENALTY),
        (16, SMALLEST_JUDGE | SRRESNET, {}),
        (8, {}, {"perceptual_opt": {"layer_weights": {"conv4_4": 1}}}),
        (16, SMALLEST_JUDGE, {"perceptual_opt": {"layer_weights": {"relu5_4": 1}}}),
        (32, {}, {"perceptual_opt": {"layer_weights": {"pool5": 1}}}),
        (LEAST_SIDES["squeeze"], {}, {"lpips_opt": {"net": "squeeze"}}),
        (LEAST_SIDES["vgg"], SMALLEST_JUDGE, {"dists_opt": {}}),
        (32, {}, {"feature_opt": {"weights": "perceptual"}}),
        (16, SMALLEST_JUDGE, {"feature_opt": {"weights": "perceptual", "layer_weights": {"conv4_1": 1}}}),
        (32, {}, {"gan_opt": {"start_iter": STEPS - 1, "ramp_iter": 10**6}, "net_d_init_iters": 10**6}),
        (32, BASE, {"base_opt": {"on": "outputs"}, "ema_decay": 0}),
    ],
    ids=str,
)
def test_an_extreme_that_is_accepted_can_be_planned_and_tried(gt_size, further, losses, tmp_path) -> None:
    options = _options(gt_size, further, losses)
    choice = own_choice(options.network_g, ("all",))
    at_once = LEAST_FOR_BATCH_NORM
    found = MemoryModel(options).predict(choice, checkpointing=False, at_once=at_once, dtype=torch.float32)
    assert found.total > 0
    small = dry_run._in_small(options, tmp_path)
    assert from_basicsr(to_basicsr(small, run_folder=RunFolder(tmp_path))).train is not None


@pytest.mark.parametrize(
    ("gt_size", "losses", "text"),
    [
        (
            48,
            {"ldl_opt": {"window": WIDEST_WINDOW + 2}},
            "window: expected an odd number between 3 and 31, got 33",
        ),
        (8, {"perceptual_opt": {"layer_weights": {"conv5_1": 1}}}, "gt_size: expected at least 16 with VGG19's layer"),
        (16, {"perceptual_opt": {"layer_weights": {"pool5": 1}}}, "gt_size: expected at least 32 with VGG19's layer"),
        (16, {"lpips_opt": {"net": "squeeze"}}, "gt_size: expected at least 32 with train.lpips_opt"),
        (16, {"feature_opt": {"weights": "x"}}, "gt_size: expected at least 32 with train.feature_opt's layer conv5_1"),
        (32, {"gan_opt": {"start_iter": STEPS}}, "train.gan_opt.start_iter: expected less than train.total_iter"),
        (32, {"base_opt": {}}, "path.pretrain_network_g: this key is required by train.base_opt"),
    ],
)
def test_one_more_is_refused(gt_size, losses, text) -> None:
    with pytest.raises(OptionsError, match=text):
        _options(gt_size, {}, losses)
