"""What is exported: a network with its weights, and where they came from."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from realesrgan_arch.errors import UserError
from realesrgan_arch.networks.rrdbnet import UNSHUFFLE_BY_SCALE
from realesrgan_arch.networks.spec import CompactSpec, GeneratorSpec, RRDBNetSpec
from realesrgan_arch.training.checkpoint import plain_state
from realesrgan_arch.upscaling.blend import blend_into
from realesrgan_arch.weights.download import find_or_download
from realesrgan_arch.weights.load import load_generator
from realesrgan_arch.weights.table import Verification, verify

_SPANDRELS_GROW_CH = 32


class ExportError(UserError):
    """Weights that cannot be exported as asked."""


@dataclass(frozen=True)
class Blend:
    """Weights to mix in: a file or a known name, and their share in (0, 1)."""

    model: str
    share: float


@dataclass(frozen=True)
class Blended:
    """Weights that were mixed in."""

    file: Verification
    share: float


@dataclass(frozen=True)
class Source:
    """A generator in fp32 on the CPU, in eval mode."""

    network: nn.Module
    spec: GeneratorSpec
    file: Verification
    """Its weights, or most of them."""
    blended: Blended | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of weights that it was made from."""
        return tuple(one.path for one in self._files)

    @property
    def state(self) -> dict[str, Tensor]:
        """The weights as plain tensors: fp32 but for the counters of batch norm."""
        return plain_state(self.network)

    @property
    def multiple(self) -> int:
        """What the sides of its input must be multiples of."""
        return UNSHUFFLE_BY_SCALE[self.spec.scale] if isinstance(self.spec, RRDBNetSpec) else 1

    @property
    def known_licence(self) -> str | None:
        """The licence of weights that are, byte for byte, those of a release; None for all others."""
        licences = {one.known.licence if one.known and one.status == "verified" else None for one in self._files}
        return licences.pop() if len(licences) == 1 else None

    @property
    def _files(self) -> list[Verification]:
        return [self.file, *([self.blended.file] if self.blended else [])]


def parse_blend(text: str) -> Blend:
    """Read `other.pth:0.3`.

    Raises:
        ExportError: no share in (0, 1) after the last colon.
    """
    model, _, number = text.rpartition(":")
    try:
        share = float(number)
    except ValueError:
        share = 0.0
    if not model or not 0 < share < 1:
        raise ExportError(
            f"--blend: expected weights and their share between 0 and 1 such as other.pth:0.3, got {text!r}"
        )
    return Blend(model, share)


def load_source(model: str, *, blend: Blend | None = None) -> Source:
    """Load the generator `model`, a file or the name of known weights, mixed with `blend` where there is one.

    Raises:
        WeightsError: no such weights, damaged or unsafe ones, no generator, or a blend with another network.
        ExportError: a network whose pictures are not RGB.
    """
    path = find_or_download(model)
    network, spec = load_generator(path)
    if (spec.num_in_ch, spec.num_out_ch) != (3, 3):
        raise ExportError(
            f"{model}: expected a network for RGB pictures, got {spec.num_in_ch} -> {spec.num_out_ch} channels"
        )
    network.eval().requires_grad_(False)
    return Source(network, spec, verify(path), _blend(network, blend) if blend else None)


def spandrel_obstacle(spec: GeneratorSpec) -> str:
    """Return why tools that load models with spandrel (ComfyUI, chaiNNer) refuse this network; empty where they do not.

    Source: chaiNNer-org/spandrel, architectures ESRGAN and Compact (0.4.2).
    """
    if isinstance(spec, RRDBNetSpec):
        is_usual = spec.num_grow_ch == _SPANDRELS_GROW_CH
        return (
            ""
            if is_usual
            else f"spandrel takes num_grow_ch to be {_SPANDRELS_GROW_CH}, this network has {spec.num_grow_ch}"
        )
    if isinstance(spec, CompactSpec):
        return (
            ""
            if spec.act_type == "prelu"
            else f"spandrel knows SRVGGNetCompact with PReLU only, this one has {spec.act_type}"
        )
    return f"spandrel does not know {spec.type}"


@torch.inference_mode()
def run_network(network: nn.Module, pictures: Tensor) -> Tensor:
    """Return what `network` makes of `pictures`, (B, 3, H, W) -> (B, 3, H * scale, W * scale), unclamped."""
    return network(pictures).float()


def _blend(network: nn.Module, blend: Blend) -> Blended:
    path = find_or_download(blend.model)
    blend_into(network, load_generator(path)[0], share=blend.share, name=blend.model)
    return Blended(verify(path), blend.share)
