"""`realesrgan-arch evaluate base.pth tuned.pth --data data_split/x/test`: is it better, and how sure is that?

The verdict comes first: better, worse, or cannot be told, by 95 % intervals over scenes. Beside it a folder with every
score (scores.csv), this table (table.txt), the worst, best and some random pictures, and proof.json for a report.
An evaluation that was stopped goes on where it was when the same command is run again.
"""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from realesrgan_arch.commands.arguments import count, name_part, place, positive_count
from realesrgan_arch.commands.report import Report, deliver
from realesrgan_arch.commands.scoring_choices import BACKENDS, DEFAULT_METRICS, MAX_SIZE, METRIC_STEPS
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.errors import EXIT_OK, EXIT_SOME_FILES_FAILED
from realesrgan_arch.image_header import printable
from realesrgan_arch.weights.table import check_findable

if TYPE_CHECKING:
    from realesrgan_arch.evaluation.evaluation_run import Evaluation, EvaluationRequest

_EXIT_CODES = """exit codes: 0 done, whatever the verdict; 2 bad input; 3 some pictures could not be scored;
            4 no picture found; 5 no room on the disk; 6 a damaged model; 130 and 143 stopped by Ctrl-C and SIGTERM
"""


def main(argv: Sequence[str]) -> int:
    """Evaluate, and say the verdict and where everything is; 3 where some of the pictures could not be scored."""
    arguments = _parser().parse_args(argv)
    for source in (arguments.base, arguments.tuned):
        if source is not None:
            check_findable(source)
    # It brings torch, which `--help` and a mistake need not wait for.
    from realesrgan_arch.evaluation.evaluation_run import run_evaluation

    evaluation = run_evaluation(_request(arguments, argv))
    return deliver(_report(evaluation), as_json=arguments.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="realesrgan-arch evaluate",
        description=__doc__,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("base", help="weights: a file, or a name of `weights list`; alone, judged against bicubic")
    parser.add_argument("tuned", nargs="?", help="weights to judge against the base")
    _add_data(parser)
    _add_measures(parser)
    _add_results(parser)
    _add_machine(parser)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("pictures (--data or --lq)").add_argument
    add("--data", metavar="SET", help="data_split/NAME/test, a set of `data freeze`, or a folder of photographs")
    add("--lq", type=place, metavar="DIR", help="real low-quality pictures; without --gt NIQE alone is scored")
    add("--gt", type=place, metavar="DIR", help="their truths, of the same names")
    add("--general", metavar="SET", help="a second set of all kinds of pictures: what was forgotten")
    add("--root", type=place, metavar="DIR", help="the photographs of a split (default: as split.json says)")
    add("--preset", choices=PRESETS, default="full", help="how photographs are degraded (default full)")
    add("--seed", type=count, default=0, help="of the degradation and of the statistics (default 0)")
    add("--max-size", type=count, default=MAX_SIZE, metavar="PIXELS",
        help=f"cut larger pictures to their middle; 0 keeps them whole (default {MAX_SIZE})")  # fmt: skip
    add("--max-images", type=positive_count, metavar="N", help="at most N pictures, evenly over the set")


def _add_measures(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("measures").add_argument
    add("--metrics", nargs="+", default=DEFAULT_METRICS, metavar="NAME",
        help=f"of {', '.join(METRIC_STEPS)}; or all (default: {' '.join(DEFAULT_METRICS)})")  # fmt: skip
    add("--perceptual-weights", type=place, metavar="DIR", help="weights of lpips_like, and of lpips and dists")
    add("--y", action="store_true", help="PSNR and SSIM of luma, as in papers")
    add("--border", type=count, metavar="N", help="pixels left out at each edge (default: the scale)")
    add("--groups", nargs="+", metavar="KIND",
        help="judge apart by folder, tags, or a CSV file with path and tags (default: what the set has)")  # fmt: skip
    add("--controls", action="store_true",
        help="add rows that cost no training: base with back-projection, as JPEG, sharpened")  # fmt: skip


def _add_results(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("results").add_argument
    add("-o", "--output", type=place, metavar="DIR", help="folder (default: results/NAME)")
    add("--name", type=name_part, help="of that folder (default: those of the model and of the set)")
    add("--no-pictures", action="store_true", help="write no pictures")
    add("--json", action="store_true", help="write the proof as one JSON object to standard output")


def _add_machine(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("machine").add_argument
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)")
    add("--backend", choices=BACKENDS, default="auto", help="what computes the network (default: auto)")
    add("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="fp32",
        help="(default: fp32, so that scores of two machines can be compared)")  # fmt: skip


def _request(arguments: argparse.Namespace, argv: Sequence[str]) -> "EvaluationRequest":
    from realesrgan_arch.evaluation.evaluation_run import EvaluationRequest

    return EvaluationRequest(
        weights=tuple(source for source in (arguments.base, arguments.tuned) if source is not None),
        data=arguments.data, lq=arguments.lq, gt=arguments.gt, general=arguments.general, root=arguments.root,
        preset=arguments.preset, seed=arguments.seed, max_size=arguments.max_size or None,
        max_images=arguments.max_images, groups=tuple(arguments.groups) if arguments.groups else None,
        metrics=tuple(METRIC_STEPS) if "all" in arguments.metrics else tuple(arguments.metrics),
        perceptual_weights=arguments.perceptual_weights, y_channel=arguments.y, border=arguments.border,
        with_controls=arguments.controls, with_pictures=not arguments.no_pictures,
        output=arguments.output, name=arguments.name,
        device=arguments.device, backend=arguments.backend, precision=arguments.precision,
        facts={"command": printable(f"realesrgan-arch evaluate {shlex.join(map(_without_places, argv))}")},
    )  # fmt: skip


def _report(evaluation: "Evaluation") -> Report:
    from realesrgan_arch.evaluation.proof import proof_as_json
    from realesrgan_arch.evaluation.proof_text import proof_lines

    lines = [line for proved in evaluation.proofs for line in ("", *proof_lines(proved))][1:]
    proofs = [proof_as_json(proved.proof) for proved in evaluation.proofs]
    failed = any(proved.scored.left_out for proved in evaluation.proofs)
    return Report(
        lines=tuple(lines),
        made=tuple(proved.folder for proved in evaluation.proofs),
        facts={"proof": proofs[0], **({"general": proofs[1]} if len(proofs) > 1 else {})},
        exit_code=EXIT_SOME_FILES_FAILED if failed else EXIT_OK,
    )


def _without_places(argument: str) -> str:
    """A proof is passed on: of an absolute path on this machine the last part is enough to know the file by."""
    option, equals, value = argument.rpartition("=")
    return f"{option}{equals}{Path(value).name}" if Path(value).is_absolute() else argument
