"""Whether truths are as large as their inputs ask for: found by headers, before anything is decoded."""

from collections.abc import Callable, Sequence
from pathlib import Path

from realesrgan_arch.data.files import DataError
from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.plural import count_of

Size = tuple[int, int]
"""Width and height."""


def check_pair_sizes(
    files: Sequence[tuple[Path, Path]], read_size: Callable[[Path], Size], *, gt_root: Path, gt_key: str, scale: int
) -> None:
    """Check that no truth is too large, and that not all of them are too small: then it is the folder that is wrong.

    A truth that is larger by `scale` or more is no picture that was cut to a multiple: its corner would be scored. One
    that is too small, or cannot be read, is named when it is scored.

    Args:
        files: (gt, lq) of each pair.
        read_size: the size of a picture; ImageError where it cannot be read.
        gt_root: folder of the truths.
        gt_key: how the user has named that folder: `--gt`, or a key of an option file.
        scale: GT side over LQ side.

    Raises:
        DataError: a truth that is too large, or none that is large enough.
    """
    wrong: list[tuple[Size, Size]] = []
    large: list[tuple[Path, Path, Size, Size]] = []
    is_any_right = False
    for gt, lq in files:
        try:
            sizes = read_size(gt), read_size(lq)
        except ImageError:
            continue
        spare = [side - scale * small for side, small in zip(*sizes, strict=True)]
        if min(spare) < 0:
            wrong.append(sizes)
            continue
        is_any_right = True
        if max(spare) >= scale:
            large.append((gt, lq, *sizes))
    if large:
        raise DataError(_too_large(large, len(files), scale=scale))
    if wrong and not is_any_right:
        (width, height), (lq_width, lq_height) = wrong[0]
        are = "are" if len(set(wrong)) == 1 else "are too small, the first"
        raise DataError(
            f"Expected truths of {scale} times the size of their input, {lq_width * scale} x {lq_height * scale} for "
            f"{lq_width} x {lq_height}, but all {count_of(len(wrong), 'truth')} in {shown(gt_root)} {are} "
            f"{width} x {height}; is {gt_key} the right folder?"
        )


def _too_large(large: Sequence[tuple[Path, Path, Size, Size]], pictures: int, *, scale: int) -> str:
    gt, lq, (width, height), (lq_width, lq_height) = large[0]
    counted = f"{len(large)} of {count_of(pictures, 'truth')} {'is' if len(large) == 1 else 'are'}"
    return (
        f"Expected truths of {scale} times the size of their input, {lq_width * scale} x {lq_height * scale} for "
        f"{shown(lq)} of {lq_width} x {lq_height} (up to {scale - 1} pixels more are cut off), but {shown(gt)} is "
        f"{width} x {height}, as {counted} too large; give the model whose scale theirs is, or cut them to size."
    )
