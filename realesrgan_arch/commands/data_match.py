"""Fit the degradation to low-quality pictures of your own: compare noise, blur and blocks, and search better ranges."""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from realesrgan_arch import atomic
from realesrgan_arch.commands.arguments import count, positive_count
from realesrgan_arch.commands.report import Fact, Report, tell_first
from realesrgan_arch.data.crop_sources import choose_side, open_ground_truth, open_low_quality, take_halves
from realesrgan_arch.data.files import DataError
from realesrgan_arch.degradation.advice import advise
from realesrgan_arch.degradation.match_run import Halves, Match, run_match
from realesrgan_arch.degradation.matching import Comparison, total_distance
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.degradation.settings import Range
from realesrgan_arch.errors import EXIT_OK, EXIT_SOME_FILES_FAILED
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.degradation_keys import expressible, lost_fields
from realesrgan_arch.options.matched_file import changed_keys, matched_yaml
from realesrgan_arch.plural import count_of

_CROP_SIDE = 96
_SEARCH_CROPS = 32
_SHOWN_LEFT_OUT = 5
_MOSTLY = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `make` reads."""
    parser.add_argument("folder", type=Path, help="your low-quality pictures, not enlarged, not saved anew")
    parser.add_argument("--preset", choices=list(PRESETS), default="full", help="where to start (default full)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--gt", type=Path, metavar="FOLDER", help="good pictures to degrade")
    source.add_argument("--split", type=Path, metavar="DIR", help="data_split/NAME: its training pictures")
    parser.add_argument("--root", type=Path, help="with --split: the folder of the pictures, if it has moved")
    parser.add_argument("--out", type=Path, default=Path("matched.yml"), help="file to write (default matched.yml)")
    parser.add_argument("--images", type=positive_count, default=64, help="crops to check with (default 64)")
    parser.add_argument("--scale", type=int, choices=[1, 2, 4], default=4, help="GT side over LQ side (default 4)")
    parser.add_argument("--budget", type=positive_count, default=60, help="ranges to try at most (default 60)")
    parser.add_argument("--plain", action="store_true", help="for files with lq_from_usm: false (gt_usm: false)")
    parser.add_argument("--seed", type=count, default=0)


def make(arguments: argparse.Namespace) -> Report:
    """Compare, search, check, and write the ranges if they are better.

    Raises:
        DataError: too few pictures, no ground truth, or a file that exists or cannot be written.
    """
    started = time.monotonic()
    _check_out(arguments.out)
    data = _gather(arguments)
    preset = expressible(PRESETS[arguments.preset])
    with tqdm(total=arguments.budget, unit="try", desc="searching", disable=None, leave=False) as bar:
        match = run_match(
            preset,
            yours=data.yours,
            gt=data.gt,
            scale=arguments.scale,
            seed=arguments.seed,
            file_qualities=data.qualities,
            budget=arguments.budget,
            sharpens=not arguments.plain,
            on_evaluation=bar.update,
        )
    if match.is_better:
        _write(arguments, match)
    return _report(arguments, match, data, seconds=time.monotonic() - started)


@dataclass(frozen=True)
class _Data:
    """Crops of both sides; `qualities` are the JPEG qualities of the user's files, None where few are JPEG."""

    yours: Halves
    gt: Halves
    qualities: Range | None
    notes: tuple[str, ...]
    unreadable: tuple[str, ...]


def _gather(arguments: argparse.Namespace) -> _Data:
    searched = min(arguments.images, _SEARCH_CROPS)
    total = arguments.images + searched
    yours = open_low_quality(arguments.folder, most=total)
    gt = open_ground_truth(arguments.gt, arguments.split, root=arguments.root, scale=arguments.scale, most=total)
    side = choose_side(yours, gt, scale=arguments.scale, most=_CROP_SIDE)
    unreadable: list[str] = [*yours.unread]
    too_small: list[str] = []
    halves: list[Halves] = []
    for source, factor in ((yours, 1), (gt, arguments.scale)):
        unreadable += source.files.unreadable if source.files else ()
        too_small += source.files.too_small if source.files else ()
        halves.append(
            take_halves(
                source,
                side=side * factor,
                searched=searched,
                checked=arguments.images,
                seed=arguments.seed,
                unreadable=unreadable,
            )
        )
    found = yours.files.jpeg_qualities if yours.files else ()
    num_files = len(yours.files.paths) if yours.files else 0
    qualities = _spread_of(found) if len(found) > _MOSTLY * num_files else None
    notes = _notes(arguments, num_files, found, side=side, faults=(*unreadable, *too_small))
    return _Data(halves[0], halves[1], qualities, tuple(notes), tuple(unreadable))


