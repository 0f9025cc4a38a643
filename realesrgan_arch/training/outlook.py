"""What a run says about its scores when it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.table import aligned
from realesrgan_arch.training.best import FIDELITY, NATURALNESS, Best, BestTable


@dataclass(frozen=True)
class QualityReport:
    """How the best weights compare with the base."""

    judgement: str = ""
    """Of the best composite, in words; empty where nothing was validated."""
    best: Path | None = None
    """The weights of the best composite."""
    front: str = ""
    """A small table of the steps that no other beats in fidelity and naturalness at once."""
    best_step: int = 0
    """Of the best composite; 0 where nothing was validated."""
    deciding: str = ""
    """The set that decides."""
    content: str = ""
    """A hash of its pictures and of what is measured: scores of two hashes cannot be compared."""

    def lines(self) -> list[str]:
        """Return the lines for the end of a run."""
        front = [self.front] if self.front else []
        if not self.judgement:
            return front
        said = [f"verdict  {self.judgement}; chosen on the validation pictures, so prove it on others"]
        return [*front, *said, *([f"best     {self.best}"] if self.best else [])]


def best_in_words(best: Best | None, step: int) -> str:
    """Return which step has the best composite, at `step`; where it is below 0 the base is better than all of them."""
    if best is None:
        return ""
    if best.value < 0:
        return f"; no step is better than the base, the nearest is step {best.step}"
    return "; the best so far" if best.step == step else f"; the best is step {best.step}"


def format_front(table: BestTable, base: Mapping[str, float]) -> str:
    """Return the front with PSNR and NIQE of each step, and whether the base is better in both; empty without one.

    Args:
        table: of the run.
        base: the base's means.
    """
    if not table.front():
        return ""
    labels = [METRICS[name].label for name in (FIDELITY, NATURALNESS)]
    rows = [["step", *labels, "base better in both?"]]
    reference = table.point(0, base)
    for point in table.front():
        scores = table.scores_of(point)
        cells = [f"{scores[name]:.{METRICS[name].decimals}f}" for name in (FIDELITY, NATURALNESS)]
        rows.append([str(point.step), *cells, "yes" if reference.dominates(point) else "no"])
    return "\n".join([f"steps that no other beats in both {labels[0]} and {labels[1]}", *aligned(rows)])
