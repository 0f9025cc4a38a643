"""`realesrgan-arch data`: draw the embedded sample, split a folder of photographs by scene."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from realesrgan_arch.data.manifest import SPLIT_NAMES, ManifestRow, check_manifest, write_split
from realesrgan_arch.data.sample import draw_sample
from realesrgan_arch.data.split import LeftOut, assign_splits, scan_folder
from realesrgan_arch.entry import say
from realesrgan_arch.errors import EXIT_OK
from realesrgan_arch.image_header import shown

_SHOWN_LEFT_OUT = 10


def main(argv: Sequence[str]) -> int:
    """Run `data split ...` or `data sample ...` and return the exit code.

    Raises:
        UserError: a folder or an option cannot be used.
    """
    parser = argparse.ArgumentParser(prog="realesrgan-arch data", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    add_split_arguments(verbs.add_parser("split", help="split a folder of photographs by sub-folder"))
    sample = verbs.add_parser("sample", help="draw the embedded sample: 12 scenes, 36 pictures, 4 floor plans")
    sample.add_argument("folder", type=Path, help="an empty or new folder")
    sample.add_argument("--seed", type=_not_negative, default=0)
    arguments = parser.parse_args(argv)
    return run_split(arguments) if arguments.verb == "split" else _run_sample(arguments)


def add_split_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `run_split` reads."""
    parser.add_argument("folder", type=Path, help="the photographs; every sub-folder with images is one scene")
    parser.add_argument("--by", choices=["folder"], default="folder", help="what makes a scene")
    parser.add_argument("--seed", type=_not_negative, default=0, help="another seed draws other scenes (default 0)")
    parser.add_argument("--val", type=float, default=0.05, help="share of images for validation (default 0.05)")
    parser.add_argument("--test", type=float, default=0.05, help="share of images for the test (default 0.05)")
    parser.add_argument("--out", type=Path, help="folder of the manifests (default data_split/FOLDER'S NAME)")


def run_split(arguments: argparse.Namespace) -> int:
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
    _say_counts(rows)
    _say_left_out(scan.left_out)
    say(f"wrote {', '.join(shown(path) for path in written)}")
    say(f"next: set dataroot_gt: {shown(root)} and manifest: {shown(written[0])} in your options, then run train.py")
    return EXIT_OK


def _run_sample(arguments: argparse.Namespace) -> int:
    drawn = draw_sample(arguments.folder, seed=arguments.seed)
    say(f"drew {drawn.num_photos} pictures of {drawn.num_scenes} scenes and {drawn.num_plans} floor plans")
    say(f"wrote {shown(drawn.folder)}")
    say(f"next: realesrgan-arch data split {shown(drawn.folder)} --val 0.2 --test 0.2")
    return EXIT_OK


def _say_counts(rows: Sequence[ManifestRow]) -> None:
    images = Counter(row.split for row in rows)
    for split in SPLIT_NAMES:
        scenes = {row.scene for row in rows if row.split == split}
        say(f"{split:<5} {images[split]:>7} images  {len(scenes):>6} scenes  {images[split] / len(rows):6.1%}")


def _say_left_out(left_out: Sequence[LeftOut]) -> None:
    if not left_out:
        return
    say(f"left out {len(left_out)} files that cannot be read:")
    for item in left_out[:_SHOWN_LEFT_OUT]:
        say(f"  {item.reason}")
    if len(left_out) > _SHOWN_LEFT_OUT:
        say(f"  and {len(left_out) - _SHOWN_LEFT_OUT} more")


def _not_negative(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 0, got {text}")
    return value
