"""Split a folder of photographs by scene into manifests: pictures of one scene never lie on both sides of the line.

What makes a scene: its sub-folder (`--by folder`), the title of its files without counters and sizes (`stem`), how the
pictures look (`cluster`: finds copies, crops and bursts, not other views of a building), or a table (`csv`). Pictures
that are the same, or look the same, stay together in every case.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from realesrgan_arch.audit.claim import default_folder, read_audited_root
from realesrgan_arch.audit.keep_list import KEEP_LIST, KeepList, read_keep_list
from realesrgan_arch.commands.arguments import bits, count
from realesrgan_arch.commands.report import Fact, Report
from realesrgan_arch.commands.shell import data_command
from realesrgan_arch.commands.split_lines import tell_oddities, tell_split
from realesrgan_arch.data.derived import check_apart
from realesrgan_arch.data.files import DataError, name_of
from realesrgan_arch.data.manifest import SPLIT_NAMES, check_manifest, write_split
from realesrgan_arch.data.scenes import SceneRule
from realesrgan_arch.data.split import MadeSplit, SplitSettings, make_split
from realesrgan_arch.data.split_folder import SplitCard, begin_anew, check_same_root, read_parts, write_card
from realesrgan_arch.errors import EXIT_OK, EXIT_SOME_FILES_FAILED
from realesrgan_arch.image_header import shown
from realesrgan_arch.perceptual_hash import NEAR_DISTANCE
from realesrgan_arch.plural import count_of

_NO_KEEP_LIST = "none"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `make` reads."""
    parser.add_argument("folder", type=Path, help="the photographs")
    parser.add_argument("--by", choices=get_args(SceneRule), default="folder", help="what makes a scene")
    parser.add_argument(
        "--scenes", type=Path, metavar="FILE", help="of --by csv: a table with the columns path, scene and perhaps tags"
    )
    parser.add_argument("--seed", type=count, default=0, help="another seed draws other scenes (default 0)")
    parser.add_argument("--val", type=float, default=0.05, help="share of scenes for validation (default 0.05)")
    parser.add_argument("--test", type=float, default=0.05, help="share of scenes for the test (default 0.05)")
    parser.add_argument(
        "--near",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep scenes together that have look-alikes (default); without, nothing is decoded",
    )
    parser.add_argument(
        "--near-distance",
        type=bits,
        default=NEAR_DISTANCE,
        metavar="BITS",
        help=f"look-alikes differ in at most so many of 64 bits, 0 to 16 (default {NEAR_DISTANCE}); "
        "16 takes minutes for 50,000 images",
    )
    parser.add_argument(
        "--keep",
        metavar="FILE",
        help="leave out what this keep-list of `data audit` drops (default audit/FOLDER'S NAME/keep.csv if it is "
        f"there; '{_NO_KEEP_LIST}' uses none)",
    )
    parser.add_argument("--out", type=Path, help="folder of the manifests (default data_split/FOLDER'S NAME)")


def make(arguments: argparse.Namespace) -> Report:
    """Scan, assign, check and write the manifests; say what was made, where, and what comes next.

    Raises:
        DataError: the folder, the shares, the table or the keep-list cannot be used, or nothing can be written.
    """
    root: Path = arguments.folder
    out: Path = arguments.out or Path("data_split") / name_of(root)
    settings = SplitSettings(
        val_share=arguments.val,
        test_share=arguments.test,
        seed=arguments.seed,
        by=arguments.by,
        table=arguments.scenes,
        near_distance=arguments.near_distance if arguments.near else None,
    )
    check_apart(out, root)
    check_same_root(out, root)
    earlier = read_parts(out)
    keep_path = _keep_path(arguments.keep, root)
    made = make_split(root, settings, keep=_read_keep_list(keep_path))
    check_manifest(made.rows, root)
    begin_anew(out)
    written = write_split(made.rows, out)
    write_card(_card(root, settings, keep_path), out)
    moved = sum(earlier.get(row.path, row.split) != row.split for row in made.rows)
    return Report(
        lines=(*tell_split(made, settings), *_about_keep_list(made, keep_path), *_about_earlier(moved, out)),
        made=tuple(written),
        next_step=data_command("check-leaks", out),
        facts={**_facts(made, settings), "moved": moved},
        exit_code=EXIT_SOME_FILES_FAILED if made.scan.unreadable else EXIT_OK,
    )


def _keep_path(argument: str | None, root: Path) -> Path | None:
    if argument == _NO_KEEP_LIST:
        return None
    default = default_folder(root) / KEEP_LIST
    if argument or not default.is_file():
        return Path(argument) if argument else None
    audited = read_audited_root(default.parent)
    if audited is None or audited.resolve() != root.resolve():
        what = "an unknown folder" if audited is None else shown(audited)
        raise DataError(
            f"The keep-list {shown(default)} is of {what}, not of {shown(root)}; choose with --keep {shown(default)}, "
            f"another FILE, or --keep {_NO_KEEP_LIST}."
        )
    return default


def _read_keep_list(path: Path | None) -> KeepList | None:
    return None if path is None else read_keep_list(path)


def _card(root: Path, settings: SplitSettings, keep_path: Path | None) -> SplitCard:
    return SplitCard(
        root=root.as_posix(),
        by=settings.by,
        seed=settings.seed,
        val=settings.val_share,
        test=settings.test_share,
        near_distance=settings.near_distance,
        keep=keep_path.as_posix() if keep_path else "",
        scenes=settings.table.as_posix() if settings.table else "",
    )


def _about_keep_list(made: MadeSplit, keep_path: Path | None) -> Iterator[str]:
    if keep_path is not None:
        dropped = count_of(made.scan.num_dropped, "image")
        yield f"the keep-list {shown(keep_path)} drops {dropped} (--keep none ignores it)"


def _about_earlier(moved: int, out: Path) -> Iterator[str]:
    if moved:
        images = count_of(moved, "image is", "images are")
        yield f"{images} in another part now than in the split that was in {shown(out)} before"


def _facts(made: MadeSplit, settings: SplitSettings) -> dict[str, Fact]:
    images: dict[str, Fact] = {part: sum(row.split == part for row in made.rows) for part in SPLIT_NAMES}
    scenes: dict[str, Fact] = {part: len({row.scene for row in made.rows if row.split == part}) for part in SPLIT_NAMES}
    joins: list[Fact] = [
        {"first": shown(Path(join.first)), "second": shown(Path(join.second)), "distance": join.distance}
        for join in made.groups.joins
    ]
    return {
        "images": images,
        "scenes": scenes,
        "joins": joins,
        "borrowed": {shown(Path(name)): part for name, part in made.assignment.borrowed.items()},
        "notes": list(tell_oddities(made, settings)),
        "dropped": made.scan.num_dropped,
        "left_out": [item.reason for item in made.scan.unreadable],
    }
