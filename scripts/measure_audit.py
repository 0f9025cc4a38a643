"""Train and measure the audit on real and made pictures: the tables of docs/audit.md.

python scripts/measure_audit.py [--data ../shared/data] [--seed 0]

Pictures are halved by their number: weights trained on one half are measured on the other, in both directions.
"""

import argparse
import io
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from realesrgan_arch.audit.judge import judge
from realesrgan_arch.audit.line_art import SHIPPED_MODEL, LineArtModel, measure_line_art, model_terms, shrink
from realesrgan_arch.audit.measure import Measurements, measure
from realesrgan_arch.audit.thresholds import AuditThresholds, load_thresholds
from realesrgan_arch.data.files import list_images
from realesrgan_arch.image_header import parse_header
from realesrgan_arch.images import read_rgb
from realesrgan_arch.seeding import Stream, numpy_generator
from scripts.audit_variants import FAKES, PHOTOS, PLANS, Pixels, Variant, resized, to_long_side

ROOT = Path(__file__).resolve().parents[1]
PLAN_SIDE, PHOTO_SIDE = 1400, 1000
EVERY_PHOTO, EVERY_FAKE = 3, 5
WEIGHT_AS_IT_IS = {True: 3.0, False: 4.0}
RARE = {"160 pixels": 0.3, "noise of 20 levels": 0.4, "underexposed": 0.4, "upper half pure white": 0.5}
RIDGE, NEWTON_STEPS = 2e-3, 40
AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Example:
    """The terms of one real or made picture."""

    path: Path
    number: int
    variant: str
    is_plan: bool
    terms: tuple[float, float, float]


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    thresholds = load_thresholds(ROOT / "options" / "audit.yml")
    plans, photos = list_images(arguments.data / "floorplans"), list_images(arguments.data / "photos")
    report_real(plans, photos, thresholds)
    report_fakes(photos, thresholds, arguments.seed)
    examples = [
        *make_examples(plans, PLANS, PLAN_SIDE, is_plan=True, every=1, seed=arguments.seed),
        *make_examples(photos, PHOTOS, PHOTO_SIDE, is_plan=False, every=EVERY_PHOTO, seed=arguments.seed),
    ]
    report_model(examples, thresholds)


def report_real(plans: Sequence[Path], photos: Sequence[Path], thresholds: AuditThresholds) -> None:
    """What the shipped numbers say about the real files, by reason, and every mistake; and the time."""
    seconds = pixels = 0.0
    for name, paths in (("plans", plans), ("photographs", photos)):
        counts: Counter[tuple[str, str]] = Counter()
        for path in tqdm(paths, desc=name, disable=None):
            data, rgb = path.read_bytes(), read_rgb(path)
            start = time.process_time()
            findings = judge(measure(data, parse_header(data, path), rgb), thresholds)
            seconds, pixels = seconds + time.process_time() - start, pixels + rgb.shape[0] * rgb.shape[1] / 1e6
            counts.update((finding.reason, "drop" if finding.drop else "note") for finding in findings)
            dropped = [finding for finding in findings if finding.drop]
            counts["any reason", "drop"] += bool(dropped)
            is_found = any(finding.reason == "line_drawing" for finding in dropped)
            if not is_found if name == "plans" else dropped:
                print(f"  {name[:-1]} {path.name}: {'; '.join(f.text for f in dropped) or 'not found'}")
        print(f"{len(paths)} {name}: " + ", ".join(f"{r} {k} {n}" for (r, k), n in sorted(counts.items())))
    print(f"measure and judge: {seconds * 1000 / pixels:.1f} ms of CPU a megapixel")


def report_fakes(photos: Sequence[Path], thresholds: AuditThresholds, seed: int) -> None:
    """How many of the made fakes each reason finds."""
    print("\nfake | reason | pictures | noted or dropped | dropped | dropped for any reason")
    for name, (reason, make) in FAKES.items():
        noted = dropped = lost = total = 0
        for number, path in enumerate(tqdm(photos[::EVERY_FAKE], desc=name, disable=None)):
            picture = make(read_rgb(path), numpy_generator(seed, Stream.SAMPLE, number))
            findings = judge(measure_pixels(picture), thresholds)
            own = [finding for finding in findings if finding.reason == reason]
            total, noted, dropped = total + 1, noted + bool(own), dropped + any(finding.drop for finding in own)
            lost += any(finding.drop for finding in findings)
        print(f"{name} | {reason} | {total} | {noted / total:.0%} | {dropped / total:.0%} | {lost / total:.0%}")
    print(f"(halved real photographs dropped: {count_dropped(photos, thresholds)} of {len(photos[::EVERY_FAKE])})")


