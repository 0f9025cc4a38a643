"""Where the crops of a match come from: a folder of low-quality pictures; a folder, a split or the sample for GT."""

from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.data.assembly import spread
from realesrgan_arch.data.crops import (
    JPEG_GRID,
    NUM_SAMPLE_PICTURES,
    Survey,
    draw_crops,
    interleave,
    read_pictures,
    sample_pictures,
    survey,
)
from realesrgan_arch.data.files import DataError, list_folder, list_images
from realesrgan_arch.data.manifest import manifest_paths
from realesrgan_arch.data.sample import HEIGHT
from realesrgan_arch.data.split_folder import open_split
from realesrgan_arch.degradation.match_run import Halves
from realesrgan_arch.degradation.statistics import MIN_SIDE
from realesrgan_arch.image_header import shown

FEWEST = 5


@dataclass(frozen=True)
class Source:
    """Files that crops can be taken from; None for the embedded sample."""

    files: Survey | None
    unread: tuple[str, ...] = ()
    """Folders that could not be listed."""

    @property
    def side(self) -> int:
        """Shortest side of all pictures."""
        return HEIGHT if self.files is None else self.files.side


def open_low_quality(folder: Path, *, most: int) -> Source:
    """Look at up to `most` pictures of `folder`, taken evenly.

    Raises:
        DataError: fewer than 5 of them can be used.
    """
    listing = list_folder(folder)
    files = survey(spread(list(listing.images), most), min_side=MIN_SIDE)
    if len(files.paths) < FEWEST:
        why = f"; the first fault: {_first_fault(files)}" if files.unreadable or files.too_small else ""
        raise DataError(
            f"Expected at least {FEWEST} low-quality pictures of {MIN_SIDE} pixels or more a side in {shown(folder)}, "
            f"got {len(files.paths)} of {len(listing.images)}{why}"
        )
    return Source(files, tuple(f"{shown(path)} cannot be read: {reason}" for path, reason in listing.unreadable))


def open_ground_truth(gt: Path | None, split: Path | None, *, root: Path | None, scale: int, most: int) -> Source:
    """Look at up to `most` pictures of the folder `gt`, or of the training part of `split`, else at the sample.

    Raises:
        DataError: the folder or the split cannot be used, or no picture is large enough.
    """
    if gt is None and split is None:
        return Source(None)
    where = gt or split
    files = survey(spread(_paths(gt, split, root), most), min_side=MIN_SIDE * scale)
    if where is not None and not files.paths:
        raise DataError(
            f"Expected good pictures of at least {MIN_SIDE * scale} pixels a side in {shown(where)}, got none; the "
            f"first fault: {_first_fault(files)}"
        )
    return Source(files)


def choose_side(yours: Source, gt: Source, *, scale: int, most: int) -> int:
    """Return the side of low-quality crops that fits all pictures: at most `most`, a multiple of 8."""
    return min(most, yours.side, gt.side // scale) // JPEG_GRID * JPEG_GRID


def take_halves(source: Source, *, side: int, searched: int, checked: int, seed: int, unreadable: list[str]) -> Halves:
    """Return up to so many crops of every second picture to search with, and of the others to check with.

    No picture is on both sides: what is only found again in the same picture would count as a success. A sentence for
    each picture that cannot be decoded is added to `unreadable`.

    Raises:
        DataError: fewer than two can be decoded.
    """
    if source.files is None:
        pictures, num_pictures = sample_pictures(seed=seed), NUM_SAMPLE_PICTURES
    else:
        pictures, num_pictures = read_pictures(source.files.paths, unreadable), len(source.files.paths)
    most = -(-max(searched, checked) // max(1, num_pictures // 2))
    by_picture = draw_crops(pictures, side=side, most=most, seed=seed)
    if len(by_picture) < 2:
        why = f"; the first fault: {unreadable[0]}" if unreadable else ""
        raise DataError(
            "Expected at least two pictures that can be decoded, one to search with and another to check with, got "
            f"{len(by_picture)} of {num_pictures}{why}"
        )
    return Halves(interleave(by_picture[::2], most=searched), interleave(by_picture[1::2], most=checked))


def _first_fault(files: Survey) -> str:
    return (*files.unreadable, *files.too_small)[0]


def _paths(gt: Path | None, split: Path | None, root: Path | None) -> list[Path]:
    if gt is not None:
        return list_images(gt)
    opened = open_split(split or Path(), root=root)
    rows = opened.rows.get("train") or [row for part in opened.rows.values() for row in part]
    return manifest_paths(rows, opened.root)
