"""`realesrgan-arch plan options/x.yml --budget 8GB`: what may be trained in so much memory.

It needs neither a GPU nor data nor weights.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from realesrgan_arch.commands.arguments import positive_count
from realesrgan_arch.commands.report import Fact, Report, deliver
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.load import load_options, require_train
from realesrgan_arch.options.overrides import add_overrides
from realesrgan_arch.training.plan import MemoryPlan, Row, advice, make_plan, read_budget, settings_of
from realesrgan_arch.training.plan_table import plan_lines


def main(argv: Sequence[str]) -> int:
    """Print the plan; the exit code is 0 even where nothing fits, as the prediction itself succeeded."""
    arguments = _parser().parse_args(argv)
    loaded = load_options(arguments.options, overrides=arguments.overrides)
    options = loaded.options
    budget = read_budget(arguments.budget or require_train(options).memory_budget, options)
    plan = make_plan(options, budget, at_once=arguments.batch)
    notes = tuple(f"note: {note}" for note in loaded.notes)
    start = f"python realesrgan_arch/train.py -opt {shown(arguments.options)}"
    report = Report(
        lines=(*notes, *plan_lines(plan, with_parts=arguments.parts)),
        next_step=f"{start} --set {settings_of(plan.best, options)}" if plan.best else "",
        facts=_facts(plan),
    )
    return deliver(report, as_json=arguments.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="realesrgan-arch plan", description="Predict the memory of training for every choice of layers."
    )
    parser.add_argument("options", type=Path, help="option file (YAML) of the training run")
    parser.add_argument("--budget", help="8GB, 8GiB, 8192MB or auto (what is free); train.memory_budget when absent")
    parser.add_argument(
        "--batch", type=_counts, default=(), metavar="1,2,4", help="pictures at once (default: divisors of the batch)"
    )
    parser.add_argument("--parts", action="store_true", help="show what the present and the best choice consist of")
    parser.add_argument("--json", action="store_true", help="print all rows as one JSON object")
    add_overrides(parser)
    return parser


def _counts(text: str) -> tuple[int, ...]:
    return tuple(positive_count(part) for part in text.split(","))


def _facts(plan: MemoryPlan) -> dict[str, Fact]:
    return {
        "budget_bytes": plan.budget.size,
        "budget": plan.budget.words,
        "parameters": plan.parameters,
        "rows": [_row_facts(plan, row) for row in plan.rows],
        "advice": list(advice(plan)),
    }


def _row_facts(plan: MemoryPlan, row: Row) -> dict[str, Fact]:
    return {
        "trains": list(row.choice.patterns),
        "trained_parameters": row.trained,
        "checkpointing": row.checkpointing,
        "precision": row.precision,
        "at_once": row.at_once,
        "accumulate": row.accumulate,
        "bytes": row.size,
        "fits": plan.fits(row),
        "present": row == plan.present,
        "best": row == plan.best,
        "peak_while": row.prediction.moment,
        "saved_activations": row.prediction.saved,
        "parts": dict(row.prediction.parts),
    }
