"""What a report tells besides the proof: how the model was trained, on what, and how to use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from realesrgan_arch.evaluation.evaluate import Better


@dataclass(frozen=True)
class Curve:
    """One number over the steps of a training."""

    title: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    """(step, value) by validation set, or by the name of a loss; finite, in the order of the steps."""
    unit: str = ""
    base: float | None = None
    """Of the model that the training began from, on the first set."""
    better: Better | None = None
    """None where neither is: a loss."""


@dataclass(frozen=True)
class Layer:
    """A layer that the training changed."""

    name: str
    parameters: int
    moved: float
    """The length of the change of its weights over that of the weights before."""


@dataclass(frozen=True)
class Trial:
    """What was tried before the model was as it is: layers to train, or shares of a blend."""

    heading: str
    words: str
    """What was decided."""
    reading: str
    """How to read the table."""
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    plots: tuple[str, ...]
    """SVG, one a metric that fidelity trades off with."""
    keeps_base: bool = False
    """Whether no share of the tuned weights was better."""


@dataclass(frozen=True)
class Story:
    """What a reader wants to know of the tuned model; empty where it is not known."""

    step: int | None = None
    """Of the training, at which the weights were written."""
    curves: tuple[Curve, ...] = ()
    layers: tuple[Layer, ...] = ()
    """Those whose weights changed, in the order of the network."""
    untouched: int = 0
    """Layers that are, bit for bit, those of the base."""
    data: tuple[tuple[str, str], ...] = ()
    """What it trained on: label and words."""
    options: str = ""
    """The option file, without paths of the machine."""
    commands: tuple[str, ...] = ()
    """What to type to use the weights."""
    places: tuple[tuple[str, str], ...] = ()
    """Other programs: the format that they take, and where it goes."""
    notes: tuple[str, ...] = ()
