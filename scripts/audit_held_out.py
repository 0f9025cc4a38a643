"""Choose the numbers of the audit on one half of the pictures and measure them on the other, for `measure_audit.py`.

Halves are whole scenes (folders of photographs) and whole sources (of plans), so that no building, and no hand that
draws plans, is on both sides.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from realesrgan_arch.audit.judge import RULES, judge
from realesrgan_arch.audit.line_art import LineArtModel, LineArtStatistics, line_art_probability, model_terms
from realesrgan_arch.audit.measure import Measurements
from realesrgan_arch.audit.thresholds import AuditThresholds, Limits
from realesrgan_arch.seeding import Stream, numpy_generator

AS_IT_IS = "as it is"
WEIGHT_AS_IT_IS = {True: 3.0, False: 4.0}
RARE = {"160 pixels": 0.3, "noise of 20 levels": 0.4, "underexposed": 0.4, "upper half pure white": 0.5}
RIDGE, NEWTON_STEPS = 2e-3, 40
CAPS = tuple(product((0.3, 0.4, 0.5, 1.0), (0.2, 0.3, 0.4, 1.0), (8.0,)))
LINE_ART_LIMITS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
STEPS = {"blurred": 0.05, "upscaled": 0.5, "repeated_pixels": 0.1, "block_grid": 0.05}
"""The limits that are chosen besides, each a multiple of its step. Others (400 pixels, quality 60) are decisions."""


@dataclass(frozen=True)
class Example:
    """The statistics of one real or made picture, shrunk."""

    half: int
    variant: str
    is_plan: bool
    statistics: LineArtStatistics


@dataclass(frozen=True)
class Measured:
    """One real or made picture; `made` is empty for real ones, `reason` is the one that should find it."""

    half: int
    measurements: Measurements
    is_plan: bool = False
    made: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Numbers:
    """Everything that is chosen."""

    model: LineArtModel
    thresholds: AuditThresholds


def halves(groups: Sequence[str], seed: int) -> list[int]:
    """Return the half, 0 or 1, of each picture: whole groups, the largest first, into the half that has fewer."""
    sizes = Counter(groups)
    names = sorted(sizes)
    order = numpy_generator(seed, Stream.SPLIT).permutation(len(names))
    filled, chosen = [0, 0], {}
    for name in sorted((names[index] for index in order), key=lambda name: -sizes[name]):
        chosen[name] = int(filled[1] < filled[0])
        filled[chosen[name]] += sizes[name]
    return [chosen[name] for name in groups]


def photo_group(path: Path) -> str:
    """Return the scene of a photograph."""
    return path.parent.as_posix()


def plan_group(path: Path) -> str:
    """Return the repository that a plan is from."""
    return path.name.partition("__")[0]


def train(examples: Sequence[Example], caps: tuple[float, float, float]) -> LineArtModel:
    """Logistic regression by Newton's method: both classes weigh the same, untouched pictures more than variants."""
    terms, is_plan = _terms(examples, caps), np.array([e.is_plan for e in examples], float)
    weights = _weights(examples)
    mean, scale = weights @ terms, np.sqrt(weights @ (terms - weights @ terms) ** 2)
    inputs = np.c_[np.ones(len(terms)), (terms - mean) / scale]
    found, ridge = np.zeros(inputs.shape[1]), np.diag([0, *[RIDGE] * terms.shape[1]])
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-inputs @ found))
        slope = inputs.T @ (weights * (chance - is_plan)) + ridge @ found
        found -= np.linalg.solve((inputs.T * (weights * chance * (1 - chance))) @ inputs + ridge, slope)
    own = found[1:] / scale
    rounded = [round(float(weight), 3) for weight in own]
    return LineArtModel(round(float(found[0] - own @ mean), 3), (rounded[0], rounded[1], rounded[2]), caps)


def choose(examples: Sequence[Example], measured: Sequence[Measured], thresholds: AuditThresholds) -> Numbers:
    """Choose caps, weights and limits; what cannot be chosen stays as in `thresholds`."""
    model = min((train(examples, caps) for caps in CAPS), key=lambda model: _loss(examples, model))
    limit = min(LINE_ART_LIMITS, key=lambda limit: (_mistakes(examples, model, limit), -limit))
    genuine = [m.measurements for m in measured if not m.is_plan and not m.reason]
    chosen = {key: Limits(drop=_safe_limit(key, step, genuine)) for key, step in STEPS.items()}
    return Numbers(model, thresholds.model_copy(update={"line_drawing": Limits(drop=limit), **chosen}))


