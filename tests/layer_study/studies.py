"""Made-up evidence, and a study small enough for a test."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from realesrgan_arch.data.manifest import write_split
from realesrgan_arch.data.split import split_by_folder
from realesrgan_arch.layer_study.candidates import Candidate
from realesrgan_arch.layer_study.findings import Evidence
from realesrgan_arch.layer_study.protocol import Run
from tests.tiny_run import tiny_options, write_pictures

EARLY, LAST, ALL = (Candidate((label,)) for label in ("body.2", "body.6", "all"))
PICTURES = "abcdefghij"


def made_up(gains: Mapping[Candidate, Mapping[int, float]], *, wobble: float = 0.01) -> Evidence:
    """Every picture has 24 dB of the base and the gain of candidate and seed on top, give or take `wobble`."""
    base = {"psnr": dict.fromkeys(PICTURES, 24.0)}
    runs = {
        Run("probe", candidate, seed): {
            "psnr": {
                name: 24.0 + gain + wobble * ((place * 7 + index * 3) % 5 - 2) for place, name in enumerate(PICTURES)
            }
        }
        for index, (candidate, by_seed) in enumerate(gains.items())
        for seed, gain in by_seed.items()
    }
    return Evidence(base, runs, {})


def small_options(folder: Path, *, gan: bool = False) -> dict:
    """Options of a run on a few drawn pictures, with the split that a study needs."""
    write_pictures(folder / "photos", scenes=6)
    rows = split_by_folder(folder / "photos", seed=0, val_share=0.5, test_share=0)
    write_split(rows, folder / "split")
    mapping = tiny_options(folder / "photos", folder, gan=gan)
    mapping["datasets"]["train"]["manifest"] = str(folder / "split/train.csv")
    mapping["datasets"]["val"] |= {"manifest": str(folder / "split/val.csv"), "max_images": 6}
    return mapping


def write_small_options(folder: Path) -> Path:
    """Write them into a file."""
    path = folder / "base.yml"
    path.write_text(yaml.safe_dump(small_options(folder), sort_keys=False))
    return path
