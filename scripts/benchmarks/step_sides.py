"""The two sides of `train_step.py`: our training step and upstream's own, from the same weights and options."""

import copy
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch import Tensor, nn

from realesrgan_arch.basicsr_shims import import_shims
from realesrgan_arch.degradation.pipeline import build_kernels
from realesrgan_arch.degradation.recipe import draw_recipe
from realesrgan_arch.degradation.settings import DegradationSettings, StageSettings
from realesrgan_arch.networks.build import build_discriminator, build_generator
from realesrgan_arch.networks.spec import RRDBNetSpec, UNetDiscriminatorSpec
from realesrgan_arch.networks.vgg19 import VGG19Features
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.training.assembly import assemble_model
from realesrgan_arch.training.run_folder import RunFolder

SCALE = 4
SETTINGS = DegradationSettings()
ADAM = {"type": "Adam", "lr": 1e-4, "weight_decay": 0, "betas": [0.9, 0.99]}
LAYER_WEIGHTS = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}
PARTS = ("degrade", "G forward", "VGG", "backward", "D", "optimiser", "EMA")
Log = dict[str, float]


@dataclass(frozen=True)
class Case:
    """What is trained, and how large."""

    trainable: str
    gan: bool
    blocks: int
    feat: int
    feat_d: int
    gt_size: int
    crop_size: int
    batch: int
    device: str
    weights: str
    """Folder with `g.pth`, `d.pth` and `vgg.pth`."""


class Stopwatch:
    """Adds up seconds by part; the device is waited for at both ends of each, so the whole is slower than a step."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.seconds = dict.fromkeys(PARTS, 0.0)

    def wrap(self, part: str | Callable[[], str], function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` timed as `part`."""

        def timed(*args: object, **kwargs: object) -> object:
            name = part if isinstance(part, str) else part()
            wait_for_device()
            start = self._clock()
            result = function(*args, **kwargs)
            wait_for_device()
            self.seconds[name] += self._clock() - start
            return result

        return timed


@dataclass
class Side:
    """One way to run a step.

    Attributes:
        feed: takes a batch of ground truth and makes pairs of it.
        pair: takes a pair as it is, for the comparison of the losses.
        optimize: runs a step and returns the losses as tensors.
        timed: the methods to time, as (owner, name, part).
        judge: the discriminator; a backward pass while it learns counts as its own.
    """

    feed: Callable[[dict[str, Tensor], int], None]
    pair: Callable[[Tensor, Tensor], None]
    optimize: Callable[[int], Mapping[str, Tensor]]
    timed: list[tuple[Any, str, str]]
    judge: nn.Module | None = None
    extra: dict[str, str] = field(default_factory=dict)

    def step(self, batch: dict[str, Tensor], number: int) -> Mapping[str, Tensor]:
        """Run a whole step."""
        self.feed(batch, number)
        return self.optimize(number)

    @contextmanager
    def watched(self, watch: Stopwatch) -> Iterator[None]:
        """Time the parts within the block."""
        judge = self.judge
        learns = lambda: judge is not None and any(p.requires_grad for p in judge.parameters())  # noqa: E731
        places = [*self.timed, (torch.Tensor, "backward", lambda: "D" if learns() else "backward")]
        plain = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
        for owner, name, part in places:
            setattr(owner, name, watch.wrap(part, getattr(owner, name)))
        try:
            yield
        finally:
            for owner, name, method in plain:
                setattr(owner, name, method)


