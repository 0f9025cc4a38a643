"""Read every image of a folder once: size, content hash, perceptual hash; what cannot be read is listed."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from realesrgan_arch.audit.keep_list import KeepList
from realesrgan_arch.cores import usable_cores
from realesrgan_arch.data.files import DataError, list_folder, list_images, some_names
from realesrgan_arch.image_header import ImageError, parse_header, shown
from realesrgan_arch.image_small import decode_small
from realesrgan_arch.images import read_bytes
from realesrgan_arch.perceptual_hash import Fingerprint, fingerprint
from realesrgan_arch.plural import count_of

_MAX_THREADS = 8
_MIN_SIDE = 64
"""A hash looks at 32 x 32 areas; they are averaged from at least 2 x 2 pixels each."""


@dataclass(frozen=True)
class ScannedImage:
    """Facts of one readable image; names as in `ManifestRow`. `look` is None where no perceptual hash was asked for."""

    path: str
    width: int
    height: int
    bytes: int
    sha256: str
    look: Fingerprint | None = None


@dataclass(frozen=True)
class LeftOut:
    """An image file or a folder that cannot be read, and one sentence why."""

    path: str
    reason: str


@dataclass(frozen=True)
class FolderScan:
    """What a folder holds: `images` in natural order, what could not be read, and how many a keep-list dropped."""

    images: tuple[ScannedImage, ...]
    unreadable: tuple[LeftOut, ...] = ()
    num_dropped: int = 0


def scan_folder(root: Path, *, with_looks: bool = False, keep: KeepList | None = None) -> FolderScan:
    """Scan every image file below `root`; files and folders that cannot be read are listed and do not stop it.

    Args:
        root: the folder.
        with_looks: compute perceptual hashes too, for which pictures must be decoded.
        keep: leave out what it drops; it must know every image.

    Raises:
        DataError: folder missing, no readable image in it, or an image that `keep` does not know.
    """
    listing = list_folder(root)
    if not listing.images and not listing.unreadable:
        list_images(root)  # Says what was looked for.
    names = [path.relative_to(root).as_posix() for path in listing.images]
    chosen = _kept(names, keep, root)
    folders = [
        LeftOut(path.relative_to(root).as_posix(), f"The folder {shown(path)} cannot be read: {reason}.")
        for path, reason in listing.unreadable
    ]
    images, files = scan_files(chosen, root, with_looks=with_looks)
    unreadable = (*folders, *files)
    if not images and unreadable:
        raise DataError(
            f"No image in {shown(root)} can be read ({count_of(len(files), 'image')} and "
            f"{count_of(len(folders), 'folder')} cannot); first: {unreadable[0].reason}"
        )
    if not images:
        raise DataError(f"The keep-list drops every image in {shown(root)} ({len(names):,}); set keep to yes for some.")
    return FolderScan(tuple(images), unreadable, len(names) - len(chosen))


def scan_files(
    names: Sequence[str], root: Path, *, with_looks: bool = False
) -> tuple[list[ScannedImage], list[LeftOut]]:
    """Scan the files `names` below `root`, in their order; return those that can be read, and the others."""
    with ThreadPoolExecutor(min(_MAX_THREADS, usable_cores())) as pool:
        found = pool.map(lambda name: _scan_image(name, root, with_looks=with_looks), names)
        results = list(tqdm(found, total=len(names), desc="reading images", unit="image", disable=None))
    images = [result for result in results if isinstance(result, ScannedImage)]
    return images, [result for result in results if isinstance(result, LeftOut)]


def _kept(names: Sequence[str], keep: KeepList | None, root: Path) -> list[str]:
    if keep is None:
        return list(names)
    unknown = [shown(Path(name)) for name in names if name not in keep.kept and name not in keep.dropped]
    if unknown:
        raise DataError(
            f"The keep-list does not know {len(unknown)} of {count_of(len(names), 'image')} in {shown(root)}: "
            f"{some_names(unknown)}; run `data audit` again (your edits stay), or give --keep none."
        )
    return [name for name in names if name in keep.kept]


def _scan_image(name: str, root: Path, *, with_looks: bool) -> ScannedImage | LeftOut:
    file = root / name
    try:
        data = read_bytes(file)
        header = parse_header(data, file)
        look = fingerprint(decode_small(data, header, file, min_side=_MIN_SIDE)) if with_looks else None
    except ImageError as error:
        return LeftOut(name, str(error))
    return ScannedImage(name, *header.size, len(data), hashlib.sha256(data).hexdigest(), look)
