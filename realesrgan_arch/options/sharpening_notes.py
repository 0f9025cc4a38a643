"""What a user should hear about sharpening (USM): switches without effect, and pictures that do not belong together.

Sharpening is three switches: what the LQ images are made from, what L1 compares with, and what the perceptual loss
compares with. Scores always compare with the plain ground truth. The costs in the sentences were measured in a pilot:
realesr-general-x4v3's architecture, L1 alone, 300 steps on Urban100, PSNR (RGB) against the plain ground truth.
"""

from collections.abc import Iterator, Sequence

from realesrgan_arch.options.train import TrainOptions
from realesrgan_arch.options.types import SHARPENED_ONCE, UNSHARPENED_MODELS, Options

_SWITCHES = ("gt_usm", "l1_gt_usm", "percep_gt_usm", "gan_gt_usm", "lq_from_usm")
_COMPARED_AS_L1 = {
    "pixel_opt": "L1",
    "lpips_opt": "LPIPS",
    "dists_opt": "DISTS",
    "feature_opt": "the feature loss",
    "amplitude_opt": "the amplitude loss",
    "low_frequency_opt": "the low-frequency loss",
    "ldl_opt": "LDL",
}
"""Losses that lead to the ground truth which `l1_gt_usm` chooses."""
_PIXEL_LOSSES = {"L1Loss": "L1", "MSELoss": "the squared error", "CharbonnierLoss": "the Charbonnier loss"}
_PERCEPTUAL = "the perceptual loss"
_AGAINST_TRUTH = ("calculate_psnr", "calculate_ssim")


def sharpening_notes(options: Options) -> Iterator[str]:
    """Yield a sentence for each switch that the model of upstream does not have, and for targets that differ."""
    yield from _switches_without_effect(options)
    if options.train is not None and options.datasets.train is not None:
        yield from _targets_that_differ(options, options.train)


def _switches_without_effect(options: Options) -> Iterator[str]:
    if options.model_type in UNSHARPENED_MODELS:
        switches, why = _SWITCHES, f"{options.model_type} does not sharpen"
    elif options.is_paired:
        switches, why = (("gt_usm",) if options.gt_usm else ()), "it does not apply to pairs"
    elif options.model_type == SHARPENED_ONCE:
        switches, why = ("percep_gt_usm", "gan_gt_usm"), f"all losses of {SHARPENED_ONCE} follow gt_usm"
    else:
        return
    for key in switches:
        if key in options.model_fields_set:
            yield f"{key} has no effect: {why}, as upstream"


def _targets_that_differ(options: Options, train: TrainOptions) -> Iterator[str]:
    usm, is_perceptual = options.usm(), train.perceptual_opt is not None
    pixel = _named([*_compared_as_l1(train)])
    if not (pixel or is_perceptual):
        return
    target, loss = (usm.pixel, pixel) if pixel else (usm.perceptual, _PERCEPTUAL)
    compares = f"{loss} {_compare(loss)}"
    lq = usm.lq and not options.is_paired
    if target and not lq:
        yield (
            f"the LQ images {'come with' if options.is_paired else 'are made from'} the plain ground truth, but "
            f"{compares} with the sharpened one: in a pilot of L1 this cost 0.9 dB of PSNR; {_mend(options)}"
        )
    elif lq and not target:
        yield (
            f"the LQ images are made from the sharpened ground truth, but {compares} with the plain one: in a "
            f"pilot of L1 this cost 0.1 to 0.3 dB of PSNR and 0.02 of SSIM; {_mend(options)}"
        )
    elif target and _scores_only_plainly(options):
        yield (
            f"the LQ images and {loss} take the sharpened ground truth, but PSNR and SSIM compare with the plain one: "
            f"in a pilot of L1 this cost 0.1 dB (all layers) to 0.3 dB (the last one) of PSNR; {_mend(options)}, or "
            "score psnr_usm as well"
        )
    if pixel and is_perceptual and usm.pixel != usm.perceptual:
        sharp, plain = (pixel, _PERCEPTUAL) if usm.pixel else (_PERCEPTUAL, pixel)
        yield (
            f"{sharp} {_compare(sharp)} with the sharpened ground truth, but {plain} with the plain one, so that they "
            f"pull apart; the cost was not measured; {_mend(options)}"
        )


def _compared_as_l1(train: TrainOptions) -> Iterator[str]:
    for key, name in _COMPARED_AS_L1.items():
        if getattr(train, key) is not None:
            yield name if train.pixel_opt is None or key != "pixel_opt" else _PIXEL_LOSSES[train.pixel_opt.type]


def _named(losses: Sequence[str]) -> str:
    """Return `L1, LPIPS and DISTS`; nothing for none."""
    *others, last = losses or [""]
    return f"{', '.join(others)} and {last}" if others else last


def _compare(losses: str) -> str:
    return "compare" if " and " in losses else "compares"


def _mend(options: Options) -> str:
    if options.model_type == SHARPENED_ONCE:
        return "set gt_usm to false"
    return f"set {'' if options.is_paired else 'lq_from_usm, '}l1_gt_usm and percep_gt_usm to false"


def _scores_only_plainly(options: Options) -> bool:
    """Whether validations compare with the ground truth, and never with the sharpened one."""
    if options.val is None or not options.datasets.validation_sets():
        return False
    types = [metric.type for metric in options.val.metrics.values()]
    return any(kind in types for kind in _AGAINST_TRUTH) and not any(kind.endswith("_usm") for kind in types)
