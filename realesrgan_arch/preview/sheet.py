"""Preview pairs as one self-contained page; pictures are PNG, pixel for pixel."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from realesrgan_arch.degradation.gate import OWN
from realesrgan_arch.degradation.plain import PlainSettings
from realesrgan_arch.degradation.settings import Degradation, DegradationSettings, GatedSettings
from realesrgan_arch.evaluation.metrics import psnr
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import to_uint8
from realesrgan_arch.options.types import Options
from realesrgan_arch.pages import data_uri, render
from realesrgan_arch.preview.pairs import Draw, PreviewPair
from realesrgan_arch.preview.words import RecipeWords, gate_rows, plain_words, recipe_words, settings_rows
from realesrgan_arch.resampling import magnify_bicubic
from realesrgan_arch.training.assembly import assemble_synthesis

MARKER = '<meta name="generator" content="realesrgan-arch data preview">'
"""Stands in every page, which a later preview may replace."""


class Shot(NamedTuple):
    """A picture on the page: `uri` holds its pixels, the sides are its own, in pixels."""

    uri: str
    width: int
    height: int


class Card(NamedTuple):
    """One low-quality picture: `psnr` in dB of its bicubic enlargement against the ground truth."""

    title: str
    lq: Shot
    psnr: float
    words: RecipeWords | None


class Line(NamedTuple):
    """One training sample: the ground truth and its low-quality pictures."""

    path: str
    failed_path: str
    place: str
    gt: Shot
    cards: tuple[Card, ...]


def render_sheet(pairs: Iterable[PreviewPair], options: Options, *, source: str) -> str:
    """Return the page for `pairs` of `options`, which were read from the file `source`."""
    degradation = None if options.is_paired else assemble_synthesis(options).settings
    gate = degradation if isinstance(degradation, GatedSettings) else None
    settings = _own_ranges(degradation)
    lines = [_line(pair, scale=options.scale) for pair in pairs]
    return render(
        "preview.html",
        marker=MARKER,
        title=f"What training sees: {options.name}",
        source=source,
        options=options,
        is_degraded=not options.is_paired,
        gates=gate_rows(gate) if gate else (),
        settings=settings,
        rows=settings_rows(settings) if settings else (),
        lines=lines,
        notes=_notes(options, degradation),
    )


def _own_ranges(degradation: Degradation | PlainSettings | None) -> DegradationSettings | None:
    """Return the ranges of the option file that something is drawn from."""
    if isinstance(degradation, GatedSettings):
        return degradation.passes if any(branch.name in OWN for branch in degradation.branches) else None
    return degradation if isinstance(degradation, DegradationSettings) else None


def _notes(options: Options, degradation: Degradation | PlainSettings | None) -> list[str]:
    if degradation is None:
        return []
    usm = options.usm()
    start = "sharpened (USM) before it is degraded" if usm.lq else "degraded as it is, not sharpened"
    notes = [f"The ground truth is {start}."]
    if isinstance(degradation, PlainSettings):
        notes.append(plain_words(degradation))
    switches = (("L1", usm.pixel), ("perceptual", usm.perceptual), ("adversarial", usm.adversarial))
    sharpened = [name for name, is_on in switches if is_on]
    if sharpened:
        notes.append(f"Loss against a sharpened ground truth: {', '.join(sharpened)}. The page shows it unsharpened.")
    if options.pool_size:
        notes.append(
            f"Once {options.pool_size} pairs have been made, the pool deals them out to other batches; their pixels "
            "stay the same."
        )
    return notes


def _line(pair: PreviewPair, *, scale: int) -> Line:
    place = f"step {pair.step}, place {pair.slot + 1} of the batch"
    place += "" if pair.rank is None else f" of rank {pair.rank}"
    cards = tuple(_card(pair, draw, number, scale=scale) for number, draw in enumerate(pair.draws))
    failed = shown(Path(pair.failed_path)) if pair.failed_path else ""
    return Line(shown(Path(pair.gt_path)), failed, place, _shot(pair.gt), cards)


def _card(pair: PreviewPair, draw: Draw, number: int, *, scale: int) -> Card:
    if draw.recipe is None:
        title, words = "LQ from its file", None
    else:
        title = "what training sees" if number == 0 else f"another draw: the recipe of step {draw.recipe.step}"
        words = recipe_words(draw.recipe, slot=pair.slot)
    score = psnr(magnify_bicubic(draw.lq, scale=scale), pair.gt)
    return Card(title, _shot(draw.lq), score, words)


def _shot(image: Tensor) -> Shot:
    pixels = to_uint8(image)
    return Shot(data_uri(pixels, suffix=".png"), width=pixels.shape[1], height=pixels.shape[0])
