"""`realesrgan-arch sweep base.pth tuned.pth --data data_split/x/val`: every blend of two models, and the one to use.

Both models are blended weight by weight in several shares; each share is compared with the base, picture by picture,
with intervals over scenes. The chosen share is exported as a model. A sweep that was stopped goes on with the same
command.
"""

import argparse
import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from realesrgan_arch.commands.arguments import count, name_part, place, positive_count
from realesrgan_arch.commands.report import Fact, Report, deliver, tell_first
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.errors import EXIT_CHECK_FAILED, EXIT_OK, EXIT_SOME_FILES_FAILED
from realesrgan_arch.evaluation.contender import folder_name, name_of_weights
from realesrgan_arch.evaluation.difference_table import format_interval
from realesrgan_arch.evaluation.evaluate import METRICS, ScoreRules
from realesrgan_arch.evaluation.table import aligned, with_hash
from realesrgan_arch.image_header import printable, shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.sweep.choose import RULES, parse_utility
from realesrgan_arch.sweep.curve import Point, method_name
from realesrgan_arch.sweep.session import ALPHAS, SweepOutcome, SweepRequest, sweep

_STEPS = ", ".join(f"{metric.step:g} {metric.unit or name}".strip() for name, metric in METRICS.items())
_EXIT_CODES = """exit codes: 0 a share was chosen; 2 bad input; 3 some pictures could not be scored; 4 the base stays,
            or no picture found; 5 no room on the disk; 6 a damaged model; 130 and 143 stopped by Ctrl-C and SIGTERM
"""


def main(argv: Sequence[str]) -> int:
    """Sweep, and say which share it is to be; 4 where the base stays, 3 where some pictures could not be scored."""
    arguments = _parser().parse_args(argv)
    request = SweepRequest(
        base=arguments.base,
        tuned=arguments.tuned,
        data=arguments.data,
        output=arguments.output or Path("results") / folder_name(f"{name_of_weights(arguments.tuned)}-sweep"),
        alphas=tuple(arguments.alphas),
        rule=arguments.choose or ("utility" if arguments.utility else "not-worse"),
        utility=parse_utility(arguments.utility) if arguments.utility else {},
        metrics=tuple(METRICS) if "all" in arguments.metrics else tuple(dict.fromkeys(arguments.metrics)),
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
    return deliver(_report(sweep(request), request), as_json=arguments.json)


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
        help=f"what a step of each metric ({_STEPS}) is worth, such as psnr=1,niqe=-1")  # fmt: skip
    add("-o", "--output", type=place, metavar="DIR", help="folder of the results (default: results/TUNED-sweep)")
    _add_scoring(parser)
    _add_export(parser)
    add("--json", action="store_true", help="machine-readable output")
    return parser


def _add_scoring(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("pictures and scores").add_argument
    defaults = ScoreRules()
    add("--metrics", nargs="+", choices=["all", *METRICS], default=defaults.metrics, metavar="NAME",
        help=f"of {', '.join(METRICS)}; or all (default: {' '.join(defaults.metrics)})")  # fmt: skip
    add("--perceptual-weights", type=place, metavar="DIR", help="weights of lpips_like, and of lpips and dists")
    add("--border", type=count, metavar="N", help="pixels left out at each edge (default: the scale)")
    add("--y", action="store_true", help="PSNR and SSIM on luma instead of RGB")
    add("--preset", choices=list(PRESETS), default="full", help="how photographs are degraded (default: full)")
    add("--seed", type=count, default=0, metavar="N", help="of the degradation and the intervals (default: 0)")
    add("--root", type=place, metavar="DIR", help="of the photographs of a split, if they have moved")
    add("--max-size", type=count, default=SweepRequest.max_size, metavar="PIXELS",
        help=f"cut larger pictures to their middle; 0 keeps them whole (default: {SweepRequest.max_size})")  # fmt: skip
    add("--max-images", type=positive_count, metavar="N", help="so many, evenly over the set (default: all)")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)")
    add("--precision", choices=("auto", "fp32", "bf16", "fp16"), default=SweepRequest.precision,
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


def _report(outcome: SweepOutcome, request: SweepRequest) -> Report:
    record, exported = outcome.record, outcome.exported
    model = exported.folder / exported.record.files[0].name if exported else None
    files = tuple(exported.folder / file.name for file in exported.record.files) if exported else ()
    points: list[Fact] = [_point_facts(point) for point in record.curve.points]
    return Report(
        lines=tuple(_lines(outcome, request)),
        made=(*files, *outcome.files),
        next_step=_next_step(request.base, model) if model else "",
        facts={
            "alpha": record.choice.alpha,
            "rule": record.choice.rule,
            "sentence": record.choice.sentence,
            "points": points,
            "notes": list(record.notes),
            "left_out": list(record.left_out),
        },
        exit_code=_exit_code(outcome),
    )


def _next_step(base: str, model: Path) -> str:
    words = shlex.join(["realesrgan-arch", "evaluate", base, str(model), "--data", "TEST_SET"])
    return printable(words)


def _exit_code(outcome: SweepOutcome) -> int:
    if outcome.record.left_out:
        return EXIT_SOME_FILES_FAILED
    return EXIT_OK if outcome.record.choice.alpha else EXIT_CHECK_FAILED


def _lines(outcome: SweepOutcome, request: SweepRequest) -> Iterator[str]:
    record = outcome.record
    yield f"{method_name(record.choice.alpha)}, by the rule {record.choice.rule}: {record.choice.sentence}"
    yield ""
    yield f"{with_hash(record.title, record.set_hash)}: {count_of(record.curve.pictures, 'picture')}, " + count_of(
        record.curve.scenes, "scene"
    )
    metrics = [METRICS[name] for name in record.curve.metrics]
    heading = ["", *(metric.label + (f" [{metric.unit}]" if metric.unit else "") for metric in metrics), "composite"]
    yield from aligned([heading, *(_row(point, record.curve.metrics) for point in record.curve.points)])
    yield "differences to the base with 95 % intervals over scenes; ! a loss, * a gain; composite in steps"
    yield ""
    yield from (f"note: {note}" for note in record.notes)
    if record.left_out:
        yield f"{count_of(len(record.left_out), 'picture')} could not be scored:"
        yield from tell_first(record.left_out, others=f"; {shown(outcome.files[-1])} names them all")


def _row(point: Point, metrics: Sequence[str]) -> list[str]:
    if point.judgement is None:
        means = [f"{point.means[name]:.{METRICS[name].decimals}f}" for name in metrics]
        return [method_name(point.alpha), *means, "0"]
    cells = [_cell(point, name) for name in metrics]
    return [method_name(point.alpha), *cells, format_interval(point.composite)]


def _cell(point: Point, name: str) -> str:
    found = point.finding(name)
    if found is None:
        return "-"
    mark = " !" if name in point.losses else " *" if found.verdict == "better" else ""
    return f"{format_interval(found.interval, METRICS[name].decimals)}{mark}"


def _point_facts(point: Point) -> Fact:
    differences = {name: point.difference(name) for name in point.means}
    return {
        "alpha": point.alpha,
        "means": {name: _plain(value) for name, value in point.means.items()},
        "differences": {name: _plain(value) for name, value in differences.items()},
        "composite": _plain(point.composite.mean),
    }


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
