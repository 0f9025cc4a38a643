"""From the `datasets` section of the options to data sets: folder, list or manifest, single images or pairs."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from realesrgan_arch.data import lmdb_store
from realesrgan_arch.data.dataset import GtDataset, PairedDataset
from realesrgan_arch.data.files import DataError, read_meta_info, read_paired_meta_info
from realesrgan_arch.data.frozen_set import FrozenPairs
from realesrgan_arch.data.image_source import Disk, ImageSource
from realesrgan_arch.data.lmdb_store import LmdbSource
from realesrgan_arch.data.manifest import check_manifest, manifest_paths, read_manifest
from realesrgan_arch.data.pair_sizes import check_pair_sizes
from realesrgan_arch.data.validation_set import SyntheticPairs, WholePairs
from realesrgan_arch.degradation.plain import choose_degradation
from realesrgan_arch.degradation.settings import Degradation
from realesrgan_arch.options.datasets import DatasetOptions, TrainDataset, ValDataset

File = TypeVar("File")


def build_training_set(
    options: TrainDataset, *, scale: int, gt_size: int | None, seed: int
) -> GtDataset | PairedDataset:
    """Build the training set of `options`.

    Args:
        options: the `datasets.train` section.
        scale: GT side over LQ side.
        gt_size: crop of paired data; synthetic pairs take `options.crop_size` and are cropped after the degradation.
        seed: of crops and flips.

    Raises:
        DataError: folders, lists or manifests that are absent, empty or do not fit.
    """
    if options.is_paired:
        if gt_size is None:
            raise DataError("expected gt_size in the options of paired training data, got none; set the side of a crop")
        return PairedDataset(
            find_pairs(options),
            read=source_of(options).read,
            gt_size=gt_size,
            scale=scale,
            seed=seed,
            use_hflip=options.use_hflip,
            use_rot=options.use_rot,
        )
    return GtDataset(
        find_images(options),
        read=source_of(options).read,
        crop_size=options.crop_size,
        seed=seed,
        use_hflip=options.use_hflip,
        use_rot=options.use_rot,
    )


def build_whole_images(
    options: ValDataset, *, scale: int, degradation: Degradation
) -> SyntheticPairs | WholePairs | FrozenPairs:
    """Build a validation or test set: whole images with their LQ, the same at every call.

    Args:
        options: the section of the set.
        scale: GT side over LQ side.
        degradation: both passes, or a gate; `blur_bicubic` takes the sigma of the first one's blur, as training does.

    Raises:
        DataError: as `build_training_set`; truths that are too large, or all too small, for their LQ.
    """
    if options.is_frozen:
        return FrozenPairs(_require(options.dataroot_gt, "dataroot_gt"), scale=scale)
    if options.is_paired:
        pairs, source = spread(find_pairs(options), options.max_images), source_of(options)
        gt_root = _require(options.dataroot_gt, "dataroot_gt")
        check_pair_sizes(pairs, source.size, gt_root=gt_root, gt_key="dataroot_gt", scale=scale)
        return WholePairs(pairs, scale=scale, max_size=options.max_size, read=source.read)
    return SyntheticPairs(
        spread(find_images(options), options.max_images),
        read=source_of(options).read,
        scale=scale,
        settings=choose_degradation(options.degradation, degradation),
        seed=options.seed,
        max_size=options.max_size,
    )


def scenes_of(options: ValDataset, dataset: SyntheticPairs | WholePairs | FrozenPairs) -> dict[str, str]:
    """Return the scene of each picture of a set by its `gt_path`, where a frozen set or a manifest says it.

    Raises:
        DataError: the manifest cannot be used.
    """
    if isinstance(dataset, FrozenPairs):
        return dataset.scenes
    if options.manifest is None or options.dataroot_gt is None:
        return {}
    rows = read_manifest(options.manifest)
    paths = manifest_paths(rows, options.dataroot_gt)
    return {str(path): row.scene for path, row in zip(paths, rows, strict=True)}


def source_of(options: DatasetOptions) -> ImageSource:
    """Return where the images of a section are: in files, or in the LMDB of either root that is named like one."""
    if options.io_backend.type == "disk":
        return Disk()
    roots = (options.dataroot_gt, options.dataroot_lq)
    return LmdbSource(tuple(root for root in roots if root is not None and root.suffix == lmdb_store.SUFFIX))


def find_images(options: DatasetOptions) -> list[Path]:
    """Return the GT images: of the manifest, of the list, or all below `dataroot_gt`.

    Raises:
        DataError: none of them can be used.
    """
    root, source = _require(options.dataroot_gt, "dataroot_gt"), source_of(options)
    if options.manifest is not None:
        rows = read_manifest(options.manifest)
        check_manifest(rows, root, allow_changed=options.allow_changed, source=source)
        return manifest_paths(rows, root)
    if options.list_file is not None:
        return read_meta_info(options.list_file, root, num_bytes=source.num_bytes)
    return source.list(root)


def find_pairs(options: DatasetOptions) -> list[tuple[Path, Path]]:
    """Return the `(gt, lq)` files: of `meta_info` with two names a line, or of the same relative name in both folders.

    `filename_tmpl` makes the LQ stem from the GT stem (`{}x4`); the suffix may differ.

    Raises:
        DataError: a folder or list cannot be used, or GT files without LQ.
    """
    gt_root, lq_root = _require(options.dataroot_gt, "dataroot_gt"), _require(options.dataroot_lq, "dataroot_lq")
    source = source_of(options)
    if options.meta_info is not None:
        return read_paired_meta_info(options.meta_info, gt_root=gt_root, lq_root=lq_root, num_bytes=source.num_bytes)
    lq_by_name = {path.relative_to(lq_root).with_suffix(""): path for path in source.list(lq_root)}
    wanted = [(path, _lq_name(path.relative_to(gt_root), options.filename_tmpl)) for path in find_images(options)]
    missing = [str(name) for _, name in wanted if name not in lq_by_name]
    if missing:
        raise DataError(
            f"expected an LQ image in {lq_root} for each GT image, {len(missing)} of {len(wanted)} have none, among "
            f"them {', '.join(missing[:3])}; add them, or set filename_tmpl to how LQ names are made from GT names"
        )
    return [(path, lq_by_name[name]) for path, name in wanted]


def spread(files: list[File], most: int | None) -> list[File]:
    """Return at most `most` files or rows, taken evenly over the whole list so that all scenes have their share."""
    if most is None or len(files) <= most:
        return files
    return [files[index * len(files) // most] for index in range(most)]


def named_sets(sets: Mapping[str, ValDataset]) -> dict[str, ValDataset]:
    """Return the sets by their `name`; by their key where there is no name, or where two have the same."""
    counts = Counter(section.name for section in sets.values())
    return {
        section.name if section.name and counts[section.name] == 1 and section.name not in sets else key: section
        for key, section in sets.items()
    }


def _lq_name(gt_name: Path, template: str) -> Path:
    return gt_name.with_suffix("").with_name(template.format(gt_name.stem))


def _require(folder: Path | None, key: str) -> Path:
    if folder is None:
        raise DataError(f"expected {key} in the data set's options, got none; set it to the folder of the images")
    return folder