def wait_for_device() -> None:
    """Wait until a GPU has done all that it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def write_weights(folder: Path, *, blocks: int, feat: int, feat_d: int) -> None:
    """Write the weights that both sides start from; VGG's are random but of realistic size."""
    torch.manual_seed(0)
    generator = build_generator(RRDBNetSpec(num_block=blocks, num_feat=feat, num_grow_ch=feat // 2)).state_dict()
    torch.save({"params": generator, "params_ema": generator}, folder / "g.pth")
    torch.save({"params": build_discriminator(UNetDiscriminatorSpec(num_feat=feat_d)).state_dict()}, folder / "d.pth")
    yardstick = VGG19Features(["conv5_4"])
    for layer in yardstick.features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    torch.save(yardstick.state_dict(), folder / "vgg.pth")


def build_ours(case: Case, *, precision: str, compiled: str = "none") -> Side:
    """Return our step as `train.py` would run it."""
    mapping = _our_options(case) | {"precision": precision}
    if compiled != "none":
        mapping["train"]["compile"] = compiled
    model = assemble_model(parse_options(mapping), run_folder=RunFolder(Path(case.weights) / "run"))
    g, d = model.generator, model.discriminator
    timed = [(g.network, "forward", "G forward"), (model, "feed_data", "degrade"), (model, "_targets", "degrade")]
    timed += [(model.game.losses.perceptual.network, "forward", "VGG"), (model.ema, "update", "EMA")]
    timed += [(player.optimizer, "step", "optimiser") for player in (g, d) if player and player.optimizer]
    timed += [(d.network, "forward", "D")] if d else []

    def feed(batch: dict[str, Tensor], number: int) -> None:
        model.update_learning_rate(number)
        model.feed_data(batch)

    def pair(lq: Tensor, gt: Tensor) -> None:
        model.feed_data({"lq": lq, "gt": gt})

    def optimize(number: int) -> Mapping[str, Tensor]:
        model.optimize_parameters(number)
        return model.numbers.losses

    return Side(feed, pair, optimize, timed, d.network if d else None, {"precision": str(model.dtype)[6:]})


def build_upstream(case: Case, *, tuned: bool = False) -> Side:
    """Return upstream's own model class; `tuned` adds channels-last and bf16 autocast around its step."""
    model = _upstream_model(case)
    networks = [model.net_g, *([model.net_d] if case.gan else [])]
    optimizers = [model.optimizer_g, *([model.optimizer_d] if case.gan else [])]
    timed = [(model.net_g, "forward", "G forward"), (model, "feed_data", "degrade"), (model, "model_ema", "EMA")]
    timed += [(model.cri_perceptual.vgg, "forward", "VGG")]
    timed += [(optimizer, "step", "optimiser") for optimizer in optimizers]
    timed += [(model.net_d, "forward", "D")] if case.gan else []
    for network in (*networks, model.cri_perceptual) if tuned else ():
        network.to(memory_format=torch.channels_last)

    def pair(lq: Tensor, gt: Tensor) -> None:
        model.is_train = False
        model.feed_data({"lq": lq.float() / 255, "gt": gt.float() / 255})
        model.is_train = True

    def optimize(number: int) -> Mapping[str, Tensor]:
        with torch.autocast(model.device.type, torch.bfloat16, enabled=tuned):
            model.optimize_parameters(number)
        return model.log_dict

    judge = model.net_d if case.gan else None
    return Side(lambda batch, _: model.feed_data(batch), pair, optimize, timed, judge)


def draw_batch(case: Case, number: int, *, ours: bool) -> dict[str, Tensor]:
    """Return the batch of step `number` as each side's loader gives it: the same pictures, upstream with kernels."""
    generator = torch.Generator().manual_seed(number)
    coarse = torch.rand(case.batch, 3, case.crop_size // 16, case.crop_size // 16, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=(case.crop_size,) * 2, mode="bicubic").clamp(0, 1)
    grainy = (smooth + torch.randn(smooth.shape, generator=generator) * 0.02).clamp(0, 1)
    gt = (grainy * 255).round().to(torch.uint8)
    if ours:
        return {"gt": gt}
    recipe = draw_recipe(SETTINGS, seed=1, step=number, batch_size=case.batch)
    draws = {"kernel1": recipe.first.samples, "kernel2": recipe.second.samples}
    kernels = {name: _on_canvas([sample.kernel for sample in samples]) for name, samples in draws.items()}
    return {"gt": gt.float() / 255, **kernels, "sinc_kernel": _on_canvas(recipe.final_kernels)}


def _on_canvas(draws: Any) -> Tensor:
    kernels = build_kernels(draws)
    return nn.functional.pad(kernels, ((21 - kernels.shape[-1]) // 2,) * 4)


def _our_options(case: Case) -> dict[str, Any]:
    folder = Path(case.weights)
    network_g = {"type": "RRDBNet", "num_feat": case.feat, "num_block": case.blocks, "num_grow_ch": case.feat // 2}
    mapping: dict[str, Any] = {
        "name": "train_step", "model_type": "RealESRGANModel" if case.gan else "RealESRNetModel", "scale": SCALE,
        "device": case.device, "manual_seed": 0, "gt_size": case.gt_size, "queue_size": case.batch * 8,
        "l1_gt_usm": True, "percep_gt_usm": True, "gan_gt_usm": False, "network_g": network_g,
        "path": {"pretrain_network_g": str(folder / "g.pth"), "param_key_g": "params"},
        "datasets": {"train": {
            "name": "t", "type": "RealESRGANDataset", "dataroot_gt": str(folder), "crop_size": case.crop_size,
            "batch_size_per_gpu": case.batch, "io_backend": {"type": "disk"},
        }},
        "train": {
            "ema_decay": 0.999, "optim_g": dict(ADAM), "total_iter": 100000,
            "trainable": {"network_g": [case.trainable]},
            "pixel_opt": {"type": "L1Loss"}, "perceptual_opt": {
                "type": "PerceptualLoss", "layer_weights": LAYER_WEIGHTS, "weights": str(folder / "vgg.pth"),
            },
        },
    }  # fmt: skip
    if case.gan:
        mapping["network_d"] = {"type": "UNetDiscriminatorSN", "num_in_ch": 3, "num_feat": case.feat_d}
        mapping["path"]["pretrain_network_d"] = str(folder / "d.pth")
        mapping["train"] |= {
            "optim_d": dict(ADAM),
            "gan_opt": {"type": "GANLoss", "gan_type": "vanilla", "loss_weight": 0.1},
        }
    return mapping


def _upstream_options(case: Case) -> dict[str, Any]:
    mapping = copy.deepcopy(_our_options(case))
    train = mapping["train"]
    del train["perceptual_opt"]["weights"]
    train["perceptual_opt"] |= {"vgg_type": "vgg19", "perceptual_weight": 1.0, "style_weight": 0, "range_norm": False}
    train["scheduler"] = {"type": "MultiStepLR", "milestones": [10**9], "gamma": 0.1}
    mapping["network_g"] |= {"num_in_ch": 3, "num_out_ch": 3}
    mapping |= {"is_train": True, "dist": False, "num_gpu": 0 if case.device == "cpu" else 1, "rank": 0}
    mapping |= {**stage_options(SETTINGS.first, ""), **stage_options(SETTINGS.second, "2")}
    return mapping | {"second_blur_prob": SETTINGS.second.blur_prob}


def _upstream_model(case: Case) -> Any:
    import_shims()
    from basicsr.archs import vgg_arch
    from realesrgan.models import realesrgan_model, realesrnet_model
    from torchvision.models import vgg

    def random_vgg19(pretrained: bool) -> SimpleNamespace:
        del pretrained
        features = vgg.make_layers(vgg.cfgs["E"])
        state = torch.load(Path(case.weights) / "vgg.pth", weights_only=True)
        features.load_state_dict({name.removeprefix("features."): value for name, value in state.items()}, strict=False)
        return SimpleNamespace(features=features)

    vgg_arch.vgg = SimpleNamespace(vgg19=random_vgg19)
    module = realesrgan_model if case.gan else realesrnet_model
    if case.device == "cpu":  # upstream calls .cuda() on what it makes
        nn.Module.cuda = lambda self, *_: self
        Tensor.cuda = lambda self, *_: self
    module.DiffJPEG = _contiguous_jpeg(module.DiffJPEG)
    model = (module.RealESRGANModel if case.gan else module.RealESRNetModel)(_upstream_options(case))
    if case.trainable != "all":  # as YuvalMandel1's fork does: after the optimiser is built
        for name, parameter in model.net_g.named_parameters():
            parameter.requires_grad_(name.startswith(case.trainable))
    return model


def _contiguous_jpeg(base: type) -> type:
    class ContiguousJpeg(base):
        """Upstream's JPEG returns channels-last strides, with which its filter2D fails on the CPU; mend the strides."""

        def forward(self, x: Tensor, quality: Tensor) -> Tensor:
            return super().forward(x, quality).contiguous()

    return ContiguousJpeg


def stage_options(stage: StageSettings, suffix: str) -> dict[str, object]:
    """Return the keys of upstream's YAML for one pass."""
    values = {
        "resize_prob": list(stage.resize_probs),
        "resize_range": list(stage.resize_range),
        "gaussian_noise_prob": stage.gaussian_noise_prob,
        "noise_range": list(stage.noise_sigma_255_range),
        "poisson_scale_range": list(stage.poisson_scale_range),
        "gray_noise_prob": stage.gray_noise_prob,
        "jpeg_range": list(stage.jpeg_quality_range),
    }
    return {key + suffix: value for key, value in values.items()}
