"""Which layer to train? Train each candidate alone with several seeds, and say whether they can be told apart.

    python scripts/layer_study.py -opt options/finetune_x4plus_architecture.yml
    python scripts/layer_study.py -opt options/finetune_x4v3_architecture.yml --scale 0.02 --seeds 0 1 2

Each candidate trains alone for 4,500 steps on a subset of the training pictures, with each seed; PSNR on the first
validation set chooses; the chosen one trains 4,500 steps more, then 15,000 steps at a learning rate of 1e-5 on
everything. `--scale` shrinks steps and subset. Everything else (network, weights, losses, degradation, crops, batch) is
the option file's. Written are `results.json`, `table.txt` and `differences.svg`. The same command goes on with a study
that was stopped; with more `--seeds` or `--candidates` it trains what is new. See docs/layer_study.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from realesrgan_arch.entry import run, say, warn
from realesrgan_arch.errors import EXIT_OK
from realesrgan_arch.layer_study.candidates import StudyError, read_candidates
from realesrgan_arch.layer_study.protocol import Protocol
from realesrgan_arch.options.load import load_options
from realesrgan_arch.options.overrides import add_overrides


def main(arguments: Sequence[str]) -> int:
    """Make the study, and say what it found and where that is."""
    parsed = build_parser().parse_args(arguments)
    if not 0 < parsed.scale <= 1:
        raise StudyError(f"--scale: expected a number above 0 and at most 1, got {parsed.scale:g}")
    # They bring torch, which `--help` and a mistake need not wait for.
    from realesrgan_arch.layer_study.report import table, write_report
    from realesrgan_arch.layer_study.study import Plan, run_study

    loaded = load_options(parsed.options, overrides=parsed.overrides)
    for note in loaded.notes:
        warn(f"note: {note}")
    plan = Plan(
        base=loaded.options,
        candidates=read_candidates(parsed.candidates, loaded.options.network_g),
        seeds=tuple(parsed.seeds),
        protocol=Protocol(scale=parsed.scale, subset=parsed.subset),
        folder=parsed.output or Path("studies") / loaded.options.name,
        finish=parsed.finish,
    )
    findings = run_study(plan, tell=warn)
    files = write_report(findings, plan)
    say(table(findings, plan))
    say(f"wrote    {', '.join(map(str, files))}")
    return EXIT_OK


def build_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-opt", "--options", required=True, type=Path, metavar="FILE", help="option file (YAML)")
    add_overrides(parser)
    parser.add_argument(
        "--candidates",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="layers to compare, patterns of one joined by commas (default for RRDBNet: body.2.rdb3.conv5 conv_last)",
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N", help="default 0 1 2")
    parser.add_argument("--scale", type=float, default=1.0, help="share of steps and subset (default 1)")
    parser.add_argument("--subset", type=int, default=Protocol.subset, help="pictures at scale 1 (default %(default)s)")
    parser.add_argument(
        "--finish",
        choices=("all", "first", "none"),
        default="all",
        help="seeds with which the chosen candidate trains on after the probes (default all)",
    )
    parser.add_argument("-o", "--out", dest="output", type=Path, help="folder of the study (default studies/NAME)")
    return parser


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
