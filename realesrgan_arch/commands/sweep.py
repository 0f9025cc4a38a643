"""`realesrgan-arch sweep base.pth tuned.pth --data data_split/x/val`: every blend of two models, and the one to use.

Both models are blended weight by weight in several shares; each share is compared with the base, picture by picture,
with intervals over scenes. The chosen share is exported as a model. A sweep that was stopped goes on with the same
command.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from realesrgan_arch.commands.arguments import count, name_part, place, positive_count
from realesrgan_arch.commands.report import deliver
from realesrgan_arch.commands.scoring_choices import ALPHAS, DEFAULT_METRICS, MAX_SIZE, METRIC_STEPS, PRECISION, RULES
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.weights.table import check_findable

_STEPS = ", ".join(f"{name} {step}" for name, step in METRIC_STEPS.items())
_EXIT_CODES = """exit codes: 0 a share was chosen; 2 bad input; 3 some pictures could not be scored; 4 the base stays,
            or no picture found; 5 no room on the disk; 6 a damaged model; 130 and 143 stopped by Ctrl-C and SIGTERM
"""


def main(argv: Sequence[str]) -> int:
    """Sweep, and say which share it is to be; 4 where the base stays, 3 where some pictures could not be scored."""
    arguments = _parser().parse_args(argv)
    for source in (arguments.base, arguments.tuned):
        check_findable(source)
    # They bring torch, which `--help` and a mistake need not wait for.
    from realesrgan_arch.commands.sweep_report import report_sweep
    from realesrgan_arch.evaluation.contender import folder_name, name_of_weights
    from realesrgan_arch.sweep.choose import parse_utility
    from realesrgan_arch.sweep.session import SweepRequest, sweep

    request = SweepRequest(
        base=arguments.base,
        tuned=arguments.tuned,
        data=arguments.data,
        output=arguments.output or Path("results") / folder_name(f"{name_of_weights(arguments.tuned)}-sweep"),
        alphas=tuple(arguments.alphas),
        rule=arguments.choose or ("utility" if arguments.utility else "not-worse"),
        utility=parse_utility(arguments.utility) if arguments.utility else {},
        metrics=tuple(METRIC_STEPS) if "all" in arguments.metrics else tuple(dict.fromkeys(arguments.metrics)),
        perceptual_weights=arguments.perceptual_weights,
        border=arguments.border,
        y_channel=arguments.y,
        preset=arguments.preset,
        seed=arguments.seed,
        root=arguments.root,
        max_size=arguments.max_size or None,
        max_images=arguments.max_images,
        device=arguments.device,
        precision=arguments.precision,
        name=arguments.name,
        licence=arguments.license,
        is_exported=not arguments.no_export,
    )
    return deliver(report_sweep(sweep(request), request), as_json=arguments.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="realesrgan-arch sweep",
        description=__doc__,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("base", help="weights: a file, or a name that `weights list` shows")
    add("tuned", help="other weights of the same network")
    add("--data", required=True, metavar="SET", help="what chooses: data_split/x/val, a frozen set, or photographs")
    add("--alphas", nargs="+", type=_share, default=ALPHAS, metavar="A",
        help="shares of the tuned weights, 0 to 1 (default: 0 .1 ... 1)")  # fmt: skip
    add("--choose", choices=RULES,
        help="not-worse (default): the best composite of those worse than the base in no metric; knee: of the curve of "
        "PSNR and NIQE; utility: the largest --utility")  # fmt: skip
    add("--utility", metavar="TEXT",
        help=f"what a difference of this size is worth in each metric, such as psnr=1,niqe=-1: {_STEPS}")  # fmt: skip
    add("-o", "--output", type=place, metavar="DIR", help="folder of the results (default: results/TUNED-sweep)")
    _add_scoring(parser)
    _add_export(parser)
    add("--json", action="store_true", help="machine-readable output")
    return parser


def _add_scoring(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("pictures and scores").add_argument
    add("--metrics", nargs="+", choices=["all", *METRIC_STEPS], default=DEFAULT_METRICS, metavar="NAME",
        help=f"of {', '.join(METRIC_STEPS)}; or all (default: {' '.join(DEFAULT_METRICS)})")  # fmt: skip
    add("--perceptual-weights", type=place, metavar="DIR", help="weights of lpips_like, and of lpips and dists")
    add("--border", type=count, metavar="N", help="pixels left out at each edge (default: the scale)")
    add("--y", action="store_true", help="PSNR and SSIM on luma instead of RGB")
    add("--preset", choices=list(PRESETS), default="full", help="how photographs are degraded (default: full)")
    add("--seed", type=count, default=0, metavar="N", help="of the degradation and the intervals (default: 0)")
    add("--root", type=place, metavar="DIR", help="of the photographs of a split, if they have moved")
    add("--max-size", type=count, default=MAX_SIZE, metavar="PIXELS",
        help=f"cut larger pictures to their middle; 0 keeps them whole (default: {MAX_SIZE})")  # fmt: skip
    add("--max-images", type=positive_count, metavar="N", help="so many, evenly over the set (default: all)")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)")
    add("--precision", choices=("auto", "fp32", "bf16", "fp16"), default=PRECISION,
        help="(default: fp32, so that scores of two machines can be compared)")  # fmt: skip


def _add_export(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the chosen model").add_argument
    add("--name", type=name_part, help="name of its files (default: that of the tuned weights, or of their run)")
    add("--license", metavar="SPDX", help="licence of the weights, such as CC-BY-4.0 (default: not stated)")
    add("--no-export", action="store_true", help="only draw the curve")


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to 1, got {text!r}")
    return share
