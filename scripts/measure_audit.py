"""Train and measure the audit on real and made pictures: the tables of docs/audit.md.

python scripts/measure_audit.py [--data ../shared/data] [--seed 0]

What is chosen on one half of the scenes is measured on the other, in both directions: `audit_held_out.py`.
"""

import argparse
import io
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from realesrgan_arch.audit.judge import judge
from realesrgan_arch.audit.line_art import SHIPPED_MODEL, line_art_probability, measure_line_art, shrink
from realesrgan_arch.audit.measure import Measurements, measure
from realesrgan_arch.audit.thresholds import AuditThresholds, load_thresholds
from realesrgan_arch.data.files import list_images
from realesrgan_arch.image_header import parse_header
from realesrgan_arch.images import read_rgb
from realesrgan_arch.seeding import Stream, numpy_generator
from scripts.audit_held_out import Example, Measured, halves, photo_group, plan_group, report_halves, train
from scripts.audit_variants import FAKES, PHOTOS, PLANS, Pixels, Variant, resized, to_long_side

ROOT = Path(__file__).resolve().parents[1]
PLAN_SIDE, PHOTO_SIDE = 1400, 1000
EVERY_PHOTO, EVERY_FAKE = 3, 5
HALVED = "halved"


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    thresholds = load_thresholds(ROOT / "options" / "audit.yml")
    plans, photos = (list_images(arguments.data / name) for name in ("floorplans", "photos"))
    plan_halves = halves([plan_group(path) for path in plans], arguments.seed)
    photo_halves = halves([photo_group(path) for path in photos], arguments.seed)
    measured = [
        *report_real(plans, plan_halves, thresholds, is_plan=True),
        *report_real(photos, photo_halves, thresholds, is_plan=False),
        *report_fakes(photos, photo_halves, thresholds, arguments.seed),
    ]
    examples = [
        *make_examples(plans, plan_halves, PLANS, PLAN_SIDE, is_plan=True, every=1, seed=arguments.seed),
        *make_examples(photos, photo_halves, PHOTOS, PHOTO_SIDE, is_plan=False, every=EVERY_PHOTO, seed=arguments.seed),
    ]
    report_shipped(examples, thresholds)
    report_halves(examples, measured, thresholds)


def report_real(
    paths: Sequence[Path], parts: Sequence[int], thresholds: AuditThresholds, *, is_plan: bool
) -> list[Measured]:
    """Print what the shipped numbers say about the real files, by reason, every mistake, and the time."""
    name, measured = "plan" if is_plan else "photograph", list[Measured]()
    counts: Counter[tuple[str, str]] = Counter()
    seconds = pixels = 0.0
    for path, half in zip(tqdm(paths, desc=name, disable=None), parts, strict=True):
        data, rgb = path.read_bytes(), read_rgb(path)
        start = time.process_time()
        measured.append(Measured(half, measure(data, parse_header(data, path), rgb), is_plan))
        seconds, pixels = seconds + time.process_time() - start, pixels + rgb.shape[0] * rgb.shape[1] / 1e6
        findings = judge(measured[-1].measurements, thresholds)
        counts.update((finding.reason, "drop" if finding.drop else "note") for finding in findings)
        dropped = {finding.reason: finding.text for finding in findings if finding.drop}
        counts["any reason", "drop"] += bool(dropped)
        if "line_drawing" not in dropped if is_plan else dropped:
            print(f"  {name} {path.name}: {'; '.join(dropped.values()) or 'not found'}")
    print(f"{len(paths)} {name}s: " + ", ".join(f"{r} {k} {n}" for (r, k), n in sorted(counts.items())))
    print(f"measure: {seconds * 1000 / pixels:.1f} ms of CPU a megapixel, {seconds * 1000 / len(paths):.1f} ms a file")
    return measured


def report_fakes(
    photos: Sequence[Path], parts: Sequence[int], thresholds: AuditThresholds, seed: int
) -> list[Measured]:
    """Print how many of the made fakes each reason finds, and as a control of the same pictures, halved only."""
    chosen = list(zip(photos, parts, strict=True))[::EVERY_FAKE]
    measured: list[Measured] = []
    print("\nfake | reason | pictures | noted or dropped | dropped | dropped for any reason")
    for name, (reason, make) in {**FAKES, HALVED: ("", lambda pixels, _: resized(pixels, 0.5))}.items():
        noted = dropped = lost = 0
        for number, (path, half) in enumerate(tqdm(chosen, desc=name, disable=None)):
            picture = make(read_rgb(path), numpy_generator(seed, Stream.SAMPLE, number))
            measured.append(Measured(half, measure_pixels(picture), made=name, reason=reason))
            findings = judge(measured[-1].measurements, thresholds)
            own = [finding for finding in findings if finding.reason == reason]
            noted, dropped = noted + bool(own), dropped + any(finding.drop for finding in own)
            lost += any(finding.drop and finding.reason != "too_small" for finding in findings)
        shares = " | ".join(f"{count / len(chosen):.0%}" for count in (noted, dropped, lost))
        print(f"{name} | {reason} | {len(chosen)} | {shares}")
    return measured


def measure_pixels(picture: Pixels) -> Measurements:
    """Measure a picture as if it were a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=1)
    data = stream.getvalue()
    return measure(data, parse_header(data, Path("made.png")), np.ascontiguousarray(picture))


def make_examples(
    paths: Sequence[Path],
    parts: Sequence[int],
    variants: Mapping[str, Variant],
    side: int,
    *,
    is_plan: bool,
    every: int,
    seed: int,
) -> list[Example]:
    """Every picture as it is, and every variant of each of `every` pictures."""
    examples = []
    for number, path in enumerate(tqdm(paths, desc="variants", disable=None)):
        picture = to_long_side(read_rgb(path), side)
        for index, (name, make) in enumerate(variants.items()):
            if index == 0 or number % every == 0:
                made = np.ascontiguousarray(make(picture, numpy_generator(seed, Stream.SAMPLE, number, index)))
                gray = np.asarray(cv2.cvtColor(shrink(made), cv2.COLOR_RGB2GRAY), np.uint8)
                examples.append(Example(parts[number], name, is_plan, measure_line_art(gray)))
    return examples


def report_shipped(examples: Sequence[Example], thresholds: AuditThresholds) -> None:
    """Print the shipped weights, what training on everything gives, and every variant."""
    print(f"\ntrained on all: {train(examples, SHIPPED_MODEL.caps)}\nshipped:        {SHIPPED_MODEL}")
    limit = float(thresholds.line_drawing.drop)
    print("\nvariant | taken for a drawing by the shipped weights")
    for is_plan, variants in ((True, PLANS), (False, PHOTOS)):
        for name in variants:
            chosen = [e for e in examples if e.variant == name and e.is_plan == is_plan]
            found = sum(line_art_probability(e.statistics) >= limit for e in chosen)
            print(f"{'plan' if is_plan else 'photograph'}, {name} | {found} of {len(chosen)}")


if __name__ == "__main__":
    main()
