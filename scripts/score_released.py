"""Score released generators on Set5 and Set14, as the papers do: the last table of docs/systems.md.

python scripts/score_released.py --data ../shared/data/benchmarks --weights ../shared/weights/generators [--out DIR]

`--data` has a folder for each set with HR and LR_bicubic_x4, whose files have the same names.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from realesrgan_arch.comparison import compare_on, load_contender
from realesrgan_arch.evaluation.contender import bicubic
from realesrgan_arch.options.load import load_options

ROOT = Path(__file__).resolve().parents[1]
SETS = {"Set5": "test_set5.yml", "Set14": "test_set14.yml"}
SCALE = 4


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "benchmarks")
    parser.add_argument("--weights", type=Path, default=ROOT.parent / "shared" / "weights" / "generators")
    parser.add_argument("--out", type=Path, default=Path("results") / "released")
    parsed = parser.parse_args()
    for name in SETS:
        print(score(name, parsed.data, parsed.weights, parsed.out / name), flush=True)


def score(name: str, data: Path, weights: Path, out: Path) -> str:
    """Return the table of one set with bicubic and every generator of `weights`; pictures and scores go into `out`."""
    pairs = f"dataroot_gt: {data / name / 'HR'}, dataroot_lq: {data / name / 'LR_bicubic_x4'}"
    changes = [f"datasets.test={{type: PairedImageDataset, {pairs}}}", "precision=fp32"]
    options = load_options(ROOT / "options" / SETS[name], overrides=changes).options
    files = sorted(weights.glob("*.pth"))
    contenders = [load_contender(str(file), options, name=file.stem, kind="tuned") for file in files]
    section = options.datasets.test_sets()["test"]
    return compare_on(section, name, options, [bicubic(SCALE), *contenders], out).text()


if __name__ == "__main__":
    main()
