"""Measure how often 95 % intervals over scenes hold the truth, how often a verdict is wrong, and what it can see.

Studies are made up whose true mean difference is known. For each kind of difference and number of scenes the table has
the share of studies in which the interval of each rule holds the truth (and the median width of the interval in
standard deviations), then for the rule of `evaluation.bootstrap` with the sign flips of `evaluation.significance`: the
share with a claim where the truth is zero (0.05 at most is promised), and the share in which a difference of the size
that `detectable_differences` names is found (0.80 is meant).

    python scripts/simulate_intervals.py --trials 2000 --draws 2000
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import stats
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))

from realesrgan_arch.evaluation.bootstrap import draw_counts, mean_intervals, student_factor
from realesrgan_arch.evaluation.finding import is_clear
from realesrgan_arch.evaluation.paired import SceneSums
from realesrgan_arch.evaluation.significance import detectable_differences, sign_flip_p_values
from realesrgan_arch.evaluation.table import aligned

Bounds = tuple[float, float]
TAILS = (0.025, 0.975)


def draw_normal(generator: np.random.Generator, scenes: int) -> SceneSums:
    """Draw a difference a scene, mean 0 and standard deviation 1."""
    return _one_a_scene(generator.normal(0, 1, scenes))


def draw_skewed(generator: np.random.Generator, scenes: int) -> SceneSums:
    """Draw log-normal differences (sigma 0.8, skewness 3.7) less their mean."""
    return _one_a_scene(
        (generator.lognormal(0, 0.8, scenes) - np.exp(0.32)) / np.sqrt((np.exp(0.64) - 1) * np.exp(0.64))
    )


def draw_heavy(generator: np.random.Generator, scenes: int) -> SceneSums:
    """Draw from Student's t with 3 degrees of freedom: outliers on both sides."""
    return _one_a_scene(generator.standard_t(3, scenes) / np.sqrt(3))


def draw_clustered(generator: np.random.Generator, scenes: int) -> SceneSums:
    """Draw 1 to 12 pictures a scene; half of a picture's variance is its scene's."""
    pictures = generator.integers(1, 13, scenes).astype(np.float64)
    common, own = generator.normal(0, np.sqrt(0.5), (2, scenes))
    return SceneSums((pictures * common + np.sqrt(pictures) * own)[:, None], pictures[:, None])


KINDS: Mapping[str, Callable[[np.random.Generator, int], SceneSums]] = {
    "normal": draw_normal,
    "skewed": draw_skewed,
    "heavy": draw_heavy,
    "clustered": draw_clustered,
}


def interval_rules(table: SceneSums, *, seed: int, draws: int) -> dict[str, Bounds]:
    """Return the interval of the one column of `table` by each rule."""
    mean, error, scenes = float(table.means[0]), float(table.errors[0]), len(table.sums)
    counts = np.concatenate(list(draw_counts(scenes, seed=seed, draws=draws)))
    residuals, pictures = table.residuals[:, 0], table.pictures[:, 0]
    shift = counts @ residuals / (counts @ pictures)
    student = student_factor(scenes) * error
    expanded = float(stats.norm.cdf(-np.sqrt(scenes / (scenes - 1)) * student_factor(scenes)))
    low, high = np.quantile(_in_own_errors(counts, shift, residuals, pictures), TAILS, method="nearest")
    (chosen,) = mean_intervals(table, seed=seed, draws=draws)
    return {
        "Student": (mean - student, mean + student),
        "percentile": _quantiles(mean + shift, TAILS),
        "expanded": _quantiles(mean + shift, (expanded, 1 - expanded)),
        "BCa": _quantiles(mean + shift, _bca_levels(table, shift)),
        "bootstrap-t": (mean - high * error, mean - low * error),
        "symmetric (ours)": (chosen.low, chosen.high),
    }


def has_claim(table: SceneSums, *, seed: int, draws: int) -> bool:
    """Return whether the one column of `table` would be called better or worse."""
    (interval,) = mean_intervals(table, seed=seed, draws=draws)
    return is_clear(interval, float(sign_flip_p_values(table, seed=seed, draws=draws)[0]), step=0.0)


def measure(kind: str, scenes: int, *, trials: int, draws: int, seed: int) -> list[str]:
    """Return one row of the table."""
    generator = np.random.default_rng((seed, scenes, list(KINDS).index(kind)))
    held: dict[str, list[bool]] = {}
    widths: dict[str, list[float]] = {}
    claims, found = [], []
    # What so many scenes can show is a property of the kind, not of one study of it.
    planted = float(np.median([detectable_differences(KINDS[kind](generator, scenes))[0] for _ in range(200)]))
    for trial in range(trials):
        table = KINDS[kind](generator, scenes)
        for rule, (low, high) in interval_rules(table, seed=trial, draws=draws).items():
            held.setdefault(rule, []).append(low <= 0 <= high)
            widths.setdefault(rule, []).append(high - low)
        claims.append(has_claim(table, seed=trial, draws=draws))
        shifted = SceneSums(table.sums + planted * table.pictures, table.pictures)
        found.append(has_claim(shifted, seed=trial, draws=draws))
    cells = [f"{np.mean(held[rule]):.3f} ({np.median(widths[rule]):.2f})" for rule in held]
    power = "-" if np.isnan(planted) else f"{np.mean(found):.2f} of {planted:.2f}"
    return [kind, str(scenes), *cells, f"{np.mean(claims):.3f}", power]


def _one_a_scene(values: np.ndarray) -> SceneSums:
    return SceneSums(values[:, None], np.ones((len(values), 1)))


def _quantiles(means: np.ndarray, levels: Sequence[float]) -> Bounds:
    low, high = np.quantile(means, levels)
    return float(low), float(high)


def _in_own_errors(counts: np.ndarray, shift: np.ndarray, residuals: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    spread = (counts * np.square(residuals - shift[:, None] * pictures)).sum(axis=1)
    errors = np.sqrt(spread * len(residuals) / (len(residuals) - 1)) / (counts @ pictures)
    return np.where(errors > 1e-9, shift / np.maximum(errors, 1e-9), np.copysign(1e9, shift))


def _bca_levels(table: SceneSums, shift: np.ndarray) -> list[float]:
    """Return the levels of Efron, "Better bootstrap confidence intervals" (JASA 1987)."""
    sums, pictures = table.sums[:, 0], table.pictures[:, 0]
    left_out = (sums.sum() - sums) / (pictures.sum() - pictures)
    away = left_out.mean() - left_out
    acceleration = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    bias = stats.norm.ppf(np.clip((shift < 0).mean() + (shift == 0).mean() / 2, 1e-4, 1 - 1e-4))
    shifted = bias + stats.norm.ppf(TAILS)
    return [float(level) for level in stats.norm.cdf(bias + shifted / (1 - acceleration * shifted))]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=2000, help="studies of each kind and size")
    parser.add_argument("--draws", type=int, default=2000, help="of each bootstrap")
    parser.add_argument("--scenes", type=int, nargs="+", default=[5, 20, 100], help="sizes of studies, 5 or more")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> int:
    """Print the table."""
    arguments = _parse()
    cases = [(kind, scenes) for kind in KINDS for scenes in arguments.scenes]
    rows = [
        measure(kind, scenes, trials=arguments.trials, draws=arguments.draws, seed=arguments.seed)
        for kind, scenes in tqdm(cases, disable=None)
    ]
    rules = ["Student", "percentile", "expanded", "BCa", "bootstrap-t", "symmetric (ours)"]
    print("\n".join(aligned([["kind", "scenes", *rules, "false claims", "found"], *rows])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
