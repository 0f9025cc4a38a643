"""What a probe compares: patterns of the user, or `auto`, as far as they differ and fit the memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.layer_study.candidates import Candidate, StudyError, default_labels
from realesrgan_arch.layer_study.costs import Cost, foresee_costs
from realesrgan_arch.networks.spec import CompactSpec, GeneratorSpec
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.freezing import plan_freezing
from realesrgan_arch.training.plan import Budget
from realesrgan_arch.training.trainable_choices import GENERATOR_KEY, depth_of, list_choices

AUTO = "auto"
_WINDOW = 4
"""The windows at the start and in the middle are a quarter of the body."""


@dataclass(frozen=True)
class Field:
    """The candidates that take part, what each costs, and which do not take part, in words."""

    costs: Mapping[Candidate, Cost]
    trains: Mapping[Candidate, frozenset[str]]
    """The parameters of each by name."""
    left_out: tuple[str, ...]

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
    """Return ends of the network of growing length, the ancestor's early layer, windows, and all."""
    return list(dict.fromkeys([*_suffixes(spec), default_labels(spec)[0], *_windows(spec), "all"]))


def settle(candidates: Sequence[Candidate], options: Options, budget: Budget | None) -> Field:
    """Return those that differ in what trains and that fit the budget, with their costs.

    Args:
        candidates: as asked for.
        options: whose network, batch, crops and precision decide.
        budget: of memory; None is any.

    Raises:
        FreezingError: a pattern that matches no layer.
        StudyError: fewer than two are left.
    """
    network = load_base_generator(options)
    seen: dict[frozenset[str], Candidate] = {}
    left_out: list[str] = []
    for candidate in candidates:
        plan = plan_freezing(network, candidate.patterns, key=GENERATOR_KEY)
        if plan.trainable in seen:
            left_out.append(f"{candidate.label}: trains the same as {seen[plan.trainable].label}")
        elif not plan.trainable:
            left_out.append(f"{candidate.label}: trains nothing")
        else:
            seen[plan.trainable] = candidate
    costs = foresee_costs(tuple(seen.values()), options)
    fitting = {one: cost for one, cost in costs.items() if budget is None or cost.peak_bytes <= budget.size}
    left_out += [
        f"{one.label}: needs {say_bytes(cost.peak_bytes)}, more than {say_bytes(budget.size)} ({budget.words})"
        for one, cost in costs.items()
        if budget is not None and one not in fitting
    ]
    if len(fitting) < 2:
        said = f" ({'; '.join(left_out)})" if left_out else ""
        raise StudyError(f"--candidates: expected two or more different ones to compare, got {len(fitting)}{said}")
    return Field(fitting, {one: names for names, one in seen.items() if one in fitting}, tuple(left_out))


def _suffixes(spec: GeneratorSpec) -> Iterator[str]:
    for choice in list_choices(spec):
        if choice.patterns not in (("bias",), ("all",)):
            yield ",".join(choice.patterns)


def _windows(spec: GeneratorSpec) -> Iterator[str]:
    depth, step = depth_of(spec), 2 if isinstance(spec, CompactSpec) else 1
    width = max(1, depth // _WINDOW)
    # In `body` of the compact network the first convolution comes before the `depth` ones, each with its activation.
    first = 2 if isinstance(spec, CompactSpec) else 0
    for start in dict.fromkeys((0, (depth - width) // 2)):
        yield ",".join(f"body.{first + step * place}" for place in range(start, start + width))
