"""Measurements and thresholds -> findings: what is wrong with a picture, how much, and whether it is left out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from realesrgan_arch.audit.measure import Measurements
from realesrgan_arch.audit.thresholds import AuditThresholds, Limits


@dataclass(frozen=True)
class Finding:
    """One reason to look at a picture, or to leave it out when `drop` is true."""

    reason: str
    value: float
    threshold: float
    """The one that `value` is beyond: that of `drop`, or else of `note`."""
    drop: bool
    text: str
    """A sentence for people."""


@dataclass(frozen=True)
class Rule:
    """How one key of the thresholds is judged."""

    key: str
    reason: str
    value: Callable[[Measurements], float | None]
    bad: Literal["low", "high"]
    """`low`: below the threshold; `high`: at it or above."""
    text: str


def _missing_detail(m: Measurements) -> float | None:
    """Steepness of the break times softness: blur alone has no break, a soft lens no such loss, an enlargement both."""
    return None if m.spectrum_fall is None or m.sharpness is None else m.spectrum_fall * (1 - m.sharpness)


RULES = (
    Rule("animated", "animated", lambda m: float(m.is_animated), "high", "Animated; only its first frame is read."),
    Rule("cmyk", "cmyk", lambda m: float(m.is_cmyk), "high", "CMYK; its colours are converted without its profile."),
    Rule("gray", "gray", lambda m: m.colorfulness, "low", "Gray: its channels differ by {value:.2g} levels."),
    Rule("alpha", "alpha", lambda m: float(m.has_alpha), "high", "Has transparency, which is ignored."),
    Rule("sixteen_bit", "sixteen_bit", lambda m: m.bits, "high", "{value:.0f} bits a channel; 8 are used."),
    Rule("exif_rotated", "exif_rotated", lambda m: m.orientation, "high", "Turned upright by EXIF ({value:.0f})."),
    Rule("too_small", "too_small", lambda m: min(m.width, m.height), "low", "Its short side is {value:.0f} pixels."),
    Rule("blurred", "blurred", lambda m: m.sharpness, "low", "Even its sharpest parts are blurred ({value:.2f})."),
    Rule("jpeg_quality", "compressed", lambda m: m.jpeg_quality, "low", "Saved as JPEG of quality {value:.0f}."),
    Rule("block_grid", "compressed", lambda m: m.block_grid, "high", "Shows the 8x8 grid of a JPEG ({value:.2f})."),
    Rule("upscaled", "upscaled", _missing_detail, "high", "Enlarged or softened: its detail breaks off ({value:.1f})."),
    Rule("repeated_pixels", "upscaled", lambda m: m.repetition, "high", "Enlarged by repeating pixels ({value:.2f})."),
    Rule("blank", "blank", lambda m: m.contrast, "low", "Nearly blank: its gray varies by {value:.1f} levels."),
    Rule("line_drawing", "line_drawing", lambda m: m.line_art, "high", "Looks like a plan or drawing ({value:.2f})."),
)


def judge(measurements: Measurements, thresholds: AuditThresholds) -> tuple[Finding, ...]:
    """Return at most one finding for each reason, those that leave the picture out first."""
    found: dict[str, Finding] = {}
    for rule in RULES:
        finding = _apply(rule, measurements, getattr(thresholds, rule.key))
        if finding is not None and (finding.reason not in found or finding.drop > found[finding.reason].drop):
            found[finding.reason] = finding
    return tuple(sorted(found.values(), key=lambda finding: not finding.drop))


def _apply(rule: Rule, measurements: Measurements, limits: Limits) -> Finding | None:
    value = rule.value(measurements)
    if value is None:
        return None
    for drop, threshold in ((True, limits.drop), (False, limits.note)):
        if not isinstance(threshold, str) and (value >= threshold if rule.bad == "high" else value < threshold):
            return Finding(rule.reason, float(value), float(threshold), drop, rule.text.format(value=value))
    return None
