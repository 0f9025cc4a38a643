"""What does each part of a recipe bring? Train it with one part changed at a time, and score all of them on one set.

    python scripts/ablation.py docs/results/arms.yml -opt options/finetune_x4v3_architecture.yml \
        --data frozen/photos-full/val --seeds 0 1 2 -o ablation --set gate='{full: 1}'
    python scripts/ablation.py --table docs/results/ablation.csv

`arms.yml` holds the arms, `name: [key=value, ...]`: what each changes in the options, as `--set` would. The first is
what the others are compared with. Every arm is trained by train.py and scored by `evaluate`, each in a process of its
own. Written are `scores.csv`, a line for each picture of each arm and seed, and `table.md`. The same command goes on
where it was stopped, and arms or seeds can be added: what is scored is not made again. `--table` prints the tables of
a `scores.csv`.
"""

import argparse
import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from realesrgan_arch.atomic import write_text
from realesrgan_arch.entry import run, say, warn
from realesrgan_arch.errors import EXIT_OK, UserError
from realesrgan_arch.evaluation.crossed import crossed_interval
from realesrgan_arch.evaluation.difference_table import format_interval
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.load import load_options
from realesrgan_arch.options.overrides import add_overrides
from realesrgan_arch.options.yaml_dialect import read_document

ROOT = Path(__file__).resolve().parents[1]
BASE, TUNED = "base", "tuned"
SCORED = ("psnr", "ssim", "niqe")


class AblationError(UserError):
    """Arms, a training or scores that cannot be used."""


@dataclass
class Table:
    """Scores of all arms."""

    scores: dict[str, dict[int, dict[str, dict[str, float]]]] = field(default_factory=dict)
    """By arm, seed, metric and picture; the base has the one seed 0."""
    scenes: dict[str, str] = field(default_factory=dict)
    """By picture."""

    def add(self, arm: str, seed: int, row: Mapping[str, str]) -> None:
        """Keep one line of a file of scores."""
        self.scenes[row["name"]] = row["scene"]
        kept = self.scores.setdefault(arm, {}).setdefault(seed, {})
        for metric in METRICS:
            if row.get(metric):
                kept.setdefault(metric, {})[row["name"]] = float(row[metric])


@dataclass(frozen=True)
class Bench:
    """What all arms share."""

    parsed: argparse.Namespace
    base: str
    """Weights: a file or a known name."""

    def train(self, name: str, seed: int, changes: Sequence[str]) -> Path:
        """Train one arm, or go on with it, and return its weights."""
        runs = self.parsed.output / "experiments"
        own = [f"name={name}", f"manual_seed={seed}", f"path.experiments_root={runs}"]
        script = [str(ROOT / "realesrgan_arch" / "train.py"), "-opt", str(self.parsed.options), "--auto_resume"]
        self._run(f"{name}-train", [*script, "--set", *self.parsed.overrides, *changes, *own])
        return runs / name / "models" / "net_g_latest.pth"

    def score(self, name: str, weights: Path) -> Path:
        """Score one arm beside the base, and return the file of scores."""
        folder = self.parsed.output / "scores" / name
        command = ["-m", "realesrgan_arch.cli", "evaluate", self.base, str(weights), "--data", str(self.parsed.data)]
        command += ["--metrics", *self.parsed.metrics, "--no-pictures", "-o", str(folder)]
        if self.parsed.perceptual_weights:
            command += ["--perceptual-weights", str(self.parsed.perceptual_weights)]
        self._run(f"{name}-evaluate", command)
        return folder / "scores.csv"

    def facts(self, changes: Sequence[str]) -> str:
        """Return all that decides the scores of an arm besides its seed, as JSON."""
        keys = ("options", "overrides", "data", "metrics", "perceptual_weights")
        return json.dumps({"changes": list(changes), **{key: str(getattr(self.parsed, key)) for key in keys}})

    def _run(self, name: str, command: Sequence[str]) -> None:
        log = self.parsed.output / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            code = subprocess.run([sys.executable, *command], stdout=file, stderr=subprocess.STDOUT, check=False)
        if code.returncode != EXIT_OK:
            raise AblationError(f"{name}: ended with exit code {code.returncode}; {shown(log)} says why")


def main(arguments: Sequence[str]) -> int:
    """Make what is missing, and say what it comes to."""
    parsed = _build_parser().parse_args(arguments)
    if parsed.table:
        say(tables(read_table(parsed.table)))
        return EXIT_OK
    if not (parsed.arms and parsed.options and parsed.data):
        raise AblationError("expected arms.yml, -opt and --data, or --table alone")
    arms = read_arms(parsed.arms)
    loaded = load_options(parsed.options, overrides=parsed.overrides)
    base = loaded.options.path.pretrain_network_g
    if base is None:
        raise AblationError(f"{shown(parsed.options)}: expected path.pretrain_network_g, the base, got none")
    bench = Bench(parsed, str(base))
    table = Table()
    for seed in parsed.seeds:
        for arm, changes in arms.items():
            _add_scores(table, arm, seed, _scored(bench, arm, seed, changes))
            write_text(parsed.output / "scores.csv", format_table(table))
            write_text(parsed.output / "table.md", tables(table) + "\n")
    say(tables(table))
    return EXIT_OK


