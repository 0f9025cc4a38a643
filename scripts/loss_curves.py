"""Train the same run in fp32 and in bf16 with several seeds, and say whether bf16 stays within what a seed changes.

    python scripts/loss_curves.py -opt options/train.yml [--steps 300] [--seeds 0 1 2] [--precision bf16] -o curves/

The option file is a usual one; precision, seed, steps and validation are set here. A seed changes crops, recipes,
pool and, without pre-trained weights, the first weights; both precisions of one seed see the very same batches. Curves
are means over windows of `--window` steps. For each loss the band of a window reaches from the lowest to the highest
fp32 seed, widened by half its width on either side (three seeds seldom show the whole spread). Written are
`losses.csv` and `curves.png` (matplotlib), or `curves.svg`. The exit code is 4 where fewer than `--share` of the
windows lie in the band.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tqdm import tqdm

from realesrgan_arch.atomic import write_text
from realesrgan_arch.basicsr_bridge import build_model
from realesrgan_arch.errors import EXIT_CHECK_FAILED
from realesrgan_arch.options.load import load_options, require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.run_folder import RunFolder

Curves = dict[str, np.ndarray]
_BAND_MARGIN = 0.5
_SIZE = (640, 220)


@dataclass(frozen=True)
class Verdict:
    """How one loss of the other precision lies to fp32's seeds."""

    loss: str
    inside: float
    """Share of its windows in the band, over all seeds."""
    gap: float
    """Mean over windows of |mean of seeds - fp32's mean of seeds|, relative to the latter."""
    spread: float
    """Mean width of fp32's band without margin, relative to its mean."""


def main() -> int:
    """Train, compare, draw; return the exit code."""
    arguments = _parse_arguments()
    options = load_options(arguments.options).options
    arguments.output.mkdir(parents=True, exist_ok=True)
    runs = {
        (precision, seed): train_curves(options, precision=precision, seed=seed, steps=arguments.steps)
        for seed in arguments.seeds
        for precision in ("fp32", arguments.precision)
    }
    write_text(arguments.output / "losses.csv", _table(runs))
    smooth = {
        key: {name: smoothed(values, arguments.window) for name, values in run.items()} for key, run in runs.items()
    }
    verdicts = judge(smooth, other=arguments.precision)
    for verdict in verdicts:
        print(f"{verdict.loss:<12} {verdict.inside:6.1%} of {arguments.precision} lies in fp32's band; mean gap "
              f"{verdict.gap:.2%}, fp32 from seed to seed {verdict.spread:.2%}")  # fmt: skip
    print(f"drawn: {draw(smooth, arguments.output, window=arguments.window)}")
    return 0 if all(verdict.inside >= arguments.share for verdict in verdicts) else EXIT_CHECK_FAILED


def train_curves(options: Options, *, precision: str, seed: int, steps: int) -> Curves:
    """Return the losses of each step of one run; nothing of it is kept."""
    train = require_train(options).model_copy(update={"total_iter": steps})
    run = options.model_copy(update={"precision": precision, "manual_seed": seed, "train": train})
    logs: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        model = build_model(run, run_folder=RunFolder(Path(folder) / "run"))
        batches = TrainingBatches(run, pin_memory=model.device.type == "cuda").open(1)
        for step, batch in enumerate(
            tqdm(batches, total=steps, desc=f"{precision}, seed {seed}", disable=None), start=1
        ):
            model.update_learning_rate(step)
            model.feed_data(batch)
            model.optimize_parameters(step)
            logs.append(model.get_current_log())
    return {name: np.array([log[name] for log in logs]) for name in logs[-1] if name.startswith("l_")}


def smoothed(values: np.ndarray, window: int) -> np.ndarray:
    """Return the means over consecutive windows; a rest that fills none is left out."""
    count = max(len(values) // window, 1)
    return values[: count * window].reshape(count, -1).mean(axis=1)


def judge(smooth: dict[tuple[str, int], Curves], *, other: str) -> list[Verdict]:
    """Compare the curves of precision `other` with fp32's, loss by loss."""
    names = next(iter(smooth.values())).keys()
    verdicts = []
    for name in names:
        base, mine = (np.stack([run[name] for key, run in smooth.items() if key[0] == p]) for p in ("fp32", other))
        low, high = base.min(axis=0), base.max(axis=0)
        margin = _BAND_MARGIN * (high - low)
        inside = (mine >= low - margin) & (mine <= high + margin)
        level = np.abs(base.mean(axis=0))
        gap = np.abs(mine.mean(axis=0) - base.mean(axis=0)) / level
        verdicts.append(Verdict(name, float(inside.mean()), float(gap.mean()), float(((high - low) / level).mean())))
    return verdicts


def draw(smooth: dict[tuple[str, int], Curves], folder: Path, *, window: int) -> Path:
    """Draw one panel for each loss, and return the file."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        path = folder / "curves.svg"
        write_text(path, svg(smooth))
        return path
    names = list(next(iter(smooth.values())))
    figure = Figure(figsize=(8, 2.6 * len(names)), layout="constrained")
    for axis, name in zip(figure.subplots(len(names), 1, squeeze=False)[:, 0], names, strict=True):
        for (precision, seed), run in smooth.items():
            steps = (np.arange(len(run[name])) + 1) * window
            style = "-" if precision == "fp32" else "--"
            axis.plot(steps, run[name], style, color=f"C{seed % 10}", label=f"{precision}, seed {seed}")
        axis.set(title=name, xlabel="step")
        axis.legend(fontsize="x-small", ncols=3)
    figure.savefig(folder / "curves.png", dpi=110)
    return folder / "curves.png"


def svg(smooth: dict[tuple[str, int], Curves]) -> str:
    """Return the panels as SVG, for a machine without matplotlib: fp32 solid, the other precision dashed."""
    names = list(next(iter(smooth.values())))
    width, height = _SIZE
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height * len(names)}" '
             'font-family="sans-serif" font-size="12">']  # fmt: skip
    for row, name in enumerate(names):
        parts.append(f'<text x="8" y="{row * height + 16}">{name}</text>')
        parts += _svg_lines({key: run[name] for key, run in smooth.items()}, top=row * height + 24)
    return "\n".join([*parts, "</svg>", ""])


def _svg_lines(curves: dict[tuple[str, int], np.ndarray], *, top: int) -> Iterator[str]:
    width, height = _SIZE[0], _SIZE[1] - 32
    low, high = min(c.min() for c in curves.values()), max(c.max() for c in curves.values())
    for (precision, seed), curve in curves.items():
        across = np.linspace(8, width - 8, len(curve))
        down = top + height * (1 - (curve - low) / max(high - low, 1e-12))
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
        dash = "" if precision == "fp32" else ' stroke-dasharray="5 3"'
        yield f'<polyline fill="none" stroke="hsl({seed * 67 % 360},70%,40%)"{dash} points="{points}"/>'


def _table(runs: dict[tuple[str, int], Curves]) -> str:
    lines: list[Sequence[object]] = [("precision", "seed", "step", "loss", "value")]
    for (precision, seed), curves in runs.items():
        for name, values in curves.items():
            lines += [(precision, seed, step, name, f"{value:.7g}") for step, value in enumerate(values, start=1)]
    return "".join(_csv_line(line) for line in lines)


def _csv_line(values: Sequence[object]) -> str:
    return ",".join(str(value) for value in values) + "\n"


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-opt", dest="options", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--precision", default="bf16", choices=["bf16", "fp16"])
    parser.add_argument("--window", type=int, default=20, help="steps that one point of a curve averages")
    parser.add_argument("--share", type=float, default=0.95)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
