"""A training step in miniature on the CPU, to see which tensors live when; its numbers mean nothing.

The networks and losses are the real ones with freshly drawn weights; the pictures are gray and 32 pixels wide.
Every tensor of a step is either of a fixed size (weights in 16 bits, sums) or in proportion to the pixels of the
batch. So two runs, on one picture and on two (on two and on three where a judge has batch norm, which learns nothing
from one value), give the bytes at every operator for any batch and any crop: exactly, apart from the rounding of VGG's
poolings for crops that are no multiple of 32.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.networks.spec import LEAST_FOR_BATCH_NORM
from realesrgan_arch.training.freezing import FreezePlan, has_batch_norm
from realesrgan_arch.training.live_bytes import LiveBytes
from realesrgan_arch.training.steps import Judged, Targets, discriminator_passes, generator_terms, total

SIDE = 32
"""Of the ground truth in the rehearsal: VGG19 halves five times, the U-Net discriminator three times."""


@dataclass(frozen=True)
class Affine:
    """Bytes as `fixed + rate * units`, where a unit is one picture of the rehearsal; one number or one a moment."""

    fixed: np.ndarray
    rate: np.ndarray

    def at(self, units: float) -> float:
        """Return the largest number of bytes at `units`; 0 where nothing happened."""
        return float(np.max(self.fixed + self.rate * units, initial=0.0))


@dataclass(frozen=True)
class GeneratorBytes:
    """What the generator needs beside its weights and the gradients of its weights."""

    forward: Affine
    held: Affine
    """Between its two passes: activations saved for the backward pass, 16-bit weights, and the result."""
    backward: Affine
    made: Affine
    """New at each operator; the largest of them stands for the workspace."""


@dataclass(frozen=True)
class SideBytes:
    """What the losses of the generator, or a step of the discriminator, need while the generator's part is held."""

    peak: Affine
    made: Affine


def rehearse_generator(network: nn.Module, plan: FreezePlan, *, scale: int, dtype: torch.dtype) -> GeneratorBytes:
    """Return what forward and backward of `network` need where `plan` says what trains."""
    plan.apply(network)
    handles = _drop_gradients(network)
    one, two = (_run_generator(network, batch=batch, side=SIDE // scale, dtype=dtype) for batch in (1, 2))
    for handle in handles:
        handle.remove()
    return GeneratorBytes(*(_affine(first, second, fewest=1) for first, second in zip(one, two, strict=True)))


def rehearse_judges(
    losses: Losses, judge: nn.Module | None, *, scale: int, dtype: torch.dtype, side: int = SIDE
) -> SideBytes:
    """Return what the generator's losses need, with their backward passes down to the picture.

    A unit is one picture of `side` x `side`, which is not `SIDE` where the judge takes crops of one size only.
    """
    if judge is not None:
        judge.train().requires_grad_(requires_grad=False)

    def run(picture: Tensor, target: Tensor) -> None:
        lq = target[..., ::scale, ::scale]
        with _autocast(dtype):
            terms = generator_terms(picture, lq, Targets(target, target, target), losses, judge)
        total(terms).backward()

    networks = [part for part in (losses.perceptual, judge, *losses.more.values()) if isinstance(part, nn.Module)]
    return _rehearse_side(run, networks, side=side, needs_gradient=True)


def rehearse_discriminator(
    network: nn.Module, plan: FreezePlan, adversarial: AdversarialLoss, *, dtype: torch.dtype, side: int = SIDE
) -> SideBytes:
    """Return what a step of the discriminator needs beside its weights and their gradients; a unit as above."""
    plan.apply(network)
    handles = _drop_gradients(network)

    def run(fake: Tensor, real: Tensor) -> None:
        shares = torch.full((len(real),), 0.5) if adversarial.penalty else None
        for judge in discriminator_passes(network, Judged(real, fake, shares), adversarial):
            with _autocast(dtype):
                terms = judge()
            total(terms).backward()

    found = _rehearse_side(run, [network], side=side, needs_gradient=False)
    for handle in handles:
        handle.remove()
    return found


def _run_generator(network: nn.Module, *, batch: int, side: int, dtype: torch.dtype) -> tuple[list[int], ...]:
    lq = torch.full((batch, 3, side, side), 0.5)
    with LiveBytes([lq, *_tensors(network)]) as tracked:
        with _autocast(dtype):
            sr = network(lq)
            forward, held = len(tracked.timeline), tracked.live
        if sr.requires_grad:
            sr.backward(torch.ones_like(sr))
    return tracked.timeline[:forward], [held], tracked.timeline[forward:], tracked.made


def _rehearse_side(
    run: Callable[[Tensor, Tensor], None], networks: list[nn.Module], *, side: int, needs_gradient: bool
) -> SideBytes:
    found = []
    fewest = LEAST_FOR_BATCH_NORM if any(map(has_batch_norm, networks)) else 1
    for batch in (fewest, fewest + 1):
        picture, target = (torch.full((batch, 3, side, side), value) for value in (0.4, 0.5))
        picture.requires_grad_(needs_gradient)
        with LiveBytes([picture, target, *(tensor for network in networks for tensor in _tensors(network))]) as tracked:
            run(picture, target)
        found.append((tracked.timeline, tracked.made))
    return SideBytes(*(_affine(first, second, fewest=fewest) for first, second in zip(*found, strict=True)))


def _affine(few: list[int], more: list[int], *, fewest: int) -> Affine:
    """Return the line through the bytes of `fewest` pictures and of one more; the same operators ran for both."""
    first, second = np.array(few, dtype=np.float64), np.array(more, dtype=np.float64)
    return Affine(first - fewest * (second - first), second - first)


def _tensors(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


def _drop_gradients(network: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
    # Gradients of weights live on between steps, so they are counted apart, once and in full.
    return [
        parameter.register_post_accumulate_grad_hook(_forget)
        for parameter in network.parameters()
        if parameter.requires_grad
    ]


def _forget(parameter: Tensor) -> None:
    parameter.grad = None


def _autocast(dtype: torch.dtype) -> torch.autocast:
    return torch.autocast("cpu", dtype, enabled=dtype != torch.float32)
