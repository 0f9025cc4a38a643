"""Look for leaks between the parts of a split: the same bytes, the same scene, pictures that look alike, shared titles.

Ends with 4 when it finds one, or when files are not what the manifests say. Nothing is changed.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from realesrgan_arch.commands.arguments import bits
from realesrgan_arch.commands.report import Fact, Report, tell_first
from realesrgan_arch.commands.shell import split_command
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.leaks import LEAK_KINDS, Leak, LeakReport, find_leaks
from realesrgan_arch.data.scan import LeftOut
from realesrgan_arch.data.split_folder import SplitFolder, open_split
from realesrgan_arch.errors import EXIT_CHECK_FAILED, EXIT_OK
from realesrgan_arch.image_header import shown
from realesrgan_arch.perceptual_hash import NEAR_DISTANCE
from realesrgan_arch.plural import count_of

_SHOWN_NAMES = 10
_OTHERS = " (--json lists all)"
_MEANING = {
    "content": "the same bytes",
    "scene": "one scene in two parts",
    "near": "pictures that look alike",
    "stem": "titles that are alike",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `make` reads."""
    parser.add_argument("split", type=Path, help="the folder that `data split` wrote, data_split/NAME")
    parser.add_argument("--root", type=Path, help="the folder of the images (default: the one that the split names)")
    parser.add_argument(
        "--ignore",
        action="append",
        choices=LEAK_KINDS,
        default=[],
        help="a kind of leak that you have judged to be none; may be given again",
    )
    parser.add_argument(
        "--quick", action="store_true", help="read no image: compare sizes, scenes, titles and recorded hashes only"
    )
    parser.add_argument(
        "--near-distance",
        type=bits,
        default=NEAR_DISTANCE,
        metavar="BITS",
        help=f"look-alikes differ in at most so many of 64 bits, 0 to 16 (default {NEAR_DISTANCE})",
    )


def make(arguments: argparse.Namespace) -> Report:
    """Read the split and its images, and tell what leaks.

    Raises:
        DataError: no such split, or the folder of its images is not there.
    """
    split = open_split(arguments.split, root=arguments.root)
    if not split.root.is_dir():
        raise DataError(f"The split is of the folder {shown(split.root)}, which is not here; give it with --root.")
    found = find_leaks(split, ignore=arguments.ignore, quick=arguments.quick, near_distance=arguments.near_distance)
    is_clean = not found.leaks and not found.changed
    return Report(
        lines=tuple(_lines(split, found, arguments)),
        next_step=_next_step(split, found, arguments.near_distance),
        facts=_facts(found),
        exit_code=EXIT_OK if is_clean else EXIT_CHECK_FAILED,
    )


def _lines(split: SplitFolder, found: LeakReport, arguments: argparse.Namespace) -> Iterator[str]:
    num_images = sum(len(rows) for rows in split.rows.values())
    looked_for = [kind for kind in LEAK_KINDS if kind not in arguments.ignore]
    if arguments.quick and "near" in looked_for:
        looked_for.remove("near")
        yield "--quick: no image was read, so that pictures that look alike were not looked for"
    for kind in looked_for:
        leaks = [leak for leak in found.leaks if leak.kind == kind]
        yield f"{kind:<7} {len(leaks):>6}  {_MEANING[kind]}"
        yield from tell_first([_leak_line(leak) for leak in leaks], others=_OTHERS)
    if found.categories:
        names = ", ".join(f"'{shown(Path(name))}'" for name in found.categories[:_SHOWN_NAMES])
        yield f"titles in more than three folders were taken for categories and not for scenes: {names}"
    if found.changed:
        yield f"changed {len(found.changed):>6}  not what the split says"
        yield from tell_first([item.reason for item in found.changed], others=_OTHERS)
    if not found.leaks and not found.changed:
        yield f"no leak among {count_of(num_images, 'image')} in {', '.join(split.rows)}"


def _leak_line(leak: Leak) -> str:
    sides = f"{leak.first.split}: {shown(Path(leak.first.path))}  {leak.second.split}: {shown(Path(leak.second.path))}"
    if leak.distance is not None:
        return f"{sides}  ({leak.distance} of 64 bits differ)"
    return f"{sides}  ({shown(Path(leak.what))})"


def _next_step(split: SplitFolder, found: LeakReport, near_distance: int) -> str:
    if not found.leaks and not found.changed:
        manifest = shown(split.folder / "train.csv")
        return f"set dataroot_gt: {shown(split.root)} and manifest: {manifest} in your options, then run train.py"
    card, kinds = split.card, {leak.kind for leak in found.leaks}
    if card.origin:
        return (
            f"split the pictures of {shown(Path(card.origin))} again with `data split`, then cut them with `data tiles`"
        )
    # Of another folder the split would be another one, which `data split` does not write over this.
    out = split.folder if split.root == Path(card.root) else None
    changed: dict[str, object] = {}
    if "near" in kinds:
        changed["near_distance"] = max(near_distance, card.near_distance or 0)
    if "stem" in kinds and card.by in ("folder", "cluster"):
        again = split_command(card, split.root, out, by="stem", **changed)
        return f"{again}, which keeps pictures of one title together; or, where titles say nothing, give --ignore stem"
    again = split_command(card, split.root, out, **changed)
    if "stem" in kinds and card.by == "csv":
        return (
            f"give pictures of one title one scene in {shown(Path(card.scenes))}, then {again}; or give --ignore stem"
        )
    return f"{again}, which keeps look-alikes together; or judge by yourself and give --ignore"


def _facts(found: LeakReport) -> dict[str, Fact]:
    leaks: list[Fact] = [
        {
            "kind": leak.kind,
            "first": shown(Path(leak.first.path)),
            "first_split": leak.first.split,
            "second": shown(Path(leak.second.path)),
            "second_split": leak.second.split,
            "what": shown(Path(leak.what)) if leak.what else "",
            "distance": leak.distance,
        }
        for leak in found.leaks
    ]
    changed: list[Fact] = [_changed_fact(item) for item in found.changed]
    return {"leaks": leaks, "changed": changed, "categories": [shown(Path(name)) for name in found.categories]}


def _changed_fact(item: LeftOut) -> dict[str, Fact]:
    return {"path": shown(Path(item.path)), "reason": item.reason}
