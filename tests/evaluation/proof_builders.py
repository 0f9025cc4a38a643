"""Hand-made proofs: a finding of a few numbers, a judgement of three metrics, a folder with small pictures."""

import math
from pathlib import Path

import numpy as np

from realesrgan_arch.evaluation.proof import MethodFacts, Proof, ShownPicture, Why
from realesrgan_arch.evaluation.statistics import Finding, Judgement, Verdict, no_finding
from realesrgan_arch.image_formats import Pixels
from realesrgan_arch.images import write_image

SIDE, SCALE = 64, 4


def finding(metric: str, mean: float, half: float, verdict: Verdict) -> Finding:
    """Return a finding on 20 scenes with an interval of `half` to both sides."""
    return Finding(metric, mean, mean - half, mean + half, 20, 24, 0.75, 0.31, 0.0004, 0.0012, verdict)


def judgement(
    *, psnr: Verdict = "better", niqe: Verdict = "worse", method: str = "tuned", against: str = "base"
) -> Judgement:
    """Return what three metrics say, of which SSIM tells nothing."""
    signs = {"better": 1, "worse": -1, "cannot be told": 0}
    findings = {
        "psnr": finding("psnr", 0.62 * signs[psnr], 0.21, psnr),
        "ssim": finding("ssim", 0.0004, 0.002, "cannot be told"),
        "niqe": finding("niqe", -0.30 * signs[niqe], 0.11, niqe),
    }
    composite = finding("composite", 0.1, 0.4, "cannot be told")
    return Judgement(method, against, findings, composite, f"{method} against {against}, in plain words.")


def undefined_judgement() -> Judgement:
    """Return what one scene says: nothing."""
    return Judgement("tuned", "base", {"psnr": no_finding("psnr")}, no_finding("composite"), "One scene tells nothing.")


def proof(*, shown: tuple[ShownPicture, ...] = (), **changes) -> Proof:
    """Return a proof of 24 pictures, with one control and two groups."""
    control = "base + back-projection 1.0"
    values = {
        "title": "Unseen houses",
        "set_hash": "0badf00d",
        "scale": SCALE,
        "border": 4,
        "y_channel": False,
        "pictures": 24,
        "scenes": 20,
        "methods": (
            MethodFacts("bicubic", "control"),
            MethodFacts("base", "base", "base.pth", "b" * 64),
            MethodFacts("tuned", "tuned", "tuned.pth", "c" * 64),
            MethodFacts(control, "control"),
        ),
        "means": {
            "base": {"psnr": 24.5, "ssim": 0.7, "niqe": 5.1},
            "tuned": {"psnr": 25.12, "ssim": 0.7004, "niqe": math.nan},
            "ground truth": {"niqe": 4.0},
        },
        "judgements": (judgement(), judgement(against=control), judgement(method=control, psnr="cannot be told")),
        "groups": {"folder": {"interior": judgement(), "exterior": judgement(niqe="better")}},
        "shown": shown,
        "notes": ("NIQE is not defined for 1 picture.",),
        "facts": {"device": "cpu"},
    }
    return Proof(**{**values, **changes})


def noise(seed: int, side: int = SIDE) -> Pixels:
    """Return RGB uint8 (side, side, 3) that no encoder can make small."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def shown_picture(folder: Path, name: str, why: Why, *, seed: int = 0, side: int = SIDE) -> ShownPicture:
    """Write the five pictures of a place into `folder`: the base is 8 levels off the truth, the tuned model 4."""
    truth = np.clip(noise(seed, side), 20, 230)
    pixels = {
        "lq": noise(seed, side // SCALE),
        "bicubic": truth - 16,
        "base": truth - 8,
        "tuned": truth + 4,
        "ground truth": truth,
    }
    files = {method: f"pictures/{name}/{method}.png" for method in pixels}
    for method, file in files.items():
        write_image(folder / file, pixels[method])
    return ShownPicture(name, f"scene of {name}", why, 0.25, files)
