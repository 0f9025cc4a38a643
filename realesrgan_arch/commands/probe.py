"""`realesrgan-arch probe options/x.yml --candidates conv_last "last:2" all`: which layers to train, by short runs.

Each candidate trains alone from the same base, with the same seeds on the same pairs, and is scored on the first
validation set after a quarter, a half and all of --steps; those that another one dominates in fidelity (PSNR) and
naturalness (NIQE) do not go on. The same command goes on with a probe that was stopped. See docs/layer_study.md.
"""

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from realesrgan_arch.commands.arguments import place, positive_count
from realesrgan_arch.commands.report import Fact, Report, deliver
from realesrgan_arch.entry import warn
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.load import load_options
from realesrgan_arch.options.overrides import add_overrides

DEFAULT_FOLDER = Path("studies")
_EXIT_CODES = """exit codes: 0 done, whatever was found; 2 bad input; 5 no room on the disk; 6 a damaged model;
            130 and 143 stopped by Ctrl-C and SIGTERM
"""


def main(argv: Sequence[str]) -> int:
    """Make the probe, say what it found and write it down."""
    arguments = _parser().parse_args(argv)
    loaded = load_options(arguments.options, overrides=arguments.overrides)
    # They bring torch, which `--help` and a mistake need not wait for.
    from realesrgan_arch.layer_study.probe import ProbePlan, run_probe
    from realesrgan_arch.layer_study.probe_candidates import read_probe_candidates
    from realesrgan_arch.layer_study.probe_files import CHOSEN
    from realesrgan_arch.layer_study.probe_report import probe_results, write_probe_report
    from realesrgan_arch.layer_study.probe_table import probe_table
    from realesrgan_arch.layer_study.short_run import Stages
    from realesrgan_arch.training.plan import read_budget

    for note in loaded.notes:
        warn(f"note: {note}")
    options = loaded.options
    plan = ProbePlan(
        base=options,
        candidates=read_probe_candidates(arguments.candidates, options.network_g),
        seeds=tuple(range(arguments.seeds)),
        stages=Stages(arguments.steps, arguments.stages),
        folder=arguments.output or DEFAULT_FOLDER / f"{options.name}_probe",
        budget=read_budget(arguments.memory, options) if arguments.memory else None,
        crops=arguments.crops,
    )
    findings = run_probe(plan, tell=warn)
    made = write_probe_report(findings, plan, source=arguments.options, overrides=arguments.overrides)
    report = Report(
        lines=tuple(probe_table(findings, plan).splitlines()),
        made=tuple(made),
        next_step=f"python realesrgan_arch/train.py -opt {shlex.quote(shown(plan.folder / CHOSEN))}",
        facts=cast("Mapping[str, Fact]", probe_results(findings, plan)),
    )
    return deliver(report, as_json=arguments.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="realesrgan-arch probe",
        description=__doc__,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("options", type=Path, help="option file (YAML) of the training run")
    parser.add_argument(
        "--candidates",
        nargs="+",
        default=["auto"],
        metavar="PATTERN",
        help="what to compare, patterns of one candidate joined by commas; random:N: N drawn layers; auto: ends, "
        "windows, random ones and all (default)",
    )
    parser.add_argument("--seeds", type=positive_count, default=3, metavar="N", help="seeds of each (default 3)")
    parser.add_argument("--steps", type=positive_count, default=500, metavar="N", help="longest run (default 500)")
    parser.add_argument(
        "--stages", type=positive_count, default=3, metavar="N", help="times of scoring, each twice as far (default 3)"
    )
    parser.add_argument("--memory", metavar="SIZE", help="leave out what needs more: 8GB, 8GiB or auto (what is free)")
    parser.add_argument(
        "--crops", type=positive_count, default=64, metavar="N", help="for the cheap scores of layers (default 64)"
    )
    parser.add_argument("-o", "--out", dest="output", type=place, help="folder (default studies/NAME_probe)")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")
    add_overrides(parser)
    return parser
