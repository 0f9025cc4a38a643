"""How much memory a training step will need, predicted from the options alone: no GPU, no data, no weights.

What lives when is seen in a rehearsal of the step (`rehearsal.py`), for two shallow twins of the generator where all
its blocks are alike (`trainable_choices.py`); the sizes of weights, gradients and moments follow from the networks.
A library's workspace cannot be seen and is taken as one copy of the largest tensor, the degradation as a number of
copies of its crops. Not counted: Python, PyTorch and CUDA themselves (0.3 to 0.6 GB), and what an allocator wastes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import torch
from torch import nn

from realesrgan_arch.losses.base_distance import BaseWeightDistance
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.networks.build import build_discriminator, build_generator
from realesrgan_arch.networks.spec import (
    LEAST_FOR_BATCH_NORM,
    WHOLE_CROP_SPECS,
    GeneratorSpec,
    PatchDiscriminatorSpec,
    RRDBNetSpec,
)
from realesrgan_arch.options.load import OptionsError, require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.freezing import FreezePlan, plan_freezing
from realesrgan_arch.training.loss_assembly import LossParts, build_further_terms, build_losses
from realesrgan_arch.training.rehearsal import (
    SIDE,
    GeneratorBytes,
    SideBytes,
    rehearse_discriminator,
    rehearse_generator,
    rehearse_judges,
)
from realesrgan_arch.training.trainable_choices import GENERATOR_KEY, Choice, Twin, with_depth

Built = TypeVar("Built")
FLOAT_BYTES = 4
ADAM_MOMENTS = 2
ADAM_COPIES = 2
"""Of one tensor at a time, while Adam moves it on a CPU: the dense layers of some discriminators are the largest."""
DEGRADATION_COPIES = 8
"""Of the float crops that are alive at once while pairs are made: an estimate, with enlarged ones between."""


@dataclass(frozen=True)
class Prediction:
    """Bytes at the peak of a step, part by part."""

    parts: Mapping[str, int]
    moment: str
    """Of the peak: `generator`, `discriminator`, `degradation` or `optimizer`."""
    saved: int
    """Activations that the generator keeps for its backward pass, at whichever moment the peak is."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class _GeneratorPeak:
    forward: float
    held: float
    backward: float
    largest: float


