"""Split a folder of photographs by scene into manifests: pictures of one scene never lie on both sides of the line."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from realesrgan_arch.commands.arguments import count
from realesrgan_arch.commands.report import Fact, Report
from realesrgan_arch.data.manifest import SPLIT_NAMES, ManifestRow, check_manifest, write_split
from realesrgan_arch.data.split import LeftOut, assign_splits, scan_folder
from realesrgan_arch.data.split_folder import SplitCard, write_card
from realesrgan_arch.image_header import shown

_SHOWN_LEFT_OUT = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `make` reads."""
    parser.add_argument("folder", type=Path, help="the photographs; every sub-folder with images is one scene")
    parser.add_argument("--by", choices=["folder"], default="folder", help="what makes a scene")
    parser.add_argument("--seed", type=count, default=0, help="another seed draws other scenes (default 0)")
    parser.add_argument("--val", type=float, default=0.05, help="share of images for validation (default 0.05)")
    parser.add_argument("--test", type=float, default=0.05, help="share of images for the test (default 0.05)")
    parser.add_argument("--out", type=Path, help="folder of the manifests (default data_split/FOLDER'S NAME)")


def make(arguments: argparse.Namespace) -> Report:
    """Scan, assign, check and write the manifests; say what was made, where, and what comes next.

    Raises:
        DataError: the folder or the shares cannot be used, or the manifests cannot be written.
    """
    root: Path = arguments.folder
    out: Path = arguments.out or Path("data_split") / root.resolve().name
    scan = scan_folder(root)
    rows = assign_splits(scan.images, seed=arguments.seed, val_share=arguments.val, test_share=arguments.test)
    check_manifest(rows, root)
    written = write_split(rows, out)
    card = SplitCard(root=root.as_posix(), by=arguments.by, seed=arguments.seed, val=arguments.val, test=arguments.test)
    write_card(card, out)
    counts: dict[str, Fact] = {split: sum(row.split == split for row in rows) for split in SPLIT_NAMES}
    return Report(
        lines=(*_counts(rows), *_left_out(scan.left_out)),
        made=tuple(written),
        next_step=(
            f"set dataroot_gt: {shown(root)} and manifest: {shown(written[0])} in your options, then run train.py"
        ),
        facts={"images": counts, "left_out": [item.reason for item in scan.left_out]},
    )


def _counts(rows: Sequence[ManifestRow]) -> Iterator[str]:
    images = Counter(row.split for row in rows)
    for split in SPLIT_NAMES:
        scenes = {row.scene for row in rows if row.split == split}
        yield f"{split:<5} {images[split]:>7} images  {len(scenes):>6} scenes  {images[split] / len(rows):6.1%}"


def _left_out(left_out: Sequence[LeftOut]) -> Iterator[str]:
    if not left_out:
        return
    yield f"left out {len(left_out)} files that cannot be read:"
    for item in left_out[:_SHOWN_LEFT_OUT]:
        yield f"  {item.reason}"
    if len(left_out) > _SHOWN_LEFT_OUT:
        yield f"  and {len(left_out) - _SHOWN_LEFT_OUT} more"
