"""Is one method better than another? Paired differences, intervals over scenes, and a verdict for each metric."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from realesrgan_arch.evaluation.bootstrap import mean_intervals
from realesrgan_arch.evaluation.composite import COMPOSITE, composite_of
from realesrgan_arch.evaluation.evaluate import METRICS, Better, ImageScore, measured_metrics
from realesrgan_arch.evaluation.finding import Finding, Judgement, Verdict, is_clear, least_claimed, no_finding
from realesrgan_arch.evaluation.paired import Differences, Interval, SceneSums, paired_differences, sum_by_scene
from realesrgan_arch.evaluation.sentences import sentence_of
from realesrgan_arch.evaluation.significance import (
    detectable_differences,
    fewest_to_claim,
    holm,
    sign_flip_p_values,
    win_rates,
)

__all__ = ["Finding", "Judgement", "Verdict", "judge", "judge_groups", "no_finding"]


def judge(
    scores: Iterable[ImageScore],
    against: Iterable[ImageScore],
    *,
    scenes: Mapping[str, str],
    method: str = "tuned",
    other: str = "base",
    seed: int = 0,
    better: Mapping[str, Better] | None = None,
) -> Judgement:
    """Compare two methods picture by picture.

    A metric is better or worse where its whole interval (`bootstrap`) is on that side of zero and its p-value by sign
    flips (`significance`), after Holm over all metrics that are defined, is 0.05 at most. With so few scenes that no
    metric could be claimed (`fewest_to_claim`: 7 for three) there is no claim, of the composite neither, which is
    judged alone else.

    Args:
        scores: of one method.
        against: of another one; pictures that are in one of them only do not count.
        scenes: the scene of each picture; a picture without one is a scene of its own.
        method: the name of the one, for the sentence.
        other: the name of the other.
        seed: of the draws.
        better: for metrics of which it is not what `METRICS` says.
    """
    directions: dict[str, Better] = {name: metric.better for name, metric in METRICS.items()}
    directions |= better or {}
    differences = paired_differences(scores, against)
    names = measured_metrics(ImageScore(picture, "", row) for picture, row in differences.items())
    findings = _findings(_with_composite(differences, directions), [*names, COMPOSITE], scenes, directions, seed)
    composite = findings.pop(COMPOSITE)
    judgement = Judgement(method, other, findings, composite, sentence="")
    return Judgement(method, other, findings, composite, sentence_of(judgement, directions, pictures=len(differences)))


def judge_groups(
    scores: Iterable[ImageScore],
    against: Iterable[ImageScore],
    *,
    scenes: Mapping[str, str],
    groups: Mapping[str, str],
    method: str = "tuned",
    other: str = "base",
    seed: int = 0,
    better: Mapping[str, Better] | None = None,
) -> dict[str, Judgement]:
    """Compare two methods in each group of pictures apart, by the names of the groups; see `judge`.

    Args:
        scores: of one method.
        against: of another one.
        scenes: of each picture.
        groups: the group of each picture; pictures without one are in none.
        method: the name of the one.
        other: the name of the other.
        seed: of the draws.
        better: as for `judge`.
    """
    scores, against = list(scores), list(against)

    def of_group(rows: Sequence[ImageScore], group: str) -> list[ImageScore]:
        return [row for row in rows if groups.get(row.name) == group]

    return {
        group: judge(
            of_group(scores, group),
            of_group(against, group),
            scenes=scenes,
            method=method,
            other=other,
            seed=seed,
            better=better,
        )
        for group in sorted({groups[row.name] for row in scores if row.name in groups})
    }


def _with_composite(differences: Differences, better: Mapping[str, Better]) -> Differences:
    return {picture: {**row, COMPOSITE: composite_of(row, better)} for picture, row in differences.items()}


def _findings(
    differences: Differences, names: Sequence[str], scenes: Mapping[str, str], better: Mapping[str, Better], seed: int
) -> dict[str, Finding]:
    """Return the finding of each metric and, last, of the composite, over which Holm's correction does not go."""
    table = sum_by_scene(differences, names, scenes)
    signs = np.array([1.0 if better.get(name, "higher") == "higher" else -1.0 for name in names])
    p_values = sign_flip_p_values(table, seed=seed).tolist()
    metrics = sum(not math.isnan(p_value) for p_value in p_values[:-1])
    columns = zip(
        names,
        mean_intervals(table, seed=seed),
        table.pictures.sum(axis=0).astype(int).tolist(),
        win_rates(SceneSums(table.sums * signs, table.pictures)).tolist(),
        _detectable(table, names, metrics),
        p_values,
        [*holm(p_values[:-1]), p_values[-1]],
        strict=True,
    )
    return {
        name: Finding(
            metric=name,
            mean=interval.mean,
            low=interval.low,
            high=interval.high,
            scenes=interval.scenes,
            pictures=pictures,
            win_rate=wins,
            detectable=detectable,
            p_value=p_value,
            p_adjusted=adjusted,
            verdict=_verdict(name, interval, adjusted, better, fewest=fewest_to_claim(metrics)),
        )
        for name, interval, pictures, wins, detectable, p_value, adjusted in columns
    }


def _detectable(table: SceneSums, names: Sequence[str], metrics: int) -> list[float]:
    """Return the smallest difference of each column that so many scenes show and that is not too small to claim."""
    corrected, alone = detectable_differences(table, metrics=metrics), detectable_differences(table)
    # The composite is judged alone, though of no fewer scenes.
    of_one = np.where(np.array(names) == COMPOSITE, alone, corrected)
    found = np.maximum(of_one, [least_claimed(_step(name)) for name in names])
    return np.where(np.isnan(corrected), np.nan, found).tolist()


def _verdict(name: str, interval: Interval, p_adjusted: float, better: Mapping[str, Better], *, fewest: int) -> Verdict:
    if interval.scenes < fewest or not is_clear(interval, p_adjusted, step=_step(name)):
        return "cannot be told"
    return "better" if (interval.mean > 0) == (better.get(name, "higher") == "higher") else "worse"


def _step(name: str) -> float:
    return METRICS[name].step if name in METRICS else 1.0
