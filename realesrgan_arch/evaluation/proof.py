"""What an evaluation found, as one record that a report, a sweep or a later session reads: `proof.json`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from realesrgan_arch.evaluation.statistics import Judgement

PROOF_FILE = "proof.json"
SCORES_FILE = "scores.csv"
FORMAT = 1
Why = Literal["worst", "best", "random"]
Kind = Literal["truth", "control", "base", "tuned"]


@dataclass(frozen=True)
class MethodFacts:
    """What was scored."""

    name: str
    """`bicubic`, `base`, `tuned`, `base + back-projection 1.0`, ..."""
    kind: Kind
    source: str = ""
    """File or known name of the weights, as a person reads it."""
    sha256: str = ""


@dataclass(frozen=True)
class ShownPicture:
    """A picture that the report shows."""

    name: str
    scene: str
    why: Why
    composite: float
    """Of `tuned` against `base`, in steps."""
    files: Mapping[str, str]
    """PNG by method (`lq`, `bicubic`, `base`, `tuned`, `ground truth`), relative to the folder of the proof; all of
    one place, 1:1 in pixels of the result but for `lq`."""


@dataclass(frozen=True)
class Proof:
    """One set of pictures."""

    title: str
    set_hash: str
    """Of a frozen set; else empty."""
    scale: int
    border: int
    y_channel: bool
    pictures: int
    scenes: int
    methods: tuple[MethodFacts, ...]
    means: Mapping[str, Mapping[str, float]]
    """By method, then metric: mean over pictures that are defined."""
    judgements: tuple[Judgement, ...] = ()
    """`tuned` against `base` first, then against each control, then each control against `base`."""
    groups: Mapping[str, Mapping[str, Judgement]] = field(default_factory=dict)
    """`tuned` against `base` by kind of group (`folder`, `tags`, ...), then by group."""
    shown: tuple[ShownPicture, ...] = ()
    left_out: tuple[str, ...] = ()
    """Files that could not be read or scored, with the reason."""
    notes: tuple[str, ...] = ()
    """Sentences a reader must know: undefined scores, too few scenes, targets that disagree."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Versions, device, date, command: for the report's last section."""