def report_halves(examples: Sequence[Example], measured: Sequence[Measured], thresholds: AuditThresholds) -> None:
    """Print what was chosen on each half, and what it does on both."""
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    fakes: dict[tuple[str, str], list[bool]] = defaultdict(list)
    print("\nchosen on | measured on | plans found | taken for a drawing | photographs dropped for any reason")
    for own in (0, 1):
        numbers = choose([e for e in examples if e.half == own], [m for m in measured if m.half == own], thresholds)
        print(f"  {numbers.model}; " + ", ".join(f"{key} {getattr(numbers.thresholds, key).drop}" for key in _KEYS))
        for label, used in (("all", numbers), ("weights and caps", replace(numbers, thresholds=thresholds))):
            for half in (own, 1 - own):
                counts = _count([m for m in measured if m.half == half and not m.made], used)
                told = f"{counts['plans found']} of {counts['plans']} | {counts['photographs drawn']} of "
                told += f"{counts['photographs']} | {counts['photographs dropped']}"
                print(f"{label}, {'AB'[own]} | {'AB'[half]} ({'train' if half == own else 'held out'}) | {told}")
                if half != own:
                    confusion[label].update(counts)
        for item in measured:
            if item.half != own and item.made:
                fakes[item.made, item.reason].append(_is_dropped(item, numbers, item.reason))
        _report_variants(examples, numbers, own)
    for label, counts in confusion.items():
        print(f"held out, both directions, {label} chosen: {dict(counts)}")
    print("\nfake, held out | reason | dropped")
    for (name, reason), dropped in fakes.items():
        print(f"{name} | {reason} | {sum(dropped)} of {len(dropped)}")


def _report_variants(examples: Sequence[Example], numbers: Numbers, own: int) -> None:
    found: dict[tuple[bool, str], list[bool]] = defaultdict(list)
    limit = numbers.thresholds.line_drawing.drop
    for e in examples:
        if e.half != own:
            found[e.is_plan, e.variant].append(line_art_probability(e.statistics, numbers.model) >= float(limit))
    for (is_plan, name), drawn in found.items():
        print(f"  held out of {'AB'[own]}: {'plan' if is_plan else 'photograph'}, {name}: {sum(drawn)} of {len(drawn)}")


_KEYS = ("line_drawing", *STEPS)


def _count(items: Sequence[Measured], numbers: Numbers) -> Counter[str]:
    counts: Counter[str] = Counter()
    for item in items:
        kind = "plans" if item.is_plan else "photographs"
        is_drawn = _is_dropped(item, numbers, "line_drawing")
        counts.update({kind: 1, f"{kind} {'found' if item.is_plan else 'drawn'}": is_drawn})
        counts[f"{kind} dropped"] += _is_dropped(item, numbers)
    return counts


def _is_dropped(item: Measured, numbers: Numbers, reason: str = "") -> bool:
    m = item.measurements
    statistics = LineArtStatistics(m.line_asymmetry, m.halftone_share, m.gray_entropy)
    judged = judge(replace(m, line_art=line_art_probability(statistics, numbers.model)), numbers.thresholds)
    return any(finding.drop and finding.reason == (reason or finding.reason) for finding in judged)


def _terms(examples: Sequence[Example], caps: Sequence[float]) -> np.ndarray:
    return np.array([model_terms(e.statistics, caps) for e in examples])


def _weights(examples: Sequence[Example]) -> np.ndarray:
    """Half of all weight is that of plans."""
    is_plan = np.array([e.is_plan for e in examples])
    weights = np.array(
        [WEIGHT_AS_IT_IS[e.is_plan] if e.variant == AS_IT_IS else RARE.get(e.variant, 1) for e in examples]
    )
    return weights / np.where(is_plan, weights[is_plan].sum(), weights[~is_plan].sum()) / 2


def _loss(examples: Sequence[Example], model: LineArtModel) -> float:
    scores = model.bias + _terms(examples, model.caps) @ np.array(model.weights)
    signs = np.array([1 if e.is_plan else -1 for e in examples])
    return float(_weights(examples) @ np.logaddexp(0, -signs * scores))


def _mistakes(examples: Sequence[Example], model: LineArtModel, limit: float) -> float:
    wrong = [(line_art_probability(e.statistics, model) >= limit) != e.is_plan for e in examples]
    return float(_weights(examples) @ np.array(wrong, float))


def _safe_limit(key: str, step: float, genuine: Sequence[Measurements]) -> float:
    """Return the multiple of `step` one step beyond the first at which no genuine photograph is dropped."""
    rule = next(rule for rule in RULES if rule.key == key)
    values = [value for m in genuine if (value := rule.value(m)) is not None]
    if rule.bad == "high":
        return round((np.floor(max(values) / step) + 2) * step, 6)
    return round((np.floor(min(values) / step) - 1) * step, 6)
