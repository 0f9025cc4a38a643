"""Made-up evidence of a probe, and a probe small enough for a test."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from realesrgan_arch.layer_study.candidates import Candidate
from realesrgan_arch.layer_study.costs import Cost
from realesrgan_arch.layer_study.pair_judgement import ProbeEvidence
from realesrgan_arch.layer_study.short_run import ShortRun
from tests.layer_study.studies import small_options

FIRST, SECOND, THIRD = (Candidate((label,)) for label in ("body.2", "body.6", "all"))
COSTS = {FIRST: Cost(100, 3000), SECOND: Cost(100, 1000), THIRD: Cost(900, 9000)}
PICTURES = [f"p{number}" for number in range(20)]


def made_up_probe(
    gains: Mapping[Candidate, tuple[float, float]], *, step: int = 4, seeds: int = 3, wobble: float = 0.02
) -> ProbeEvidence:
    """Every picture has the gain of its candidate in (PSNR, NIQE) on top of the base, give or take `wobble`."""
    base = {"psnr": dict.fromkeys(PICTURES, 24.0), "niqe": dict.fromkeys(PICTURES, 5.0)}
    runs = {}
    for index, (candidate, (psnr, niqe)) in enumerate(gains.items()):
        for seed in range(seeds):
            shifts = {
                name: wobble * ((place * 7 + index * 3 + seed * 5) % 5 - 2) for place, name in enumerate(PICTURES)
            }
            runs[ShortRun(candidate, seed), step] = {
                "psnr": {name: 24.0 + psnr + shift for name, shift in shifts.items()},
                "niqe": {name: 5.0 + niqe - shift for name, shift in shifts.items()},
            }
    return ProbeEvidence(base, runs, {})


def probe_options(folder: Path, *, gan: bool = False) -> dict:
    """Options of a run on a few drawn pictures that a probe accepts."""
    mapping = small_options(folder, gan=gan)
    mapping["val"]["metrics"]["niqe"] = {"type": "calculate_niqe", "crop_border": 4}
    mapping["datasets"]["val"]["max_images"] = 2
    return mapping


def write_probe_options(folder: Path) -> Path:
    """Write them into a file."""
    path = folder / "base.yml"
    path.write_text(yaml.safe_dump(probe_options(folder), sort_keys=False))
    return path
