"""Train or fine-tune: `python realesrgan_arch/train.py -opt options/finetune_x4plus_architecture.yml`.

Several option files are trained one after the other: see `stages.py`.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

if __package__ in (None, ""):
    # Run as a file, Python puts this folder first on the path, where `data` and `options` would be top-level modules.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from realesrgan_arch.python_version import check_python

check_python()

import argparse  # noqa: E402

from realesrgan_arch.entry import run, say, warn  # noqa: E402
from realesrgan_arch.image_header import shown  # noqa: E402
from realesrgan_arch.options.chain import load_chain  # noqa: E402
from realesrgan_arch.options.overrides import add_overrides  # noqa: E402
from realesrgan_arch.options.types import Options  # noqa: E402
from realesrgan_arch.torchrun import Place, RanksError, read_place  # noqa: E402


def build_parser(program: str) -> argparse.ArgumentParser:
    """Return the command line, with BasicSR's flags."""
    parser = argparse.ArgumentParser(prog=program, description="Train or fine-tune a generator as an option file says.")
    parser.add_argument(
        "-opt",
        "--options",
        nargs="+",
        required=True,
        type=Path,
        metavar="FILE",
        help="option file (YAML); each of several starts from the best weights of the one before, and "
        "--set 2:KEY=VALUE changes the second only",
    )
    add_overrides(parser)
    _add_resume_flags(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="3 steps of everything, then time, memory and disk of the run; leaves nothing",
    )
    parser.add_argument("--json", action="store_true", help="with --dry-run: its result as JSON")
    parser.add_argument("--launcher", choices=("none", "pytorch", "slurm"), default="none", help=argparse.SUPPRESS)
    for flag in ("--local_rank", "--local-rank"):
        parser.add_argument(flag, dest="local_rank", help=argparse.SUPPRESS)
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    return parser


def _add_resume_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--resume",
        metavar="auto|none|PATH",
        help="go on from the newest checkpoint of this run, if there is one; or from a state or a run's folder",
    )
    parser.add_argument("--auto_resume", dest="resume", action="store_const", const="auto", help="--resume auto")
    parser.add_argument(
        "--allow-changed",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY",
        help="go on although these options, sections or globs have changed what the run means",
    )
    parser.add_argument(
        "--restart-schedule",
        dest="overrides",
        action="append_const",
        const="train.restart_schedule=true",
        help="start the learning rate's schedule anew at the resumed step, once",
    )


def run_training(arguments: Sequence[str], *, program: str, check: Callable[[Options], None] | None = None) -> int:
    """Train, and say what was made, where it is and what comes next; `check` may refuse the first options first."""
    parsed = build_parser(program).parse_args(arguments)
    place = read_place()
    with place.said_once():
        stages = _read_stages(parsed, place)
        if check is not None:
            check(stages[0])
    if parsed.dry_run:
        return _run_dry(stages, place, parsed)
    from realesrgan_arch.stages import train_stages  # torch and basicsr, which `--help` need not wait for

    return train_stages(stages, allow_changed=parsed.allow_changed, place=place, say=say, note=warn)


def _read_stages(parsed: argparse.Namespace, place: Place) -> list[Options]:
    chain = load_chain(parsed.options, overrides=parsed.overrides, resume=parsed.resume)
    if place.speaks:
        for stage in chain:
            whose = f"{shown(stage.path)}: " if len(chain) > 1 else ""
            for text in stage.notes:
                warn(f"note: {whose}{text}")
        for text in _notes_on_flags(parsed, place):
            warn(f"note: {text}")
    return [stage.options for stage in chain]


def _run_dry(stages: Sequence[Options], place: Place, parsed: argparse.Namespace) -> int:
    if place.world_size > 1:
        raise RanksError(f"a dry run is made by one process, got {place.world_size}: leave torchrun out")
    from realesrgan_arch.stages import dry_run_stages

    return dry_run_stages(stages, allow_changed=parsed.allow_changed, as_json=parsed.json, say=say, note=warn)


def _notes_on_flags(parsed: argparse.Namespace, place: Place) -> list[str]:
    """Say which flags are taken and do nothing."""
    notes = []
    if parsed.launcher != "none" and place.world_size == 1:
        notes.append(
            f"--launcher {parsed.launcher} starts nothing: one process trains on one device; for N of them use "
            "torchrun --nproc_per_node N realesrgan_arch/train.py -opt ..."
        )
    if parsed.json and not parsed.dry_run:
        notes.append("--json has no effect without --dry-run: a run's numbers are in its metrics.jsonl and results.csv")
    if parsed.debug:
        notes.append("--debug has no effect: try --set train.total_iter=8 val.val_freq=8 logger.print_freq=1")
    return notes


def main(arguments: Sequence[str]) -> int:
    """Train as the option file says."""
    return run_training(arguments, program="train.py")


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