def _notes(
    arguments: argparse.Namespace, num_files: int, qualities: Sequence[float], *, side: int, faults: Sequence[str]
) -> Iterator[str]:
    yield f"{count_of(num_files, 'picture')} of yours, crops of {side} x {side} pixels"
    if qualities:
        low, high = _spread_of(qualities)
        of_jpeg = count_of(len(qualities), "is a JPEG file", "are JPEG files")
        yield f"{of_jpeg}, last saved with quality {low:g} to {high:g} (10 to 90 %)"
    if arguments.gt is None and arguments.split is None:
        yield "without --gt or --split embedded drawings are degraded: their content differs from yours, mind the blur"
    if lost := lost_fields(PRESETS[arguments.preset]):
        yield (
            f"an option file cannot say all of preset {arguments.preset} ({', '.join(lost)}); the start is the nearest "
            "that it can say"
        )
    if faults:
        yield f"left out {count_of(len(faults), 'file')}:"
        yield from tell_first(faults, most=_SHOWN_LEFT_OUT)


def _spread_of(qualities: Sequence[float]) -> Range:
    low, high = np.quantile(qualities, (0.1, 0.9))
    return float(round(low)), float(round(high))


def _check_out(out: Path) -> None:
    if out.suffix.lower() not in (".yml", ".yaml"):
        raise DataError(f"Expected --out to name a YAML file, such as matched.yml, got {shown(out)}.")
    if out.exists():
        raise DataError(f"{shown(out)} exists already and may hold your edits; name another file with --out.")


def _write(arguments: argparse.Namespace, match: Match) -> None:
    before, after = (total_distance(side) for side in (match.before, match.after))
    heading = (
        f"Degradation matched to {shown(arguments.folder)} from preset {arguments.preset} by `data match`.",
        f"Summed distance of {len(match.before)} statistics on fresh draws: {before:.2f} -> {after:.2f}.",
        f"Paste the keys into an option file with lq_from_usm: {_source(arguments)}; comments: preset -> matched.",
        "Where that file has a gate, only its branch two_orders draws from all of them (one_order: the first pass).",
    )
    try:
        atomic.write_text(arguments.out, matched_yaml(match.preset, match.settings, heading=heading))
    except OSError as error:
        raise DataError(f"{shown(arguments.out)} cannot be written: {error.strerror}.") from error


def _source(arguments: argparse.Namespace) -> str:
    return "false" if arguments.plain else "true (the default; --plain is for files without)"


def _report(arguments: argparse.Namespace, match: Match, data: _Data, *, seconds: float) -> Report:
    before, after = (total_distance(side) for side in (match.before, match.after))
    lines = [*data.notes, "", *_table(match.before, f"preset {arguments.preset}"), "", *advise(match.before), ""]
    tried = f"tried {count_of(match.evaluations, 'set')} of ranges in {seconds:.0f} s"
    if match.is_better:
        lines += [f"{tried}; on fresh draws the summed distance falls from {before:.2f} to {after:.2f}"]
        lines += [*_table(match.after, "matched"), "", *changed_keys(match.preset, match.settings)]
        next_step = (
            f"paste {shown(arguments.out)} into your option file, then realesrgan-arch data preview options/YOURS.yml"
        )
    else:
        lines += [f"{tried}; none is nearer to your pictures by more than chance: keep preset {arguments.preset}"]
        next_step = "realesrgan-arch data preview options/YOURS.yml"
    return Report(
        lines=tuple(lines),
        made=(arguments.out,) if match.is_better else (),
        next_step=next_step,
        facts=_facts(match, data, seconds=seconds),
        exit_code=EXIT_SOME_FILES_FAILED if data.unreadable else EXIT_OK,
    )


def _table(comparisons: Sequence[Comparison], title: str) -> Iterator[str]:
    yield f"{title:<14}{'yours 10/50/90 %':>24}{'synthetic 10/50/90 %':>26}{'distance':>10}"
    for row in comparisons:
        yours, synthetic = (" ".join(f"{value:6.3g}" for value in side) for side in (row.yours, row.synthetic))
        yield f"{row.name:<14}{yours:>24}{synthetic:>26}{row.distance:>10.2f}"


def _facts(match: Match, data: _Data, *, seconds: float) -> dict[str, Fact]:
    sides = (("before", match.before), ("after", match.after))
    distances: dict[str, Fact] = {
        side: {row.name: round(row.distance, 4) for row in comparisons} for side, comparisons in sides
    }
    return {
        "distances": distances,
        "is_better": match.is_better,
        "jpeg_quality": None if data.qualities is None else list(data.qualities),
        "changes": list(changed_keys(match.preset, match.settings)) if match.is_better else [],
        "evaluations": match.evaluations,
        "seconds": round(seconds, 1),
        "notes": list(data.notes),
        "unreadable": list(data.unreadable),
    }
