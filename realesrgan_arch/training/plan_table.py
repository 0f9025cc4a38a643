"""A memory plan as text of at most 100 columns."""

from collections.abc import Iterator
from textwrap import wrap

import torch

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.training.plan import PRECISION_WORDS, MemoryPlan, Row, advice, say_share

GIB = 2**30
COLUMNS = 100
NOT_COUNTED = "not counted: Python, PyTorch and a CUDA context (0.3 to 0.6 GB together)"
LEGEND = "x does not fit   * the present options   + the most that fits"


def plan_lines(plan: MemoryPlan, *, with_parts: bool = False) -> list[str]:
    """Return the table for each precision, the advice, and `with_parts` the bytes of the marked rows by part."""
    options = plan.options
    batch = options.datasets.train.batch_size_per_gpu if options.datasets.train else 0
    lines = [
        f"{options.name}: {options.network_g.type} x{options.scale}, gt_size {options.crop_gt_size}, batch {batch}",
        f"budget {say_bytes(plan.budget.size)} ({plan.budget.words}); predicted peaks of a step in GiB",
    ]
    for dtype in dict.fromkeys(row.dtype for row in plan.rows):
        lines += ["", *_block(plan, dtype)]
    lines += ["", LEGEND, NOT_COUNTED, ""]
    lines += [line for text in advice(plan) for line in wrap(text, COLUMNS, break_long_words=False)]
    return [*lines, "", *_part_lines(plan)] if with_parts else lines


def _block(plan: MemoryPlan, dtype: torch.dtype) -> Iterator[str]:
    rows = [row for row in plan.rows if row.dtype == dtype]
    counts = sorted({row.at_once for row in rows})
    width = max(6, *(len(row.choice.label) for row in rows))
    head = f"{PRECISION_WORDS[dtype]}, pictures at once"
    yield f"{head:<{width + 23}}" + "".join(f"{count:>6}  " for count in counts).rstrip()
    yield f"{'trains':<{width}}  {'share':>8}  checkpointing"
    for choice in dict.fromkeys(row.choice for row in rows):
        of_choice = [row for row in rows if row.choice == choice]
        for words, line in _lines_of(of_choice):
            share = say_share(line[0].trained, plan.parameters)
            cells = "".join(f"{row.size / GIB:>6.2f}{_mark(plan, same):<2}" for row, same in _cells(line, of_choice))
            yield f"{choice.label:<{width}}  {share:>8}  {words:<11}{cells}".rstrip()


def _lines_of(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Yield a line without and one with checkpointing; a single one where that makes no difference."""
    without, recomputed = ([row for row in rows if row.checkpointing == switch] for switch in (False, True))
    if not recomputed:
        yield "-", without
    elif [row.size for row in without] == [row.size for row in recomputed]:
        yield "either", without
    else:
        yield "off", without
        yield "on", recomputed


def _cells(line: list[Row], rows: list[Row]) -> Iterator[tuple[Row, list[Row]]]:
    """Yield each row of a line with all rows of the choice that it stands for."""
    for row in line:
        yield row, [other for other in rows if other.at_once == row.at_once and other.size == row.size]


def _mark(plan: MemoryPlan, rows: list[Row]) -> str:
    fits = "" if plan.fits(rows[0]) else "x"
    return fits + ("*" if plan.present in rows else "") + ("+" if plan.best in rows else "")


def _part_lines(plan: MemoryPlan) -> Iterator[str]:
    marked = {"present": plan.present} | ({"most that fits": plan.best} if plan.best else {})
    yield f"{'MB (10^6 bytes)':<18}" + "".join(f"{name:>16}" for name in marked)
    for part in plan.present.prediction.parts:
        yield f"{part:<18}" + "".join(f"{row.prediction.parts[part] / 1e6:>16,.1f}" for row in marked.values())
    yield f"{'peak':<18}" + "".join(f"{row.size / 1e6:>16,.1f}" for row in marked.values())
    yield f"{'while':<18}" + "".join(f"{row.prediction.moment:>16}" for row in marked.values())
