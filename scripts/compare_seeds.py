"""What several training seeds of one recipe say together: `scores.csv` of `evaluate`, one a seed, in; one table out.

    python scripts/compare_seeds.py docs/results/mild_seed0.csv docs/results/mild_seed1.csv docs/results/mild_seed2.csv

Each file holds the scores of the same pictures by `base`, the model of its seed (`tuned`) and perhaps control rows. The
interval of `tuned less base` counts scenes and seeds as samples (`evaluation/crossed.py`). Control rows do not train:
theirs counts scenes alone.
"""

import argparse
import csv
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from realesrgan_arch.entry import run, say
from realesrgan_arch.errors import EXIT_OK, UserError
from realesrgan_arch.evaluation.crossed import crossed_interval, mean_over_scenes
from realesrgan_arch.evaluation.difference_table import format_interval
from realesrgan_arch.evaluation.evaluate import GROUND_TRUTH, METRICS
from realesrgan_arch.evaluation.table import aligned
from realesrgan_arch.image_header import shown

BASE, TUNED = "base", "tuned"
Table = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Scores by method, then by metric, then by picture."""


class SeedsError(UserError):
    """Files that do not belong together."""


def main(arguments: Sequence[str]) -> int:
    """Read the files and say what they come to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="CSV", help="scores.csv of each seed")
    parsed = parser.parse_args(arguments)
    tables, scenes = zip(*map(read_scores, parsed.files), strict=True)
    if any(other != scenes[0] for other in scenes):
        raise SeedsError("expected scores of the same pictures in every file; evaluate all seeds on one set")
    say("\n".join(aligned(list(rows(tables, scenes[0])))))
    return EXIT_OK


def read_scores(path: Path) -> tuple[Table, dict[str, str]]:
    """Return the scores in a file, and the scene of each picture.

    Raises:
        SeedsError: it cannot be read, or is no such file.
    """
    table: dict[str, dict[str, dict[str, float]]] = {}
    scenes: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                scenes[row["name"]] = row["scene"]
                for metric in METRICS:
                    if row.get(metric):
                        table.setdefault(row["method"], {}).setdefault(metric, {})[row["name"]] = float(row[metric])
    except (OSError, KeyError, ValueError) as error:
        raise SeedsError(f"{shown(path)}: expected a scores.csv of `evaluate`, got {error!r}") from error
    if BASE not in table or TUNED not in table:
        raise SeedsError(f"{shown(path)}: expected the methods {BASE} and {TUNED}, got {', '.join(table) or 'none'}")
    return table, scenes


def rows(tables: Sequence[Table], scenes: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield the heading, the means of the truth and the base, and each difference to the base with its interval."""
    first = tables[0]
    metrics = [name for name in METRICS if name in first[BASE]]
    yield ["", *(METRICS[name].label for name in metrics)]
    for method in (GROUND_TRUTH, BASE):
        if method in first:
            yield [method, *(_mean(first[method].get(name, {}), scenes, name) for name in metrics)]
    for method in first:
        if method not in (GROUND_TRUTH, BASE):
            trained = tables if method == TUNED else tables[:1]
            yield [f"{method} less base", *(_difference(trained, method, name, scenes) for name in metrics)]


def _mean(values: Mapping[str, float], scenes: Mapping[str, str], metric: str) -> str:
    mean = mean_over_scenes(values, scenes)
    return "-" if math.isnan(mean) else f"{mean:.{METRICS[metric].decimals}f}"


def _difference(tables: Sequence[Table], method: str, metric: str, scenes: Mapping[str, str]) -> str:
    differences = {
        seed: {name: value - table[BASE][metric][name] for name, value in table[method].get(metric, {}).items()}
        for seed, table in enumerate(tables)
    }
    found = crossed_interval(differences, scenes)
    return format_interval(found.interval, METRICS[metric].decimals)


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
