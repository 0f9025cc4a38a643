"""The option file of a guided run, written from a template with comments; `train.py` takes it as it is."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from realesrgan_arch.guided.base import Base
from realesrgan_arch.networks.spec import RRDBNetSpec
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.options.types import Options
from realesrgan_arch.options.yaml_dialect import parse_document

FIDELITY, ADVERSARIAL = "fidelity.yml", "adversarial.yml"
_BATCH = {FIDELITY: 8, ADVERSARIAL: 12}
_QUEUE = {FIDELITY: 64, ADVERSARIAL: 180}
_LINES_OF_PROGRESS = 50


@dataclass(frozen=True)
class Schedule:
    """How many steps, after how many of them a validation, and over how many the weights are averaged."""

    total_iter: int
    val_freq: int
    ema_decay: float


@dataclass(frozen=True)
class Places:
    """What the option file names."""

    options: Path
    data: Path
    manifest: Path
    val: Path
    test: Path
    experiments: Path


@dataclass(frozen=True)
class Trained:
    """What the memory plan has chosen, and from how many pictures it draws."""

    num_images: int
    patterns: tuple[str, ...]
    accumulate: int
    checkpointing: bool


def render_options(
    name: str, base: Base, places: Places, trained: Trained, schedule: Schedule, *, num_workers: int
) -> str:
    """Return the text of the option file: with a discriminator where there is one for this base."""
    template = ADVERSARIAL if base.discriminator else FIDELITY
    text = (files("realesrgan_arch") / "guided" / template).read_text(encoding="utf-8")
    spec = replace(base.spec, checkpointing=trained.checkpointing) if isinstance(base.spec, RRDBNetSpec) else base.spec
    batch = min(_BATCH[template], trained.num_images)
    values = {
        "name": name,
        "batch": batch,
        "queue_size": _QUEUE[template] // batch * batch,
        "scale": spec.scale,
        **{key: path.as_posix() for key, path in vars(places).items()},
        "num_workers": num_workers,
        "base": base.source,
        "discriminator": base.discriminator,
        "trainable": list(trained.patterns),
        "accumulate": trained.accumulate,
        "ema_decay": schedule.ema_decay,
        "total_iter": schedule.total_iter,
        "val_freq": schedule.val_freq,
        "print_freq": max(1, schedule.total_iter // _LINES_OF_PROGRESS),
    }
    blocks = {"network_g": _block(asdict(spec)), "command": f"python realesrgan_arch/train.py -opt {places.options}"}
    return Template(text).substitute({key: _scalar(value) for key, value in values.items()} | blocks)


def parse_option_text(text: str) -> Options:
    """Return the options of a rendered file that is not on the disk yet.

    Raises:
        OptionsError: values that no option file may hold.
    """
    return parse_options(parse_document(text).values, source="the option file of this guided run")


def _scalar(value: object) -> str:
    """Return a value as JSON, which YAML reads the same."""
    return json.dumps(value, ensure_ascii=False)


def _block(values: Mapping[str, Any]) -> str:
    return "\n".join(f"  {key}: {_scalar(value)}" for key, value in values.items())
