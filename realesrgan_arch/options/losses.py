"""The losses in the `train` section of an option file; names and defaults are BasicSR's unless said."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from realesrgan_arch.options.fields import (
    Count,
    CountOrZero,
    FilePath,
    NotNegative,
    Number,
    Positive,
    Section,
    read_number,
)

BlurSigma = Annotated[float, Field(ge=0.1, le=100), BeforeValidator(read_number)]
VGG19_BLOCKS = (2, 2, 4, 4, 4)
"""Convolutions of each block of VGG19."""
VGG19_LAYERS = frozenset(
    {
        f"{kind}{block}_{i}"
        for block, n in enumerate(VGG19_BLOCKS, 1)
        for i in range(1, n + 1)
        for kind in ("conv", "relu")
    }
    | {f"pool{block}" for block in range(1, len(VGG19_BLOCKS) + 1)}
)

FEATURE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
"""Those of the distilled VGG19, in order."""


def _no_style_loss(value: object) -> object:
    """Accept upstream's `style_weight: 0`, and say why nothing else is."""
    if value != 0 or isinstance(value, bool):
        raise ValueError(f"expected 0, got {value!r}: the style loss is not offered")
    return 0


class PixelLossOptions(Section):
    """Distance of pixels."""

    type: Literal["L1Loss", "MSELoss", "CharbonnierLoss"]
    loss_weight: NotNegative = 1.0
    reduction: Literal["mean", "sum"] = "mean"
    eps: Positive = 1e-12
    """Of CharbonnierLoss only."""


class PerceptualLossOptions(Section):
    """Distance of VGG19 features."""

    type: Literal["PerceptualLoss"] = "PerceptualLoss"
    layer_weights: dict[str, NotNegative] = Field(
        default_factory=lambda: {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}
    )
    vgg_type: Literal["vgg19"] = "vgg19"
    use_input_norm: bool = True
    perceptual_weight: NotNegative = 1.0
    style_weight: Annotated[Literal[0], BeforeValidator(_no_style_loss)] = 0
    """Always 0: there is no style loss here."""
    range_norm: bool = False
    criterion: Literal["l1", "l2"] = "l1"
    feature_scale: Positive = 1.0
    """Features are multiplied by it before they are compared; SRGAN's is 1 / 12.75 = 0.0784 (ours)."""
    weights: FilePath | None = None
    """File with VGG19's weights (ours); torchvision's, from its cache or the network, when absent."""


class GanLossOptions(Section):
    """Adversarial loss; `loss_weight` counts for the generator only."""

    type: Literal["GANLoss"] = "GANLoss"
    gan_type: Literal["vanilla", "lsgan", "hinge", "wgan", "wgan_softplus"] = "vanilla"
    relativistic: bool | None = None
    """Whether one side looks more real than the other on average (ESRGAN; ours); when absent, with ESRGANModel only."""
    real_label_val: Number = 1.0
    """0.9, say, smooths the label of real pictures."""
    fake_label_val: Number = 0.0
    loss_weight: NotNegative = 1.0
    start_iter: CountOrZero = 0
    """First steps without adversary: the generator learns from the other losses, the discriminator rests (ours)."""
    ramp_iter: CountOrZero = 0
    """Steps after `start_iter` in which the weight grows from 0 to `loss_weight` (ours)."""
    gradient_penalty: NotNegative = 0.0
    """Weight of WGAN-GP's penalty on the discriminator; the paper's is 10 (ours)."""


class LdlOptions(Section):
    """Loss of local artefacts (LDL, CVPR 2022; ours)."""

    loss_weight: NotNegative = 1.0
    window: Count = 7
    """Side of the window in which variances are taken; odd, 3 to 31 and no more than the crop."""


class LpipsOptions(Section):
    """Learned perceptual distance (LPIPS; ours); needs the extra `perceptual`."""

    loss_weight: NotNegative = 1.0
    net: Literal["alex", "vgg", "squeeze"] = "vgg"


class DistsOptions(Section):
    """Distance of structure and texture (DISTS; ours); needs the extra `perceptual`."""

    loss_weight: NotNegative = 1.0


class FeatureOptions(Section):
    """L1 between features of the distilled VGG19, relative to the truth's (ours).

    LPIPS-like reads the same features and must not be the only judge of what was trained on them.
    """

    weights: FilePath | None = None
    """Its file, or the folder that holds it; the released one, downloaded when absent, if not given."""
    loss_weight: NotNegative = 1.0
    layer_weights: dict[str, NotNegative] = Field(
        default_factory=lambda: {"conv1_1": 0.1, "conv2_1": 0.1, "conv3_1": 1.0, "conv4_1": 1.0, "conv5_1": 1.0}
    )


class AmplitudeOptions(Section):
    """L1 between Fourier amplitudes (ours); wants a pixel loss beside it, as amplitudes do not say what lies where."""

    loss_weight: NotNegative = 1.0


class LowFrequencyOptions(Section):
    """L1 between blurred pictures, for their colours (ours); wants a pixel loss beside it."""

    loss_weight: NotNegative = 1.0
    sigma: BlurSigma = 2.0
    """Of the blur, in pixels of the ground truth."""


class BaseDistanceOptions(Section):
    """Distance to the pre-trained generator, against forgetting (ours)."""

    on: Literal["outputs", "details", "weights"] = "outputs"
    """`outputs`: L1 between what both make of the LQ; `details`: the same without low frequencies, which are free then;
    `weights`: L2-SP, half the sum of squares of what trains."""
    loss_weight: NotNegative = 1.0
    sigma: BlurSigma = 1.5
    """Of `details` only: what a blur of so many pixels of the ground truth takes away is a detail."""
