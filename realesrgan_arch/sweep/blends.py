"""Two models of one architecture and all between them (Wang et al., "Deep network interpolation", CVPR 2019)."""

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from realesrgan_arch.evaluation.contender import Contender
from realesrgan_arch.evaluation.proof import MethodFacts
from realesrgan_arch.image_header import shown
from realesrgan_arch.networks.spec import GeneratorSpec
from realesrgan_arch.sweep.choose import SweepError
from realesrgan_arch.sweep.curve import method_name
from realesrgan_arch.training.validation import snapshot
from realesrgan_arch.upscaling.blend import blend_into
from realesrgan_arch.upscaling.export.source import Source, load_source

_DIGITS = 6


@dataclass(frozen=True)
class Blends:
    """The two ends; what lies between is blended when it is asked for."""

    base: Source
    tuned: Source

    @classmethod
    def load(cls, base: str, tuned: str) -> Self:
        """Load two generators, files or known names.

        Raises:
            WeightsError: no such weights, damaged ones, or networks that differ in more than their values.
            SweepError: another scale, another architecture, or the same weights twice.
        """
        ends = cls(load_source(base), load_source(tuned))
        scales = ends.base.spec.scale, ends.tuned.spec.scale
        if scales[0] != scales[1]:
            raise SweepError(
                f"expected two networks of one scale, got {base} (x{scales[0]}) and {tuned} (x{scales[1]}); only "
                "weights of the same network can be blended"
            )
        if ends.base.file.sha256 == ends.tuned.file.sha256:
            raise SweepError(
                f"expected two models, got the same bytes twice: {base} and {tuned}; name the tuned weights"
            )
        _check_alike(ends, base, tuned)
        ends.network(0.5)  # Weights that do not fit are found now.
        return ends

    @property
    def scale(self) -> int:
        """How much both magnify."""
        return self.base.spec.scale

    def network(self, alpha: float) -> nn.Module:
        """Return a network of its own with a share `alpha` of the tuned weights: what `export --blend` writes."""
        if alpha == 0:
            return copy.deepcopy(self.base.network)
        network = copy.deepcopy(self.tuned.network)
        if alpha < 1:
            blend_into(network, self.base.network, share=1 - alpha, name=str(self.base.file.path))
        return network

    def key(self, alpha: float) -> str:
        """Return what decides the weights of a share: SHA-256 of the files, and the share."""
        ends = {0.0: self.base.file.sha256, 1.0: self.tuned.file.sha256}
        return ends.get(alpha, f"{self.base.file.sha256}+{alpha:g}*{self.tuned.file.sha256}")

    def contender(self, alpha: float, *, device: torch.device, precision: str) -> Contender:
        """Return what upscales whole pictures with a share.

        Its network is blended anew for each picture, so that memory does not grow with the number of shares.
        """

        def upscale(lq: Tensor) -> Tensor:
            return snapshot(self.network(alpha), scale=self.scale, device=device, precision=precision)(lq)

        kind = "tuned" if alpha else "base"
        return Contender(MethodFacts(method_name(alpha), kind, sha256=self.key(alpha)), upscale)


def _check_alike(ends: Blends, base: str, tuned: str) -> None:
    """Tell two architectures apart by their settings, before their weights disagree name by name."""
    one, other = ends.base.spec, ends.tuned.spec
    if one == other:
        return
    told = [
        f"{shown(Path(name))} ({spec.type}{settings})"
        for name, spec, settings in (
            (base, one, _settings_beyond(one, other)),
            (tuned, other, _settings_beyond(other, one)),
        )
    ]
    raise SweepError(f"{' and '.join(told)} are different networks and cannot be blended")


def _settings_beyond(spec: GeneratorSpec, other: GeneratorSpec) -> str:
    """Return the settings in which a network differs from another of its type, such as `, num_conv 32`."""
    own, others = asdict(spec), asdict(other)
    if spec.type != other.type:
        return ""
    return "".join(f", {name} {value}" for name, value in own.items() if value != others[name])


def checked_alphas(alphas: Sequence[float]) -> tuple[float, ...]:
    """Return the shares rising, each of them once, and 0 among them, to which all are compared.

    Raises:
        SweepError: one outside [0, 1], or none above 0.
    """
    if not all(0 <= alpha <= 1 for alpha in alphas):
        raise SweepError(f"--alphas: expected shares from 0 to 1, got {' '.join(f'{alpha:g}' for alpha in alphas)}")
    rising = tuple(sorted({0.0, *(round(float(alpha), _DIGITS) for alpha in alphas)}))
    if len(rising) == 1:
        raise SweepError("--alphas: expected at least one share of the tuned weights above 0, got none")
    return rising
