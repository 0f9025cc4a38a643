"""Who is judged against whom, and what a reader of the scores must know."""

from collections.abc import Iterator, Mapping, Sequence

from realesrgan_arch.evaluation.chosen_set import DataChoice
from realesrgan_arch.evaluation.contender import BASE, BICUBIC, MODEL, TUNED, Contender
from realesrgan_arch.evaluation.evaluate import METRICS, ImageScore, ScoreRules, mean_of_defined, measured_metrics
from realesrgan_arch.evaluation.group_choice import Groups
from realesrgan_arch.evaluation.scoring_run import ScoredSet
from realesrgan_arch.evaluation.statistics import Judgement, judge, judge_groups
from realesrgan_arch.evaluation.table import notes_on_scores

_PAIRS = ((TUNED, BASE), (TUNED, BICUBIC), (MODEL, BICUBIC), (BASE, BICUBIC))


def main_pair(contenders: Sequence[Contender]) -> tuple[str, str] | None:
    """Return which method is judged against which; None where there are no two that belong together."""
    names = {one.facts.name for one in contenders}
    return next((pair for pair in _PAIRS if names.issuperset(pair)), None)


def judge_all(
    contenders: Sequence[Contender], scored: ScoredSet, *, scenes: Mapping[str, str], seed: int
) -> tuple[Judgement, ...]:
    """Return the judgement of the main pair, of its method against each control, and of each control against `base`."""
    pair = main_pair(contenders)
    if pair is None:
        return ()
    controls = [one.facts.name for one in contenders if one.facts.kind == "control"]
    wanted = [pair, *((pair[0], name) for name in controls)]
    if BASE in {one.facts.name for one in contenders}:
        wanted += [(name, BASE) for name in controls]
    return tuple(
        judge(scored.of(method), scored.of(other), scenes=scenes, method=method, other=other, seed=seed)
        for method, other in dict.fromkeys(wanted)
        if method != other
    )


def judge_each_group(
    contenders: Sequence[Contender], scored: ScoredSet, *, choice: DataChoice, groups: Groups, seed: int
) -> dict[str, dict[str, Judgement]]:
    """Return the judgements of the main pair by kind of group, then by group."""
    pair = main_pair(contenders)
    if pair is None:
        return {}
    scores, against = (scored.of(name) for name in pair)
    return {
        kind: judge_groups(scores, against, scenes=choice.scenes, groups=of, method=pair[0], other=pair[1], seed=seed)
        for kind, of in groups.items()
    }


def means_of(scored: ScoredSet) -> dict[str, dict[str, float]]:
    """Return the mean of each metric over the pictures for which it is defined, by method."""
    by_method: dict[str, list[ImageScore]] = {}
    for score in scored.scores:
        by_method.setdefault(score.method, []).append(score)
    return {
        method: {
            name: mean_of_defined(score.values[name] for score in rows if name in score.values)
            for name in measured_metrics(rows)
        }
        for method, rows in by_method.items()
    }


def notes_on(scored: ScoredSet, *, choice: DataChoice, asked: ScoreRules) -> Iterator[str]:
    """Yield sentences about scores that are absent, not defined or infinite: one for each metric."""
    absent = [METRICS[name].label for name in asked.metrics if METRICS[name].compare is not None]
    if not choice.has_truth and absent:
        yield f"there is no ground truth, so {', '.join(absent)} cannot be told"
    yield from notes_on_scores(scored.scores)
