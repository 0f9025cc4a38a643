"""Make validation and test sets that never change: the pairs, the recipe of each, and one hash over all.

Each picture of a part is cut to its middle and degraded once. The same split, preset and seed give the same hash on
every machine, and the hash stands beside every score of the set. A run that was stopped goes on where it was.

Presets, from harsh to none: full (Real-ESRGAN's), medium (StableSR's), mild (traiNNer-redux's: resize and JPEG),
camera-jpeg (shrunk and saved once, as by a web listing), bicubic (MATLAB's).
"""

import argparse
import dataclasses
import json
import shlex
from pathlib import Path

from realesrgan_arch.commands.arguments import count, positive_count
from realesrgan_arch.commands.report import Fact, Report
from realesrgan_arch.commands.split_parts import chosen_parts
from realesrgan_arch.data.assembly import spread
from realesrgan_arch.data.files import name_of
from realesrgan_arch.data.freeze import Freezer
from realesrgan_arch.data.frozen_card import FreezePlan
from realesrgan_arch.data.manifest import SPLIT_NAMES
from realesrgan_arch.data.split_folder import open_split
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.degradation.settings import Degradation
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.load import load_options
from realesrgan_arch.plural import count_of

_MAX_SIZE = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `make` reads."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("split", type=Path, help="a folder that `data split` wrote: data_split/NAME")
    parser.add_argument("--root", type=Path, help="the folder of the pictures (default: as split.json says)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--preset", choices=PRESETS, default="full", help="how the LQ are made (default full)")
    how.add_argument("--option", type=Path, metavar="FILE", help="take the ranges and the scale of an option file")
    parser.add_argument("--per-image", type=positive_count, default=1, metavar="N", help="LQ of each (default 1)")
    parser.add_argument(
        "--parts", nargs="+", choices=SPLIT_NAMES, metavar="PART", help="default val and test, where the split has them"
    )
    parser.add_argument("--scale", type=int, choices=(1, 2, 4), help="GT side over LQ side (default 4)")
    parser.add_argument("--seed", type=count, default=0, help="another seed draws other recipes (default 0)")
    parser.add_argument(
        "--max-size",
        type=count,
        default=_MAX_SIZE,
        metavar="PIXELS",
        help=f"cut larger pictures to their middle; 0 keeps them whole (default {_MAX_SIZE})",
    )
    parser.add_argument("--max-images", type=positive_count, metavar="N", help="of each part, evenly over its scenes")
    parser.add_argument("--out", type=Path, help="folder of the sets (default frozen/NAME-PRESET)")


def make(arguments: argparse.Namespace) -> Report:
    """Freeze each part and say where it is, its hash, and what to write into the options.

    Raises:
        UnreadablePicturesError: some pictures cannot be used (3).
        DataError: the split, its pictures or the folder cannot be used.
        OptionsError: of the option file.
    """
    split = open_split(arguments.split, root=arguments.root)
    plan, settings = _plan(arguments)
    out: Path = arguments.out or Path("frozen") / f"{name_of(arguments.split)}-{plan.preset}"
    sets: dict[str, Fact] = {}
    lines: list[str] = []
    made: list[Path] = []
    for part, rows in chosen_parts(split, arguments.parts, usual=["val", "test"]).items():
        freezer = Freezer(settings, plan, out / part, split.root)
        chosen = spread(rows, arguments.max_images)
        card, state = freezer.freeze(chosen, part=part, origin=split.card.origin or split.root.as_posix())
        sets[part] = {"folder": shown(out / part), "hash": card.hash, "pairs": len(card.pairs), "state": state}
        made += [out / part] if state == "made" else []
        was = "made" if state == "made" else f"was there in {shown(out / part)}; every pixel checked"
        lines.append(f"{part:<5} {count_of(len(card.pairs), 'pair'):>12}  hash {card.short_hash}  {was}")
    return Report(
        lines=tuple(lines),
        made=tuple(made),
        next_step=_next_step(out, tuple(sets)),
        facts={"preset": plan.preset, "seed": plan.seed, "scale": plan.scale, "sets": sets},
    )


def _plan(arguments: argparse.Namespace) -> tuple[FreezePlan, Degradation]:
    name, settings, scale = arguments.preset, PRESETS[arguments.preset], 4
    if arguments.option is not None:
        options = load_options(arguments.option).options
        name, settings, scale = options.name, options.degradation(), options.scale
    plan = FreezePlan(
        preset=name,
        settings=json.loads(json.dumps(dataclasses.asdict(settings))),
        seed=arguments.seed,
        scale=arguments.scale or scale,
        per_image=arguments.per_image,
        max_size=arguments.max_size or None,
    )
    return plan, settings


def _next_step(out: Path, parts: tuple[str, ...]) -> str:
    # Training draws its own pairs: options take frozen ones for `val` and `test` only.
    keys = [
        f"datasets.{part}: {{type: FrozenPairs, dataroot_gt: {shlex.quote(shown(out / part))}}}"
        for part in parts
        if part != "train"
    ]
    return f"set {' and '.join(keys)} in your options, then run train.py or test.py" if keys else ""
