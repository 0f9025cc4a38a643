"""Pictures whose LQ nobody simulated: pairs of files, or pictures without a truth."""

from collections.abc import Sequence
from pathlib import Path

import torch

from realesrgan_arch.data.assembly import spread
from realesrgan_arch.data.files import DataError, list_images, name_of, some_names
from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.data.middle import cut_middle, to_planes
from realesrgan_arch.data.pair_sizes import check_pair_sizes
from realesrgan_arch.data.validation_set import WholePairs
from realesrgan_arch.evaluation.chosen_set import (
    DataChoice,
    Photograph,
    UnreadablePairError,
    build_choice,
    file_stamp,
    name_below,
    pair_of,
    why_unreadable,
)
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import read_rgb, read_size
from realesrgan_arch.plural import count_of


def open_real_pairs(
    lq_root: Path, gt_root: Path, *, scale: int, max_size: int | None = None, max_images: int | None = None
) -> DataChoice:
    """Return pairs of files of the same relative name but for the suffix, whose LQ are nobody's simulation.

    Args:
        lq_root: folder of the LQ.
        gt_root: folder of the truths; one may be larger than `scale` times its LQ by `scale` - 1 rows below and columns
            at the right, which are cut off.
        scale: GT side over LQ side.
        max_size: pixels of the truth, see `open_data`.
        max_images: see `open_data`.

    Raises:
        DataError: a folder that cannot be used, LQ without a truth, truths all of which are too small, one that is too
            large, or a name that occurs twice.
    """
    lq_paths, gt_paths = list_images(lq_root), list_images(gt_root)
    gt_by_name = {path.relative_to(gt_root).with_suffix(""): path for path in gt_paths}
    for root, paths in ((lq_root, lq_paths), (gt_root, gt_paths)):
        _check_once(paths, root)
    missing = [shown(path) for path in lq_paths if path.relative_to(lq_root).with_suffix("") not in gt_by_name]
    if missing:
        raise DataError(
            f"Expected a ground truth in {shown(gt_root)} for each picture in {shown(lq_root)}, but "
            f"{len(missing)} of {count_of(len(lq_paths), 'picture')} have none: {some_names(missing)}; give both the "
            "same name, or leave out --gt to score without a truth."
        )
    files = [(gt_by_name[path.relative_to(lq_root).with_suffix("")], path) for path in spread(lq_paths, max_images)]
    check_pair_sizes(files, read_size, gt_root=gt_root, gt_key="--gt", scale=scale)
    samples = WholePairs(files, scale=scale, max_size=max_size)
    names = [name_below(path, lq_root) for _, path in files]

    def read(number: int) -> EvaluationPair:
        try:
            sample = samples[number]
        except DataError as error:  # Another size; the sentence names both files.
            raise UnreadablePairError(str(error)) from error
        if sample["failed_path"]:
            raise UnreadablePairError(why_unreadable(Path(sample["failed_path"])))
        return pair_of(names[number], sample["lq"], sample["gt"])

    identity = hash_json(
        ["pairs", scale, max_size, *((file_stamp(gt, gt_root), file_stamp(lq, lq_root)) for gt, lq in files)]
    )
    title = f"{name_of(lq_root)} and {name_of(gt_root)}"
    photographs = [Photograph(pair) for pair in files]
    roots = [lq_root, gt_root]
    return build_choice(
        title, names, read, identity, roots=roots, made="real pairs", photographs=photographs, walked=roots
    )


def _check_once(paths: Sequence[Path], root: Path) -> None:
    by_name: dict[Path, list[str]] = {}
    for path in paths:
        by_name.setdefault(path.relative_to(root).with_suffix(""), []).append(shown(path))
    twice = [" and ".join(files) for files in by_name.values() if len(files) > 1]
    if twice:
        raise DataError(
            f"Expected each name once in {shown(root)}, whatever its suffix, but {some_names(twice)} are called alike; "
            "which of them belongs to a pair cannot be told: move the others away."
        )


def open_without_truth(
    lq_root: Path, *, scale: int, max_size: int | None = None, max_images: int | None = None
) -> DataChoice:
    """Return pictures that nobody knows the truth of: their `gt` is empty, (3, 0, 0).

    Args:
        lq_root: folder of the pictures.
        scale: of the network.
        max_size: pixels of the result, see `open_data`.
        max_images: see `open_data`.

    Raises:
        DataError: a folder that cannot be used.
    """
    files = spread(list_images(lq_root), max_images)
    names = [name_below(path, lq_root) for path in files]
    most = None if max_size is None else max(1, max_size // scale)

    def read(number: int) -> EvaluationPair:
        lq = cut_middle(read_rgb(files[number]), files[number], scale=1, max_size=most)
        return pair_of(names[number], to_planes(lq), torch.empty(3, 0, 0, dtype=torch.uint8))

    identity = hash_json(["no truth", most, *(file_stamp(path, lq_root) for path in files)])
    made = "as they are, without a truth"
    return build_choice(
        name_of(lq_root),
        names,
        read,
        identity,
        roots=[lq_root],
        has_truth=False,
        made=made,
        photographs=[Photograph((path,)) for path in files],
        walked=[lq_root],
    )
