"""What is to be magnified: a picture, a folder, or a list of pictures in a folder; nothing is read yet."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.data.files import IMAGE_SUFFIXES, DataError, FolderListing, NoPicturesError, list_folder
from realesrgan_arch.image_header import shown
from realesrgan_arch.upscaling.list_file import read_list
from realesrgan_arch.upscaling.output_place import check_is_not_input


@dataclass(frozen=True)
class Sources:
    """The pictures of a run, in natural order or that of the list."""

    root: Path
    """The folder that names are relative to."""
    output: Path
    """The folder of the results."""
    asked: tuple[Path, ...]
    all: tuple[Path, ...]
    """Every picture that decides how results are called: a run of a list calls them as the run of the whole folder."""
    skipped: tuple[Path, ...] = ()
    """Results of an earlier run in the output folder."""
    unreadable: tuple[tuple[Path, str], ...] = ()
    """Folders, each with one sentence."""
    num_ignored: int = 0
    """Files that are no pictures."""


def find_sources(source: Path, output: Path, *, from_list: Path | None = None) -> Sources:
    """Return the pictures of `source`: a file, a folder with its sub-folders, or of a list in that folder.

    Raises:
        NoPicturesError: none in the folder outside of `output`.
        DataError: no `source`, or the list cannot be used.
        OutputError: `output` is the input folder.
    """
    if not os.path.exists(source):  # noqa: PTH110 - False for what may not be looked at
        raise DataError(f"Expected a picture or a folder of pictures, but {shown(source)} does not exist.")
    if os.path.isdir(source):  # noqa: PTH112
        return _in_folder(source, output, from_list)
    if from_list is not None:
        raise DataError(f"A list names pictures in a folder, but the input {shown(source)} is a file.")
    if not os.path.isfile(source):  # noqa: PTH113
        raise DataError(f"Expected a picture or a folder of pictures, but {shown(source)} is neither.")
    return Sources(source.parent, output, asked=(source,), all=(source,))


def _in_folder(folder: Path, output: Path, from_list: Path | None) -> Sources:
    check_is_not_input(output, folder)
    listing = list_folder(folder)
    listed = listing.images if from_list is None else tuple(read_list(from_list, folder))
    results = _inside_of(output, folder, {*listing.images, *listing.others, *listed})
    asked = tuple(path for path in listed if path not in results)
    if not asked and not listing.unreadable:
        raise NoPicturesError(_nothing_found(folder, output, listing))
    known = tuple(path for path in listing.images if path not in results)
    return Sources(
        root=folder,
        output=output,
        asked=asked,
        all=tuple(dict.fromkeys((*known, *asked))),
        skipped=tuple(path for path in dict.fromkeys((*listing.images, *listed)) if path in results),
        unreadable=tuple(
            (path, f"The folder {shown(path)} cannot be read: {why}.") for path, why in listing.unreadable
        ),
        num_ignored=listing.num_ignored + sum(path not in results for path in listing.others),
    )


def _inside_of(output: Path, folder: Path, paths: Iterable[Path]) -> frozenset[Path]:
    """Those of `paths` that lie in `output`, by whatever links; none where `output` lies around the input folder."""
    place = _real(output)
    if _real(folder).is_relative_to(place):
        return frozenset()
    by_parent: dict[Path, list[Path]] = {}
    for path in paths:
        by_parent.setdefault(path.parent, []).append(path)
    inside = (group for parent, group in by_parent.items() if _real(parent).is_relative_to(place))
    return frozenset(path for group in inside for path in group)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike `Path.resolve`, without a complaint about links in a circle


def _nothing_found(folder: Path, output: Path, listing: FolderListing) -> str:
    if listing.images:
        return f"No picture found in {shown(folder)} outside of the output folder {shown(output)}."
    wanted = ", ".join(sorted(IMAGE_SUFFIXES))
    found = sorted({path.suffix.lower() or "no extension" for path in listing.others})
    but = f"; found {', '.join(shown(Path(suffix)) for suffix in found[:5])}" if found else ""
    return f"No image found in {shown(folder)} or below it (looked for {wanted}{but})."
