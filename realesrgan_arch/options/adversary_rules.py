"""Rules between the keys of `train.gan_opt` and the rest, and notes about what of them has little effect."""

from collections.abc import Callable, Iterator

from realesrgan_arch.networks.spec import BATCH_NORM_SPECS, WHOLE_CROP_SPECS
from realesrgan_arch.options.losses import GanLossOptions
from realesrgan_arch.options.problems import Problem
from realesrgan_arch.options.train import FROZEN, TrainOptions
from realesrgan_arch.options.training_rules import LEADING_LOSSES
from realesrgan_arch.options.types import RELATIVISTIC_MODEL, Options
from realesrgan_arch.options.yaml_dialect import KeyPath

Problems = Iterator[Problem]
_GAN: KeyPath = ("train", "gan_opt")
_RELATIVISTIC = ("vanilla", "lsgan", "hinge")
_LABELLED = ("vanilla", "lsgan")


def relativistic_loss_is_defined(options: Options) -> Problems:
    """A critic's mean compared with the other's is the same loss as before."""
    gan = options.train.gan_opt if options.train else None
    if gan is None or not options.is_relativistic or gan.gan_type in _RELATIVISTIC:
        return
    why = "relativistic is true" if gan.relativistic else f"{RELATIVISTIC_MODEL} is relativistic"
    text = f"expected vanilla, lsgan or hinge, as {why}, got {gan.gan_type}; or set train.gan_opt.relativistic: false"
    yield Problem((*_GAN, "gan_type"), text, reads=((*_GAN, "relativistic"), ("model_type",)))


def labels_are_apart(options: Options) -> Problems:
    """Labels are probabilities for the cross-entropy, and the real one is the higher one."""
    gan = options.train.gan_opt if options.train else None
    if gan is None or gan.gan_type not in _LABELLED:
        return
    for key, value in (("real_label_val", gan.real_label_val), ("fake_label_val", gan.fake_label_val)):
        if gan.gan_type == "vanilla" and not 0 <= value <= 1:
            text = f"expected 0 to 1, as the loss vanilla takes labels for probabilities, got {value:g}"
            yield Problem((*_GAN, key), text, reads=((*_GAN, "gan_type"),))
            return
    if gan.real_label_val <= gan.fake_label_val:
        text = f"expected more than fake_label_val ({gan.fake_label_val:g}), got {gan.real_label_val:g}"
        yield Problem((*_GAN, "real_label_val"), text, reads=((*_GAN, "fake_label_val"),))


def game_begins(options: Options) -> Problems:
    """The adversary joins before the end, and until then the generator learns from something else."""
    train = options.train
    if train is None or train.gan_opt is None or train.gan_opt.start_iter == 0:
        return
    start, path = train.gan_opt.start_iter, (*_GAN, "start_iter")
    if start >= train.total_iter:
        text = f"expected less than train.total_iter ({train.total_iter}), got {start}; without adversary, leave "
        yield Problem(path, f"{text}network_d and train.gan_opt out", reads=(("train", "total_iter"),))
    if train.trainable.network_g == FROZEN:
        text = f"expected 0, as the generator is frozen and nothing would learn before, got {start}"
        yield Problem(path, text, reads=(("train", "trainable", "network_g"),))
    elif not any(getattr(train, key) for key in LEADING_LOSSES):
        without = f"{', '.join(LEADING_LOSSES[:-1])} and {LEADING_LOSSES[-1]}"
        text = f"expected 0 without {without}, as there is no other loss before, got {start}"
        yield Problem(path, text, reads=tuple(("train", key) for key in LEADING_LOSSES))


def penalty_can_be_derived(options: Options) -> Problems:
    """The gradient of a gradient is beyond torch.compile."""
    train = options.train
    if train is None or train.gan_opt is None or not train.gan_opt.gradient_penalty or train.compile == "none":
        return
    text = f"expected none with train.gan_opt.gradient_penalty, which derives twice, got {train.compile}"
    yield Problem(("train", "compile"), text, reads=((*_GAN, "gradient_penalty"),))


ADVERSARY_RULES: tuple[Callable[[Options], Problems], ...] = (
    relativistic_loss_is_defined,
    labels_are_apart,
    game_begins,
    penalty_can_be_derived,
)


def adversary_notes(options: Options) -> Iterator[str]:
    """Return sentences about a game that will be played otherwise than its keys may seem to say."""
    train = options.train
    if train is None or train.gan_opt is None or options.network_d is None:
        return
    yield from _time_notes(train, train.gan_opt)
    yield from _penalty_notes(options, train, train.gan_opt)
    yield from _label_notes(train.gan_opt)
    if options.is_relativistic and train.accumulate != 1:
        parts = "several" if train.accumulate == "auto" else train.num_parts
        yield (
            "train.accumulate: the relativistic loss compares each part of a batch with the mean of that part only, as "
            f"each of several ranks does, so {parts} parts do not give quite the gradient of the whole"
        )


def _label_notes(gan: GanLossOptions) -> Iterator[str]:
    smoothed = {"real_label_val": gan.real_label_val != 1, "fake_label_val": gan.fake_label_val != 0}
    if gan.gan_type not in _LABELLED:
        for key in (key for key, is_other in smoothed.items() if is_other):
            yield f"train.gan_opt.{key} has no effect: the loss {gan.gan_type} reads no labels"


def _time_notes(train: TrainOptions, gan: GanLossOptions) -> Iterator[str]:
    played = train.total_iter - gan.start_iter
    if 0 < played < gan.ramp_iter:
        yield (
            f"train.gan_opt.ramp_iter: the run ends {played} steps after start_iter, at {played / gan.ramp_iter:.0%} "
            "of loss_weight"
        )
    if 0 < played <= train.net_d_init_iters and train.trainable.network_g != FROZEN:
        yield (
            f"train.net_d_init_iters: the generator waits for {train.net_d_init_iters} steps of the game, and the run "
            f"has {played}"
        )


def _penalty_notes(options: Options, train: TrainOptions, gan: GanLossOptions) -> Iterator[str]:
    judge, is_frozen = options.network_d, train.trainable.network_d == FROZEN
    if not gan.gradient_penalty:
        if gan.gan_type == "wgan" and isinstance(judge, WHOLE_CROP_SPECS) and not is_frozen:
            yield (
                f"train.gan_opt.gan_type: nothing bounds {judge.type} under wgan without gradient_penalty; 10 would do "
                "(arXiv 1704.00028), or UNetDiscriminatorSN, which has spectral norm"
            )
    elif is_frozen:
        yield "train.gan_opt.gradient_penalty has no effect: no discriminator is trained"
    elif isinstance(judge, BATCH_NORM_SPECS):
        yield (
            f"train.gan_opt.gradient_penalty: {judge.type} has batch norm, which ties each image's "
            "gradient to the rest of its batch; the paper of the penalty (arXiv 1704.00028) advises against it"
        )