def count_dropped(photos: Sequence[Path], thresholds: AuditThresholds) -> int:
    """The null control of the fakes: the same pictures, halved and not spoiled."""
    pictures = (resized(read_rgb(path), 0.5) for path in photos[::EVERY_FAKE])
    return sum(any(f.drop and f.reason != "too_small" for f in judge(measure_pixels(p), thresholds)) for p in pictures)


def measure_pixels(picture: Pixels) -> Measurements:
    """Measure a picture as if it were a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=1)
    data = stream.getvalue()
    return measure(data, parse_header(data, Path("made.png")), np.ascontiguousarray(picture))


def make_examples(
    paths: Sequence[Path], variants: Mapping[str, Variant], side: int, *, is_plan: bool, every: int, seed: int
) -> list[Example]:
    """Every picture as it is, and every variant of each of `every` pictures."""
    examples = []
    for number, path in enumerate(tqdm(paths, desc="variants", disable=None)):
        picture = to_long_side(read_rgb(path), side)
        for index, (name, make) in enumerate(variants.items()):
            if index == 0 or number % every == 0:
                made = np.ascontiguousarray(make(picture, numpy_generator(seed, Stream.SAMPLE, number, index)))
                gray = np.asarray(cv2.cvtColor(shrink(made), cv2.COLOR_RGB2GRAY), np.uint8)
                terms = model_terms(measure_line_art(gray))
                examples.append(Example(path, number, name, is_plan, terms))
    return examples


def train(examples: Sequence[Example]) -> LineArtModel:
    """Logistic regression by Newton's method: both classes weigh the same, untouched pictures more than variants."""
    terms, is_plan = np.array([e.terms for e in examples]), np.array([e.is_plan for e in examples], float)
    weights = np.array(
        [WEIGHT_AS_IT_IS[e.is_plan] if e.variant == AS_IT_IS else RARE.get(e.variant, 1) for e in examples]
    )
    weights /= np.where(is_plan, weights[is_plan == 1].sum(), weights[is_plan == 0].sum()) * 2
    mean, scale = weights @ terms, np.sqrt(weights @ (terms - weights @ terms) ** 2)
    inputs = np.c_[np.ones(len(terms)), (terms - mean) / scale]
    found, ridge = np.zeros(inputs.shape[1]), np.diag([0, *[RIDGE] * terms.shape[1]])
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-inputs @ found))
        slope = inputs.T @ (weights * (chance - is_plan)) + ridge @ found
        found -= np.linalg.solve((inputs.T * (weights * chance * (1 - chance))) @ inputs + ridge, slope)
    own = found[1:] / scale
    return LineArtModel(round(float(found[0] - own @ mean), 3), tuple(round(float(weight), 3) for weight in own))


def report_model(examples: Sequence[Example], thresholds: AuditThresholds) -> None:
    """Both halves out of sample, the shipped weights, and every variant."""
    even, odd = ([e for e in examples if e.number % 2 == half] for half in (0, 1))
    models = {"even": train(even), "odd": train(odd)}
    print(f"\ntrained on all: {train(examples)}\nshipped:        {SHIPPED_MODEL}")
    limit = float(thresholds.line_drawing.drop)
    print("\nmodel | measured on | plans found | photographs dropped")
    for name, model, part in (
        ("trained on even", models["even"], even), ("trained on even", models["even"], odd),
        ("trained on odd", models["odd"], odd), ("trained on odd", models["odd"], even),
        ("shipped", SHIPPED_MODEL, examples),
    ):  # fmt: skip
        half = "all" if part is examples else "even" if part is even else "odd"
        real = [e for e in part if e.variant == AS_IT_IS]
        print(f"{name} | {half} | {share(real, model, limit, True)} | {share(real, model, limit, False)}")
    print("\nvariant | out of sample (2 halves) | shipped")
    for is_plan, variants in ((True, PLANS), (False, PHOTOS)):
        for name in variants:
            chosen = [e for e in examples if e.variant == name and e.is_plan == is_plan]
            out = sum(is_beyond(models["odd" if e.number % 2 == 0 else "even"], e, limit) for e in chosen)
            print(f"{'plan' if is_plan else 'photograph'}, {name} | {out} of {len(chosen)} "
                  f"| {share(chosen, SHIPPED_MODEL, limit, is_plan)}")  # fmt: skip


def share(examples: Sequence[Example], model: LineArtModel, limit: float, is_plan: bool) -> str:
    """Say how many of one kind are taken for drawings."""
    chosen = [e for e in examples if e.is_plan == is_plan]
    return f"{sum(is_beyond(model, e, limit) for e in chosen)} of {len(chosen)}"


def is_beyond(model: LineArtModel, example: Example, limit: float) -> bool:
    """Whether the model gives at least the probability `limit`."""
    score = model.bias + sum(weight * term for weight, term in zip(model.weights, example.terms, strict=True))
    return bool(score >= np.log(limit / (1 - limit)))


if __name__ == "__main__":
    main()
