"""What a network is, in plain numbers and without torch: the `network_g` and `network_d` blocks of an option file.

Field names are BasicSR's. The same values come out of a checkpoint when its architecture is detected.
"""

from dataclasses import dataclass
from typing import Literal

SRRESNET_SCALES = (1, 2, 4)
SRGAN_STRIDE = 16
"""Four convolutions of SRGAN's discriminator halve the sides."""
VGG_STYLE_SIZES = (128, 256)
"""Sides of the crops that BasicSR's discriminator is built for."""
_STRICT = {"extra": "forbid"}  # read by pydantic when these dataclasses are fields of the options


@dataclass(frozen=True)
class RRDBNetSpec:
    """ESRGAN / Real-ESRGAN generator (Wang et al., arXiv 1809.00219)."""

    __pydantic_config__ = _STRICT
    type: Literal["RRDBNet"] = "RRDBNet"
    num_in_ch: int = 3
    num_out_ch: int = 3
    scale: int = 4
    num_feat: int = 64
    num_block: int = 23
    num_grow_ch: int = 32
    checkpointing: bool = False
    """Recompute each RRDB in the backward pass: a tenth of the memory for one more forward pass."""


@dataclass(frozen=True)
class CompactSpec:
    """SRVGGNetCompact, the small VGG-style generator of realesr-general-x4v3 and realesr-animevideov3."""

    __pydantic_config__ = _STRICT
    type: Literal["SRVGGNetCompact"] = "SRVGGNetCompact"
    num_in_ch: int = 3
    num_out_ch: int = 3
    num_feat: int = 64
    num_conv: int = 16
    upscale: int = 4
    act_type: Literal["relu", "prelu", "leakyrelu"] = "prelu"

    @property
    def scale(self) -> int:
        """The magnification, under the name that the other generators use."""
        return self.upscale


@dataclass(frozen=True)
class SRResNetSpec:
    """SRResNet, the generator of SRGAN (Ledig et al., arXiv 1609.04802)."""

    __pydantic_config__ = _STRICT
    type: Literal["SRResNet"] = "SRResNet"
    num_in_ch: int = 3
    num_out_ch: int = 3
    num_feat: int = 64
    num_block: int = 16
    upscale: int = 4
    body_end: Literal["batch_norm", "prelu"] = "batch_norm"
    """What follows the convolution after the blocks; `prelu` in leftthomas/SRGAN."""
    final: Literal["none", "tanh"] = "none"
    """`tanh` keeps the output in (0, 1), as some public SRGANs do."""

    @property
    def scale(self) -> int:
        """The magnification, under the name that the other generators use."""
        return self.upscale


@dataclass(frozen=True)
class UNetDiscriminatorSpec:
    """U-Net discriminator with spectral normalisation: the ten convolutions of Real-ESRGAN."""

    __pydantic_config__ = _STRICT
    type: Literal["UNetDiscriminatorSN"] = "UNetDiscriminatorSN"
    num_in_ch: int = 3
    num_feat: int = 64
    skip_connection: bool = True


@dataclass(frozen=True)
class PatchDiscriminatorSpec:
    """A small discriminator of patches with spectral normalisation, after pix2pix."""

    __pydantic_config__ = _STRICT
    type: Literal["PatchDiscriminatorSN"] = "PatchDiscriminatorSN"
    num_in_ch: int = 3
    num_feat: int = 32
    depth: int = 3
    """Halvings of the picture."""
    unshuffle: Literal[1, 2, 4] = 1
    """Squares of so many pixels are folded into channels first."""

    @property
    def stride(self) -> int:
        """What the sides of its pictures must be multiples of."""
        return self.unshuffle * 2 ** max(self.depth, 0)


@dataclass(frozen=True)
class SRGANDiscriminatorSpec:
    """The eight convolutions and two dense layers of SRGAN and ESRGAN, for crops of one size."""

    __pydantic_config__ = _STRICT
    type: Literal["SRGANDiscriminator"] = "SRGANDiscriminator"
    num_in_ch: int = 3
    num_feat: int = 64
    input_size: int = 96
    """Side of the crops: a multiple of 16."""


@dataclass(frozen=True)
class VGGStyleDiscriminatorSpec:
    """BasicSR's form of it: ten convolutions for crops of 128 px, twelve for 256 px."""

    __pydantic_config__ = _STRICT
    type: Literal["VGGStyleDiscriminator"] = "VGGStyleDiscriminator"
    num_in_ch: int = 3
    num_feat: int = 64
    input_size: int = 128


GENERATOR_SPECS = (RRDBNetSpec, CompactSpec, SRResNetSpec)
DISCRIMINATOR_SPECS = (UNetDiscriminatorSpec, PatchDiscriminatorSpec, SRGANDiscriminatorSpec, VGGStyleDiscriminatorSpec)
GeneratorSpec = RRDBNetSpec | CompactSpec | SRResNetSpec
DiscriminatorSpec = UNetDiscriminatorSpec | PatchDiscriminatorSpec | SRGANDiscriminatorSpec | VGGStyleDiscriminatorSpec
BATCH_NORM_SPECS = (SRResNetSpec, SRGANDiscriminatorSpec, VGGStyleDiscriminatorSpec)
"""Networks whose training depends on the statistics of a batch."""
LEAST_FOR_BATCH_NORM = 2
"""Pictures in a forward pass that moves batch norm: of one picture alone it would learn that picture's colours."""
WHOLE_CROP_SPECS = (SRGANDiscriminatorSpec, VGGStyleDiscriminatorSpec)
"""Discriminators that are built for crops of one side, `input_size`."""