def read_arms(path: Path) -> dict[str, list[str]]:
    """Return the changes of each arm.

    Raises:
        UserError: no such file, no mapping of names to lists, or two names that make one name of a run.
    """
    arms: dict[str, list[str]] = {}
    for name, changes in read_document(path).values.items():
        if not isinstance(changes, list) or not all(isinstance(change, str) and "=" in change for change in changes):
            raise AblationError(f"{shown(path)}: {name}: expected a list of key=value, got {changes!r}")
        arms[str(name)] = changes
    if not arms or len({run_name(arm, 0) for arm in arms}) < len(arms) or BASE in arms:
        raise AblationError(f"{shown(path)}: expected arms, named apart by letters or digits, none base")
    return arms


def run_name(arm: str, seed: int) -> str:
    """Return the name of a run: letters, digits and dots."""
    return f"{re.sub('[^a-z0-9.]+', '_', arm.lower()).strip('_')}-{seed}"


def _scored(bench: Bench, arm: str, seed: int, changes: Sequence[str]) -> Path:
    name = run_name(arm, seed)
    record, facts = bench.parsed.output / "scores" / f"{name}.json", bench.facts(changes)
    if record.is_file():
        if record.read_text(encoding="utf-8") != facts:
            raise AblationError(f"{shown(record)}: was made with other settings; name the arm anew, or another -o")
        return record.with_suffix("") / "scores.csv"
    warn(f"{arm}, seed {seed}: training")
    scores = bench.score(name, bench.train(name, seed, changes))
    write_text(record, facts)
    return scores


def _add_scores(table: Table, arm: str, seed: int, path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["method"] == TUNED:
                table.add(arm, seed, row)
            elif row["method"] == BASE:
                table.add(BASE, 0, row)


def format_table(table: Table) -> str:
    """Return all scores as CSV: arm, seed, name, scene, and a column for each metric."""
    metrics = _metrics(table)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["arm", "seed", "name", "scene", *metrics])
    for arm, seeds in table.scores.items():
        for seed, scores in seeds.items():
            for name, scene in table.scenes.items():
                values = (scores.get(metric, {}).get(name) for metric in metrics)
                lines.writerow([arm, seed, name, scene, *("" if value is None else f"{value:.6g}" for value in values)])
    return text.getvalue()


def read_table(path: Path) -> Table:
    """Return what `format_table` wrote.

    Raises:
        AblationError: it cannot be read, or is no such file.
    """
    table = Table()
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                table.add(row["arm"], int(row["seed"]), row)
    except (OSError, KeyError, ValueError) as error:
        raise AblationError(f"{shown(path)}: expected a scores.csv of this script, got {error!r}") from error
    if BASE not in table.scores or len(table.scores) < 2:
        raise AblationError(f"{shown(path)}: expected the base and at least one arm, got {', '.join(table.scores)}")
    return table


def _metrics(table: Table) -> list[str]:
    found = {metric for seeds in table.scores.values() for scores in seeds.values() for metric in scores}
    return [metric for metric in METRICS if metric in found]


def tables(table: Table) -> str:
    """Return every arm less the base, and every other arm less the first, in Markdown."""
    first = next(arm for arm in table.scores if arm != BASE)
    return "\n".join([*_rows(table, against=BASE), "", *_rows(table, against=first)])


def _rows(table: Table, *, against: str) -> Iterator[str]:
    metrics = _metrics(table)
    yield "| " + " | ".join([f"less {against}", "seeds", *(METRICS[metric].label for metric in metrics)]) + " |"
    yield "|---" * (len(metrics) + 2) + "|"
    for arm, seeds in table.scores.items():
        if arm not in (BASE, against):
            cells = (_difference(table, arm, against, metric) for metric in metrics)
            yield f"| {arm} | {len(seeds)} | {' | '.join(cells)} |"


def _difference(table: Table, arm: str, against: str, metric: str) -> str:
    theirs = table.scores[against]
    differences = {}
    for seed, scores in table.scores[arm].items():
        other = theirs.get(0 if against == BASE else seed, {}).get(metric, {})
        own = scores.get(metric, {})
        if shared := own.keys() & other.keys():
            differences[seed] = {name: own[name] - other[name] for name in own if name in shared}
    if not differences:
        return "-"
    return format_interval(crossed_interval(differences, table.scenes).interval, METRICS[metric].decimals)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arms", nargs="?", type=Path, metavar="ARMS", help="arms.yml: what each arm changes")
    parser.add_argument("-opt", "--options", type=Path, metavar="FILE", help="option file of the recipe")
    add_overrides(parser)
    parser.add_argument("--data", type=Path, metavar="SET", help="what is scored: a set of `data freeze`, or a split")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="N", help="of the trainings (default 0)")
    parser.add_argument("--metrics", nargs="+", default=SCORED, metavar="NAME", help="as evaluate has them")
    parser.add_argument("--perceptual-weights", type=Path, metavar="DIR", help="as evaluate has them")
    parser.add_argument("-o", "--output", type=Path, default=Path("ablation"), metavar="DIR", help="default: ablation")
    parser.add_argument("--table", type=Path, metavar="CSV", help="only print the tables of these scores")
    return parser


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
