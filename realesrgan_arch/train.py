"""Train or fine-tune: `python realesrgan_arch/train.py -opt options/finetune_x4plus_architecture.yml`."""

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
from realesrgan_arch.errors import EXIT_CHECK_FAILED, EXIT_OK  # noqa: E402
from realesrgan_arch.options.load import load_options  # noqa: E402
from realesrgan_arch.options.overrides import add_overrides  # noqa: E402
from realesrgan_arch.options.types import Options  # noqa: E402
from realesrgan_arch.torchrun import Place, RanksError, read_place  # noqa: E402


def build_parser(program: str) -> argparse.ArgumentParser:
    """Return the command line, with BasicSR's flags."""
    parser = argparse.ArgumentParser(prog=program, description="Train or fine-tune a generator as an option file says.")
    parser.add_argument("-opt", "--options", required=True, type=Path, metavar="FILE", help="option file (YAML)")
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
    """Train, and say what was made, where it is and what comes next; `check` may refuse the options first."""
    parsed = build_parser(program).parse_args(arguments)
    place = read_place()
    with place.said_once():
        options = _read_options(parsed, place)
        if check is not None:
            check(options)
    if parsed.dry_run:
        return _run_dry(options, place, parsed)
    from realesrgan_arch.session import train  # torch and basicsr, which `--help` need not wait for

    outcome = train(options, allow_changed=parsed.allow_changed, place=place)
    if place.speaks:
        say(outcome.summary())
    return outcome.exit_code


def _read_options(parsed: argparse.Namespace, place: Place) -> Options:
    loaded = load_options(parsed.options, overrides=parsed.overrides)
    for note in (*loaded.notes, *_notes_on_flags(parsed, place)) if place.speaks else ():
        warn(f"note: {note}")
    if parsed.resume is None:
        return loaded.options
    return loaded.options.resuming(parsed.resume if parsed.resume in ("auto", "none") else Path(parsed.resume))


def _run_dry(options: Options, place: Place, parsed: argparse.Namespace) -> int:
    if place.world_size > 1:
        raise RanksError(f"a dry run is made by one process, got {place.world_size}: leave torchrun out")
    from realesrgan_arch.dry_run import dry_run

    report = dry_run(options, allow_changed=parsed.allow_changed)
    say(report.json() if parsed.json else report.text())
    return EXIT_CHECK_FAILED if report.all_problems() else EXIT_OK


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
