"""Rules between the keys of the `train` section, and about what a run starts from."""

from collections.abc import Callable, Iterator

from realesrgan_arch.image_header import shown
from realesrgan_arch.options.losses import VGG19_LAYERS
from realesrgan_arch.options.problems import Problem
from realesrgan_arch.options.train import FROZEN, CosineRestartOptions
from realesrgan_arch.options.types import PLAIN_MODELS, Options
from realesrgan_arch.options.yaml_dialect import KeyPath

Problems = Iterator[Problem]
_TRAIN: KeyPath = ("datasets", "train")
LEADING_LOSSES = ("pixel_opt", "perceptual_opt", "lpips_opt", "dists_opt", "feature_opt")
"""Keys of the losses that lead a generator to the ground truth without an adversary."""


def adversary_is_whole(options: Options) -> Problems:
    """A discriminator, its loss and its optimiser come together or not at all."""
    train = options.train
    if train is None:
        return
    has_network, has_loss = options.network_d is not None, train.gan_opt is not None
    reads: tuple[KeyPath, ...] = (("network_d",), ("train", "gan_opt"), ("model_type",))
    if options.model_type in PLAIN_MODELS and (has_network or has_loss):
        path: KeyPath = ("network_d",) if has_network else ("train", "gan_opt")
        text = f"{options.model_type} trains without a discriminator; remove network_d and train.gan_opt, or choose "
        yield Problem(path, text + "model_type: RealESRGANModel", reads=reads)
    elif has_loss and not has_network:
        yield Problem(
            ("network_d",), "this key is required by train.gan_opt; remove both to train without", reads=reads
        )
    elif has_network and not has_loss:
        yield Problem(
            ("train", "gan_opt"), "this key is required by network_d; remove both to train without", reads=reads
        )
    elif has_network and train.optim_d is None and train.trainable.network_d != FROZEN:
        yield Problem(("train", "optim_d"), "this key is required by network_d", reads=reads)


def training_is_whole(options: Options) -> Problems:
    """Training has data and something to minimise."""
    train = options.train
    if train is None:
        return
    if options.datasets.train is None:
        yield Problem(_TRAIN, "this key is required by `train`; expected a mapping", reads=(("train",),))
    # The artefacts' weights vanish and the base only holds back: neither leads a generator to the ground truth.
    others = (*LEADING_LOSSES[1:], "gan_opt")
    if train.pixel_opt is None and all(getattr(train, key) is None for key in others):
        reads: tuple[KeyPath, ...] = tuple(("train", key) for key in others)
        text = f"this key is required without {', '.join(others[:-1])} and {others[-1]}"
        yield Problem(("train", "pixel_opt"), text, reads=reads)


def something_learns(options: Options) -> Problems:
    """A frozen generator is for training its discriminator only."""
    train = options.train
    if train is None or train.trainable.network_g != FROZEN:
        return
    if options.network_d is None or train.trainable.network_d == FROZEN:
        text = "expected something to train, got none, and no discriminator is trained; choose all, last:N, ..."
        reads: tuple[KeyPath, ...] = (("network_d",), ("train", "trainable", "network_d"))
        yield Problem(("train", "trainable", "network_g"), text, reads=reads)


def batch_has_equal_parts(options: Options) -> Problems:
    """A batch is cut into `accumulate` micro-batches of one size, so that each image counts the same."""
    data, train = options.datasets.train, options.train
    if data is None or train is None:
        return
    may_cut = train.accumulate == "auto" or train.num_parts > 1
    if may_cut and train.pixel_opt is not None and train.pixel_opt.reduction == "sum":
        path: KeyPath = ("train", "pixel_opt", "reduction")
        yield Problem(path, "expected mean with train.accumulate, whose parts are averaged, got sum")
    if data.batch_size_per_gpu % train.num_parts == 0:
        return
    batch_path: KeyPath = (*_TRAIN, "batch_size_per_gpu")
    text = f"expected a divisor of datasets.train.batch_size_per_gpu ({data.batch_size_per_gpu}), got "
    yield Problem(("train", "accumulate"), f"{text}{train.accumulate}", reads=(batch_path,))


def losses_and_schedule_fit(options: Options) -> Problems:
    """VGG19 has the layers, and each cosine period its weight."""
    train = options.train
    if train is None:
        return
    if train.perceptual_opt is not None:
        path: KeyPath = ("train", "perceptual_opt", "layer_weights")
        for layer in sorted(set(train.perceptual_opt.layer_weights) - VGG19_LAYERS):
            yield Problem(
                (*path, layer), "VGG19 has no such layer; expected conv1_1 ... conv5_4, relu1_1 ... or pool1 ..."
            )
        if not train.perceptual_opt.layer_weights:
            yield Problem(path, "expected at least one layer, such as conv5_4: 1")
    if isinstance(train.scheduler, CosineRestartOptions):
        periods, weights = train.scheduler.periods, train.scheduler.restart_weights
        if len(periods) != len(weights):
            text = f"expected one weight for each of the {len(periods)} periods, got {len(weights)}"
            yield Problem(("train", "scheduler", "restart_weights"), text, reads=(("train", "scheduler", "periods"),))


def one_place_to_resume_from(options: Options) -> Problems:
    """Upstream's key and ours say the same."""
    state = options.path.resume_state
    if state is not None and "resume" in options.model_fields_set:
        text = f"expected one of `resume` and path.resume_state, got both ({options.resume} and {shown(state)})"
        yield Problem(("resume",), text, reads=(("path", "resume_state"),))


TRAINING_RULES: tuple[Callable[[Options], Problems], ...] = (
    adversary_is_whole,
    training_is_whole,
    something_learns,
    batch_has_equal_parts,
    losses_and_schedule_fit,
    one_place_to_resume_from,
)
