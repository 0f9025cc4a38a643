"""Gradients of fidelity and of perception on crops of the validation pictures, for the cheap scores of layers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from realesrgan_arch.degradation.operators import usm_sharpen
from realesrgan_arch.devices import choose_device
from realesrgan_arch.evaluation.pairs import KeptPairs
from realesrgan_arch.image_header import shown
from realesrgan_arch.layer_study.candidates import StudyError
from realesrgan_arch.losses.amplitude import amplitude_distance
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.options.types import Options, UsmSettings
from realesrgan_arch.seeding import Stream, numpy_generator
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.loss_assembly import LossParts, assemble_losses
from realesrgan_arch.training.steps import Targets
from realesrgan_arch.upscaling.backends.footprint import multiple_of

_CROPS = 1
"""The counter of the draw, beside those of the study's seeds."""
_NO_PERCEPTION = {"l_g_base", "l_g_low_frequency"}
"""Further losses that do not look at how natural a picture is."""

Term = Callable[[Tensor, Targets, Tensor], Tensor]
"""From sr, its targets and lq, each (1, 3, ., .), to a scalar."""


@dataclass(frozen=True)
class CropGradients:
    """The base of some options, and what its gradients are taken of."""

    network: nn.Module
    """In evaluation mode, all of it asking for gradients; its weights may be set."""
    words: str
    """What stands for perception."""
    crops: tuple[tuple[Tensor, Tensor], ...]
    _perception: Term
    _switches: UsmSettings

    @classmethod
    def of(cls, options: Options, pairs: KeptPairs, *, crops: int) -> Self:
        """Return them for the base.

        Args:
            options: whose network, weights, losses and sharpened targets count; the adversary does not, which would
                judge before it learns.
            pairs: of validation, at least one.
            crops: how many to look at, each of the side that training sees or the whole picture.

        Raises:
            UserError: weights of the losses that are absent or damaged.
        """
        device = choose_device("cpu" if options.num_gpu == 0 else options.device)
        network = load_base_generator(options).to(device).eval().requires_grad_(requires_grad=True)
        perception, words = _perception(assemble_losses(options, LossParts(network, network, device)))
        side, multiple = options.crop_gt_size, multiple_of(network)
        drawn = draw_crops(pairs, crops=crops, side=side, scale=options.scale, multiple=multiple)
        return cls(network, words, tuple(drawn), perception, options.usm())

    def crop_by_crop(self) -> Iterator[tuple[Mapping[str, Tensor], Mapping[str, Tensor]]]:
        """Yield the gradients of fidelity (L1) and of perception, by parameter: one forward pass, two backward."""
        parameters = dict(self.network.named_parameters())
        device = next(iter(parameters.values())).device
        for lq, gt in self.crops:
            low, high = lq[None].to(device), gt[None].to(device)
            sr, targets = self.network(low), _targets(high, self._switches)
            yield (
                _gradients(functional.l1_loss(sr, targets.pixel), parameters, keep=True),
                _gradients(self._perception(sr, targets, low), parameters, keep=False),
            )


def draw_crops(
    pairs: KeptPairs, *, crops: int, side: int, scale: int, multiple: int = 1
) -> list[tuple[Tensor, Tensor]]:
    """Return (lq, gt) crops, picture after picture and round again, at places that depend on their number alone.

    Args:
        pairs: at least one.
        crops: how many.
        side: of the truth, where the picture has as much.
        scale: of the pairs.
        multiple: what the sides of `lq` must be multiples of; they are made shorter for it.

    Raises:
        StudyError: no pair, or a picture that is smaller than `multiple`.
    """
    if not len(pairs):
        raise StudyError("datasets.val: expected at least one readable picture, got none")
    found: list[tuple[Tensor, Tensor]] = []
    for number in range(crops):
        pair = pairs[number % len(pairs)]
        generator = numpy_generator(0, Stream.LAYER_STUDY, _CROPS, number)
        height, width = (min(side // scale, length) // multiple * multiple for length in pair.lq.shape[1:])
        if not height or not width:
            raise StudyError(f"{shown(Path(pair.name))}: expected sides of at least {multiple} pixels, got less")
        top = int(generator.integers(pair.lq.shape[1] - height + 1))
        left = int(generator.integers(pair.lq.shape[2] - width + 1))
        lq = pair.lq[:, top : top + height, left : left + width]
        gt = pair.gt[:, scale * top : scale * (top + height), scale * left : scale * (left + width)]
        found.append((lq, gt))
    return found


def _perception(losses: Losses) -> tuple[Term, str]:
    more = {name: term for name, term in losses.more.items() if name not in _NO_PERCEPTION}
    perceptual = losses.perceptual
    if perceptual is None and not more:
        return lambda sr, targets, lq: amplitude_distance(sr, targets.pixel), "Fourier amplitude"

    def term(sr: Tensor, targets: Targets, lq: Tensor) -> Tensor:
        values = [one(sr=sr, gt=targets.pixel, lq=lq) for one in more.values()]
        return torch.stack([*values, *([perceptual(sr, targets.perceptual)] if perceptual else [])]).sum()

    return term, ", ".join([*(["l_g_percep"] if perceptual else []), *more])


def _targets(gt: Tensor, switches: UsmSettings) -> Targets:
    """Return what training compares with: the truth, or the truth sharpened."""
    sharp = usm_sharpen(gt) if switches.pixel or switches.perceptual else gt
    perceptual = sharp if switches.perceptual else gt
    return Targets(pixel=sharp if switches.pixel else gt, perceptual=perceptual, adversarial=gt)


def _gradients(value: Tensor, parameters: Mapping[str, nn.Parameter], *, keep: bool) -> dict[str, Tensor]:
    found = torch.autograd.grad(value, list(parameters.values()), retain_graph=keep, materialize_grads=True)
    return dict(zip(parameters, found, strict=True))
