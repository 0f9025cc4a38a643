"""What a data set holds, in a few words: the number of its images, and a digest of their names and sizes.

No picture is read, so it costs one look at the folder's entries; a picture that was changed and kept its size is not
seen. Names are relative to the data root, so that a folder may move. The order counts, since the sampler numbers them.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from realesrgan_arch.data.assembly import build_whole_images, source_of
from realesrgan_arch.data.dataset import GtDataset, PairedDataset
from realesrgan_arch.data.frozen_set import FrozenPairs
from realesrgan_arch.data.image_source import ImageSource
from realesrgan_arch.data.validation_set import SyntheticPairs, WholePairs
from realesrgan_arch.options.datasets import DatasetOptions
from realesrgan_arch.options.types import Options

_DIGITS = 12


def hash_training_set(dataset: GtDataset | PairedDataset, options: DatasetOptions) -> str:
    """Return `N images (digest)` of what `build_training_set` made of `options`."""
    files = dataset.paths if isinstance(dataset, GtDataset) else _both(dataset.pairs)
    return _hash_files(files, options, count=len(dataset))


def hash_validation_sets(options: Options) -> dict[str, str]:
    """Return the same of each validation set, by its key; of a frozen set, the hash on its card.

    Raises:
        DataError: as `build_whole_images`.
    """
    sections, settings = options.datasets.validation_sets(), options.degradation()
    sets = {key: build_whole_images(part, scale=options.scale, degradation=settings) for key, part in sections.items()}
    return {key: _hash_whole_images(dataset, sections[key]) for key, dataset in sets.items()}


def _hash_whole_images(dataset: SyntheticPairs | WholePairs | FrozenPairs, options: DatasetOptions) -> str:
    if isinstance(dataset, FrozenPairs):
        return f"{len(dataset)} frozen pairs ({dataset.set_hash})"
    files = dataset.paths if isinstance(dataset, SyntheticPairs) else _both(dataset.pairs)
    return _hash_files(files, options, count=len(dataset))


def _hash_files(files: Iterable[Path], options: DatasetOptions, *, count: int) -> str:
    roots = [root for root in (options.dataroot_gt, options.dataroot_lq) if root is not None]
    source: ImageSource = source_of(options)
    digest = hashlib.sha256()
    for path in files:
        name = _relative(path, roots).as_posix().encode("utf-8", "surrogateescape")
        digest.update(b"%d %d %s\n" % (len(name), source.num_bytes(path) or 0, name))
    return f"{count} images ({digest.hexdigest()[:_DIGITS]})"


def _relative(path: Path, roots: Iterable[Path]) -> Path:
    return next((path.relative_to(root) for root in roots if path.is_relative_to(root)), path)


def _both(pairs: Iterable[tuple[Path, Path]]) -> Iterable[Path]:
    return (path for pair in pairs for path in pair)
