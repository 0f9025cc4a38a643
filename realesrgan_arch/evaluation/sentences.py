"""A judgement in plain words, for somebody who takes photographs and not means."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from realesrgan_arch.evaluation.evaluate import METRICS, Better
from realesrgan_arch.evaluation.finding import Finding, Judgement
from realesrgan_arch.evaluation.table import listed
from realesrgan_arch.plural import count_of

_IN_WORDS: Mapping[str, str] = {"perceptual": "perceptual likeness"}


def sentence_of(judgement: Judgement, better: Mapping[str, Better], *, pictures: int) -> str:
    """Return what all metrics of `judgement` say, with the reason where nothing can be told.

    Args:
        judgement: its own sentence is not read.
        better: by metric.
        pictures: that both methods have scores of.
    """
    compared = [finding for finding in judgement.findings.values() if finding.scenes]
    if not compared:
        return f"Whether {judgement.method} is better than {judgement.against} cannot be told: {_no_score(pictures)}."
    if all(finding.mean == finding.low == finding.high == 0 for finding in compared):
        scenes = count_of(max(finding.scenes for finding in compared), "scene")
        return f"{judgement.method} cannot be told from {judgement.against}: on {scenes} no score differs."
    scenes = max(finding.scenes for finding in compared)
    if scenes < judgement.fewest_scenes:
        return _too_few(judgement, compared, scenes)
    said = "; ".join(_claims(judgement, compared, better))
    return f"{said[0].upper()}{said[1:]}. {_power(judgement, compared, scenes)}{_undefined(judgement, pictures)}"


def side_of(metric: str) -> str:
    """Return what a metric measures: `fidelity`, `perceptual likeness` or `naturalness`."""
    side = METRICS[metric].side
    return _IN_WORDS.get(side, side)


def in_words(finding: Finding) -> str:
    """Return `PSNR +0.62 dB [+0.41, +0.83]`; without bounds where there are none."""
    metric = METRICS[finding.metric]
    unit = f" {metric.unit}" if metric.unit else ""
    text = f"{metric.label} {finding.mean:+.{metric.decimals}f}{unit}"
    if not finding.interval.is_defined:
        return text
    return f"{text} [{finding.low:+.{metric.decimals}f}, {finding.high:+.{metric.decimals}f}]"


def _claims(judgement: Judgement, compared: Iterable[Finding], better: Mapping[str, Better]) -> list[str]:
    by_verdict: dict[str, list[Finding]] = defaultdict(list)
    for finding in compared:
        by_verdict[finding.verdict].append(finding)
    claims = [
        f"{verdict} than {judgement.against} in {_by_side(by_verdict[verdict], better)}"
        for verdict in ("better", "worse")
        if by_verdict[verdict]
    ]
    if claims and claims[0].startswith("better") and judgement.both_improve and not judgement.worse:
        claims[0] = f"{claims[0]}, in both at once"
    if unclear := by_verdict["cannot be told"]:
        whole = "" if claims else f"{judgement.method} is better or worse than {judgement.against} "
        claims.append(f"whether {whole or 'it differs '}in {_by_side(unclear, better)} cannot be told")
    return claims


def _by_side(findings: Sequence[Finding], better: Mapping[str, Better]) -> str:
    sides: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        sides[side_of(finding.metric)].append(finding)
    return listed([f"{side} ({_first_and_others(group, better)})" for side, group in sides.items()])


def _first_and_others(findings: Sequence[Finding], better: Mapping[str, Better]) -> str:
    first, *others = findings
    lower = ", lower is better" if better[first.metric] == "lower" else ""
    also = f"; also {listed([METRICS[other.metric].label for other in others])}" if others else ""
    return f"{in_words(first)}{lower}{also}"


def _too_few(judgement: Judgement, compared: Sequence[Finding], scenes: int) -> str:
    means = ", ".join(in_words(finding) for finding in compared)
    of_several = f"with {len(compared)} metrics " if len(compared) > 1 else ""
    return (
        f"Whether {judgement.method} is better than {judgement.against} cannot be told: the pictures show "
        f"only {count_of(scenes, 'scene')}, and {of_several}it takes at least {judgement.fewest_scenes} to rule out "
        f"chance ({means})."
    )


def _power(judgement: Judgement, compared: Iterable[Finding], scenes: int) -> str:
    """Return what could have been seen, in the first metric of each side, and which metrics have too few scenes."""
    first: dict[str, Finding] = {}
    few: list[str] = []
    for finding in compared:
        if math.isnan(finding.detectable):
            few.append(f"{METRICS[finding.metric].label} has {count_of(finding.scenes, 'scene')}")
        else:
            first.setdefault(side_of(finding.metric), finding)
    differences = listed([_size(finding) for finding in first.values()])
    too_few = f" {listed(few)}, and fewer than {judgement.fewest_scenes} show nothing." if few else ""
    return f"On {count_of(scenes, 'scene')} a difference of {differences} could have been seen.{too_few}"


def _size(finding: Finding) -> str:
    metric = METRICS[finding.metric]
    size = max(finding.detectable, 10**-metric.decimals)
    return f"{size:.{metric.decimals}f} {metric.unit or metric.label}"


def _undefined(judgement: Judgement, pictures: int) -> str:
    missing = [
        f"{METRICS[name].label} counts {finding.pictures} of {count_of(pictures, 'picture')}"
        for name, finding in judgement.findings.items()
        if finding.pictures < pictures
    ]
    return f" {listed(missing)}; the others have no finite difference." if missing else ""


def _no_score(pictures: int) -> str:
    return "no score is defined for both" if pictures else "they have no picture in common"
