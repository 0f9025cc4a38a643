"""What several stages came to: each is compared with the one before, and all of them could lose a little each time."""

from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.training.outcome import Outcome
from realesrgan_arch.training.results_table import read_scores


def compare_ends(first: Outcome, last: Outcome) -> str:
    """Return the best scores of the last stage after those of the weights that the first one started from, in words.

    Args:
        first: of a run that started from pre-trained weights.
        last: of a later one, whose base was another.

    Returns:
        A sentence; empty where one of them has no scores.
    """
    start, end = first.quality, last.quality
    if not start.content or not end.content:
        return ""
    if start.content != end.content:
        return "all stages: no comparison with the first base, as the first and the last one validate on other pictures"
    before = read_scores(first.run_folder.results, step=0, name=start.deciding)
    after = read_scores(last.run_folder.results, step=end.best_step, name=end.deciding)
    found = [_change(metric, before[metric], after[metric]) for metric in before if metric in after]
    if not found:
        return ""
    return (
        f"all stages: {', '.join(found)} on {end.deciding}, from the weights that the first one started from to the "
        f"best of the last one (step {end.best_step})"
    )


def _change(metric: str, before: float, after: float) -> str:
    known = METRICS[metric]
    unit = f" {known.unit}" if known.unit else ""
    return f"{known.label} {before:.{known.decimals}f} -> {after:.{known.decimals}f}{unit}"
