"""What a probe compares: patterns of the user, or `auto`, as far as they differ and fit the memory."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.layer_study.candidates import Candidate, StudyError, default_labels
from realesrgan_arch.layer_study.costs import Cost, foresee_costs
from realesrgan_arch.networks.spec import CompactSpec, GeneratorSpec, RRDBNetSpec
from realesrgan_arch.options.types import Options
from realesrgan_arch.seeding import Stream, numpy_generator
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.freezing import layer_names, plan_freezing
from realesrgan_arch.training.plan import Budget
from realesrgan_arch.training.trainable_choices import (
    GENERATOR_KEY,
    RRDB_LAYERS,
    SRRESNET_LAYERS,
    depth_of,
    list_choices,
)

AUTO = "auto"
_RANDOM = re.compile(r"random:(\d+)")
_LAYERS = 2
"""The counter of the draw, beside those of subsets and crops."""
_WINDOW = 4
"""The windows at the start and in the middle are a quarter of the body."""


@dataclass(frozen=True)
class Field:
    """The candidates that take part, what each costs, and which do not take part, in words."""

    costs: Mapping[Candidate, Cost]
    trains: Mapping[Candidate, frozenset[str]]
    """The parameters of each by name."""
    left_out: tuple[str, ...]
    parameters: frozenset[str] = frozenset()
    """All of the network."""

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Those that take part."""
        return tuple(self.costs)


def read_probe_candidates(texts: Sequence[str], spec: GeneratorSpec) -> tuple[Candidate, ...]:
    """Return what `texts` name, patterns of one joined by commas; `auto` stands for `auto_labels`.

    Raises:
        StudyError: one without a pattern.
    """
    labels = [label for text in texts for label in (auto_labels(spec) if text == AUTO else [text])]
    found = dict.fromkeys(Candidate(tuple(part for part in label.split(",") if part)) for label in labels)
    if not all(one.patterns for one in found):
        raise StudyError(f"--candidates: expected patterns of layers, or auto, got {' '.join(map(repr, texts))}")
    return tuple(found)


def auto_labels(spec: GeneratorSpec) -> list[str]:
    """Return ends of the network of growing length, the ancestor's early layer, windows, as many random layers as a
    window has, and all."""
    drawn = f"random:{_window_width(spec) * _layers_of_part(spec)}"
    return list(dict.fromkeys([*_suffixes(spec), default_labels(spec)[0], *_windows(spec), drawn, "all"]))


def settle(candidates: Sequence[Candidate], options: Options, budget: Budget | None) -> Field:
    """Return those that differ in what trains and that fit the budget, with their costs.

    Args:
        candidates: as asked for.
        options: whose network, batch, crops and precision decide; its seed draws what `random:N` trains.
        budget: of memory; None is any.

    Raises:
        FreezingError: a pattern that matches no layer.
        StudyError: fewer than two are left, or more random layers than there are.
    """
    network = load_base_generator(options)
    seen: dict[frozenset[str], Candidate] = {}
    left_out: list[str] = []
    for candidate in (draw_layers(one, network, seed=options.manual_seed) for one in candidates):
        plan = plan_freezing(network, candidate.patterns, key=GENERATOR_KEY)
        if plan.trainable in seen:
            left_out.append(f"{candidate.label}: trains the same as {seen[plan.trainable].label}")
        elif not plan.trainable:
            left_out.append(f"{candidate.label}: trains nothing")
        else:
            seen[plan.trainable] = candidate
    costs = foresee_costs(tuple(seen.values()), options)
    fitting = {one: fit for one, cost in costs.items() if (fit := _fitting(cost, budget)) is not None}
    left_out += [
        f"{one.label}: needs {say_bytes(_least(cost))}, more than {say_bytes(budget.size)} ({budget.words})"
        for one, cost in costs.items()
        if budget is not None and one not in fitting
    ]
    if len(fitting) < 2:
        said = f" ({'; '.join(left_out)})" if left_out else ""
        raise StudyError(f"--candidates: expected two or more different ones to compare, got {len(fitting)}{said}")
    trains = {one: names for names, one in seen.items() if one in fitting}
    return Field(fitting, trains, tuple(left_out), frozenset(name for name, _ in network.named_parameters()))


def _fitting(cost: Cost, budget: Budget | None) -> Cost | None:
    """Return the cost of the way that fits: as the options say, else with checkpointing, which takes longer."""
    ways = [cost, *([cost.checkpointed] if cost.checkpointed else [])]
    return next((way for way in ways if budget is None or way.peak_bytes <= budget.size), None)


def _least(cost: Cost) -> int:
    return min(way.peak_bytes for way in (cost, cost.checkpointed) if way is not None)


def draw_layers(candidate: Candidate, network: nn.Module, *, seed: int) -> Candidate:
    """Return `random:N` with the names of N layers drawn without regard to what they do; any other as it is.

    What such a set gains is what choosing layers has to beat.

    Raises:
        StudyError: N is 0, or more than the network has.
    """
    asked = _RANDOM.fullmatch(candidate.label)
    if asked is None or candidate.name:
        return candidate
    layers, count = layer_names(network), int(asked[1])
    if not 1 <= count <= len(layers):
        raise StudyError(f"--candidates: expected random:1 to random:{len(layers)}, got {candidate.label}")
    places = numpy_generator(seed, Stream.LAYER_STUDY, _LAYERS, count).choice(len(layers), count, replace=False)
    return Candidate(tuple(layers[place] for place in sorted(places)), name=candidate.label)


def _suffixes(spec: GeneratorSpec) -> Iterator[str]:
    for choice in list_choices(spec):
        if choice.patterns not in (("bias",), ("all",)):
            yield ",".join(choice.patterns)


def _windows(spec: GeneratorSpec) -> Iterator[str]:
    depth, step = depth_of(spec), 2 if isinstance(spec, CompactSpec) else 1
    width = _window_width(spec)
    # In `body` of the compact network the first convolution comes before the `depth` ones, each with its activation.
    first = 2 if isinstance(spec, CompactSpec) else 0
    for start in dict.fromkeys((0, (depth - width) // 2)):
        yield ",".join(f"body.{first + step * place}" for place in range(start, start + width))


def _window_width(spec: GeneratorSpec) -> int:
    return max(1, depth_of(spec) // _WINDOW)


def _layers_of_part(spec: GeneratorSpec) -> int:
    """Return the number of convolutions in each of the equal parts of the body."""
    if isinstance(spec, CompactSpec):
        return 1
    return RRDB_LAYERS if isinstance(spec, RRDBNetSpec) else SRRESNET_LAYERS