class MemoryModel:
    """Predicts the peak for what `options` describe and for variations of it; what was rehearsed once is kept.

    Raises:
        UserError: options without `train` or without a training set, or a network that cannot be built.
    """

    def __init__(self, options: Options) -> None:
        data = options.datasets.train
        if data is None:
            raise OptionsError(options.name, ["datasets.train: this section is required to plan a training"])
        self._options = options
        self._train = require_train(options)
        self._data = data
        self._generators: dict[tuple[Twin, bool, torch.dtype], GeneratorBytes] = {}
        self._trained: dict[Choice, list[nn.Parameter]] = {}
        self._twins: dict[GeneratorSpec, nn.Module] = {}
        self._sides: dict[torch.dtype, tuple[SideBytes, SideBytes | None]] = {}

    @cached_property
    def generator(self) -> nn.Module:
        """The whole generator, for its names and sizes, and in place of the average and the base of losses."""
        network = _drawn_apart(lambda: build_generator(self._options.network_g))
        return network.requires_grad_(requires_grad=False).eval()

    def predict(self, choice: Choice, *, checkpointing: bool, at_once: int, dtype: torch.dtype) -> Prediction:
        """Return the peak when `choice` trains and `at_once` pictures go through the networks together.

        The batch is that of the options where `at_once` divides it (`train.accumulate` is the rest), else `at_once`.
        """
        units = at_once * (self._options.crop_gt_size / SIDE) ** 2
        generator = self._generator_peak(choice, checkpointing=checkpointing, dtype=dtype, units=units)
        judges, discriminator = self._side_bytes(dtype)
        crops = at_once * (self._options.crop_gt_size / self._judged_side) ** 2
        batch = self.batch if self.batch % at_once == 0 else at_once
        moments = {
            "generator": max(generator.forward, generator.held + judges.peak.at(crops), generator.backward),
            "discriminator": discriminator.peak.at(crops) if discriminator else 0.0,
            "degradation": self._degradation_bytes(batch),
            "optimizer": self._moving_bytes(choice),
        }
        moment = max(moments, key=lambda name: moments[name])
        saved = generator.held if moment == "generator" else 0.0
        parts = {
            **self._standing_parts(choice, batch),
            "saved activations": int(saved),
            "working": int(moments[moment] - saved),
            "workspace": int(max(generator.largest, judges.made.at(crops))),
        }
        return Prediction(parts, moment, int(generator.held))

    @property
    def batch(self) -> int:
        """Pictures of a step, as the options say."""
        return self._data.batch_size_per_gpu

    def least_at_once(self, choice: Choice) -> int:
        """Return how many pictures must go through the networks together: 2 where a batch norm trains, else 1; with
        statistics that ranks share, a batch of 1 may do."""
        judge = self._discriminator
        moves = choice.plan(self.generator).moves_batch_norm(self.generator)
        moves = moves or (judge is not None and self._discriminator_plan.moves_batch_norm(judge))
        shares = self._options.dist_params.sync_batch_norm
        return (min(LEAST_FOR_BATCH_NORM, self.batch) if shares else LEAST_FOR_BATCH_NORM) if moves else 1

    def _moving_bytes(self, choice: Choice) -> int:
        return ADAM_COPIES * FLOAT_BYTES * max((value.numel() for value in self._learning(choice)), default=0)

    def _standing_parts(self, choice: Choice, batch: int) -> dict[str, int]:
        trained = FLOAT_BYTES * self.trained_parameters(choice)
        learning = FLOAT_BYTES * sum(value.numel() for value in self._learning(choice))
        networks = (self.generator, self._discriminator, self._losses.perceptual, *self._losses.more.values())
        return {
            "weights": _bytes_of(network for network in networks if isinstance(network, nn.Module)),
            "gradients": learning,
            "optimizer": ADAM_MOMENTS * learning,
            "average": trained if self._train.ema_decay else 0,
            **({"start": trained} if self._keeps_start else {}),
            "pool": self._pool_bytes(),
            "batch": self._batch_bytes(batch),
        }

    def trained_parameters(self, choice: Choice) -> int:
        """Return how many numbers of the generator train."""
        return sum(value.numel() for value in self._trained_by(choice))

    def _trained_by(self, choice: Choice) -> list[nn.Parameter]:
        if choice not in self._trained:
            self._trained[choice] = choice.plan(self.generator).trainable_parameters(self.generator)
        return self._trained[choice]

    def _learning(self, choice: Choice) -> list[nn.Parameter]:
        """Return what both optimisers move."""
        judge = self._discriminator
        judging = self._discriminator_plan.trainable_parameters(judge) if judge is not None else []
        return [*self._trained_by(choice), *judging]

    def _pool_bytes(self) -> int:
        return self._options.pool_size * (self._pixels_gt + self._pixels_lq)

    def _batch_bytes(self, batch: int) -> int:
        usm = self._options.usm()
        copies_gt = 3 if usm.pixel or usm.perceptual or usm.adversarial else 2  # plain, sharpened, results
        return batch * FLOAT_BYTES * (copies_gt * self._pixels_gt + self._pixels_lq)

    def _degradation_bytes(self, batch: int) -> float:
        if self._options.is_paired:
            return 0.0
        return batch * FLOAT_BYTES * DEGRADATION_COPIES * 3 * self._data.crop_size**2

    @property
    def _pixels_gt(self) -> int:
        return 3 * self._options.crop_gt_size**2

    @property
    def _pixels_lq(self) -> int:
        return self._pixels_gt // self._options.scale**2

    def _generator_peak(
        self, choice: Choice, *, checkpointing: bool, dtype: torch.dtype, units: float
    ) -> _GeneratorPeak:
        first, second = (
            _at(self._twin_bytes(twin, checkpointing=checkpointing, dtype=dtype), units) for twin in choice.twins
        )
        deeper = choice.further * (second.held - first.held)
        # The peaks lie where all saved activations live; what comes on top is the same however many blocks there are.
        base = first if choice.further == 0 else second
        return replace(
            base,
            forward=base.forward + deeper - (base.held - first.held),
            held=first.held + deeper,
            backward=base.backward + deeper - (base.held - first.held),
        )

    def _twin_bytes(self, twin: Twin, *, checkpointing: bool, dtype: torch.dtype) -> GeneratorBytes:
        key = (twin, checkpointing, dtype)
        if key not in self._generators:
            depth, patterns = twin
            network = self._twin(with_checkpointing(with_depth(self._options.network_g, depth), enabled=checkpointing))
            plan = plan_freezing(network, patterns, key=GENERATOR_KEY)
            self._generators[key] = rehearse_generator(network, plan, scale=self._options.scale, dtype=dtype)
        return self._generators[key]

    def _twin(self, spec: GeneratorSpec) -> nn.Module:
        if spec not in self._twins:
            self._twins[spec] = _drawn_apart(lambda: build_generator(spec))
        return self._twins[spec]

    def _side_bytes(self, dtype: torch.dtype) -> tuple[SideBytes, SideBytes | None]:
        if dtype not in self._sides:
            judge, adversarial = self._discriminator, self._losses.adversarial
            step, side = None, self._judged_side
            if judge is not None and adversarial is not None and self._discriminator_plan.trainable:
                step = rehearse_discriminator(judge, self._discriminator_plan, adversarial, dtype=dtype, side=side)
            self._sides[dtype] = self._rehearse_judges(judge, dtype, side), step
        return self._sides[dtype]

    @property
    def _judged_side(self) -> int:
        spec = self._options.network_d
        if isinstance(spec, PatchDiscriminatorSpec):
            return max(SIDE, spec.stride)
        return spec.input_size if isinstance(spec, WHOLE_CROP_SPECS) else SIDE

    def _rehearse_judges(self, judge: nn.Module | None, dtype: torch.dtype, side: int) -> SideBytes:
        return rehearse_judges(self._losses, judge, scale=self._options.scale, dtype=dtype, side=side)

    @cached_property
    def _losses(self) -> Losses:
        return _drawn_apart(self._build_losses)

    def _build_losses(self) -> Losses:
        parts = LossParts(self.generator, averaged=self.generator, device=torch.device("cpu"))
        terms = build_further_terms(self._train, parts)
        # It sees no picture, and needs no more than a copy of what trains.
        seeing = {name: term for name, term in terms.items() if not isinstance(term, BaseWeightDistance)}
        return replace(build_losses(self._options), more=seeing)

    @property
    def _keeps_start(self) -> bool:
        return self._train.base_opt is not None and self._train.base_opt.on == "weights"

    @cached_property
    def _discriminator(self) -> nn.Module | None:
        spec = self._options.network_d
        return None if spec is None else _drawn_apart(lambda: build_discriminator(spec))

    @cached_property
    def _discriminator_plan(self) -> FreezePlan:
        patterns = self._train.trainable.network_d
        return plan_freezing(self._discriminator or nn.Module(), patterns, key="train.trainable.network_d")


def _drawn_apart(build: Callable[[], Built]) -> Built:
    """Return what `build` makes; the random numbers of the run around it stay as they are."""
    with torch.random.fork_rng(devices=[]):
        return build()


def with_checkpointing(spec: GeneratorSpec, *, enabled: bool) -> GeneratorSpec:
    """Return the spec with its blocks recomputed or kept; a network that cannot recompute stays as it is."""
    return replace(spec, checkpointing=enabled) if isinstance(spec, RRDBNetSpec) else spec


def _at(found: GeneratorBytes, units: float) -> _GeneratorPeak:
    return _GeneratorPeak(
        forward=found.forward.at(units),
        held=found.held.at(units),
        backward=found.backward.at(units),
        largest=found.made.at(units),
    )


def _bytes_of(networks: Iterable[nn.Module]) -> int:
    """Return the size of all tensors of `networks`; one that several of them hold counts once."""
    tensors = {id(tensor): tensor for network in networks for tensor in (*network.parameters(), *network.buffers())}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
