"""Pictures too small for a metric are found before the first of them is scored."""

from realesrgan_arch.evaluation.chosen_set import DataChoice, UnreadablePairError
from realesrgan_arch.evaluation.evaluate import ScoreRules
from realesrgan_arch.evaluation.niqe import BLOCK_SIZE
from realesrgan_arch.plural import count_of
from realesrgan_arch.sweep.choose import SweepError

_NIQE = "niqe"
_FEWEST_BLOCKS = 2


def check_sizes(data: DataChoice, rules: ScoreRules) -> None:
    """Check that NIQE, where it is measured, is defined for one picture at least; reading stops at the first that is.

    Raises:
        SweepError: no picture is large enough.
        DataError: a frozen picture that changed.
    """
    if _NIQE not in rules.metrics:
        return
    num_small = 0
    for number in range(len(data.pairs)):
        try:
            height, width = data.pairs[number].gt.shape[1:]
        except UnreadablePairError:
            continue  # Named when it is scored.
        if _num_blocks(height, border=rules.border) * _num_blocks(width, border=rules.border) >= _FEWEST_BLOCKS:
            return
        num_small += 1
    if num_small:
        raise SweepError(
            f"NIQE needs at least {BLOCK_SIZE}x{_FEWEST_BLOCKS * BLOCK_SIZE} pixels inside the border of "
            f"{rules.border}, and none of {count_of(num_small, 'picture')} in {data.title} has them; take a larger "
            "--max-size or larger pictures, or leave niqe out of --metrics"
        )


def _num_blocks(side: int, *, border: int) -> int:
    return max(0, side - 2 * border) // BLOCK_SIZE
